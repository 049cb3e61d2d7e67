"""Everything a daemon needs for its pages, put together; and their own listener."""

from __future__ import annotations

import functools
import time
from collections.abc import Collection
from pathlib import Path
from typing import Final

import structlog
import trio
from starlette.types import ASGIApp

from solrecd.api.connection_limits import ConnectionLimits
from solrecd.api.denials import Denials
from solrecd.api.fleet import Fleet
from solrecd.api.gate import Gate
from solrecd.api.listening_sockets import ListenError
from solrecd.api.server import serve
from solrecd.api.web.callers import Callers, look_up_user
from solrecd.api.web.door import Door
from solrecd.api.web.link import Links
from solrecd.api.web.live import Live
from solrecd.api.web.login import Login
from solrecd.api.web.pages import Pages
from solrecd.api.web.reader import History
from solrecd.api.web.seal_key import seal_key
from solrecd.api.web.sessions import Sessions
from solrecd.api.web.site import Site, new_renderers
from solrecd.api.web.static import serve_static
from solrecd.api.web.templates import Templates
from solrecd.config import DaemonConfig
from solrecd.config.web import WebConfig
from solrecd.process.descriptors import ClientPlaces
from solrecd.process.upkeep import keep_up

TRY_AGAIN: Final = 10.0
"""Seconds until an address that was taken is tried again."""

MOST: Final = 512
MOST_OF_ONE: Final = 256
"""Connections of browsers: behind a tunnel or a proxy all come from one address."""

log = structlog.get_logger()


class Entrance:
    """The pages of a daemon.

    Args:
        fleet: the consoles.
        gate: knows who may do what.
        history: archive and index.
        settings: where the key is kept that seals cookies, and the control socket.
    """

    def __init__(
        self, fleet: Fleet, gate: Gate, history: History, settings: DaemonConfig
    ) -> None:
        self._gate = gate
        self._sessions = Sessions(seal_key(Path(settings.state_dir)), time.time)
        look_up = functools.partial(look_up_user, Path(settings.control))
        self.callers = Callers(look_up, gate.recheck)
        self._templates = Templates()
        self.live = Live(fleet)
        site = Site(
            gate, history, self.live, self._sessions, self._templates, new_renderers()
        )
        self.pages = Pages(site, Links(self._sessions))

    def door(self, app: ASGIApp, *, hosts: Collection[str] | None) -> Door:
        """Return an application that browsers come in by.

        Args:
            app: behind a gate.
            hosts: names that pages are asked under; None: there is TLS.
        """
        open_pages: dict[str, ASGIApp] = {"static": serve_static}
        door = Door(app, open_pages, self._sessions, self.callers, hosts)
        open_pages["login"] = Login(
            self._sessions,
            self._gate,
            self._templates,
            door.cookie,
            takes_tokens=hosts is None,
        )
        return door

    async def run(
        self,
        app: ASGIApp,
        config: WebConfig,
        denials: Denials,
        places: ClientPlaces,
        *,
        task_status: trio.TaskStatus[None] = trio.TASK_STATUS_IGNORED,
    ) -> None:
        """Keep rows current, and serve pages on the address of their own, if any.

        Where that is taken it is tried again: a recorder records whether there are
        pages or not, so this never raises.
        """
        async with trio.open_nursery() as nursery:
            nursery.start_soon(keep_up, self.live.run)
            if config.listen is not None:
                await nursery.start(self._listen, app, config, denials, places)
            task_status.started()

    async def _listen(
        self,
        app: ASGIApp,
        config: WebConfig,
        denials: Denials,
        places: ClientPlaces,
        *,
        task_status: trio.TaskStatus[None] = trio.TASK_STATUS_IGNORED,
    ) -> None:
        assert config.listen is not None  # noqa: S101 - `run` has looked
        serving = functools.partial(
            serve,
            self.door(app, hosts=config.hosts | {config.listen[0]}),
            config.listen,
            limits=ConnectionLimits(denials, MOST, MOST_OF_ONE),
            places=places,
        )
        told = False
        while True:
            async with trio.open_nursery() as nursery:
                try:
                    address = await nursery.start(serving)
                except ListenError as error:
                    if not told:
                        log.warning("web.not_listening", reason=str(error))
                        task_status.started()
                    told = True
                else:
                    self.pages.links.url = f"http://{address}"
                    log.info("web.listening", address=address)
                    if not told:
                        task_status.started()
                    await trio.sleep_forever()
            await trio.sleep(TRY_AGAIN)
