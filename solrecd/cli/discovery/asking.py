"""Asks hosts which ways to a console they have; logs in nowhere but to Redfish."""

from __future__ import annotations

import json
import random
from collections.abc import Callable, Sequence
from contextlib import suppress
from dataclasses import dataclass, replace
from typing import Any, Final

import h11
import trio

from solrecd.cli.discovery.findings import (
    HTTPS_PORT,
    Finding,
    serial_consoles,
    service_root,
)
from solrecd.process.secret import Secret
from solrecd.sources.https.request import ClosedError, exchange
from solrecd.sources.https.server import Header, basic_header
from solrecd.sources.https.tls import Trust, handshake, open_tls, unverified_context
from solrecd.sources.ipmi.doctor import questions
from solrecd.sources.ipmi.examination.access import converse, outside
from solrecd.sources.ipmi.link.base import LinkError, NameUnresolvedError
from solrecd.sources.ipmi.link.probe import Probe, probing
from solrecd.sources.ipmi.link.resolve import Resolver
from solrecd.sources.ipmi.protocol.constants import RMCP_PORT
from solrecd.sources.openbmc.options import OpenbmcOptions
from solrecd.sources.tcp import connect_tcp
from solrecd.sources.troubles import NotConnectedError

AT_ONCE: Final = 64
"""Hosts that are asked at the same time."""

EVERY: Final = 0.01
"""Seconds between two hosts: networks have detectors of scans, and small routers."""

PATIENCE: Final = 5.0
"""Seconds for each of SSH and Redfish; IPMI has its own."""

_BANNER: Final = 255
"""Bytes of SSH's first line (RFC 4253 §4.2)."""

