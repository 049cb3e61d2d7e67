"""A service manager's descriptor store inside the test's own process."""

from __future__ import annotations

import os
from collections.abc import Mapping

from solrecd.process.systemd import Notifier


class DescriptorStore:
    """Keeps descriptors between daemons, as systemd does between processes."""

    def __init__(self) -> None:
        self.kept: dict[str, int] = {}

    def pass_on(self) -> dict[str, int]:
        """Return descriptors for the next daemon; what is kept stays kept."""
        return {name: os.dup(fd) for name, fd in self.kept.items()}

    def clear(self) -> None:
        """Close everything, as after ``systemctl stop``."""
        for fd in self.kept.values():
            os.close(fd)
        self.kept.clear()


class StoringNotifier(Notifier):
    """A daemon's notifier that stores in here."""

    def __init__(self, store: DescriptorStore) -> None:
        super().__init__()
        self._store = store
        self.inherited: Mapping[str, int] = store.pass_on()

    @property
    def keeps_descriptors(self) -> bool:
        """Always."""
        return True

    def store(self, name: str, fd: int) -> None:
        """Keep a copy."""
        self._store.kept[name] = os.dup(fd)

    def unstore(self, name: str) -> None:
        """Close the copy."""
        os.close(self._store.kept.pop(name))
