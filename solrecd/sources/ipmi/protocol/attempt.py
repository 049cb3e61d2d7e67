"""One walk from Open Session to RAKP Message 4, as far as it has come."""

from __future__ import annotations

import enum
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from types import MappingProxyType
from typing import Final

from solrecd.sources.ipmi.protocol.auth import Exchange, SessionKeys
from solrecd.sources.ipmi.protocol.constants import PayloadType, PrivilegeLevel
from solrecd.sources.ipmi.protocol.handshake import (
    OpenSessionResponse,
    Rakp2,
    Rakp4,
    decode_open_session_response,
    decode_rakp2,
    decode_rakp4,
)
from solrecd.sources.ipmi.protocol.login_plan import LoginFailure
from solrecd.sources.ipmi.protocol.packets import (
    Envelope,
    MalformedPacket,
    Rejection,
)
from solrecd.sources.ipmi.protocol.suites import CipherSuite

LoginAnswer = OpenSessionResponse | Rakp2 | Rakp4


class Step(enum.Enum):
    """What an attempt waits for."""

    OPEN_SESSION_RESPONSE = PayloadType.OPEN_SESSION_RESPONSE
    RAKP_2 = PayloadType.RAKP_2
    RAKP_4 = PayloadType.RAKP_4

    @property
    def words(self) -> str:
        """The message, for people."""
        return self.name.replace("_", " ").capitalize().replace("Rakp", "RAKP")

    @property
    def place(self) -> int:
        """How far an attempt is that waits for it."""
        return list(Step).index(self)


@dataclass(slots=True)
class Attempt:
    """See the module's text."""

    suite: CipherSuite
    privilege: PrivilegeLevel
    session_id: int
    """The remote console session ID."""
    tag: int
    random: bytes
    step: Step = Step.OPEN_SESSION_RESPONSE
    sent_at: float = 0.0
    """When what `step` answers was sent; monotonic."""
    bmc_session_id: int = 0
    exchange: Exchange | None = None
    keys: SessionKeys | None = None
    password: bytes = b""
    """That the BMC has proved to know; see `SessionOptions.passwords`."""

    @property
    def wish(self) -> tuple[CipherSuite, PrivilegeLevel]:
        """What is asked for: attempts that ask for the same are refused alike."""
        return self.suite, self.privilege


@dataclass(frozen=True, slots=True)
class Refused:
    """What speaks against an attempt, and is not believed as long as time is left."""

    failure: LoginFailure
    is_addressed: bool
    """It names our session ID, which only those know who see our packets."""
    wrong_code_for: Attempt | None = None
    """The BMC's code in RAKP Message 2 is wrong: it is to be told that."""


def decode_answer(envelope: Envelope) -> tuple[Step, LoginAnswer]:
    """Read a message of a login from the BMC.

    Raises:
        MalformedPacket: it cannot be read, or is none.
    """
    try:
        step = Step(envelope.payload_type)
    except ValueError:
        raise MalformedPacket("no message of a login", Rejection.UNEXPECTED) from None
    if envelope.session_id:
        raise MalformedPacket("a login has no session ID yet", Rejection.UNEXPECTED)
    return step, _DECODERS[step](envelope.payload)


_DECODERS: Final[Mapping[Step, Callable[[bytes], LoginAnswer]]] = MappingProxyType(
    {
        Step.OPEN_SESSION_RESPONSE: decode_open_session_response,
        Step.RAKP_2: decode_rakp2,
        Step.RAKP_4: decode_rakp4,
    }
)
