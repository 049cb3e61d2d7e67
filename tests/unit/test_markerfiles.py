"""An administrator's files add to the packaged rules, or are refused with a reason."""

from __future__ import annotations

from pathlib import Path

import pytest

from solrecd import markerfiles
from solrecd.boot.rules import RuleError

RULE = """
# Ours.
[[marker]]
id = "site.raid"
role = "failure"
name = "raid"
severity = "critical"
pattern = 'RAID degraded'
example = "RAID degraded: disk 3"
"""


def test_a_folder_that_is_not_there_adds_nothing(tmp_path: Path) -> None:
    rules = markerfiles.load(str(tmp_path / "none"))

    assert rules.rules == markerfiles.load().rules


def test_a_file_adds_rules_and_switches_packaged_ones_off(tmp_path: Path) -> None:
    (tmp_path / "site.toml").write_text('disable = ["hung.die"]\n' + RULE)
    (tmp_path / "notes.txt").write_text("no rules")

    found = {rule.id for rule in markerfiles.load(str(tmp_path)).rules}

    assert "site.raid" in found
    assert "hung.die" not in found


@pytest.mark.parametrize(
    ("old", "new", "message"),
    [
        ("RAID degraded'", "RAID (?=degraded)'", "not a pattern of RE2"),
        ("RAID degraded'", "RAID failed'", "does not match its own example"),
        ('"failure"', '"faliure"', "'faliure' is none of: stage"),
    ],
)
def test_a_bad_rule_is_refused_with_file_line_and_id(
    tmp_path: Path, old: str, new: str, message: str
) -> None:
    file = tmp_path / "site.toml"
    file.write_text(RULE.replace(old, new))

    with pytest.raises(RuleError) as caught:
        markerfiles.load(str(tmp_path))

    assert str(caught.value).startswith(f"{file}:3: site.raid: ")
    assert message in str(caught.value)


def test_a_file_that_is_no_text_is_refused(tmp_path: Path) -> None:
    (tmp_path / "site.toml").write_bytes(b"\xff\xfe")

    with pytest.raises(RuleError, match="cannot read marker files"):
        markerfiles.load(str(tmp_path))
