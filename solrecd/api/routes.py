"""Every route of the API, in one table: its least role, what it takes, what it answers.

The application is built from this table, the description for other programs too
(``packaging/docs/openapi.json``). A route that is not in it does not exist.
"""

from __future__ import annotations

import enum
from collections.abc import Mapping
from dataclasses import dataclass
from types import MappingProxyType
from typing import Any, Final

from solrecd.process.access import Role
from solrecd.sources.base import PowerAction

YIELD_MAX: Final = 24 * 3600
"""Seconds that a console can be given away for: longer is a configuration."""

YIELD_USUAL: Final = 900
"""Seconds, where none are given."""


COVERAGE_MAX: Final = 100 * 366 * 86400
"""Seconds that a question for coverage may look back."""

COVERAGE_USUAL: Final = 30 * 86400
"""Seconds, where none are given."""


class Method(enum.StrEnum):
    """How a route is asked."""

    GET = "GET"
    POST = "POST"
    WEBSOCKET = "WEBSOCKET"
    """A GET that becomes a WebSocket (RFC 6455)."""


class Reach(enum.Enum):
    """What a route is about, and so where its role must be held."""

    SHOWN = "shown"
    """The consoles that the caller may see; the others are left out."""
    CONSOLE = "console"
    """The console in its path."""
    EVERYTHING = "everything"
    """All consoles: a grant that is limited by labels is not enough."""


@dataclass(frozen=True, slots=True)
class Parameter:
    """One key of a query."""

    name: str
    help: str
    schema: Mapping[str, Any]
    """JSON Schema of its value."""
    required: bool = False


@dataclass(frozen=True, slots=True, kw_only=True)
class RouteRule:
    """One route."""

    name: str
    """Of the operation; `solrecd.api.app` has a function for each."""
    method: Method = Method.GET
    path: str
    role: Role
    """The least that is needed."""
    reach: Reach = Reach.CONSOLE
    help: str
    """One sentence."""
    answer: str
    """What it gives: a name in `tools.openapi.ANSWERS`."""
    parameters: tuple[Parameter, ...] = ()
    conflicts: bool = False
    """It may answer 409: asked for properly, and not possible now."""


_TEXT: Final = MappingProxyType({"type": "string"})
_NAMES: Final = Parameter(
    "names", "Names of consoles with commas between them; all, if absent.", _TEXT
)


def _wish(
    name: str, text: str, *parameters: Parameter, answer: str = "done"
) -> RouteRule:
    """Return the route of something that is done to one console."""
    return RouteRule(
        name=name,
        method=Method.POST,
        path=f"/v1/consoles/{{name}}/{name}",
        role=Role.OPERATE,
        help=text,
        answer=answer,
        parameters=parameters,
        conflicts=True,
    )


