"""Sessions: their states, and why one is not up."""

from __future__ import annotations

import enum
from dataclasses import dataclass


class SessionState(enum.StrEnum):
    """What `ls` and `status` say of a console's session."""

    UP = "up"
    CONNECTING = "connecting"
    DOWN = "down"
    YIELDED = "yielded"
    """Released on request, or taken by another client: we wait."""
    FOREIGN = "foreign"
    """Another client held the console when we connected."""


class LostReason(enum.StrEnum):
    """Why a session is not up; a closed set, because it is a metric label."""

    NAME_UNRESOLVED = "name_unresolved"
    UNREACHABLE = "unreachable"
    """No answer at all to the first packet of a login."""
    BMC_TIMEOUT = "bmc_timeout"
    """The BMC answered before and has stopped answering."""
    UNTRUSTED = "untrusted"
    """It did not prove to be what the configuration means: certificate or host key."""
    BMC_SLOW = "bmc_slow"
    """The BMC answers, but too late for a login."""
    BAD_USERNAME = "bad_username"
    BAD_PASSWORD = "bad_password"  # noqa: S105 - a reason, not a secret
    BAD_KG = "bad_kg"
    """The password is right, the BMC key K_g is not."""
    SUITE_REFUSED = "suite_refused"
    PRIVILEGE_REFUSED = "privilege_refused"
    BMC_BUSY = "bmc_busy"
    """No free session slot, or another "insufficient resources" answer."""
    SOL_DISABLED = "sol_disabled"
    ENCRYPTION_REFUSED = "encryption_refused"
    PAYLOAD_LIMIT = "payload_limit"
    STUCK_PAYLOAD = "stuck_payload"
    """Deactivate says done, Activate still says active."""
    FOREIGN_OWNER = "foreign_owner"
    """Another client held the payload when we wanted to activate it."""
    STOLEN = "stolen"
    """The payload was ours and now belongs to another session."""
    DEACTIVATED = "deactivated"
    """The BMC switched our payload off; no other session holds it."""
    SILENT = "silent"
    """Nothing came from a machine that should have printed: SoL is activated again."""
    CLOSED = "closed"
    """The BMC closed the session."""
    PROTOCOL_ERROR = "protocol_error"
    YIELDED = "yielded"
    """A user was given the BMC for a while."""
    RECONNECT = "reconnect"
    """A user wanted a fresh session."""
    RECONFIGURED = "reconfigured"
    STOPPED = "stopped"
    CRASHED = "crashed"
    """A bug of ours in this console; it was restarted."""
    NOT_OPENED = "not_opened"
    """Its archive cannot be opened: it is not recorded until that works."""


@dataclass(frozen=True, slots=True)
class Lost:
    """Why there is no session."""

    reason: LostReason
    detail: str = ""
    """One line for people; may quote the BMC, never a secret."""
