"""From the panic of a real machine to a notification, and back.

QEMU is the machine, ipmi_sim its BMC; solrecd, Prometheus with the packaged rules and
Alertmanager with the packaged routes run as they do in the field, with shorter
intervals. How long it takes is printed; only that it happens is asserted.
"""

import re
from collections.abc import Iterator
from contextlib import ExitStack
from dataclasses import dataclass
from datetime import datetime

import pytest

from tests.e2e.lab.machine import Machine, Scenario
from tests.e2e.lab.media import Media
from tests.support import alert_stack
from tests.support.alert_stack import Alertmanager, Notification, Prometheus, Webhook
from tests.support.ipmi_sim import PASSWORD, USERNAME
from tests.support.peers import need
from tests.support.recorder import Recorder, wait_until

CONFIGURATION = f"""
[defaults]
username = "{USERNAME}"
password = "{PASSWORD}"
cipher_suites = [3]
quirks = ["opensesspriv"]
[stages.timeout] # on a busy host it may take any time, and that is another alert
firmware = "off"
bootdev = "off"
loader = "off"
kernel = "off"
initramfs = "off"
init = "off"
[console.node1]
bmc = "{{bmc}}"
[alerts.direct]
type = "alertmanager"
urls = ["http://{{alertmanager}}"]
"""

BOOT = 300.0
"""Seconds for an emulated machine to boot, on processors that others use too."""

PANIC = "Kernel panic - not syncing"

PATHS = {
    "ConsolePanic": "solrecd to Alertmanager",
    "MachineKernelPanic": "by way of Prometheus",
}
"""How a panic is told, by the name of the alert."""

NOTICED = 120.0
"""Seconds until what happened is told; the rules wait for one minute at most."""


@dataclass(frozen=True, slots=True)
class Site:
    """A machine that is off, everything that watches it, and who is told."""

    recorder: Recorder
    machine: Machine
    rules: Prometheus
    webhook: Webhook

    def took(self, line: str, told: Notification) -> str:
        """Return how long after a line's stamp in the log the notification came."""
        stamps = re.findall(rf"(?m)^(\S+) \| .*{line}", self.recorder.log("node1"))
        printed = datetime.fromisoformat(stamps[0]).timestamp()
        return f"{told.at - printed:.2f} s from the line to the notification"


@pytest.fixture
def site(media: Media, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Site]:
    need(alert_stack.MISSING, available=alert_stack.AVAILABLE)
    folder = tmp_path_factory.mktemp("alerts")
    with ExitStack() as stack:
        webhook = stack.enter_context(Webhook())
        alertmanager = stack.enter_context(
            Alertmanager(folder / "alertmanager", webhook.address)
        )
        recorder = stack.enter_context(Recorder(folder / "solrecd"))
        machine = stack.enter_context(Machine(folder / "m", media, Scenario.CRASH))
        recorder.configure(
            CONFIGURATION.format(
                bmc=machine.bmc.address, alertmanager=alertmanager.address
            )
        )
        recorder.start()
        target = f"127.0.0.1:{recorder.metrics_port}"
        rules = stack.enter_context(
            Prometheus(folder / "prometheus", target, alertmanager.address)
        )
        assert recorder.wait_session("node1", "up")["session"] == "up"
        yield Site(recorder, machine, rules, webhook)


def test_a_panic_becomes_a_notification_that_the_next_boot_resolves(
    site: Site, capsys: pytest.CaptureFixture[str]
) -> None:
    wait_until(lambda: site.rules.value("up"), lambda up: up == 1, seconds=NOTICED)

    site.machine.power_on()
    site.machine.wait_output(rb"end Kernel panic", BOOT)
    fired = [site.webhook.wait(name, "firing", NOTICED) for name in PATHS]

    for each in fired:
        assert each.receiver == "pager"
        assert (each.labels["console"], each.labels["name"]) == ("node1", "panic")
        assert each.annotations["summary"].startswith("node1: ")
    assert "sysrq: Trigger a crash" in fired[0].annotations["excerpt"]
    with capsys.disabled():
        for each, path in zip(fired, PATHS.values(), strict=True):
            print(f"\n{path}: {site.took(PANIC, each)}", end=" ")  # noqa: T201

    site.machine.choose(Scenario.LOGIN)
    site.machine.power_cycle()
    resolved = [site.webhook.wait(name, "resolved", BOOT) for name in PATHS]

    assert site.recorder.boots("node1")[-1]["outcome"] == "ok"
    assert [one.labels for one in resolved] == [one.labels for one in fired]
    assert {one.name for one in site.webhook.taken} == {*PATHS}
