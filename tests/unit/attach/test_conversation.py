"""Keys and answers of one attached person, against a daemon that only listens."""

from __future__ import annotations

import os
import socket
from collections.abc import Iterator
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import pytest

from solrecd.cli.attach import conversation
from solrecd.cli.attach.conversation import AttachContext, Conversation
from solrecd.cli.attach.keys import dialect_of
from solrecd.cli.attach.line import LineLostError
from solrecd.cli.attach.terminal import Terminal


@dataclass
class FakeLine:
    """Remembers what is sent; tells what the test wants told."""

    waiting: list[object]
    ends: tuple[socket.socket, socket.socket] = field(default_factory=socket.socketpair)
    sent: list[object] = field(default_factory=list)

    def fileno(self) -> int:
        return self.ends[0].fileno()

    def type(self, data: bytes) -> None:
        self.sent.append(data)

    def request(self, what: str, **fields: str) -> None:
        self.sent.append((what, fields))

    def close(self) -> None:
        self.sent.append("closed")

    def receive(self) -> Iterator[object]:
        if not self.ends[0].recv(1):
            raise LineLostError("gone")
        yield from self.waiting


@pytest.fixture
def talk() -> Iterator[Talk]:
    talk = Talk()
    yield talk
    talk.close()


class Talk:
    """One conversation, from the welcome on."""

    def __init__(self) -> None:
        self.line = FakeLine([{"event": "welcome", "mode": "rw", "user": "alice"}])
        self.line.ends[1].send(b"x")
        self.lines: list[FakeLine] = []
        self.wrote: list[bool] = []
        self.absence = ""
        self.pressed = b""
        """While we attach again."""
        self.keys, self._keyboard = os.pipe()
        self.shown, self._screen = os.pipe()

    def type(self, keys: bytes, escape: str = "&") -> str:
        """Type keys, and leave; return what was on the screen."""
        os.write(self._keyboard, keys + b"&.")
        return self.run(escape)

    def run(self, escape: str = "&") -> str:
        """Talk to the end; return what was on the screen."""
        context = AttachContext(
            "node1",
            lambda: ["last line"],
            lambda: ["up: yes"],
            str,
            self.again,
            lambda: self.absence,
        )
        terminal = Terminal(self.keys, self._screen)
        Conversation(
            terminal,
            self.line,  # type: ignore[arg-type]
            dialect_of(escape),
            context,
        ).run()
        return os.read(self.shown, 65536).decode()

    def again(self, writes: bool) -> Any:  # noqa: FBT001 - a callback
        """Attach once more, after the daemon went away."""
        self.wrote.append(writes)
        os.write(self._keyboard, self.pressed)
        return self.lines.pop(0) if self.lines else None

    def close(self) -> None:
        for end in self.line.ends:
            end.close()
        for descriptor in (self.keys, self._keyboard, self.shown, self._screen):
            os.close(descriptor)


def test_an_answer_may_come_in_one_piece_with_its_escape(talk: Talk) -> None:
    talk.type(b"ls\r&pcycle\rpwd\r")

    assert talk.line.sent == [
        b"ls\r",
        ("power", {"wish": "cycle"}),
        b"pwd\r",
        "closed",
    ]


@pytest.mark.parametrize("answer", [b"\r", b"n\r", b"y\x03", b"yy\x7f\x7f\r"])
def test_a_reset_needs_a_yes(talk: Talk, answer: bytes) -> None:
    shown = talk.type(b"&R" + answer)

    assert talk.line.sent == ["closed"]
    assert "nothing was done" in shown


def test_the_last_lines_come_first_and_again_when_asked_for(talk: Talk) -> None:
    shown = talk.type(b"&L")

    assert shown.count("last line") == 2
    assert shown.index("last line") < shown.index("attached: node1; &? for help")


def test_help_says_what_each_escape_does(talk: Talk) -> None:
    shown = talk.type(b"&?&!")

    assert "&.     detach" in shown
    assert "unknown escape &!" in shown


def test_who_only_watches_types_nothing(talk: Talk) -> None:
    talk.line.waiting.append({"event": "mode", "mode": "ro"})

    shown = talk.type(b"rm -rf /\r&F")

    assert talk.line.sent == [("write", {"claim": "force"}), "closed"]
    assert "this terminal is read-only" in shown


def test_a_note_is_asked_for_while_the_console_goes_on(talk: Talk) -> None:
    talk.line.waiting.append(b"console output")

    shown = talk.type("&Nreplaced DIMM é\x7f\r".encode())

    assert ("note", {"text": "replaced DIMM"}) in talk.line.sent or (
        "note",
        {"text": "replaced DIMM \ufffd"},
    ) in talk.line.sent
    assert "console output" in shown


def test_the_banner_tells_who_else_is_here(talk: Talk) -> None:
    others = [{"user": "bob", "mode": "ro"}, {"user": "eve", "mode": "rw"}]
    talk.line.waiting = [{"event": "welcome", "mode": "ro", "others": others}]

    shown = talk.type(b"")

    assert (
        "attached to watch: node1; 2 other users are attached (eve writes); &?" in shown
    )


def test_the_banner_tells_that_no_other_user_is_here(talk: Talk) -> None:
    talk.line.waiting = [{"event": "welcome", "mode": "rw", "others": []}]

    assert "node1; no other user is attached; &?" in talk.type(b"")


def test_a_daemon_that_comes_back_is_attached_to_again(
    talk: Talk, monkeypatch: pytest.MonkeyPatch
) -> None:
    second = FakeLine([{"event": "welcome", "mode": "rw"}])
    second.ends[1].send(b"x")
    talk.lines = [second]
    talk.pressed = b"uname\r&."
    talk.line.ends[1].shutdown(socket.SHUT_WR)
    monkeypatch.setattr(conversation, "RETRY", 0.0)

    shown = talk.run()

    assert "connection to solrecd lost" in shown
    assert talk.wrote == [True]
    assert second.sent == [b"uname\r", "closed"]
    for end in second.ends:
        end.close()


def test_a_daemon_that_went_away_is_not_waited_for(
    talk: Talk, monkeypatch: pytest.MonkeyPatch
) -> None:
    talk.pressed = b"lost&."
    talk.line.ends[1].shutdown(socket.SHUT_WR)
    monkeypatch.setattr(conversation, "RETRY", 0.0)

    shown = talk.run()

    assert "&. leaves" in shown
    assert talk.line.sent == ["closed"]


def test_a_console_that_is_down_is_told_with_the_reason(talk: Talk) -> None:
    talk.absence = "session down: no answer from the BMC, next try in 8s"

    screen = talk.type(b"")

    assert "<solrecd> session down: no answer from the BMC, next try in 8s" in screen
    assert "nothing that is typed arrives until it is up" in screen


def test_what_is_typed_may_come_from_a_file(talk: Talk, tmp_path: Path) -> None:
    script = tmp_path / "script"
    script.write_bytes(b"uptime\r&.")
    os.dup2(os.open(script, os.O_RDONLY), talk.keys)

    talk.run()

    assert talk.line.sent == [b"uptime\r", "closed"]
