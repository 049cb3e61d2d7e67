"""The metrics: what a scrape has, as Prometheus's own parser reads it."""

from collections.abc import Iterable
from dataclasses import replace
from typing import NamedTuple

import pytest
from prometheus_client import Metric
from prometheus_client.parser import text_string_to_metric_families

from solrecd.events.boots import Boot, Outcome
from solrecd.events.event import Event, Kind, Severity
from solrecd.events.gaps import GapReason
from solrecd.events.reading import Reading
from solrecd.events.sessions import LostReason, SessionState
from solrecd.events.stages import Stage
from solrecd.metrics import Metrics, declared, sample_alerts

NOON = 1_795_348_800_000_000
"""A stamp: 2026-11-22T12:00:00Z."""

CONTRACT = {
    "solrecd_ack_delay_seconds": "histogram",
    "solrecd_archive_evicted_segments_total": "counter",
    "solrecd_archive_failing_consoles": "gauge",
    "solrecd_bmc_reachable": "gauge",
    "solrecd_power_on": "gauge",
    "solrecd_boot_failed": "gauge",
    "solrecd_boot_stage_duration_seconds": "histogram",
    "solrecd_boot_stage_entered_timestamp_seconds": "gauge",
    "solrecd_boot_stage_timeout_seconds": "gauge",
    "solrecd_boot_stuck": "gauge",
    "solrecd_console_input_stuck": "gauge",
    "solrecd_console_left_logged_in": "gauge",
    "solrecd_boots_total": "counter",
    "solrecd_api_denied_total": "counter",
    "solrecd_alert_notices_total": "counter",
    "solrecd_alert_queue_length": "gauge",
    "solrecd_alerts_firing": "gauge",
    "solrecd_alert_receiver_up": "gauge",
    "solrecd_alert_events_dropped_total": "counter",
    "solrecd_build_info": "gauge",
    "solrecd_config_last_reload_success_timestamp_seconds": "gauge",
    "solrecd_config_last_reload_successful": "gauge",
    "solrecd_console_crashes_total": "counter",
    "solrecd_console_datagrams_received_total": "counter",
    "solrecd_console_datagrams_rejected_total": "counter",
    "solrecd_console_repeats_total": "counter",
    "solrecd_console_send_errors_total": "counter",
    "solrecd_console_gaps_total": "counter",
    "solrecd_console_info": "gauge",
    "solrecd_console_last_output_timestamp_seconds": "gauge",
    "solrecd_console_oldest_timestamp_seconds": "gauge",
    "solrecd_console_recorded_ratio": "gauge",
    "solrecd_console_lost_bytes_total": "counter",
    "solrecd_console_received_bytes_total": "counter",
    "solrecd_consoles": "gauge",
    "solrecd_crash_signatures_spread_total": "counter",
    "solrecd_datagrams_rejected_total": "counter",
    "solrecd_failures_total": "counter",
    "solrecd_index_failing": "gauge",
    "solrecd_journal_size_bytes": "gauge",
    "solrecd_journal_used_bytes": "gauge",
    "solrecd_log_filesystem_avail_bytes": "gauge",
    "solrecd_log_filesystem_size_bytes": "gauge",
    "solrecd_loki_lines_total": "counter",
    "solrecd_otlp_lines_total": "counter",
    "solrecd_shipping_delay_seconds": "histogram",
    "solrecd_offload_copied_bytes_total": "counter",
    "solrecd_offload_failures_total": "counter",
    "solrecd_offload_last_success_timestamp_seconds": "gauge",
    "solrecd_offload_queue_bytes": "gauge",
    "solrecd_offload_queue_segments": "gauge",
    "solrecd_loop_lag_seconds": "histogram",
    "solrecd_metrics_denied_total": "counter",
    "solrecd_saturated": "gauge",
    "solrecd_service_restarts_total": "counter",
    "solrecd_sol_session_lost_total": "counter",
    "solrecd_sol_session_state_entered_timestamp_seconds": "gauge",
    "solrecd_sol_session_stolen_total": "counter",
    "solrecd_sol_session_up": "gauge",
}


@pytest.fixture
def metrics() -> Metrics:
    return Metrics(["panic", "oops", "100%"], version="1.2.3")


