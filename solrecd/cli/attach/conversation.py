"""Between a person and a console: keys one way, the console's bytes the other.

What we say ourselves stands in lines of its own that begin with ``<solrecd>``. The
console's bytes go through as they are: a terminal that types into a machine has to
understand them.
"""

from __future__ import annotations

import selectors
import time
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from types import MappingProxyType
from typing import Any, Final

from solrecd.cli.attach.keys import Action, Dialect, KeyScanner, Typed, Unknown, shown
from solrecd.cli.attach.line import Line, LineClosedError, LineLostError
from solrecd.cli.attach.question import Question, describe_others
from solrecd.cli.attach.terminal import Terminal

POWER_WISHES: Final = ("on", "off", "shutdown", "cycle", "reset", "diag")

RETRY: Final = 0.5
"""Seconds between two attempts to find a daemon that went away."""

TIMEOUT: Final = 120.0
"""Seconds that it may take: longer than any restart."""

TYPED_AHEAD: Final = 4096
"""Bytes that may be typed before the console is there; more are not typing."""


@dataclass(frozen=True, slots=True)
class AttachContext:
    """What a conversation needs of the program around it.

    Attributes:
        console: its name.
        recent: returns the last lines of the console, safe to show.
        status: returns what is known of it, safe to show.
        safe: takes control characters out of a text.
        again: attaches once more, to write or only to watch, after the daemon went
            away; returns None while it does not answer.
    """

    console: str
    recent: Callable[[], Sequence[str]]
    status: Callable[[], Sequence[str]]
    safe: Callable[[str], str]
    again: Callable[[bool], Line | None]
    absence: Callable[[], str] = str
    """Returns why the console cannot be reached now, or nothing."""


