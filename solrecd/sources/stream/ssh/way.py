"""Logs in by ssh and enters the console, or says why not and what helps."""

from __future__ import annotations

import errno
import os
import socket
from collections.abc import AsyncIterator, Callable, Mapping
from contextlib import asynccontextmanager
from dataclasses import dataclass
from pathlib import Path
from types import MappingProxyType
from typing import Any, Final

import trio

from solrecd.config import DaemonConfig
from solrecd.events.sessions import LostReason
from solrecd.sources.base import Recorder, Tell
from solrecd.sources.explaining import explained
from solrecd.sources.findings import Finding, bad, ok, warn
from solrecd.sources.stream.connection import close_all
from solrecd.sources.stream.held import HeldBytes
from solrecd.sources.stream.printed import last_line
from solrecd.sources.stream.program import left_program
from solrecd.sources.stream.ssh.client import Client, answering, start
from solrecd.sources.stream.ssh.complaints import (
    AUTHENTICATED,
    CHANGED,
    FORGET,
    LEARN,
    UNKNOWN,
    cure_of,
    explain,
)
from solrecd.sources.stream.ssh.connection import ERRORS, SshConnection
from solrecd.sources.stream.ssh.dialogue import ROOM, Dialogue, Progress, Prompt
from solrecd.sources.stream.ssh.host_keys import (
    believed_keys,
    fingerprints,
    shown_keys,
)
from solrecd.sources.stream.ssh.options import SshOptions
from solrecd.sources.tcp import CONNECT_TIMEOUT, connect_tcp
from solrecd.sources.troubles import NotConnectedError, Trouble, tcp_troubles

LOGIN_WITHIN: Final = 60.0
"""Seconds from the start of ssh to an accepted login: BMCs take their time."""

PROMPT_WITHIN: Final = 30.0
"""Seconds from a login, or a command, to the next prompt."""

REFUSED_WITHIN: Final = 2.0
"""Seconds in which a prompt that comes back means that the command was refused."""

SHOWN_WITHIN: Final = 0.5
"""Seconds from a login to a console without a prompt, if it prints nothing."""

ENDING: Final = 5.0
"""Seconds in which ssh is ended; it gets twice one to end in."""

_EVERY: Final = 0.05
"""Seconds between two looks at what ssh says of itself, while it logs in."""

_TROUBLES: Final[Mapping[int, Trouble]] = MappingProxyType(
    {errno.ENOENT: Trouble("no such program", "install openssh-client")}
)

_IN_USE: Final = ("in use", "busy", "already", "another", "active session")
"""Words of a refusal that mean that another client has the console."""


def ssh_ways(settings: DaemonConfig) -> Callable[[SshOptions], SshWay]:
    """Return what makes the ways of a daemon's consoles."""
    learned = str(Path(settings.state_dir, "known_hosts"))
    logins = trio.CapacityLimiter(settings.login_concurrency)
    return lambda options: SshWay(options, learned, logins)


@dataclass(frozen=True, slots=True)
class Last:
    """What became of the last try."""

    at: float
    """Of trio's clock."""
    error: NotConnectedError | None
    """None: the console was entered."""


