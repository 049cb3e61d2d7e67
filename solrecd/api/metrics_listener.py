"""The metrics listener: plain, or as its web configuration says."""

from __future__ import annotations

from collections.abc import Awaitable, Callable
from functools import partial

import trio
from starlette.types import ASGIApp

from solrecd.api.connection_limits import (
    MOST_SCRAPERS,
    MOST_SCRAPERS_OF_ONE,
    ConnectionLimits,
)
from solrecd.api.denials import Denials
from solrecd.api.server import Tls, plain, serve
from solrecd.config import DaemonConfig
from solrecd.metrics import Metrics, metrics_app
from solrecd.metrics.app import Scrape
from solrecd.process.descriptors import ClientPlaces


class Exporter:
    """Serves the metrics of a daemon; `run` is its whole life.

    Args:
        settings: where, and the web configuration.
        scrape: starts a scrape.
        metrics: count refused requests.
        denials: take refused connections.
        places: of the clients of all listeners.

    Raises:
        WebConfigError: the web configuration cannot be used.
    """

    def __init__(
        self,
        settings: DaemonConfig,
        scrape: Scrape,
        metrics: Metrics,
        denials: Denials,
        places: ClientPlaces,
    ) -> None:
        self._limits = ConnectionLimits(denials, MOST_SCRAPERS, MOST_SCRAPERS_OF_ONE)
        self._places = places
        self._bind = settings.metrics
        self._app: ASGIApp = metrics_app(scrape)
        self._tls: Tls = plain
        self._follow: Callable[[], Awaitable[None]] = trio.sleep_forever
        if settings.metrics_web_config and self._bind is not None:
            self._protect(settings.metrics_web_config, metrics.metrics_denied.add)

    def _protect(self, path: str, denied: Callable[[], None]) -> None:
        # YAML and bcrypt are megabytes that most daemons do without.
        from solrecd.api.webconfig.guard import guarded  # noqa: PLC0415
        from solrecd.api.webconfig.live import LiveWebConfig  # noqa: PLC0415

        live = LiveWebConfig(path)
        self._app = guarded(self._app, live.config, denied)
        self._tls = live.context
        self._follow = live.run

    async def run(
        self, *, task_status: trio.TaskStatus[None] = trio.TASK_STATUS_IGNORED
    ) -> None:
        """Serve until cancelled; not at all where there is no address.

        Raises:
            ListenError: the address is in use, forbidden, or not there.
        """
        if self._bind is None:
            task_status.started()
            return
        async with trio.open_nursery() as nursery:
            serving = partial(
                serve,
                self._app,
                self._bind,
                tls=self._tls,
                limits=self._limits,
                places=self._places,
            )
            await nursery.start(serving)
            nursery.start_soon(self._follow)
            task_status.started()
