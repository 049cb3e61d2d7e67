"""Makes packaging/docs/events.md: what every event name means and what to do.

``python -m tools.taxonomy`` writes it (``make docs``); a test holds it current.
"""

from __future__ import annotations

import tomllib
from collections.abc import Iterable, Iterator, Mapping, Sequence
from importlib import resources
from pathlib import Path

from solrecd.analysis.boot.rules import Role, Rule, RuleSet
from solrecd.events.event import Severity
from solrecd.storage import marker_files

PAGE = Path(__file__).parent.parent / "packaging" / "docs" / "events.md"
OWN_RULES = Path(__file__).parent / "own_rules.md"
"""The chapter about rules that administrators write."""

Entry = Mapping[str, str]
"""``means``, perhaps ``todo``, ``severity`` and ``example``."""

Taxonomy = Mapping[str, Mapping[str, Entry]]
"""Kind -> name -> what is to be said."""

INTRODUCTION = """\
# Events: what they mean, what to do

<!-- Made by `make docs` from solrecd/analysis/boot/taxonomy.toml and the markers. -->

`solrecctl events` lists them, `solrecctl tail -f` shows them as they happen, and the
metric `solrecd_failures_total{name}` counts the failures. Names are stable: alert on
them. The same failure has the same `signature` on all machines:
`solrecctl events --group`.

Severities: `fatal` (nothing runs any more), `critical` (look at it now),
`error` (look at it), `warning` (worth knowing), `info`.

[Stages](#stages) · [Failures](#failures) · [Stuck](#stuck) · [Sessions](#sessions) ·
[Gaps](#gaps) · [Power](#power) · [Event log](#event-log-of-the-bmc) ·
[Operators](#operators) · [Rules of your own](#rules-of-your-own)
"""

SECTIONS: Mapping[str, str] = {
    "stage": """\
## Stages

How far a boot has got, in this order. A machine that stays in one for too long is
[stuck](#stuck). Their severity is info.
""",
    "failure": """\
## Failures

Read in the console output. An example is one line that raises it; there are more.
""",
    "stuck": """\
## Stuck

The boot has been in a stage for longer than its limit: `[stages.timeout]` in the
configuration, or three times the 95th percentile of this machine's last 20 good boots,
if that is longer. Cleared when the boot moves on.
""",
    "session": "## Sessions\n\nThe connection to the BMC.\n",
    "gap": """\
## Gaps

Places where output is, or may be, missing from the recording.
""",
    "power": """\
## Power

Asked of the BMC about every 30 s, and soon after the console fell silent.
""",
    "sel": """\
## Event log of the BMC

What the machine's sensors and firmware told its BMC. The log is read when a boot has
ended, failed or got stuck, and every half hour; at most the newest 32 entries.
""",
    "operator": "## Operators\n\nWhat people do on consoles, or forgot to.\n",
}

_FEW = 3
"""Examples of a stage: there are dozens of firmwares."""


def entries() -> Taxonomy:
    """Return what is explained."""
    text = (
        resources.files("solrecd.analysis.boot")
        .joinpath("taxonomy.toml")
        .read_text("utf-8")
    )
    return tomllib.loads(text)


def render(taxonomy: Taxonomy, rules: RuleSet) -> str:
    """Return the page."""
    raised = {"failure": _by_name(rules, Role.FAILURE)}
    parts = [INTRODUCTION]
    for kind, introduction in SECTIONS.items():
        parts.append(introduction)
        if kind == "failure":
            parts.append(_at_a_glance(taxonomy[kind], raised[kind]))
        if kind == "stage":
            parts += _stages(taxonomy[kind], _by_name(rules, Role.STAGE))
        else:
            parts += _rows(taxonomy[kind], raised.get(kind, {}))
    parts.append(OWN_RULES.read_text("utf-8"))
    return "\n".join(parts)


def severities(entry: Entry, rules: Sequence[Rule]) -> list[Severity]:
    """Return the severities that an event may have, the worst first."""
    found = {rule.severity for rule in rules}
    if "severity" in entry:
        found.add(Severity(entry["severity"]))
    return sorted(found, key=list(Severity).index)


def _by_name(rules: RuleSet, role: Role) -> Mapping[str, list[Rule]]:
    found: dict[str, list[Rule]] = {}
    for rule in rules.rules:
        if rule.role is role:
            found.setdefault(rule.name, []).append(rule)
    return found


def _at_a_glance(
    names: Mapping[str, Entry], rules: Mapping[str, Sequence[Rule]]
) -> str:
    """Return a table of failures, the worst first."""
    order = list(Severity)
    rows = [
        (order.index(severities(entry, rules.get(name, ()))[0]), name, entry)
        for name, entry in names.items()
    ]
    lines = ["| at worst | event | in short |", "|---|---|---|"]
    for worst, name, entry in sorted(rows, key=lambda row: row[:2]):
        short = _first_sentence(entry["means"]).replace("|", r"\|")
        lines.append(f"| {order[worst]} | [`{name}`](#{name}) | {short} |")
    return "\n".join(lines) + "\n"


def _first_sentence(text: str) -> str:
    return text.partition(". ")[0].removesuffix(".") + "."


def _stages(
    names: Mapping[str, Entry], rules: Mapping[str, Sequence[Rule]]
) -> Iterator[str]:
    for name, entry in names.items():
        yield f"### `{name}`\n"
        yield f"{entry['means']}\n"
        known = rules.get(name, ())
        finer = sorted({rule.detail for rule in known if rule.detail})
        if finer:
            words = ", ".join(f"`{word}`" for word in finer)
            yield f"Finer names, in `fields.detail`: {words}.\n"
        if known:
            yield _quoted("For example", [rule.example for rule in known[:_FEW]])
        yield from _read_from(known)


def _rows(
    names: Mapping[str, Entry], rules: Mapping[str, Sequence[Rule]]
) -> Iterator[str]:
    for name, entry in names.items():
        yield f"### `{name}`\n"
        yield f"{entry['means']}\n"
        if "todo" in entry:
            yield f"**What to do:** {entry['todo']}\n"
        known = rules.get(name, ())
        words = ", ".join(severities(entry, known))
        examples = [rule.example for rule in known[:1]] or [entry.get("example", "")]
        if any(examples):
            yield _quoted(f"Severity: {words}. For example", examples)
        else:
            yield f"Severity: {words}.\n"
        yield from _read_from(known)


def _read_from(rules: Iterable[Rule]) -> Iterator[str]:
    """Yield what the rules were read from, each program and version once."""
    sources = dict.fromkeys(rule.read_from for rule in rules if rule.read_from)
    if sources:
        yield "Read from the source of:\n"
        yield "\n".join(f"- {source}" for source in sources) + "\n"


def _quoted(introduction: str, lines: Iterable[str]) -> str:
    quoted = "\n".join(f"    {line.rstrip()}" for line in lines)
    return f"{introduction}:\n\n{quoted}\n"


if __name__ == "__main__":
    PAGE.parent.mkdir(parents=True, exist_ok=True)
    PAGE.write_text(render(entries(), marker_files.load()), "utf-8")
