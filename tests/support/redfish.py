"""A Redfish service with the rules of DSP0266 and DSP2046, as far as power goes.

Real TLS and HTTP. An account proves itself by basic authentication (where the build has
it) or in a session that is given back; only an operator may reset; a reset of a type
that the system does not list is refused with a message of the Base registry.
"""

from __future__ import annotations

import base64
import json
import ssl
import threading
from dataclasses import dataclass, field
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from types import TracebackType
from typing import Any, Final, Self

from tests.support.certificates import Issued

USER: Final = "operator"
PASSWORD: Final = "battery staple"

ALL_TYPES: Final = (
    *("On", "ForceOff", "GracefulShutdown", "ForceRestart", "PowerCycle", "Nmi"),
)
_SYSTEMS: Final = "/redfish/v1/Systems"
_SESSIONS: Final = "/redfish/v1/SessionService/Sessions"
_BECOMES: Final = {"On": "On", "ForceOff": "Off", "GracefulShutdown": "Off"}


@dataclass
class RedfishService:
    """What it does, and what it saw; a context manager, while it runs.

    The attributes may be changed while it runs.
    """

    certificate: Issued
    basic: bool = True
    """The build has basic authentication."""
    operates: bool = True
    """The account may reset."""
    types: tuple[str, ...] = ALL_TYPES
    systems: dict[str, str] = field(default_factory=lambda: {"system": "On"})
    """Power states by the systems' names."""
    asked: list[tuple[str, str]] = field(default_factory=list)
    """Types of the resets that were done, after the system's name."""
    refused_logins: int = 0
    sessions: set[str] = field(default_factory=set)
    """Those not given back."""
    port: int = 0

    def __post_init__(self) -> None:
        self._server: ThreadingHTTPServer | None = None
        self._thread: threading.Thread | None = None

    def __enter__(self) -> Self:
        """Serve on 127.0.0.1."""
        context = ssl.create_default_context(ssl.Purpose.CLIENT_AUTH)
        context.load_cert_chain(self.certificate.certificate, self.certificate.key)
        self._server = ThreadingHTTPServer(
            ("127.0.0.1", self.port), type("_Bound", (_Handler,), {"service": self})
        )
        self._server.daemon_threads = True
        self._server.socket = context.wrap_socket(
            self._server.socket, server_side=True, do_handshake_on_connect=False
        )
        self.port = self._server.server_address[1]
        self._thread = threading.Thread(target=self._server.serve_forever, daemon=True)
        self._thread.start()
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        traceback: TracebackType | None,
    ) -> None:
        """End it."""
        assert self._server is not None
        assert self._thread is not None
        self._server.shutdown()
        self._thread.join()
        self._server.server_close()

    def get(self, path: str, is_known: bool) -> tuple[int, object]:  # noqa: FBT001
        """Return the status and the document of a resource."""
        if not is_known:
            return 401, _error("NoValidSession", "There is no valid session.")
        if path == _SYSTEMS:
            paths = [{"@odata.id": f"{_SYSTEMS}/{name}"} for name in self.systems]
            return 200, {"Members": paths, "Members@odata.count": len(paths)}
        name = path.removeprefix(f"{_SYSTEMS}/")
        if name not in self.systems:
            return 404, _error("ResourceNotFound", "The resource was not found.")
        reset = {
            "target": f"{path}/Actions/ComputerSystem.Reset",
            "ResetType@Redfish.AllowableValues": list(self.types),
        }
        return 200, {
            "@odata.id": path,
            "PowerState": self.systems[name],
            "Actions": {"#ComputerSystem.Reset": reset},
        }

    def post(
        self,
        path: str,
        is_known: bool,  # noqa: FBT001
        document: dict[str, str],
    ) -> tuple[int, object]:
        """Reset a system; return status and document."""
        if not is_known:
            return 401, _error("NoValidSession", "There is no valid session.")
        if not self.operates:
            text = "There are insufficient privileges for the account."
            return 403, _error("InsufficientPrivilege", text)
        name, _, action = path.removeprefix(f"{_SYSTEMS}/").partition("/")
        wanted = document["ResetType"]
        if name not in self.systems or action != "Actions/ComputerSystem.Reset":
            return 404, _error("ResourceNotFound", "The resource was not found.")
        if wanted not in self.types:
            text = f"The value {wanted} for the parameter ResetType is not in the list."
            return 400, _error("ActionParameterValueNotInList", text)
        self.asked.append((name, wanted))
        self.systems[name] = _BECOMES.get(wanted, self.systems[name])
        return 204, None


class _Handler(BaseHTTPRequestHandler):
    service: RedfishService
    timeout = 30

    def log_message(self, format: str, *arguments: Any) -> None:  # noqa: A002
        """Say nothing."""

    def do_GET(self) -> None:
        self._answer(*self.service.get(self.path, self._account))

    def do_DELETE(self) -> None:
        self.service.sessions.discard(self.path.rpartition("/")[2])
        self._answer(204, None)

    def do_POST(self) -> None:
        length = int(self.headers.get("Content-Length", "0"))
        document = json.loads(self.rfile.read(length))
        if self.path == _SESSIONS:
            self._log_in(document)
        else:
            self._answer(*self.service.post(self.path, self._account, document))

    def _log_in(self, account: dict[str, str]) -> None:
        if account != {"UserName": USER, "Password": PASSWORD}:
            self.service.refused_logins += 1
            self._answer(401, None)
            return
        token = f"t{len(self.service.sessions)}"
        self.service.sessions.add(token)
        location = f"{_SESSIONS}/{token}"
        self._answer(201, {}, {"X-Auth-Token": token, "Location": location})

    @property
    def _account(self) -> bool:
        if self.headers.get("X-Auth-Token") in self.service.sessions:
            return True
        given = self.headers.get("Authorization")
        right = base64.b64encode(f"{USER}:{PASSWORD}".encode()).decode()
        is_right = given == f"Basic {right}"
        if given is not None and self.service.basic and not is_right:
            self.service.refused_logins += 1
        return self.service.basic and is_right

    def _answer(self, status: int, document: object, headers: Any = None) -> None:
        body = b"" if document is None else json.dumps(document).encode()
        self.send_response(status)
        if status == 401 and self.service.basic:
            self.send_header("WWW-Authenticate", 'Basic realm="Redfish"')
        for name, value in (headers or {}).items():
            self.send_header(name, value)
        self.send_header("Content-Length", str(len(body)))
        self.end_headers()
        self.wfile.write(body)


def _error(name: str, text: str) -> object:
    message = {"MessageId": f"Base.1.18.{name}", "Message": text}
    return {"error": {"code": f"Base.1.18.{name}", "@Message.ExtendedInfo": [message]}}
