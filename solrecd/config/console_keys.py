"""Which keys every console has, whatever its kind, also in ``[defaults]``."""

from __future__ import annotations

from collections.abc import Collection
from types import MappingProxyType

from solrecd.config.keys import Key, Schema
from solrecd.config.values import boolean, labels, one_of, text


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
        "Record what users type, too, including any passwords.",
    ),
    "labels": Key(
        labels,
        "For `solrecctl` (NAMES as `@rack=r1`) and for Prometheus"
        " (`solrecd_console_info`). `{name}` and `{n}` expand in the values.",
        example={"rack": "r1"},
    ),
    "machine": Key(
        text(max_bytes=255),
        "The machine that this is a console of, where it has several: its BMC's and a"
        " serial port, a node's and its DPU's. `ls`, `top` and `boots` show them"
        " together, and NAMES may be `@machine=NAME`. `{name}` and `{n}` expand in it.",
        example="{name}",
    ),
    "enabled": Key(boolean, "Switch a console off without deleting it."),
}
