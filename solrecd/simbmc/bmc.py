"""One simulated BMC: datagrams and ``now`` in, datagrams out.

No socket, no clock. Drive it like this::

    bmc.receive(datagram, address, now)     # for every datagram
    bmc.expire(now)                         # at bmc.deadline
    for datagram, address in bmc.datagrams(): ...   # after either

The console bytes come from the `Machine` behind it, or from `console_output`.
"""

from __future__ import annotations

import dataclasses
import math
import random
from collections.abc import Callable, Mapping
from functools import partial
from typing import Any, Final

from solrecd.simbmc.calls import Call
from solrecd.simbmc.commands import execute
from solrecd.simbmc.controller import Controller
from solrecd.simbmc.faults import Misbehaviour, Mishap
from solrecd.simbmc.ledger import Ledger
from solrecd.simbmc.machine import ChassisControl, Echo, Machine
from solrecd.simbmc.options import BmcOptions
from solrecd.simbmc.sessions import Address, BmcSession, LoginReply, Logins
from solrecd.sources.ipmi.protocol.constants import CompletionCode, PayloadType
from solrecd.sources.ipmi.protocol.messages import (
    Request,
    answer,
    decode_request,
    encode_response,
)
from solrecd.sources.ipmi.protocol.packets import (
    Envelope,
    MalformedPacket,
    decode_envelope,
    decode_legacy,
    decode_sol,
    encode_legacy,
    encode_plain,
)

_JUMP: Final = 6
"""SoL numbers left out by `Mishap.JUMP`; a Tyan S4811 does so after a host reboot."""


_PRESENCE_PING: Final = bytes.fromhex("0600ff06000011be80")
_PRESENCE_PONG: Final = bytes.fromhex("0600ff06000011be40")
_PONG_DATA: Final = bytes.fromhex("0010000011be000000008100000000000000")
"""ASF presence ping and pong (§13.2.3, §13.2.4): IPMI is supported."""


