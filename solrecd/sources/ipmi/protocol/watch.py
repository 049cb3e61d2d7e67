"""Who holds the payload: the keepalive that notices theft.

A BMC tells a robbed session nothing. So the command that keeps the session alive is the
one that names the payload's owner, Get Payload Instance Info; where a BMC lacks it, Get
Payload Activation Status at least says whether any session holds it, and Get Device ID
whether the BMC is there at all.

Boards lie. The first answer after activation, when the payload is certainly ours, tells
what "ours" looks like; a board whose first answer makes no sense is asked the next
question at once, and never believed on that one. But the payload may have gone between
the activation and that answer. So where even the last question that could tell is
answered with "not active", that is believed once in a session: the payload is
activated again, and only a board that then denies it again is known to lie.
"""

from __future__ import annotations

import enum
from typing import Final

from solrecd.sources.ipmi.protocol.commands import Command, Purpose
from solrecd.sources.ipmi.protocol.constants import (
    AppCommand,
    CompletionCode,
    NetFn,
    PayloadType,
)


class Verdict(enum.Enum):
    """What an answer says of the payload."""

    OURS = enum.auto()
    STOLEN = enum.auto()
    INACTIVE = enum.auto()
    UNKNOWN = enum.auto()
    """The BMC is there; more cannot be told."""


_QUESTIONS: Final = (
    AppCommand.GET_PAYLOAD_INSTANCE_INFO,
    AppCommand.GET_PAYLOAD_ACTIVATION_STATUS,
    AppCommand.GET_DEVICE_ID,
)

_BUSY: Final = frozenset({CompletionCode.NODE_BUSY, CompletionCode.TIMEOUT})
"""Codes that say nothing of what the board can answer another time."""

_OWNER_SIZE: Final = 4


def owner_of(code: int, data: bytes) -> int | None:
    """Return the owner in an answer to Get Payload Instance Info (§24.6).

    0 means that no session holds the payload, None that the answer says nothing.
    """
    if code or len(data) < _OWNER_SIZE:
        return None
    return int.from_bytes(data[:_OWNER_SIZE], "little")


def ask_owner(instance: int, purpose: Purpose) -> Command:
    """Return Get Payload Instance Info for SoL."""
    return Command(
        purpose,
        NetFn.APP,
        AppCommand.GET_PAYLOAD_INSTANCE_INFO,
        bytes((PayloadType.SOL, instance)),
    )


class OwnerWatch:
    """Asks who holds the payload, in the words that this BMC understands."""

    def __init__(self, instance: int, *, believe_status: bool) -> None:
        """Begin with the best question.

        Args:
            instance: payload instance, 1-15.
            believe_status: False: never ask for the activation status.
        """
        self._instance = instance
        self._believe_status = believe_status
        self._questions = self._all_questions()
        self._was_denied = False
        """Every question was answered with "not active", and that was believed."""
        self._ours: frozenset[int] = frozenset()
        self.is_proven = False
        """The present question was answered sensibly while the payload was ours."""
        self.owner = 0
        """Session ID of the payload's holder according to the last answer."""

    def _all_questions(self) -> list[AppCommand]:
        return [
            question
            for question in _QUESTIONS
            if self._believe_status
            or question != AppCommand.GET_PAYLOAD_ACTIVATION_STATUS
        ]

    def activated(self, *our_ids: int) -> None:
        """The payload is ours; BMCs name us by one of these session IDs."""
        self._ours = frozenset(our_ids)
        self.is_proven = False

    def resume(self, question: int, *our_ids: int) -> None:
        """The payload was ours in another process, and was asked about like this.

        No other session is taken for ours from now on, not even in the first answer.
        """
        self._ours = frozenset(our_ids)
        self.is_proven = True
        while len(self._questions) > 1 and self._questions[0] != question:
            del self._questions[0]

    @property
    def question(self) -> int:
        """Command that `command` sends now."""
        return self._questions[0]

    def command(self) -> Command:
        """Return the question to ask now."""
        question = self._questions[0]
        if question == AppCommand.GET_PAYLOAD_INSTANCE_INFO:
            return ask_owner(self._instance, Purpose.PROBE)
        data = bytes((PayloadType.SOL,))
        if question == AppCommand.GET_DEVICE_ID:
            data = b""
        return Command(Purpose.PROBE, NetFn.APP, question, data)

    def judge(self, code: int, data: bytes) -> Verdict:
        """Return what an answer to `command` means."""
        question = self._questions[0]
        if question == AppCommand.GET_DEVICE_ID:
            return Verdict.UNKNOWN
        if question == AppCommand.GET_PAYLOAD_INSTANCE_INFO:
            verdict = self._judge_owner(owner_of(code, data))
        else:
            verdict = self._judge_status(code, data)
        if self.is_proven:
            return verdict
        if verdict is Verdict.OURS:
            self.is_proven = True
            return verdict
        return Verdict.UNKNOWN if code in _BUSY else self._give_up(verdict)

    def _give_up(self, verdict: Verdict) -> Verdict:
        """Ask the next question from now on: this answer is not what is true."""
        del self._questions[0]
        is_last = self._questions[0] == AppCommand.GET_DEVICE_ID
        if verdict is not Verdict.INACTIVE or not is_last or self._was_denied:
            return Verdict.UNKNOWN
        self._was_denied = True
        self._questions = self._all_questions()
        return Verdict.INACTIVE

    def _judge_owner(self, owner: int | None) -> Verdict:
        if owner is None:
            return Verdict.UNKNOWN
        self.owner = owner
        if not owner:
            return Verdict.INACTIVE
        if not self.is_proven:
            # Some boards number sessions their own way; this is then our number.
            self._ours |= {owner}
        return Verdict.OURS if owner in self._ours else Verdict.STOLEN

    def _judge_status(self, code: int, data: bytes) -> Verdict:
        """Read the bit of our instance, behind one byte of capacity (§24.5)."""
        offset, bit = divmod(self._instance - 1, 8)
        if code or len(data) < 2 + offset:
            return Verdict.UNKNOWN
        return Verdict.OURS if data[1 + offset] >> bit & 1 else Verdict.INACTIVE
