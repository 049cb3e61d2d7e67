"""Commands sent over a live session, and who waits for their answers.

Each answer goes to the sender of its command, by the command's ticket. A sender hears
exactly once, also when the session ends before the answer comes.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import Protocol, TypeAlias

import trio

from solrecd.sources.guard import Guard, Part
from solrecd.sources.ipmi.link.base import RequestError
from solrecd.sources.ipmi.protocol.commands import RETRY_INTERVALS
from solrecd.sources.ipmi.protocol.events import CommandAnswered, CommandFailed
from solrecd.sources.ipmi.protocol.session import Session

Answer: TypeAlias = CommandAnswered | CommandFailed

Reply: TypeAlias = Callable[[Answer], None]
"""Takes the answer to a command, in the hub's call: it must be quick."""


class Guarded(Protocol):
    """What has a guard."""

    @property
    def guard(self) -> Guard:
        """Contains the console's bugs."""


class Commands:
    """The commands of one session.

    Args:
        session: carries them.
        recorder: of the console; its guard contains bugs in replies.
        flush: sends what the session has to send.
    """

    __slots__ = ("_flush", "_recorder", "_replies", "_session")

    def __init__(
        self, session: Session, recorder: Guarded, flush: Callable[[], None]
    ) -> None:
        self._session = session
        self._recorder = recorder
        self._flush = flush
        self._replies: dict[int, Reply] = {}
        """Who waits for the answer to a command, by its ticket."""

    def ask(
        self, netfn: int, command: int, retry_intervals: tuple[float, ...], reply: Reply
    ) -> None:
        """Send a command in the hub's call or before a flush; ``reply`` is called once.

        The cheap way, for `PowerWatch`: no task waits. It is called with
        `CommandFailed` also when the session ends, and when the link is closed.
        """
        now = trio.current_time()
        ticket = self._session.request(
            netfn, command, b"", now, retry_intervals=retry_intervals
        )
        guard = self._recorder.guard
        self._replies[ticket] = lambda answer: guard.call(
            Part.POWER, lambda: reply(answer), None
        )

    async def request(
        self,
        netfn: int,
        command: int,
        data: bytes = b"",
        *,
        lun: int = 0,
        retry_intervals: tuple[float, ...] = RETRY_INTERVALS,
    ) -> CommandAnswered:
        """Send a command and wait for its answer; see `SolLink.request`.

        Raises:
            RequestError: there was no answer, or the session ended before it.
        """
        answers: list[Answer] = []
        came = trio.Event()

        def reply(answer: Answer) -> None:
            answers.append(answer)
            came.set()

        now = trio.current_time()
        ticket = self._session.request(
            netfn, command, data, now, lun=lun, retry_intervals=retry_intervals
        )
        self._replies[ticket] = reply
        self._flush()
        try:
            await came.wait()
        finally:
            self._replies.pop(ticket, None)
        answer = answers[0]
        if isinstance(answer, CommandFailed):
            raise RequestError(
                f"no answer to command 0x{netfn:02x} 0x{command:02x}; "
                "it may have been executed"
            )
        return answer

    def answered(self, answer: Answer) -> None:
        """Hand an answer to the sender that waits for it."""
        reply = self._replies.pop(answer.ticket, None)
        if reply is not None:
            reply(answer)

    def abandon(self) -> None:
        """Tell all who still wait for an answer that none will come."""
        while self._replies:
            ticket, reply = self._replies.popitem()
            reply(CommandFailed(ticket))
