"""The Debian package under a real systemd: install, upgrade, remove, purge."""

from pathlib import Path

from tests.packages.conftest import HOW_BUILT
from tests.packages.debs import OLD_VERSION, Deb
from tests.systemd import handbook
from tests.systemd.bmcs import PASSWORD, Bmcs, record
from tests.systemd.service import CONFIGURATION, Service, pauses, wait_until

ARCHIVES = "/var/log/solrecd"


def recording(deb: Deb, package: Path, bmcs: Bmcs) -> Service:
    """Install a package, and have it record something of every console."""
    deb.install(package)
    deb.give_password()
    service = deb.service()
    service.systemctl("stop")
    record(service, bmcs)
    wait_until(lambda: all(map(service.raw, bmcs.names)), lambda: service.messages)
    return service


def exists(deb: Deb, path: str) -> bool:
    """Tell whether something is in the machine."""
    return deb.machine.run(f"test -e {path} && echo yes || :") == "yes\n"


def test_an_installed_package_runs_and_is_in_order(deb: Deb, built: Path) -> None:
    deb.install(built)
    run = deb.machine.run

    for unit in ("solrecd.service", "solrecd.socket"):
        assert run(f"systemctl is-enabled {unit}") == "enabled\n"
        assert run(f"systemctl is-active {unit}") == "active\n"
    assert "ok, 0 consoles" in run("solrecd check")
    assert run("solrecd --version").endswith(f"({HOW_BUILT})\n")
    assert run(f"stat -c '%U %a' {ARCHIVES} /var/lib/solrecd /run/solrecd") == (
        "solrecd 2750\nsolrecd 750\nsolrecd 750\n"
    )
    # The machine's dpkg leaves documentation out.
    assert run("dpkg --verify solrecd | grep -vE ' /usr/share/(doc|man)' || :") == ""
    assert run("systemctl --failed --quiet") == ""


def test_the_readmes_chapter_installs_it_and_shows_the_consoles(deb: Deb) -> None:
    with Bmcs(deb.machine, 2, rate=20) as bmcs:
        first, *others = handbook.commands("Installing the package")
        deb.machine.run(f"export DEBIAN_FRONTEND=noninteractive; yes | {first}")
        service = deb.service()
        service.configure(bmcs.configuration())
        for script in others:
            typed = PASSWORD if handbook.PASSWORD_FILE in script else ""
            deb.machine.run(script, stdin=typed)

        wait_until(
            lambda: deb.machine.run("solrecctl ls").count("\tup\t") == 2,
            lambda: service.messages,
        )

        explained = deb.machine.run("journalctl --catalog --unit=solrecd")
        assert "solrecctl status n0001" in explained


def test_the_programs_need_nothing_but_the_package(deb: Deb, built: Path) -> None:
    deb.install(built)

    told = deb.machine.run(
        "cd /; solrecd demo --for 3 2>&1; solrecctl ls --json || echo status $?"
    )

    assert "Traceback" not in told
    assert told.endswith("status 1\n")


def test_an_upgrade_keeps_the_sessions_the_configuration_and_the_archives(
    deb: Deb, older: Path, built: Path
) -> None:
    with Bmcs(deb.machine, 3, rate=20) as bmcs:
        service = recording(deb, older, bmcs)
        owners, before = bmcs.owners, service.pid
        configured = deb.machine.run(f"cat {CONFIGURATION}")
        old_version = deb.version_that_runs()

        deb.install(built)
        wait_until(
            lambda: all(pauses(service.text(name)) for name in bmcs.names),
            lambda: service.messages,
        )

        assert bmcs.owners == owners
        assert service.pid not in (0, before)
        assert (old_version, deb.version_that_runs() != OLD_VERSION) == (
            OLD_VERSION,
            True,
        )
        assert deb.machine.run(f"cat {CONFIGURATION}") == configured


def test_what_is_removed_leaves_configuration_and_archives_and_frees_the_consoles(
    deb: Deb, built: Path
) -> None:
    with Bmcs(deb.machine, 2, rate=20) as bmcs:
        recording(deb, built, bmcs)

        deb.dpkg("remove")

        assert set(bmcs.owners.values()) == {None}
        assert exists(deb, CONFIGURATION)
        assert exists(deb, f"{ARCHIVES}/{bmcs.names[0]}/current.raw")
        assert not exists(deb, "/usr/lib/solrecd")
        assert not exists(deb, "/usr/bin/solrecctl")
        assert deb.machine.run("systemctl is-active solrecd || :") == "inactive\n"


def test_a_purge_takes_all_but_the_archives_and_says_so(deb: Deb, built: Path) -> None:
    with Bmcs(deb.machine, 1, rate=20) as bmcs:
        recording(deb, built, bmcs)

        told = deb.dpkg("purge")

        assert f"the archives in {ARCHIVES} are kept" in told
        assert exists(deb, f"{ARCHIVES}/{bmcs.names[0]}/current.raw")
        for gone in ("/etc/solrecd", "/var/lib/solrecd", "/run/solrecd"):
            assert not exists(deb, gone)


def test_a_purge_of_a_package_that_recorded_nothing_leaves_nothing(
    deb: Deb, built: Path
) -> None:
    deb.install(built)

    told = deb.dpkg("purge")

    assert "are kept" not in told
    assert not exists(deb, ARCHIVES)


def test_who_is_not_in_the_group_is_told_so(deb: Deb, built: Path) -> None:
    deb.install(built)

    told = deb.machine.run("solrecctl ls 2>&1 || echo status $?", user="nobody")

    assert "ermission denied" in told
    assert told.endswith("status 3\n")
