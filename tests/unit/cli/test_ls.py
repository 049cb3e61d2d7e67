"""What `solrecctl ls` says to people, where that is not what a script gets."""

from __future__ import annotations

import io

import pytest

from solrecd.cli.commands import ls
from solrecd.cli.shared.output import Screen
from tests.support.rows import found


def listed(*, is_terminal: bool, **changes: object) -> str:
    out = io.StringIO()
    row = found("node1", **changes) | {"next_try": None}
    ls.show(Screen(out, {}, is_terminal=is_terminal), [row], as_json=False)
    return out.getvalue()


def test_a_machine_that_was_up_before_it_was_recorded_is_not_booting() -> None:
    row = {"stage": "unknown", "outcome": "running"}

    assert "running, boot not seen" in listed(is_terminal=True, **row)
    assert listed(is_terminal=False, **row).split("\t")[2::3][:2] == [
        "unknown",
        "running",
    ]


def test_a_boot_that_was_seen_is_told_by_its_stage() -> None:
    shown = listed(is_terminal=True, stage="kernel", outcome="running")

    assert "kernel" in shown
    assert "not seen" not in shown


@pytest.mark.parametrize(
    "changes",
    [
        {},
        {"stage": "unknown", "outcome": "running"},
        {"outcome": "failed", "stage": "initramfs"},
        {"session": "connecting", "error": "no answer from the BMC " * 9},
    ],
)
def test_a_row_fits_40_columns(changes: dict[str, object]) -> None:
    out = io.StringIO()
    row = found("a-rather-long-name", **changes) | {"next_try": None}

    ls.show(
        Screen(out, {"NO_COLOR": "1"}, is_terminal=True, width=40), [row], as_json=False
    )

    assert [line for line in out.getvalue().splitlines() if len(line) > 40] == []
