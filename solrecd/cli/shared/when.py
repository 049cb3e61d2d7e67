"""Times as people write and read them: local, with their offset; scripts get UTC.

The zone is the process's, ``TZ``; ``--utc`` sets that.
"""

from __future__ import annotations

import argparse
import datetime as dt
import re

from solrecd.cli.program import CommandError

_EPOCH = dt.datetime(1970, 1, 1, tzinfo=dt.UTC)
_MICROSECOND = dt.timedelta(microseconds=1)
_DAY = 86400
_UNITS = {"s": 1, "m": 60, "h": 3600, "d": _DAY, "w": 7 * _DAY}
_UNIT_WORDS = {
    **_UNITS,
    **dict.fromkeys(("sec", "secs", "second", "seconds"), 1),
    **dict.fromkeys(("min", "mins", "minute", "minutes"), 60),
    **dict.fromkeys(("hr", "hrs", "hour", "hours"), 3600),
    **dict.fromkeys(("day", "days"), _DAY),
    **dict.fromkeys(("week", "weeks"), 7 * _DAY),
}

# Compiled where they are used: most commands are asked for no time.
_AGO = r"(?a)(?:-\s*)?((?:\d+(?:\.\d+)?\s*[a-z]+\s*)+?)(?:\s+ago)?"
_PART = r"(?a)(\d+(?:\.\d+)?)\s*([a-z]+)"
_SPAN = r"(?a)(\d+(?:\.\d+)?)([smhdw]?)"
_CLOCK = r"(?a)\d{1,2}:\d{2}(?::\d{2}(?:\.\d{1,6})?)?"

HELP = (
    "a time (2026-11-22T12:00, 12:00, today, yesterday; local, or with Z or +01:00)"
    " or how long ago (2h, 5min, '2 hours ago')"
)


def parse_bound(text: str | None, now: int) -> int | None:
    """Return the stamp where a time begins or ends (`parse_when`); None: it is open."""
    return None if text is None else parse_when(text, now)


def parse_when(text: str, now: int) -> int:
    """Return the stamp that a person means.

    Args:
        text: ``2026-11-22[T12:00[:05[.123456]]][Z]``, ``12:00``, ``today``,
            ``yesterday``, ``now``, or how long ago: ``90s``, ``-2h``, ``5min``,
            ``2 hours ago``, ``1h30m``. Local where it names no zone.
        now: stamp.

    Raises:
        CommandError: it is none of these.
    """
    ago = _ago(text.strip().lower())
    if ago is not None:
        return now - round(ago * 1_000_000)
    try:
        here = (_EPOCH + now * _MICROSECOND).astimezone().replace(tzinfo=None)
        moment = _moment(text.strip(), here)
        # What names no zone is local; astimezone takes it for that.
        return (moment.astimezone(dt.UTC) - _EPOCH) // _MICROSECOND
    except (ValueError, OverflowError):
        raise CommandError(f"invalid time {text!r}; allowed: {HELP}") from None


def _ago(text: str) -> float | None:
    """Return how many seconds ago a text means; None: it means something else."""
    found = re.fullmatch(_AGO, text)
    if found is None:
        return None
    parts = re.findall(_PART, found[1])
    if any(unit not in _UNIT_WORDS for _, unit in parts):
        return None
    return sum(float(number) * _UNIT_WORDS[unit] for number, unit in parts)


def seconds_in(text: str) -> float:
    """Return a duration as people write it: ``90``, ``15m``, ``1h30m``.

    Raises:
        ArgumentTypeError: it is not one.
    """
    parts = re.findall(_SPAN, text)
    if "".join(number + unit for number, unit in parts) != text or not text:
        raise argparse.ArgumentTypeError(
            f"invalid time {text!r}; allowed: as in 90, 15m or 1h30m"
        )
    return sum(float(number) * _UNITS[unit or "s"] for number, unit in parts)


def _moment(text: str, now: dt.datetime) -> dt.datetime:
    """Return the moment that is meant; without a zone: local.

    Args:
        text: no time ago.
        now: local, without a zone.

    Raises:
        ValueError: none is.
    """
    midnight = now.replace(hour=0, minute=0, second=0, microsecond=0)
    words = {"now": now, "today": midnight, "yesterday": midnight - dt.timedelta(1)}
    if text in words:
        return words[text]
    if re.fullmatch(_CLOCK, text):
        text = f"{midnight.date()}T{text:0>5}" if text[1] == ":" else text
        text = text if "T" in text else f"{midnight.date()}T{text}"
    return dt.datetime.fromisoformat(text)


def format_when(stamp: int) -> str:
    """Return a stamp as the contract's text.

    The same as `solrecd.process.stamps.format_stamp`; the vocabulary takes 40 ms to
    import, half of what `solrecctl` has to start.
    """
    moment = _EPOCH + stamp * _MICROSECOND
    return moment.strftime("%Y-%m-%dT%H:%M:%S.%fZ")


def stamp_of(time: str) -> int:
    """Return the stamp of a time of the contract."""
    return (_parsed(time) - _EPOCH) // _MICROSECOND


def seconds_between(earlier: str, later: str) -> float:
    """Return the seconds from one time of the contract to another."""
    return (_parsed(later) - _parsed(earlier)).total_seconds()


def short(time: str | None) -> str:
    """Return a time for people: local, to the second, with its offset."""
    if time is None:
        return ""
    local = _parsed(time).astimezone()
    return f"{local:%Y-%m-%d %H:%M:%S}{_offset(local)}"


def local(time: str) -> str:
    """Return a time of the contract as people read it: local, with its offset."""
    if not time:
        return time
    moment = _parsed(time).astimezone()
    return f"{moment:%Y-%m-%dT%H:%M:%S.%f}{_offset(moment)}"


def _offset(moment: dt.datetime) -> str:
    """Return ``+01:00``, or ``Z``."""
    text = moment.strftime("%z")
    return "Z" if not moment.utcoffset() else f"{text[:3]}:{text[3:5]}"


def duration(seconds: float) -> str:
    """Return a duration in at most six characters: 4.2s, 59s, 12m, 3h05, 12d."""
    if seconds < 10:
        return f"{max(seconds, 0.0):.1f}s"
    if seconds < 100:
        return f"{seconds:.0f}s"
    minutes = int(seconds // 60)
    if minutes < 100:
        return f"{minutes}m"
    hours = minutes // 60
    if hours < 48:
        return f"{hours}h{minutes % 60:02}"
    return f"{hours // 24}d"


def _parsed(time: str) -> dt.datetime:
    return dt.datetime.fromisoformat(time)
