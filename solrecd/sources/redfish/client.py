"""Questions to one Redfish service, each over a connection of its own.

A BMC's web server has few connections and little memory; a question now and then does
not pay for one that stays open.
"""

from __future__ import annotations

import json
from collections.abc import Mapping, Sequence
from typing import Any, Final, NamedTuple
from urllib.parse import urlsplit

import h11
import trio

from solrecd.sources.https.request import Answer, ClosedError, exchange
from solrecd.sources.https.server import Header, basic_header
from solrecd.sources.https.tls import Trust, open_tls
from solrecd.sources.power.control import PowerError
from solrecd.sources.power.options import PowerOptions
from solrecd.sources.redfish.systems import SESSIONS, message_of
from solrecd.sources.troubles import NotConnectedError

TIMEOUT: Final = 30.0
"""Seconds for one question: BMCs take some for TLS, and for PAM."""

_LEAVING: Final = 3.0
"""Seconds in which a session is given back, or left to the BMC."""

_UNAUTHORIZED: Final = 401
_FORBIDDEN: Final = 403


class _Session(NamedTuple):
    token: bytes
    path: str
    """Empty: it cannot be given back."""

    def __repr__(self) -> str:
        return "_Session(hidden)"


class RedfishClient:
    """Asks one service, as one account.

    By basic authentication; where the service has none, in a session that is given
    back (DSP0266 §13.3).

    Args:
        options: where it is, and as whom.
        trust: TLS settings.
    """

    def __init__(self, options: PowerOptions, trust: Trust) -> None:
        self._options = options
        self._trust = trust
        self._wants_session = False

    async def get(self, path: str) -> object:
        """Return a JSON document.

        Raises:
            PowerError: there is none.
        """
        return await self._ask("GET", path, None)

    async def post(self, path: str, document: Mapping[str, Any]) -> None:
        """Post a JSON document.

        Raises:
            PowerError: it was refused.
        """
        await self._ask("POST", path, document)

    async def _ask(
        self, method: str, path: str, document: Mapping[str, Any] | None
    ) -> object:
        try:
            with trio.fail_after(TIMEOUT):
                return await self._with_account(method, path, document)
        except trio.TooSlowError:
            raise PowerError(f"{self._place}: no answer in {TIMEOUT:.0f} s") from None
        except ClosedError as error:
            raise PowerError(f"{self._place}: {error}") from None
        except NotConnectedError as error:
            raise PowerError(error.what, error.cure) from None

    @property
    def _place(self) -> str:
        return self._options.place

    async def _with_account(
        self, method: str, path: str, document: Mapping[str, Any] | None
    ) -> object:
        if not self._wants_session:
            options = self._options
            header = basic_header(options.username, options.password)
            answer = await self._exchange(method, path, document, [header])
            if answer.status != _UNAUTHORIZED or _knows_basic(answer):
                return self._content(answer)
        return await self._in_session(method, path, document)

    async def _in_session(
        self, method: str, path: str, document: Mapping[str, Any] | None
    ) -> object:
        session = await self._log_in()
        self._wants_session = True
        header = b"X-Auth-Token", session.token
        try:
            return self._content(await self._exchange(method, path, document, [header]))
        finally:
            with trio.move_on_after(_LEAVING, shield=True):
                await self._log_out(session, header)

    async def _log_in(self) -> _Session:
        account = {
            "UserName": self._options.username,
            "Password": self._options.password.reveal().decode(errors="replace"),
        }
        answer = await self._exchange("POST", SESSIONS, account, [])
        headers = dict(answer.headers)
        token = headers.get(b"x-auth-token")
        if answer.status not in {200, 201, 204} or token is None:
            self._content(Answer(_UNAUTHORIZED, answer.headers, answer.body))
            raise ClosedError("its login gives no session")
        location = urlsplit(headers.get(b"location", b"").decode("latin-1")).path
        return _Session(token, location if location.startswith(SESSIONS) else "")

    async def _log_out(self, session: _Session, header: Header) -> None:
        if session.path:
            try:
                await self._exchange("DELETE", session.path, None, [header])
            except (ClosedError, NotConnectedError):
                return  # it ends by itself

    async def _exchange(
        self,
        method: str,
        path: str,
        document: Mapping[str, Any] | None,
        authorization: Sequence[Header],
    ) -> Answer:
        body = b"" if document is None else json.dumps(document).encode()
        headers = [
            (b"Host", self._options.authority.encode()),
            (b"Accept", b"application/json"),
            (b"OData-Version", b"4.0"),
            (b"Content-Length", b"%d" % len(body)),
            (b"Connection", b"close"),
            *authorization,
        ]
        if document is not None:
            headers.append((b"Content-Type", b"application/json"))
        stream = await open_tls(self._options, self._trust)
        try:
            request = h11.Request(method=method, target=path, headers=headers)
            return await exchange(stream, request, body)
        except h11.LocalProtocolError:
            raise ClosedError(f"it names an odd path: {path!r}") from None
        finally:
            with trio.move_on_after(1, shield=True):
                await trio.aclose_forcefully(stream)

    def _content(self, answer: Answer) -> object:
        """Return the document of an answer; None: it has none.

        Raises:
            PowerError: it is a refusal.
        """
        document = _json(answer.body)
        if 200 <= answer.status < 300:
            return document
        said = message_of(document)
        place, user = self._place, self._options.username
        if answer.status == _UNAUTHORIZED:
            what = f"{place}: user {user!r}: wrong name or password"
            cure = "correct `bmc_username` or its password; the account may be locked"
            raise PowerError(what, cure, is_refused=True)
        why = f": {said}" if said else ""
        if answer.status == _FORBIDDEN:
            what = f"{place}: user {user!r} may not do that{why}"
            raise PowerError(what, "give the account the role Operator on the BMC")
        raise PowerError(f"{place}: HTTP status {answer.status}{why}")


def _knows_basic(answer: Answer) -> bool:
    """Whether a refusal says that another name or password would do (RFC 9110 §11.6).

    Each try may count at the BMC: one more is made only where there is hope.
    """
    challenge = dict(answer.headers).get(b"www-authenticate", b"")
    return challenge.lower().startswith(b"basic")


def _json(body: bytes) -> object:
    try:
        found: object = json.loads(body)
    except (ValueError, RecursionError):
        return None
    return found
