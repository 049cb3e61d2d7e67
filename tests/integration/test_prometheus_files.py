"""What packaging/prometheus has, in the opinion of Prometheus's own tools."""

import shutil
import subprocess
from pathlib import Path

import pytest

from tests.support.alert_rules import CASES, FOLDER, RULES
from tests.support.peers import need


@pytest.fixture(scope="module")
def tools() -> None:
    """Prometheus's tools are installed."""
    need(
        "promtool and amtool are not installed (Debian: prometheus"
        " prometheus-alertmanager)",
        available=None not in map(shutil.which, ("promtool", "amtool")),
    )


def ask(*command: str | Path) -> str:
    """Run a tool that must agree; return what it says."""
    done = subprocess.run(
        command, check=False, capture_output=True, text=True, timeout=300
    )
    assert done.returncode == 0, done.stdout + done.stderr
    return done.stdout


@pytest.mark.usefixtures("tools")
def test_promtool_understands_the_rules() -> None:
    assert "SUCCESS" in ask("promtool", "check", "rules", RULES)


@pytest.mark.usefixtures("tools")
@pytest.mark.parametrize("cases", CASES, ids=lambda path: path.stem)
def test_the_rules_tell_what_they_should_and_nothing_else(cases: Path) -> None:
    ask("promtool", "test", "rules", cases)


@pytest.mark.usefixtures("tools")
def test_promtool_understands_the_sample_configuration() -> None:
    said = ask("promtool", "check", "config", FOLDER / "prometheus.yml")

    assert "1 rule files found" in said


@pytest.mark.usefixtures("tools")
@pytest.mark.parametrize(
    ("severity", "receiver"),
    [
        ("fatal", "pager"),
        ("critical", "pager"),
        ("warning", "day"),
        ("info", "week"),
    ],
)
def test_an_alert_goes_to_whom_its_severity_wants(severity: str, receiver: str) -> None:
    file = f"--config.file={FOLDER / 'alertmanager.yml'}"

    ask("amtool", "check-config", FOLDER / "alertmanager.yml")
    routed = ask("amtool", "config", "routes", "test", file, f"severity={severity}")

    assert routed.strip() == receiver
