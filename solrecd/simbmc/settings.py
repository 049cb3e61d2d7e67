"""The commands about a BMC's settings: users, channels, SoL (§22, §24.7, §25.3, §26).

Every handler gets a `Call`, as those of `solrecd.simbmc.commands` do.
"""

from __future__ import annotations

import dataclasses
from collections.abc import Mapping
from types import MappingProxyType
from typing import Any, Final

from solrecd.simbmc.calls import Call, Command, RefusalError
from solrecd.simbmc.controller import Controller
from solrecd.simbmc.options import User
from solrecd.sources.ipmi.protocol.constants import (
    CompletionCode,
    NetFn,
    PrivilegeLevel,
)

_NOT_FOUND: Final = 0xCB
"""Requested sensor, data, or record not found (Table 5-2)."""

_LAN: Final = 1
"""Number of the LAN channel."""
_SERIAL: Final = 2
"""Number of the serial channel, where there is one."""

_FIRST_USER: Final = 2
"""User 1 has no name, as nearly everywhere."""


def _users(controller: Controller) -> Mapping[int, User]:
    return dict(enumerate(controller.options.users, _FIRST_USER))


def _user(call: Call, number: int) -> User:
    try:
        return _users(call.controller)[number & 0x3F]
    except KeyError:
        raise RefusalError(_NOT_FOUND) from None


def _get_session_info(call: Call) -> bytes:
    """§22.20: this session (index 0), or the one of an ID (index FFh)."""
    controller, session = call.controller, call.caller
    if call.data[0] == 0xFF:
        wanted = controller.sessions.get(int.from_bytes(call.data[1:5], "little"))
        if wanted is None:
            return bytes((0, controller.options.session_slots, 0))
        session = wanted
    elif call.data[0]:
        raise RefusalError(CompletionCode.INVALID_DATA_FIELD)
    numbers = {user: number for number, user in _users(controller).items()}
    slots, active = controller.options.session_slots, len(controller.sessions)
    head = (1, slots, active, numbers[session.user], session.privilege, 0x10 | _LAN)
    return bytes(head) + bytes((127, 0, 0, 1)) + bytes(8)


def _get_user_access(call: Call) -> bytes:
    """§22.27: enabled, IPMI messaging, the highest level."""
    user = _user(call, call.data[1])
    count = len(call.controller.options.users)
    return bytes((16, 0x40 | count, 0, 0x30 | user.privilege))


def _get_user_name(call: Call) -> bytes:
    """§22.29."""
    return _user(call, call.data[0]).name.ljust(16, b"\0")


def _get_user_payload_access(call: Call) -> bytes:
    """§24.7: bit 1 of the first byte is SoL."""
    has_sol = _user(call, call.data[1]).has_sol
    return bytes((2 if has_sol else 0, 0, 0, 0))


def _get_channel_info(call: Call) -> bytes:
    """§22.24: number, medium (4: LAN, 5: serial), protocol, sessions, IPMI's name."""
    media = {_LAN: 4}
    if call.controller.options.mux_at_bmc is not None:
        media[_SERIAL] = 5
    number = call.data[0] & 0x0F
    if number not in media:
        raise RefusalError(CompletionCode.INVALID_DATA_FIELD)
    return bytes((number, media[number], 1, 0x80, 0xF2, 0x1B, 0, 0, 0))


def _serial_mux(call: Call) -> bytes:
    """§25.3: setting 0 only tells; others are not supported."""
    is_at_bmc = call.controller.options.mux_at_bmc
    if is_at_bmc is None or call.data[0] & 0x0F != _SERIAL:
        raise RefusalError(CompletionCode.INVALID_COMMAND)
    if call.data[1] & 0x0F:
        raise RefusalError(CompletionCode.INVALID_DATA_FIELD)
    return bytes((is_at_bmc,))


# --- Transport (§26): SoL configuration ----------------------------------------------

_SOL_REVISION: Final = 0x11
_MICROSECONDS_5000: Final = 0.005
"""Unit of the character accumulate interval (§26.3, parameter 3), in seconds."""
_COMPLETE, _IN_PROGRESS, _COMMIT = range(3)
"""Values of parameter 0, Set In Progress."""


