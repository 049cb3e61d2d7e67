"""A session outside of its process: what another process needs to go on with it.

What never changes in a session, keys among it, is a `FrozenSession`. What changes with
every packet are its `Numbers`. They are kept by *writing ahead*: before console output
is recorded, and before anything is sent, the numbers that this will lead to are
written down. So whatever moment a process dies at, no session sequence number is used
twice (the BMC would throw the packet away as a replay), and the count of recorded
bytes tells whether the packet that was under way is among them (`Numbers.settled`).
"""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import NamedTuple

from solrecd.sources.ipmi.protocol.auth import SessionKeys
from solrecd.sources.ipmi.protocol.cipher import SessionCipher
from solrecd.sources.ipmi.protocol.constants import PrivilegeLevel
from solrecd.sources.ipmi.protocol.suites import CIPHER_SUITES


@dataclass(frozen=True, slots=True, kw_only=True)
class FrozenSession:
    """One login with an active SoL payload; see `Session.freeze`."""

    suite: int
    """Number of the cipher suite."""
    k1: bytes = field(repr=False)
    """Signs packets."""
    k2: bytes = field(repr=False)
    """Encrypts them."""
    local_id: int
    """Session ID that the BMC's packets carry."""
    peer_id: int
    """Session ID that ours carry."""
    granted: PrivilegeLevel
    """Highest level that the BMC granted."""
    level: PrivilegeLevel
    """The present one."""
    send_size: int
    """Bytes that one packet of input may hold."""
    clear_types: frozenset[int]
    """Payload types that go without encryption."""
    question: int
    """Command that asks this BMC who holds the payload (`protocol.watch`)."""
    owner: int
    """Session ID by which it names us in the answer; 0: not asked yet."""

    @property
    def session_ids(self) -> frozenset[int]:
        """The IDs by which a BMC may name this session."""
        return frozenset((self.peer_id, self.local_id, self.owner)) - {0}

    def cipher(self, numbers: Numbers, iv: bytes, *, short_pad: bool) -> SessionCipher:
        """Return the cipher that goes on behind these numbers.

        Args:
            numbers: settled.
            iv: 16 fresh random bytes; IVs that were used before never come again.
            short_pad: quirk ``icts``.

        Raises:
            KeyError: there is no such cipher suite.
        """
        return SessionCipher(
            CIPHER_SUITES[self.suite],
            SessionKeys(b"", self.k1, self.k2),
            local_id=self.local_id,
            peer_id=self.peer_id,
            iv=iv,
            sent=numbers.sent,
            received=numbers.received,
            short_pad=short_pad,
            clear_types=self.clear_types,
        )


class Numbers(NamedTuple):
    """Sequence numbers of a session; see `Session.numbers` for the fast way."""

    received: int
    """Session sequence number of the last packet that was believed."""
    sent: int
    """No packet of ours has had a greater one, even if the process died just here."""
    taken: int
    """SoL number of the last packet whose bytes are recorded; 0: none yet."""
    taken_size: int
    taken_sum: int
    """CRC of its bytes: OpenBMC may send them again under another number."""
    pending: int
    """SoL number of a packet whose bytes were about to be recorded; 0: none."""
    pending_size: int
    """Bytes of it, those included that an earlier transmission brought."""
    pending_sum: int
    """CRC of them."""
    pending_known: int
    """How many of them were recorded before."""
    habit: int
    """What is known of the BMC; see `sol_output`."""
    seen: int
    """SoL number of the last packet whose status was told."""
    status: int
    next_number: int
    """SoL number that our next packet will have; 0: none was sent yet."""
    request: int
    """rqSeq of the last command."""

    def settled(self, before: int, recorded: int) -> Numbers | None:
        """Return the numbers with nothing pending.

        Args:
            before: bytes of this console recorded when these were written down.
            recorded: bytes recorded in truth.

        Returns:
            None where the two cannot be brought together: these numbers belong to
            another past than the records.
        """
        if recorded == before:
            return self._replace(pending=0, pending_size=0)
        if (
            not self.pending
            or recorded != before + self.pending_size - self.pending_known
        ):
            return None
        return self._replace(
            taken=self.pending,
            taken_size=self.pending_size,
            taken_sum=self.pending_sum,
            pending=0,
            pending_size=0,
        )