ROUTES: Final = (
    RouteRule(
        name="version",
        path="/v1/version",
        role=Role.VIEW,
        reach=Reach.SHOWN,
        help="Return the daemon's version.",
        answer="version",
    ),
    RouteRule(
        name="web",
        path="/v1/web",
        role=Role.VIEW,
        reach=Reach.SHOWN,
        help="Give the place of the pages, and the secret of a link that logs a browser"
        " in there as the caller, once and within minutes.",
        answer="link",
    ),
    RouteRule(
        name="list",
        path="/v1/consoles",
        role=Role.VIEW,
        reach=Reach.SHOWN,
        help="List the consoles that the caller may see.",
        answer="consoles",
    ),
    RouteRule(
        name="status",
        path="/v1/consoles/{name}",
        role=Role.VIEW,
        help="Return everything known about a console.",
        answer="console",
    ),
    RouteRule(
        name="coverage",
        path="/v1/coverage",
        role=Role.VIEW,
        reach=Reach.SHOWN,
        help="Tell how much of their time consoles were recorded.",
        answer="coverage",
        parameters=(
            _NAMES,
            Parameter(
                "seconds",
                "How far to look back.",
                MappingProxyType(
                    {
                        "type": "integer",
                        "minimum": 1,
                        "maximum": COVERAGE_MAX,
                        "default": COVERAGE_USUAL,
                    }
                ),
            ),
        ),
    ),
    RouteRule(
        name="tail",
        path="/v1/tail",
        role=Role.VIEW,
        reach=Reach.SHOWN,
        help="Stream the last lines of consoles, then lines and events as they come.",
        answer="items",
        parameters=(_NAMES,),
    ),
    RouteRule(
        name="watch",
        path="/v1/watch",
        role=Role.VIEW,
        reach=Reach.SHOWN,
        help="Stream how consoles are: first all of them, then each that changes.",
        answer="rows",
        parameters=(_NAMES,),
    ),
    RouteRule(
        name="who",
        path="/v1/who",
        role=Role.VIEW,
        reach=Reach.SHOWN,
        help="List attached users.",
        answer="seats",
        parameters=(_NAMES,),
    ),
    RouteRule(
        name="power_state",
        path="/v1/consoles/{name}/power",
        role=Role.VIEW,
        help="Ask the BMC whether the machine is on.",
        answer="power",
        conflicts=True,
    ),
    RouteRule(
        name="attach",
        method=Method.WEBSOCKET,
        path="/v1/consoles/{name}/attach",
        # Writing needs more, now and when it is asked for later.
        role=Role.VIEW,
        help="Watch a console; with role operate also type (mode=rw). Binary messages"
        " are bytes of the console and keys, text messages are JSON objects.",
        answer="attached",
        parameters=(
            Parameter(
                "mode",
                "Type (needs role operate), or only watch.",
                MappingProxyType({"enum": ["rw", "ro"], "default": "rw"}),
            ),
            Parameter(
                "claim",
                "What happens when another user writes.",
                MappingProxyType({"enum": ["ask", "force", "join"], "default": "ask"}),
            ),
        ),
    ),
    _wish(
        "break",
        "Send a serial break, and after it a SysRq letter.",
        Parameter(
            "key",
            "One letter or digit.",
            MappingProxyType({"type": "string", "pattern": "^[A-Za-z0-9]$"}),
        ),
    ),
    _wish(
        "note",
        "Write a line into the console's log.",
        Parameter("text", "The line.", _TEXT, required=True),
    ),
    _wish(
        "acknowledge",
        "Say that you take care of what is wrong with a console.",
        Parameter("text", "What you do about it.", _TEXT),
    ),
    _wish("unacknowledge", "Take that back."),
    _wish(
        "message",
        "Send a message to all attached users.",
        Parameter("text", "What.", _TEXT, required=True),
        answer="told",
    ),
    _wish(
        "yield",
        "Give the BMC away for a while.",
        Parameter(
            "seconds",
            "For how long.",
            MappingProxyType(
                {
                    "type": "number",
                    "minimum": 1,
                    "maximum": YIELD_MAX,
                    "default": YIELD_USUAL,
                }
            ),
        ),
    ),
    _wish("take", "Take the console back from another client."),
    _wish("reconnect", "Begin a fresh session with the BMC."),
    _wish(
        "power",
        "Switch the machine's power.",
        Parameter(
            "wish",
            "What is to happen.",
            MappingProxyType({"enum": [wish.value for wish in PowerAction]}),
            required=True,
        ),
    ),
    RouteRule(
        name="examine",
        path="/v1/consoles/{name}/doctor",
        role=Role.VIEW,
        help="Find out at the live BMC why a console is not recorded; nothing is"
        " changed. Streams one finding per line, as soon as it is known. A login beside"
        " the recorder's, at most one a minute, is for role operate.",
        answer="findings",
    ),
    RouteRule(
        name="treat",
        method=Method.POST,
        path="/v1/consoles/{name}/doctor",
        # It changes the BMC for all its users.
        role=Role.ADMIN,
        help="Set the BMC's SoL parameters as they should be.",
        answer="treated",
        parameters=(
            Parameter(
                "parameters",
                "Numbers of IPMI 2.0 Table 26-5 with commas between them; if absent,"
                " nothing is set, and the answer says what could be.",
                MappingProxyType({"type": "string", "pattern": "^[0-9,]*$"}),
            ),
        ),
        conflicts=True,
    ),
    RouteRule(
        name="reload",
        method=Method.POST,
        path="/v1/reload",
        role=Role.ADMIN,
        reach=Reach.EVERYTHING,
        help="Reload the configuration and apply what changed.",
        answer="plan",
        parameters=(
            Parameter(
                "dry_run",
                "Only say what would change.",
                MappingProxyType({"enum": ["0", "1"], "default": "0"}),
            ),
        ),
        conflicts=True,
    ),
)
"""All of them."""

ATTACH_ROLES: Final[Mapping[str, Role]] = MappingProxyType(
    {
        "watch": Role.VIEW,
        "who": Role.VIEW,
        "write": Role.OPERATE,
        **{
            rule.name: rule.role
            for rule in ROUTES
            if rule.method is Method.POST and rule.role is Role.OPERATE
        },
    }
)
"""The least role of everything that ``{"do": ...}`` asks for over a WebSocket."""
