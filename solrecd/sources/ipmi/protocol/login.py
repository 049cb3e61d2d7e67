"""Logging in: Open Session and RAKP Messages 1-4, until one attempt succeeds.

One attempt is one walk through `attempt.Step`; anything that goes wrong ends it, and
the `LoginPlan` decides what is tried instead. An answer to an earlier attempt counts,
too: a BMC may take longer for it than we waited.

Nothing that arrives here is authenticated before RAKP Message 4. So a refusal and a
wrong code are counted and remembered, and the attempt waits on: who only forges
datagrams cannot end it. They count once the attempt's time is over without a better
answer; a refusal without our session ID only when a second attempt meets it, too.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from typing import Final

from solrecd.events.sessions import LostReason
from solrecd.sources.ipmi.protocol.attempt import (
    Attempt,
    LoginAnswer,
    Refused,
    Step,
    decode_answer,
)
from solrecd.sources.ipmi.protocol.auth import SessionKeys, derive_keys
from solrecd.sources.ipmi.protocol.cipher import SessionCipher
from solrecd.sources.ipmi.protocol.constants import (
    RANDOM_SIZE,
    AppCommand,
    NetFn,
    PayloadType,
    PrivilegeLevel,
    RmcpStatus,
)
from solrecd.sources.ipmi.protocol.handshake import (
    OpenSessionResponse,
    Rakp2,
    Rakp4,
    describe_status,
)
from solrecd.sources.ipmi.protocol.login_messages import IV_SIZE, LoginMessages
from solrecd.sources.ipmi.protocol.login_plan import (
    PATIENCE_MOST,
    LoginFailure,
    LoginPlan,
    reason_of,
)
from solrecd.sources.ipmi.protocol.messages import Request, encode_request
from solrecd.sources.ipmi.protocol.options import SessionOptions
from solrecd.sources.ipmi.protocol.packets import (
    Envelope,
    MalformedPacket,
    Rejection,
    encode_plain,
)
from solrecd.sources.ipmi.protocol.quirks import Behaviour

ATTEMPT_MASK: Final = 0x0F
"""Bits of the remote console session ID that tell the attempts of a login apart."""

_TAG_SHIFT: Final = 8
"""Bits of the session ID below those that message tags begin with."""

SLOW: Final = 1.0
"""Seconds from which on an answer is called slow."""

_OTHER_KG: Final = LoginFailure(
    LostReason.BAD_KG, "the BMC has another key K_g, or one where none is configured"
)


@dataclass(frozen=True, slots=True)
class LoginSuccess:
    """The result of a login: what seals and opens packets from now on."""

    cipher: SessionCipher
    privilege: PrivilegeLevel
    """The highest level that the BMC grants."""
    kept: int | None = None
    """Bytes of the password that the BMC has, where these are not all of them."""


class Login:
    """Everything between a session's first datagram and its keys."""

    def __init__(
        self,
        options: SessionOptions,
        behaviour: Behaviour,
        token_bytes: Callable[[int], bytes],
        session_id: int,
    ) -> None:
        """Prepare; nothing is sent before `start`.

        Args:
            options: credentials, suites and privilege levels.
            behaviour: what the quirks say.
            token_bytes: returns that many unpredictable bytes.
            session_id: of the first attempt; later ones vary its low 4 bits.
        """
        self._options = options
        self._messages = LoginMessages(options, behaviour)
        self._token_bytes = token_bytes
        self._base_id = session_id
        self._plan = LoginPlan(
            options.cipher_suites, options.privileges, options.answer_delay
        )
        self.proved_suite: int | None = None
        """Under which the BMC has proved that it knows the password; None: none yet."""
        self.refused_suite: int | None = None
        """Under which it was found that it knows another one."""
        self._is_heard = False
        """The BMC has answered something."""
        self._answers_others = False
        """It answers, but to a login that we have given up."""
        self._attempt: Attempt | None = None
        self._attempts: dict[int, Attempt] = {}
        """All of this login, by session ID: late answers count."""
        self._refused: Refused | None = None
        """What the present attempt comes to, unless something better follows."""
        self._is_doubted = False
        """A refusal without a session ID was met with a second attempt already."""
        self._began = self._deadline = 0.0
        self._outbox: list[bytes] = []

    # What the session drives.

    @property
    def deadline(self) -> float | None:
        """When `expire` has something to do."""
        return self._deadline if self._attempt is not None else None

    @property
    def session_id(self) -> int:
        """Remote console session ID of the present attempt."""
        if self._attempt is not None:
            return self._attempt.session_id
        return self._base_id ^ self._plan.number - 1 & ATTEMPT_MASK

    @property
    def delay(self) -> float:
        """Seconds that the slowest answer took; 0: there was none."""
        return self._plan.delay

    def datagrams(self) -> list[bytes]:
        """Return what to send now."""
        outbox, self._outbox = self._outbox, []
        return outbox

    def start(self, now: float) -> None:
        """Send the first Open Session Request."""
        self._began = now
        self._begin(now)

    def expire(self, now: float) -> LoginFailure | None:
        """Give up waiting for the present answer; return a failure if it was the last.

        Call when `deadline` is over.
        """
        attempt = self._attempt
        if attempt is None or now < self._deadline:
            return None
        refused = self._refused
        if refused is None:
            self._plan.unanswered()
            return self._next_attempt(self._silence(attempt, now), now)
        if not refused.is_addressed and not self._is_doubted:
            self._is_doubted = True
            self._plan.again()
            self._begin(now)
            return None
        if refused.wrong_code_for is not None:
            self._tell_wrong_code(refused.wrong_code_for, now)
        if refused.failure.reason is LostReason.BMC_TIMEOUT:
            self._plan.unanswered()
        return self._next_attempt(refused.failure, now)

    def _silence(self, attempt: Attempt, now: float) -> LoginFailure:
        """Return what no answer means: a BMC that is slow is not one that is gone."""
        waited = f"no {attempt.step.words} within {now - attempt.sent_at:.0f} s"
        slowest = self._plan.delay
        if self._answers_others:
            detail = f"answers come more than {PATIENCE_MOST:.0f} s after the question"
            return LoginFailure(LostReason.BMC_SLOW, detail)
        if self._is_heard and slowest > SLOW:
            detail = f"{waited}; other answers took up to {slowest:.1f} s"
            return LoginFailure(LostReason.BMC_SLOW, detail)
        if self._is_heard:
            return LoginFailure(LostReason.BMC_TIMEOUT, waited)
        return LoginFailure(LostReason.UNREACHABLE, "no answer to Open Session")

    def receive(
        self, envelope: Envelope, now: float
    ) -> LoginSuccess | LoginFailure | None:
        """Take an answer; return how the login ended, if it did.

        Raises:
            MalformedPacket: it cannot be read, is not what we wait for, or is a
                refusal, which nothing authenticates: it is remembered, and counts
                when no better answer has come until the attempt is over.
        """
        if self._attempt is None:
            raise MalformedPacket("no login is under way", Rejection.UNEXPECTED)
        step, answer = decode_answer(envelope)
        attempt = self._addressee(step, answer)
        if answer.status:
            self._refuse(attempt, step, answer, now)
        match answer:
            case OpenSessionResponse():
                self._opened(attempt, answer, now)
            case Rakp2():
                self._got_rakp2(attempt, answer, now)
            case Rakp4():
                return self._got_rakp4(attempt, answer, now)
        return None

    def _addressee(self, step: Step, answer: LoginAnswer) -> Attempt:
        """Return the attempt that an answer belongs to; it may be an earlier one."""
        number = answer.console_session_id
        attempt = self._attempts.get(number, self._attempt)
        if attempt is None or answer.tag != attempt.tag or step is not attempt.step:
            self._answers_others |= number not in self._attempts and number != 0
            raise MalformedPacket("not the answer we wait for", Rejection.UNEXPECTED)
        if number != attempt.session_id and not (answer.status and not number):
            self._answers_others |= number != 0
            raise MalformedPacket("answer to another login", Rejection.UNEXPECTED)
        return attempt

    # The walk.

    def _begin(self, now: float) -> None:
        self._refused = None
        number = self._plan.number
        session_id = self._base_id ^ number - 1 & ATTEMPT_MASK
        attempt = self._attempt = self._attempts[session_id] = Attempt(
            suite=self._plan.suite,
            privilege=self._plan.privilege,
            session_id=session_id,
            # As hard to guess as a byte can be: a refusal needs nothing else.
            tag=(self._base_id >> _TAG_SHIFT) + number & 0xFF,
            random=self._token_bytes(RANDOM_SIZE),
        )
        request = self._messages.open_session(attempt)
        self._send(attempt, PayloadType.OPEN_SESSION_REQUEST, request, now)

    def _send(
        self, attempt: Attempt, payload_type: PayloadType, payload: bytes, now: float
    ) -> None:
        self._outbox.append(encode_plain(payload_type, payload))
        attempt.sent_at = now
        self._deadline = now + self._plan.patience(now - self._began)

    def _go_on(self, attempt: Attempt, now: float) -> None:
        """An answer brings an attempt forward, which becomes the present one.

        Raises:
            MalformedPacket: another one is further.
        """
        present = self._attempt
        if present is not attempt and present is not None:
            if present.step.place > attempt.step.place:
                raise MalformedPacket("late answer", Rejection.UNEXPECTED)
            self._plan.go_back(*attempt.wish)
            self._attempt = attempt
        self._heard(attempt, now)
        self._refused = None

    def _heard(self, attempt: Attempt, now: float) -> None:
        self._is_heard = True
        self._plan.answered(now - attempt.sent_at)

    def _opened(
        self, attempt: Attempt, answer: OpenSessionResponse, now: float
    ) -> None:
        if answer.algorithms != attempt.suite.algorithms or not answer.bmc_session_id:
            detail = (
                f"the BMC chose algorithms {tuple(answer.algorithms)} "
                f"when asked for suite {attempt.suite.number}"
            )
            failure = LoginFailure(LostReason.SUITE_REFUSED, detail)
            self._note(attempt, Refused(failure, is_addressed=True), now)
        self._go_on(attempt, now)
        attempt.bmc_session_id = answer.bmc_session_id
        attempt.step = Step.RAKP_2
        self._send(attempt, PayloadType.RAKP_1, self._messages.rakp1(attempt), now)

    def _got_rakp2(self, attempt: Attempt, answer: Rakp2, now: float) -> None:
        exchange = self._messages.exchange(attempt, answer)
        password = self._messages.password(attempt, answer, exchange)
        if password is None:
            failure = LoginFailure(
                LostReason.BAD_PASSWORD, "the BMC has another password for this user"
            )
            self._note(attempt, Refused(failure, True, attempt), now)
            return
        self._go_on(attempt, now)
        self._plan.proved()
        self.proved_suite = attempt.suite.number
        attempt.exchange, attempt.password = exchange, password
        kg = self._options.kg or password
        attempt.keys = derive_keys(attempt.suite, kg, exchange)
        attempt.step = Step.RAKP_4
        self._send(attempt, PayloadType.RAKP_3, self._messages.rakp3(attempt), now)

    def _tell_wrong_code(self, attempt: Attempt, now: float) -> None:
        """Tell the BMC that its code is wrong; that frees its session slot (§13.22)."""
        self.refused_suite = attempt.suite.number
        goodbye = self._messages.wrong_code(attempt)
        self._send(attempt, PayloadType.RAKP_3, goodbye, now)

    def _got_rakp4(
        self, attempt: Attempt, answer: Rakp4, now: float
    ) -> LoginSuccess | LoginFailure | None:
        exchange, keys = attempt.exchange, attempt.keys
        if exchange is None or keys is None:
            raise MalformedPacket("RAKP 4 before RAKP 2", Rejection.UNEXPECTED)
        if self._messages.is_right(answer, attempt, keys):
            self._go_on(attempt, now)
            self._attempt = None
            cipher = self._messages.cipher(attempt, keys, self._token_bytes(IV_SIZE))
            kept = len(attempt.password)
            is_cut = kept < len(self._options.password)
            return LoginSuccess(cipher, attempt.privilege, kept if is_cut else None)
        without = derive_keys(attempt.suite, attempt.password, exchange)
        if self._messages.is_right(answer, attempt, without):
            return self._end_without_kg(attempt, without)
        self._note(attempt, Refused(_OTHER_KG, is_addressed=True), now)
        return None

    def _end_without_kg(self, attempt: Attempt, keys: SessionKeys) -> LoginFailure:
        """End the session that the BMC has opened under no key K_g, though one is set.

        With another key than ours that cannot be done: the BMC keeps the session until
        it times out.
        """
        cipher = self._messages.cipher(attempt, keys, self._token_bytes(IV_SIZE))
        bmc_session_id = attempt.bmc_session_id.to_bytes(4, "little")
        goodbye = Request(NetFn.APP, AppCommand.CLOSE_SESSION, bmc_session_id, 1)
        self._outbox.append(cipher.seal(PayloadType.IPMI, encode_request(goodbye)))
        self._attempt = None
        return LoginFailure(
            LostReason.BAD_KG, "the BMC has no key K_g, and one is configured"
        )

    # When it went wrong.

    def _refuse(
        self, attempt: Attempt, step: Step, answer: LoginAnswer, now: float
    ) -> None:
        """Remember a refusal.

        Raises:
            MalformedPacket: always; as what it is to be counted.
        """
        status = answer.status
        if (
            step is Step.RAKP_2
            and status == RmcpStatus.INVALID_SESSION_ID
            and self._plan.number > 1
        ):
            # A late word on an attempt that we have given up ourselves.
            raise MalformedPacket("stale RAKP 2", Rejection.UNEXPECTED)
        failure = LoginFailure(
            reason_of(status), f"{step.words} refused: {describe_status(status)}"
        )
        if step is Step.RAKP_4 and failure.reason is LostReason.BAD_PASSWORD:
            # The BMC has proved with RAKP 2 that it knows the same password.
            failure = LoginFailure(
                LostReason.BAD_KG, f"{failure.detail}, though the password is right"
            )
        self._note(attempt, Refused(failure, answer.console_session_id != 0), now)

    def _note(self, attempt: Attempt, refused: Refused, now: float) -> None:
        """Remember what speaks against an attempt; see `_refuse`."""
        if refused.is_addressed:
            self._heard(attempt, now)
        present = self._attempt
        concerns = present is not None and attempt.wish == present.wish
        if concerns and (self._refused is None or refused.is_addressed):
            self._refused = refused
        raise MalformedPacket(refused.failure.detail, Rejection.REFUSAL)

    def _next_attempt(self, failure: LoginFailure, now: float) -> LoginFailure | None:
        """Begin the attempt that follows a failed one, or return why none does."""
        final = self._plan.after(failure)
        if final is None:
            self._begin(now)
        else:
            self._attempt = None
        return final
