"""What a kind of receiver is: its options in the configuration, and its sender."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from typing import TypeVar

from solrecd.alerts.senders.sender import Sender, Tools
from solrecd.config import ReceiverConfig, TableKind

OptionsT = TypeVar("OptionsT")


@dataclass(frozen=True, slots=True, kw_only=True)
class ReceiverKind(TableKind[OptionsT]):
    """One kind of receiver, by the ``type`` of its ``[alerts.NAME]`` table."""

    sender: Callable[[ReceiverConfig, OptionsT, Tools], Sender]
    """Makes what notifies one receiver of this kind."""
