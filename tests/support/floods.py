"""SoL packets of a BMC that waits for no ACK."""

from __future__ import annotations

import random
from collections.abc import Mapping
from typing import Final, NamedTuple

import trio

from solrecd.simbmc.fleet import Member
from solrecd.sources.ipmi.protocol.constants import (
    MAX_SOL_DATA,
    MAX_SOL_NUMBER,
    PayloadType,
    SolStatus,
)
from solrecd.sources.ipmi.protocol.packets import SolPacket, encode_sol

_PAUSE = 0.004


class Flood(NamedTuple):
    """Packets that wait for no ACK."""

    rate: float
    """Packets a second."""
    data: bytes
    """What each of them brings, over and over."""
    status: int = 0
    skips: int = 0
    """Sequence numbers left out before each packet."""


FLOODS: Final[Mapping[str, Flood]] = {
    "1000 escapes/s": Flood(1000, b"\x1b[C"),
    "4000 escapes/s": Flood(4000, b"\x1b[C"),
    "1000 half sequences/s": Flood(1000, b"\x1b["),
    "1000 of noise/s": Flood(1000, random.Random(1).randbytes(MAX_SOL_DATA)),
    "1000 overruns/s": Flood(1000, b"x", int(SolStatus.TRANSMIT_OVERRUN)),
    "1000 skips/s": Flood(1000, b"x", skips=3),
    "1000 of line feeds/s": Flood(1000, b"\n"),
}


async def send_flood(member: Member, flood: Flood) -> None:
    """Send SoL packets of the payload's owner; no ACK is waited for."""
    controller = member.bmc.controller
    data = (flood.data * MAX_SOL_DATA)[:MAX_SOL_DATA]
    began, sent, number = trio.current_time(), 0, 0
    while True:
        session = controller.sessions.get(controller.owner or 0)
        due = int((trio.current_time() - began) * flood.rate)
        for count in range(sent, due):
            if flood.skips:
                # The same bytes under another number are one packet that came again.
                data = (b"%d " % count * MAX_SOL_DATA)[:MAX_SOL_DATA]
            number = (number + flood.skips) % MAX_SOL_NUMBER + 1
            packet = encode_sol(SolPacket(number, 0, 0, flood.status, data))
            if session is not None:
                member.send(
                    session.cipher.seal(PayloadType.SOL, packet), session.address
                )
        sent = due
        await trio.sleep(_PAUSE)
