"""Makes packaging/docs/events.md: what every event name means and what to do.

``python -m tools.taxonomy`` writes it (``make docs``); a test holds it current.
"""

from __future__ import annotations

import tomllib
from collections.abc import Iterable, Iterator, Mapping, Sequence
from importlib import resources
from pathlib import Path
from typing import Any

from solrecd.boot.rules import Role, Rule, RuleSet
from solrecd.cli.scan import packaged_rules
from solrecd.events import Severity

PAGE = Path(__file__).parent.parent / "packaging" / "docs" / "events.md"

INTRODUCTION = """\
# Events: what they mean, what to do

<!-- Made by `make docs` from solrecd/boot/taxonomy.toml and the markers. -->

`solrecctl events` lists them, `solrecctl tail` shows them as they come, and the metric
`solrecd_failures_total{name}` counts the failures. Names are stable: alert on them. The
same failure has the same `signature` on all machines: `solrecctl events --group`.

How bad an event is: `fatal` (nothing runs any more), `critical` (somebody should look
now), `error` (somebody should look), `warning` (worth knowing), `info`.
"""

SECTIONS: Mapping[str, str] = {
    "stage": """\
## Stages

How far a boot has come, in this order. A machine that stays in one for too long is
[stuck](#stuck).
""",
    "failure": """\
## Failures

Read in the console output. An example is one line that raises it; there are more.
""",
    "stuck": """\
## Stuck

The boot has been in a stage for longer than its limit: `[stages.timeout]` in the
configuration, or three times what 95 of 100 of this machine's last 20 good boots
needed, whichever is longer. Cleared when the boot moves on.
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
    "operator": "## Operators\n\nWhat people do on consoles, or forgot to.\n",
}


def entries() -> Mapping[str, Mapping[str, Mapping[str, str]]]:
    """Return what is explained: kind -> name -> ``means`` and perhaps ``todo``."""
    text = resources.files("solrecd.boot").joinpath("taxonomy.toml").read_text("utf-8")
    return tomllib.loads(text)


def render(
    taxonomy: Mapping[str, Mapping[str, Mapping[str, str]]], rules: RuleSet
) -> str:
    """Return the page."""
    parts = [INTRODUCTION]
    for kind, introduction in SECTIONS.items():
        parts.append(introduction)
        parts += _rows(taxonomy[kind], _failures(rules) if kind == "failure" else {})
    return "\n".join(parts)


def _failures(rules: RuleSet) -> Mapping[str, list[Rule]]:
    found: dict[str, list[Rule]] = {}
    for rule in rules.rules:
        if rule.role is Role.FAILURE:
            found.setdefault(rule.name, []).append(rule)
    return found


def _rows(
    names: Mapping[str, Mapping[str, str]], rules: Mapping[str, Sequence[Rule]]
) -> Iterator[str]:
    for name, entry in names.items():
        yield f"### `{name}`\n"
        yield f"{entry['means']}\n"
        if "todo" in entry:
            yield f"**What to do:** {entry['todo']}\n"
        if name in rules:
            yield _seen_as(rules[name])


def _seen_as(rules: Sequence[Rule]) -> str:
    severities = ", ".join(_ordered(rule.severity for rule in rules))
    return f"Severity: {severities}. For example:\n\n    {rules[0].example}\n"


def _ordered(severities: Iterable[Severity]) -> list[str]:
    order: list[Any] = list(Severity)
    return [str(each) for each in sorted(set(severities), key=order.index)]


if __name__ == "__main__":
    PAGE.parent.mkdir(parents=True, exist_ok=True)
    PAGE.write_text(render(entries(), packaged_rules()), "utf-8")
