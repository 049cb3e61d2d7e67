"""What happens between the daemon and a third-party BMC.

The tests share one daemon and run in order; meanwhile one console prints for more than
a minute, twice as long as ipmi_sim keeps a session that gets no command.
"""

import shlex
import subprocess
import threading
import time
from collections.abc import Iterator
from contextlib import ExitStack
from dataclasses import dataclass

import pytest

from tests.support.ipmi_sim import PASSWORD, USERNAME, IpmiSim
from tests.support.recorder import Recorder, wait_until
from tests.support.wire import Wire

FLOW_SECONDS = 65
"""ipmi_sim ends a session 30 s after its last command, whatever SOL does meanwhile."""

DEFAULTS = f"""
[defaults]
username = "{USERNAME}"
password = "{PASSWORD}"
cipher_suites = [3]
quirks = ["opensesspriv"]
keepalive = 2
"""
SETTINGS = {
    # The default interval: that is the one which has to be short enough.
    "steady": "keepalive = 20",
    "contested": 'on_conflict = "yield"\nyield_for = 3',
    "fragile": "",
    "locked": 'password = "wrong"',
    "reloaded": "",
}


@dataclass(frozen=True, slots=True)
class Bench:
    """One daemon, and a BMC per console with the serial line behind it."""

    recorder: Recorder
    bmcs: dict[str, IpmiSim]
    flow: "Flow"

    @property
    def active(self) -> set[str]:
        """The consoles whose BMC says that its SOL payload is owned."""
        return {name for name, bmc in self.bmcs.items() if bmc.is_sol_active()}

    def configure(self, *consoles: str) -> None:
        """Make these consoles the configured ones."""
        tables = (
            f'[console.{name}]\nbmc = "{self.bmcs[name].address}"\n{SETTINGS[name]}\n'
            for name in consoles
        )
        self.recorder.configure(DEFAULTS + "".join(tables))


class Flow:
    """A machine that prints numbered lines, ten at a time, twenty times a second."""

    def __init__(self, wire: Wire) -> None:
        """Prepare; `start` prints the first line."""
        self.started = 0.0
        self._wire = wire
        self._ended = threading.Event()
        self._thread = threading.Thread(target=self._print)

    def start(self) -> None:
        """Print from now on."""
        self.started = time.monotonic()
        self._thread.start()

    def stop(self) -> None:
        """Print no more."""
        self._ended.set()
        if self._thread.ident is not None:
            self._thread.join()

    def _print(self) -> None:
        number = 0
        while not self._ended.wait(0.05):
            lines = (b"line %08d of many\r\n" % n for n in range(number, number + 10))
            self._wire.emit(b"".join(lines))
            number += 10


@pytest.fixture(scope="module")
def bench(
    bmc_software: None, tmp_path_factory: pytest.TempPathFactory
) -> Iterator[Bench]:
    """The daemon runs, the steady console prints."""
    folder = tmp_path_factory.mktemp("bench")
    with ExitStack() as stack:
        bmcs = {name: stack.enter_context(IpmiSim(folder / name)) for name in SETTINGS}
        flow = Flow(bmcs["steady"].wire)
        stack.callback(flow.stop)
        recorder = stack.enter_context(Recorder(folder / "solrecd"))
        bench = Bench(recorder, bmcs, flow)
        bench.configure("steady", "contested", "fragile", "locked")
        recorder.start()
        for name in ("steady", "contested", "fragile"):
            assert recorder.wait_session(name, "up")["session"] == "up"
        flow.start()
        yield bench


def test_a_wrong_password_is_named_with_the_next_try(bench: Bench) -> None:
    row = bench.recorder.wait_session("locked", "down")

    assert row["session"] == "down"
    assert "password" in row["error"]
    assert row["next_try"] is not None
    assert bench.recorder.metric("solrecd_sol_session_up", "locked") == 0
    assert "Traceback" not in bench.recorder.messages


