"""What a login tries, and in which order: cipher suites, privilege levels, repetitions.

`LoginPlan.after` is the one place that decides what follows a failed attempt:

* no answer: the same again, from Open Session on, under a new tag and a new session ID
  - RAKP 1 and 3 are never repeated, BMCs do not take that kindly; then the next suite,
  for a BMC may drop what it does not know. A BMC that has not said a word is asked once
  more at the end, and waited for until `PATIENCE_MOST` have passed since the first
  question: an answer to any of them counts, however late;
* refused for user or privilege level: a lower privilege level;
* refused for suite, or for the privilege level that a suite is limited to: the next
  suite;
* wrong password, user or key: the end. Each further try is a failed login at the BMC,
  and brings it nearer to locking the account.

When nothing is left, the login fails with the reason that tells most. A suite that is
weaker than one under which the BMC has proved itself is never tried.
"""

from __future__ import annotations

from collections.abc import Iterable
from typing import Final, NamedTuple

from solrecd.events.sessions import LostReason
from solrecd.sources.ipmi.protocol.constants import PrivilegeLevel, RmcpStatus
from solrecd.sources.ipmi.protocol.suites import CIPHER_SUITES, CipherSuite

_PATIENCE: Final[tuple[float, ...]] = (1.0, 2.0, 4.0)
"""Seconds for each answer, by attempt with one suite: RAKP on a slow BMC takes one."""

PATIENCE_MOST: Final = 10.0
"""Seconds that any answer is waited for at most."""

_SLACK: Final = 2.5
"""How many times the longest answer so far the next one may take: a slow BMC works
through what it was sent one by one, and a login sends it two or three questions."""

_UNHEARD_ATTEMPTS: Final = 2
"""Attempts per suite with a BMC that has not answered anything yet."""

_MAX_ATTEMPTS: Final = 12
"""Attempts in one login; bounds what a confused or hostile BMC can make us do."""


class LoginFailure(NamedTuple):
    """Why a login did not succeed."""

    reason: LostReason
    detail: str


_REFUSALS: Final = {
    RmcpStatus.INSUFFICIENT_RESOURCES: LostReason.BMC_BUSY,
    RmcpStatus.INSUFFICIENT_RESOURCES_FOR_ROLE: LostReason.BMC_BUSY,
    RmcpStatus.INVALID_ROLE: LostReason.PRIVILEGE_REFUSED,
    RmcpStatus.UNAUTHORIZED_ROLE: LostReason.PRIVILEGE_REFUSED,
    RmcpStatus.INVALID_NAME_LENGTH: LostReason.BAD_USERNAME,
    RmcpStatus.UNAUTHORIZED_NAME: LostReason.BAD_USERNAME,
    RmcpStatus.INVALID_INTEGRITY_CHECK_VALUE: LostReason.BAD_PASSWORD,
    RmcpStatus.INVALID_AUTHENTICATION_ALGORITHM: LostReason.SUITE_REFUSED,
    RmcpStatus.INVALID_INTEGRITY_ALGORITHM: LostReason.SUITE_REFUSED,
    RmcpStatus.NO_MATCHING_AUTHENTICATION_PAYLOAD: LostReason.SUITE_REFUSED,
    RmcpStatus.NO_MATCHING_INTEGRITY_PAYLOAD: LostReason.SUITE_REFUSED,
    RmcpStatus.INVALID_CONFIDENTIALITY_ALGORITHM: LostReason.SUITE_REFUSED,
    RmcpStatus.NO_CIPHER_SUITE_MATCH: LostReason.SUITE_REFUSED,
    RmcpStatus.INVALID_SESSION_ID: LostReason.BMC_TIMEOUT,
    RmcpStatus.INACTIVE_SESSION_ID: LostReason.BMC_TIMEOUT,
}
"""Status codes (Table 13-15) as reasons; stale session IDs are a matter of timing."""

_FINAL: Final = frozenset(
    {LostReason.BMC_BUSY, LostReason.BAD_PASSWORD, LostReason.BAD_KG}
)
"""Reasons after which another attempt would be met alike, and do harm."""

_LOWERS_PRIVILEGE: Final = frozenset(
    # BMCs call a user "unauthorized" whose limit is below the level asked for.
    {LostReason.PRIVILEGE_REFUSED, LostReason.BAD_USERNAME}
)

_TELLING: Final = (
    LostReason.BMC_BUSY,
    LostReason.BAD_PASSWORD,
    LostReason.BAD_KG,
    LostReason.BAD_USERNAME,
    LostReason.PRIVILEGE_REFUSED,
    LostReason.SUITE_REFUSED,
    LostReason.PROTOCOL_ERROR,
    LostReason.BMC_SLOW,
    LostReason.BMC_TIMEOUT,
    LostReason.UNREACHABLE,
)
"""Reasons, the one first that says most of what an operator has to change."""


