"""Which keys every console has, whatever its kind, also in ``[defaults]``."""

from __future__ import annotations

from collections.abc import Collection
from types import MappingProxyType

from solrecd.config.keys import Key, Schema
from solrecd.config.values import boolean, labels, one_of


def console_keys(kinds: Collection[str]) -> Schema:
    """Return the keys that all kinds of consoles share.

    Args:
        kinds: names of the kinds there are.
    """
    kind = Key(one_of(tuple(kinds)), "How the console is reached.")
    return MappingProxyType({"kind": kind} | _CONSOLE)


_CONSOLE: dict[str, Key] = {
    "record_input": Key(
        boolean,
        "Record what people type, too. That includes the passwords they type.",
    ),
    "labels": Key(
        labels,
        "For `solrecctl` (NAMES as `@rack=r1`) and for Prometheus"
        " (`solrecd_console_info`). `{name}` and `{n}` expand in the values.",
        example={"rack": "r1"},
    ),
    "enabled": Key(boolean, "Switch a console off without deleting it."),
}