def scrape(metrics: Metrics) -> dict[str, Metric]:
    """Return the families of a scrape by name."""
    text = metrics.render().decode()
    return {family.name: family for family in text_string_to_metric_families(text)}


def values(metrics: Metrics, family: str) -> dict[tuple[str, ...], float]:
    """Return the values of a family's series by their label values."""
    samples = scrape(metrics)[family].samples
    return {tuple(sample.labels.values()): sample.value for sample in samples}


def event(kind: Kind, name: str, at: int = NOON) -> Event:
    return Event(at, "n1", kind, name, Severity.INFO, "title")


def boot(number: int, outcome: Outcome, stages: Iterable[tuple[str, float]]) -> Boot:
    ended = None if outcome is Outcome.RUNNING else NOON
    return Boot("n1", number, 0, ended=ended, outcome=outcome, stages=dict(stages))


def test_names_and_types_are_those_people_alert_on() -> None:
    assert {one.name: one.type.value for one in declared()} == CONTRACT


def test_a_scrape_has_every_family_once_and_those_of_the_process(
    metrics: Metrics,
) -> None:
    metrics.console("n1")

    text = metrics.render().decode()

    for family in declared():
        assert text.count(f"# TYPE {family.name} {family.type}\n") == 1
    assert "process_open_fds" in text


def test_families_are_not_torn_apart(metrics: Metrics) -> None:
    for number in range(200):
        metrics.console(f"n{number}")

    lines = metrics.render().decode().splitlines()

    seen: list[str] = []
    for line in lines:
        if line.startswith("solrecd_console_gaps_total"):
            seen.append("gaps")
        elif seen and seen[-1] == "gaps":
            seen.append("other")
    assert seen == ["gaps"] * (200 * len(GapReason)) + ["other"]


def test_counters_exist_at_0_from_the_first_scrape(metrics: Metrics) -> None:
    metrics.console("n1")

    assert values(metrics, "solrecd_sol_session_lost") == {
        ("n1", reason.value): 0 for reason in LostReason
    }
    assert values(metrics, "solrecd_console_gaps") == {
        ("n1", reason.value): 0 for reason in GapReason
    }
    assert values(metrics, "solrecd_failures") == {
        ("n1", "panic"): 0,
        ("n1", "oops"): 0,
        ("n1", "100%"): 0,
    }
    assert set(values(metrics, "solrecd_boots").values()) == {0}
    assert values(metrics, "solrecd_sol_session_stolen") == {("n1",): 0}


def test_gauges_without_a_value_have_no_series(metrics: Metrics) -> None:
    metrics.console("n1")

    for family in (
        "solrecd_console_last_output_timestamp_seconds",
        "solrecd_boot_stage_entered_timestamp_seconds",
        "solrecd_log_filesystem_avail_bytes",
        "solrecd_journal_used_bytes",
    ):
        assert values(metrics, family) == {}


def test_what_the_hot_path_adds_is_scraped(metrics: Metrics) -> None:
    console = metrics.console("n1")

    console.received_bytes += 300
    console.last_output = NOON + 250_001
    console.session_up = 1
    console.bmc_reachable = 1

    assert values(metrics, "solrecd_console_received_bytes") == {("n1",): 300}
    last = values(metrics, "solrecd_console_last_output_timestamp_seconds")
    assert last == {("n1",): 1_795_348_800.250001}
    assert values(metrics, "solrecd_sol_session_up") == {("n1",): 1}
    assert values(metrics, "solrecd_bmc_reachable") == {("n1",): 1}


def test_losses_are_counted_by_reason(metrics: Metrics) -> None:
    console = metrics.console("n1")

    console.session_lost(LostReason.STOLEN)
    console.session_lost(LostReason.BMC_TIMEOUT)
    console.gap(GapReason.SKIPPED, 16384)
    console.gap(GapReason.SKIPPED)

    lost = values(metrics, "solrecd_sol_session_lost")
    assert lost["n1", "stolen"] == lost["n1", "bmc_timeout"] == 1
    assert sum(lost.values()) == 2
    assert values(metrics, "solrecd_sol_session_stolen") == {("n1",): 1}
    assert values(metrics, "solrecd_console_gaps")["n1", "skipped"] == 2
    assert values(metrics, "solrecd_console_lost_bytes")["n1", "skipped"] == 16384


