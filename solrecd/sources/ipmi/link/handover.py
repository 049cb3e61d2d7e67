"""What one process leaves to the next: sockets and sessions, by the service manager.

`Handover` is the daemon's side: it takes over what an earlier process left, or throws
all of it away when any of it is not as it should be, so that a bad store never comes
back. What one session leaves is `solrecd.sources.ipmi.link.checkpoint_writer`.
"""

from __future__ import annotations

import os
from collections.abc import Collection, Mapping
from dataclasses import replace
from typing import Final, Protocol

import structlog

from solrecd.sources.ipmi.link.checkpoint_writer import (
    CheckpointWriter,
    Recorded,
    fingerprint,
)
from solrecd.sources.ipmi.link.hub import SOCKET, Hub
from solrecd.sources.ipmi.link.own_session_ids import OwnSessionIds
from solrecd.sources.ipmi.link.resolve import Address
from solrecd.sources.ipmi.link.session_store import (
    CheckpointRecord,
    NoCheckpointRecord,
    SessionCheckpoint,
    SessionStore,
    StoreError,
)
from solrecd.sources.ipmi.options import IpmiOptions

SESSIONS: Final = "sessions"
"""Name of the session store's descriptor."""

log = structlog.get_logger()


class Manager(Protocol):
    """Keeps descriptors while we are away: `solrecd.process.systemd.Notifier`."""

    @property
    def keeps_descriptors(self) -> bool:
        """There is one at all."""

    @property
    def inherited(self) -> Mapping[str, int]:
        """What an earlier process stored."""

    def store(self, name: str, fd: int) -> None:
        """Have a descriptor kept."""

    def unstore(self, name: str) -> None:
        """Have it closed."""


