"""The BMC's system event log (IPMI 2.0 §31), read by pyghmi (worker threads only)."""

from __future__ import annotations

import struct
import time
from collections.abc import Mapping
from dataclasses import dataclass
from types import MappingProxyType
from typing import Any


@dataclass(frozen=True, slots=True)
class LogEntry:
    """One entry of the BMC's system event log (IPMI 2.0 §32)."""

    number: int
    at: int | None
    """Stamp, corrected by how wrong the BMC's clock is now; None where it has none."""
    component: str
    """Type and name of the sensor."""
    text: str
    severity: str
    """``ok``, ``warning``, ``critical``, ``failed``, or empty."""
    asserted: bool
    """False: what the text says is over."""


_GET_SEL_ENTRY = {"netfn": 0x0A, "command": 0x43}
_LAST = 0xFFFF
"""Asks for the last entry, and follows it (IPMI 2.0 §31.5)."""
_NOT_THERE = 0xCB


def recent_entries(bmc: Any, count: int) -> Any:
    """Return the last entries as pyghmi reads them (worker thread)."""
    from pyghmi.exceptions import IpmiException  # noqa: PLC0415
    from pyghmi.ipmi.events import EventHandler  # noqa: PLC0415

    try:
        newest = bmc.xraw_command(**_GET_SEL_ENTRY, data=_which(_LAST))
    except IpmiException as error:
        if error.ipmicode == _NOT_THERE:
            return []
        raise
    (last,) = struct.unpack_from("<H", bytes(newest["data"]), 2)
    handler = EventHandler(bmc.init_sdr(), bmc)
    # Most BMCs count their entries; where they do not, the first try meets none.
    for first in dict.fromkeys((max(last - count + 1, 1), last)):
        found = handler.fetch_sel(_FromEntry(bmc, first, count))
        if found:
            return found
    return []


def _which(number: int) -> bytes:
    return struct.pack("<HHH", 0, number, 0xFF00)


class _FromEntry:
    """Stands for pyghmi's `Command`: its event log begins at a later entry.

    Args:
        bmc: that command.
        first: number of the entry that is read first.
        count: entries after which the log is taken to end.
    """

    def __init__(self, bmc: Any, first: int, count: int) -> None:
        self._bmc = bmc
        self._first = first
        self._left = count

    def xraw_command(self, netfn: int, command: int, data: Any = ()) -> Any:
        """Send a command; the question for the first entry is one for ours."""
        wish = {"netfn": netfn, "command": command}
        if wish != _GET_SEL_ENTRY:
            return self._bmc.xraw_command(**wish, data=data)
        if bytes(data) == _which(0):
            data = _which(self._first)
        answer = self._bmc.xraw_command(**wish, data=data)
        self._left -= 1
        if self._left <= 0:
            answer["data"][:2] = _LAST.to_bytes(2, "little")
        return answer


_SEVERITIES: Mapping[int, str] = MappingProxyType(
    {0: "ok", 1: "warning", 2: "critical", 4: "failed"}
)
"""`pyghmi.constants.Health` in words."""


def log_entry(event: Mapping[str, Any]) -> LogEntry:
    """Return an entry from pyghmi's dictionary of it."""
    kind, sensor = event.get("component_type"), event.get("component")
    details = [event.get("event"), event.get("event_data")]
    if "oemdata" in event:
        details.append(f"vendor's data {bytes(event['oemdata']).hex()}")
    return LogEntry(
        number=event["record_id"],
        at=_stamp(event.get("timestamp")),
        component=" ".join(str(each) for each in (kind, sensor) if each),
        text=": ".join(str(each) for each in details if each),
        severity=_SEVERITIES.get(event.get("severity", -1), ""),
        asserted=not event.get("deassertion", False),
    )


def _stamp(timestamp: str | None) -> int | None:
    """Return the stamp of pyghmi's time, which is this machine's local time."""
    if timestamp is None:
        return None
    local = time.strptime(timestamp, "%Y-%m-%dT%H:%M:%S")
    return round(time.mktime(local)) * 1_000_000
