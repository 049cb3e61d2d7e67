"""The configuration: what is accepted, and what becomes of it."""

import pytest

from solrecd.config import Config, ConsoleConfig, Fsync, Secret, Source, parse
from solrecd.config.names import NAME_LIMIT, expand_names
from solrecd.events.stages import Stage
from solrecd.sources.ipmi.options import (
    AddressFamily,
    IpmiOptions,
    OnConflict,
    Privilege,
    options_of,
)
from solrecd.sources.stream.tcp.place import TcpOptions
from solrecd.sources.stream.unix.place import UnixOptions
from solrecd.sources.table import CONSOLE_KINDS
from tests.support.configs import DEFAULTS, bmc_console, bmc_of, machine, read


def console(keys: str, *, name: str = "n1") -> ConsoleConfig:
    """Parse one console with the default login."""
    return read(f'{DEFAULTS}[console."{name}"]\n{keys}').consoles[name]


def bmc(keys: str, *, name: str = "n1") -> IpmiOptions:
    """Parse the options of one console behind a BMC, with the default login."""
    return options_of(console(keys, name=name))


def test_the_contracts_example_is_read_as_it_says() -> None:
    config = read(
        """
        [daemon]
        log_dir = "/var/log/solrecd"
        journal_size = "64MiB"
        metrics = "127.0.0.1:9623"
        [defaults]
        username = "recorder"
        password = "secret"
        cipher_suites = [17, 3]
        [stages.timeout]
        firmware = 700
        loader = "off"
        waiting = "1h"
        [console."node[001-128]"]
        bmc = "{name}-bmc.example.net"
        labels = { rack = "r{n}" }
        [console.gateway]
        bmc = "[2001:db8::7]:6230"
        username = "other"
        """
    )

    node = bmc_of(config, "node007")
    assert len(config.consoles) == 129
    assert (node.host, node.port) == ("node007-bmc.example.net", 623)
    assert config.consoles["node007"].labels == {"rack": "r7"}
    assert node.password == Secret(b"secret")
    gateway = bmc_of(config, "gateway")
    assert (gateway.host, gateway.port) == ("2001:db8::7", 6230)
    assert gateway.username == b"other"
    assert config.daemon.journal_size == 64 * 1024 * 1024
    assert config.daemon.journal_path == "/run/solrecd/journal"
    assert config.stages[Stage.FIRMWARE] == 700
    assert Stage.LOADER not in config.stages
    assert config.stages[Stage.KERNEL] == 180
    assert config.stages["waiting"] == 3600


def test_an_empty_file_is_a_daemon_without_consoles() -> None:
    assert read("") == Config()


@pytest.mark.parametrize(
    ("place", "host", "port"),
    [
        ("bmc1.example.net", "bmc1.example.net", 623),
        ("bmc1:6230", "bmc1", 6230),
        ("192.0.2.7", "192.0.2.7", 623),
        ("192.0.2.7:9101", "192.0.2.7", 9101),
        ("2001:db8::7", "2001:db8::7", 623),
        ("[fe80::1%eth0]", "fe80::1%eth0", 623),
        ("10.0.0.{n}", "10.0.0.12", 623),
        ("bmc-{n:04}.lan", "bmc-0012.lan", 623),
    ],
)
def test_a_bmc_is_given_in_any_usual_form(place: str, host: str, port: int) -> None:
    found = options_of(console(f'bmc = "{place}"', name="r3n012"))

    assert (found.host, found.port) == (host, port)


def test_every_console_key_reaches_its_field() -> None:
    found = console(
        """
        bmc = "b"
        port = 9101
        family = "ipv6"
        bind = "2001:db8::1"
        cipher_suites = [3, 0]
        insecure = true
        privilege = "operator"
        quirks = ["opensesspriv"]
        on_conflict = "take"
        yield_for = "1h30m"
        keepalive = 5
        sol_instance = 2
        payload_size = 32
        auxiliary = 0x06
        serial_keepalive = "2m"
        record_input = true
        baud = 57600
        enabled = false
        kg = "0x0011ff"
        """
    )

    assert found == bmc_console(
        name="n1",
        host="b",
        port=9101,
        family=AddressFamily.IPV6,
        bind="2001:db8::1",
        username=b"recorder",
        password=Secret(b"pw"),
        kg=Secret(b"\x00\x11\xff"),
        cipher_suites=(3, 0),
        insecure=True,
        privilege=Privilege.OPERATOR,
        quirks=frozenset({"opensesspriv"}),
        on_conflict=OnConflict.TAKE,
        on_stolen=OnConflict.TAKE,
        yield_for=5400.0,
        keepalive=5.0,
        sol_instance=2,
        payload_size=32,
        auxiliary=6,
        serial_keepalive=120.0,
        record_input=True,
        baud=57600,
        enabled=False,
    )


