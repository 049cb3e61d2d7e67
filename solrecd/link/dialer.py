"""Makes links: from a console's configuration to a session on the wire."""

from __future__ import annotations

import secrets
import socket
from collections import Counter
from collections.abc import Mapping
from types import MappingProxyType

import trio

from solrecd.config import AddressFamily, ConsoleConfig, Privilege
from solrecd.ipmi.constants import PrivilegeLevel
from solrecd.ipmi.options import SessionOptions
from solrecd.ipmi.quirks import parse_quirks
from solrecd.ipmi.session import Session
from solrecd.link.hub import Hub
from solrecd.link.resolve import Address, Resolver
from solrecd.link.sol import Recorder, SolLink

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


class Dialer:
    """Resolves names, opens sessions, and remembers what worked at each BMC.

    Args:
        hub: carries the datagrams.
        login_slots: how many logins may be under way at the same time.
    """

    def __init__(self, hub: Hub, login_slots: int) -> None:
        self.slots = trio.CapacityLimiter(login_slots)
        self._hub = hub
        self._resolver = Resolver()
        self._links: dict[str, SolLink] = {}
        self._rejected: Counter[str] = Counter()
        """Of sessions that have ended."""

    async def resolve(self, config: ConsoleConfig) -> Address:
        """Return the address of a console's BMC.

        Raises:
            NameUnresolvedError: it has none just now.
        """
        family = _FAMILIES[config.family]
        address = await self._resolver.resolve(config.host, config.port, family)
        return address._replace(source=config.bind or "")

    def link(
        self, config: ConsoleConfig, address: Address, recorder: Recorder
    ) -> SolLink:
        """Return a link with a fresh session that has sent nothing yet.

        Raises:
            OSError: no socket could be opened.
        """
        options = session_options(config, self._links.get(config.name))
        session = Session(
            options,
            token_bytes=secrets.token_bytes,
            session_id=secrets.randbits(32) | 1 << 8,
        )
        link = SolLink(self._hub, address, session, recorder)
        self.forget(config.name)
        self._links[config.name] = link
        return link

    def forget(self, name: str) -> None:
        """Drop what is remembered of a console that was removed."""
        last = self._links.pop(name, None)
        if last is not None:
            self._rejected.update(last.session.statistics.rejected)

    def rejected(self) -> Mapping[str, int]:
        """Return how many datagrams were not believed since the start, by cause."""
        total = Counter(self._rejected)
        total["stranger"] = self._hub.statistics.strangers
        for link in self._links.values():
            total.update(link.session.statistics.rejected)
        return total


def session_options(config: ConsoleConfig, last: SolLink | None) -> SessionOptions:
    """Return a session's options, with what the last session taught about this BMC.

    Args:
        config: of the console.
        last: its suite is tried first, and its SoL numbers go on: ipmi_sim throws away
            a first packet that repeats the last number of the session before.
    """
    ladder = {}
    if config.privilege in _LADDERS:
        ladder["privileges"] = _LADDERS[config.privilege]
    return SessionOptions(
        username=config.username,
        password=config.password.reveal(),
        kg=None if config.kg is None else config.kg.reveal(),
        cipher_suites=_best_first(config.cipher_suites, last),
        quirks=parse_quirks(config.quirks),
        insecure=config.insecure,
        keepalive_interval=config.keepalive,
        instance=config.sol_instance,
        auxiliary=config.auxiliary,
        payload_size=config.payload_size,
        first_number=1 if last is None else last.session.next_number,
        **ladder,
    )


def _best_first(suites: tuple[int, ...], last: SolLink | None) -> tuple[int, ...]:
    worked = None if last is None else last.suite
    return tuple(sorted(suites, key=lambda suite: suite != worked))
