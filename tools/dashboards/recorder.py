"""Whether the recorder itself keeps up: loop, journal, disk, sessions."""

from __future__ import annotations

from grafana_foundation_sdk.builders import dashboard as build

from tools.dashboards.panels import (
    GREEN,
    ORANGE,
    RED,
    YELLOW,
    AnyPanel,
    Query,
    Size,
    graph,
    heat,
    number,
    word,
)
from tools.dashboards.queries import increase, of

_MOST = 0.99
_ALARM = ((None, GREEN), (1, RED))


def fill(board: build.Dashboard) -> build.Dashboard:
    """Add the panels."""
    for panel in (*_numbers(), *_curves(), *_heats()):
        board = board.with_panel(panel)
    return board


def _numbers() -> list[AnyPanel]:
    size = Size(4, 4)
    used = f"{of('solrecd_journal_used_bytes')} / {of('solrecd_journal_size_bytes')}"
    avail, whole = (
        of(f"solrecd_log_filesystem_{it}_bytes") for it in ("avail", "size")
    )
    started = of("process_start_time_seconds")
    return [
        word(
            "Version",
            Query(
                f"time() - ({started}) * on (instance) group_left (version) "
                f"{of('solrecd_build_info')}",
                "{{version}} on {{instance}}",
            ),
            size=size,
            unit="s",
            about="And for how long it has been running.",
        ),
        number(
            "Journal used",
            f"max({used})",
            size=size,
            unit="percentunit",
            steps=((None, GREEN), (0.5, YELLOW), (0.75, RED)),
            about="What is received and not yet in the archive.",
        ),
        number(
            "Disk left",
            f"min({avail} / {whole})",
            size=size,
            unit="percentunit",
            steps=((None, RED), (0.05, ORANGE), (0.15, GREEN)),
        ),
        number(
            "Archives failing",
            f"sum({of('solrecd_archive_failing_consoles')})",
            size=size,
            steps=_ALARM,
        ),
        number(
            "Index failing",
            f"max({of('solrecd_index_failing')})",
            size=size,
            steps=_ALARM,
        ),
        number(
            "Configuration in use",
            f"min({of('solrecd_config_last_reload_successful')})",
            size=size,
            unit="bool",
            steps=((None, RED), (1, GREEN)),
            about="No: the one on the disk is wrong, and an earlier one is in use.",
        ),
    ]


def _curves() -> list[AnyPanel]:
    size, third = Size(12, 8), Size(8, 8)
    up = of("solrecd_sol_session_up")
    rejected = increase(of("solrecd_datagrams_rejected_total"), "$__rate_interval")
    repeats = increase(of("solrecd_console_repeats_total"), "$__rate_interval")
    unsent = increase(of("solrecd_console_send_errors_total"), "$__rate_interval")
    return [
        graph(
            "Sessions",
            Query(f"sum({up})", "up"),
            Query(f"sum({of('solrecd_consoles')})", "consoles"),
            size=size,
        ),
        graph(
            "Received",
            Query(_rate("solrecd_console_received_bytes_total"), "bytes"),
            size=size,
            unit="Bps",
        ),
        graph(
            "From datagram to ACK",
            Query(_quantile("solrecd_ack_delay_seconds"), "99 of 100 within"),
            size=size,
            unit="s",
            limit=0.1,
            about="BMCs send again after 100 ms to 1 s.",
        ),
        graph(
            "Processor",
            Query(
                f"rate({of('process_cpu_seconds_total')}[$__rate_interval])",
                "{{instance}}",
            ),
            size=size,
            unit="percentunit",
        ),
        graph(
            "Memory",
            Query(of("process_resident_memory_bytes"), "{{instance}}"),
            size=third,
            unit="bytes",
        ),
        graph(
            "Datagrams rejected",
            Query(f"sum by (cause) ({rejected})", "{{cause}}"),
            size=third,
            stacked=True,
            about="Malformed, forged, replayed, or of no session.",
        ),
        graph(
            "Packets sent twice",
            Query(f"sum by (what) ({repeats})", "{{what}}"),
            Query(f"sum({unsent})", "could not be sent"),
            size=third,
            stacked=True,
            about="By either end. A management network that loses packets shows here.",
        ),
    ]


def _heats() -> list[AnyPanel]:
    lag = increase(of("solrecd_loop_lag_seconds_bucket"), "$__rate_interval")
    return [
        heat(
            "How late the loop was",
            f"sum by (le) ({lag})",
            size=Size(24, 8),
            about="More than a second endangers sessions.",
        )
    ]


def _rate(family: str) -> str:
    return f"sum(rate({of(family)}[$__rate_interval]))"


def _quantile(family: str) -> str:
    counted = f"rate({of(f'{family}_bucket')}[$__rate_interval])"
    return f"histogram_quantile({_MOST}, sum by (le) ({counted}))"
