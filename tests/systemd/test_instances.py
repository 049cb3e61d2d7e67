"""Several recorders on one host: solrecd@NAME.service."""

from __future__ import annotations

from functools import partial

import pytest

from tests.systemd.bmcs import Bmcs
from tests.systemd.nspawn import SOURCE, CommandError, Machine
from tests.systemd.service import Service, wait_until

INSTANCES = ("east", "west")

DAEMON = """\
log_dir = "/var/log/solrecd/{name}"
state_dir = "/var/lib/solrecd/{name}"
control = "/run/solrecd/{name}/control.sock"
"""


@pytest.fixture
def template(machine: Machine, service: Service) -> None:
    """Install the template beside the unit, which does not run."""
    unit = "/etc/systemd/system/solrecd@.service"
    machine.run(f"install -m 644 {SOURCE}/systemd/solrecd@.service {unit}")
    machine.run("systemctl daemon-reload")


@pytest.mark.usefixtures("template")
def test_instances_record_beside_each_other_and_restart_on_their_own(
    machine: Machine,
) -> None:
    with Bmcs(machine, len(INSTANCES), rate=20) as bmcs:
        consoles = dict(zip(INSTANCES, bmcs.names, strict=True))
        units = {
            name: Service(machine, f"solrecd@{name}.service", name)
            for name in INSTANCES
        }
        for name, unit in units.items():
            path = f"/etc/solrecd/{name}/solrecd.toml"
            text = DAEMON.format(name=name) + bmcs.configuration([consoles[name]])
            unit.configure(text, path)
            unit.systemctl("start")
        wait_until(bmcs.all_have_owners, lambda: units["east"].messages)
        owners, pid = bmcs.owners, units["west"].pid
        for name, unit in units.items():
            wait_until(partial(unit.raw, consoles[name]))

        # A text that is no TOML names no socket: it must not be the other's.
        units["east"].configure("[daemon", "/etc/solrecd/east/solrecd.toml")
        with pytest.raises(CommandError, match="reload"):
            units["east"].systemctl("reload")
        text = DAEMON.format(name="east") + bmcs.configuration([consoles["east"]])
        units["east"].configure(text, "/etc/solrecd/east/solrecd.toml")
        units["east"].systemctl("reload")
        units["east"].systemctl("restart")
        shown = machine.run("solrecctl -c /etc/solrecd/east/solrecd.toml ls")
        kept, same_pid = bmcs.owners, units["west"].pid
        for unit in units.values():
            unit.clear()

    assert (kept, same_pid) == (owners, pid)
    assert consoles["east"] in shown
    assert consoles["west"] not in shown
