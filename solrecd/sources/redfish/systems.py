"""What a Redfish service says of its systems, and what can be asked of them. Pure.

Resources are of DMTF's schemas ``ComputerSystem`` and ``Resource`` (DSP8010).
"""

from __future__ import annotations

from collections.abc import Collection, Mapping, Sequence
from types import MappingProxyType
from typing import Any, Final, NamedTuple

from solrecd.sources.base import PowerAction

SYSTEMS: Final = "/redfish/v1/Systems"
SESSIONS: Final = "/redfish/v1/SessionService/Sessions"

_SERVICE: Final = "/redfish/"
_ALLOWABLE: Final = "ResetType@Redfish.AllowableValues"
_LONGEST: Final = 200
"""Characters that are quoted of what a service says."""

_RESET_TYPES: Final[Mapping[PowerAction, Sequence[str]]] = MappingProxyType(
    {
        PowerAction.ON: ("On", "ForceOn"),
        PowerAction.OFF: ("ForceOff",),
        PowerAction.SHUTDOWN: ("GracefulShutdown",),
        PowerAction.RESET: ("ForceRestart",),
        PowerAction.CYCLE: ("PowerCycle",),
        PowerAction.DIAGNOSTIC: ("Nmi",),
    }
)
"""The values of ``ResetType`` that do it, the usual one first."""

_STATES: Final[Mapping[str, PowerAction]] = MappingProxyType(
    {
        "On": PowerAction.ON,
        # It has power, and prints, until it has none.
        "PoweringOff": PowerAction.ON,
        "Paused": PowerAction.ON,
        "Off": PowerAction.OFF,
        "PoweringOn": PowerAction.ON,
    }
)


class OddAnswerError(Exception):
    """A service says what no Redfish service says; one line."""


class System(NamedTuple):
    """One system, as far as its power goes."""

    state: PowerAction
    target: str
    """Path that a reset is posted to."""
    allowed: Collection[str] | None
    """Values of ``ResetType``; None: the service does not say."""

    def reset_type(self, action: PowerAction) -> str | None:
        """Return what to post for an action; None: this system cannot."""
        wanted = _RESET_TYPES[action]
        if self.allowed is None:
            return wanted[0]
        return next((each for each in wanted if each in self.allowed), None)


def members(document: object) -> Sequence[str]:
    """Return the paths of a collection's members, which stay on that service."""
    listed = document.get("Members") if isinstance(document, dict) else None
    if not isinstance(listed, list):
        return ()
    paths = [one.get("@odata.id") for one in listed if isinstance(one, dict)]
    return [path for path in paths if isinstance(path, str) and _is_local(path)]


def _is_local(path: str) -> bool:
    return path.startswith(_SERVICE) and path.isprintable() and " " not in path


def choose(paths: Sequence[str], wanted: str) -> str:
    """Return the path of the system that is wanted.

    Args:
        paths: of all systems.
        wanted: the name of one; empty: the only one.

    Raises:
        OddAnswerError: there is none, or no telling which; says what there is.
    """
    names = {path.rstrip("/").rpartition("/")[2]: path for path in paths}
    shown = ", ".join(names)[:_LONGEST] or "none"
    if wanted:
        if wanted not in names:
            raise OddAnswerError(f"has no system {wanted!r}; it has {shown}")
        return names[wanted]
    if len(paths) != 1:
        raise OddAnswerError(
            f"has {len(paths)} systems ({shown}): say in `bmc_system` which it is"
        )
    return paths[0]


def system_of(document: object) -> System:
    """Return what a document says of one system.

    Raises:
        OddAnswerError: it says no power state.
    """
    if not isinstance(document, dict):
        raise OddAnswerError("shows no system")
    state = document.get("PowerState")
    if not isinstance(state, str) or state not in _STATES:
        raise OddAnswerError(f"tells no power state: {str(state)[:_LONGEST]!r}")
    reset = _reset_of(document)
    target = reset.get("target")
    if not isinstance(target, str) or not _is_local(target):
        path = str(document.get("@odata.id", "")).rstrip("/")
        target = f"{path}/Actions/ComputerSystem.Reset"
    if not _is_local(target):
        raise OddAnswerError("does not say how its system is reset")
    allowed = reset.get(_ALLOWABLE)
    if not isinstance(allowed, list):
        return System(_STATES[state], target, None)
    return System(_STATES[state], target, [each for each in allowed if _is_word(each)])


def _reset_of(document: Mapping[str, Any]) -> Mapping[str, Any]:
    actions = document.get("Actions")
    reset = actions.get("#ComputerSystem.Reset") if isinstance(actions, dict) else None
    return reset if isinstance(reset, dict) else {}


def _is_word(value: object) -> bool:
    return isinstance(value, str) and value.isalnum()


def message_of(document: object) -> str:
    """Return why a service refused, in its own words; empty: it does not say."""
    error = document.get("error") if isinstance(document, dict) else None
    if not isinstance(error, dict):
        return ""
    more = error.get("@Message.ExtendedInfo")
    first = more[0] if isinstance(more, list) and more else None
    said = first.get("Message") if isinstance(first, dict) else None
    text = said if isinstance(said, str) else error.get("message")
    if not isinstance(text, str):
        return ""
    shown = " ".join(text.split())[:_LONGEST]
    return "".join(each if each.isprintable() else "?" for each in shown)
