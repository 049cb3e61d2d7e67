"""The daemon's own log: its forms, and what must never be in it."""

import io
import json
import logging
import os
from collections.abc import Callable, Iterator
from contextlib import closing
from pathlib import Path

import pytest
import structlog

from solrecd.config import LogFormat, LogLevel, Secret
from solrecd.events.event import Event, Kind, Severity
from solrecd.process.log import configure
from solrecd.process.log.entries import EVENT, LEVELS
from solrecd.process.log.journald import Journal
from solrecd.sources.ipmi.options import OnConflict
from tests.support.configs import bmc_console
from tests.support.journal import fake_journal

SECRET = "hunter2"


@pytest.fixture(autouse=True)
def _restored() -> Iterator[None]:
    """Leave the logging of the test process as it was."""
    root = logging.getLogger()
    handlers, level = root.handlers[:], root.level
    yield
    structlog.reset_defaults()
    root.handlers[:] = handlers
    root.setLevel(level)


def written(format_: LogFormat, write: Callable[[], None]) -> str:
    """Return what a call of ours writes into a log of that form."""
    stream = io.StringIO()
    configure(format_=format_, stream=stream, environ={})
    write()
    return stream.getvalue()


def fail(cause: object) -> None:
    """Raise an error about something."""
    raise ValueError(cause)


def tell_everything() -> None:
    """Log a secret in every way that could happen by mistake."""
    log = structlog.get_logger()
    secret = Secret(SECRET.encode())
    config = bmc_console(name="n", host="h", username=b"u", password=secret, kg=secret)
    log.info("a", password=SECRET, kg=SECRET.encode(), token=SECRET, credential=SECRET)
    log.info("b", value=secret, values=[secret], table={"x": secret}, config=config)
    logging.getLogger("library").error("c %s %s", secret, config)
    try:
        fail(secret)
    except ValueError:
        log.exception("d", console="n1")


@pytest.mark.parametrize("format_", LogFormat)
def test_a_secret_never_appears(format_: LogFormat) -> None:
    text = written(format_, tell_everything)

    assert SECRET not in text
    assert text.count("hidden") >= 8


@pytest.mark.parametrize("format_", LogFormat)
def test_bytes_of_a_console_cannot_steer_a_terminal(format_: LogFormat) -> None:
    hostile = "\x1b[2J\r\n<0>forged\x9b"

    text = written(
        format_,
        lambda: structlog.get_logger().info("x", text=hostile, data=hostile.encode()),
    )

    assert not set(text) & set("\x1b\r\x9b")
    assert text.count("\n") == 1


def test_logfmt_has_time_level_and_event_first() -> None:
    text = written(
        LogFormat.LOGFMT,
        lambda: structlog.get_logger().warning(
            "session lost", console="node001", policy=OnConflict.TAKE, after=1.5
        ),
    )

    stamp, _, rest = text.partition(" ")
    assert stamp.startswith("timestamp=20")
    assert rest == (
        'level=warning event="session lost" console=node001 policy=take after=1.5\n'
    )


def test_json_is_one_object_a_line() -> None:
    text = written(LogFormat.JSON, lambda: structlog.get_logger().info("up", boot=42))

    entry = json.loads(text)
    assert (entry["event"], entry["level"], entry["boot"]) == ("up", "info", 42)


def test_the_journal_gets_priorities_and_no_time(tmp_path: Path) -> None:
    with (tmp_path / "journal").open("w+", encoding="utf-8") as stream:
        status = os.fstat(stream.fileno())
        environ = {"JOURNAL_STREAM": f"{status.st_dev}:{status.st_ino}"}
        configure(
            stream=stream,
            environ=environ,
            level=LogLevel.DEBUG,
        )
        log = structlog.get_logger()
        log.debug("detail")
        log.error("session lost", console="node001")
        try:
            fail("disk")
        except ValueError:
            log.exception("crash")
        stream.seek(0)
        lines = stream.read().splitlines()

    assert lines[:4] == [
        "<7>event=detail",
        '<3>event="session lost" console=node001',
        "<3>event=crash",
        "<3>Traceback (most recent call last):",
    ]
    assert lines[-1] == "<3>ValueError: disk"


def test_an_inherited_journal_stream_is_believed_only_for_the_very_stream() -> None:
    stream = io.StringIO()

    configure(stream=stream, environ={"JOURNAL_STREAM": "8:12345"})
    structlog.get_logger().info("x")

    assert stream.getvalue().startswith("timestamp=")


