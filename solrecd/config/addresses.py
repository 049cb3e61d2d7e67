"""Where something is on the network: host and port, in the forms that people write."""

from __future__ import annotations

import ipaddress
import re

from solrecd.config.values import refusal, show

_HOST = re.compile(r"[A-Za-z0-9_](?:[A-Za-z0-9._-]{0,252})\Z")
_NUMBER = re.compile(r"(?:\d+|0[xX][0-9a-fA-F]*)\Z", re.ASCII)
_BRACKETED = re.compile(r"\[([^\]]*)\](?::(\d{1,5}))?\Z", re.ASCII)

_ADDRESS_FORM = (
    '"host", "host:port", "192.0.2.7", "192.0.2.7:623", "2001:db8::7",'
    ' "[2001:db8::7]" or "[2001:db8::7]:623"'
)


def address(value: object) -> tuple[str, int | None]:
    """Return host and port, which is None where none is given.

    Raises:
        ValueError: it is not an address.
    """
    found = _address_in(value) if isinstance(value, str) else None
    if found is None:
        raise refusal(value, _ADDRESS_FORM)
    wrong = _misread(found[0]) or _no_machine(found[0])
    if wrong:
        raise ValueError(f"found {show(value)}, {wrong}; allowed: {_ADDRESS_FORM}")
    return found


def _misread(host: str) -> str:
    """Return why a host is neither a name nor an address; empty: it is.

    The C library reads ``127.0.0.010`` as octal, and takes ``10.1`` and hexadecimal
    numbers: that is another machine than was meant. No host name ends so (RFC 1123
    §2.1).
    """
    last = host.rstrip(".").rpartition(".")[2]
    if not _NUMBER.match(last) or _is_ip(host, 4):
        return ""
    return "no IPv4 address (four numbers, without zeros in front) and no name"


def _no_machine(host: str) -> str:
    """Return why a literal address is not that of one machine; empty: it is, or may."""
    try:
        found = ipaddress.ip_address(host)
    except ValueError:
        return ""
    if found.is_multicast or host == _BROADCAST:
        return "which is an address of many machines"
    if found.is_unspecified:
        return "which is the address of no machine"
    if found.version == 6 and found.is_link_local and not found.scope_id:
        return f"a link-local address without its interface ({host}%eth0)"
    return ""


_BROADCAST = "255.255.255.255"


def _address_in(value: str) -> tuple[str, int | None] | None:
    if match := _BRACKETED.match(value):
        host, port = match[1], match[2]
        return _with_port(host, port) if _is_ip(host, 6) else None
    if value.count(":") > 1:
        return (value, None) if _is_ip(value, 6) else None
    host, colon, port = value.partition(":")
    if not _HOST.match(host) or (colon and not port):
        return None
    return _with_port(host, port or None)


def _with_port(host: str, port: str | None) -> tuple[str, int | None] | None:
    if port is None:
        return host, None
    if len(port) <= 5 and port.isascii() and port.isdecimal():
        number = int(port)
        return (host, number) if 1 <= number <= 65535 else None
    return None


def _is_ip(host: str, version: int) -> bool:
    try:
        return ipaddress.ip_address(host).version == version
    except ValueError:
        return False


def listener(value: object) -> tuple[str, int] | None:
    """Return host and port to listen on; None for ``""``, which switches it off.

    Raises:
        ValueError: it is not an address with a port.
    """
    if value == "":
        return None
    found = _address_in(value) if isinstance(value, str) else None
    if found is None or found[1] is None:
        raise refusal(value, '"127.0.0.1:9623", "[::1]:9623", or "" for none')
    return found[0], found[1]


def ip_address(value: object) -> str:
    """Return an IP address, version 4 or 6.

    Raises:
        ValueError: it is none.
    """
    if isinstance(value, str) and (_is_ip(value, 4) or _is_ip(value, 6)):
        return value
    raise refusal(value, '"192.0.2.1" or "2001:db8::1"')
