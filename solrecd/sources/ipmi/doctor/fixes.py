"""Sets SoL parameters as IPMI 2.0 §26.2 wants it, and looks whether they are set.

Only what `solrecd.sources.ipmi.doctor.sol.fixes` named is written: values that were
read first and are understood. Who writes tells others so (Set In Progress), commits,
and says that he is done, whatever became of it.
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from typing import Any, Final

from solrecd.sources.ipmi.doctor import questions
from solrecd.sources.ipmi.doctor.answers import SessionInfo
from solrecd.sources.ipmi.doctor.findings import said
from solrecd.sources.ipmi.doctor.questions import (
    THIS_CHANNEL,
    Dialogue,
    Question,
    Refusal,
    Route,
)
from solrecd.sources.ipmi.doctor.sol import Fix
from solrecd.sources.ipmi.protocol.constants import (
    AppCommand,
    CompletionCode,
    NetFn,
    PrivilegeLevel,
)

_SET_SOL_PARAMETER: Final = 0x21
_SET_IN_PROGRESS: Final = 0
"""The parameter, and below what may be written into it (IPMI 2.0 Table 26-5)."""
_COMPLETE: Final = b"\x00"
_IN_PROGRESS: Final = b"\x01"
_COMMIT: Final = b"\x02"

_NOT_SUPPORTED: Final = 0x80
_BUSY: Final = 0x81
"""Another session is writing; others of Set SOL Configuration Parameters follow."""
_READ_ONLY: Final = 0x82

_CODES: Final = {
    None: "the BMC did not answer",
    _NOT_SUPPORTED: "the BMC cannot set that",
    _BUSY: "another session is setting SoL up",
    _READ_ONLY: "the BMC does not let that be set",
    int(CompletionCode.INSUFFICIENT_PRIVILEGE): (
        "the account may not: it takes an Administrator"
    ),
}


@dataclass(frozen=True, slots=True)
class FixResult:
    """What became of a wish."""

    fix: Fix
    problem: str = ""
    """Why it is not as wished; empty: it is, and was read back."""

    def as_dict(self) -> dict[str, Any]:
        """Return the JSON object, without the console's name."""
        return {**change(self.fix), "problem": self.problem}


def change(fix: Fix) -> dict[str, Any]:
    """Return a wish as JSON object."""
    return {
        "parameter": fix.number,
        "what": fix.what,
        "current": fix.current,
        "new": fix.new,
    }


def apply_fixes(fixes: Sequence[Fix]) -> Dialogue[list[FixResult]]:
    """Set parameters, and read them back."""
    before = said((yield from questions.own_session()))
    yield _privilege(PrivilegeLevel.ADMINISTRATOR)
    code = yield from _write(_SET_IN_PROGRESS, _IN_PROGRESS)
    if code in {_BUSY, None}:
        results = [FixResult(fix, _words(code)) for fix in fixes]
    else:
        results = yield from _set_all(fixes)
    yield from _lower(before)
    return results


def _set_all(fixes: Iterable[Fix]) -> Dialogue[list[FixResult]]:
    codes: dict[Fix, int | None] = {}
    for fix in fixes:
        codes[fix] = yield from _write(fix.number, fix.data)
    # Where a BMC can roll back, what is not committed is thrown away; others refuse
    # the word, and have written already.
    yield from _write(_SET_IN_PROGRESS, _COMMIT)
    yield from _write(_SET_IN_PROGRESS, _COMPLETE)
    results = []
    for fix, code in codes.items():
        if code == CompletionCode.OK:
            results.append((yield from _read_back(fix)))
        else:
            results.append(FixResult(fix, _words(code)))
    return results


def _read_back(fix: Fix) -> Dialogue[FixResult]:
    reply = yield questions.sol_parameter(fix.number)
    if reply.code != CompletionCode.OK:
        return FixResult(fix, f"set, but cannot be read back: {Refusal(reply.code)}")
    if reply.data[1 : 1 + len(fix.data)] != fix.data:
        return FixResult(fix, "the BMC says done and did not do it")
    return FixResult(fix)


def _lower(before: SessionInfo | None) -> Dialogue[None]:
    """Give the privilege back that only this needed: the recording goes on without."""
    if before is not None and before.privilege < PrivilegeLevel.ADMINISTRATOR:
        yield _privilege(before.privilege)


def _privilege(level: int) -> Question:
    command = AppCommand.SET_SESSION_PRIVILEGE_LEVEL
    return Question(Route.SESSION, NetFn.APP, command, bytes((level,)))


def _write(number: int, value: bytes) -> Dialogue[int | None]:
    data = bytes((THIS_CHANNEL, number)) + value
    asked = Question(Route.SESSION, NetFn.TRANSPORT, _SET_SOL_PARAMETER, data)
    reply = yield asked
    return reply.code


def _words(code: int | None) -> str:
    return _CODES.get(code, f"the BMC refuses (completion code 0x{code or 0:02x})")
