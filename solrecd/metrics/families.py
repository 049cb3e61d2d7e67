"""The catalogue: every metric family of solrecd's own, in the order of a scrape.

Names and labels are a contract with people's alerts and dashboards: a family may be
added, none may change. Labels are bounded by the configuration (``console``,
``receiver``) or by a closed set (``reason``, ``outcome``, ``stage``, ``name``); text
from a console or a BMC is never a label.
"""

from __future__ import annotations

from solrecd.metrics.family import Family, Type

BUILD_INFO = Family(
    "solrecd_build_info", Type.GAUGE, "Version of solrecd; always 1.", ("version",)
)
CONSOLES = Family("solrecd_consoles", Type.GAUGE, "Consoles being recorded.")
CONSOLE_INFO = Family(
    "solrecd_console_info",
    Type.GAUGE,
    "The console's labels from the configuration; always 1.",
    ("console",),
)
SESSION_UP = Family(
    "solrecd_sol_session_up",
    Type.GAUGE,
    "1 while the console's SoL payload is ours and its output is recorded.",
    ("console",),
)
BMC_REACHABLE = Family(
    "solrecd_bmc_reachable",
    Type.GAUGE,
    "1 when the BMC answered the last time it was asked anything.",
    ("console",),
)
POWER_ON = Family(
    "solrecd_power_on",
    Type.GAUGE,
    "1 when the machine is on, as its BMC says; absent while the BMC does not say.",
    ("console",),
)
SESSION_LOST = Family(
    "solrecd_sol_session_lost_total",
    Type.COUNTER,
    "Sessions that were up and ended, by why.",
    ("console", "reason"),
)
SESSION_STATE = Family(
    "solrecd_sol_session_state_entered_timestamp_seconds",
    Type.GAUGE,
    "When the session entered the state it is in now; only that state has a series.",
    ("console", "state", "reason"),
)
SESSION_STOLEN = Family(
    "solrecd_sol_session_stolen_total",
    Type.COUNTER,
    "Times another client took the SoL payload from us.",
    ("console",),
)
RECEIVED = Family(
    "solrecd_console_received_bytes_total",
    Type.COUNTER,
    "Bytes of console output recorded.",
    ("console",),
)
LOST_BYTES = Family(
    "solrecd_console_lost_bytes_total",
    Type.COUNTER,
    "Bytes of console output known to be lost, where their number is known.",
    ("console", "reason"),
)
GAPS = Family(
    "solrecd_console_gaps_total",
    Type.COUNTER,
    "Places where console output is, or may be, missing.",
    ("console", "reason"),
)
LAST_OUTPUT = Family(
    "solrecd_console_last_output_timestamp_seconds",
    Type.GAUGE,
    "When the console printed something last; absent before the first byte.",
    ("console",),
)
BOOTS = Family(
    "solrecd_boots_total",
    Type.COUNTER,
    "Boots that ended, by how.",
    ("console", "outcome"),
)
STAGE_ENTERED = Family(
    "solrecd_boot_stage_entered_timestamp_seconds",
    Type.GAUGE,
    "When the boot entered the stage it is in now; only that stage has a series.",
    ("console", "stage"),
)
STUCK = Family(
    "solrecd_boot_stuck",
    Type.GAUGE,
    "1 while the boot has been in its stage for longer than the stage's timeout.",
    ("console",),
)
FAILED = Family(
    "solrecd_boot_failed",
    Type.GAUGE,
    "1 while the newest boot has failed and nothing has followed it.",
    ("console",),
)
LEFT_LOGGED_IN = Family(
    "solrecd_console_left_logged_in",
    Type.GAUGE,
    "1 while a shell prompt has been waiting on the console for 15 minutes.",
    ("console",),
)
CRASHES = Family(
    "solrecd_console_crashes_total",
    Type.COUNTER,
    "Bugs of solrecd's that a console met; it goes on, and the log has a traceback.",
    ("console",),
)
STAGE_TIMEOUT = Family(
    "solrecd_boot_stage_timeout_seconds",
    Type.GAUGE,
    "Time in a stage after which a boot counts as stuck.",
    ("stage",),
)
STAGE_DURATION = Family(
    "solrecd_boot_stage_duration_seconds",
    Type.HISTOGRAM,
    "Time from entering a stage to entering the next one.",
    ("stage",),
)
FAILURES = Family(
    "solrecd_failures_total",
    Type.COUNTER,
    "Failures read in the console output, by what failed.",
    ("console", "name"),
)
SPREAD = Family(
    "solrecd_crash_signatures_spread_total",
    Type.COUNTER,
    "Crashes that a second console met within an hour of the first, by what failed.",
    ("name",),
)
FILESYSTEM_AVAIL = Family(
    "solrecd_log_filesystem_avail_bytes",
    Type.GAUGE,
    "Space left for solrecd on the file system of the archives.",
)
FILESYSTEM_SIZE = Family(
    "solrecd_log_filesystem_size_bytes",
    Type.GAUGE,
    "Size of the file system of the archives.",
)
JOURNAL_USED = Family(
    "solrecd_journal_used_bytes",
    Type.GAUGE,
    "Journal in use: received and not yet in the archive.",
)
JOURNAL_SIZE = Family("solrecd_journal_size_bytes", Type.GAUGE, "Size of the journal.")
ARCHIVE_FAILING = Family(
    "solrecd_archive_failing_consoles",
    Type.GAUGE,
    "Consoles whose archive cannot be written now.",
)
EVICTED = Family(
    "solrecd_archive_evicted_segments_total",
    Type.COUNTER,
    "Closed segments deleted before their time, because keep_free wanted the room.",
)
INDEX_FAILING = Family(
    "solrecd_index_failing",
    Type.GAUGE,
    "1 while the index cannot be written.",
)
SERVICE_RESTARTS = Family(
    "solrecd_service_restarts_total",
    Type.COUNTER,
    "Restarts by the service manager after a crash, a kill or the watchdog.",
)
RELOAD_SUCCESSFUL = Family(
    "solrecd_config_last_reload_successful",
    Type.GAUGE,
    "0 when the configuration on disk is wrong and the one before it is still in use.",
)
RELOAD_TIME = Family(
    "solrecd_config_last_reload_success_timestamp_seconds",
    Type.GAUGE,
    "When the configuration in use was read.",
)
REJECTED = Family(
    "solrecd_datagrams_rejected_total",
    Type.COUNTER,
    "Datagrams dropped because they were malformed, forged, replayed or of no session.",
    ("cause",),
)
DENIED = Family(
    "solrecd_api_denied_total",
    Type.COUNTER,
    "Requests and connections that the API refused for want of a role.",
    ("reason",),
)
METRICS_DENIED = Family(
    "solrecd_metrics_denied_total",
    Type.COUNTER,
    "Requests to the metrics listener without a password or with a wrong one.",
)
ALERT_NOTICES = Family(
    "solrecd_alert_notices_total",
    Type.COUNTER,
    "Notices of alerts, by what became of them; failed counts tries, held_back events.",
    ("receiver", "result"),
)
ALERT_QUEUE = Family(
    "solrecd_alert_queue_length",
    Type.GAUGE,
    "Notices of alerts that wait for their receiver.",
    ("receiver",),
)
ALERTS_FIRING = Family(
    "solrecd_alerts_firing",
    Type.GAUGE,
    "Alerts that go on, as their receiver knows them.",
    ("receiver",),
)
ALERT_RECEIVER_UP = Family(
    "solrecd_alert_receiver_up",
    Type.GAUGE,
    "1 when the receiver took what it was told last; 1 as well before the first time.",
    ("receiver",),
)
ALERT_EVENTS_DROPPED = Family(
    "solrecd_alert_events_dropped_total",
    Type.COUNTER,
    "Events that were not sent to receivers, because too many came at once.",
)
LOOP_LAG = Family(
    "solrecd_loop_lag_seconds",
    Type.HISTOGRAM,
    "How late the event loop woke up for something that was due.",
)
ACK_DELAY = Family(
    "solrecd_ack_delay_seconds",
    Type.HISTOGRAM,
    "From receiving a datagram with console output to sending its ACK.",
)

