"""Numbers of the IPMI 2.0 specification, revision 1.1, under its own names."""

from __future__ import annotations

import enum
from typing import Final

RMCP_PORT: Final = 623
"""UDP port of a management controller (IPMI 2.0 §13.1.2, "primary RMCP port")."""

BMC_ADDRESS: Final = 0x20
"""Responder address of every request we send (the BMC's slave address, §5.4)."""

REMOTE_CONSOLE_ADDRESS: Final = 0x81
"""Our own address in IPMI messages: first remote console software ID (Table 5-4)."""

MAX_USERNAME: Final = 16
"""Bytes of a user name (IPMI 2.0 §13.20, RAKP Message 1)."""

MAX_PASSWORD: Final = 20
"""Bytes of a password, and of K_G (IPMI 2.0 §13.31, §22.30)."""

SHORT_PASSWORD: Final = 16
"""Bytes that a BMC keeps of a password that was set in the short form (§22.30)."""

RANDOM_SIZE: Final = 16
"""Bytes of each side's random number and of the BMC's GUID (IPMI 2.0 §13.20-13.21)."""


class PayloadType(enum.IntEnum):
    """Payload types (IPMI 2.0 Table 13-16); six bits on the wire."""

    IPMI = 0x00
    SOL = 0x01
    OEM = 0x02
    OPEN_SESSION_REQUEST = 0x10
    OPEN_SESSION_RESPONSE = 0x11
    RAKP_1 = 0x12
    RAKP_2 = 0x13
    RAKP_3 = 0x14
    RAKP_4 = 0x15


class AuthenticationAlgorithm(enum.IntEnum):
    """How RAKP proves who is who (IPMI 2.0 Table 13-17)."""

    RAKP_NONE = 0
    RAKP_HMAC_SHA1 = 1
    RAKP_HMAC_MD5 = 2
    RAKP_HMAC_SHA256 = 3


class IntegrityAlgorithm(enum.IntEnum):
    """How session packets are signed (IPMI 2.0 Table 13-18)."""

    NONE = 0
    HMAC_SHA1_96 = 1
    HMAC_MD5_128 = 2
    MD5_128 = 3
    HMAC_SHA256_128 = 4


class ConfidentialityAlgorithm(enum.IntEnum):
    """How payloads are encrypted (IPMI 2.0 Table 13-19)."""

    NONE = 0
    AES_CBC_128 = 1
    XRC4_128 = 2
    XRC4_40 = 3


class PrivilegeLevel(enum.IntEnum):
    """Privilege levels (IPMI 2.0 §6.8); HIGHEST is a wish in Open Session only."""

    HIGHEST = 0
    CALLBACK = 1
    USER = 2
    OPERATOR = 3
    ADMINISTRATOR = 4
    OEM = 5


NAME_ONLY_LOOKUP: Final = 0x10
"""RAKP Message 1 role bit: find the user by name alone, whatever the privilege."""


class RmcpStatus(enum.IntEnum):
    """RMCP+ and RAKP message status codes (IPMI 2.0 Table 13-15)."""

    NO_ERRORS = 0x00
    INSUFFICIENT_RESOURCES = 0x01
    INVALID_SESSION_ID = 0x02
    INVALID_PAYLOAD_TYPE = 0x03
    INVALID_AUTHENTICATION_ALGORITHM = 0x04
    INVALID_INTEGRITY_ALGORITHM = 0x05
    NO_MATCHING_AUTHENTICATION_PAYLOAD = 0x06
    NO_MATCHING_INTEGRITY_PAYLOAD = 0x07
    INACTIVE_SESSION_ID = 0x08
    INVALID_ROLE = 0x09
    UNAUTHORIZED_ROLE = 0x0A
    INSUFFICIENT_RESOURCES_FOR_ROLE = 0x0B
    INVALID_NAME_LENGTH = 0x0C
    UNAUTHORIZED_NAME = 0x0D
    UNAUTHORIZED_GUID = 0x0E
    INVALID_INTEGRITY_CHECK_VALUE = 0x0F
    INVALID_CONFIDENTIALITY_ALGORITHM = 0x10
    NO_CIPHER_SUITE_MATCH = 0x11
    ILLEGAL_PARAMETER = 0x12


