"""`solrecctl import` on what Debian's packages of ConMan and conserver ship."""

import json
import re
from pathlib import Path

import pytest

from solrecd.cli.inventory import read_conman, read_conserver
from solrecd.cli.inventory.scripts import NAMES
from solrecd.cli.program import run
from solrecd.cli.solrecctl import PROGRAM
from tests.support.peers import need

_SCRIPTS = Path("/usr/lib/conman/exec")
_EXAMPLES = Path("/usr/share/doc/conserver-server/examples")


@pytest.fixture
def scripts() -> list[Path]:
    need("not installed: conman", available=_SCRIPTS.is_dir())
    return sorted(_SCRIPTS.glob("*.exp"))


@pytest.fixture
def examples() -> Path:
    need("not installed: conserver-server", available=_EXAMPLES.is_dir())
    return _EXAMPLES


def test_every_script_of_the_package_is_known(scripts: list[Path]) -> None:
    assert {script.name for script in scripts} <= NAMES


def test_every_script_is_read_as_its_own_example_has_it(scripts: list[Path]) -> None:
    for script in scripts:
        example = re.search(r'dev="/path/to/(.*?)"', script.read_text("latin-1"))
        assert example
        words = re.sub(r"[][]", "", example[1]).replace("PORT", "22")
        text = f'console name="zot" dev="{_SCRIPTS}/{words}"'

        (console,) = read_conman(text).consoles

        assert "HOST" in console.place
        assert "PSWD" not in console.place
        assert console.settings.get("username", "USER") == "USER"


def test_the_directives_that_conman_conf_explains_are_all_read(
    scripts: list[Path],
) -> None:
    assert scripts
    text = Path("/etc/conman.conf").read_text()
    explained = re.findall(r"^# ((?:server|global) \w+=.*)$", text, re.MULTILINE)
    values = [re.sub(r"\(.*?\)", "1", one).replace("<int>", "1") for one in explained]

    remarks = read_conman("\n".join(values)).remarks

    assert len(values) > 12
    assert not [remark for remark in remarks if "is not a directive" in remark.why]


def test_the_sample_of_conserver_has_all_of_its_consoles(
    examples: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    sample = examples / "conserver.cf"
    wanted = set(re.findall(r"^console (\S+)", sample.read_text(), re.MULTILINE))

    status = run(PROGRAM, ["import", "--json", str(sample)])

    objects = [json.loads(line) for line in capsys.readouterr().out.splitlines()]
    found = {one["console"]: one for one in objects if "console" in one}
    assert (status, set(found)) == (0, wanted)
    assert found["web1.conserver.com"]["address"] == "ts1.conserver.com:2200"
    assert found["modem2.conserver.com"]["device"] == "/dev/ttyC5"


def test_the_configuration_that_conserver_installs_holds_no_console(
    examples: Path,
) -> None:
    assert examples.is_dir()
    inventory = read_conserver(Path("/etc/conserver/conserver.cf").read_text())

    assert not inventory.consoles
    assert [remark.what for remark in inventory.remarks] == ["config", "access"]
