"""Makes what explains the configuration: the reference, and the example.

``python -m tools.configuration`` writes ``packaging/docs/configuration.md`` and
``packaging/solrecd.toml`` (``make docs``); a test holds both current.
"""

from __future__ import annotations

import sys
import textwrap
from collections.abc import Callable, Iterator, Mapping
from pathlib import Path

from tools.reference import Entry, reference

_PACKAGING = Path(__file__).parent.parent / "packaging"

_WIDTH = 88
"""Columns of the example: those of the code."""

GENERAL = """\
The configuration is `/etc/solrecd/solrecd.toml`, and `/etc/solrecd/conf.d/*.toml`
beside it, in [TOML](https://toml.io). No key and no console may be given twice, in one
file or in two: the order of files never matters. `solrecd check` reports all mistakes
at once, with file, line and what is allowed. `systemctl reload solrecd`
applies changes and keeps the sessions of unchanged consoles.
"""

UNITS = """\
Sizes are bytes or text: `"64MiB"`, `"10GB"`. Durations are seconds or text: `"15m"`,
`"1h30m"`.
"""

CONSOLES = """\
Each `[console.NAME]` is a console, or as many as its name says: names are host ranges
as in ClusterShell, `[console."node[001-128]"]`. In the keys that say so, `{name}`
expands to the console's name, `{n}` to the last number in it without leading zeros, and
`{n:03}` pads that with zeros.
"""

SAMPLE = """\
[console."node[001-128]"]
bmc = "{name}-bmc.example.net"
labels = { rack = "r1" }

[console.gateway]
bmc = "[2001:db8::7]:623"
username = "other"
"""


def main() -> int:
    """Write both."""
    for path, make in PAGES.items():
        path.write_text(make(), "utf-8")
    return 0


def page() -> str:
    """Return the reference, as Markdown."""
    return "\n".join(_page())


def _page() -> Iterator[str]:
    yield "# The configuration\n"
    yield "<!-- Made by `make docs` from solrecd/config. -->\n"
    yield f"{GENERAL}\n{UNITS}"
    for table, entries in reference():
        yield f"## {table.header}\n\n{_fill(table.help)}\n"
        for entry in entries:
            yield from _section(entry)
    yield f"## [console.NAME]\n\n{CONSOLES}"
    yield "The keys are those of [\\[defaults\\]](#defaults).\n"
    yield f"```toml\n{SAMPLE}```\n"


def _section(entry: Entry) -> Iterator[str]:
    yield f"### `{entry.name}`\n"
    yield f"{_fill(entry.help)}\n"
    if entry.default:
        yield f"- default: `{entry.default}`"
    else:
        yield f"- not set; for example: `{entry.example}`"
    yield f"- allowed: {entry.allowed}\n"


def example() -> str:
    """Return the configuration that does nothing but explain every key."""
    return "\n".join(_example())


def _example() -> Iterator[str]:
    yield "# solrecd's configuration.\n#"
    yield _comment(GENERAL.replace("[TOML](https://toml.io)", "TOML (https://toml.io)"))
    yield "#"
    yield _comment(
        'Every key there is stands here. A "#" marks those that are not set, with their'
        " default or an example."
    )
    yield f"#\n{_comment(UNITS)}"
    for table, entries in reference():
        mark = "" if table.is_one else "#"
        yield f"\n{_comment(table.help)}\n{mark}{table.header}"
        for entry in entries:
            yield f"\n{_comment(entry.help)}\n#{entry.name} = {entry.example}"
    yield f"\n{_comment(CONSOLES)}\n"
    yield textwrap.indent(SAMPLE, "#", lambda line: bool(line.strip()))


def _comment(text: str) -> str:
    return textwrap.indent(_fill(text, _WIDTH - 2), "# ")


def _fill(text: str, width: int = _WIDTH) -> str:
    return textwrap.fill(text, width, break_on_hyphens=False)


PAGES: Mapping[Path, Callable[[], str]] = {
    _PACKAGING / "docs" / "configuration.md": page,
    _PACKAGING / "solrecd.toml": example,
}
"""What is made, by the file that it is kept in."""


if __name__ == "__main__":
    sys.exit(main())
