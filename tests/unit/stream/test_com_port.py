"""RFC 2217: what is said to a server of serial ports, and what it says."""

from __future__ import annotations

from hypothesis import given, strategies as st

from solrecd.sources.stream.serial_line import Flow
from solrecd.sources.stream.tcp.com_port import (
    ComPort,
    LineState,
    ModemState,
    settings,
)


def test_a_port_is_set_as_the_configuration_says() -> None:
    said = settings(115200, Flow.RTSCTS)

    assert said == bytes.fromhex(
        "fffa2c00fff0"  # the signature, please
        "fffa2c010001c200fff0"  # 115200
        "fffa2c0208fff0"  # 8 data bits
        "fffa2c0301fff0"  # no parity
        "fffa2c0401fff0"  # one stop bit
        "fffa2c0503fff0"  # RTS and CTS
        "fffa2c0a02fff0"  # tell of overruns
        "fffa2c0bf0fff0"  # and of modem lines
    )


def test_a_port_that_is_left_alone_is_asked_only() -> None:
    assert settings(None, None) == bytes.fromhex(
        "fffa2c00fff0 fffa2c0100000000fff0 fffa2c0a02fff0 fffa2c0bf0fff0"
    )


def test_what_a_server_says_is_known() -> None:
    port = ComPort()
    for command in (
        b"\x64ser2net\x1b[2J",
        b"\x65\x00\x01\xc2\x00",
        b"\x69\x03",
        b"\x6b\xb0",
    ):
        port = port.after(command)

    assert port == ComPort(
        "ser2net[2J",
        115200,
        Flow.RTSCTS,
        ModemState.CTS | ModemState.DSR | ModemState.CARRIER,
    )


def test_an_overrun_is_told_once() -> None:
    port = ComPort().after(b"\x6a\x02")

    assert port.line == LineState.OVERRUN
    assert port.after(b"\x6b\x00").line == LineState(0)


@given(st.lists(st.binary(max_size=12), max_size=20))
def test_nonsense_is_no_error(commands: list[bytes]) -> None:
    port = ComPort()
    for command in commands:
        port = port.after(command)

    assert len(port.signature) <= 80
    assert port.signature.isprintable()
