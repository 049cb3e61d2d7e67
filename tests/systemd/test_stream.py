"""A restart under a real systemd costs a stream no byte."""

from __future__ import annotations

from collections.abc import Iterator

import pytest

from solrecd.sources.stream.unix.place import UnixOptions
from tests.support.peers import need
from tests.support.streams import (
    MISSING,
    SOCAT,
    Printer,
    Socat,
    as_toml,
    numbered_lines,
)
from tests.systemd.nspawn import Machine
from tests.systemd.service import Service, wait_until

PATH = "/run/serial.sock"


@pytest.fixture
def port(machine: Machine) -> Iterator[Socat]:
    """Return a serial port in the machine's file system, open to its users."""
    need(MISSING, available=SOCAT is not None)
    file = machine.root / PATH.lstrip("/")
    with Socat(UnixOptions(path=str(file))) as serial_port:
        wait_until(file.is_socket)
        file.chmod(0o666)
        yield serial_port


def test_restart_and_kill_keep_the_connection_and_every_byte(
    service: Service, port: Socat
) -> None:
    service.configure(as_toml("vm1", UnixOptions(path=PATH)))
    service.systemctl("start")
    wait_until(lambda: "state=up" in service.messages, lambda: service.messages)

    with Printer(port) as printer:
        for act in (Service.restart, Service.kill) * 2:
            seen = len(service.raw("vm1"))
            wait_until(lambda seen=seen: len(service.raw("vm1")) > seen + 10_000)  # type: ignore[misc]
            act(service)
        printed = printer.stop()
    wait_until(
        lambda: len(service.raw("vm1")) >= len(printed), lambda: service.messages
    )
    service.systemctl("stop")

    assert service.raw("vm1") == printed
    assert "# gap: " not in service.text("vm1")
    assert service.text("vm1").count("# restart: session kept\n") == 4
    wait_until(port.has_ended, seconds=5)
    assert service.show("NFileDescriptorStore") == "0"


def test_a_socket_that_is_closed_to_the_service_says_so(
    service: Service, port: Socat, machine: Machine
) -> None:
    machine.run(f"chmod 600 {PATH}")
    service.configure(as_toml("vm1", port.place).replace(port.place.place, PATH))
    service.systemctl("start")

    said = machine.run("solrecctl ls")

    assert f"unreachable: {PATH}: permission denied; let the daemon's user" in said


def numbered(machine: Machine) -> str:
    """Put a program into the machine that prints numbered lines; return its path."""
    file = machine.root / "usr/local/bin/numbered"
    file.write_text(
        "#!/bin/sh\ni=0\nwhile :; do\n"
        "printf 'line %07d\\r\\n' $i; i=$((i+1)); sleep 0.005\ndone\n"
    )
    file.chmod(0o755)
    return "/usr/local/bin/numbered"


def test_a_program_outlives_restart_and_kill_and_ends_with_a_stop(
    service: Service, machine: Machine
) -> None:
    program = numbered(machine)
    service.configure(f'[console.vm1]\nkind = "exec"\ncommand = ["{program}"]\n')
    service.systemctl("start")
    wait_until(lambda: "state=up" in service.messages, lambda: service.messages)

    pids = set[str]()
    for act in (Service.restart, Service.kill) * 2:
        seen = len(service.raw("vm1"))
        wait_until(lambda seen=seen: len(service.raw("vm1")) > seen + 5000)  # type: ignore[misc]
        pids.add(machine.run("pgrep -x numbered"))
        act(service)
    seen = len(service.raw("vm1"))
    wait_until(lambda: len(service.raw("vm1")) > seen + 5000, lambda: service.messages)
    pids.add(machine.run("pgrep -x numbered"))
    service.systemctl("stop")

    found = service.raw("vm1")
    assert found == numbered_lines(0, len(found) // 14 + 1)[: len(found)]
    assert len(pids) == 1
    assert "# gap: " not in service.text("vm1")
    assert service.text("vm1").count("# restart: session kept\n") == 4
    assert machine.run("pgrep -x numbered || echo none").strip() == "none"
    assert service.show("NFileDescriptorStore") == "0"


def test_a_program_ends_when_the_daemon_was_killed_and_then_stopped(
    service: Service, machine: Machine
) -> None:
    program = numbered(machine)
    service.configure(f'[console.vm1]\nkind = "exec"\ncommand = ["{program}"]\n')
    service.systemctl("start")
    wait_until(lambda: "state=up" in service.messages, lambda: service.messages)
    machine.run("mkdir -p /run/systemd/system/solrecd.service.d")
    machine.run(
        "printf '[Service]\\nRestart=no\\n'"
        " > /run/systemd/system/solrecd.service.d/norestart.conf"
    )
    machine.run("systemctl daemon-reload")

    before = machine.run("pgrep -x numbered || echo none").strip()
    machine.run("systemctl kill --kill-whom=main -s KILL solrecd")
    wait_until(
        lambda: machine.run("pgrep -x numbered || echo none").strip() == "none",
        lambda: service.messages,
    )

    assert before != "none"
