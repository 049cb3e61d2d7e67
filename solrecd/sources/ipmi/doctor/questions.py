"""The dialogues of an examination: what to ask, what next, without asking.

A dialogue is a generator that yields a `Question`, is sent the `Reply`, and returns
what it found out. The caller that carries it out decides which route to take. No
dialogue goes on without end: each loop has its bound. Nothing that is asked changes
anything at the BMC.
"""

from __future__ import annotations

import enum
from collections.abc import Callable, Generator, Mapping
from typing import Final, NamedTuple, TypeVar

from solrecd.sources.ipmi.doctor import answers, sol_answers
from solrecd.sources.ipmi.doctor.answers import Unreadable
from solrecd.sources.ipmi.protocol.constants import (
    AppCommand,
    CompletionCode,
    NetFn,
    PayloadType,
    PrivilegeLevel,
)

T = TypeVar("T")

THIS_CHANNEL: Final = 0x0E
"""The channel that a command comes over (IPMI 2.0 §6.3)."""


class Route(enum.Enum):
    """How a question travels."""

    PING = enum.auto()
    """An ASF presence ping (IPMI 2.0 §13.2.3): no IPMI at all."""
    OPEN = enum.auto()
    """Before and beside all sessions: what may be asked without a login."""
    SESSION = enum.auto()
    """In a session that has logged in."""


class Question(NamedTuple):
    """One IPMI command."""

    route: Route
    netfn: int = 0
    command: int = 0
    data: bytes = b""


class Reply(NamedTuple):
    """What became of a question."""

    code: int | None
    """Completion code; None: no answer came."""
    data: bytes = b""


class Refusal(NamedTuple):
    """Something is not known: the BMC did not tell, or told nonsense."""

    code: int | None = None
    """Completion code; None: no answer came."""

    def __str__(self) -> str:
        """Return why, in a few words."""
        if self.code is None:
            return "no answer"
        return _CODES.get(self.code, f"completion code 0x{self.code:02x}")


_CODES: Final[Mapping[int, str]] = {
    CompletionCode.OK: "an answer that makes no sense",
    CompletionCode.INVALID_COMMAND: "the BMC does not know the question",
    CompletionCode.INVALID_COMMAND_FOR_LUN: "the BMC does not know the question",
    CompletionCode.INSUFFICIENT_PRIVILEGE: "the account may not ask that",
    CompletionCode.NOT_SUPPORTED_IN_STATE: "the BMC does not answer that now",
}

Dialogue = Generator[Question, Reply, T]

_SESSION_INFO: Final = 0x3D
_CHANNEL_INFO: Final = 0x42
_USER_ACCESS: Final = 0x44
_USER_NAME: Final = 0x46
_USER_PAYLOAD_ACCESS: Final = 0x4D
"""Commands of `NetFn.APP` (IPMI 2.0 Appendix G)."""

_SET_SERIAL_MUX: Final = 0x12
_GET_MUX: Final = 0
"""Setting of Set Serial/Modem Mux that only tells the present one (§25.3)."""
_GET_SOL_PARAMETER: Final = 0x22

_SUITE_PIECE: Final = 16
"""Bytes of suite records in a full answer."""
_SUITE_PIECES: Final = 64
"""The list index has six bits (IPMI 2.0 Table 22-17)."""

_SERIAL_CHANNELS: Final = range(1, 8)
"""Where to look for the serial channel: boards have few, and each is a question."""


def _ask(question: Question, decode: Callable[[bytes], T]) -> Dialogue[T | Refusal]:
    reply = yield question
    if reply.code != CompletionCode.OK:
        return Refusal(reply.code)
    try:
        return decode(reply.data)
    except Unreadable:
        return Refusal(reply.code)


def ping() -> Dialogue[bool]:
    """Ask whether anything speaks RMCP there."""
    reply = yield Question(Route.PING)
    return reply.code is not None


def capabilities() -> Dialogue[answers.Capabilities | Refusal]:
    """Ask what logins are taken (IPMI 2.0 §22.13), with IPMI 2.0's extension."""
    data = bytes((0x80 | THIS_CHANNEL, PrivilegeLevel.ADMINISTRATOR))
    command = AppCommand.GET_CHANNEL_AUTHENTICATION_CAPABILITIES
    asked = Question(Route.OPEN, NetFn.APP, command, data)
    return (yield from _ask(asked, answers.capabilities))


def suites() -> Dialogue[tuple[int, ...] | Refusal]:
    """Ask which cipher suites are offered (IPMI 2.0 §22.15), piece by piece."""
    records = b""
    for index in range(_SUITE_PIECES):
        data = bytes((THIS_CHANNEL, PayloadType.IPMI, 0x80 | index))
        command = AppCommand.GET_CHANNEL_CIPHER_SUITES
        reply = yield Question(Route.OPEN, NetFn.APP, command, data)
        if reply.code != CompletionCode.OK:
            return answers.suites(records) if records else Refusal(reply.code)
        records += reply.data[1:]
        if len(reply.data) <= _SUITE_PIECE:
            break
    return answers.suites(records)


