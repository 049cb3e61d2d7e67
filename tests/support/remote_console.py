"""A remote console as plain as it gets: asks a sans-I/O BMC, returns what it said.

It checks nothing, retries nothing and has no timers: the tests do that.
"""

from __future__ import annotations

from solrecd.simbmc.bmc import Bmc
from solrecd.sources.ipmi.protocol.auth import Exchange, derive_keys, rakp3_code
from solrecd.sources.ipmi.protocol.cipher import SessionCipher
from solrecd.sources.ipmi.protocol.constants import NetFn, PayloadType, PrivilegeLevel
from solrecd.sources.ipmi.protocol.handshake import (
    OpenSessionRequest,
    OpenSessionResponse,
    Rakp1,
    Rakp2,
    Rakp3,
    Rakp4,
    decode_open_session_response,
    decode_rakp2,
    decode_rakp4,
    encode_open_session_request,
    encode_rakp1,
    encode_rakp3,
)
from solrecd.sources.ipmi.protocol.messages import (
    Request,
    Response,
    decode_response,
    encode_request,
)
from solrecd.sources.ipmi.protocol.packets import (
    SolPacket,
    decode_envelope,
    decode_sol,
    encode_plain,
    encode_sol,
)
from solrecd.sources.ipmi.protocol.suites import CIPHER_SUITES

ADDRESS = ("192.0.2.1", 40000)
_SOL = bytes((PayloadType.SOL, 1))


class RemoteConsole:
    """One client of one `Bmc`; `now` is moved by the test."""

    def __init__(
        self,
        bmc: Bmc,
        *,
        suite: int = 3,
        username: bytes = b"recorder",
        password: bytes = b"secret",
        kg: bytes | None = None,
        session_id: int = 0x01020304,
    ) -> None:
        self.bmc = bmc
        self.now = 0.0
        self.suite = CIPHER_SUITES[suite]
        self.username = username
        self.password = password
        self.kg = kg
        self.session_id = session_id
        self.bmc_session_id = 0
        self.cipher: SessionCipher | None = None
        self.sol: list[SolPacket] = []
        """SoL packets that came in since they were last taken."""
        self._answers: list[Response] = []
        self._sequence = 0

    # -- login --

    def open_session(self) -> OpenSessionResponse:
        """Ask for a session with this console's suite."""
        request = OpenSessionRequest(7, 0, self.session_id, self.suite.algorithms)
        payload = encode_open_session_request(request)
        answer = self._login(PayloadType.OPEN_SESSION_REQUEST, payload)
        response = decode_open_session_response(answer)
        self.bmc_session_id = response.bmc_session_id
        return response

    def rakp1(self, role: int = 0x14) -> Rakp2:
        """Say who we are."""
        self._role = role
        message = Rakp1(8, self.bmc_session_id, bytes(16), role, self.username)
        return decode_rakp2(self._login(PayloadType.RAKP_1, encode_rakp1(message)))

    def rakp3(self, rakp2: Rakp2) -> Rakp4:
        """Prove it; the session is up if the answer has no status."""
        exchange = Exchange(
            self.session_id,
            self.bmc_session_id,
            bytes(16),
            rakp2.bmc_random,
            rakp2.guid,
            self._role,
            self.username,
        )
        code = rakp3_code(self.suite, self.password, exchange)
        message = Rakp3(9, 0, self.bmc_session_id, code)
        rakp4 = decode_rakp4(self._login(PayloadType.RAKP_3, encode_rakp3(message)))
        if rakp4.status == 0:
            self.cipher = SessionCipher(
                self.suite,
                derive_keys(self.suite, self.kg or self.password, exchange),
                local_id=self.session_id,
                peer_id=self.bmc_session_id,
                iv=bytes(16),
            )
        return rakp4

    def log_in(self) -> RemoteConsole:
        """Log in as Administrator; everything must go well."""
        assert self.open_session().status == 0
        rakp2 = self.rakp1()
        assert rakp2.status == 0
        assert self.rakp3(rakp2).status == 0
        assert self.ask(NetFn.APP, 0x3B, bytes((PrivilegeLevel.ADMINISTRATOR,)))[0] == 0
        return self

    def _login(self, kind: PayloadType, payload: bytes) -> bytes:
        self.bmc.receive(encode_plain(kind, payload), ADDRESS, self.now)
        ((datagram, address),) = self.bmc.datagrams()
        assert address == ADDRESS
        return decode_envelope(datagram).payload

    # -- in the session --

    def collect(self) -> None:
        """Sort what the BMC sent into answers and SoL packets."""
        assert self.cipher is not None
        for datagram, _ in self.bmc.datagrams():
            kind, payload = self.cipher.open(datagram)
            if kind == PayloadType.SOL:
                self.sol.append(decode_sol(payload))
            else:
                self._answers.append(decode_response(payload))

    def ask(self, netfn: int, command: int, data: bytes = b"") -> tuple[int, bytes]:
        """Return completion code and data that the BMC answers at once."""
        assert self.cipher is not None
        self._sequence += 1
        message = encode_request(Request(netfn, command, data, self._sequence))
        datagram = self.cipher.seal(PayloadType.IPMI, message)
        self.bmc.receive(datagram, ADDRESS, self.now)
        self.collect()
        (answer,) = self._answers
        self._answers.clear()
        return answer.code, answer.data

    def activate(self, auxiliary: bytes = b"\xc0\0\0\0") -> int:
        """Activate the SoL payload; return the completion code."""
        return self.ask(NetFn.APP, 0x48, _SOL + auxiliary)[0]

    def deactivate(self) -> int:
        """Deactivate the SoL payload; return the completion code."""
        return self.ask(NetFn.APP, 0x49, _SOL + bytes(4))[0]

    def pass_time(self, seconds: float) -> None:
        """Let the BMC's timers run for so long."""
        end = self.now + seconds
        while (due := self.bmc.deadline) is not None and due <= end:
            self.now = max(self.now, due)
            self.bmc.expire(self.now)
        self.now = end
        if self.cipher is not None:
            self.collect()

    def take_sol(self) -> list[SolPacket]:
        """Return the SoL packets that came in, and forget them."""
        self.collect()
        packets, self.sol = self.sol, []
        return packets

    def send_sol(
        self,
        number: int = 0,
        acknowledged: int = 0,
        accepted: int = 0,
        operation: int = 0,
        data: bytes = b"",
    ) -> None:
        """Send one SoL packet."""
        assert self.cipher is not None
        packet = SolPacket(number, acknowledged, accepted, operation, data)
        datagram = self.cipher.seal(PayloadType.SOL, encode_sol(packet))
        self.bmc.receive(datagram, ADDRESS, self.now)

    def acknowledge(self, packet: SolPacket) -> None:
        """ACK a SoL packet in full."""
        self.send_sol(acknowledged=packet.number, accepted=len(packet.data))
