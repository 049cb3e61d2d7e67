"""What a login tries, and in which order: cipher suites, privilege levels, repetitions.

`LoginPlan.after` is the one place that decides what follows a failed attempt:

* no answer: the same again, from Open Session on, under a new tag and a new session ID
  - RAKP 1 and 3 are never repeated, BMCs do not take that kindly; then the next suite,
  for a BMC may drop what it does not know;
* refused for user or privilege level: a lower privilege level, then the next suite;
* refused otherwise, or wrong codes: the next suite.

When nothing is left, the login fails with the reason that tells most.
"""

from __future__ import annotations

from collections.abc import Iterable
from typing import Final, NamedTuple

from solrecd.events import LostReason
from solrecd.sources.ipmi.protocol.constants import PrivilegeLevel, RmcpStatus
from solrecd.sources.ipmi.protocol.suites import CIPHER_SUITES, CipherSuite

_PATIENCE: Final = (1.0, 2.0, 3.0)
"""Seconds for each answer, by attempt with one suite: RAKP on a slow BMC takes one."""

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

_LOWERS_PRIVILEGE: Final = frozenset(
    # BMCs call a user "unauthorized" whose limit is below the level asked for.
    {LostReason.PRIVILEGE_REFUSED, LostReason.BAD_USERNAME}
)

_TELLING: Final = (
    LostReason.BMC_BUSY,
    LostReason.BAD_PASSWORD,
    LostReason.BAD_USERNAME,
    LostReason.PRIVILEGE_REFUSED,
    LostReason.SUITE_REFUSED,
    LostReason.PROTOCOL_ERROR,
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
        self, suites: Iterable[int], privileges: Iterable[PrivilegeLevel]
    ) -> None:
        """Choose the first attempt.

        Args:
            suites: numbers of cipher suites, in the order of preference.
            privileges: levels that may be asked for; the highest is first.
        """
        self._suites = list(suites)
        self._levels = sorted(set(privileges), reverse=True)
        self._level = 0
        self._silences = 0
        """Attempts with the present suite that ended in silence."""
        self._failure: LoginFailure | None = None
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

    @property
    def patience(self) -> float:
        """Seconds that the present attempt waits for each answer."""
        return _PATIENCE[min(self._silences, len(_PATIENCE) - 1)]

    def unanswered(self) -> None:
        """The present attempt ended in silence; `after` is to be called."""
        self._silences += 1

    def after(self, failure: LoginFailure) -> LoginFailure | None:
        """Choose the attempt that follows a failed one, or return why none does."""
        self._remember(failure)
        if failure.reason is LostReason.BMC_BUSY or self.number >= _MAX_ATTEMPTS:
            return self._failure
        if failure.reason in _LOWERS_PRIVILEGE and self._level + 1 < len(self._levels):
            self._level += 1
        elif not self._may_repeat(failure.reason):
            del self._suites[0]
            self._level = self._silences = 0
            if not self._suites:
                return self._failure
        self.number += 1
        return None

    def _may_repeat(self, reason: LostReason) -> bool:
        """Whether the same suite is tried once more."""
        match reason:
            case LostReason.BMC_TIMEOUT:
                return self._silences < len(_PATIENCE)
            case LostReason.UNREACHABLE:
                return self._silences < _UNHEARD_ATTEMPTS
            case _:
                return False

    def _remember(self, failure: LoginFailure) -> None:
        known = self._failure
        if known is None or _TELLING.index(failure.reason) < _TELLING.index(
            known.reason
        ):
            self._failure = failure
