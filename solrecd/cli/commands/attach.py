"""`solrecctl attach`: connect to a console."""

from __future__ import annotations

import argparse
import os
import signal
import sys
from collections.abc import Callable, Iterator, Sequence
from contextlib import ExitStack, closing, contextmanager
from types import FrameType

from solrecd.api.client import UnreachableError, quote
from solrecd.cli.attach.conversation import AttachContext, Conversation
from solrecd.cli.attach.keys import DEFAULT_ESCAPE, Dialect, dialect_of
from solrecd.cli.attach.line import Line, LineClosedError
from solrecd.cli.attach.terminal import Terminal
from solrecd.cli.program import CommandError, Exit
from solrecd.cli.shared.output import safe, warn
from solrecd.cli.shared.sessions import session_words
from solrecd.cli.shared.source import Source, asking

DEFAULT_LINES = 20
ESCAPE_VARIABLE = "SOLRECCTL_ESCAPE"
_OLD_ESCAPE_VARIABLE = "SOLRECD_ESCAPE"


def add_arguments(parser: argparse.ArgumentParser) -> None:
    """Add the command's options."""
    parser.add_argument("name", metavar="NAME")
    how = parser.add_mutually_exclusive_group()
    how.add_argument("-m", "--monitor", action="store_true", help="read only")
    how.add_argument(
        "-f",
        "--force",
        action="store_true",
        help="take over: users who write become read-only",
    )
    how.add_argument(
        "-j", "--join", action="store_true", help="write together with other users"
    )
    parser.add_argument(
        "-n",
        metavar="LINES",
        dest="lines",
        type=int,
        default=DEFAULT_LINES,
        help="previous lines to show first (default: %(default)s)",
    )
    parser.add_argument(
        "-e",
        "--escape",
        metavar="KEYS",
        help="escape prefix: & with ConMan's letters, ^Ec with conserver's, ~ as in"
        f" ipmitool (default: ${ESCAPE_VARIABLE}, else {DEFAULT_ESCAPE})",
    )


def main(args: argparse.Namespace) -> int:
    """Attach until the person leaves; exit status 1 when that was refused."""
    source = Source(args)
    if source.is_folder:
        raise CommandError("attach needs the daemon, leave --dir out; or see replay")
    dialect = _dialect(escape_of(args))
    name = source.choose_one(args.name, source.recorded())
    terminal = Terminal(_keyboard(writes=not args.monitor), sys.stdout.fileno())
    claim = "force" if args.force else "join" if args.join else "ask"
    with asking(), ExitStack() as connections:
        dial = _Dial(source, name, connections)
        line = dial(writes=not args.monitor, claim=claim)
        context = AttachContext(
            name,
            _recent(source, name, args.lines),
            _status(source, name),
            safe,
            dial.again,
            _absence(source, name),
        )
        try:
            with _ended_by_signals(), terminal.raw():
                Conversation(terminal, line, dialect, context).run()
        except LineClosedError as error:
            raise CommandError(str(error), Exit.NO) from None
    sys.stderr.write(f"detached from {name}\n")
    return Exit.DONE


def _keyboard(*, writes: bool) -> int:
    """Return the descriptor that keys come from.

    Raises:
        CommandError: none ever will.
    """
    try:
        keyboard = sys.stdin.fileno()
        is_null = os.path.samestat(os.fstat(keyboard), os.stat(os.devnull))  # noqa: PTH116
    except (OSError, ValueError, AttributeError):
        raise CommandError(f"standard input is closed: {_NO_KEYS}") from None
    if is_null and writes:
        raise CommandError(f"standard input is {os.devnull}: {_NO_KEYS}")
    return keyboard


_NO_KEYS = "nothing can be typed; run attach on a terminal, or -m to watch only"


def _absence(source: Source, name: str) -> Callable[[], str]:
    """Return what tells why the console's session is not up, or nothing."""

    def ask() -> str:
        from solrecd.api.client import ApiError, UnreachableError  # noqa: PLC0415

        try:
            row = source.daemon.get(f"/v1/consoles/{quote(name)}")
        except (ApiError, UnreachableError):
            return ""  # the daemon stops: the line ends, and is made again
        return "" if row["session"] == "up" else session_words(row)

    return ask


def escape_of(args: argparse.Namespace) -> str:
    """Return the escape of the option, of the environment, or the default."""
    if args.escape is not None:
        return str(args.escape)
    if _OLD_ESCAPE_VARIABLE in os.environ and ESCAPE_VARIABLE not in os.environ:
        warn(f"{_OLD_ESCAPE_VARIABLE} is now {ESCAPE_VARIABLE}")
        return os.environ[_OLD_ESCAPE_VARIABLE]
    return os.environ.get(ESCAPE_VARIABLE, DEFAULT_ESCAPE)


def _dialect(escape: str) -> Dialect:
    try:
        return dialect_of(escape)
    except ValueError as error:
        raise CommandError(str(error)) from None


class _Dial:
    """Attaches, and again after the daemon went away.

    Args:
        source: knows the daemon.
        name: of the console.
        connections: closes them at the end.
    """

    def __init__(self, source: Source, name: str, connections: ExitStack) -> None:
        self._source = source
        self._name = name
        self._connections = connections

    def __call__(self, *, writes: bool, claim: str) -> Line:
        """Return a line to the console.

        Raises:
            UnreachableError: there is no daemon.
        """
        daemon = self._source.daemon_of(self._name)
        connection = self._connections.enter_context(daemon.dial())
        mode = "rw" if writes else "ro"
        target = f"/v1/consoles/{quote(self._name)}/attach?mode={mode}&claim={claim}"
        return Line(connection, target, daemon.authorization)

    def again(self, writes: bool) -> Line | None:  # noqa: FBT001 - a callback
        """Return a line, or None while there is no daemon."""
        self._connections.close()
        try:
            return self(writes=writes, claim="ask")
        except UnreachableError:
            return None


def _recent(source: Source, name: str, count: int) -> Callable[[], Sequence[str]]:
    """Return what reads the last lines from the archive, where that may be read."""
    # Imported here: it costs more than all the rest, and is asked after the keys work.
    from solrecd.storage.history.follow import Follower  # noqa: PLC0415

    def read() -> Sequence[str]:
        if count <= 0 or source.is_distant:
            return ()
        try:
            with closing(Follower(source.log_dir / name)) as follower:
                return [line.text for line in follower.last(count)]
        except OSError:
            return ()

    return read


def _status(source: Source, name: str) -> Callable[[], Sequence[str]]:
    def ask() -> Sequence[str]:
        with asking():
            status = source.daemon.get(f"/v1/consoles/{quote(name)}")
        return [
            f"{key}: {value}"
            for key, value in status.items()
            if not isinstance(value, dict | list)
        ]

    return ask


@contextmanager
def _ended_by_signals() -> Iterator[None]:
    """Restore the terminal also when a signal ends us or its window is closed."""

    def leave(number: int, _: FrameType | None) -> None:
        raise CommandError(f"ended by {signal.Signals(number).name}", Exit.NO)

    ours = (signal.SIGTERM, signal.SIGHUP)
    before = [signal.signal(number, leave) for number in ours]
    try:
        yield
    finally:
        for number, handler in zip(ours, before, strict=True):
            signal.signal(number, handler)