def test_messages_below_the_level_are_not_written() -> None:
    stream = io.StringIO()
    configure(stream=stream, environ={}, level=LogLevel.WARNING)

    structlog.get_logger().info("quiet")
    logging.getLogger("library").info("quiet")
    structlog.get_logger().warning("loud")

    assert stream.getvalue().count("\n") == 1


def test_libraries_are_in_the_same_log() -> None:
    text = written(
        LogFormat.LOGFMT, lambda: logging.getLogger("hypercorn").warning("slow %d", 3)
    )

    assert 'level=warning event="slow 3" logger=hypercorn' in text


def test_a_log_that_cannot_be_written_is_no_error() -> None:
    stream = io.StringIO()
    configure(stream=stream, environ={})
    stream.close()

    structlog.get_logger().error("unheard")


def event(kind: Kind, title: str, severity: Severity = Severity.INFO) -> Event:
    """Return something that happened on a console."""
    return Event(1_800_000_000_000_000, "n1", kind, "what", severity, title)


def tell(*events: Event) -> None:
    """Log events as a console does."""
    for one in events:
        structlog.get_logger().log(LEVELS[one.severity], EVENT, occurrence=one)


def entries_of(folder: Path, write: Callable[[], None]) -> list[dict[str, str]]:
    """Return what a call of ours gives the journal."""
    with (
        fake_journal(folder) as journal,
        (folder / "stderr").open("w+", encoding="utf-8") as stream,
    ):
        status = os.fstat(stream.fileno())
        environ = {"JOURNAL_STREAM": f"{status.st_dev}:{status.st_ino}"}
        with closing(Journal(journal.path)) as way:
            configure(stream=stream, environ=environ, journal=way)
            write()
        assert not (folder / "stderr").read_text()
        return journal.read()


def test_the_journal_gets_every_event_with_its_fields(tmp_path: Path) -> None:
    entries = entries_of(
        tmp_path,
        lambda: tell(
            event(Kind.STAGE, "reached the kernel"),
            event(Kind.FAILURE, "\x1b[2Jdied\nPRIORITY=0", Severity.FATAL),
        ),
    )

    assert [entry["SOLRECD_KIND"] for entry in entries] == ["stage", "failure"]
    assert [entry["PRIORITY"] for entry in entries] == ["6", "2"]
    assert entries[1]["MESSAGE"] == r"n1: what: \x1b[2Jdied\x0aPRIORITY=0"
    assert entries[1]["SOLRECD_TITLE"] == r"\x1b[2Jdied\x0aPRIORITY=0"


def test_a_log_of_lines_has_what_a_boot_suffered_and_not_its_whole_story() -> None:
    text = written(
        LogFormat.LOGFMT,
        lambda: tell(
            event(Kind.STAGE, "kernel"), event(Kind.STUCK, "no more", Severity.ERROR)
        ),
    )

    assert text.partition(" ")[2] == (
        "level=error event=console.event console=n1 kind=stuck name=what "
        'title="no more"\n'
    )


def test_the_journal_gets_our_messages_and_those_of_libraries(tmp_path: Path) -> None:
    def write() -> None:
        structlog.get_logger().warning("session lost", console="n1", after=1.5)
        logging.getLogger("hypercorn").error("slow %d", 3)
        try:
            fail(Secret(SECRET.encode()))
        except ValueError:
            structlog.get_logger().exception("crash", password=SECRET)

    lost, slow, crash = entries_of(tmp_path, write)

    assert lost == {
        "MESSAGE": 'event="session lost" console=n1 after=1.5',
        "PRIORITY": "4",
        "SYSLOG_IDENTIFIER": "solrecd",
        "SOLRECD_CONSOLE": "n1",
        "SOLRECD_AFTER": "1.5",
    }
    assert (slow["PRIORITY"], slow["SOLRECD_LOGGER"]) == ("3", "hypercorn")
    assert crash["SOLRECD_EXCEPTION"].startswith("Traceback (most recent call last):\n")
    assert SECRET not in str(crash)


def test_a_journal_that_went_away_leaves_lines_with_priorities(tmp_path: Path) -> None:
    with (tmp_path / "stderr").open("w+", encoding="utf-8") as stream:
        status = os.fstat(stream.fileno())
        environ = {"JOURNAL_STREAM": f"{status.st_dev}:{status.st_ino}"}
        with fake_journal(tmp_path) as journal:
            way = Journal(journal.path)
        with closing(way):
            configure(stream=stream, environ=environ, journal=way)
            structlog.get_logger().error("unheard", console="n1")

        assert (tmp_path / "stderr").read_text() == "<3>event=unheard console=n1\n"
