"""The unit under a real systemd: start, sandbox, reload, watchdog, stop."""

from collections.abc import Iterator

import pytest

from tests.systemd import handbook
from tests.systemd.bmcs import PASSWORD, Bmcs, record
from tests.systemd.nspawn import CommandError, Machine
from tests.systemd.service import Service, wait_until


@pytest.fixture
def bmcs(machine: Machine) -> Iterator[Bmcs]:
    """Return two BMCs whose hosts print a little."""
    with Bmcs(machine, 2, rate=20) as fleet:
        yield fleet


def test_the_readmes_last_steps_start_it_and_show_the_consoles(
    service: Service, bmcs: Bmcs
) -> None:
    service.configure(bmcs.configuration())

    printed = service.machine.run(handbook.first_start())
    wait_until(bmcs.all_have_owners, lambda: service.messages)
    wait_until(
        lambda: service.machine.run("solrecctl ls").count("\tup\t") == 2,
        lambda: service.machine.run("solrecctl ls"),
    )

    assert "/etc/solrecd/solrecd.toml: ok, 2 consoles" in printed
    assert "Active: active (running)" in printed
    assert "n0001" in printed
    assert service.show("UnitFileState") == "enabled"


def test_systemctl_status_shows_how_many_sessions_are_up(
    service: Service, bmcs: Bmcs
) -> None:
    record(service, bmcs)

    wait_until(lambda: service.show("StatusText") == "2 of 2 sessions up")

    assert 'Status: "2 of 2 sessions up"' in service.systemctl("status")


def test_nothing_goes_wrong_while_it_records_in_the_sandbox(
    service: Service, bmcs: Bmcs
) -> None:
    record(service, bmcs)

    wait_until(lambda: len(service.raw("n0000")) > 2000, lambda: service.messages)

    messages = service.messages
    assert "failing" not in messages
    assert "warning" not in messages
    assert "Traceback" not in messages
    mode = service.folder("n0000").stat().st_mode & 0o7777
    assert f"{mode:o}" == "2750"


def test_the_password_is_nowhere_but_in_the_credential(
    service: Service, bmcs: Bmcs
) -> None:
    record(service, bmcs)

    places = f"/proc/{service.pid}/cmdline /proc/{service.pid}/environ /etc/solrecd"
    found = service.machine.run(f"grep -rl {PASSWORD} {places} || :")
    folder = service.machine.run("stat -c '%a %U' /run/credentials/solrecd.service/bmc")

    assert found == ""
    assert PASSWORD not in service.messages
    assert folder == "400 solrecd\n"


def test_a_reload_adds_a_console_and_leaves_the_sessions_of_others_alone(
    service: Service, bmcs: Bmcs
) -> None:
    one, two = bmcs.names
    service.configure(bmcs.configuration(names=[one]))
    service.systemctl("start")
    wait_until(lambda: bmcs.owners[one] is not None, lambda: service.messages)
    owner = bmcs.owners[one]

    service.configure(bmcs.configuration())
    service.systemctl("reload")
    wait_until(lambda: bmcs.owners[two] is not None, lambda: service.messages)

    assert bmcs.owners[one] == owner
    assert service.show("ActiveState") == "active"


def test_a_bad_file_changes_nothing_and_the_journal_says_why(
    service: Service, bmcs: Bmcs
) -> None:
    record(service, bmcs)
    owners = bmcs.owners
    pid = service.pid

    service.configure(bmcs.configuration() + "colour = 7\n")
    with pytest.raises(CommandError, match="reload"):
        service.systemctl("reload")
    wait_until(lambda: "colour" in service.messages)

    assert (service.pid, bmcs.owners) == (pid, owners)
    wait_until(lambda: service.show("StatusText") == "2 of 2 sessions up")


PROBES = {
    "grep -q '^Seccomp:\t2$' /proc/PID/status": "system calls are filtered",
    "grep -q '^NoNewPrivs:\t1$' /proc/PID/status": "no new privileges",
    "grep -q '^CapEff:\t0*$' /proc/PID/status": "no capabilities",
    "grep -q '^CapBnd:\t0*$' /proc/PID/status": "none to be had either",
    "grep -q '^Max core file size  *0  *0 ' /proc/PID/limits": "no core files",
    'test "$(stat -c %U /proc/PID)" = solrecd': "a user of its own",
    "! nsenter -t PID -m touch /usr/x && ! nsenter -t PID -m touch /etc/x": "read-only",
    "nsenter -t PID -m findmnt /root && nsenter -t PID -m findmnt /home": "no homes",
    "nsenter -t PID -m findmnt /tmp": "a /tmp of its own",
    "test -e /dev/net/tun && ! nsenter -t PID -m test -e /dev/net/tun": "no devices",
}


@pytest.mark.parametrize("probe", PROBES, ids=PROBES.values())
def test_the_sandbox_is_in_force(running: Service, probe: str) -> None:
    running.machine.run(probe.replace("PID", str(running.pid)))


@pytest.fixture(scope="module")
def running(machine: Machine, installed: None) -> Iterator[Service]:
    """Return the unit with a daemon that does not need any BMC."""
    unit = Service(machine, "solrecd.service")
    unit.clear()
    unit.configure("")
    unit.systemctl("start")
    yield unit
    unit.clear()
