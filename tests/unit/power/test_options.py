"""How the power of a console's machine is configured, where its kind has none."""

from __future__ import annotations

import pytest

from solrecd.process.secret import Secret
from solrecd.sources.power.options import PowerOptions, PowerWay
from tests.support.configs import DEFAULTS, mistakes, read

TCP = 'kind = "tcp"\naddress = "ts1:7001"\n'
BMC = 'bmc = "{name}-bmc"\nbmc_username = "op"\nbmc_password = "pw"\n'


def of(keys: str, before: str = "") -> PowerOptions:
    """Return how a console's power is switched."""
    found = read(f"{before}[console.n1]\n{TCP}{keys}").consoles["n1"].power
    assert isinstance(found, PowerOptions)
    return found


@pytest.mark.parametrize(("way", "port"), [("ipmi", 623), ("redfish", 443)])
def test_the_bmc_has_an_account_of_its_own(way: str, port: int) -> None:
    assert of(f'power = "{way}"\n{BMC}') == PowerOptions(
        way=PowerWay(way),
        host="n1-bmc",
        port=port,
        username="op",
        password=Secret(b"pw"),
    )


def test_it_may_stand_in_the_defaults_for_all_consoles() -> None:
    before = f'[defaults]\npower = "redfish"\n{BMC}bmc_system = "System_0"\n'

    found = of('bmc_username = "other"\n', before)

    assert (found.host, found.username) == ("n1-bmc", "other")
    assert found.system == "System_0"


@pytest.mark.parametrize("keys", ["", 'power = "none"\n'])
def test_without_it_a_console_has_no_power(keys: str) -> None:
    config = read(f'{DEFAULTS}bmc = "b"\n[console.n1]\n{TCP}{keys}')

    assert config.consoles["n1"].power is None


MISTAKES = [
    ('power = "ipmi"\n', "console.n1.power: needs bmc, and there is none"),
    ('power = "redfsh"\n', 'found "redfsh"; allowed: "none"'),
    ('bmc = "b"\n', 'console.n1.bmc: means nothing without power = "redfish" or'),
    (
        'power = "ipmi"\nbmc = "b"\nbmc_username = "u"\n',
        "needs bmc_password, and there is none; allowed: one of bmc_password_cred",
    ),
    (
        f'power = "ipmi"\n{BMC.replace("op", "a" * 17)}',
        "console.n1.bmc_username: found 17 bytes; allowed with IPMI: at most 16",
    ),
    (
        f'power = "redfish"\nbmc_fingerprint = "ab:cd"\n{BMC}',
        "allowed: 64 hexadecimal digits",
    ),
]


@pytest.mark.parametrize(("keys", "why"), MISTAKES)
def test_a_mistake_is_told_with_its_key(keys: str, why: str) -> None:
    told = mistakes(f"[console.n1]\n{TCP}{keys}")

    assert any(why in line for line in told), told


def test_a_console_behind_a_bmc_has_its_own_power() -> None:
    (told,) = mistakes(f'{DEFAULTS}[console.n1]\nbmc = "b"\npower = "redfish"\n')

    assert "console.n1.power: is a key of kind ssh and openbmc" in told
