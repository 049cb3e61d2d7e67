"""Activate and Deactivate Payload for SoL: the commands, and what the answers mean."""

from __future__ import annotations

from collections.abc import Mapping
from types import MappingProxyType
from typing import Final

from solrecd.events.sessions import LostReason
from solrecd.sources.ipmi.protocol.commands import Command, Purpose
from solrecd.sources.ipmi.protocol.constants import (
    AppCommand,
    CompletionCode,
    IntegrityAlgorithm,
    NetFn,
    PayloadType,
)
from solrecd.sources.ipmi.protocol.options import SessionOptions
from solrecd.sources.ipmi.protocol.quirks import Behaviour
from solrecd.sources.ipmi.protocol.sol_input import usable_size
from solrecd.sources.ipmi.protocol.suites import CipherSuite

_AUXILIARY_ENCRYPTED: Final = 0x80
_AUXILIARY_AUTHENTICATED: Final = 0x40

_OPENBMC_SIZES: Final = bytes((255, 0, 255, 0))

_REFUSALS: Final[Mapping[int, LostReason]] = MappingProxyType(
    {
        CompletionCode.PAYLOAD_ALREADY_ACTIVE: LostReason.FOREIGN_OWNER,
        CompletionCode.PAYLOAD_DISABLED: LostReason.SOL_DISABLED,
        CompletionCode.INVALID_COMMAND: LostReason.SOL_DISABLED,
        CompletionCode.PAYLOAD_LIMIT_REACHED: LostReason.PAYLOAD_LIMIT,
        CompletionCode.ENCRYPTION_NOT_POSSIBLE: LostReason.ENCRYPTION_REFUSED,
        CompletionCode.ENCRYPTION_REQUIRED: LostReason.ENCRYPTION_REFUSED,
        # Boards that do not know 0x83 and 0x84 complain about the auxiliary byte.
        CompletionCode.INVALID_DATA_FIELD: LostReason.ENCRYPTION_REFUSED,
        CompletionCode.INSUFFICIENT_PRIVILEGE: LostReason.PRIVILEGE_REFUSED,
        CompletionCode.NODE_BUSY: LostReason.BMC_BUSY,
        CompletionCode.TIMEOUT: LostReason.BMC_BUSY,
        CompletionCode.OUT_OF_SPACE: LostReason.BMC_BUSY,
        CompletionCode.DESTINATION_UNAVAILABLE: LostReason.BMC_BUSY,
        CompletionCode.NOT_SUPPORTED_IN_STATE: LostReason.BMC_BUSY,
    }
)
"""Completion codes of Activate Payload (§24.1, Table 5-2) as reasons."""


def activate_payload(
    options: SessionOptions,
    behaviour: Behaviour,
    suite: CipherSuite,
    *,
    encrypted: bool,
) -> Command:
    """Return Activate Payload (§24.1).

    Args:
        options: of the session.
        behaviour: what the quirks say.
        suite: of the session; what it lacks is not asked for.
        encrypted: ask for encryption.
    """
    auxiliary = options.auxiliary
    if auxiliary is None:
        auxiliary = behaviour.auxiliary
    if encrypted and suite.is_secure:
        auxiliary |= _AUXILIARY_ENCRYPTED
    if suite.algorithms.integrity != IntegrityAlgorithm.NONE:
        auxiliary |= _AUXILIARY_AUTHENTICATED
    data = bytes((PayloadType.SOL, options.instance, auxiliary & 0xFF, 0, 0, 0))
    return Command(Purpose.ACTIVATE, NetFn.APP, AppCommand.ACTIVATE_PAYLOAD, data)


def deactivate_payload(instance: int) -> Command:
    """Return Deactivate Payload (§24.2), no matter which session holds it."""
    data = bytes((PayloadType.SOL, instance, 0, 0, 0, 0))
    return Command(Purpose.DEACTIVATE, NetFn.APP, AppCommand.DEACTIVATE_PAYLOAD, data)


def size_and_port(
    data: bytes, options: SessionOptions, behaviour: Behaviour
) -> tuple[int, int | None]:
    """Return how many bytes of input a packet may hold, and the port of the answer.

    Args:
        data: of the answer to Activate Payload: 4 auxiliary bytes, two sizes, port,
            VLAN (Table 24-2); may be cut short.
        options: of the session.
        behaviour: what the quirks say.
    """
    told = int.from_bytes(data[4:6], "little") if behaviour.believe_sizes else 0
    size = usable_size(told, options.payload_size)
    return size, int.from_bytes(data[8:10], "little") or None


def is_openbmc_like(data: bytes) -> bool:
    """Whether an answer to Activate Payload may be OpenBMC's.

    It names 255 bytes each way, which is all of the data without the SoL header.
    """
    return data[4:8] == _OPENBMC_SIZES


def reason_of(code: int) -> LostReason:
    """Return why Activate Payload was refused with this completion code."""
    return _REFUSALS.get(code, LostReason.PROTOCOL_ERROR)


def encryption_was_refused(command: Command, code: int) -> bool:
    """Whether this Activate Payload may succeed if it asks for no encryption."""
    return reason_of(code) is LostReason.ENCRYPTION_REFUSED and bool(
        command.data[2] & _AUXILIARY_ENCRYPTED
    )
