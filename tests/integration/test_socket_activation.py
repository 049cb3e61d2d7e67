"""A control socket that systemd listens on and passes to us."""

import os
import socket
from pathlib import Path

import pytest
import trio

from solrecd.api.listening_sockets import CONTROL, address_of, control_bind, listen


def listening(path: Path) -> socket.socket:
    """Return what systemd would pass."""
    passed = socket.socket(socket.AF_UNIX, socket.SOCK_STREAM)
    passed.bind(str(path))
    passed.listen()
    return passed


async def test_a_passed_socket_is_served_and_its_file_stays(tmp_path: Path) -> None:
    path = tmp_path / "control.sock"
    with listening(path) as systemds:
        inherited = {"sessions": 0, CONTROL: os.dup(systemds.fileno())}

        bind = control_bind(str(path), inherited)
        async with listen(bind) as listeners:
            address = address_of(bind, listeners)
            async with await trio.open_unix_socket(path) as client:
                async with await listeners[0].accept() as accepted:
                    await accepted.send_all(b"here")
                received = await client.receive_some()

        assert (address, received) == (str(path), b"here")
        # A client that comes now waits for our successor.
        async with await trio.open_unix_socket(path):
            pass


def test_without_a_passed_socket_the_path_is_listened_on() -> None:
    assert control_bind("/run/x.sock", {"sessions": 0}) == "/run/x.sock"


def test_a_socket_that_listens_elsewhere_is_closed_and_told(
    tmp_path: Path, caplog: pytest.LogCaptureFixture
) -> None:
    with listening(tmp_path / "other.sock") as systemds:
        descriptor = os.dup(systemds.fileno())

        bind = control_bind("/run/x.sock", {CONTROL: descriptor})

        assert bind == "/run/x.sock"
        assert f"listens on {tmp_path}/other.sock; set ListenStream=" in caplog.text
        with pytest.raises(OSError, match="Bad file descriptor"):
            os.fstat(descriptor)


def test_a_socket_that_does_not_listen_is_not_served(tmp_path: Path) -> None:
    path = str(tmp_path / "control.sock")
    with socket.socket(socket.AF_UNIX, socket.SOCK_STREAM) as plain:
        plain.bind(path)

        assert control_bind(path, {CONTROL: os.dup(plain.fileno())}) == path


def test_a_descriptor_that_is_no_socket_is_told(
    tmp_path: Path, caplog: pytest.LogCaptureFixture
) -> None:
    with (tmp_path / "file").open("w") as file:
        bind = control_bind("/run/x.sock", {CONTROL: file.fileno()})

    assert bind == "/run/x.sock"
    assert "passed no socket" in caplog.text