_ROOT: Final = "/redfish/v1/"
_SYSTEMS: Final = "/redfish/v1/Systems"
_MANY: Final = 8
"""Systems of one BMC that are asked."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Where:
    """Which ports are asked, and as whom Redfish is."""

    ipmi_port: int = RMCP_PORT
    ssh_ports: Sequence[int] = (22, 2200)
    https_port: int = HTTPS_PORT
    username: str | None = None
    """None: what Redfish tells without an account is enough."""
    password: Secret
    ca_file: str | None = None


async def ask_all(
    hosts: Sequence[str], where: Where, tell: Callable[[Finding], None]
) -> None:
    """Ask hosts, and tell of each that has answered.

    Args:
        hosts: names or addresses.
        where: and how.
        tell: is given what each answered, in their order.
    """
    places = trio.CapacityLimiter(AT_ONCE)
    found: list[Finding | None] = [None] * len(hosts)
    trust = Trust()

    async def ask_one(index: int) -> None:
        async with places:
            found[index] = await _Asking(hosts[index], where, trust).ask()

    async with trio.open_nursery() as nursery:
        for index in range(len(hosts)):
            nursery.start_soon(ask_one, index)
            await trio.sleep(EVERY)
    for one in found:
        if one is not None and one.has_answered:
            tell(one)


class _Asking:
    """The questions to one host."""

    def __init__(self, host: str, where: Where, trust: Trust) -> None:
        self._where = where
        self._trust = trust
        self._found = Finding(
            host, ipmi_port=where.ipmi_port, https_port=where.https_port
        )

    async def ask(self) -> Finding:
        async with trio.open_nursery() as nursery:
            nursery.start_soon(self._ask_ipmi)
            nursery.start_soon(self._ask_redfish)
            for port in self._where.ssh_ports:
                nursery.start_soon(self._ask_ssh, port)
        return self._found

    def _learn(self, **changes: Any) -> None:
        self._found = replace(self._found, **changes)

    # IPMI.

    async def _ask_ipmi(self) -> None:
        host, port = self._found.host, self._where.ipmi_port
        with suppress(NameUnresolvedError, LinkError):
            address = (await Resolver().resolve(host, port))[0]
            async with probing(address, random.Random()) as probe:  # noqa: S311
                await self._ask_bmc(probe)

    async def _ask_bmc(self, probe: Probe) -> None:
        answer = outside(probe)
        if not await converse(questions.ping(), answer):
            return
        self._learn(ipmi=True)
        with trio.move_on_after(PATIENCE):
            suites = await converse(questions.suites(), answer)
            if not isinstance(suites, questions.Refusal):
                self._learn(suites=suites)

    # SSH.

    async def _ask_ssh(self, port: int) -> None:
        with suppress(OSError), trio.move_on_after(PATIENCE):
            connected = await connect_tcp(self._found.host, port)
            async with trio.SocketStream(
                trio.socket.from_stdlib_socket(connected)
            ) as stream:
                said = await self._banner(stream)
            if said:
                self._learn(ssh={**self._found.ssh, port: said})

    async def _banner(self, stream: trio.SocketStream) -> str:
        said = b""
        with suppress(trio.BrokenResourceError):
            while b"\n" not in said and len(said) < _BANNER:
                data = await stream.receive_some(_BANNER)
                if not data:
                    break
                said += data
        line = said.partition(b"\n")[0].strip()
        return line.decode("ascii", "replace") if line.startswith(b"SSH-") else ""

    # Redfish.

    async def _ask_redfish(self) -> None:
        options = OpenbmcOptions(
            host=self._found.host,
            port=self._where.https_port,
            path=_ROOT,
            username=self._where.username or "",
            password=self._where.password,
            ca_file=self._where.ca_file,
        )
        with trio.move_on_after(PATIENCE), suppress(NotConnectedError, ClosedError):
            # Nothing secret is sent here, so any certificate will do.
            stream = await handshake(options, unverified_context())
            self._learn(redfish=service_root(await _get(stream, options, _ROOT)))
        if self._found.redfish and self._where.username is not None:
            await self._ask_systems(options)

    async def _ask_systems(self, options: OpenbmcOptions) -> None:
        try:
            with trio.fail_after(PATIENCE * 2):
                systems = await self._get_as(options, _SYSTEMS)
                for path in _members(systems)[:_MANY]:
                    found = serial_consoles(await self._get_as(options, path))
                    self._learn(consoles={**self._found.consoles, **found})
        except trio.TooSlowError:
            self._learn(trouble="no answer")
        except (NotConnectedError, ClosedError) as error:
            self._learn(trouble=str(error))

    async def _get_as(self, options: OpenbmcOptions, path: str) -> object:
        """Ask with the account: only who has proved to be the BMC is told of it."""
        stream = await open_tls(options, self._trust)
        authorization = basic_header(options.username, options.password)
        return await _get(stream, options, path, authorization)


async def _get(
    stream: trio.SSLStream[trio.SocketStream],
    options: OpenbmcOptions,
    path: str,
    authorization: Header | None = None,
) -> object:
    """Return a JSON document, or None; the stream is closed.

    Raises:
        ClosedError: it is refused, or there is no answer.
    """
    headers = [(b"Host", options.authority.encode()), (b"Connection", b"close")]
    if authorization is not None:
        headers.append(authorization)
    try:
        request = h11.Request(method="GET", target=path, headers=headers)
        answer = await exchange(stream, request)
    except h11.LocalProtocolError:
        raise ClosedError(f"it names an odd path: {path!r}") from None
    finally:
        with trio.move_on_after(1, shield=True):
            await trio.aclose_forcefully(stream)
    if authorization is not None and answer.status != 200:
        raise ClosedError(f"{path}: HTTP status {answer.status}")
    try:
        return json.loads(answer.body)
    except (ValueError, RecursionError):
        return None


def _members(document: object) -> Sequence[str]:
    """Return the paths of a Redfish collection's members, which stay on that host."""
    listed = document.get("Members") if isinstance(document, dict) else None
    if not isinstance(listed, list):
        return ()
    paths = [one.get("@odata.id") for one in listed if isinstance(one, dict)]
    return [
        path for path in paths if isinstance(path, str) and path.startswith("/redfish/")
    ]
