"""What systemd hears, on a real datagram socket."""

import os
import socket
from collections.abc import Iterator
from contextlib import suppress
from pathlib import Path

import pytest
from sdnotify import SystemdNotifier

from solrecd.process.systemd import (
    MAX_NAMES,
    MAX_STATUS,
    Notifier,
    connect,
    inherited_descriptors,
)


@pytest.fixture
def manager(tmp_path: Path) -> Iterator[socket.socket]:
    """A service manager's end of the notification socket."""
    with socket.socket(socket.AF_UNIX, socket.SOCK_DGRAM) as listener:
        listener.bind(str(tmp_path / "notify"))
        listener.setblocking(False)
        yield listener


@pytest.fixture
def notifier(
    manager: socket.socket, monkeypatch: pytest.MonkeyPatch
) -> Iterator[Notifier]:
    """A notifier that found the manager through its environment."""
    monkeypatch.setenv("NOTIFY_SOCKET", manager.getsockname())
    monkeypatch.setenv("WATCHDOG_USEC", "30000000")
    monkeypatch.delenv("WATCHDOG_PID", raising=False)
    notifier = connect()
    yield notifier
    notifier.close()


def test_each_message_is_one_datagram(
    manager: socket.socket, notifier: Notifier
) -> None:
    notifier.status("5 consoles, 4 up")
    notifier.ready()
    notifier.watchdog()
    notifier.stopping()

    heard = [manager.recv(4096) for _ in range(4)]
    assert heard == [
        b"STATUS=5 consoles, 4 up",
        b"READY=1",
        b"WATCHDOG=1",
        b"STOPPING=1",
    ]