@pytest.mark.parametrize(
    ("text", "value"), [('"drain"', Fsync.DRAIN), ('"off"', Fsync.OFF), ('"2s"', 2.0)]
)
def test_fsync_is_a_duration_or_a_word(text: str, value: object) -> None:
    assert read(f"[daemon]\nfsync = {text}").daemon.fsync == value


@pytest.mark.parametrize(
    ("text", "size"), [("65536", 65536), ('"1GiB"', 2**30), ('"5 MB"', 5_000_000)]
)
def test_sizes_have_units(text: str, size: int) -> None:
    assert read(f"[daemon]\nsegment_size = {text}").daemon.segment_size == size


def test_metrics_are_switched_off_by_an_empty_string() -> None:
    assert read('[daemon]\nmetrics = ""').daemon.metrics is None


def test_consoles_of_all_files_come_together_in_order() -> None:
    main = Source("a.toml", f'{DEFAULTS}[console.z]\nbmc = "z"\n')
    drop_in = Source("b.toml", '[console.a]\nbmc = "a"\n')

    assert list(parse([main, drop_in], consoles=CONSOLE_KINDS).consoles) == ["z", "a"]


def test_an_own_password_replaces_the_default_one_wherever_that_is_kept() -> None:
    files = machine({"/pw/n1": (0o600, b"own\n")})

    config = read(
        f'{DEFAULTS}[console.n1]\nbmc = "b"\npassword_file = "/pw/{{name}}"\n',
        environment=files,
    )

    assert bmc_of(config, "n1").password.reveal() == b"own"


def test_a_credential_comes_from_systemds_directory() -> None:
    files = machine({"/run/cred/bmc": (0o440, b"pw\r\n")}, credentials="/run/cred")

    config = read(
        """
        [console.n1]
        bmc = "b"
        username = ""
        password_credential = "bmc"
        """,
        environment=files,
    )

    assert bmc_of(config, "n1").password.reveal() == b"pw"


def test_a_secret_is_in_no_text_of_a_configuration() -> None:
    config = read(f'{DEFAULTS}[console.n1]\nbmc = "b"\nkg = "hunter2"\n')

    assert "hunter2" not in f"{config!r} {config}"
    assert "'pw'" not in repr(config)
    assert bmc_of(config, "n1").kg == Secret(b"hunter2")
    assert bmc_of(config, "n1").kg != Secret(b"other")


@pytest.mark.parametrize(
    ("keys", "start", "stolen"),
    [
        ("", OnConflict.WAIT, OnConflict.YIELD),
        ('on_conflict = "take"', OnConflict.TAKE, OnConflict.TAKE),
        ('on_stolen = "wait"', OnConflict.WAIT, OnConflict.WAIT),
    ],
)
def test_one_policy_speaks_for_both_conflicts_unless_told_otherwise(
    keys: str, start: OnConflict, stolen: OnConflict
) -> None:
    found = bmc(f'bmc = "b"\n{keys}')

    assert (found.on_conflict, found.on_stolen) == (start, stolen)


def test_consoles_of_several_kinds_share_defaults_that_only_some_know() -> None:
    config = read(
        f"""
        {DEFAULTS.replace(chr(10), chr(10) + 8 * " ")}
        path = "/run/vms/{{name}}.sock"
        [console."vm[1-2]"]
        kind = "unix"
        labels = {{ n = "{{n}}" }}
        [console.ts]
        kind = "tcp"
        address = "[2001:db8::7]:7001"
        [console.node1]
        bmc = "b"
        """
    )

    assert config.consoles["vm2"].options == UnixOptions(path="/run/vms/vm2.sock")
    assert config.consoles["vm2"].labels == {"n": "2"}
    assert config.consoles["ts"].options == TcpOptions(host="2001:db8::7", port=7001)
    assert bmc_of(config, "node1").username == b"recorder"


def test_the_kind_itself_may_be_a_default() -> None:
    config = read('[defaults]\nkind = "unix"\n[console.vm]\npath = "/s"\n')

    assert config.consoles["vm"].kind == "unix"


def test_a_name_that_is_taken_fits_the_journal() -> None:
    longest = "n" * NAME_LIMIT

    assert expand_names(longest) == (longest,)
    with pytest.raises(ValueError, match="at most 64"):
        expand_names(longest + "n")