class Bmc:
    """A BMC with its host.

    Args:
        options: users, suites, limits.
        machine: the host; one that prints nothing by itself if left out.
        rng: randoms and session IDs; give a seeded one to reproduce a run.
        ledger: where the fate of every console byte is counted.
    """

    def __init__(
        self,
        options: BmcOptions | None = None,
        machine: Machine | None = None,
        *,
        rng: random.Random | None = None,
        ledger: Ledger | None = None,
    ) -> None:
        options = options or BmcOptions()
        self.machine = machine or Machine(Echo())
        self.ledger = ledger or Ledger()
        self.rejected = 0
        """Datagrams that were malformed or not believed."""
        self.controller = Controller(options, self.machine, self.ledger)
        self.logins = Logins(options, rng or random.Random())  # noqa: S311 - a simulator

    @property
    def misbehaviour(self) -> Misbehaviour:
        """What this BMC does wrong; assign another one at any time."""
        return self.controller.misbehaviour

    @misbehaviour.setter
    def misbehaviour(self, misbehaviour: Misbehaviour) -> None:
        self.controller.misbehaviour = misbehaviour
        self.logins.misbehaviour = misbehaviour

    @property
    def deadline(self) -> float | None:
        """When `expire` is to be called next; None: not before a datagram comes."""
        controller = self.controller
        due = controller.idle_check
        machine = controller.machine.deadline
        if controller.holds_host:
            machine = None  # Every acknowledgement has it looked at again.
        if machine is not None and machine < due:
            due = machine
        payload = controller.payload.deadline
        if payload is not None and payload < due:
            due = payload
        return None if due == math.inf else due

    def expire(self, now: float) -> None:
        """Let the host print, and do what timers ask for."""
        controller = self.controller
        controller.pump(now)
        controller.payload.expire(now)
        controller.close_idle(now)
        controller.flush()

    def console_output(self, data: bytes, now: float) -> None:
        """Print `data` on the host's serial port."""
        self.controller.print(data, now)
        self.controller.flush()

    def datagrams(self) -> list[tuple[bytes, Address]]:
        """Return what to send now, and to whom; forget it."""
        outbox, self.controller.outbox = self.controller.outbox, []
        return [] if self.misbehaviour.mute else outbox

    def inject(self, mishap: Mishap, now: float) -> None:
        """Let something happen to this BMC."""
        controller = self.controller
        effects: Mapping[Mishap, Callable[[], object]] = {
            Mishap.RESET: self._reset,
            Mishap.STEAL: controller.steal,
            Mishap.RELEASE: partial(controller.release, tell=True),
            Mishap.DEACTIVATE: partial(controller.release, tell=True),
            Mishap.FORGET_SESSIONS: controller.sessions.clear,
            Mishap.MUTE: partial(self._behave, mute=True),
            Mishap.UNMUTE: partial(self._behave, mute=False),
            Mishap.SERIAL_DEAD: partial(self._behave, serial_dead=True),
            Mishap.SERIAL_ALIVE: partial(self._behave, serial_dead=False),
            Mishap.SERIAL_LOST: partial(self._behave, serial_lost=True),
            Mishap.JUMP: partial(controller.payload.jump, _JUMP),
            Mishap.POWER_CYCLE: partial(
                controller.control, ChassisControl.POWER_CYCLE, now
            ),
        }
        effects[mishap]()
        controller.pump(now)
        controller.flush()

    def _reset(self) -> None:
        self.logins.clear()
        self.controller.reset()

    def _behave(self, **changes: Any) -> None:
        """Change some of the fields of `Misbehaviour`."""
        self.misbehaviour = dataclasses.replace(self.misbehaviour, **changes)

    # -- datagrams --

    def receive(self, datagram: bytes, address: Address, now: float) -> None:
        """Take one datagram, whatever it is; answers wait in `datagrams`."""
        if self.misbehaviour.mute:
            return
        try:
            if datagram[4:5] == b"\x06":
                self._receive_plus(datagram, address, now)
            else:
                self._receive_legacy(datagram, address, now)
        except MalformedPacket:
            self.rejected += 1

    def _receive_legacy(self, datagram: bytes, address: Address, now: float) -> None:
        """Answer a ping, or an IPMI 1.5 packet: what clients ask before a login."""
        if datagram.startswith(_PRESENCE_PING):
            pong = _PRESENCE_PONG + datagram[9:10] + _PONG_DATA
            self.controller.outbox.append((pong, address))
            return
        response = self._command(decode_legacy(datagram), None, now)
        if response is not None:
            self.controller.outbox.append((encode_legacy(response), address))

    def _receive_plus(self, datagram: bytes, address: Address, now: float) -> None:
        envelope = decode_envelope(datagram)
        session = self.controller.sessions.get(envelope.session_id)
        if session is not None:
            self._receive_sealed(session, datagram, address, now)
        elif envelope.session_id == 0:
            self._receive_login(envelope, address, now)
        else:
            self.rejected += 1

    def _receive_login(self, envelope: Envelope, address: Address, now: float) -> None:
        reply: LoginReply | None = None
        match envelope.payload_type:
            case PayloadType.OPEN_SESSION_REQUEST:
                slots = self.controller.free_slots
                reply = self.logins.open(envelope.payload, slots, now)
            case PayloadType.RAKP_1:
                reply = self.logins.rakp1(envelope.payload, now)
            case PayloadType.RAKP_3:
                reply = self.logins.rakp3(envelope.payload, address, now)
            case PayloadType.IPMI:
                self._sessionless(envelope.payload, address, now)
            case _:
                self.rejected += 1
        if reply is None:
            return
        if reply.session is not None:
            self.controller.admit(reply.session)
        self.controller.outbox.append((reply.datagram, address))

    def _sessionless(self, message: bytes, address: Address, now: float) -> None:
        response = self._command(message, None, now)
        if response is not None:
            datagram = encode_plain(PayloadType.IPMI, response)
            self.controller.outbox.append((datagram, address))

    def _receive_sealed(
        self, session: BmcSession, datagram: bytes, address: Address, now: float
    ) -> None:
        """Take a packet of an active session; only a believed one counts."""
        kind, payload = session.cipher.open(datagram)
        controller = self.controller
        # Answers follow the client: a restarted recorder may come from another port.
        session.address = address
        if kind == PayloadType.SOL:
            if controller.options.sol_keeps_session:
                session.last_seen = now
            # Any client may hold a session, only the owner's SoL packets count.
            if controller.owner == session.id:
                controller.payload.receive(decode_sol(payload), now)
                controller.pump(now)
                controller.flush()
            return
        session.last_seen = now
        if kind == PayloadType.IPMI and not self.misbehaviour.mute_after_login:
            self._answer(session, payload, now)

    def _answer(self, session: BmcSession, message: bytes, now: float) -> None:
        """Answer a command; the answer leaves before SoL data that it set free."""
        response = self._command(message, session, now)
        if response is not None:
            datagram = session.cipher.seal(PayloadType.IPMI, response)
            self.controller.outbox.append((datagram, session.address))
        self.controller.flush()

    def _command(
        self, message: bytes, session: BmcSession | None, now: float
    ) -> bytes | None:
        """Return the response message to a request message; None: no answer."""
        request = decode_request(message)
        wanted = (request.netfn, request.command)
        if wanted in self.misbehaviour.unanswered:
            return None
        if wanted in self.misbehaviour.refusals:
            return _respond(request, self.misbehaviour.refusals[wanted])
        call = Call(self.controller, session, request.data, now)
        code, data = execute(request.netfn, request.command, call)
        return _respond(request, code, data)


def _respond(
    request: Request, code: int = CompletionCode.OK, data: bytes = b""
) -> bytes:
    return encode_response(answer(request, code, data))