def test_only_the_sessions_state_of_now_has_a_series_and_says_why(
    metrics: Metrics,
) -> None:
    console = metrics.console("n1")

    console.session_entered(SessionState.DOWN, NOON, LostReason.BAD_PASSWORD)
    console.session_entered(SessionState.FOREIGN, NOON, LostReason.STOLEN)

    entered = "solrecd_sol_session_state_entered_timestamp_seconds"
    assert values(metrics, entered) == {("n1", "foreign", "stolen"): NOON / 1e6}

    console.session_entered(SessionState.UP, NOON + 1_000_000, None)

    assert values(metrics, entered) == {("n1", "up", ""): NOON / 1e6 + 1}


def test_only_the_current_stage_has_a_series(metrics: Metrics) -> None:
    console = metrics.console("n1")

    console.saw(event(Kind.STAGE, "kernel"))

    entered = "solrecd_boot_stage_entered_timestamp_seconds"
    assert values(metrics, entered) == {("n1", "kernel"): NOON / 1e6}

    console.saw(event(Kind.STAGE, "init", NOON + 5_000_000))

    assert values(metrics, entered) == {("n1", "init"): NOON / 1e6 + 5}


def test_a_machine_that_is_off_is_in_no_stage_of_its_boot(metrics: Metrics) -> None:
    console = metrics.console("n1")
    console.saw(event(Kind.STAGE, "login"))

    console.saw(event(Kind.POWER, "off", NOON + 5_000_000))

    entered = "solrecd_boot_stage_entered_timestamp_seconds"
    assert values(metrics, entered) == {("n1", "off"): NOON / 1e6 + 5}


@pytest.mark.parametrize(
    ("outcome", "gauge"),
    [
        (Outcome.STUCK, "solrecd_boot_stuck"),
        (Outcome.FAILED, "solrecd_boot_failed"),
    ],
)
def test_a_boot_is_stuck_or_failed_until_it_moves_on_or_ends(
    metrics: Metrics, outcome: Outcome, gauge: str
) -> None:
    console = metrics.console("n1")
    hangs = replace(boot(7, outcome, []), ended=None)
    told = []

    for each in (boot(7, Outcome.RUNNING, []), hangs, boot(7, Outcome.RUNNING, [])):
        console.read(Reading(boots=[each]))
        told.append(values(metrics, gauge)["n1",])
    for each in (hangs, boot(7, outcome, [])):
        console.read(Reading(boots=[each]))
        told.append(values(metrics, gauge)["n1",])

    assert told == [0, 1, 0, 1, 0]


def test_gap_and_session_events_are_not_counted_twice(metrics: Metrics) -> None:
    console = metrics.console("n1")

    console.saw(event(Kind.GAP, "session"))
    console.saw(event(Kind.SESSION, "down"))

    assert set(values(metrics, "solrecd_console_gaps").values()) == {0}
    assert set(values(metrics, "solrecd_sol_session_lost").values()) == {0}


def test_failures_are_counted_and_unheard_of_ones_make_no_series(
    metrics: Metrics,
) -> None:
    console = metrics.console("n1")
    failures = [event(Kind.FAILURE, name) for name in ("100%", "100%", "new")]

    console.read(Reading(events=failures))

    found = values(metrics, "solrecd_failures")
    assert found == {("n1", "panic"): 0, ("n1", "oops"): 0, ("n1", "100%"): 2}


def test_a_boot_counts_once_when_it_has_ended(metrics: Metrics) -> None:
    console = metrics.console("n1")

    console.read(Reading(boots=[boot(7, Outcome.RUNNING, [])]))
    console.read(Reading(boots=[boot(7, Outcome.OK, []), boot(8, Outcome.RUNNING, [])]))
    console.read(Reading(boots=[boot(7, Outcome.OK, [])]))
    console.read(Reading(boots=[boot(8, Outcome.FAILED, [])]))

    found = values(metrics, "solrecd_boots")
    assert found["n1", "ok"] == found["n1", "failed"] == 1
    assert sum(found.values()) == 2


