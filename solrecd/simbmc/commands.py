"""The IPMI commands of a BMC, one small function each, and the table of them.

A handler gets the controller, the session that asks (None before a login), the request
data and the time; it returns the response data or raises `RefusalError`. Commands that
are not in `COMMANDS` are refused with C1h.
"""

from __future__ import annotations

from collections.abc import Mapping
from struct import Struct
from types import MappingProxyType
from typing import Final

from solrecd.simbmc.calls import Call, Command, RefusalError
from solrecd.simbmc.controller import Controller
from solrecd.simbmc.machine import ChassisControl
from solrecd.simbmc.settings import SETTINGS
from solrecd.sources.ipmi.protocol.constants import (
    AppCommand,
    CompletionCode,
    NetFn,
    PayloadType,
    PrivilegeLevel,
)
from solrecd.sources.ipmi.protocol.suites import CIPHER_SUITES

_SOL_INSTANCE: Final = 1


# --- App (§20, §22, §24) -------------------------------------------------------------


def _get_device_id(_: Call) -> bytes:
    """IPMI 2.0 §20.1: IPMI 2.0, a chassis and an SEL device, no maker's name."""
    return bytes((0x20, 0x01, 0x01, 0x00, 0x02, 0x84)) + bytes(5)


def _get_system_guid(call: Call) -> bytes:
    return call.controller.options.guid


def _get_authentication_capabilities(call: Call) -> bytes:
    """§22.13: RMCP+ only; named users; K_G as configured."""
    kg = 0x20 if call.controller.options.kg else 0
    return bytes((1, 0x80, kg | 0x04, 0x02)) + bytes(4)


def _get_cipher_suites(call: Call) -> bytes:
    """§22.15: 16 bytes of records at a time, list index in the third byte."""
    records = b"".join(
        bytes((0xC0, number, a.authentication, 0x40 | a.integrity))
        + bytes((0x80 | a.confidentiality,))
        for number in call.controller.options.cipher_suites
        for a in (CIPHER_SUITES[number].algorithms,)
    )
    index = (call.data[2] & 0x3F) * 16
    return b"\x01" + records[index : index + 16]


def _set_session_privilege(call: Call) -> bytes:
    """§22.18; level 0 asks for the present one."""
    session = call.caller
    level = call.data[0] & 0x0F
    if level > session.limit:
        raise RefusalError(0x81)
    if level:
        session.privilege = PrivilegeLevel(level)
    return bytes((session.privilege,))


def _close_session(call: Call) -> bytes:
    """§22.19; the answer still travels in the session."""
    session_id = int.from_bytes(call.data[:4], "little")
    if session_id not in call.controller.sessions:
        raise RefusalError(0x87)
    call.controller.close(session_id)
    return b""


def _check_payload(call: Call) -> None:
    """Refuse what is not SoL, instance 1."""
    if call.data[0] & 0x3F != PayloadType.SOL:
        raise RefusalError(CompletionCode.INVALID_DATA_FIELD)
    if len(call.data) > 1 and call.data[1] & 0x0F != _SOL_INSTANCE:
        raise RefusalError(CompletionCode.PARAMETER_OUT_OF_RANGE)


def _activate_payload(call: Call) -> bytes:
    """§24.1, Table 24-2."""
    _check_payload(call)
    controller = call.controller
    _check_activation(call)
    if controller.owner is not None:
        raise RefusalError(CompletionCode.PAYLOAD_ALREADY_ACTIVE)
    controller.activate(call.caller, call.now)
    if controller.misbehaviour.data_before_answer:
        controller.flush()
    return _activation_answer(controller)


