"""A restart under a real systemd costs a stream no byte."""

from __future__ import annotations

from collections.abc import Iterator

import pytest

from solrecd.sources.stream.unix.kind import UnixOptions
from tests.support.peers import need
from tests.support.streams import MISSING, SOCAT, Printer, Socat, as_toml
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