def test_a_reload_says_when_it_began_in_the_same_datagram(
    manager: socket.socket, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("NOTIFY_SOCKET", manager.getsockname())
    notifier = Notifier(SystemdNotifier(), monotonic_ns=lambda: 5_000_000)

    notifier.reloading()

    assert manager.recv(4096) == b"RELOADING=1\nMONOTONIC_USEC=5000"
    notifier.close()


def test_a_status_may_be_any_text_and_stays_one_line(
    manager: socket.socket, notifier: Notifier
) -> None:
    notifier.status("node001 → login\nREADY=1")
    notifier.status("x" * 5000)

    assert manager.recv(4096) == "STATUS=node001 → login READY=1".encode()
    assert len(manager.recv(8192)) == len("STATUS=") + MAX_STATUS


def test_a_manager_that_does_not_listen_never_blocks_us(notifier: Notifier) -> None:
    for _ in range(2000):
        notifier.watchdog()


def test_a_manager_that_went_away_is_no_error(
    manager: socket.socket, notifier: Notifier
) -> None:
    manager.close()

    notifier.ready()


# sdnotify drops its socket instead of closing it.
@pytest.mark.filterwarnings("ignore::pytest.PytestUnraisableExceptionWarning")
def test_a_manager_that_cannot_be_reached_counts_as_none(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("NOTIFY_SOCKET", str(tmp_path / "nobody"))

    notifier = connect()

    assert not notifier.keeps_descriptors
    notifier.ready()
    notifier.close()


def test_outside_a_service_manager_nothing_happens() -> None:
    notifier = connect({})

    notifier.ready()
    notifier.status("unheard")
    notifier.close()

    assert notifier.watchdog_interval is None


def test_pings_are_due_at_half_of_the_watchdogs_time(notifier: Notifier) -> None:
    assert notifier.watchdog_interval == 15.0


@pytest.mark.parametrize(
    ("environ", "interval"),
    [
        ({"WATCHDOG_USEC": "2000000", "WATCHDOG_PID": str(os.getpid())}, 1.0),
        ({"WATCHDOG_USEC": "2000000", "WATCHDOG_PID": "1"}, None),
        ({"WATCHDOG_USEC": "0"}, None),
        ({"WATCHDOG_USEC": "soon"}, None),
    ],
)
def test_only_a_watchdog_of_this_process_counts(
    environ: dict[str, str], interval: float | None
) -> None:
    assert connect(environ).watchdog_interval == interval


def test_a_descriptor_is_stored_under_its_own_name(
    manager: socket.socket, notifier: Notifier
) -> None:
    with socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as kept:
        notifier.store("sock0", kept.fileno())
        message, (copy,), _, _ = socket.recv_fds(manager, 4096, 4)

        assert message == b"FDSTORE=1\nFDNAME=sock0\nFDPOLL=0"
        assert os.fstat(copy).st_ino == os.fstat(kept.fileno()).st_ino
        os.close(copy)


def test_a_descriptor_is_removed_by_its_name(
    manager: socket.socket, notifier: Notifier
) -> None:
    notifier.unstore("sock0")

    assert manager.recv(4096) == b"FDSTOREREMOVE=1\nFDNAME=sock0"


def test_no_more_is_stored_than_the_next_process_can_be_told_of(
    manager: socket.socket, notifier: Notifier
) -> None:
    size = 1023
    stored = 0
    with socket.socket(socket.AF_UNIX) as kept:
        for number in range(100):
            notifier.store(f"{number:0{size}}", kept.fileno())
            stored += number_of(manager)
        notifier.unstore(f"{5:0{size}}")
        notifier.store("one more", kept.fileno())

    assert stored == MAX_NAMES // 1024
    assert number_of(manager) == 2


def number_of(manager: socket.socket) -> int:
    """Return how many messages came."""
    count = 0
    with suppress(BlockingIOError):
        while True:
            _, copies, _, _ = socket.recv_fds(manager, 4096, 4)
            for copy in copies:
                os.close(copy)
            count += 1
    return count


def test_descriptors_wait_for_a_manager_that_is_busy(
    manager: socket.socket, notifier: Notifier
) -> None:
    for number in range(600):
        notifier.unstore(f"sock{number}")
    heard = []
    for _ in range(600):
        with suppress(BlockingIOError):
            while True:
                heard.append(manager.recv(4096))
        notifier.watchdog()

    names = [b"FDSTOREREMOVE=1\nFDNAME=sock%d" % number for number in range(600)]
    assert [message for message in heard if message != b"WATCHDOG=1"] == names


@pytest.mark.parametrize(
    ("environ", "names"),
    [
        ({}, []),
        ({"LISTEN_PID": "1", "LISTEN_FDS": "1", "LISTEN_FDNAMES": "a"}, []),
        ({"LISTEN_PID": str(os.getpid()), "LISTEN_FDS": "many"}, []),
    ],
)
def test_only_descriptors_for_this_process_are_taken(
    environ: dict[str, str], names: list[str]
) -> None:
    assert list(inherited_descriptors(environ)) == names


SYSTEMCTL = """\
#!/bin/sh
case "$1" in
show) echo NFileDescriptorStore={stored} ;;
list-jobs) echo "{jobs}" ;;
esac
"""


@pytest.mark.parametrize(
    ("stored", "jobs", "restarts"),
    [
        (2, "77 solrecd.service restart running", True),
        (2, "77 solrecd.service stop running", False),
        (2, "78 other.service restart running", False),
        (2, "", False),
        (0, "77 solrecd.service restart running", False),
    ],
)
async def test_systemd_says_whether_a_stop_is_half_a_restart(
    tmp_path: Path,
    manager: socket.socket,
    monkeypatch: pytest.MonkeyPatch,
    stored: int,
    jobs: str,
    *,
    restarts: bool,
) -> None:
    program = tmp_path / "systemctl"
    program.write_text(SYSTEMCTL.format(stored=stored, jobs=jobs))
    program.chmod(0o755)
    monkeypatch.setenv("PATH", str(tmp_path), prepend=":")
    monkeypatch.setenv("NOTIFY_SOCKET", manager.getsockname())
    notifier = connect({**os.environ, "SOLRECD_UNIT": "solrecd.service"})

    assert await notifier.will_restart() is restarts
    notifier.close()


@pytest.mark.parametrize(
    ("shown", "restarts"), [("NRestarts=3", 3), ("NRestarts=[not set]", 0), ("", 0)]
)
async def test_how_often_systemd_restarted_us_is_asked(
    tmp_path: Path,
    manager: socket.socket,
    monkeypatch: pytest.MonkeyPatch,
    shown: str,
    restarts: int,
) -> None:
    program = tmp_path / "systemctl"
    program.write_text(f"#!/bin/sh\necho '{shown}'\n")
    program.chmod(0o755)
    monkeypatch.setenv("PATH", str(tmp_path), prepend=":")
    monkeypatch.setenv("NOTIFY_SOCKET", manager.getsockname())
    notifier = connect({**os.environ, "SOLRECD_UNIT": "solrecd.service"})

    assert await notifier.restarts() == restarts
    notifier.close()


async def test_without_systemctl_a_stop_is_a_stop(
    tmp_path: Path, manager: socket.socket, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("PATH", str(tmp_path))
    monkeypatch.setenv("NOTIFY_SOCKET", manager.getsockname())
    notifier = connect({**os.environ, "SOLRECD_UNIT": "solrecd.service"})

    assert not await notifier.will_restart()
    assert await notifier.restarts() == 0
    notifier.close()
