"""A recording is played at its own pace, and ends when its viewer wants it to."""

from collections.abc import Iterable

import pytest

from solrecd.cli.commands.replay import Key, Player
from solrecd.events.lines import Chunk

SECOND = 1_000_000
FILM = [Chunk(0, b"a"), Chunk(SECOND, b"b"), Chunk(61 * SECOND, b"c")]


class Desk:
    """A clock, a keyboard and a screen in one."""

    def __init__(self, *keys: tuple[float, Key]) -> None:
        self.now = 100.0
        self.shown: list[tuple[float, str]] = []
        self._keys = [(100.0 + at, key) for at, key in keys]

    def press(self, seconds: float | None) -> Key | None:
        end = float("inf") if seconds is None else self.now + seconds
        if self._keys and self._keys[0][0] <= end:
            at, key = self._keys.pop(0)
            self.now = max(self.now, at)
            return key
        assert seconds is not None, "it waits for a key that never comes"
        self.now = end
        return None

    def write(self, text: str) -> None:
        self.shown.append((round(self.now - 100, 3), text))

    def play(self, *, speed: float = 1, max_pause: float = 1e9) -> bool:
        player = Player(speed, max_pause, lambda: self.now)
        return player.play(FILM, self.write, self.press)


def times(shown: Iterable[tuple[float, str]]) -> list[float]:
    return [at for at, _ in shown]


@pytest.mark.parametrize(
    ("options", "expected"),
    [
        ({}, [0, 1, 61]),
        ({"speed": 10}, [0, 0.1, 6.1]),
        ({"max_pause": 3}, [0, 1, 4]),
        ({"speed": 10, "max_pause": 3}, [0, 0.1, 3.1]),
    ],
)
def test_bytes_come_at_their_time(
    options: dict[str, float], expected: list[float]
) -> None:
    desk = Desk()

    finished = desk.play(**options)

    assert finished
    assert times(desk.shown) == expected
    assert "".join(text for _, text in desk.shown) == "abc"


def test_a_user_quits() -> None:
    desk = Desk((30, Key.QUIT))

    assert not desk.play()
    assert times(desk.shown) == [0, 1]


def test_a_pause_lasts_until_the_next_key() -> None:
    desk = Desk((0.5, Key.PAUSE), (10, Key.PAUSE))

    assert desk.play()
    assert times(desk.shown) == [0, 10.5, 70.5]


def test_quitting_works_while_it_is_paused() -> None:
    desk = Desk((0.5, Key.PAUSE), (10, Key.QUIT))

    assert not desk.play()


def test_a_long_wait_is_skipped() -> None:
    desk = Desk((5, Key.SKIP))

    desk.play()

    assert times(desk.shown) == [0, 1, 5]


def test_the_speed_changes_from_the_next_pause_on() -> None:
    desk = Desk((0.5, Key.FASTER))

    desk.play()

    assert times(desk.shown) == [0, 1, 31]
