"""A console in a few lines."""

import io
from typing import Any

from solrecd.cli.shared.output import Screen
from solrecd.cli.shared.status_summary import show

NOW = "2026-11-22T12:10:00.000000Z"
STATUS: dict[str, Any] = {
    "console": "node1",
    "kind": "ipmi",
    "bmc": "node1-bmc",
    "username": "recorder",
    "session": "up",
    "since": "2026-11-22T12:00:00.000000Z",
    "error": None,
    "next_try": None,
    "power": "on",
    "boot": 42,
    "stage": "kernel",
    "stage_since": "2026-11-22T12:09:30.000000Z",
    "outcome": "failed",
    "last_output": "2026-11-22T12:09:59.000000Z",
    "viewers": 0,
    "labels": {"rack": "r1"},
    "title": "Kernel panic - not syncing",
    "gaps": 1,
}


def shown(*lines: str, **changes: Any) -> list[str]:
    text = io.StringIO()
    output = Screen(text, {"NO_COLOR": "1"}, is_terminal=True, width=80)
    show(output, {**STATUS, **changes}, lines, NOW)
    output.flush()
    return text.getvalue().splitlines()


def test_a_console_is_session_boot_failure_output_and_its_last_lines() -> None:
    assert shown("---[ end Kernel panic") == [
        "\u25cf node1",
        "      Session: up since 2026-11-22 12:00:00Z; 10m ago",
        "      Console: ipmi node1-bmc as recorder",
        "         Boot: 42, failed, stage kernel since 2026-11-22 12:09:30Z; 30s ago",
        "      Failure: Kernel panic - not syncing",
        "        Power: on",
        "       Output: last at 2026-11-22 12:09:59Z; 1.0s ago, 1 gap",
        "       Labels: rack=r1",
        "",
        "---[ end Kernel panic",
    ]


def test_a_session_that_is_down_says_why_and_when_the_next_try_is() -> None:
    rows = shown(
        session="down", error="bad_password", next_try="2026-11-22T12:10:30.000000Z"
    )

    assert "        Error: bad_password, next try in 30s" in rows


def test_a_console_without_a_record_says_so() -> None:
    rows = shown(boot=None, stage="unknown", outcome=None, last_output=None, since=None)

    assert "      Session: up" in rows
    assert "         Boot: none recorded yet" in rows
    assert "       Output: none yet" in rows


def test_what_a_console_prints_cannot_control_the_terminal() -> None:
    assert "\x1b" not in "".join(shown("\x1b[2J", title="\x1b]0;x"))
