"""A Debian package in a machine: installed, upgraded, removed, purged."""

import re
import shutil
import subprocess
from pathlib import Path

from tests.systemd.bmcs import PASSWORD
from tests.systemd.nspawn import Machine
from tests.systemd.service import Service

OLD_VERSION = "0.0.1"
NAME = "solrecd"


class Deb:
    """What dpkg does with the package.

    Args:
        machine: it runs there.
    """

    def __init__(self, machine: Machine) -> None:
        self.machine = machine

    def install(self, package: Path) -> str:
        """Install or upgrade, as apt does; return what that printed."""
        inside = f"/root/{package.name}"
        shutil.copy(package, Path(f"{self.machine.root}{inside}"))
        options = "DEBIAN_FRONTEND=noninteractive dpkg --force-confdef"
        return self.machine.run(f"{options} --install {inside} 2>&1; rm {inside}")

    def dpkg(self, verb: str) -> str:
        """Remove or purge it; return what that printed."""
        return self.machine.run(f"dpkg --{verb} {NAME} 2>&1")

    def give_password(self) -> None:
        """Put the credential where the README says."""
        script = "install -d -m 700 /etc/credstore; umask 077; "
        self.machine.run(f"{script} cat > /etc/credstore/solrecd.bmc", stdin=PASSWORD)

    def service(self) -> Service:
        """Return the unit."""
        return Service(self.machine, "solrecd.service")

    def forget(self) -> None:
        """Leave nothing of the package in the machine."""
        self.machine.run(
            f"dpkg --purge {NAME} || :; rm -rf /var/log/solrecd /etc/credstore;"
            " systemctl daemon-reload; systemctl reset-failed"
        )

    def version_that_runs(self) -> str:
        """Return the version of the daemon that answers."""
        return self.machine.run("solrecctl --version").split()[0]


def aged(package: Path, folder: Path) -> Path:
    """Return a package that differs in nothing but its version, which is older."""
    tree = folder / "tree"
    _run("dpkg-deb", "--raw-extract", str(package), str(tree))
    control = tree / "DEBIAN/control"
    control.write_text(
        re.sub(r"(?m)^Version: .*", f"Version: {OLD_VERSION}", control.read_text())
    )
    (module,) = tree.glob("usr/lib/solrecd/lib/python*/site-packages/solrecd/")
    text = (module / "__init__.py").read_text()
    (module / "__init__.py").write_text(
        re.sub(r"(?m)^__version__ = .*", f'__version__ = "{OLD_VERSION}"', text)
    )
    for compiled in (module / "__pycache__").glob("__init__.*"):
        compiled.unlink()
    old = folder / f"{NAME}_{OLD_VERSION}.deb"
    _run("dpkg-deb", "-Zgzip", "-z1", "--build", str(tree), str(old))
    return old


def _run(*command: str) -> None:
    subprocess.run(command, check=True, stdout=subprocess.DEVNULL)
