"""An administrator's files add to the packaged rules, or are refused with a reason."""

from __future__ import annotations

from pathlib import Path

import pytest

from solrecd.analysis.boot.rulefiles import RuleError
from solrecd.storage import marker_files

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
    rules = marker_files.load(str(tmp_path / "none"))

    assert rules.rules == marker_files.load().rules


def test_a_file_adds_rules_and_switches_packaged_ones_off(tmp_path: Path) -> None:
    (tmp_path / "site.toml").write_text('disable = ["hung.die"]\n' + RULE)
    (tmp_path / "notes.txt").write_text("no rules")

    found = {rule.id for rule in marker_files.load(str(tmp_path)).rules}

    assert "site.raid" in found
    assert "hung.die" not in found


@pytest.mark.parametrize(
    ("old", "new", "line", "message"),
    [
        ("RAID degraded'", "RAID (?=degraded)'", 8, "not a pattern of RE2"),
        ("RAID degraded'", "RAID failed'", 8, "does not match its own example"),
        ('"failure"', '"faliure"', 5, "'faliure' is none of: stage"),
    ],
)
def test_a_bad_rule_is_refused_with_file_line_and_id(
    tmp_path: Path, old: str, new: str, line: int, message: str
) -> None:
    file = tmp_path / "site.toml"
    file.write_text(RULE.replace(old, new))

    with pytest.raises(RuleError) as caught:
        marker_files.load(str(tmp_path))

    assert str(caught.value).startswith(f"{file}:{line}: site.raid: ")
    assert message in str(caught.value)


def test_files_that_cannot_be_read_are_told_with_the_others(tmp_path: Path) -> None:
    (tmp_path / "a.toml").write_bytes(b"# fine\n\xff\xfe")
    (tmp_path / "b.toml").mkdir()
    (tmp_path / "c.toml").write_text("colour = 1")
    (tmp_path / "d.toml").write_bytes(b"#" * (marker_files.FILE_LIMIT + 1))

    with pytest.raises(RuleError) as caught:
        marker_files.load(str(tmp_path))

    assert [
        line.removeprefix(f"{tmp_path}/") for line in str(caught.value).split("\n")
    ][:-1] == [
        "a.toml: cannot be read: byte 0xff in line 2 is not UTF-8",
        "b.toml: cannot be read: Is a directory",
        "d.toml: cannot be read: larger than 1048576 bytes",
    ]
    assert "c.toml:1: unknown key 'colour'" in str(caught.value)


def test_a_folder_that_is_a_file_is_refused(tmp_path: Path) -> None:
    (tmp_path / "markers.d").write_text("")

    with pytest.raises(RuleError, match="cannot be read: Not a directory"):
        marker_files.load(str(tmp_path / "markers.d"))


def test_a_file_that_is_nested_too_deeply_is_refused(tmp_path: Path) -> None:
    (tmp_path / "site.toml").write_text("a = " + "[" * 100_000)

    with pytest.raises(RuleError, match=r"site\.toml"):
        marker_files.load(str(tmp_path))
