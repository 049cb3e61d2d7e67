"""All kinds of receivers: a file beside this one for each, and a line here.

The file has everything of its kind, and names it ``KIND``: the keys of its table, its
options, and its sender. The reference, the commented example, the manual page and
``solrecd check`` follow from that.
"""

from __future__ import annotations

from collections.abc import Mapping
from importlib import import_module
from types import MappingProxyType
from typing import Any, Final

from solrecd.alerts.senders.kind import ReceiverKind
from solrecd.alerts.senders.sender import Sender, Tools
from solrecd.config import ReceiverConfig

_FILES: Final = (
    "alertmanager",
    "webhook",
    "hook",
)
"""In the order in which they are explained."""


def _kind(file: str) -> ReceiverKind[Any]:
    kind: ReceiverKind[Any] = import_module(f"{__package__}.{file}").KIND
    return kind


RECEIVERS: Final[Mapping[str, ReceiverKind[Any]]] = MappingProxyType(
    {kind.name: kind for kind in map(_kind, _FILES)}
)
"""The kinds by the ``type`` of their tables."""

_BY_OPTIONS: Final = MappingProxyType({one.options: one for one in RECEIVERS.values()})


def sender_for(config: ReceiverConfig, tools: Tools) -> Sender:
    """Return what notifies a receiver.

    Raises:
        KeyError: its options are those of no kind.
    """
    return _BY_OPTIONS[type(config.target)].sender(config, config.target, tools)
