"""Every table that the configuration has: nothing else is accepted, or documented."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from typing import Final

from solrecd.config.access_keys import ACCESS_KEYS
from solrecd.config.alert_keys import alerts_tables
from solrecd.config.api import API_KEYS
from solrecd.config.console_keys import console_keys
from solrecd.config.console_kinds import ConsoleKind, ConsoleKinds
from solrecd.config.keys import Key, Schema, TableSchema, defaults_of
from solrecd.config.kinds import NO_KINDS, Kinds
from solrecd.config.loki_keys import loki_table
from solrecd.config.model import STAGE_TIMEOUTS, ApiConfig, ConsoleConfig, DaemonConfig
from solrecd.config.schema import DAEMON_KEYS, STAGE_TIMEOUT_KEYS
from solrecd.config.values import one_of

_DAEMON = TableSchema(
    path=("daemon",),
    keys=DAEMON_KEYS,
    defaults=defaults_of(DaemonConfig),
    help="The daemon itself. What is changed here counts from the next start on; a"
    " restart keeps the sessions.",
)

_STAGES = TableSchema(
    path=("stages", "timeout"),
    keys=STAGE_TIMEOUT_KEYS,
    defaults={str(what): limit for what, limit in STAGE_TIMEOUTS.items()},
    help="How long a boot may be in a stage before it counts as stuck (event `stuck`,"
    ' metric `solrecd_boot_stuck`); `"off"`: without a limit. Where three times what'
    " 95 of 100 of a machine's own last 20 good boots needed is longer, that counts.",
)

_API = TableSchema(
    path=("api",),
    keys=API_KEYS,
    defaults=defaults_of(ApiConfig),
    help="The API beyond this machine: a TLS listener for `solrecctl -s https://HOST`"
    " and for other programs. Only those come in whose token or client certificate an"
    " `[access]` table names.",
)

_ACCESS = TableSchema(
    path=("access", "NAME"),
    keys=ACCESS_KEYS,
    defaults={},
    help="Who may do what with `solrecctl`, and with the API. While no table names"
    " users or groups, all who can open the control socket (root and its group) may do"
    " everything. Once one does, the users of the socket have what these tables give"
    " them; root and the daemon's own user always may do everything. A user named"
    " in several tables has all that they give. A reload takes effect at once, also for"
    " attached users.",
)


def tables(
    consoles: ConsoleKinds, receivers: Kinds = NO_KINDS
) -> tuple[TableSchema, ...]:
    """Return all tables, in the order in which they are explained.

    Args:
        consoles: the kinds of consoles there are.
        receivers: the kinds of receivers that alerts may have.
    """
    usual, *others = consoles.values()
    defaults = TableSchema(
        path=("defaults",),
        keys={**console_keys(consoles), **usual.keys},
        defaults={**defaults_of(ConsoleConfig), **usual.defaults},
        help="What holds for every console. Any key of a console may stand here, also"
        " one that consoles of some kinds only have; a console's own key replaces it.",
    )
    return (
        *(_DAEMON, _API, _ACCESS, defaults),
        *map(_kind_table, others),
        *_shared_table(others),
        *(_STAGES, *alerts_tables(receivers), loki_table()),
    )


def _kind_table(kind: ConsoleKind) -> TableSchema:
    chosen = Key(one_of((kind.name,)), "Consoles of this kind say so.", kind.name)
    return TableSchema(
        path=("console", f"MY-{kind.name.upper()}"),
        keys={"kind": chosen, **_own(kind)},
        defaults=kind.defaults,
        help=kind.help,
    )


def _own(kind: ConsoleKind) -> Schema:
    return {key: one for key, one in kind.keys.items() if key not in kind.shared}


def _shared_table(kinds: Sequence[ConsoleKind]) -> Iterator[TableSchema]:
    """Yield the table of what several kinds have, if there is anything."""
    sharing = [kind for kind in kinds if kind.shared]
    if sharing:
        names = ", ".join(kind.name for kind in sharing)
        yield TableSchema(
            path=("console", "MY-CONSOLE"),
            keys=sharing[0].shared,
            defaults=sharing[0].defaults,
            help="What a console of another kind than `ipmi` may say besides: how the"
            f" power of its machine is switched. Of kinds {names}.",
        )


TOP_LEVEL: Final = (
    *dict.fromkeys(
        table.path[0]
        for table in (
            _DAEMON,
            _API,
            _ACCESS,
            _STAGES,
            *alerts_tables(NO_KINDS),
            loki_table(),
        )
    ),
    "defaults",
    "console",
)
"""The names that a file may begin a table with."""