def _get_sol_parameter(call: Call) -> bytes:
    """§26.3; bit 7 of the first byte asks for the revision only."""
    if call.data[0] & 0x80:
        return bytes((_SOL_REVISION,))
    values = _sol_parameters(call.controller)
    if call.data[1] not in values:
        raise RefusalError(0x80)
    return bytes((_SOL_REVISION,)) + values[call.data[1]]


def _sol_parameters(controller: Controller) -> Mapping[int, bytes]:
    """Return every parameter by its number (Table 26-5)."""
    options = controller.options
    sol = controller.payload.settings
    interval = round(sol.accumulate_interval / _MICROSECONDS_5000)
    force = 0xC0 if sol.needs_encryption else 0
    return {
        0: bytes((controller.sol_set_in_progress,)),
        1: bytes((sol.enabled,)),
        2: bytes((force | options.sol_privilege,)),
        3: bytes((interval, sol.threshold)),
        4: bytes((sol.retry_count & 7, min(round(sol.retry_interval * 100), 255))),
        5: bytes((sol.lasting_rate,)),
        6: bytes((sol.rate,)),
        7: b"\x01",
        8: controller.port.to_bytes(2, "little"),
    }


def _set_sol_parameter(call: Call) -> bytes:
    """§26.2: what simulates nothing is accepted, and kept where it can be asked for."""
    number, values = call.data[1], call.data[2:]
    if number == 0:
        _set_progress(call.controller, values[0] & 3)
        return b""
    payload = call.controller.payload
    payload.settings = dataclasses.replace(
        payload.settings, **_new_settings(number, values)
    )
    return b""


def _set_progress(controller: Controller, state: int) -> None:
    """Set In Progress (Table 26-5): 81h while another client sets it."""
    if state == _IN_PROGRESS and controller.sol_set_in_progress:
        raise RefusalError(0x81)
    if state == _COMMIT:
        # There is nothing to roll back; §26.2 makes it optional.
        raise RefusalError(CompletionCode.INVALID_DATA_FIELD)
    controller.sol_set_in_progress = state


def _new_settings(number: int, values: bytes) -> dict[str, Any]:
    """Return the fields of `SolSettings` that a parameter's bytes set."""
    match number, len(values):
        case 1, 1:
            return {"enabled": bool(values[0] & 1)}
        case 2, 1:
            return {}
        case 3, 2:
            interval = values[0] * _MICROSECONDS_5000
            return {"accumulate_interval": interval, "threshold": values[1]}
        case 4, 2:
            return {"retry_count": values[0] & 7, "retry_interval": values[1] / 100}
        case 5, 1:
            return {"lasting_rate": values[0] & 0x0F}
        case 6, 1:
            return {"rate": values[0] & 0x0F}
        case _:
            raise RefusalError(0x80)


_USER: Final = PrivilegeLevel.USER
_OPERATOR: Final = PrivilegeLevel.OPERATOR
_ADMINISTRATOR: Final = PrivilegeLevel.ADMINISTRATOR

SETTINGS: Final[Mapping[tuple[int, int], Command]] = MappingProxyType(
    {
        (NetFn.APP, 0x3D): Command(_get_session_info, 1),
        (NetFn.APP, 0x42): Command(_get_channel_info, 1),
        (NetFn.APP, 0x44): Command(_get_user_access, 2, _OPERATOR),
        (NetFn.APP, 0x46): Command(_get_user_name, 1, _OPERATOR),
        (NetFn.APP, 0x4D): Command(_get_user_payload_access, 2, _OPERATOR),
        (NetFn.TRANSPORT, 0x12): Command(_serial_mux, 2, _OPERATOR),
        (NetFn.TRANSPORT, 0x21): Command(_set_sol_parameter, 3, _ADMINISTRATOR),
        (NetFn.TRANSPORT, 0x22): Command(_get_sol_parameter, 4, _USER),
    }
)
"""(net function, command) -> how it is answered."""