def _check_activation(call: Call) -> None:
    """Refuse what settings and suite do not allow."""
    options = call.controller.options
    settings = call.controller.payload.settings
    if not settings.enabled:
        raise RefusalError(CompletionCode.PAYLOAD_DISABLED)
    if call.caller.privilege < options.sol_privilege:
        raise RefusalError(CompletionCode.INSUFFICIENT_PRIVILEGE)
    wanted = bool(call.data[2] & 0x80)
    if wanted and not call.caller.cipher.suite.algorithms.confidentiality:
        raise RefusalError(CompletionCode.ENCRYPTION_NOT_POSSIBLE)
    has_cipher = bool(call.caller.cipher.suite.algorithms.confidentiality)
    is_needed = call.controller.is_openbmc and has_cipher
    if (settings.needs_encryption or is_needed) and not wanted:
        raise RefusalError(CompletionCode.ENCRYPTION_REQUIRED)


_ACTIVATED: Final = Struct("<4xHHHH")
_NO_VLAN: Final = 0xFFFF
_SOL_HEADER: Final = 4


def _activation_answer(controller: Controller) -> bytes:
    habit = controller.misbehaviour
    settings = controller.payload.settings
    # OpenBMC forgets the header.
    header = 0 if controller.is_openbmc else _SOL_HEADER
    inbound, outbound = habit.announced_sizes or (
        settings.input_size + header,
        settings.packet_size + header,
    )
    port = habit.announced_port or controller.port
    if habit.port_swapped:
        port = (port & 0xFF) << 8 | port >> 8
    return _ACTIVATED.pack(inbound, outbound, port, _NO_VLAN)


def _deactivate_payload(call: Call) -> bytes:
    """§24.2; any session may do it, the owner is told unless the BMC robs silently."""
    _check_payload(call)
    controller = call.controller
    if controller.owner is None:
        raise RefusalError(CompletionCode.PAYLOAD_ALREADY_ACTIVE)
    if controller.is_openbmc:
        _check_deactivation(call)
    if not controller.misbehaviour.payload_stuck:
        # OpenBMC tells whatever session had it, also the one that asks.
        robbed = controller.is_openbmc or controller.owner != call.caller.id
        controller.release(tell=robbed and not controller.misbehaviour.robs_silently)
    return b""


def _check_deactivation(call: Call) -> None:
    """Refuse who is neither the owner's user nor at administrator level."""
    controller, caller = call.controller, call.caller
    owner = controller.sessions.get(controller.owner or 0)
    is_own = owner is not None and owner.user == caller.user
    if not is_own and caller.privilege != PrivilegeLevel.ADMINISTRATOR:
        raise RefusalError(CompletionCode.INSUFFICIENT_PRIVILEGE)


def _get_activation_status(call: Call) -> bytes:
    """§24.4: one instance; bit 0 says that it is active."""
    _check_payload(call)
    return bytes((1, call.controller.owner is not None, 0))


def _get_instance_info(call: Call) -> bytes:
    """§24.5: the owner's session ID, port number 1."""
    _check_payload(call)
    owner = call.controller.owner or 0
    return owner.to_bytes(4, "little") + b"\x01" + bytes(7)


def _get_payload_support(_: Call) -> bytes:
    """§24.8: IPMI messages and SoL, and the RMCP+ session setup types."""
    return bytes((0x03, 0, 0x3F, 0)) + bytes(4)


def _get_payload_version(_: Call) -> bytes:
    """§24.9: version 1.0."""
    return b"\x10"


# --- Chassis (§28) -------------------------------------------------------------------


def _get_chassis_status(call: Call) -> bytes:
    return bytes((call.controller.machine.power_on, 0, 0))


def _chassis_control(call: Call) -> bytes:
    try:
        control = ChassisControl(call.data[0] & 0x0F)
    except ValueError:
        raise RefusalError(CompletionCode.INVALID_DATA_FIELD) from None
    call.controller.control(control, call.now)
    return b""


# --- Storage (§31): the system event log ---------------------------------------------

_LAST_ENTRY: Final = 0xFFFF
_ENTRY_SIZE: Final = 16


