"""Makes the API's description for other programs out of its table of routes.

``python -m tools.openapi`` writes ``packaging/docs/openapi.json`` (OpenAPI 3.1,
``make docs``); a test holds it current.
"""

from __future__ import annotations

import json
import sys
from collections.abc import Mapping
from pathlib import Path
from typing import Any, Final

from solrecd.api.routes import ROUTES, Method, Parameter, Reach, RouteRule
from solrecd.process.access import Role

PATH: Final = Path(__file__).parent.parent / "packaging" / "docs" / "openapi.json"

JSON: Final = "application/json"
LINES: Final = "application/x-ndjson"
"""One object per line, for as long as both sides like."""

_NOTHING: Final = {"type": "object"}
_OBJECTS: Final = {"type": "array", "items": {"type": "object"}}


def _object(**properties: Mapping[str, Any]) -> dict[str, Any]:
    return {
        "type": "object",
        "properties": properties,
        "required": list(properties),
    }


_TEXT: Final = {"type": "string"}
_CONSOLE: Final = _object(
    console=_TEXT,
    session={"enum": ["up", "connecting", "down", "yielded", "foreign"]},
    labels={"type": "object", "additionalProperties": {"type": "string"}},
)

ANSWERS: Final[Mapping[str, tuple[str, Mapping[str, Any]]]] = {
    "version": (JSON, _object(version=_TEXT)),
    "link": (
        JSON,
        _object(url={"type": ["string", "null"]}, key={"type": ["string", "null"]}),
    ),
    "consoles": (JSON, {"type": "array", "items": _CONSOLE}),
    "console": (JSON, _CONSOLE),
    "coverage": (
        JSON,
        {
            "type": "array",
            "items": _object(
                console=_TEXT,
                oldest={"type": ["string", "null"], "format": "date-time"},
                coverage={"type": "number", "minimum": 0, "maximum": 1},
                gaps={"type": "integer", "minimum": 0},
                lost_seconds={"type": "number", "minimum": 0},
            ),
        },
    ),
    "items": (LINES, _NOTHING),
    "rows": (LINES, _NOTHING),
    "seats": (
        JSON,
        {
            "type": "array",
            "items": _object(
                console=_TEXT,
                user=_TEXT,
                mode={"enum": ["rw", "ro"]},
                since={"type": "string", "format": "date-time"},
            ),
        },
    ),
    "power": (JSON, _object(power={"enum": ["on", "off", "unknown"]})),
    "done": (JSON, _NOTHING),
    "told": (JSON, _object(told={"type": "integer", "minimum": 0})),
    "findings": (LINES, _NOTHING),
    "treated": (JSON, _OBJECTS),
    "plan": (JSON, _NOTHING),
}
"""Media type and JSON Schema of each answer; more keys may be added to every object."""

_ROLES: Final[Mapping[Role, str]] = {
    Role.VIEW: "reads everything",
    Role.OPERATE: "types, and does things to consoles",
    Role.ADMIN: "changes what the daemon does",
}

_WHERE: Final[Mapping[Reach, str]] = {
    Reach.SHOWN: "of consoles that the caller may not view nothing is said",
    Reach.CONSOLE: "on this console",
    Reach.EVERYTHING: "on all consoles, by a grant without labels",
}

_REFUSALS: Final[Mapping[str, str]] = {
    "401": "No token or client certificate that is known (TLS listener).",
    "403": "The caller is known, and lacks the role.",
}


def description() -> dict[str, Any]:
    """Return the whole document."""
    paths: dict[str, dict[str, Any]] = {}
    for rule in ROUTES:
        operation = "post" if rule.method is Method.POST else "get"
        paths.setdefault(rule.path, {})[operation] = _operation(rule)
    return {
        "openapi": "3.1.0",
        "info": {
            "title": "solrecd",
            "version": "1",
            "summary": "The consoles of a fleet: what they do, and hands on them.",
            "description": _INTRODUCTION,
            "license": {"name": "Apache-2.0", "identifier": "Apache-2.0"},
        },
        "servers": [
            {
                "url": "https://{host}:9622",
                "description": "The TLS listener ([api] in solrecd.toml). The control"
                " socket speaks the same, without TLS.",
                "variables": {"host": {"default": "localhost"}},
            }
        ],
        "security": [{"token": []}, {"certificate": []}],
        "tags": [{"name": role, "description": what} for role, what in _ROLES.items()],
        "paths": paths,
        "components": _COMPONENTS,
    }


_INTRODUCTION: Final = (
    "Every route has the least role that it needs: view, operate or admin, in"
    " `x-solrecd-role`. Errors are objects with `error`, one line. A console that the"
    " caller may not view is answered as one that there is not: 404."
)

_COMPONENTS: Final = {
    "securitySchemes": {
        "token": {"type": "http", "scheme": "bearer"},
        "certificate": {"type": "mutualTLS"},
    },
    "schemas": {"Error": _object(error=_TEXT)},
    "responses": {
        "Refusal": {
            "description": "Why not, in one line.",
            "content": {JSON: {"schema": {"$ref": "#/components/schemas/Error"}}},
        }
    },
}


def _operation(rule: RouteRule) -> dict[str, Any]:
    return {
        "operationId": rule.name,
        "tags": [rule.role.value],
        "summary": rule.help,
        "description": f"Needs role {rule.role}: {_WHERE[rule.reach]}.",
        "x-solrecd-role": rule.role.value,
        "parameters": [*_path_parameters(rule), *map(_parameter, rule.parameters)],
        "responses": _responses(rule),
    }


def _path_parameters(rule: RouteRule) -> list[dict[str, Any]]:
    if rule.reach is not Reach.CONSOLE:
        return []
    name = {"name": "name", "in": "path", "required": True}
    return [{**name, "description": "The console.", "schema": _TEXT}]


def _parameter(parameter: Parameter) -> dict[str, Any]:
    return {
        "name": parameter.name,
        "in": "query",
        "required": parameter.required,
        "description": parameter.help,
        "schema": dict(parameter.schema),
    }


def _responses(rule: RouteRule) -> dict[str, Any]:
    refusals = dict(_REFUSALS)
    if rule.reach is not Reach.EVERYTHING:
        refusals["404"] = "There is no such console, as far as the caller may know."
    if rule.conflicts:
        refusals["409"] = "It cannot be done now, or not like that; `error` says why."
    reference = {"$ref": "#/components/responses/Refusal"}
    return {**_success(rule), **dict.fromkeys(refusals, reference)}


def _success(rule: RouteRule) -> dict[str, Any]:
    if rule.method is Method.WEBSOCKET:
        return {"101": {"description": "A WebSocket (RFC 6455)."}}
    media, schema = ANSWERS[rule.answer]
    content = {media: {"schema": dict(schema)}}
    return {"200": {"description": rule.answer, "content": content}}


def text() -> str:
    """Return the document as it is kept."""
    return json.dumps(description(), indent=2, ensure_ascii=False) + "\n"


def main() -> int:
    """Write it."""
    PATH.write_text(text(), "utf-8")
    return 0


if __name__ == "__main__":
    sys.exit(main())
