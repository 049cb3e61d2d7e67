"""What is shipped beside the code: the unit, its user, the example configuration."""

import re
import shutil
import subprocess
from dataclasses import replace
from pathlib import Path

import pytest

from solrecd.api.listening_sockets import CONTROL, SOCKET_MODE
from solrecd.cli.shared.config_files import DEFAULT_PATH
from solrecd.config import Config, DaemonConfig
from solrecd.process.stopping import LIMIT
from solrecd.sources.ipmi.protocol.quirks import Quirk
from tests.support.configs import bmc_of, machine, read

ROOT = Path(__file__).parents[2]
SERVICE = ROOT / "systemd/solrecd.service"
TEMPLATE = ROOT / "systemd/solrecd@.service"
EXAMPLE = (ROOT / "packaging/solrecd.toml").read_text()

needs_systemd = pytest.mark.skipif(
    shutil.which("systemd-analyze") is None, reason="systemd-analyze is not installed"
)


def analyze(*arguments: str) -> subprocess.CompletedProcess[str]:
    """Run systemd-analyze."""
    return subprocess.run(
        ["systemd-analyze", *arguments], capture_output=True, text=True, check=False
    )


def setting(name: str) -> str:
    """Return the value of a setting of the unit that is set once."""
    (value,) = re.findall(rf"^{name}=(.*)$", SERVICE.read_text(), re.MULTILINE)
    return str(value)


SERVICES = sorted((ROOT / "systemd").glob("*.service"))
UNITS = [*SERVICES, *sorted((ROOT / "systemd").glob("*.socket"))]


@needs_systemd
@pytest.mark.parametrize("source", UNITS, ids=lambda unit: unit.name)
def test_systemd_accepts_the_unit(tmp_path: Path, source: Path) -> None:
    for each in UNITS:
        # The program need not be installed where the tests run.
        text = re.sub("/usr/bin/solrec(d|ctl) ", "/bin/true ", each.read_text())
        (tmp_path / each.name.replace("@", "@east")).write_text(text)
    unit = tmp_path / source.name.replace("@", "@east")

    result = analyze("verify", "--man=no", str(unit))

    assert (result.returncode, result.stderr) == (0, "")


@needs_systemd
@pytest.mark.parametrize("source", SERVICES, ids=lambda unit: unit.name)
def test_the_sandbox_is_as_tight_as_promised(source: Path) -> None:
    result = analyze("security", "--offline=yes", "--threshold=15", str(source))

    assert result.returncode == 0, result.stdout


OF_AN_INSTANCE = {
    "Description": "IPMI Serial-over-LAN recorder (%i)",
    "ExecStart": "/usr/bin/solrecd run -c /etc/solrecd/%i/solrecd.toml",
    "ExecReload": "/usr/bin/solrecctl -c /etc/solrecd/%i/solrecd.toml reload",
    "ConfigurationDirectory": "solrecd/%i",
    "StateDirectory": "solrecd/%i",
    "LogsDirectory": "solrecd/%i",
    "RuntimeDirectory": "solrecd/%i",
    "Sockets": "solrecd@%i.socket",
}


def test_an_instance_differs_in_its_name_and_its_places_only() -> None:
    lines = SERVICE.read_text().partition("[Unit]")[2].splitlines()

    expected = [
        f"{key}={OF_AN_INSTANCE[key]}"
        if (key := line.partition("=")[0]) in OF_AN_INSTANCE
        else line
        for line in lines
    ]

    assert TEMPLATE.read_text().partition("[Unit]")[2].splitlines() == expected


def test_a_socket_listens_where_its_daemon_looks_for_it_and_as_it_would() -> None:
    for name, folder in (("", "/run/solrecd"), ("@", "/run/solrecd/%i")):
        text = (ROOT / f"systemd/solrecd{name}.socket").read_text()

        assert f"\nListenStream={folder}/control.sock\n" in text
        assert f"\nFileDescriptorName={CONTROL}\n" in text
        assert f"\nSocketMode={SOCKET_MODE:04o}\n" in text
    assert DaemonConfig().control == "/run/solrecd/control.sock"


