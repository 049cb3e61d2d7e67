"""Every table that the configuration has: nothing else is accepted, or documented."""

from __future__ import annotations

from collections.abc import Collection

from solrecd.config.access_keys import ACCESS_KEYS
from solrecd.config.alert_keys import alerts_table
from solrecd.config.api import API_KEYS
from solrecd.config.console_keys import console_keys
from solrecd.config.keys import TableSchema, defaults_of
from solrecd.config.loki_keys import loki_table
from solrecd.config.model import STAGE_TIMEOUTS, ApiConfig, ConsoleConfig, DaemonConfig
from solrecd.config.schema import DAEMON_KEYS, STAGE_TIMEOUT_KEYS

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
    defaults={stage.value: limit for stage, limit in STAGE_TIMEOUTS.items()},
    help="How long a boot may be in a stage before it counts as stuck (event `stuck`,"
    ' metric `solrecd_boot_stuck`); `"off"`: for ever. Where three times what 95 of 100'
    " of a machine's own last 20 good boots needed is longer, that counts.",
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


def tables(quirks: Collection[str] = ()) -> tuple[TableSchema, ...]:
    """Return all tables, in the order in which they are explained.

    Args:
        quirks: the names that the key ``quirks`` may list.
    """
    defaults = TableSchema(
        path=("defaults",),
        keys=console_keys(quirks),
        defaults=defaults_of(ConsoleConfig),
        help="What holds for every console. Any key of a console may stand here; a"
        " console's own key replaces it.",
    )
    return _DAEMON, _API, _ACCESS, defaults, _STAGES, alerts_table(), loki_table()


def top_level() -> tuple[str, ...]:
    """Return the names that a file may begin a table with."""
    return (*dict.fromkeys(table.path[0] for table in tables()), "console")
