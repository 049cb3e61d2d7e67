"""The management controller behind the wire: host, payload, sessions and their owner.

What the IPMI commands act upon. `Bmc` feeds it with believed packets; everything to
be sent gathers in its outbox.
"""

from __future__ import annotations

import dataclasses
import math
from typing import Final

from solrecd.simbmc.faults import Misbehaviour
from solrecd.simbmc.ledger import Drop, Ledger
from solrecd.simbmc.machine import ChassisControl, Machine
from solrecd.simbmc.openbmc import OpenBmcPayload
from solrecd.simbmc.options import BmcOptions, Habits
from solrecd.simbmc.payload import SolPayload
from solrecd.simbmc.sessions import Address, BmcSession
from solrecd.sources.ipmi.protocol.constants import (
    BMC_ADDRESS,
    REMOTE_CONSOLE_ADDRESS,
    RMCP_PORT,
    CompletionCode,
    NetFn,
    PayloadType,
    TransportCommand,
)
from solrecd.sources.ipmi.protocol.messages import Request, encode_request
from solrecd.sources.ipmi.protocol.packets import encode_sol

STRANGER: Final = 0x57A11E5D
"""Session ID of another client that took the payload; no datagram carries it."""


class Controller:
    """State and commands of one BMC, without packets."""

    def __init__(self, options: BmcOptions, machine: Machine, ledger: Ledger) -> None:
        self.options = options
        self.machine = machine
        self.ledger = ledger
        self.misbehaviour = Misbehaviour()
        self.port = options.port or RMCP_PORT
        """UDP port that clients are told to send SoL packets to."""
        self.is_openbmc = options.habits is Habits.OPENBMC
        payload = OpenBmcPayload if self.is_openbmc else SolPayload
        self.payload: OpenBmcPayload | SolPayload
        self.payload = payload(options.sol, machine, ledger)
        self.sessions: dict[int, BmcSession] = {}
        self.owner: int | None = None
        """Managed system session ID of the payload's owner, or `STRANGER`."""
        self.outbox: list[tuple[bytes, Address]] = []
        """Boot option parameter 5 (Table 28-14): what to boot from next."""
        self.sol_set_in_progress = 0
        """A client is setting SoL parameters (§26.3, parameter 0)."""
        self.event_log: list[bytes] = []
        """System event log: each entry without its number, 14 bytes (§32.1)."""
        self.idle_check = math.inf
        """When `close_idle` has something to do at the earliest."""
        self._was_on = machine.power_on

    # -- sessions --

    @property
    def free_slots(self) -> int:
        """How many more sessions may be opened."""
        return self.options.session_slots - len(self.sessions)

    def admit(self, session: BmcSession) -> None:
        """Take up a session that has logged in."""
        self.sessions[session.id] = session
        idle = session.last_seen + self.options.session_timeout
        self.idle_check = min(self.idle_check, idle)

    def close(self, session_id: int) -> None:
        """End a session; a payload it owned is free again."""
        if self.owner == session_id:
            self.release(tell=False)
        self.sessions.pop(session_id, None)

    def close_idle(self, now: float) -> None:
        """End the sessions that were silent for too long (§6.12.15)."""
        if now < self.idle_check:
            return
        timeout = self.options.session_timeout
        for session in list(self.sessions.values()):
            # The same sum as in `idle_check`: another one may be a hair off, and the
            # deadline would stay.
            if session.last_seen + timeout <= now:
                self.close(session.id)
        seen = (session.last_seen for session in self.sessions.values())
        self.idle_check = min(seen, default=math.inf) + timeout

    def reset(self) -> None:
        """Forget everything, as a restart of the BMC does; the host runs on."""
        self.sessions.clear()
        self.owner = None
        self.outbox.clear()
        self.payload.reset()

    # -- the payload --

    def activate(self, session: BmcSession, now: float) -> None:
        """Make `session` the owner of the SoL payload."""
        self.owner = session.id
        self.misbehaviour = dataclasses.replace(self.misbehaviour, serial_lost=False)
        self.payload.accepts_zero = self.misbehaviour.accepts_zero
        self.payload.activate(now)

    def release(self, *, tell: bool) -> None:
        """Take the payload from its owner.

        Args:
            tell: whether the owner hears of it.
        """
        # Sealed before the owner changes: afterwards the keys for them are gone.
        self.flush()
        self.payload.deactivate(tell=tell)
        self.flush()
        if tell and self.is_openbmc:
            self._tell_activating()
        self.owner = None

    def _tell_activating(self) -> None:
        """Send the owner SOL Activating (§26.1): instance 1, version 1.0."""
        owner = None if self.owner is None else self.sessions.get(self.owner)
        if owner is None:
            return
        request = Request(
            NetFn.TRANSPORT,
            TransportCommand.SOL_ACTIVATING,
            bytes((0, 1, 1, 0)),
            sequence=0,
            responder=REMOTE_CONSOLE_ADDRESS,
            requester=BMC_ADDRESS,
        )
        datagram = owner.cipher.seal(PayloadType.IPMI, encode_request(request))
        self.outbox.append((datagram, owner.address))

    def steal(self) -> None:
        """Let another client take the payload and keep it."""
        self.release(tell=not self.misbehaviour.robs_silently)
        self.owner = STRANGER

    def flush(self) -> None:
        """Seal the payload's packets for its owner; without one they are nothing."""
        packets = self.payload.packets()
        if not packets:
            return
        owner = None if self.owner is None else self.sessions.get(self.owner)
        if owner is None:
            return
        for packet in packets:
            payload = b"" if packet is None else encode_sol(packet)
            datagram = owner.cipher.seal(PayloadType.SOL, payload)
            self.outbox.append((datagram, owner.address))

    # -- the host --

    def control(self, control: ChassisControl, now: float) -> CompletionCode:
        """Do what Chassis Control asks for."""
        self.machine.control(control, now)
        self._watch_power()
        return CompletionCode.OK

    @property
    def holds_host(self) -> bool:
        """The serial line's flow control has the host wait."""
        payload = self.payload
        return payload.settings.holds_host(payload.waiting)

    def pump(self, now: float) -> None:
        """Move what the host has printed into the payload."""
        data = b"" if self.holds_host else self.machine.output(now)
        self._watch_power()
        if data:
            self.print(data, now)

    def print(self, data: bytes, now: float) -> None:
        """Take console bytes, from the host or from a test."""
        if self.misbehaviour.serial_dead or self.misbehaviour.serial_lost:
            self.ledger.printed += len(data)
            self.ledger.dropped[Drop.SERIAL_DEAD] += len(data)
            return
        self.payload.print(data, now)

    def _watch_power(self) -> None:
        if self.machine.power_on != self._was_on:
            self._was_on = self.machine.power_on
            self.payload.power_changed()