def test_systemd_waits_for_the_longest_stop_and_ten_seconds_more() -> None:
    assert int(setting("TimeoutStopSec")) == LIMIT + 10


def test_a_restart_kills_neither_programs_of_consoles_nor_the_systemctl_it_asks() -> (
    None
):
    assert setting("KillMode") == "process"
    assert int(setting("FileDescriptorStoreMax")) > 0


def test_a_program_that_takes_too_much_memory_does_not_end_the_service() -> None:
    assert setting("OOMPolicy") == "continue"


def test_the_journal_outlives_the_process() -> None:
    assert setting("RuntimeDirectoryPreserve") == "yes"


def test_the_unit_its_user_and_its_folders_agree() -> None:
    user = setting("User")
    sysusers = (ROOT / "systemd/solrecd.sysusers").read_text()
    tmpfiles = (ROOT / "systemd/solrecd.tmpfiles").read_text()

    assert f"u {user} " in sysusers
    for folder, mode in (
        ("/var/log/", setting("LogsDirectoryMode")),
        ("/var/lib/", setting("StateDirectoryMode")),
        ("/run/", setting("RuntimeDirectoryMode")),
        ("/etc/", setting("ConfigurationDirectoryMode")),
    ):
        assert re.search(rf"^d {folder}solrecd +{mode} ", tmpfiles, re.MULTILINE)
    assert DEFAULT_PATH.startswith("/etc/solrecd/")


def with_every_key(text: str) -> str:
    """Return the example with its commented keys set, but one password and one K_g."""
    text = re.sub(r"^#(?=[a-z_]+ = |\[)", "", without_alerts(text), flags=re.MULTILINE)
    # Keys that several kinds share, and consoles without one of these do not have.
    text = re.sub(r"(?ms)^\[console\.MY-CONSOLE\].*?(?=^\[)", "", text)
    others = r"^(password|kg|key_credential)(_file)? = .*\n"
    return re.sub(others, "", text, flags=re.MULTILINE)


def with_consoles(text: str) -> str:
    """Return the example with its consoles, and with no more than they need."""
    wanted = r"^#(?=\[console\.(?!MY-)|(bmc|username|password_credential) =)"
    return re.sub(wanted, "", without_kinds(without_alerts(text)), flags=re.MULTILINE)


def without_kinds(text: str) -> str:
    """Return the example without the consoles of other kinds."""
    tables = r"^#\[console\.MY-.*?(?=^#?\[(?!console\.MY-))"
    return re.sub(tables, "", text, flags=re.MULTILINE | re.DOTALL)


def without_alerts(text: str) -> str:
    """Return the example without the tables of receivers."""
    tables = r"^#\[alerts\..*?(?=^#\[(?!alerts\.))"
    return re.sub(tables, "", text, flags=re.MULTILINE | re.DOTALL)


FILES = machine(
    {
        "/c/bmc": (0o400, b"pw"),
        "/c/bmc-kg": (0o400, b"kg"),
        "/c/ci-token": (0o400, b"t" * 40),
        "/etc/solrecd/api.key": (0o400, b""),
        "/etc/solrecd/ci.token": (0o400, b"u" * 40),
    },
    credentials="/c",
)
CREDENTIALS = replace(FILES, check_tls=lambda _: None)


def test_the_example_sets_nothing() -> None:
    assert read(EXAMPLE) == Config()


def test_the_examples_consoles_are_a_valid_configuration() -> None:
    config = read(with_consoles(EXAMPLE), environment=CREDENTIALS)

    assert len(config.consoles) == 129
    assert bmc_of(config, "gateway").username == b"other"


def test_the_examples_comments_are_valid() -> None:
    config = read(with_every_key(EXAMPLE), environment=CREDENTIALS)

    assert bmc_of(config, "node001").kg is not None
    assert config.daemon.journal == "/run/solrecd/journal"


def test_the_engines_quirks_are_configurable() -> None:
    text = with_consoles(EXAMPLE).replace(
        "#quirks = []", f"quirks = {[str(one) for one in Quirk]}"
    )

    config = read(text, environment=CREDENTIALS)

    assert bmc_of(config, "node001").quirks == frozenset(Quirk)
