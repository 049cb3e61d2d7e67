"""What people want of a console, with its bugs contained: they are told, once."""

from __future__ import annotations

import functools
from collections.abc import Awaitable, Callable, Iterator
from contextlib import AbstractContextManager, contextmanager
from typing import Any, TypeVar, cast

from solrecd.console.attachments import ConsoleTakenError
from solrecd.console.guard import ConsoleGuard
from solrecd.console.operation import Operation, OperationError
from solrecd.sources.base import SourceError
from solrecd.sources.guard import Part

_REFUSALS = (OperationError, SourceError, ConsoleTakenError, BufferError)
"""What `Operation` raises where there is no bug."""

T = TypeVar("T")


def guarded(operation: Operation, guard: ConsoleGuard) -> Operation:
    """Return the same operation; a bug in it becomes an `OperationError`."""
    return cast("Operation", _Guarded(operation, guard))


class _Guarded:
    """Stands for an `Operation`, with every method that it has or will have."""

    def __init__(self, operation: Operation, guard: ConsoleGuard) -> None:
        self._operation = operation
        self._guard = guard

    def __getattr__(self, name: str) -> Callable[..., Any]:
        act = getattr(self._operation, name)

        @functools.wraps(act)
        def call(*arguments: Any, **named: Any) -> Any:
            with self._refusing():
                result = act(*arguments, **named)
            if isinstance(result, Awaitable):
                return self._awaited(result)
            if isinstance(result, AbstractContextManager):
                return self._entered(result)
            return result

        return call

    async def _awaited(self, result: Awaitable[T]) -> T:
        with self._refusing():
            return await result

    @contextmanager
    def _entered(self, result: AbstractContextManager[T]) -> Iterator[T]:
        with self._refusing():
            entered = result.__enter__()
        try:
            yield entered
        finally:
            with self._refusing():
                result.__exit__(None, None, None)

    @contextmanager
    def _refusing(self) -> Iterator[None]:
        try:
            yield
        except _REFUSALS:
            raise
        except Exception as bug:  # noqa: BLE001 - that is what it is for
            self._guard.crashed(Part.OPERATION, bug)
            raise OperationError("this met a bug in solrecd; see its log") from None