class SshWay:
    """The way to a console by ssh; fits `way.Way`.

    Args:
        options: of the console.
        learned: path of the file with the host keys that were learned.
        logins: that may be under way in this process.
    """

    longest_wait: Final = 60.0
    """A login costs both ends more than a connection."""
    has_break: Final = False
    """ssh sends one when an escape character is typed, which would change what other
    bytes mean."""

    def __init__(
        self, options: SshOptions, learned: str, logins: trio.CapacityLimiter
    ) -> None:
        self._options = options
        self._learned = learned
        self._logins = logins
        self._last: Last | None = None

    @property
    def place(self) -> str:
        """See `Way`."""
        return self._options.place

    @property
    def unnoticed(self) -> float:
        """See `Way`."""
        return 4 * self._options.keepalive

    def details(self) -> Mapping[str, Any]:
        """See `Way`."""
        return self._options.details()

    async def open(self, recorder: Recorder) -> SshConnection:
        """See `Way`."""
        del recorder
        try:
            async with self._logins, self._client() as client:
                held = HeldBytes()
                held.put(await self._entered(client))
        except NotConnectedError as error:
            self._last = Last(trio.current_time(), error)
            raise
        self._last = Last(trio.current_time(), None)
        return SshConnection(client, held, self._options)

    @asynccontextmanager
    async def _client(self) -> AsyncIterator[Client]:
        """Run ssh; where the console is not entered, end it."""
        options = self._options
        with answering(options.password) as answer:
            try:
                client = start(options, self._learned, answer)
            except OSError as error:
                raise explained(error, "ssh", _TROUBLES) from None
            try:
                yield client
            except BaseException:
                with trio.move_on_after(ENDING, shield=True):
                    await client.process.end()
                os.close(client.errors)
                raise

    # Entering.

    async def _entered(self, client: Client) -> bytes:
        """Log in and enter; return what the console has printed already.

        Raises:
            NotConnectedError: it cannot be entered.
        """
        await self._logged_in(client)
        options = self._options
        if not options.prompt:
            return await self._shown(client)
        prompt, greeting = Prompt(options.prompt), options.habits.greeting
        dialogue = Dialogue(prompt, options.enter, greeting)
        while dialogue.progress is Progress.AT_LOGIN:
            with trio.move_on_after(PROMPT_WITHIN) as late:
                await self._next(client, dialogue)
            if late.cancelled_caught:
                raise self._no_prompt(dialogue)
        with trio.move_on_after(REFUSED_WITHIN):
            while dialogue.progress is Progress.TYPED:
                await self._next(client, dialogue)
        dialogue.settle()
        if dialogue.progress is Progress.REFUSED:
            raise self._refused(dialogue)
        return dialogue.console

    async def _next(self, client: Client, dialogue: Dialogue) -> None:
        """Feed output until something is typed, or the console is there or refused."""
        before, typed = dialogue.progress, b""
        while not typed and dialogue.progress is before:
            typed = dialogue.feed(await self._read(client, dialogue.room))
        terminal = client.process.terminal
        while typed:
            await trio.lowlevel.wait_writable(terminal)
            typed = typed[os.write(terminal, typed) :]

    async def _shown(self, client: Client) -> bytes:
        with trio.move_on_after(SHOWN_WITHIN):
            return await self._read(client, ROOM)
        return b""

    async def _logged_in(self, client: Client) -> None:
        with trio.move_on_after(LOGIN_WITHIN):
            while AUTHENTICATED not in client.said:
                if client.process.has_ended:
                    raise await self._why(client)
                await trio.sleep(_EVERY)
            return
        what = f"{self.place}: no login within {LOGIN_WITHIN:.0f} s"
        cure = "see whether the BMC is overloaded, or asks for more than a password"
        raise NotConnectedError(LostReason.BMC_SLOW, what, cure)

    async def _read(self, client: Client, size: int) -> bytes:
        terminal = client.process.terminal
        try:
            await trio.lowlevel.wait_readable(terminal)
            if data := os.read(terminal, size):
                return data
        except OSError as error:
            if error.errno != errno.EIO:  # ssh has closed it
                raise
        await trio.sleep(_EVERY)
        raise await self._why(client)

    async def _why(self, client: Client) -> NotConnectedError:
        """Return why ssh has ended."""
        error = explain(client.said, self._options)
        if UNKNOWN not in error.what:
            return error
        shown = fingerprints(await shown_keys(self._options))
        what = f"{error.what} ({', '.join(shown)})" if shown else error.what
        return NotConnectedError(error.reason, what, error.cure)

    def _no_prompt(self, dialogue: Dialogue) -> NotConnectedError:
        prompt, said = self._options.prompt, dialogue.said or "nothing"
        what = f"{self.place}: no prompt {prompt!r}, it printed: {said}"
        cure = "correct `vendor`, `prompt` or `enter`"
        return NotConnectedError(LostReason.PROTOCOL_ERROR, what, cure)

    def _refused(self, dialogue: Dialogue) -> NotConnectedError:
        said = dialogue.said
        what = f"{self.place}: {self._options.enter[-1]!r} is refused: {said}"
        if any(word in said.lower() for word in _IN_USE):
            cure = "end the other client's console session"
            return NotConnectedError(LostReason.FOREIGN_OWNER, what, cure)
        cure = "correct `vendor` or `enter`, or enable the console there"
        return NotConnectedError(LostReason.PROTOCOL_ERROR, what, cure)

    # Taking over.

    def adopt(
        self, recorder: Recorder, descriptors: Mapping[str, int]
    ) -> SshConnection:
        """See `Way`."""
        del recorder
        others = {tag: fd for tag, fd in descriptors.items() if tag != ERRORS}
        errors = descriptors.get(ERRORS)
        if errors is None:
            close_all(others.values())
            raise OSError("no memory of what ssh says")
        try:
            process, held = left_program(others)
        except OSError:
            os.close(errors)
            raise
        return SshConnection(Client(process, errors), held, self._options)

    # Examining.

    async def examine(self, tell: Tell) -> bool:
        """See `Way`; it does not log in: that, the tries do."""
        for step in (self._resolve, self._connect, self._host_key):
            finding = await step()
            await tell(finding)
            if finding.cure:
                return True
        if self._last is None or self._last.error is None:
            return False
        error = self._last.error
        seconds = trio.current_time() - self._last.at
        await tell(bad("login", f"{error.what}, {seconds:.0f} s ago", error.cure))
        return True

    async def _resolve(self) -> Finding:
        host = self._options.host
        try:
            with trio.fail_after(CONNECT_TIMEOUT):
                found = await trio.socket.getaddrinfo(
                    host, None, type=socket.SOCK_STREAM
                )
        except (OSError, trio.TooSlowError) as error:
            why = getattr(error, "strerror", None) or "no answer"
            cure = "correct `host`, DNS or /etc/hosts"
            return bad("resolve", f"{host}: {why}", cure)
        addresses = dict.fromkeys(str(address[0]) for *_, address in found)
        return ok("resolve", f"{host} is {', '.join(addresses)}")

    async def _connect(self) -> Finding:
        """Look whether an ssh server answers: it sends its version first."""
        options = self._options
        try:
            with trio.fail_after(CONNECT_TIMEOUT):
                connected = await connect_tcp(options.host, options.port)
                with trio.socket.from_stdlib_socket(connected) as stream:
                    banner = last_line(await stream.recv(255))
        except trio.TooSlowError:
            late = OSError(errno.ETIMEDOUT, "")
            said = explained(late, self.place, tcp_troubles("host"), "host")
            return bad("connect", said.what, said.cure)
        except OSError as error:
            said = explained(error, self.place, tcp_troubles("host"), "host")
            return bad("connect", said.what, said.cure)
        if banner.startswith("SSH-"):
            return ok("connect", f"{options.known_as} answers: {banner}")
        text = f"{options.known_as} is not an ssh server: {banner or 'it says nothing'}"
        return bad("connect", text, "correct the port in `host`")

    async def _host_key(self) -> Finding:
        options = self._options
        shown = await shown_keys(options)
        believed = await believed_keys(options, [self._learned, options.known_hosts])
        prints = ", ".join(fingerprints(shown))
        if not shown:
            text = "it shows no key of a usual type (ED25519, ECDSA, RSA)"
            return warn("host key", text, "")
        if set(shown.items()) & set(believed.items()):
            return ok("host key", f"known: {prints}")
        if set(shown) & set(believed):
            return bad("host key", f"{CHANGED}: {prints}", cure_of(FORGET, options))
        if options.learns:
            return ok("host key", f"will be learned: {prints}")
        return bad("host key", f"{UNKNOWN}: {prints}", cure_of(LEARN, options))
