"""A BMC under a test's thumb: answers one `Session` in process, as the test says.

Not a simulator (that is `solrecd.simbmc`): no timers, no policy, no memory beyond one
login. A test changes its attributes, or takes over a command with `answers`.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass, field

from solrecd.sources.ipmi.protocol.auth import (
    Exchange,
    derive_keys,
    rakp2_code,
    rakp3_code,
    rakp4_code,
)
from solrecd.sources.ipmi.protocol.cipher import SessionCipher
from solrecd.sources.ipmi.protocol.constants import AppCommand, NetFn, PayloadType
from solrecd.sources.ipmi.protocol.handshake import (
    OpenSessionRequest,
    OpenSessionResponse,
    Rakp1,
    Rakp2,
    Rakp4,
    decode_open_session_request,
    decode_rakp1,
    decode_rakp3,
    encode_open_session_response,
    encode_rakp2,
    encode_rakp4,
)
from solrecd.sources.ipmi.protocol.messages import (
    Request,
    answer,
    decode_request,
    encode_response,
)
from solrecd.sources.ipmi.protocol.packets import (
    SolPacket,
    decode_envelope,
    decode_sol,
    encode_plain,
    encode_sol,
)
from solrecd.sources.ipmi.protocol.suites import CIPHER_SUITES, CipherSuite

BMC_SESSION_ID = 0x0BAC0001
GUID = bytes(range(16))
BMC_RANDOM = bytes(range(100, 116))
ACTIVATED = bytes.fromhex("00000000 0301 0301 6f02 ffff")
"""Activate Payload: 259 bytes of payload each way, port 623, no VLAN."""

OPENING = SolPacket(1, 0, 0, 0, b"")
"""What comes before input, with which nothing is lost."""

Reply = tuple[int, bytes] | None
"""Completion code and data; None: no answer."""


@dataclass(slots=True)
class ScriptedBmc:
    """See the module's text."""

    username: bytes = b"recorder"
    password: bytes = b"secret"
    kg: bytes | None = None
    suites: Sequence[int] = (0, 1, 2, 3, 17)
    max_privilege: int = 4
    """RAKP 1 above it is refused with ``privilege_status``."""
    privilege_status: int = 0x0D
    silent_payloads: set[int] = field(default_factory=set)
    """Payload types that are not answered."""
    answers: dict[int, Callable[[Request], Reply]] = field(default_factory=dict)
    """Replacements of the built-in answers, by command of NetFn App."""
    owner: int = 0
    """Session ID that Get Payload Instance Info names."""
    requests: list[Request] = field(default_factory=list)
    """Every command received, in order."""
    sol: list[SolPacket] = field(default_factory=list)
    """Every SoL packet received, in order, but the empty first one."""
    takes_opening: bool = True
    """The empty packet with number 1 is acknowledged."""
    handshake: list[int] = field(default_factory=list)
    """Payload types of the login received, in order."""
    opened: list[OpenSessionRequest] = field(default_factory=list)
    cipher: SessionCipher | None = None
    _is_fresh: bool = False
    """The payload was activated, and no SoL packet has come since."""
    _suite: CipherSuite = CIPHER_SUITES[3]
    _exchange: Exchange | None = None
    _console_id: int = 0

    def receive(self, datagrams: Sequence[bytes]) -> list[bytes]:
        """Return the answers to these datagrams, in order."""
        replies = []
        for datagram in datagrams:
            replies += self._receive_one(datagram)
        return replies

    def send_sol(
        self,
        number: int,
        data: bytes = b"",
        *,
        status: int = 0,
        acknowledged: int = 0,
        accepted: int = 0,
    ) -> bytes:
        """Return a SoL packet, sealed."""
        packet = SolPacket(number, acknowledged, accepted, status, data)
        return self.seal(PayloadType.SOL, encode_sol(packet))

    def seal(self, payload_type: int, payload: bytes) -> bytes:
        """Return any payload, sealed."""
        assert self.cipher is not None, "no one has logged in"
        return self.cipher.seal(payload_type, payload)

    def commands(self) -> list[int]:
        """Commands received so far, in order."""
        return [request.command for request in self.requests]

    def _receive_one(self, datagram: bytes) -> list[bytes]:
        envelope = decode_envelope(datagram)
        kind, payload = envelope.payload_type, envelope.payload
        if envelope.session_id:
            return self._receive_sealed(datagram)
        self.handshake.append(kind)
        reply = self._log_in(kind, payload)
        if kind in self.silent_payloads or reply is None:
            return []
        return [encode_plain(kind + 1, reply)]

    def _log_in(self, kind: int, payload: bytes) -> bytes | None:
        match kind:
            case PayloadType.OPEN_SESSION_REQUEST:
                return self._open(decode_open_session_request(payload))
            case PayloadType.RAKP_1:
                return self._rakp_2(decode_rakp1(payload))
            case _:
                return self._rakp_4(payload)

    def _open(self, request: OpenSessionRequest) -> bytes:
        self.opened.append(request)
        self._console_id = request.console_session_id
        offered = [
            s for s in self.suites if CIPHER_SUITES[s].algorithms == request.algorithms
        ]
        if offered:
            self._suite = CIPHER_SUITES[offered[0]]
        response = OpenSessionResponse(
            request.tag,
            0 if offered else 0x11,
            4,
            self._console_id,
            BMC_SESSION_ID,
            request.algorithms,
        )
        return encode_open_session_response(response)

    def _rakp_2(self, message: Rakp1) -> bytes:
        status = 0
        if message.username != self.username:
            status = 0x0D
        elif message.role & 0x0F > self.max_privilege:
            status = self.privilege_status
        exchange = self._exchange = Exchange(
            self._console_id,
            BMC_SESSION_ID,
            message.console_random,
            BMC_RANDOM,
            GUID,
            message.role,
            message.username,
        )
        code = rakp2_code(self._suite, self.password, exchange)
        return encode_rakp2(
            Rakp2(message.tag, status, self._console_id, BMC_RANDOM, GUID, code)
        )

    def _rakp_4(self, payload: bytes) -> bytes | None:
        message = decode_rakp3(payload)
        exchange = self._exchange
        if message.status or exchange is None:
            return None
        code = rakp3_code(self._suite, self.password, exchange)
        if message.code != code:
            return encode_rakp4(Rakp4(message.tag, 0x0F, self._console_id))
        keys = derive_keys(self._suite, self.kg or self.password, exchange)
        self.cipher = SessionCipher(
            self._suite, keys, BMC_SESSION_ID, self._console_id, bytes(16)
        )
        code = rakp4_code(self._suite, keys, exchange)
        return encode_rakp4(Rakp4(message.tag, 0, self._console_id, code))

    def _receive_sealed(self, datagram: bytes) -> list[bytes]:
        assert self.cipher is not None, "a sealed packet before the login"
        payload_type, payload = self.cipher.open(datagram)
        if payload_type == PayloadType.SOL:
            packet = decode_sol(payload)
            is_first, self._is_fresh = self._is_fresh, False
            if self.takes_opening and is_first and packet == OPENING:
                return [self.send_sol(0, acknowledged=1)]
            self.sol.append(packet)
            return []
        request = decode_request(payload)
        self.requests.append(request)
        if request.command == AppCommand.ACTIVATE_PAYLOAD:
            self._is_fresh = True
        custom = self.answers.get(request.command, self._answer)
        reply = custom(request) if request.netfn == NetFn.APP else (0, b"")
        if reply is None:
            return []
        response = encode_response(answer(request, *reply))
        return [self.cipher.seal(PayloadType.IPMI, response)]

    def _answer(self, request: Request) -> Reply:
        match request.command:
            case AppCommand.ACTIVATE_PAYLOAD:
                self.owner = BMC_SESSION_ID
                return 0, ACTIVATED
            case AppCommand.GET_PAYLOAD_INSTANCE_INFO:
                return 0, self.owner.to_bytes(4, "little") + bytes(8)
            case AppCommand.SET_SESSION_PRIVILEGE_LEVEL:
                return 0, request.data
            case AppCommand.DEACTIVATE_PAYLOAD:
                self.owner = 0
                return 0, b""
            case _:
                return 0, b""
