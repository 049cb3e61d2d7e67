"""What the API needs of the daemon; the supervisor fits this Protocol.

Objects are the contract's JSON objects (``ls``, ``status``) as plain dictionaries.
"""

from __future__ import annotations

from collections.abc import Collection, Mapping, Sequence
from contextlib import AbstractAsyncContextManager, AbstractContextManager
from typing import Any, Protocol, TypeAlias

import trio

from solrecd.console.changes import Changes
from solrecd.console.operation import Operation
from solrecd.console.viewers import TailItem

Rows: TypeAlias = list[dict[str, Any]]
"""The contract's objects, one for each console."""


class FleetError(Exception):
    """The daemon refuses a request; the message is for who asked.

    Args:
        message: one line, or one for each of several mistakes.
        problems: these mistakes: ``file``, ``line``, ``key`` and ``text`` of each.
    """

    def __init__(
        self, message: str, problems: Sequence[Mapping[str, Any]] = ()
    ) -> None:
        super().__init__(message)
        self.problems = problems


class Fleet(Protocol):
    """The live set of consoles, as the API sees it."""

    def names(self) -> Sequence[str]:
        """Return the names of all open consoles, in the configuration's order."""
        ...

    def labels(self, name: str) -> Mapping[str, str]:
        """Return a console's labels.

        Raises:
            KeyError: there is no such console.
        """
        ...

    def list(self) -> list[dict[str, Any]]:
        """Return one ``ls`` object per console, also where it cannot be opened."""
        ...

    def status(self, name: str) -> dict[str, Any]:
        """Return everything that is known of a console: an ``ls`` object and more.

        Raises:
            KeyError: there is no such console.
        """
        ...

    def tail(
        self, names: Collection[str]
    ) -> AbstractAsyncContextManager[trio.MemoryReceiveChannel[TailItem]]:
        """Watch consoles: recent lines first, then live; `Viewers.watch` does it."""
        ...

    def watch(
        self, names: Collection[str] | None = None
    ) -> AbstractContextManager[Changes]:
        """Learn which consoles change; None: all, also those added later."""
        ...

    def overview(self, name: str) -> dict[str, Any] | None:
        """Return an ``ls`` object and ``line``, what was printed last; None: gone."""
        ...

    async def coverage(self, names: Sequence[str], seconds: int) -> Rows:
        """Return the contract's ``coverage`` object of each console.

        Args:
            names: of consoles.
            seconds: how far to look back.
        """
        ...

    def operation(self, name: str) -> Operation:
        """Return what people may do with a console.

        Raises:
            KeyError: there is no such console, or it cannot be opened.
        """
        ...

    async def reload(self, *, dry_run: bool) -> dict[str, Any]:
        """Read the configuration again and apply what changed.

        Returns:
            ``start``, ``stop``, ``restart`` and ``update`` (new settings under the
            session that stays) with names, ``keep`` with a number, ``reasons`` by name,
            ``daemon`` with the keys that count from the next start on, ``stages``
            and ``access`` whether stage timeouts or grants changed, ``dry_run``, and
            ``seconds`` that it took.

        Raises:
            FleetError: the configuration is refused; nothing was changed.
        """
        ...
