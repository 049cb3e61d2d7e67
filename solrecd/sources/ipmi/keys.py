"""Which keys a console behind a BMC has; `options` has their defaults."""

from __future__ import annotations

from types import MappingProxyType

from solrecd.config.addresses import ip_address
from solrecd.config.keys import Key, Schema
from solrecd.config.values import (
    absolute_path,
    boolean,
    choice,
    duration,
    integer,
    off_or,
    one_of,
    some_of,
    text,
)
from solrecd.sources.ipmi.options import (
    BAUD_RATES,
    CIPHER_SUITES,
    PASSWORD_MAX,
    USERNAME_MAX,
    AddressFamily,
    OnConflict,
    Privilege,
)
from solrecd.sources.ipmi.protocol.quirks import Quirk

_path_template = absolute_path
_name_template = text(min_bytes=1, max_bytes=255)

_EXPANDS = " `{name}` and `{n}` expand in it."


_ADDRESS: dict[str, Key] = {
    "bmc": Key(
        text(min_bytes=1, max_bytes=300),
        "Where the BMC is: `host`, `host:port`, `192.0.2.7`, `2001:db8::7` or"
        " `[2001:db8::7]:623`; a link-local address with its interface, `fe80::1%eth0`."
        " Every address of a name is tried in turn."
        + _EXPANDS
        + " Every console needs one.",
        example="{name}-bmc.example.net",
    ),
    "port": Key(integer(1, 65535), "UDP port, where `bmc` names none."),
    "family": Key(choice(AddressFamily), "Which addresses of the BMC's name are used."),
    "bind": Key(
        ip_address, "The address of this machine to send from.", example="192.0.2.1"
    ),
}

_ACCOUNT: dict[str, Key] = {
    "username": Key(
        text(max_bytes=USERNAME_MAX),
        "The account on the BMC. Every console needs one, here or in `[defaults]`.",
        example="recorder",
    ),
    "password_credential": Key(
        _name_template,
        "The password is the systemd credential of this name, from `LoadCredential=` of"
        " the unit. Every console needs one of the three password keys." + _EXPANDS,
        example="bmc",
    ),
    "password_file": Key(
        _path_template,
        "The password is the one line of this file, which no other user may read (mode"
        " 0600)." + _EXPANDS,
        example="/etc/solrecd/bmc.pw",
    ),
    "password": Key(
        text(max_bytes=PASSWORD_MAX, hidden=True),
        "The password itself; then no other user may read this file (mode 0600).",
        example="secret",
    ),
    "kg_credential": Key(
        _name_template,
        "The BMC key K_g, for BMCs that have one set, is the systemd credential of this"
        " name: text, or `0x` and hexadecimal digits; zeros alone mean no key. At most"
        " one of the three `kg` keys." + _EXPANDS,
        example="bmc-kg",
    ),
    "kg_file": Key(
        _path_template,
        "The BMC key is in this file, which no other user may read." + _EXPANDS,
        example="/etc/solrecd/bmc.kg",
    ),
    "kg": Key(
        text(min_bytes=1, max_bytes=2 + 2 * PASSWORD_MAX, hidden=True),
        "The BMC key itself.",
        example="0x00112233445566778899aabbccddeeff00112233",
    ),
}


_SESSION: dict[str, Key] = {
    "cipher_suites": Key(
        some_of(CIPHER_SUITES),
        "In the order tried. 17 is HMAC-SHA256, 3 is HMAC-SHA1, both with AES; 0 to 2"
        " give no real protection and need `insecure = true`.",
    ),
    "privilege": Key(
        choice(Privilege),
        'The privilege level asked for; `"auto"`: the lowest that works.',
    ),
    "insecure": Key(
        boolean,
        "Allow sessions without integrity or encryption. Anyone on that network"
        " can then read the console and type into it.",
    ),
    "quirks": Key(
        some_of(sorted(map(str, Quirk))),
        "Workarounds for BMCs that deviate from IPMI, by the names that `ipmitool"
        " -o` and freeipmi's `--workaround-flags` know.",
    ),
    # BMCs end a session 30-60 s after its last command, whatever SoL does.
    "keepalive": Key(
        duration(1, 25),
        "Interval of the IPMI command that keeps the session up and checks that it is"
        " still ours.",
    ),
}


_CONFLICT: dict[str, Key] = {
    "on_conflict": Key(
        choice(OnConflict),
        'Another client holds the console at the start: `"wait"` until it is free,'
        ' `"yield"` for `yield_for` and then take it, or `"take"` it at once.'
        " It is also the default of `on_stolen`.",
    ),
    "on_stolen": Key(
        choice(OnConflict), "The same, for a client that takes the console from us."
    ),
    "yield_for": Key(
        duration(1, 30 * 86400),
        "How long solrecd yields after the other client was last seen.",
    ),
}

_PAYLOAD: dict[str, Key] = {
    "sol_instance": Key(integer(1, 15), "The SoL payload instance."),
    "payload_size": Key(
        off_or(integer(1, 255)),
        'The most bytes to send in one packet; `"off"`: as the BMC says.',
    ),
    "auxiliary": Key(
        integer(0, 0x3F),
        "The first auxiliary byte of Activate Payload, for BMCs that need another,"
        " without its two encryption bits: ipmitool's `0xc6` is `0x06` here.",
        example=6,
    ),
    "serial_keepalive": Key(
        off_or(duration(1, 86400)),
        "Send a NUL to a console that has been silent this long. It detects dead serial"
        " lines, but makes many gettys change their baud rate: leave it off unless you"
        " know that yours does not.",
    ),
}

_MACHINE: dict[str, Key] = {
    "baud": Key(
        one_of(BAUD_RATES),
        "The bit rate that the machine's firmware, boot loader and kernel use on this"
        " console. Only `solrecctl doctor` uses it, to compare and to set the BMC; when"
        " not set, it uses `console=` of the kernel's command line.",
        example=115200,
    ),
}


IPMI_KEYS: Schema = MappingProxyType(
    _ADDRESS | _ACCOUNT | _SESSION | _CONFLICT | _PAYLOAD | _MACHINE
)
"""In the order in which they are explained."""
