"""Makes packaging/docs/metrics.md: every metric family, from the catalogue.

``python -m tools.metrics`` writes it (``make docs``); a test holds it current.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping, Sequence
from pathlib import Path

from solrecd.metrics import Family, declared
from solrecd.sources.ipmi.protocol.packets import Rejection

PAGE = Path(__file__).parent.parent / "packaging" / "docs" / "metrics.md"

INTRODUCTION = """\
# Metrics

<!-- Made by `make docs` from solrecd/metrics. -->

On the listener that `metrics` in `[daemon]` names, `http://127.0.0.1:9623/metrics` by
default: Prometheus's text format, or OpenMetrics 1.0 for clients that prefer it, which
adds units and exemplars. Names and labels are stable; families may be added.

Counters exist with value 0 from the first scrape, so that `increase()` sees the first
event. A gauge with an unknown value has no series. The series of a console that is
removed from the configuration end. Counters have no `_created`:
`process_start_time_seconds` is when all of them began.

Labels are `console`, from the configuration, and fixed sets of words: nothing that a
machine prints becomes a label.
"""

PROCESS = """\
## Of the process

`process_cpu_seconds_total`, `process_resident_memory_bytes`, `process_open_fds`,
`process_start_time_seconds` and others of that kind, `python_info` and `python_gc_*`,
as the Prometheus client library for Python has them.
"""

_ELSEWHERE = {"cause": tuple(Rejection)}
"""Labels whose values the metrics do not know: what counts there knows them."""

_CONSOLES, _DAEMON = "## Of each console", "## Of the recorder"


def render() -> str:
    """Return the page."""
    consoles = [one for one in declared() if "console" in one.labels]
    others = [one for one in declared() if "console" not in one.labels]
    parts = [
        INTRODUCTION,
        f"{_CONSOLES}\n\n{_table(consoles)}",
        f"{_DAEMON}\n\n{_table(others)}",
        "## What labels may say\n\n" + "\n".join(_values()) + "\n",
        PROCESS,
    ]
    return "\n".join(parts)


def _table(families: Iterable[Family]) -> str:
    lines = ["| metric | type | labels | unit | |", "|---|---|---|---|---|"]
    lines += [_row(family) for family in families]
    return "\n".join(lines) + "\n"


def _row(family: Family) -> str:
    labels = ", ".join(f"`{label}`" for label in family.labels)
    meaning = family.help.replace("|", r"\|")
    return f"| `{family.name}` | {family.type} | {labels} | {family.unit} | {meaning} |"


def _values() -> Iterator[str]:
    for (label, words), names in label_values().items():
        where = ", ".join(f"`{name}`" for name in names)
        yield f"- `{label}` of {where}: {', '.join(f'`{word}`' for word in words)}"
    yield "- `name`: the failures of [events.md](events.md#failures)"


def label_values() -> Mapping[tuple[str, tuple[str, ...]], Sequence[str]]:
    """Return families by a label of theirs and the closed set of its values."""
    found: dict[tuple[str, tuple[str, ...]], list[str]] = {}
    for family in declared():
        for label, words in family.knowing(_ELSEWHERE).labels.items():
            if words:
                found.setdefault((label, words), []).append(family.name)
    return found


if __name__ == "__main__":
    PAGE.write_text(render(), "utf-8")
