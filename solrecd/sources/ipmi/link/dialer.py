"""Makes links: from a console's configuration to a session on the wire."""

from __future__ import annotations

import secrets
import socket
from collections import Counter
from collections.abc import Callable, Collection, Mapping
from contextlib import closing
from types import MappingProxyType

import structlog
import trio

from solrecd.events.gaps import Gap
from solrecd.events.wire_counts import WireCounts
from solrecd.sources.guard import Guard, Part
from solrecd.sources.ipmi.link.handover import Handover
from solrecd.sources.ipmi.link.hub import Hub
from solrecd.sources.ipmi.link.known_bmc import KnownBmc
from solrecd.sources.ipmi.link.resolve import Address, Resolver
from solrecd.sources.ipmi.link.session_store import SessionCheckpoint
from solrecd.sources.ipmi.link.sol import Recorder, SolLink
from solrecd.sources.ipmi.options import AddressFamily, IpmiOptions, Privilege
from solrecd.sources.ipmi.protocol.constants import PrivilegeLevel
from solrecd.sources.ipmi.protocol.events import (
    SessionLost,
    SolConfirmed,
    SolDeactivated,
    SolStolen,
)
from solrecd.sources.ipmi.protocol.options import SessionOptions
from solrecd.sources.ipmi.protocol.packets import Rejection
from solrecd.sources.ipmi.protocol.quirks import parse_quirks
from solrecd.sources.ipmi.protocol.session import Session

_FAMILIES: Mapping[AddressFamily, socket.AddressFamily] = MappingProxyType(
    {
        AddressFamily.ANY: socket.AF_UNSPEC,
        AddressFamily.IPV4: socket.AF_INET,
        AddressFamily.IPV6: socket.AF_INET6,
    }
)

_LADDERS: Mapping[Privilege, tuple[PrivilegeLevel, ...]] = MappingProxyType(
    {
        Privilege.USER: (PrivilegeLevel.USER,),
        Privilege.OPERATOR: (PrivilegeLevel.OPERATOR,),
        Privilege.ADMINISTRATOR: (PrivilegeLevel.ADMINISTRATOR,),
    }
)
"""What a configured level means; without one the session's own ladder holds."""


_ANSWERS = (SolConfirmed, SolStolen, SolDeactivated, SessionLost)
"""What may become of a session that was left."""

DISMISSAL = 3.0
"""Seconds for the BMC to say whose the console is and to close an unwanted session;
a login to the same BMC waits for it, and is to be there within 5 s."""

log = structlog.get_logger()


