"""Makes packaging/docs/sessions.md: the states of a session, from their tables.

``python -m tools.sessions`` writes it (``make docs``); a test holds it current.
"""

from __future__ import annotations

import ast
import enum
import inspect
from collections.abc import Iterable, Iterator, Mapping, Sequence
from pathlib import Path
from typing import TypeAlias, TypeVar

from solrecd.console import recording
from solrecd.console.recording import Given, Recording
from solrecd.events.sessions import SessionState
from solrecd.sources.ipmi.keeper import states
from solrecd.sources.ipmi.keeper.states import WISHES, Input, State, is_step

PAGE = Path(__file__).parent.parent / "packaging" / "docs" / "sessions.md"

INTRODUCTION = """\
# Sessions: what the recorder does about a BMC, and what it says

<!-- Made by `make docs` from the tables that the recorder itself runs by:
solrecd/sources/ipmi/keeper/states.py and solrecd/console/recording.py. -->

The recorder wants the SoL payload of each BMC, always. This page has every state that
it can be in on the way, and everything that leads from one to another: the daemon looks
up in the same tables what it does next. [troubleshooting.md](troubleshooting.md)
explains the reasons for which a session is not up.
"""

SHOWN = """\
## What is shown

`solrecctl ls` and `status`, the metric
`solrecd_sol_session_state_entered_timestamp_seconds` and the events of the kind
`session` know five states. They are the last state reported: repeated login attempts
are not reported until one succeeds.
"""

DONE = """\
## What the recorder does
"""

DIAGRAM = """\
Where that leads. Behind a stroke is what is shown from then on; without one, what was
shown before stays.
"""

WISHED = """\
## What people can ask for, and when

`solrecctl yield` gives a console away, `take` takes it back, `reconnect` wants a fresh
session. The recorder itself has a console revived when a machine that is on prints
nothing. Each of these has an answer in every state; where nothing comes of it, there is
a dot. A wish is granted after what came of the state before it.
"""

MISSING = """\
## Where output is missing

Beside it, the console knows whether it is recorded. A gap in the recording is noted in
its place, before the first byte behind it.
"""

_Machine: TypeAlias = Iterable[tuple[enum.Enum, enum.Enum, enum.Enum, str]]
"""From, input, to, and what else comes of it."""
_Member = TypeVar("_Member", bound=enum.Enum)


def render() -> str:
    """Return the page."""
    parts = [
        INTRODUCTION,
        SHOWN,
        _table(("shown", "while the recorder is"), _shown()),
        DONE,
        _table(("state", "what it does"), _documented(State)),
        DIAGRAM,
        _diagram(State, _outcomes()),
        _table(("input", "what it means"), _documented(Input)),
        WISHED,
        _table(("state", *(wish.value for wish in WISHES)), _wishes()),
        MISSING,
        _table(("state", "what it means"), _documented(Recording)),
        _diagram(Recording, _recordings()),
        _table(("input", "what it means"), _documented(Given)),
    ]
    return "\n".join(parts)


def documented(words: type[_Member]) -> Mapping[_Member, str]:
    """Return what stands under each member of an enum, in one line.

    Raises:
        ValueError: a member has nothing; names it.
    """
    # Not `inspect.getsource`, which knows no source of a compiled module.
    file = Path(inspect.getfile(words))
    source = file.with_name(f"{file.name.partition('.')[0]}.py").read_text()
    (body,) = [
        each
        for each in ast.walk(ast.parse(source))
        if isinstance(each, ast.ClassDef) and each.name == words.__name__
    ]
    found: dict[_Member, str] = {}
    for name, text in zip(body.body, body.body[1:], strict=False):
        match name, text:
            case (
                ast.Assign(targets=[ast.Name(id=member)]),
                ast.Expr(value=ast.Constant(value=str(said))),
            ):
                found[words[member]] = " ".join(said.split())
            case _:
                pass
    for each in words:
        if each not in found:
            raise ValueError(f"{each} is not explained")
    return found


def _table(head: Sequence[str], rows: Iterable[Sequence[str]]) -> str:
    lines = [head, ["---"] * len(head), *rows]
    return "".join(f"| {' | '.join(line)} |\n" for line in lines)


def _documented(words: type[enum.Enum]) -> Iterator[Sequence[str]]:
    for member, text in documented(words).items():
        yield str(member.value), text


def _shown() -> Iterator[Sequence[str]]:
    told = states.told()
    for shown in SessionState:
        # A console of which nothing was told yet is shown as one that connects.
        says = {shown, None} if shown is SessionState.CONNECTING else {shown}
        doing = [state.value for state in State if says & told[state]]
        yield f"`{shown.value}`", ", ".join(doing)


def _outcomes() -> _Machine:
    for state, row in states.STEPS.items():
        for given, step in row.items():
            if given not in {*WISHES, Input.STOP}:
                yield state, given, step.to, step.tell or ""


def _wishes() -> Iterator[Sequence[str]]:
    for state, row in states.STEPS.items():
        yield state.value, *(_answer(state, row.get(wish)) for wish in WISHES)


def _answer(state: State, step: states.Step | None) -> str:
    if step is None:
        return ""
    return step.to.value if is_step(state, step) else "·"


def _recordings() -> _Machine:
    for state, row in recording.STEPS.items():
        for given, step in row.items():
            yield state, given, step.to, "gap" if step.ends_gap else ""


def _diagram(words: type[enum.Enum], machine: _Machine) -> str:
    """Return a state diagram; inputs of which nothing comes are left out."""
    first = next(iter(words))
    lines = [f'    state "{word.value}" as {word.name}' for word in words]
    lines.append(f"    [*] --> {first.name}")
    for state, given, to, more in machine:
        if to is not state or more:
            said = f"{given.value} / {more}" if more else f"{given.value}"
            lines.append(f"    {state.name} --> {to.name}: {said}")
    return "\n".join(["```mermaid", "stateDiagram-v2", *lines, "```", ""])


if __name__ == "__main__":
    PAGE.write_text(render(), "utf-8")