def test_someone_else_may_take_the_console_and_it_comes_back(bench: Bench) -> None:
    bmc, recorder = bench.bmcs["contested"], bench.recorder
    ipmitool = shlex.join(bmc.ipmitool_command())
    # Again and again: between the two the daemon may take the free console itself.
    take = f"{ipmitool} sol deactivate && {ipmitool} sol activate"
    intruder = subprocess.Popen(
        ["script", "-qec", f"until {take}; do sleep 0.1; done"],
        stdin=subprocess.PIPE,
        stdout=subprocess.DEVNULL,
        cwd=recorder.directory,
    )
    try:
        taken = recorder.wait_session("contested", "yielded", "foreign")["session"]
    finally:
        intruder.communicate(b"\r~.", timeout=10)

    assert taken in {"yielded", "foreign"}
    assert recorder.wait_session("contested", "up")["session"] == "up"
    stolen = recorder.metric("solrecd_sol_session_stolen_total", "contested")
    assert stolen
    bench.bmcs["contested"].wire.emit(b"ours again\r\n")
    _wait_line(recorder, "contested", "ours again")


def test_a_bmc_that_died_is_recorded_again_and_the_gap_is_marked(bench: Bench) -> None:
    bmc, recorder = bench.bmcs["fragile"], bench.recorder
    wire = bmc.wire
    wire.emit(b"before\r\n")
    _wait_line(recorder, "fragile", "before")

    bmc.kill()
    down = recorder.wait_session("fragile", "down", "connecting")
    bmc.start()
    wire.wait_bmc()
    up = recorder.wait_session("fragile", "up")

    assert down["error"]
    assert up["session"] == "up"
    wire.emit(b"after\r\n")
    _wait_line(recorder, "fragile", "after")
    assert "# gap: " in recorder.log("fragile")
    lost = recorder.metric(
        "solrecd_sol_session_lost_total", "fragile", reason="bmc_timeout"
    )
    assert lost == 1


def test_a_reload_adds_a_console_and_keeps_the_other_sessions(bench: Bench) -> None:
    recorder = bench.recorder
    before = recorder.session("steady")["since"]

    bench.configure("steady", "contested", "fragile", "locked", "reloaded")
    recorder.reload()

    assert recorder.wait_session("reloaded", "up")["session"] == "up"
    assert recorder.session("steady")["since"] == before


def test_a_bad_configuration_changes_nothing(bench: Bench) -> None:
    recorder = bench.recorder
    good = recorder.configuration.read_text()
    before = recorder.session("steady")["since"]

    recorder.configuration.write_text(good + "[console.steady]\nbmc = 1\n")
    recorder.reload()
    recorder.configuration.write_text(good)

    assert recorder.session("steady")["since"] == before
    assert str(recorder.configuration) in recorder.messages


def test_a_minute_of_flow_is_recorded_byte_for_byte_in_one_session(
    bench: Bench,
) -> None:
    recorder, wire = bench.recorder, bench.bmcs["steady"].wire
    before = recorder.session("steady")["since"]

    time.sleep(max(0, bench.flow.started + FLOW_SECONDS - time.monotonic()))
    bench.flow.stop()

    recorder.wait_raw("steady", lambda: wire.sent)
    assert recorder.session("steady")["since"] == before
    assert "# gap" not in recorder.log("steady")


def test_sigterm_ends_with_0_and_hands_every_console_back(bench: Bench) -> None:
    consoles = {"steady", "contested", "fragile", "reloaded"}
    assert bench.active == consoles

    status = bench.recorder.stop()

    assert status == 0
    assert bench.active == set()


def test_a_new_start_continues_the_archive(bench: Bench) -> None:
    recorder, wire = bench.recorder, bench.bmcs["steady"].wire
    recorder.start()
    assert recorder.wait_session("steady", "up")["session"] == "up"

    wire.emit(b"a new start\r\n")

    recorder.wait_raw("steady", lambda: wire.sent)
    assert [boot["boot"] for boot in recorder.boots("steady")] == [1]


def _wait_line(recorder: Recorder, console: str, line: str) -> None:
    log = wait_until(lambda: recorder.log(console), lambda log: line in log, seconds=60)
    assert line in log