LOKI_LINES = Family(
    "solrecd_loki_lines_total",
    Type.COUNTER,
    "Lines of consoles that Loki took, or refused for good.",
    ("result",),
)

CATALOGUE = (
    BUILD_INFO,
    CONSOLES,
    CONSOLE_INFO,
    SESSION_UP,
    BMC_REACHABLE,
    POWER_ON,
    SESSION_LOST,
    SESSION_STATE,
    SESSION_STOLEN,
    RECEIVED,
    LOST_BYTES,
    GAPS,
    LAST_OUTPUT,
    BOOTS,
    STAGE_ENTERED,
    STUCK,
    FAILED,
    LEFT_LOGGED_IN,
    CRASHES,
    STAGE_TIMEOUT,
    STAGE_DURATION,
    FAILURES,
    SPREAD,
    FILESYSTEM_AVAIL,
    FILESYSTEM_SIZE,
    JOURNAL_USED,
    JOURNAL_SIZE,
    ARCHIVE_FAILING,
    EVICTED,
    INDEX_FAILING,
    SERVICE_RESTARTS,
    RELOAD_SUCCESSFUL,
    RELOAD_TIME,
    REJECTED,
    DENIED,
    METRICS_DENIED,
    ALERT_NOTICES,
    ALERT_QUEUE,
    ALERTS_FIRING,
    ALERT_RECEIVER_UP,
    ALERT_EVENTS_DROPPED,
    LOOP_LAG,
    ACK_DELAY,
    LOKI_LINES,
)


def declared() -> tuple[Family, ...]:
    """Return every family that a daemon exports of its own, in the order of a scrape.

    Alert rules, dashboards and the reference may use these and those of the process
    (``process_*``, ``python_*``), and no others.
    """
    return CATALOGUE