def _get_sel_info(call: Call) -> bytes:
    """§31.2: version 1.5, how many entries, 64 KiB free."""
    count = len(call.controller.event_log)
    return bytes((0x51, count & 0xFF, count >> 8, 0xFF, 0xFF)) + bytes(9)


def _get_sel_entry(call: Call) -> bytes:
    """§31.5: the number of the next entry, and this one; entries count from 1."""
    log = call.controller.event_log
    wanted = int.from_bytes(call.data[2:4], "little")
    number = {0: 1, _LAST_ENTRY: len(log)}.get(wanted, wanted)
    if not 1 <= number <= len(log):
        raise RefusalError(0xCB)
    following = number + 1 if number < len(log) else _LAST_ENTRY
    entry = number.to_bytes(2, "little") + log[number - 1]
    return following.to_bytes(2, "little") + entry[:_ENTRY_SIZE]


def _get_sel_time(call: Call) -> bytes:
    """§31.10: seconds since the BMC's epoch; here since the simulator's start."""
    return int(call.now).to_bytes(4, "little")


_OPERATOR: Final = PrivilegeLevel.OPERATOR

COMMANDS: Final[Mapping[tuple[int, int], Command]] = MappingProxyType(
    {
        (NetFn.CHASSIS, 0x01): Command(_get_chassis_status),
        (NetFn.CHASSIS, 0x02): Command(_chassis_control, 1, _OPERATOR),
        (NetFn.APP, AppCommand.GET_DEVICE_ID): Command(_get_device_id),
        (NetFn.APP, 0x37): Command(_get_system_guid, 0, None),
        (NetFn.APP, AppCommand.GET_CHANNEL_AUTHENTICATION_CAPABILITIES): Command(
            _get_authentication_capabilities, 2, None
        ),
        (NetFn.APP, AppCommand.SET_SESSION_PRIVILEGE_LEVEL): Command(
            _set_session_privilege, 1
        ),
        (NetFn.APP, AppCommand.CLOSE_SESSION): Command(_close_session, 4),
        (NetFn.APP, AppCommand.ACTIVATE_PAYLOAD): Command(_activate_payload, 6),
        (NetFn.APP, AppCommand.DEACTIVATE_PAYLOAD): Command(_deactivate_payload, 2),
        (NetFn.APP, AppCommand.GET_PAYLOAD_ACTIVATION_STATUS): Command(
            _get_activation_status, 1
        ),
        (NetFn.APP, AppCommand.GET_PAYLOAD_INSTANCE_INFO): Command(
            _get_instance_info, 2
        ),
        (NetFn.APP, AppCommand.GET_CHANNEL_PAYLOAD_SUPPORT): Command(
            _get_payload_support, 1
        ),
        (NetFn.APP, 0x4F): Command(_get_payload_version, 2),
        (NetFn.APP, AppCommand.GET_CHANNEL_CIPHER_SUITES): Command(
            _get_cipher_suites, 3, None
        ),
        (NetFn.STORAGE, 0x40): Command(_get_sel_info),
        (NetFn.STORAGE, 0x43): Command(_get_sel_entry, 6),
        (NetFn.STORAGE, 0x48): Command(_get_sel_time),
        **SETTINGS,
    }
)
"""(net function, command) -> how it is answered."""


def execute(netfn: int, command: int, call: Call) -> tuple[int, bytes]:
    """Return completion code and response data of one command."""
    entry = COMMANDS.get((netfn, command))
    if entry is None:
        return CompletionCode.INVALID_COMMAND, b""
    if len(call.data) < entry.length:
        return CompletionCode.REQUEST_LENGTH_INVALID, b""
    try:
        if entry.privilege is not None and call.caller.privilege < entry.privilege:
            return CompletionCode.INSUFFICIENT_PRIVILEGE, b""
        return CompletionCode.OK, entry.handler(call)
    except RefusalError as refused:
        return refused.code, b""