def reason_of(status: int) -> LostReason:
    """Return why a message of a login was refused with this status code."""
    try:
        return _REFUSALS.get(RmcpStatus(status), LostReason.PROTOCOL_ERROR)
    except ValueError:
        return LostReason.PROTOCOL_ERROR


class LoginPlan:
    """The attempts of one login: what the present one asks for, and what follows it."""

    def __init__(
        self,
        suites: Iterable[int],
        privileges: Iterable[PrivilegeLevel],
        delay: float = 0.0,
    ) -> None:
        """Choose the first attempt.

        Args:
            suites: numbers of cipher suites, in the order of preference.
            privileges: levels that may be asked for; the highest is first.
            delay: seconds that answers of this BMC took before; 0: not known.
        """
        self._suites = list(suites)
        self._first_suite = self._suites[0]
        self._levels = sorted(set(privileges), reverse=True)
        self._level = 0
        self._silences = 0
        """Attempts with the present suite that ended in silence."""
        self._failure: LoginFailure | None = None
        self._is_last_try = False
        self._known_delay = delay
        self._slowest = 0.0
        self.number = 1
        """Of the present attempt."""

    @property
    def suite(self) -> CipherSuite:
        """What the present attempt asks for."""
        return CIPHER_SUITES[self._suites[0]]

    @property
    def privilege(self) -> PrivilegeLevel:
        """The level that the present attempt asks for."""
        return self._levels[self._level]

    def patience(self, elapsed: float) -> float:
        """Return the seconds that the present attempt waits for an answer.

        Args:
            elapsed: seconds since the login began.
        """
        least = _PATIENCE[min(self._silences, len(_PATIENCE) - 1)]
        if self._is_last_try:
            least = PATIENCE_MOST - elapsed
        slowest = max(self._slowest, self._known_delay)
        return max(least, min(_SLACK * slowest, PATIENCE_MOST))

    @property
    def delay(self) -> float:
        """Seconds that the slowest answer took, or answers before; 0: not known."""
        return self._slowest or self._known_delay

    def answered(self, seconds: float) -> None:
        """The BMC has answered something after so many seconds."""
        self._slowest = max(self._slowest, seconds)
        self._is_last_try = False

    def unanswered(self) -> None:
        """The present attempt ended in silence; `after` is to be called."""
        self._silences += 1

    def proved(self) -> None:
        """The BMC has proved itself under the present suite: never try a weaker one."""
        present = self._suites[0]
        self._suites = [suite for suite in self._suites if suite >= present]

    def go_back(self, suite: CipherSuite, privilege: PrivilegeLevel) -> None:
        """An answer came to an earlier attempt: it is the present one from now on."""
        others = [number for number in self._suites if number != suite.number]
        self._suites = [suite.number, *others]
        self._level = self._levels.index(privilege)
        self._silences = 0

    def again(self) -> None:
        """Choose the same once more."""
        self.number += 1

    def after(self, failure: LoginFailure) -> LoginFailure | None:
        """Choose the attempt that follows a failed one, or return why none does."""
        self._remember(failure)
        reason = failure.reason
        if reason in _FINAL or self.number >= _MAX_ATTEMPTS:
            return self._failure
        if reason in _LOWERS_PRIVILEGE and self._level + 1 < len(self._levels):
            self._level += 1
        elif not self._may_repeat(reason) and not self._may_go_on(reason):
            return self._failure
        self.number += 1
        return None

    def _may_repeat(self, reason: LostReason) -> bool:
        """Whether the same suite is tried once more."""
        match reason:
            case LostReason.BMC_TIMEOUT | LostReason.BMC_SLOW:
                return self._silences < len(_PATIENCE)
            case LostReason.UNREACHABLE:
                return self._silences < _UNHEARD_ATTEMPTS and not self._is_last_try
            case _:
                return False

    def _may_go_on(self, reason: LostReason) -> bool:
        """Choose the next suite, or a last try; return whether there is one."""
        if reason is LostReason.BAD_USERNAME:
            return False
        del self._suites[0]
        self._level = self._silences = 0
        if self._suites or reason is not LostReason.UNREACHABLE or self._is_last_try:
            return bool(self._suites)
        self._is_last_try = True
        self._suites = [self._first_suite]
        return True

    def _remember(self, failure: LoginFailure) -> None:
        known = self._failure
        if known is None or _TELLING.index(failure.reason) < _TELLING.index(
            known.reason
        ):
            self._failure = failure