def test_stages_that_were_left_have_a_duration(metrics: Metrics) -> None:
    stages = [("firmware", 0.0), ("kernel", 40.0), ("init", 52.5)]

    metrics.console("n1").read(Reading(boots=[boot(1, Outcome.FAILED, stages)]))

    family = scrape(metrics)["solrecd_boot_stage_duration_seconds"]
    sums = {
        sample.labels["stage"]: sample.value
        for sample in family.samples
        if sample.name.endswith("_sum")
    }
    assert (sums["firmware"], sums["kernel"], sums["init"]) == (40, 12.5, 0)
    assert "login" not in sums


def test_histograms_count_what_is_at_or_below_a_bound(metrics: Metrics) -> None:
    for delay in (0.0001, 0.0002, 99.0):
        metrics.ack_delay.observe(delay)
    metrics.ack_delay.observe(0.4, times=2)

    samples = scrape(metrics)["solrecd_ack_delay_seconds"].samples
    buckets = {s.labels.get("le", s.name.rpartition("_")[2]): s.value for s in samples}
    assert (buckets["0.0001"], buckets["0.00025"], buckets["0.25"]) == (1, 2, 2)
    assert (buckets["0.5"], buckets["+Inf"], buckets["count"]) == (4, 5, 5)
    assert buckets["sum"] == pytest.approx(99.8003)


def test_the_configurations_labels_are_in_the_info_family_alone(
    metrics: Metrics,
) -> None:
    metrics.console("n1", {"rack": "r1"}).received_bytes = 5
    metrics.console("n2", {"rack": 'r"2\\', "row": "line\nbreak"})

    infos = [
        sample.labels for sample in scrape(metrics)["solrecd_console_info"].samples
    ]
    assert infos == [
        {"console": "n1", "rack": "r1"},
        {"console": "n2", "rack": 'r"2\\', "row": "line\nbreak"},
    ]
    assert ("n1",) in values(metrics, "solrecd_console_received_bytes")


def test_new_labels_keep_the_numbers(metrics: Metrics) -> None:
    metrics.console("n1", {"rack": "r1"}).received_bytes = 5

    metrics.console("n1", {"rack": "r2"})

    assert metrics.console("n1").received_bytes == 5
    assert values(metrics, "solrecd_console_info") == {("n1", "r2"): 1}


def test_a_removed_console_loses_all_its_series(metrics: Metrics) -> None:
    metrics.console("gone").gap(GapReason.SESSION)
    metrics.console("n1")

    metrics.remove("gone")
    metrics.remove("never there")

    assert b'"gone"' not in metrics.render()
    assert values(metrics, "solrecd_consoles") == {(): 1}


def test_the_daemons_own_numbers(metrics: Metrics) -> None:
    metrics.filesystem(avail=10, size=100)
    metrics.journal(used=1, size=64)
    metrics.stage_timeouts = {Stage.KERNEL: 180.0}
    metrics.rejected = {"forged": 3}
    metrics.denied = {"role": 2}
    metrics.reloaded(NOON, successful=True)
    metrics.reloaded(NOON + 1, successful=False)

    assert values(metrics, "solrecd_log_filesystem_avail_bytes") == {(): 10}
    assert values(metrics, "solrecd_log_filesystem_size_bytes") == {(): 100}
    assert values(metrics, "solrecd_journal_used_bytes") == {(): 1}
    assert values(metrics, "solrecd_journal_size_bytes") == {(): 64}
    timeouts = values(metrics, "solrecd_boot_stage_timeout_seconds")
    assert timeouts == {("kernel",): 180}
    assert values(metrics, "solrecd_datagrams_rejected") == {("forged",): 3}
    assert values(metrics, "solrecd_api_denied") == {("role",): 2}
    assert values(metrics, "solrecd_build_info") == {("1.2.3",): 1}
    assert values(metrics, "solrecd_config_last_reload_successful") == {(): 0}
    reloaded = "solrecd_config_last_reload_success_timestamp_seconds"
    assert values(metrics, reloaded) == {(): NOON / 1e6}


