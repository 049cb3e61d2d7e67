"""The API's listeners: the control socket and, for other machines, TLS."""

from __future__ import annotations

import functools
import ssl

import structlog
import trio
from starlette.types import ASGIApp

from solrecd.api.connection_limits import ConnectionLimits
from solrecd.api.denials import Denials
from solrecd.api.gate import Gate
from solrecd.api.listening_sockets import Bind
from solrecd.api.server import serve
from solrecd.api.web.entrance import Entrance
from solrecd.config import Config
from solrecd.process import descriptors
from solrecd.process.tls import server_context

log = structlog.get_logger()


class ApiListeners:
    """The listeners of one API, with the certificates and grants in force.

    Args:
        config: the first one.
        denials: takes what is refused.
    """

    def __init__(self, config: Config, denials: Denials) -> None:
        self.gate = Gate(config.access, denials)
        self.denials = denials
        self.places = descriptors.ClientPlaces(descriptors.limit(), len(config.enabled))
        """Of the clients of all listeners, that for metrics included."""
        self._config = config
        self._context: ssl.SSLContext | None = None

    async def open(
        self,
        app: ASGIApp,
        control: Bind,
        nursery: trio.Nursery,
        entrance: Entrance | None = None,
    ) -> str | None:
        """Listen, in tasks of a nursery; return the address of the TLS listener.

        Args:
            app: the API.
            control: where people on this machine find it.
            nursery: of the tasks.
            entrance: lets browsers in over TCP; None: there are no pages.

        Raises:
            ListenError: an address is in use, forbidden, or not there.
        """
        self._plan(self._config)
        await nursery.start(functools.partial(serve, app, control, places=self.places))
        if entrance is not None:
            pages = self._config.web, self.denials, self.places
            await nursery.start(entrance.run, app, *pages)
        self._load(self._config)
        bind = self._config.api.listen
        if bind is None or self._context is None:
            return None
        tls_listener = functools.partial(
            serve,
            app if entrance is None else entrance.door(app, hosts=None),
            bind,
            tls=self._current,
            limits=ConnectionLimits(self.denials),
            places=self.places,
        )
        address: str = await nursery.start(tls_listener)
        log.info("api.listening", address=address)
        return address

    def _current(self) -> ssl.SSLContext | None:
        return self._context

    def apply(self, config: Config) -> None:
        """Apply other grants and certificates, also to open connections."""
        self._load(config)
        self._plan(config)
        self.gate.replace(config.access)

    def _plan(self, config: Config) -> None:
        """Let in as many clients as the fleet leaves descriptors for."""
        consoles = len(config.enabled)
        self.places.plan(consoles)
        problem = descriptors.too_few(consoles, descriptors.limit())
        if problem is not None:
            log.warning("descriptors.too_few", reason=problem)

    def _load(self, config: Config) -> None:
        """Read the certificates; those in use stay where they cannot be read."""
        files = config.api.tls_files
        if files is None or config.api.listen is None:
            return
        try:
            self._context = server_context(files)
        except ValueError as error:
            # They were checked a moment ago: they are being replaced right now.
            log.error("api.certificate_unusable", reason=str(error))  # noqa: TRY400 - no bug
