"""The order of an examination: what is asked, and who judges the answers."""

from __future__ import annotations

from collections.abc import Callable, Iterable
from dataclasses import replace
from typing import Final, NamedTuple

from solrecd.sources.findings import Finding
from solrecd.sources.ipmi.doctor import (
    eventlog,
    evidence,
    judge,
    network,
    questions,
    sol,
)
from solrecd.sources.ipmi.doctor.findings import Readings, Subject, said
from solrecd.sources.ipmi.doctor.questions import Dialogue

Read = Callable[[Subject, Readings], Dialogue[Readings]]
Judge = Callable[[Subject, Readings], Iterable[Finding]]


class Section(NamedTuple):
    """Some questions, and the judges of what was answered."""

    read: Read
    judges: tuple[Judge, ...]


def _reach(_: Subject, readings: Readings) -> Dialogue[Readings]:
    pong = yield from questions.ping()
    capabilities = yield from questions.capabilities()
    return replace(readings, pong=pong, capabilities=capabilities)


def _suites(subject: Subject, readings: Readings) -> Dialogue[Readings]:
    if not (readings.answered or subject.is_up):
        # Nothing is there that could answer.
        return readings
    return replace(readings, suites=(yield from questions.suites()))


def _user(_: Subject, readings: Readings) -> Dialogue[Readings]:
    own = yield from questions.own_session()
    readings = replace(readings, own=own)
    found = said(own)
    if found is None:
        return readings
    return replace(
        readings,
        access=(yield from questions.user_access(found.user)),
        user_name=(yield from questions.user_name(found.user)),
        payload_access=(yield from questions.payload_access(found.user)),
    )


def _sol(_: Subject, readings: Readings) -> Dialogue[Readings]:
    return replace(readings, sol=(yield from questions.sol_parameters()))


def _owner(subject: Subject, readings: Readings) -> Dialogue[Readings]:
    if subject.is_up:
        return readings
    owner = yield from questions.payload_owner(subject.instance)
    readings = replace(readings, owner=owner)
    number = said(owner)
    if not number:
        return readings
    return replace(readings, thief=(yield from questions.session(number)))


def _chassis(_: Subject, readings: Readings) -> Dialogue[Readings]:
    return replace(readings, chassis=(yield from questions.chassis()))


def _mux(_: Subject, readings: Readings) -> Dialogue[Readings]:
    return replace(readings, mux=(yield from questions.mux()))


def _log(_: Subject, readings: Readings) -> Dialogue[Readings]:
    info = yield from questions.log_info()
    return replace(readings, log=info, log_time=(yield from questions.log_time()))


FROM_OUTSIDE: Final = (
    Section(_reach, (judge.reachable, judge.rmcp_plus)),
    Section(_suites, (judge.suites,)),
)
"""What may be asked without a login; then comes the login, and `judge.login`."""

IN_SESSION: Final = (
    Section(_user, (judge.user, judge.payload_access)),
    Section(_sol, (sol.judge, judge.privilege)),
    Section(_owner, (judge.owner,)),
    Section(_chassis, (judge.power,)),
    Section(_mux, (judge.mux,)),
)
"""What needs a session."""

FROM_CONSOLE: Final[tuple[Judge, ...]] = (
    network.network,
    evidence.output,
    evidence.readable,
    evidence.stages,
)
"""What the recorder knows by itself."""

AT_LAST: Final = Section(_log, (eventlog.clock,))
"""What takes longest; `eventlog.log` follows it, with the entries."""
