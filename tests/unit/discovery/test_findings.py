"""What answers mean, and which addresses are asked."""

from __future__ import annotations

import pytest

from solrecd.cli.discovery.findings import (
    Finding,
    serial_consoles,
    service_root,
)
from solrecd.cli.discovery.targets import targets

OPENBMC = {"version": "1.17.0", "vendor": "OpenBMC", "product": None}


@pytest.mark.parametrize(
    ("words", "hosts"),
    [
        (["node[01-03]-bmc"], ["node01-bmc", "node02-bmc", "node03-bmc"]),
        (["192.0.2.0/30", "192.0.2.2"], ["192.0.2.1", "192.0.2.2"]),
        (["2001:db8::7"], ["2001:db8::7"]),
        (["192.0.2.9/32"], ["192.0.2.9"]),
    ],
)
def test_hosts_are_taken_as_people_write_them(
    words: list[str], hosts: list[str]
) -> None:
    assert targets(words) == hosts


@pytest.mark.parametrize("word", ["10.0.0.0/8", "192.0.2.0/33", "a b", "n[1-99999999]"])
def test_what_is_no_host_is_refused_with_the_word(word: str) -> None:
    with pytest.raises(ValueError, match=r"^(10|192|a b|n\[)"):
        targets([word])


@pytest.mark.parametrize(
    ("finding", "place"),
    [
        (Finding("h", ipmi=True), ("h", {}, "bmc")),
        (Finding("h", ipmi=True, suites=(3, 17)), ("h", {}, "bmc")),
        (Finding("h", ipmi=True, suites=(0, 3)), ("h", {"cipher_suites": [3]}, "bmc")),
        (Finding("h", ipmi=True, ipmi_port=9000), ("h:9000", {}, "bmc")),
        (Finding("::1", ipmi=True, ipmi_port=9), ("[::1]:9", {}, "bmc")),
        (Finding("h", redfish=OPENBMC), ("h", {"kind": "openbmc"}, "host")),
        (
            Finding("h", redfish={"version": "1"}, ssh={2200: "SSH-2.0-x"}),
            ("h", {"kind": "openbmc"}, "host"),
        ),
        (Finding("h", redfish={"version": "1"}), None),
        (Finding("h", ssh={22: "SSH-2.0-x"}), None),
    ],
)
def test_a_console_is_recorded_by_the_best_way_there_is(
    finding: Finding, place: object
) -> None:
    assert finding.place() == place


@pytest.mark.parametrize(
    ("host", "name"),
    [
        ("node7-bmc.example.net", "node7"),
        ("node7", "node7"),
        ("192.0.2.7", "bmc-192-0-2-7"),
        ("2001:db8::7", "bmc-2001-db8-7"),
    ],
)
def test_a_console_is_named_after_its_machine(host: str, name: str) -> None:
    assert Finding(host).name == name


def test_weak_suites_and_ways_that_need_a_decision_are_told() -> None:
    (weak,) = Finding("h", ipmi=True, suites=(0, 1)).remarks()
    (ssh,) = Finding("h", ssh={22: "SSH-2.0-x"}).remarks()
    (redfish,) = Finding("h", redfish={"vendor": "Dell"}).remarks()

    assert "no cipher suite that protects" in weak
    assert ssh.startswith("SSH only (port 22: SSH-2.0-x)")
    assert redfish == "Redfish only (Dell): IPMI and SSH are off"


def test_redfish_tells_consoles_that_are_switched_on() -> None:
    ssh = {
        "ServiceEnabled": True,
        "Port": 2200,
        "ConsoleEntryCommand": "connect",
        "HotKeySequenceDisplay": "Press ~.",
    }
    system = {"SerialConsole": {"SSH": ssh, "IPMI": {"ServiceEnabled": False}}}

    assert serial_consoles(system) == {
        "ssh": {"port": 2200, "command": "connect", "escape": "Press ~."}
    }


@pytest.mark.parametrize(
    "nonsense", [None, [], 7, {"SerialConsole": 7}, {"SerialConsole": {"SSH": []}}]
)
def test_nonsense_from_redfish_is_nothing(nonsense: object) -> None:
    assert serial_consoles(nonsense) == {}
    assert service_root(nonsense) == {}
