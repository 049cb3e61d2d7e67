"""One session's side of a restart: it writes down, in time, what a successor needs.

See `protocol.frozen` for when that is,
`link.handover` for who reads it.
"""

from __future__ import annotations

import hashlib
from typing import Protocol

from solrecd.sources.ipmi.link.own_session_ids import OwnSessionIds
from solrecd.sources.ipmi.link.resolve import Address
from solrecd.sources.ipmi.link.session_store import (
    CheckpointRecord,
    NoCheckpointRecord,
    SessionCheckpoint,
    describe,
)
from solrecd.sources.ipmi.options import IpmiOptions
from solrecd.sources.ipmi.protocol.events import (
    SessionEvent,
    SessionLost,
    SolActivated,
    SolConfirmed,
    SolDeactivated,
    SolStolen,
)
from solrecd.sources.ipmi.protocol.session import Session


class Recorded(Protocol):
    """A console, as far as a session's checkpoint concerns it."""

    @property
    def offset(self) -> int:
        """Bytes of it ever recorded."""

    def mark_restart(self, since: int, *, output_waited: bool) -> None:
        """Mark that the session of an earlier process goes on here."""


class CheckpointWriter:
    """Keeps one session's record up to date; see `protocol.frozen` for when.

    Args:
        record: its record.
        own_session_ids: learns of it, too.
        config: of the console.
        address: of its BMC.
        recorded: the console.
    """

    def __init__(
        self,
        record: CheckpointRecord | NoCheckpointRecord,
        own_session_ids: OwnSessionIds,
        config: IpmiOptions,
        address: Address,
        recorded: Recorded,
    ) -> None:
        self._record = record
        self._own_session_ids = own_session_ids
        self._config = config
        self._address = address
        self._recorded = recorded
        self._since: int | None = None

    @property
    def is_complete(self) -> bool:
        """Another process could go on with the session."""
        return self._record.is_live

    def continues(self, left: SessionCheckpoint, since: int) -> None:
        """The session is an earlier process's, which last worked at this stamp."""
        self._since = since
        self._record.go_on(left)

    def before_recording(self, session: Session) -> None:
        """Write down that the packet just received is about to be recorded."""
        if self._since is not None:
            waited = not session.keeps_output
            self._mark_restart(self._since, output_waited=waited)
        if self._record.is_live:
            self._record.write(self._recorded.offset, session.numbers())

    def before_sending(self, session: Session) -> None:
        """Write down the numbers that are about to be used."""
        record = self._record
        # Most often what goes out is the ACK that was reckoned with.
        if record.is_live and record.sent != session.sent:
            record.write(self._recorded.offset, session.numbers())

    def follow(self, event: SessionEvent, session: Session, socket_name: str) -> None:
        """Follow the payload: only a session that has it is worth keeping."""
        if isinstance(event, SolActivated | SolConfirmed):
            self._begin(session, socket_name)
        elif isinstance(event, SolStolen | SolDeactivated | SessionLost):
            self._record.forget()

    def _begin(self, session: Session, socket_name: str) -> None:
        frozen = session.freeze()
        if frozen is None:
            return
        self._own_session_ids.note(self._config.name, frozen.session_ids)
        mark = fingerprint(self._config, frozen.k1)
        text = describe(self._config.name, self._address, socket_name, mark, frozen)
        self._record.begin(text)
        if self._since is not None:
            # What had waited would have come before the BMC's answer.
            self._mark_restart(self._since, output_waited=False)
        self.before_recording(session)

    def _mark_restart(self, since: int, *, output_waited: bool) -> None:
        self._since = None
        self._recorded.mark_restart(since, output_waited=output_waited)

    def close(self) -> None:
        """The session has ended here: forget it and its keys."""
        self._record.close()
        self._own_session_ids.forget(self._config.name)


def fingerprint(config: IpmiOptions, key: bytes) -> str:
    """Return what tells whether a console is still configured as it was.

    Only what a login would do differently counts. The session's key keeps the digest
    of the password worthless without that key.
    """
    password = config.password.reveal()
    kg = b"" if config.kg is None else config.kg.reveal()
    settings = (
        *(config.name, config.host, config.port, config.family, config.bind),
        *(config.username, password, kg, config.privilege, sorted(config.quirks)),
        *(config.sol_instance, config.insecure, sorted(config.cipher_suites)),
    )
    digest = hashlib.blake2b(repr(settings).encode(), key=key, digest_size=16)
    return digest.hexdigest()
