"""From the README's installation without a package to the package."""

from pathlib import Path

from tests.packages.debs import Deb
from tests.systemd import handbook
from tests.systemd.bmcs import PASSWORD, Bmcs, record
from tests.systemd.service import pauses, wait_until

PAGE = "packaging/docs/upgrading.md"
CHAPTER = "From an installation in /opt/solrecd to the package"


def test_the_upgrade_notes_move_an_installation_with_its_sessions(
    deb: Deb, built: Path
) -> None:
    assert built.exists()
    handbook.install(deb.machine, PASSWORD)
    service = deb.service()
    with Bmcs(deb.machine, 2, rate=20) as bmcs:
        record(service, bmcs)
        owners = bmcs.owners

        (script,) = handbook.commands(CHAPTER, PAGE)
        keep = "export DEBIAN_FRONTEND=noninteractive; "
        script = script.replace(
            "apt install", "apt -o Dpkg::Options::=--force-confold install -y"
        )
        deb.machine.run(keep + script)
        wait_until(
            lambda: all(pauses(service.text(name)) for name in bmcs.names),
            lambda: service.messages,
        )

        assert bmcs.owners == owners
        assert service.show("FragmentPath") == "/lib/systemd/system/solrecd.service"
        assert not (deb.machine.root / "opt/solrecd").exists()