def own_session() -> Dialogue[answers.SessionInfo | Refusal]:
    """Ask who we are (IPMI 2.0 §22.20)."""
    asked = Question(Route.SESSION, NetFn.APP, _SESSION_INFO, b"\x00")
    return (yield from _ask(asked, answers.session_info))


def session(number: int) -> Dialogue[answers.SessionInfo | Refusal]:
    """Ask who has the session of this ID."""
    data = b"\xff" + number.to_bytes(4, "little")
    asked = Question(Route.SESSION, NetFn.APP, _SESSION_INFO, data)
    return (yield from _ask(asked, answers.session_info))


def user_access(user: int) -> Dialogue[answers.UserAccess | Refusal]:
    """Ask what a user may do (IPMI 2.0 §22.27)."""
    data = bytes((THIS_CHANNEL, user))
    asked = Question(Route.SESSION, NetFn.APP, _USER_ACCESS, data)
    return (yield from _ask(asked, answers.user_access))


def user_name(user: int) -> Dialogue[str | Refusal]:
    """Ask what a user is called (IPMI 2.0 §22.29)."""
    asked = Question(Route.SESSION, NetFn.APP, _USER_NAME, bytes((user,)))
    return (yield from _ask(asked, answers.user_name))


def payload_access(user: int) -> Dialogue[bool | Refusal]:
    """Ask whether a user may have SoL (IPMI 2.0 §24.7)."""
    data = bytes((THIS_CHANNEL, user))
    asked = Question(Route.SESSION, NetFn.APP, _USER_PAYLOAD_ACCESS, data)
    return (yield from _ask(asked, answers.payload_access))


def sol_parameters() -> Dialogue[sol_answers.SolParameters | Refusal]:
    """Ask for the SoL configuration (IPMI 2.0 §26.3), parameter by parameter."""
    found: dict[int, bytes] = {}
    refusal = Refusal()
    for number in sol_answers.PARAMETERS:
        reply = yield sol_parameter(number)
        if reply.code == CompletionCode.OK:
            found[number] = reply.data[1:]
        else:
            refusal = Refusal(reply.code)
            if reply.code is None:
                break
    return sol_answers.sol_parameters(found) if found else refusal


def sol_parameter(number: int) -> Question:
    """Return what asks for one SoL parameter."""
    data = bytes((THIS_CHANNEL, number, 0, 0))
    return Question(Route.SESSION, NetFn.TRANSPORT, _GET_SOL_PARAMETER, data)


def payload_owner(instance: int) -> Dialogue[int | Refusal]:
    """Ask which session has a SoL instance (IPMI 2.0 §24.4, §24.5); 0: none has."""
    command = AppCommand.GET_PAYLOAD_ACTIVATION_STATUS
    asked = Question(Route.SESSION, NetFn.APP, command, bytes((PayloadType.SOL,)))
    active = yield from _ask(asked, sol_answers.activation)
    if isinstance(active, Refusal) or instance not in active:
        return active if isinstance(active, Refusal) else 0
    command = AppCommand.GET_PAYLOAD_INSTANCE_INFO
    data = bytes((PayloadType.SOL, instance))
    asked = Question(Route.SESSION, NetFn.APP, command, data)
    return (yield from _ask(asked, sol_answers.instance_owner))


def chassis() -> Dialogue[answers.Chassis | Refusal]:
    """Ask for the power (IPMI 2.0 §28.2)."""
    asked = Question(Route.SESSION, NetFn.CHASSIS, 0x01)
    return (yield from _ask(asked, answers.chassis))


def mux() -> Dialogue[bool | Refusal]:
    """Ask whether the serial line is switched to the BMC (IPMI 2.0 §25.3)."""
    for channel in _SERIAL_CHANNELS:
        asked = Question(Route.SESSION, NetFn.APP, _CHANNEL_INFO, bytes((channel,)))
        medium = yield from _ask(asked, answers.channel_medium)
        if medium == answers.SERIAL_MEDIUM:
            data = bytes((channel, _GET_MUX))
            asked = Question(Route.SESSION, NetFn.TRANSPORT, _SET_SERIAL_MUX, data)
            return (yield from _ask(asked, answers.mux_is_at_bmc))
    return Refusal(CompletionCode.INVALID_COMMAND)


def log_info() -> Dialogue[answers.LogInfo | Refusal]:
    """Ask how full the event log is (IPMI 2.0 §31.2)."""
    asked = Question(Route.SESSION, NetFn.STORAGE, 0x40)
    return (yield from _ask(asked, answers.log_info))


def log_time() -> Dialogue[int | Refusal]:
    """Ask what time the BMC believes it is (IPMI 2.0 §31.10)."""
    asked = Question(Route.SESSION, NetFn.STORAGE, 0x48)
    return (yield from _ask(asked, answers.log_time))
