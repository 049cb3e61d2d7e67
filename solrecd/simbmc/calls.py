"""An IPMI command on its way to its handler, and how a handler refuses it."""

from __future__ import annotations

from collections.abc import Callable
from typing import NamedTuple

from solrecd.simbmc.controller import Controller
from solrecd.simbmc.sessions import BmcSession
from solrecd.sources.ipmi.protocol.constants import CompletionCode, PrivilegeLevel


class RefusalError(Exception):
    """A command is answered with a completion code other than 00h."""

    def __init__(self, code: int) -> None:
        super().__init__(f"completion code {code:#04x}")
        self.code = code


class Call(NamedTuple):
    """One command as its handler sees it."""

    controller: Controller
    session: BmcSession | None
    data: bytes
    now: float

    @property
    def caller(self) -> BmcSession:
        """The session that asks.

        Raises:
            RefusalError: there is none.
        """
        if self.session is None:
            raise RefusalError(CompletionCode.INSUFFICIENT_PRIVILEGE)
        return self.session


class Command(NamedTuple):
    """How one command is answered."""

    handler: Callable[[Call], bytes]
    length: int = 0
    """Bytes of request data that it needs at least."""
    privilege: PrivilegeLevel | None = PrivilegeLevel.USER
    """Least privilege; None: answered before a login, too."""
