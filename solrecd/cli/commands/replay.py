"""`solrecctl replay`: replay a boot on the terminal with its original timing."""

from __future__ import annotations

import argparse
import os
import select
import sys
import termios
import time
import tty
from collections.abc import Callable, Iterable, Iterator
from contextlib import contextmanager
from enum import Enum

from solrecd.cli.program import Exit
from solrecd.cli.shared import amounts, boot_choice
from solrecd.cli.shared.output import Colour, safe, screen
from solrecd.cli.shared.read_reports import Faults
from solrecd.cli.shared.source import Source
from solrecd.events.lines import Chunk
from solrecd.storage.history.chunks import read_chunks
from solrecd.storage.history.playable import RESTORE, Playable

MAX_PAUSE = 3.0
"""Seconds on the screen; machines may wait for hours."""

FASTEST = 1024.0
"""Times; the keys + and - do not leave this range, or its inverse."""

_SECOND = 1_000_000


class Key(Enum):
    """What a key press asks for."""

    QUIT = "q"
    PAUSE = " "
    FASTER = "+"
    SLOWER = "-"
    SKIP = "."


_KEYS = {
    **{key.value.encode(): key for key in Key},
    b"Q": Key.QUIT,
    b"\x03": Key.QUIT,
    b"=": Key.FASTER,
    b"\r": Key.SKIP,
    b"\n": Key.SKIP,
}

HELP = "space pauses, + and - change the speed, . skips a pause, q quits"

Keys = Callable[[float | None], Key | None]
"""Waits this many seconds (None: no limit) for a key; None when there was none."""


def add_arguments(parser: argparse.ArgumentParser) -> None:
    """Add the command's options."""
    boot_choice.add_arguments(parser)
    parser.add_argument(
        "--speed",
        metavar="X",
        type=amounts.above_zero,
        default=1.0,
        help="playback speed (default: 1)",
    )
    parser.add_argument(
        "--max-pause",
        metavar="SECONDS",
        type=amounts.above_zero,
        default=MAX_PAUSE,
        help="cut longer pauses to this; inf keeps them (default: 3)",
    )
    parser.epilog = (
        f"Keys: {HELP}.\n"
        "Sequences that would make the terminal do more than draw (title, clipboard,\n"
        "answers, mouse) are left out; log --raw has all."
    )


def main(args: argparse.Namespace) -> int:
    """Play; exit status 1 when some of it was unreadable."""
    faults = Faults()
    boot = boot_choice.chosen(args, Source(args))
    chunks = read_chunks(boot.segments, faults)
    player = Player(args.speed, args.max_pause)
    if not sys.stdout.isatty():
        player.play(chunks, _write, _no_keys)
        return faults.status
    label = f"{boot.console} boot {boot.number}"
    with _terminal() as keys:
        _tell(f"{safe(label)}, {args.speed:g} times as fast; {HELP}")
        finished = player.play(chunks, _write, keys)
    _tell(f"{safe(label)}: {'its end' if finished else 'left before its end'}")
    return faults.status if finished else Exit.DONE


class Player:
    """Shows chunks at their time."""

    def __init__(
        self,
        speed: float,
        max_pause: float,
        clock: Callable[[], float] = time.monotonic,
    ) -> None:
        """Begin with a speed (times) and a longest pause (seconds)."""
        self._speed = speed
        self._max_pause = max_pause
        self._clock = clock

    def play(
        self, chunks: Iterable[Chunk], write: Callable[[str], None], keys: Keys
    ) -> bool:
        """Play to the end and return True; False when the user quits."""
        playable = Playable()
        last: int | None = None
        for chunk in chunks:
            pause = 0.0 if last is None else (chunk.at - last) / _SECOND
            last = chunk.at
            if not self._wait(pause, keys):
                return False
            write(playable.feed(chunk.data))
        return True

    def _wait(self, pause: float, keys: Keys) -> bool:
        """Wait for the time of the next chunk; say whether to go on."""
        until = self._clock() + min(pause / self._speed, self._max_pause)
        while True:
            left = until - self._clock()
            key = keys(max(left, 0.0))
            if key is Key.PAUSE:
                paused = self._clock()
                key = keys(None)
                until += self._clock() - paused
            if key is Key.QUIT:
                return False
            if key is Key.SKIP or (key is None and left <= 0):
                return True
            self._change(key)

    def _change(self, key: Key | None) -> None:
        factor = {Key.FASTER: 2.0, Key.SLOWER: 0.5}.get(key, 1.0) if key else 1.0
        self._speed = min(max(self._speed * factor, 1 / FASTEST), FASTEST)


def _write(text: str) -> None:
    sys.stdout.buffer.write(text.encode())
    sys.stdout.buffer.flush()


def _tell(text: str) -> None:
    """Say what is not part of the recording."""
    sys.stdout.write(screen().paint(f"[{text}]", Colour.QUIET) + "\n")
    sys.stdout.flush()


def _no_keys(seconds: float | None) -> None:
    time.sleep(seconds or 0.0)


@contextmanager
def _terminal() -> Iterator[Keys]:
    """Take keys one by one, and leave the terminal as it was."""
    if not sys.stdin.isatty():
        try:
            yield _no_keys
        finally:
            _write(RESTORE)
        return
    descriptor = sys.stdin.fileno()
    before = termios.tcgetattr(descriptor)
    # Not raw: Ctrl-C and Ctrl-Z keep their meaning. Echo would draw into the replay.
    tty.setcbreak(descriptor)
    try:
        yield _pressed
    finally:
        _write(RESTORE)
        termios.tcsetattr(descriptor, termios.TCSADRAIN, before)


def _pressed(seconds: float | None) -> Key | None:
    ready, _, _ = select.select([sys.stdin.fileno()], [], [], seconds)
    if not ready:
        return None
    typed = os.read(sys.stdin.fileno(), 1)
    return _KEYS.get(typed) if typed else Key.QUIT