class Dialer:
    """Resolves names, opens sessions, and remembers what worked at each BMC.

    Args:
        hub: carries the datagrams.
        login_slots: how many logins may be under way at the same time.
        guard: returns what contains the bugs of a console, by its name.
        handover: what an earlier process left, and where to leave our sessions; None
            where no process follows.
    """

    def __init__(
        self,
        hub: Hub,
        login_slots: int,
        guard: Callable[[str], Guard],
        handover: Handover | None = None,
    ) -> None:
        self._guard = guard
        self.slots = trio.CapacityLimiter(login_slots)
        self._hub = hub
        self._handover = handover
        self._resolver = Resolver()
        self._links: dict[str, SolLink] = {}
        self._known: dict[str, KnownBmc] = {}
        self._rejected = Counter[str](dict.fromkeys(Rejection, 0))
        """Of sessions that have ended."""

    async def resolve(self, config: IpmiOptions) -> Address:
        """Return the address of a console's BMC, where no session of ours is left.

        Of a name with several it is one at a time; see `try_next`.

        Raises:
            NameUnresolvedError: it has none just now.
        """
        await self._close_unwanted(config.name)
        family = _FAMILIES[config.family]
        found = await self._resolver.resolve(config.host, config.port, family)
        address = self._known_bmc(config.name).choose(found)
        return address._replace(source=config.bind or "")

    def try_next(self, name: str) -> bool:
        """Have `resolve` return another address of the BMC, if there is one.

        Call when a login has failed because nothing answers.

        Returns:
            Whether there is one that has not had its turn. An address where a session
            was up just now is tried once more first.
        """
        link = self._links.get(name)
        if link is not None and link.suite is not None:
            self._known_bmc(name).arrived()
            return False
        return self._known_bmc(name).try_next()

    def relearn(self, name: str) -> None:
        """Forget what the logins of a console have taught about its BMC."""
        self.forget(name)

    def _known_bmc(self, name: str) -> KnownBmc:
        return self._known.setdefault(name, KnownBmc())

    def link(
        self, config: IpmiOptions, address: Address, recorder: Recorder
    ) -> SolLink:
        """Return a link with a fresh session that has sent nothing yet.

        Raises:
            OSError: no socket could be opened.
        """
        session, checkpoint = self._new_session(config, recorder), None
        if self._handover is not None:
            checkpoint = self._handover.checkpoint(config, address, recorder)
        link = SolLink(self._hub, address, session, recorder, checkpoint=checkpoint)
        self._remember(config.name, link)
        return link

    def visit(self, config: IpmiOptions, address: Address) -> SolLink:
        """Return a link for questions alone: it records nothing and leaves nothing.

        Raises:
            OSError: no socket could be opened.
        """
        nothing = _NullRecorder(self._guard(config.name))
        return SolLink(self._hub, address, self._new_session(config, nothing), nothing)

    def suite(self, name: str) -> int | None:
        """Return the cipher suite of a console's session; None: there was none yet."""
        link = self._links.get(name)
        return None if link is None else link.suite

    def _new_session(self, config: IpmiOptions, recorder: Recorder) -> Session:
        known, last = self._known_bmc(config.name), self._links.get(config.name)
        if last is not None:
            known.learn(last.session)
        return Session(
            session_options(config, known),
            token_bytes=secrets.token_bytes,
            session_id=secrets.randbits(32) | 1 << 8,
            counts=recorder.counts,
        )

    def resume(self, config: IpmiOptions, recorder: Recorder) -> SolLink | None:
        """Return a link with the session that an earlier process left of a console.

        It has asked whether the payload is still ours; call `SolLink.catch_up`. None
        where nothing was left, or nothing that may be trusted.
        """
        handover = self._handover
        if handover is None:
            return None
        left = handover.claim(config, recorder.offset)
        if left is None:
            return None
        options = session_options(config, KnownBmc())
        now, token_bytes = trio.current_time(), secrets.token_bytes
        try:
            session = Session.resume(
                options,
                left.frozen,
                left.numbers,
                now,
                token_bytes=token_bytes,
                counts=recorder.counts,
            )
            checkpoint = handover.checkpoint(config, left.address, recorder, left)
            link = SolLink(
                self._hub,
                left.address,
                session,
                recorder,
                checkpoint=checkpoint,
                left=left,
            )
        except (KeyError, ValueError, OSError):
            handover.decline(left)
            return None
        self._remember(config.name, link)
        return link

    async def _close_unwanted(self, name: str) -> None:
        """Close the session that an earlier process left of a console, if unwanted.

        Returns: within `DISMISSAL`, with or without the BMC's help; at once where
            there is none. Another session that took the console meanwhile keeps it.
        """
        left = None if self._handover is None else self._handover.take_unwanted(name)
        if left is None or self._handover is None:
            return
        try:
            with trio.move_on_after(DISMISSAL):
                await self._close(left)
        except (KeyError, ValueError, OSError) as error:
            log.info("handover.not_closed", console=name, reason=str(error))
        finally:
            self._handover.decline(left)

    async def dismiss_removed(self) -> None:
        """Close the sessions of consoles that are not configured any more."""
        if self._handover is not None:
            async with trio.open_nursery() as nursery:
                for name in self._handover.unwanted:
                    nursery.start_soon(self._dismiss, name)

    async def _dismiss(self, name: str) -> None:
        with self._guard(name).containing(Part.SESSION):
            await self._close_unwanted(name)

    async def _close(self, left: SessionCheckpoint) -> None:
        session = Session.resume(
            SessionOptions(username=b"", password=b""),  # no login follows
            left.frozen,
            left.numbers,
            trio.current_time(),
            token_bytes=secrets.token_bytes,
        )
        nothing = _NullRecorder(self._guard(left.name))
        with closing(
            SolLink(self._hub, left.address, session, nothing, left=left)
        ) as it:
            it.catch_up()
            # Whose the console is comes first: who took it would lose it by a goodbye.
            while not isinstance(await it.next_event(), _ANSWERS):
                pass
            it.close_session()
            while not it.is_over:
                await it.next_event()

    def own_session_ids(self, name: str) -> Collection[int]:
        """Return the sessions that an earlier process may still have at a BMC."""
        return () if self._handover is None else self._handover.own_session_ids(name)

    @property
    def is_handing_over(self) -> bool:
        """This process is being replaced: sessions are left as they are."""
        return self._handover is not None and self._handover.is_under_way

    def _remember(self, name: str, link: SolLink) -> None:
        self._count(self._links.get(name))
        self._links[name] = link

    def forget(self, name: str) -> None:
        """Drop what is remembered of a console that was removed."""
        self._known.pop(name, None)
        self._count(self._links.pop(name, None))

    def _count(self, last: SolLink | None) -> None:
        if last is not None:
            self._rejected.update(last.session.rejected)

    @property
    def strangers(self) -> int:
        """How many datagrams came from addresses that no session has."""
        return self._hub.statistics.strangers

    def rejected(self) -> Mapping[str, int]:
        """Return how many datagrams were rejected since the start, by cause.

        Asked in each scrape, for thousands of sessions of which few have any.
        """
        total = Counter(self._rejected)
        total["stranger"] = self.strangers
        total["excess"] = self._hub.statistics.excess
        for link in self._links.values():
            if link.session.rejected:
                total.update(link.session.rejected)
        return total


class _NullRecorder:
    """Records nothing, so that the BMC keeps its output for the next session."""

    offset = 0

    def __init__(self, guard: Guard) -> None:
        self.guard = guard
        self.counts = WireCounts()

    def record(self, data: bytes) -> bool:  # noqa: ARG002 - a protocol's
        """Refuse it."""
        return False

    def resumed(self) -> None:
        """See `Recorder`; here and below there is nothing to do."""

    def line_seen(self, ago: float) -> None:
        """See `Recorder`."""

    def mark_loss(self, gap: Gap) -> None:
        """See `Recorder`."""

    def mark_restart(self, since: int, *, output_waited: bool) -> None:
        """See `Recorder`."""

    def input_stuck(self, unsent: int, *, is_stuck: bool) -> None:
        """See `Recorder`."""


def session_options(config: IpmiOptions, known: KnownBmc) -> SessionOptions:
    """Return a session's options, with what earlier sessions taught about this BMC."""
    ladder = {}
    if config.privilege in _LADDERS:
        ladder["privileges"] = _LADDERS[config.privilege]
    return SessionOptions(
        username=config.username,
        password=config.password.reveal(),
        kg=None if config.kg is None else config.kg.reveal(),
        cipher_suites=known.suites(config.cipher_suites),
        quirks=parse_quirks(config.quirks),
        insecure=config.insecure,
        keepalive_interval=config.keepalive,
        instance=config.sol_instance,
        auxiliary=config.auxiliary,
        payload_size=config.payload_size,
        resends=known.resends,
        answer_delay=known.delay,
        **ladder,
    )
