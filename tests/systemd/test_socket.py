"""solrecd.socket: who asks something while the service restarts gets an answer."""

from collections.abc import Callable

import pytest

from tests.systemd.nspawn import Machine
from tests.systemd.service import Service, wait_until

SLOW_START = "[Service]\nExecStartPre=/bin/sleep 2\n"
ASK = "solrecctl ls || echo status $?"
ANSWERED = "status 1\n"
"""There is no console, so nothing matched."""


@pytest.fixture
def running(service: Service) -> Service:
    """Return the unit with a daemon that has no consoles."""
    service.configure("")
    service.systemctl("start")
    return service


def is_active(machine: Machine, unit: str) -> bool:
    """Tell whether a unit is active."""
    return machine.run(f"systemctl is-active {unit} || :") == "active\n"


def test_starting_the_service_starts_its_socket_for_the_group_alone(
    machine: Machine, running: Service
) -> None:
    owner = machine.run("stat -c '%U %G %a' /run/solrecd/control.sock")

    assert is_active(machine, "solrecd.socket")
    assert owner == "solrecd solrecd 660\n"
    assert machine.run(ASK) == ANSWERED
    assert "socket unit" not in running.messages


@pytest.mark.parametrize(
    "go",
    [
        lambda service: service.systemctl("restart --no-block"),
        lambda service: service.signal("SIGKILL"),
    ],
    ids=["restart", "crash"],
)
def test_a_question_while_no_daemon_serves_waits_for_the_answer(
    machine: Machine, running: Service, go: Callable[[Service], object]
) -> None:
    with running.changed(SLOW_START):
        before = running.pid
        go(running)
        wait_until(lambda: running.show("SubState") == "start-pre")

        answer = machine.run(ASK)

    assert answer == ANSWERED
    assert running.pid not in (0, before)


def test_a_question_after_a_stop_does_not_start_it_again(
    machine: Machine, running: Service
) -> None:
    running.systemctl("stop")

    answer = machine.run(f"({ASK}) 2>&1")

    assert "status 3\n" in answer
    assert not is_active(machine, "solrecd.service")
    assert not is_active(machine, "solrecd.socket")


def test_a_start_after_a_stop_has_the_socket_again(
    machine: Machine, running: Service
) -> None:
    running.systemctl("stop")

    running.systemctl("start")

    assert is_active(machine, "solrecd.socket")
    assert machine.run(ASK) == ANSWERED


def test_a_socket_at_another_place_than_the_configuration_says_is_not_used(
    machine: Machine, service: Service
) -> None:
    machine.run(
        "install -D -m 600 -o solrecd /dev/stdin /etc/solrecd/solrecd.toml",
        stdin='[daemon]\nmetrics = ""\ncontrol = "/run/solrecd/other.sock"\n',
    )

    service.systemctl("start")

    assert machine.run(ASK) == ANSWERED
    assert "socket unit listens on /run/solrecd/control.sock" in service.messages
