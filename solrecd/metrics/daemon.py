"""The numbers of the daemon: what does not grow with the fleet."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass

from solrecd.events.stages import WAITING, Stage
from solrecd.metrics.console import TIMED_STAGES
from solrecd.metrics.family import Type
from solrecd.metrics.histogram import Histogram
from solrecd.metrics.samples import (
    Source,
    by_label,
    gauge,
    histogram,
    known_gauge,
    sampled,
    stamp,
    tally,
)
from solrecd.metrics.tally import Tally

LAG_BOUNDS = (0.001, 0.0025, 0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1.0, 2.5, 10.0)
"""Seconds; a BMC retransmits after 100 ms to 1 s and gives up after some of those."""
ACK_BOUNDS = (0.0001, 0.00025, 0.0005, *LAG_BOUNDS)
SHIPPING_BOUNDS = (
    0.25,
    0.5,
    1.0,
    1.5,
    2.0,
    2.5,
    3.0,
    4.0,
    5.0,
    10.0,
    30.0,
    60.0,
    600.0,
)
STAGE_BOUNDS = (1, 2.5, 5, 10, 20, 30, 45, 60, 90, 120, 180, 300, 600, 1200, 1800, 3600)


@dataclass(eq=False)
class DaemonMetrics:
    """What is known of the daemon; counters only grow.

    A field is a metric: its declaration is all that a new one needs, beside the code
    that adds to it, sets it, or puts a `Source` there.
    """

    build_info: Mapping[str, int] = by_label(
        Type.GAUGE,
        "solrecd_build_info",
        "Version of solrecd; always 1.",
        version=(),
    )
    consoles: Source = sampled(
        Type.GAUGE, "solrecd_consoles", "Consoles being recorded."
    )
    stage_timeouts: Mapping[str, float] = by_label(
        Type.GAUGE,
        "solrecd_boot_stage_timeout_seconds",
        "Time in a stage, or waiting for a person, after which a boot counts as stuck.",
        stage=(*Stage, WAITING),
    )
    stage_durations: Mapping[str, Histogram] = histogram(
        "solrecd_boot_stage_duration_seconds",
        "Time from entering a stage to entering the next one.",
        STAGE_BOUNDS,
        stage=TIMED_STAGES,
    )
    signatures_spread: Tally = tally(
        "solrecd_crash_signatures_spread_total",
        "Crashes that occurred on a second console within an hour of the first, by"
        " name.",
        name=(),
    )
    filesystem_avail: int | None = known_gauge(
        "solrecd_log_filesystem_avail_bytes",
        "Space left for solrecd on the file system of the archives.",
    )
    filesystem_size: int | None = known_gauge(
        "solrecd_log_filesystem_size_bytes",
        "Size of the file system of the archives.",
    )
    journal_used: int | None = known_gauge(
        "solrecd_journal_used_bytes",
        "Journal in use: received and not yet in the archive.",
    )
    journal_size: int | None = known_gauge(
        "solrecd_journal_size_bytes", "Size of the journal."
    )
    archive_failing_consoles: Source = sampled(
        Type.GAUGE,
        "solrecd_archive_failing_consoles",
        "Consoles whose archive cannot be written now.",
    )
    evicted: Tally = tally(
        "solrecd_archive_evicted_segments_total",
        "Closed segments deleted early, because of keep_free.",
    )
    index_failing: bool = gauge(
        "solrecd_index_failing", "1 while the index cannot be written."
    )
    service_restarts: Tally = tally(
        "solrecd_service_restarts_total",
        "Restarts by the service manager after a crash, a kill or the watchdog.",
    )
    reload_successful: bool = gauge(
        "solrecd_config_last_reload_successful",
        "0 when the configuration on disk is invalid and the previous one is still in"
        " use.",
    )
    reload_time: int = stamp(
        "solrecd_config_last_reload_success_timestamp_seconds",
        "When the configuration in use was read.",
    )
    rejected: Mapping[str, int] = by_label(
        Type.COUNTER,
        "solrecd_datagrams_rejected_total",
        "Datagrams rejected: malformed, forged, replayed, of no session, or a"
        " refusal in a login, which nothing authenticates; and those beyond what one"
        " BMC may send at once.",
        cause=(),
    )
    denied: Mapping[str, int] = by_label(
        Type.COUNTER,
        "solrecd_api_denied_total",
        "Requests and connections that the API refused because of a missing role.",
        reason=(),
    )
    metrics_denied: Tally = tally(
        "solrecd_metrics_denied_total",
        "Requests to the metrics listener without a password or with a wrong one.",
    )
    alert_notices: Source = sampled(
        Type.COUNTER,
        "solrecd_alert_notices_total",
        "Notices of alerts, by result; failed counts tries, held_back events.",
        receiver=(),
        result=("delivered", "failed", "dropped", "held_back"),
    )
    alert_queue: Source = sampled(
        Type.GAUGE,
        "solrecd_alert_queue_length",
        "Notices of alerts that wait for their receiver.",
        receiver=(),
    )
    alerts_firing: Source = sampled(
        Type.GAUGE,
        "solrecd_alerts_firing",
        "Alerts that fire at their receiver.",
        receiver=(),
    )
    alert_receiver_up: Source = sampled(
        Type.GAUGE,
        "solrecd_alert_receiver_up",
        "1 when the receiver accepted the last notice; 1 before the first one, too.",
        receiver=(),
    )
    alert_events_dropped: Source = sampled(
        Type.COUNTER,
        "solrecd_alert_events_dropped_total",
        "Events that were not sent to receivers, because too many came at once.",
    )
    loop_lag: Histogram = histogram(
        "solrecd_loop_lag_seconds",
        "How late the event loop woke up for something that was due.",
        LAG_BOUNDS,
    )
    saturated: bool = gauge(
        "solrecd_saturated",
        "1 while the event loop never waits: machines are held up by the recorder.",
    )
    ack_delay: Histogram = histogram(
        "solrecd_ack_delay_seconds",
        "From receiving a datagram with console output to sending its ACK.",
        ACK_BOUNDS,
    )
    offload_queue_bytes: int = gauge(
        "solrecd_offload_queue_bytes",
        "Closed segments that are not in the object store yet.",
    )
    offload_queue_segments: int = gauge(
        "solrecd_offload_queue_segments", "The same, how many."
    )
    offload_last_success: int = stamp(
        "solrecd_offload_last_success_timestamp_seconds",
        "When a segment was copied to the object store last, or none was waiting;"
        " absent where segments are not copied.",
    )
    offload_bytes: Tally = tally(
        "solrecd_offload_copied_bytes_total",
        "Closed segments copied to the object store, each verified.",
    )
    offload_failures: Tally = tally(
        "solrecd_offload_failures_total",
        "Times that the object store did not do what it should.",
    )
    loki_lines: Tally = tally(
        "solrecd_loki_lines_total",
        "Lines of consoles that Loki accepted, or rejected permanently.",
        result=("sent", "refused"),
    )
    otlp_lines: Tally = tally(
        "solrecd_otlp_lines_total",
        "Lines of consoles that OTLP's receiver accepted, or rejected permanently.",
        result=("sent", "refused"),
    )
    shipping_delay: Mapping[str, Histogram] = histogram(
        "solrecd_shipping_delay_seconds",
        "From the beginning of a console's line to the receiver's acceptance.",
        SHIPPING_BOUNDS,
        receiver=("loki", "otlp"),
    )