class Conversation:
    """One attached terminal.

    Args:
        terminal: the person's.
        line: to the daemon.
        dialect: the escapes.
        context: the rest.
    """

    def __init__(
        self, terminal: Terminal, line: Line, dialect: Dialect, context: AttachContext
    ) -> None:
        self._terminal = terminal
        self._line = line
        self._dialect = dialect
        self._context = context
        self._scanner = KeyScanner(dialect)
        self._question: Question | None = None
        self._is_over = False
        self._is_welcome = False
        """The daemon has let us in; what is typed before that waits."""
        self._ahead = b""
        self._until = 0.0
        """Up to here a daemon that went away is waited for (monotonic)."""
        self._wrote = False
        """We could write before it went."""
        self._is_quiet = False
        self._echoes = False
        self._writes = False

    def run(self) -> None:
        """Talk until the person leaves; a daemon that restarts is waited for.

        Raises:
            LineClosedError: the daemon ended it, or did not come back.
        """
        while not self._is_over:
            try:
                self._talk()
            except LineClosedError as error:
                self._lose(error)
                self._reattach()
        self._line.close()

    def _talk(self) -> None:
        # A file may stand for the keyboard, which epoll does not take.
        with selectors.PollSelector() as selector:
            selector.register(self._line, selectors.EVENT_READ, self._hear)
            selector.register(self._terminal.keyboard, selectors.EVENT_READ, self._read)
            while not self._is_over:
                for key, _ in selector.select():
                    if not key.data():
                        selector.unregister(key.fileobj)

    def _lose(self, error: LineClosedError) -> None:
        """Begin to wait for the daemon, or go on: it may not know us at once.

        Raises:
            LineClosedError: there is nothing to wait for.
        """
        if self._is_welcome and isinstance(error, LineLostError):
            self._until = time.monotonic() + TIMEOUT
            self._wrote, self._writes, self._is_welcome = self._writes, False, False
            leave = shown(self._dialect.prefix + b".")
            self._say(f"connection to solrecd lost; waiting for it, {leave} leaves")
        elif time.monotonic() >= self._until:
            raise error

    def _reattach(self) -> None:
        """Attach again, as before.

        Raises:
            LineLostError: the daemon did not come back.
        """
        line = None
        while line is None and not self._is_over:
            if time.monotonic() >= self._until:
                raise LineLostError(f"solrecd did not come back in {TIMEOUT:.0f} s")
            self._pause()
            line = self._context.again(self._wrote)
        self._line = line or self._line

    def _pause(self) -> None:
        """Wait a little for the daemon; the user may leave meanwhile."""
        with selectors.PollSelector() as selector:
            selector.register(self._terminal.keyboard, selectors.EVENT_READ)
            if selector.select(RETRY) and not self._read():
                self._is_over = True

    def _say(self, text: str) -> None:
        safe = self._context.safe(text)
        self._terminal.write(f"\r\n<solrecd> {safe}\r\n".encode())

    def _list(self, lines: Sequence[str]) -> None:
        text = "".join(f"  {self._context.safe(line)}\r\n" for line in lines)
        self._terminal.write(b"\r\n" + text.encode())

    # What the daemon sends.

    def _hear(self) -> bool:
        for item in self._line.receive():
            if isinstance(item, bytes):
                self._terminal.write(item)
            else:
                self._told(item)
        return True

    def _told(self, item: Mapping[str, Any]) -> None:
        match item:
            case {"event": "welcome", "mode": mode}:
                self._welcome(mode, item.get("others"))
            case {"event": "said", "text": text, "mode": mode}:
                self._writes = mode == "rw"
                if not self._is_quiet:
                    self._say(text)
            case {"event": "mode", "mode": mode}:
                self._writes = mode == "rw"
            case {"event": "missed", "bytes": count}:
                self._say(f"{count} bytes are not shown: this terminal was too slow")
            case {"event": "refused", "text": text}:
                self._say(text)
            case {"event": "answer", "who": seats}:
                self._list([f"{s['user']}  {s['mode']}  {s['since']}" for s in seats])
            case _:
                pass

    def _welcome(self, mode: str, others: Sequence[Mapping[str, str]] | None) -> None:
        self._writes = mode == "rw"
        help_keys = shown(self._dialect.prefix + b"?")
        words = "attached" if self._writes else "attached to watch"
        here = "" if others is None else f"{describe_others(others)}; "
        self._list(self._context.recent())
        self._say(f"{words}: {self._context.console}; {here}{help_keys} for help")
        if absence := self._context.absence():
            self._say(f"{absence}; nothing that is typed arrives until it is up")
        self._is_welcome, self._until = True, 0.0
        ahead, self._ahead = self._ahead, b""
        self._take(ahead)

    # What the person types.

    def _read(self) -> bool:
        data = self._terminal.read()
        if not self._is_welcome and data:
            self._wait_with(data)
        elif data:
            self._take(data)
        elif self._writes:
            # The end of what was piped in; a read-only user goes on watching.
            self._is_over = True
        return bool(data)

    def _wait_with(self, data: bytes) -> None:
        """Keep what is typed until it can be sent; leaving is always possible."""
        self._ahead = (self._ahead + data)[-TYPED_AHEAD:]
        items = KeyScanner(self._dialect).feed(self._ahead)
        self._is_over = Action.QUIT in items

    def _take(self, data: bytes) -> None:
        while data:
            data = self._scan(data) if self._question is None else self._answer(data)

    def _scan(self, data: bytes) -> bytes:
        """Take keys up to the first escape; return those behind it."""
        typed = bytearray()
        for at in range(len(data)):
            for item in self._scanner.feed(data[at : at + 1]):
                if isinstance(item, Typed):
                    typed += item.data
                    continue
                self._type(bytes(typed))
                self._escape(item)
                return data[at + 1 :]
        self._type(bytes(typed))
        return b""

    def _escape(self, item: Action | Unknown) -> None:
        if isinstance(item, Unknown):
            self._say(f"unknown escape {shown(item.keys)}")
        else:
            _ACTIONS[item](self)

    def _answer(self, data: bytes) -> bytes:
        """Take keys up to the end of an answer; return those behind it."""
        question = self._question
        if question is None:
            return data
        echo, is_done, rest = question.feed(data)
        self._terminal.write(echo)
        if is_done:
            self._question = None
            question.answer()
        return rest

    def _type(self, data: bytes) -> None:
        if not data:
            return
        if not self._writes:
            self._say("this terminal is read-only")
            return
        if self._echoes:
            self._terminal.write(data)
        self._line.type(data)

    def _ask(self, question: str, answered: Callable[[str], None]) -> None:
        self._terminal.write(f"\r\n<solrecd> {question} ".encode())
        self._question = Question(answered)

    # What the escapes do.

    def help(self) -> None:
        """List the escapes."""
        self._list([f"{keys:6} {text}" for keys, text in self._dialect.help()])

    def quit(self) -> None:
        """Leave."""
        self._is_over = True

    def send_break(self) -> None:
        """Send a serial break; what is typed next may be a SysRq."""
        self._line.request("break")

    def force(self) -> None:
        """Write; who wrote becomes a viewer."""
        self._line.request("write", claim="force")

    def join(self) -> None:
        """Write together with other users."""
        self._line.request("write", claim="join")

    def monitor(self) -> None:
        """Only watch."""
        self._line.request("watch")

    def replay(self) -> None:
        """Show the last lines again."""
        self._list(self._context.recent())

    def info(self) -> None:
        """Show what is known."""
        self._list(self._context.status())

    def who(self) -> None:
        """List attached users."""
        self._line.request("who")

    def reconnect(self) -> None:
        """Log in to the BMC again."""
        self._line.request("reconnect")

    def reset(self) -> None:
        """Reset the machine, after a yes."""
        self._ask(f"reset {self._context.console}? [y/N]", self._reset)

    def _reset(self, answer: str) -> None:
        if answer.lower() in {"y", "yes"}:
            self._line.request("power", wish="reset")
        else:
            self._say("nothing was done")

    def power(self) -> None:
        """Switch the power, after asking how."""
        question = f"power {'|'.join(POWER_WISHES)}, Enter for nothing:"
        self._ask(question, self._power)

    def _power(self, answer: str) -> None:
        if answer:
            self._line.request("power", wish=answer)
        else:
            self._say("nothing was done")

    def note(self) -> None:
        """Write a line into the log."""
        self._ask("note:", self._note)

    def _note(self, answer: str) -> None:
        if answer:
            self._line.request("note", text=answer)

    def toggle_notices(self) -> None:
        """Say no more of others, or say it again."""
        self._is_quiet = not self._is_quiet
        self._say("quiet" if self._is_quiet else "no longer quiet")

    def echo(self) -> None:
        """Show what is typed, or no more."""
        self._echoes = not self._echoes
        self._say(f"echo {'on' if self._echoes else 'off'}")

    def suspend(self) -> None:
        """Stop until the shell goes on with us."""
        self._say("suspended; fg resumes")
        self._terminal.suspend()


_ACTIONS: Final[Mapping[Action, Callable[[Conversation], None]]] = MappingProxyType(
    {
        Action.HELP: Conversation.help,
        Action.QUIT: Conversation.quit,
        Action.BREAK: Conversation.send_break,
        Action.FORCE: Conversation.force,
        Action.JOIN: Conversation.join,
        Action.MONITOR: Conversation.monitor,
        Action.REPLAY: Conversation.replay,
        Action.INFO: Conversation.info,
        Action.WHO: Conversation.who,
        Action.RECONNECT: Conversation.reconnect,
        Action.RESET: Conversation.reset,
        Action.POWER: Conversation.power,
        Action.NOTE: Conversation.note,
        Action.QUIET: Conversation.toggle_notices,
        Action.ECHO: Conversation.echo,
        Action.SUSPEND: Conversation.suspend,
    }
)
