"""What a new configuration means for sessions that run under the old one."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field, fields
from typing import Any

from solrecd.config.model import Config, ConsoleConfig, DaemonConfig

_LIVE_FIELDS = frozenset({"labels", "machine", "record_input"})
"""Fields of every console that can change under a session that stays up; its options
name more."""

_CONSOLE_FIELDS = tuple(
    one.name for one in fields(ConsoleConfig) if one.name != "options"
)
_DAEMON_FIELDS = tuple(one.name for one in fields(DaemonConfig))


@dataclass(frozen=True, slots=True, kw_only=True)
class ReloadPlan:
    """Names of consoles by what a reload does to them, in the order of the files."""

    start: tuple[str, ...] = ()
    stop: tuple[str, ...] = ()
    restart: tuple[str, ...] = ()
    """Their sessions end and begin again with the new settings."""
    keep: tuple[str, ...] = ()
    """Their sessions go on untouched."""
    update: tuple[str, ...] = ()
    """Those of `keep` with new settings that need no new session."""
    reasons: Mapping[str, str] = field(default_factory=dict)
    """Why, for each console that does not stay just as it is."""
    daemon: tuple[str, ...] = ()
    """Keys of ``[daemon]`` that changed, ``api.listen``, ``loki``, ``otlp`` and
    ``offload``: they count from the next start on."""
    stages: bool = False
    """The stage timeouts changed."""
    access: bool = False
    """Who may do what changed."""
    alerts: tuple[str, ...] = ()
    """Receivers of alerts that came, went or changed."""

    def as_dict(self) -> dict[str, Any]:
        """Return the plan for JSON; `keep` is a number."""
        return {
            "start": list(self.start),
            "stop": list(self.stop),
            "restart": list(self.restart),
            "update": list(self.update),
            "keep": len(self.keep),
            "reasons": dict(self.reasons),
            "daemon": list(self.daemon),
            "stages": self.stages,
            "access": self.access,
            "alerts": list(self.alerts),
        }


def plan_reload(old: Config, new: Config) -> ReloadPlan:
    """Return what has to happen so that the new configuration holds."""
    before, after = old.enabled, new.enabled
    start = tuple(name for name in after if name not in before)
    stop = tuple(name for name in before if name not in after)
    changes = {
        name: _console_changes(before[name], console)
        for name, console in after.items()
        if name in before
    }
    stays = {
        name: set(keys) <= _LIVE_FIELDS | after[name].options.live
        for name, keys in changes.items()
    }
    restart = tuple(name for name in changes if not stays[name])
    keep = tuple(name for name in changes if stays[name])
    reasons = {name: f"{', '.join(keys)} changed" for name, keys in changes.items()}
    reasons = {name: text for name, text in reasons.items() if changes[name]}
    reasons |= {name: _absence(name, old, "added") for name in start}
    reasons |= {name: _absence(name, new, "removed") for name in stop}
    return ReloadPlan(
        start=start,
        stop=stop,
        restart=restart,
        keep=keep,
        update=tuple(name for name in keep if changes[name]),
        reasons=reasons,
        daemon=_at_next_start(old, new),
        stages=old.stages != new.stages,
        access=old.access != new.access,
        alerts=_receivers(old, new),
    )


def _at_next_start(old: Config, new: Config) -> tuple[str, ...]:
    return (
        *_changes(old.daemon, new.daemon, _DAEMON_FIELDS),
        *(("api.listen",) if old.api.listen != new.api.listen else ()),
        *(("web",) if old.web != new.web else ()),
        *(("loki",) if old.loki != new.loki else ()),
        *(("otlp",) if old.otlp != new.otlp else ()),
        *(("offload",) if old.offload != new.offload else ()),
    )


def _receivers(old: Config, new: Config) -> tuple[str, ...]:
    names = dict.fromkeys((*old.alerts, *new.alerts))
    return tuple(n for n in names if old.alerts.get(n) != new.alerts.get(n))


def _absence(name: str, config: Config, absent: str) -> str:
    """Return why a console does not run under a configuration."""
    if name not in config.consoles:
        return absent
    return "enabled" if absent == "added" else "disabled"


def _console_changes(old: ConsoleConfig, new: ConsoleConfig) -> tuple[str, ...]:
    if old == new:
        return ()
    common = _changes(old, new, _CONSOLE_FIELDS)
    if old.kind != new.kind:
        return common
    names = tuple(one.name for one in fields(new.options))
    return (*_changes(old.options, new.options, names), *common)


def _changes(old: object, new: object, names: tuple[str, ...]) -> tuple[str, ...]:
    """Return the fields that differ; never their values, some are secrets."""
    if old == new:
        return ()
    return tuple(name for name in names if getattr(old, name) != getattr(new, name))
