"""``solrecd check --send-test-alert``: do the receivers of alerts hear us?"""

from __future__ import annotations

import socket
import sys
import time
from collections.abc import Mapping, Sequence
from dataclasses import replace
from functools import partial
from pathlib import Path

import trio

from solrecd.alerts.senders import AlertSink, Receipt, Tools
from solrecd.config import Config, ReceiverConfig
from solrecd.config.values import suggestion

FAILED = 1
"""Exit status when a receiver did not take the test, or there is none."""

USAGE = 2
"""Exit status for a receiver that is not configured."""


def send(config: Config, name: str) -> int:
    """Tell a receiver, or all, that this is a test; print what became of it.

    Args:
        config: with the receivers.
        name: of one; empty: all.
    """
    if name and name not in config.alerts:
        hint = suggestion(name, config.alerts)
        print(f"there is no receiver {name!r}; {hint}", file=sys.stderr)
        return USAGE
    if not config.alerts:
        print("no receiver configured: there is no [alerts.NAME]", file=sys.stderr)
        return FAILED
    chosen = {key: one for key, one in config.alerts.items() if name in ("", key)}
    receipts = [*_without_credentials(chosen), *_send(config, chosen)]
    for one in receipts:
        told = "ok" if one.ok else "FAILED"
        print(f"{one.receiver}\t{one.target}\t{told}\t{one.answer}")
    return 0 if all(one.ok for one in receipts) else FAILED


def _without_credentials(chosen: dict[str, ReceiverConfig]) -> list[Receipt]:
    """Remove the receivers whose secrets systemd gives to the service alone."""
    why = "needs a credential that only the service has"
    lacking = [key for key, one in chosen.items() if one.lacks_credential]
    for key in lacking:
        del chosen[key]
    return [Receipt(key, "", ok=False, answer=why) for key in lacking]


def _send(config: Config, chosen: Mapping[str, ReceiverConfig]) -> Sequence[Receipt]:
    folder = Path(config.daemon.state_dir, "alerts")
    tools = Tools(lambda: time.time_ns() // 1000, socket.gethostname(), folder)
    sink = AlertSink(Path(config.daemon.log_dir), tools)
    sink.configure(replace(config, alerts=chosen))
    return trio.run(partial(sink.test, None))