def test_a_console_removed_during_a_scrape_harms_nothing(metrics: Metrics) -> None:
    for number in range(200):
        metrics.console(f"n{number}")
    pieces = metrics.chunks()

    begun = [next(pieces) for _ in range(5)]
    metrics.remove("n199")
    metrics.console("new")
    text = b"".join([*begun, *pieces]).decode()

    assert list(text_string_to_metric_families(text))


def test_a_tally_is_there_from_the_start_and_counts(metrics: Metrics) -> None:
    metrics.loki_lines.add("sent")
    metrics.loki_lines.add("sent", count=2)

    found = values(metrics, "solrecd_loki_lines")
    assert found == {("sent",): 3, ("refused",): 0}


def test_a_tally_with_other_labels_than_its_familys_is_a_mistake(
    metrics: Metrics,
) -> None:
    with pytest.raises(ValueError, match="solrecd_loki_lines_total"):
        metrics.loki_lines.add("sent", "n1")


def test_a_gauge_is_asked_in_each_scrape(metrics: Metrics) -> None:
    level = 1
    metrics.alert_events_dropped = lambda: {(): level}

    assert values(metrics, "solrecd_alert_events_dropped") == {(): 1}
    level = 2
    assert values(metrics, "solrecd_alert_events_dropped") == {(): 2}


def test_troubles_of_the_archive_count_consoles_that_are_there(
    metrics: Metrics,
) -> None:
    metrics.console("n1")
    metrics.archive_failing |= {"n1", "gone", ""}
    metrics.index_failing = True

    assert values(metrics, "solrecd_archive_failing_consoles") == {(): 1}
    assert values(metrics, "solrecd_index_failing") == {(): 1}


def test_a_crash_on_a_second_machine_is_counted_by_what_failed(
    metrics: Metrics,
) -> None:
    for name in ("n1", "n2"):
        crash = Event(
            NOON, name, Kind.FAILURE, "panic", Severity.FATAL, "x", signature="51a"
        )
        metrics.console(name).saw(crash)

    found = values(metrics, "solrecd_crash_signatures_spread")
    assert found == {("panic",): 1, ("oops",): 0, ("100%",): 0}


def test_every_declared_family_has_what_a_reference_needs() -> None:
    units = {one.name: one.unit for one in declared()}

    assert units["solrecd_console_received_bytes_total"] == "bytes"
    assert units["solrecd_ack_delay_seconds"] == "seconds"
    assert units["solrecd_consoles"] == ""
    assert all(one.help.endswith(".") for one in declared())
    assert len(units) == len(declared())


def test_a_family_without_keys_has_no_series() -> None:
    metrics = Metrics([], version="1")
    metrics.console("n1")

    assert values(metrics, "solrecd_failures") == {}


def test_a_batch_whose_values_differ_is_written_one_by_one(metrics: Metrics) -> None:
    metrics.console("n1").session_up = 1
    metrics.console("n2")
    metrics.console("n3").power_on = True

    assert values(metrics, "solrecd_sol_session_up") == {
        ("n1",): 1,
        ("n2",): 0,
        ("n3",): 0,
    }
    assert values(metrics, "solrecd_power_on") == {("n3",): 1}


class Receiver(NamedTuple):
    """The numbers of a receiver of alerts."""

    delivered: int = 5
    failed: int = 4
    dropped: int = 3
    held_back: int = 2
    waiting: int = 1
    firing: int = 6
    works: bool = False


def test_receivers_of_alerts_are_told_apart() -> None:
    metrics = Metrics((), version="0")
    sample_alerts(metrics, lambda: {"pager": Receiver()}, lambda: 7)

    text = metrics.render().decode()

    for line in (
        'solrecd_alert_notices_total{receiver="pager",result="delivered"} 5',
        'solrecd_alert_notices_total{receiver="pager",result="failed"} 4',
        'solrecd_alert_notices_total{receiver="pager",result="dropped"} 3',
        'solrecd_alert_notices_total{receiver="pager",result="held_back"} 2',
        'solrecd_alert_queue_length{receiver="pager"} 1',
        'solrecd_alerts_firing{receiver="pager"} 6',
        'solrecd_alert_receiver_up{receiver="pager"} 0',
        "solrecd_alert_events_dropped_total 7",
    ):
        assert f"{line}\n" in text
