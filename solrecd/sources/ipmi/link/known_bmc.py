"""What the logins of one console have taught about its BMC. Pure.

It holds until a reload changes the console, or a person asks for a fresh session: who
replaces a BMC, or changes its settings, does one or the other.
"""

from __future__ import annotations

from collections.abc import Sequence

from solrecd.sources.ipmi.link.resolve import Address
from solrecd.sources.ipmi.protocol.session import Session


class KnownBmc:
    """One BMC; `learn` from each session, then ask how to begin the next one."""

    def __init__(self) -> None:
        self.delay = 0.0
        """Seconds that its answers take; 0: not known."""
        self.resends = False
        """It sends again what it gave up on (`Session.resends`)."""
        self._proved: int | None = None
        """Strongest cipher suite under which it has proved itself."""
        self._refused: int | None = None
        """Cipher suite under which it refused the password last."""
        self._addresses: tuple[Address, ...] = ()
        self._present: Address | None = None
        self._tried: set[Address] = set()

    def learn(self, session: Session) -> None:
        """Take what a session has seen; that it has ended is not needed."""
        self.delay = session.answer_delay
        self.resends = self.resends or session.resends
        self._refused = session.refused_suite
        seen = session.proved_suite
        if seen is not None:
            self._proved = seen if self._proved is None else max(seen, self._proved)

    def suites(self, configured: tuple[int, ...]) -> tuple[int, ...]:
        """Return the cipher suites to try, best first.

        Never one that is weaker than what the BMC is known to speak: who forges
        refusals could have us use it. Of a BMC that has never proved itself, and
        refused the password under one suite, another suite is tried first.
        """
        proved, refused = self._proved, self._refused
        if proved is None:
            return tuple(sorted(configured, key=lambda suite: suite == refused))
        enough = [suite for suite in configured if suite >= proved]
        return tuple(sorted(enough, key=lambda suite: suite != proved)) or configured

    # Where it is.

    def choose(self, addresses: Sequence[Address]) -> Address:
        """Return the address to try: the present one, as long as its name has it."""
        self._addresses = tuple(addresses)
        present = self._present
        if present is None or present not in addresses:
            present = self._present = (self._untried() or self._addresses)[0]
        return present

    def try_next(self) -> bool:
        """Give the present address up for now; False: all have had their turn."""
        if self._present is not None:
            self._tried.add(self._present)
        untried = self._untried()
        self._present = untried[0] if untried else None
        if not untried:
            self._tried.clear()
        return bool(untried)

    def arrived(self) -> None:
        """The present address is right."""
        self._tried.clear()

    def _untried(self) -> list[Address]:
        return [one for one in self._addresses if one not in self._tried]
