"""What a valid configuration is: the values that the rest of solrecd receives.

Defaults live here and nowhere else; what each key is for, its `keys.Key` says.
"""

from __future__ import annotations

import enum
from collections.abc import Mapping
from dataclasses import dataclass, field
from types import MappingProxyType
from typing import Any, ClassVar, Protocol

from solrecd.config.alerts import ReceiverConfig
from solrecd.config.cluster import ClusterConfig
from solrecd.config.loki import LokiConfig
from solrecd.config.offload import OffloadConfig
from solrecd.config.otlp import OtlpConfig
from solrecd.config.web import WebConfig
from solrecd.events.stages import WAITING, Stage
from solrecd.process.access import Policy
from solrecd.process.log_settings import LogFormat, LogLevel
from solrecd.process.tls import TlsFiles

_MIB = 1024 * 1024

DEFAULT_KIND = "ipmi"
"""Of a console that does not say."""

STAGE_TIMEOUTS: Mapping[str, float] = MappingProxyType(
    {
        # A server with a terabyte of memory trains it for minutes, in silence.
        Stage.FIRMWARE: 600.0,
        # PXE tries each port in turn, and each try waits for DHCP.
        Stage.BOOTDEV: 300.0,
        Stage.LOADER: 120.0,
        Stage.KERNEL: 180.0,
        Stage.INITRAMFS: 180.0,
        # systemd's own limit for one job is 90 s, and jobs may follow each other.
        Stage.INIT: 300.0,
        # To type a passphrase one has to come to the machine first.
        WAITING: 600.0,
    }
)
"""Seconds in a stage, or waiting for a person, after which a boot counts as stuck."""


class Fsync(enum.StrEnum):
    """When archive files are forced to the disk, apart from a timer."""

    DRAIN = "drain"
    """With each drain of the journal: every 250 ms."""
    OFF = "off"
    """Only when a segment is closed."""


@dataclass(frozen=True, slots=True, kw_only=True)
class DaemonConfig:
    """The ``[daemon]`` table. Sizes in bytes, durations in seconds, None is "off"."""

    log_dir: str = "/var/log/solrecd"
    state_dir: str = "/var/lib/solrecd"
    control: str = "/run/solrecd/control.sock"
    journal: str = ""
    """Path; when not set, ``journal`` beside the control socket."""
    journal_size: int = 64 * _MIB
    metrics: tuple[str, int] | None = ("127.0.0.1", 9623)
    """Host and TCP port of the Prometheus listener."""
    metrics_web_config: str = ""
    """Path of its exporter-toolkit web configuration; empty: plain HTTP for all."""
    fsync: float | Fsync = 5.0
    """Seconds between two fsyncs of a file that grows, or one of `Fsync`."""
    segment_size: int = 64 * _MIB
    """Bytes of console output after which a boot goes on in the next part."""
    segment_age: float | None = 86400.0
    """Seconds after which a boot goes on in the next part."""
    compress: bool = True
    retention_age: float | None = None
    """Seconds that a closed segment is kept."""
    retention_boots: int | None = None
    """Boots kept for each console."""
    retention_bytes: int | None = None
    """Bytes kept for each console, on disk."""
    retention_total: int | None = None
    """Bytes kept for all consoles together, on disk."""
    keep_free: int | None = None
    """Bytes of the log file system that stay free: closed segments go, the oldest
    first, before it has less, also those that retention would keep. None: nothing is
    deleted that retention keeps, and a full disk is told instead."""
    login_concurrency: int = 256
    """Logins that may be under way at the same time."""
    markers_dir: str = "/etc/solrecd/markers.d"
    """Folder of marker rules that add to the packaged ones, or switch them off."""
    log_level: LogLevel = LogLevel.INFO
    log_format: LogFormat = LogFormat.AUTO

    @property
    def journal_path(self) -> str:
        """Where the journal is: as set, or beside the control socket."""
        return self.journal or self.control.rpartition("/")[0] + "/journal"


@dataclass(frozen=True, slots=True, kw_only=True)
class ApiConfig:
    """The ``[api]`` table."""

    listen: tuple[str, int] | None = None
    """Host and TCP port of the TLS listener; None: there is none."""
    certificate: str | None = None
    key: str | None = None
    """Path, also where it is a credential."""
    client_ca: str | None = None

    @property
    def tls_files(self) -> TlsFiles | None:
        """What the listener's TLS is made of; None where something is missing."""
        if self.certificate is None or self.key is None:
            return None
        return TlsFiles(self.certificate, self.key, self.client_ca)


class Options(Protocol):
    """What a kind of console wants to know: a frozen dataclass of that kind's own."""

    live: ClassVar[frozenset[str]]
    """Fields that can change under a session that stays up."""
    keeps_output: ClassVar[bool]
    """What we do not take waits at the other end; where not, it is thrown away there
    after a while."""
    __dataclass_fields__: ClassVar[dict[str, Any]]

    @property
    def line(self) -> str:
        """What it records, as people write it: `check` warns where two are the same.

        It is a mistake, most likely. It is no error: a program may give each that runs
        it another console.
        """


@dataclass(frozen=True, slots=True, kw_only=True)
class ConsoleConfig:
    """One console: what kind it is of, and what is done with its output."""

    name: str
    """A folder name: letters, digits, ``.``, ``_`` and ``-``."""
    kind: str = DEFAULT_KIND
    """Name of a `kinds.ConsoleKind`."""
    options: Options
    """What that kind's parser read."""
    record_input: bool = False
    """What people type is recorded too."""
    labels: Mapping[str, str] = field(default_factory=dict)
    machine: str = ""
    """Of which machine this is a console; empty: of one that has no other."""
    power: object | None = None
    """How the machine's power is switched where its kind has no way of its own; what
    `ConsoleKind.power` returned."""
    enabled: bool = True

    @property
    def info(self) -> Mapping[str, str]:
        """What ``solrecd_console_info`` says; its labels count before what we say."""
        machine = {"machine": self.machine} if self.machine else {}
        return {"kind": self.kind, **machine, **self.labels}


@dataclass(frozen=True, slots=True, kw_only=True)
class Config:
    """A whole configuration, valid in itself."""

    daemon: DaemonConfig = field(default_factory=DaemonConfig)
    api: ApiConfig = field(default_factory=ApiConfig)
    web: WebConfig = field(default_factory=WebConfig)
    access: Policy = field(default_factory=Policy)
    """Who may do what on the API."""
    consoles: Mapping[str, ConsoleConfig] = field(default_factory=dict)
    """By name, in the order of the files; also those that are not enabled."""
    stages: Mapping[str, float] = field(default_factory=lambda: STAGE_TIMEOUTS)
    """Seconds in a stage after which a boot counts as stuck; absent: never."""
    loki: LokiConfig | None = None
    otlp: OtlpConfig | None = None
    offload: OffloadConfig | None = None
    cluster: ClusterConfig = field(default_factory=ClusterConfig)
    alerts: Mapping[str, ReceiverConfig] = field(default_factory=dict)
    """Receivers of alerts by their names."""

    @property
    def enabled(self) -> Mapping[str, ConsoleConfig]:
        """The consoles to record, by name."""
        return {name: c for name, c in self.consoles.items() if c.enabled}
