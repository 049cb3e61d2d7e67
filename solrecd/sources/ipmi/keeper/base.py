"""What a keeper needs: whom it works for, and what makes its links."""

from __future__ import annotations

from collections.abc import Collection
from typing import Protocol

import trio

from solrecd.events.sessions import Lost, SessionState
from solrecd.sources.ipmi.link.resolve import Address
from solrecd.sources.ipmi.link.sol import Recorder, SolLink
from solrecd.sources.ipmi.options import IpmiOptions


class KeptConsole(Recorder, Protocol):
    """Whom a keeper works for: takes the bytes and the story of the session."""

    def session_changed(
        self, state: SessionState, lost: Lost | None, retry_in: float | None
    ) -> None:
        """Learn the session's state; ``retry_in`` is seconds to the next try."""

    def power_seen(self, *, on: bool | None) -> None:
        """Learn whether the machine is on; None: that is not known now."""


class Dialer(Protocol):
    """Makes links: name resolution, sockets and login slots live behind it."""

    @property
    def slots(self) -> trio.CapacityLimiter:
        """How many logins may be under way at the same time."""

    async def resolve(self, config: IpmiOptions) -> Address:
        """Return the BMC's address.

        Raises:
            LinkError: there is none.
        """

    def link(
        self, config: IpmiOptions, address: Address, recorder: Recorder
    ) -> SolLink:
        """Return a link that has sent nothing yet."""

    def try_next(self, name: str) -> bool:
        """Have `resolve` return another address, if one has not had its turn."""

    def relearn(self, name: str) -> None:
        """Forget what logins have taught about the BMC."""

    def resume(self, config: IpmiOptions, recorder: Recorder) -> SolLink | None:
        """Return a link with a session that an earlier process left; None: none."""

    def own_session_ids(self, name: str) -> Collection[int]:
        """Return the sessions that an earlier process may still have at a BMC."""

    @property
    def is_handing_over(self) -> bool:
        """This process is being replaced: sessions are left as they are."""
