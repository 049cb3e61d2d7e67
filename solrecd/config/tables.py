"""Every table that the configuration has: nothing else is accepted, or documented."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from typing import Final

from solrecd.config.access_keys import ACCESS_KEYS
from solrecd.config.alert_keys import alerts_tables
from solrecd.config.api import API_KEYS
from solrecd.config.cluster import cluster_table
from solrecd.config.console_keys import console_keys
from solrecd.config.console_kinds import ConsoleKind, ConsoleKinds
from solrecd.config.keys import Key, Schema, TableSchema, defaults_of
from solrecd.config.kinds import NO_KINDS, Kinds
from solrecd.config.loki_keys import loki_table
from solrecd.config.model import STAGE_TIMEOUTS, ApiConfig, ConsoleConfig, DaemonConfig
from solrecd.config.offload_keys import offload_table
from solrecd.config.otlp_keys import otlp_table
from solrecd.config.schema import DAEMON_KEYS, STAGE_TIMEOUT_KEYS
from solrecd.config.values import one_of
from solrecd.config.web_keys import web_table

_DAEMON = TableSchema(
    path=("daemon",),
    keys=DAEMON_KEYS,
    defaults=defaults_of(DaemonConfig),
    help="The daemon itself. Changes here take effect at the next start; a restart"
    " keeps the sessions.",
)

_STAGES = TableSchema(
    path=("stages", "timeout"),
    keys=STAGE_TIMEOUT_KEYS,
    defaults={str(what): limit for what, limit in STAGE_TIMEOUTS.items()},
    help="How long a boot may be in a stage before it counts as stuck (event `stuck`,"
    ' metric `solrecd_boot_stuck`); `"off"`: without a limit. Three times the'
    " 95th percentile of a machine's own last 20 good boots is used if that is longer.",
)

_API = TableSchema(
    path=("api",),
    keys=API_KEYS,
    defaults=defaults_of(ApiConfig),
    help="The API beyond this machine: a TLS listener for `solrecctl -s https://HOST`"
    " and for other programs. Only clients whose token or certificate is named in an"
    " `[access]` table are admitted.",
)

_ACCESS = TableSchema(
    path=("access", "NAME"),
    keys=ACCESS_KEYS,
    defaults={},
    help="Who may do what with `solrecctl`, and with the API. While no table names"
    " users or groups, all who can open the control socket (root and its group) may do"
    " everything. Once one does, users of the socket have the rights in these"
    " tables; root and the daemon's own user always may do everything. A user named in"
    " several tables has the rights of all of"
    " them. A reload takes effect at once, also for"
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
        help="Defaults of every console. Any key of a console is allowed here, also one"
        " of some kinds only; a console's own key replaces it.",
    )
    return (
        *(_DAEMON, _API, web_table(), _ACCESS, defaults),
        *map(_kind_table, others),
        *_shared_table(others),
        *(_STAGES, *alerts_tables(receivers)),
        *(loki_table(), otlp_table(), offload_table()),
        cluster_table(),
    )


def _kind_table(kind: ConsoleKind) -> TableSchema:
    chosen = Key(one_of((kind.name,)), "Required for consoles of this kind.", kind.name)
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
            web_table(),
            _ACCESS,
            _STAGES,
            *alerts_tables(NO_KINDS),
            loki_table(),
            otlp_table(),
            offload_table(),
            cluster_table(),
        )
    ),
    "defaults",
    "console",
)
"""The names that a file may begin a table with."""
