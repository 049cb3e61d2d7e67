"""What people read beside the code: links lead somewhere, names are the real ones."""

import re
from pathlib import Path

import pytest

import solrecd
from solrecd.cli.solrecctl import COMMANDS
from solrecd.cli.solrecd import COMMANDS as DAEMON_COMMANDS
from solrecd.events.sessions import LostReason
from solrecd.sources.ipmi.protocol.quirks import Quirk

ROOT = Path(__file__).parents[2]
DOCS = ROOT / "packaging/docs"
PAGES = [ROOT / "README.md", *sorted(DOCS.glob("*.md"))]

FENCE = re.compile(r"^```.*?^```$", re.MULTILINE | re.DOTALL)
HEADING = re.compile(r"^#+ +(.*)$", re.MULTILINE)
LINK = re.compile(r"\]\((?!https?:)([^)#\s]*)(?:#([^)\s]+))?\)")


def anchors(page: Path) -> set[str]:
    """Return the names that a page's headings have on the usual code hosts."""
    headings = HEADING.findall(FENCE.sub("", page.read_text()))
    kept = (re.sub(r"[^\w -]", "", heading.lower()) for heading in headings)
    return {each.replace(" ", "-") for each in kept}


def code(page: Path) -> list[str]:
    """Return what a page has in code: spans, fenced and indented blocks."""
    text = page.read_text()
    spans = re.findall(r"`([^`\n]+)`", FENCE.sub("", text))
    return [*FENCE.findall(text), *re.findall(r"^ {4}.*", text, re.MULTILINE), *spans]


@pytest.mark.parametrize("page", PAGES, ids=lambda page: page.name)
def test_links_lead_to_pages_and_headings_that_exist(page: Path) -> None:
    for path, anchor in LINK.findall(page.read_text()):
        target = (page.parent / path).resolve() if path else page

        assert target.exists(), f"{page.name}: {path}"
        if anchor:
            assert anchor in anchors(target), f"{page.name}: {path}#{anchor}"


@pytest.mark.parametrize("page", PAGES, ids=lambda page: page.name)
def test_commands_are_those_that_exist(page: Path) -> None:
    known = {
        "solrecctl": {command.name for command in COMMANDS},
        "solrecd": {command.name for command in DAEMON_COMMANDS},
    }

    used = re.findall(
        r"(?:^|[ $(/])(solrecctl|solrecd) ([a-z]+)\b",
        "\n".join(code(page)),
        re.MULTILINE,
    )

    assert [each for each in used if each[1] not in known[each[0]]] == []


def test_each_reason_for_a_lost_session_has_its_cure() -> None:
    page = (DOCS / "troubleshooting.md").read_text()

    assert [reason for reason in LostReason if f"`{reason}`" not in page] == []


def test_each_switch_for_odd_bmcs_is_explained() -> None:
    page = (DOCS / "bmcs.md").read_text()

    assert [quirk for quirk in Quirk if f"`{quirk}`" not in page] == []


def test_each_package_names_modules_that_it_has() -> None:
    missing = [
        f"{init.parent.name}: {name}"
        for init in Path(*solrecd.__path__).rglob("__init__.py")
        for name in re.findall(r"^- `(\w+)`", init.read_text(), re.MULTILINE)
        if not (init.parent / f"{name}.py").exists()
        and not (init.parent / name / "__init__.py").exists()
    ]

    assert missing == []


def test_the_map_of_the_package_has_every_part() -> None:
    (package,) = solrecd.__path__
    parts = {
        path.stem
        for path in Path(package).iterdir()
        if path.suffix == ".py" or (path / "__init__.py").exists()
    }

    found = set(re.findall(r"^ {4}(\S.*)$", solrecd.__doc__ or "", re.MULTILINE))
    words = set(re.findall(r"\w+", " ".join(found)))

    assert parts - words == {"__init__", "__main__"}