class Handover:
    """The sessions that an earlier process left, and the place to leave our own.

    Args:
        manager: keeps descriptors, or does not.
        hub: gets the sockets.
        consoles: names of those that are configured.
        own_session_ids: where it is remembered which sessions were ours.
        now: stamp.
    """

    def __init__(
        self,
        manager: Manager,
        hub: Hub,
        consoles: Collection[str],
        own_session_ids: OwnSessionIds,
        now: int,
    ) -> None:
        self.is_under_way = False
        """This process is about to be replaced: live sessions are left as they are."""
        self._manager = manager
        self._hub = hub
        self._store: SessionStore | None = None
        self._left: dict[str, SessionCheckpoint] = {}
        self._unwanted: dict[str, SessionCheckpoint] = {}
        """Sessions that are not continued and have not been closed yet."""
        self._own_session_ids = own_session_ids
        self._now = now
        self.since = 0
        """Stamp at which the earlier process was last known to work."""
        if manager.keeps_descriptors:
            self._open(consoles)
            hub.on_open = self._socket_opened

    def _open(self, consoles: Collection[str]) -> None:
        try:
            self._adopt(consoles)
        except (StoreError, OSError) as error:
            log.warning("handover.refused", reason=str(error))
            self._drop()
        except Exception:
            # Whatever it is that was left, it must not keep us from recording.
            log.exception("handover.crashed")
            self._drop()
        if self._store is None:
            self._create()

    def _adopt(self, consoles: Collection[str]) -> None:
        inherited = self._manager.inherited
        sockets = [name for name in inherited if name.startswith(SOCKET)]
        if SESSIONS not in inherited:
            if sockets:
                raise StoreError("there are sockets without sessions")
            return
        store = SessionStore.adopt(inherited[SESSIONS])
        left = list(store.sessions())
        for kept in left:
            self._own_session_ids.add(
                kept.name, kept.frozen.session_ids, store.alive_at
            )
        if store.is_suspect:
            raise StoreError("the last process that adopted it did not survive that")
        for name in sockets:
            self._hub.adopt(name, inherited[name])
        self.since = store.alive_at
        for kept in left:
            if kept.name in consoles and self._hub.expect(kept.socket, kept.address):
                self._left[kept.name] = kept
            else:
                self._unwanted[kept.name] = kept
        self._store = store
        log.info("handover.adopted", sockets=len(sockets), sessions=len(self._left))

    def _drop(self) -> None:
        """Throw everything away that was left to us, here and at the manager."""
        self._left.clear()
        self._unwanted.clear()
        self._hub.disown()
        for name, fd in self._manager.inherited.items():
            if name == SESSIONS or name.startswith(SOCKET):
                self._manager.unstore(name)
                _close(fd)

    def _create(self) -> None:
        try:
            self._store = SessionStore.create()
        except OSError as error:
            log.warning("handover.impossible", reason=str(error))
            return
        self._manager.store(SESSIONS, self._store.fd)

    def _socket_opened(self, name: str, fd: int) -> None:
        """Leave a socket to our successor."""
        if self._store is not None:
            self._manager.store(name, fd)

    def settle(self) -> None:
        """All that was left has been taken over, and we live."""
        if self._store is not None:
            self._store.settle()

    def begin(self, stamp: int) -> None:
        """This process is about to be replaced: leave everything as it is now."""
        self.is_under_way = True
        self.beat(stamp)
        self._hub.pause()

    def beat(self, stamp: int) -> None:
        """Note that this process works."""
        self._now = stamp
        self._own_session_ids.beat()
        if self._store is not None:
            self._store.alive_at = stamp

    def own_session_ids(self, name: str) -> Collection[int]:
        """Return the sessions that a BMC may still have from an earlier process."""
        return self._own_session_ids.of(name, self._now)

    def claim(self, config: IpmiOptions, recorded: int) -> SessionCheckpoint | None:
        """Return the session that was left of a console, with settled numbers.

        Each is returned once. None where there is none to go on with: the settings
        have changed, or the record does not belong to what is recorded.
        """
        left = self._left.pop(config.name, None)
        if left is None:
            return None
        numbers = left.numbers.settled(left.before, recorded)
        if numbers is None or fingerprint(config, left.frozen.k1) != left.fingerprint:
            reason = "recorded" if numbers is None else "settings"
            log.info("handover.declined", console=config.name, reason=reason)
            self._unwanted[config.name] = left
            return None
        return replace(left, numbers=numbers)

    @property
    def unwanted(self) -> Collection[str]:
        """Consoles with a session that is not continued."""
        return tuple(self._unwanted)

    def take_unwanted(self, name: str) -> SessionCheckpoint | None:
        """Return, once, the session of a console that is to be closed; then `decline`.

        Just forgetting it would keep others from the console for a minute.
        """
        return self._unwanted.pop(name, None)

    def decline(self, left: SessionCheckpoint) -> None:
        """Forget a session that was left."""
        self._hub.decline(left.socket, left.address)
        if self._store is not None:
            self._store.give_back(left.index)

    def checkpoint(
        self,
        config: IpmiOptions,
        address: Address,
        recorded: Recorded,
        left: SessionCheckpoint | None = None,
    ) -> CheckpointWriter:
        """Return where a session is to be kept.

        Args:
            config: of the console.
            address: of its BMC.
            recorded: the console.
            left: the session is this one, which an earlier process left.
        """
        record = self._record(None if left is None else left.index)
        checkpoint = CheckpointWriter(
            record, self._own_session_ids, config, address, recorded
        )
        if left is not None:
            checkpoint.continues(left, self.since)
        return checkpoint

    def _record(self, index: int | None) -> CheckpointRecord | NoCheckpointRecord:
        if self._store is None:
            return NoCheckpointRecord()
        index = self._store.take() if index is None else index
        return (
            NoCheckpointRecord()
            if index is None
            else CheckpointRecord(self._store, index)
        )


def _close(fd: int) -> None:
    try:
        os.close(fd)
    except OSError:
        log.debug("handover.closed_already", fd=fd)