class NetFn(enum.IntEnum):
    """Network functions of requests (Table 5-1); the response's is one more."""

    CHASSIS = 0x00
    SENSOR_EVENT = 0x04
    APP = 0x06
    FIRMWARE = 0x08
    STORAGE = 0x0A
    TRANSPORT = 0x0C


class AppCommand(enum.IntEnum):
    """Commands of `NetFn.APP` that a session needs (IPMI 2.0 Appendix G)."""

    GET_DEVICE_ID = 0x01
    GET_CHANNEL_AUTHENTICATION_CAPABILITIES = 0x38
    SET_SESSION_PRIVILEGE_LEVEL = 0x3B
    CLOSE_SESSION = 0x3C
    ACTIVATE_PAYLOAD = 0x48
    DEACTIVATE_PAYLOAD = 0x49
    GET_PAYLOAD_ACTIVATION_STATUS = 0x4A
    GET_PAYLOAD_INSTANCE_INFO = 0x4B
    GET_CHANNEL_PAYLOAD_SUPPORT = 0x4E
    GET_CHANNEL_CIPHER_SUITES = 0x54


class TransportCommand(enum.IntEnum):
    """Commands of `NetFn.TRANSPORT` that a session meets (IPMI 2.0 Appendix G)."""

    SOL_ACTIVATING = 0x20
    """From the BMC (§26.1). OpenBMC sends it to the session that loses the payload."""


class CompletionCode(enum.IntEnum):
    """Completion codes: generic ones (Table 5-2) and those of SoL commands (§24)."""

    OK = 0x00
    PAYLOAD_ALREADY_ACTIVE = 0x80
    """Activate Payload; for Deactivate Payload: it is already inactive."""
    PAYLOAD_DISABLED = 0x81
    PAYLOAD_LIMIT_REACHED = 0x82
    ENCRYPTION_NOT_POSSIBLE = 0x83
    ENCRYPTION_REQUIRED = 0x84
    NODE_BUSY = 0xC0
    INVALID_COMMAND = 0xC1
    INVALID_COMMAND_FOR_LUN = 0xC2
    TIMEOUT = 0xC3
    OUT_OF_SPACE = 0xC4
    REQUEST_LENGTH_INVALID = 0xC7
    PARAMETER_OUT_OF_RANGE = 0xC9
    INVALID_DATA_FIELD = 0xCC
    DESTINATION_UNAVAILABLE = 0xD3
    INSUFFICIENT_PRIVILEGE = 0xD4
    NOT_SUPPORTED_IN_STATE = 0xD5
    UNSPECIFIED = 0xFF


class SolStatus(enum.IntFlag):
    """Status byte of a SoL packet from the BMC (IPMI 2.0 Table 15-2)."""

    NACK = 0x40
    TRANSFER_UNAVAILABLE = 0x20
    """The machine is off, or its serial port cannot take characters now."""
    DEACTIVATED = 0x10
    TRANSMIT_OVERRUN = 0x08
    BREAK = 0x04


class SolOperation(enum.IntFlag):
    """Operation byte of a SoL packet from the remote console (IPMI 2.0 Table 15-2)."""

    NACK = 0x40
    RING_WOR = 0x20
    BREAK = 0x10
    CTS_PAUSE = 0x08
    DROP_DCD_DSR = 0x04
    FLUSH_INBOUND = 0x02
    FLUSH_OUTBOUND = 0x01


MAX_SOL_NUMBER: Final = 15
"""SoL packet sequence numbers run 1-15; 0 marks a packet that only acknowledges."""

MAX_SOL_DATA: Final = 255
"""Data bytes of one SoL packet: the accepted character count is one byte."""
