"""What a valid configuration is: the values that the rest of solrecd receives.

Defaults live here and nowhere else; what each key is for, its `keys.Key` says.
"""

from __future__ import annotations

import enum
from collections.abc import Mapping
from dataclasses import dataclass, field
from types import MappingProxyType

from solrecd.config.alerts import ReceiverConfig
from solrecd.config.loki import LokiConfig
from solrecd.events import Stage
from solrecd.process.access import Policy
from solrecd.process.log_settings import LogFormat, LogLevel
from solrecd.process.secret import Secret
from solrecd.process.tls import TlsFiles

_MIB = 1024 * 1024

BAUD_RATES = (9600, 19200, 38400, 57600, 115200)
"""Bit rates that SoL knows (IPMI 2.0 Table 26-5)."""

IPMI_PORT = 623
"""UDP port of RMCP (IPMI 2.0 §13.1.2, "primary RMCP port")."""

STAGE_TIMEOUTS: Mapping[Stage, float] = MappingProxyType(
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
    }
)
"""Seconds in a stage after which a boot counts as stuck."""


class Privilege(enum.StrEnum):
    """Privilege level asked for at login (IPMI 2.0 §13.17)."""

    AUTO = "auto"
    """The lowest that the BMC's SoL configuration accepts."""
    USER = "user"
    OPERATOR = "operator"
    ADMINISTRATOR = "administrator"


class OnConflict(enum.StrEnum):
    """What to do about somebody else's SoL session."""

    WAIT = "wait"
    """Leave them alone until they go."""
    TAKE = "take"
    """Take it, at most 3 times in 10 minutes: two recorders must not fight."""
    YIELD = "yield"
    """Leave them alone for `ConsoleConfig.yield_for`, then take it."""


class AddressFamily(enum.StrEnum):
    """Which addresses of a BMC's name are used."""

    ANY = "any"
    IPV4 = "ipv4"
    IPV6 = "ipv6"


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


@dataclass(frozen=True, slots=True, kw_only=True)
class ConsoleConfig:
    """One console: a BMC, how to log in to it and what to do there."""

    name: str
    """A folder name: letters, digits, ``.``, ``_`` and ``-``."""
    host: str
    """Name or address of the BMC, without port and brackets."""
    port: int = IPMI_PORT
    family: AddressFamily = AddressFamily.ANY
    bind: str | None = None
    """Address of this machine to send from."""
    username: bytes
    """0-16 bytes (IPMI 2.0 §22.28)."""
    password: Secret
    """0-20 bytes (IPMI 2.0 §22.30)."""
    kg: Secret | None = None
    """The BMC key K_g, 1-20 bytes (IPMI 2.0 §13.33); None: the user's password."""
    cipher_suites: tuple[int, ...] = (17, 3)
    """In the order tried (IPMI 2.0 Table 22-20)."""
    privilege: Privilege = Privilege.AUTO
    insecure: bool = False
    """Suites 0-2 and SoL without encryption are allowed."""
    quirks: frozenset[str] = frozenset()
    """Names of `solrecd.sources.ipmi.protocol.quirks`."""
    on_conflict: OnConflict = OnConflict.WAIT
    """Somebody else holds the console when we come."""
    on_stolen: OnConflict = OnConflict.YIELD
    """Somebody else takes the console from us."""
    yield_for: float = 900.0
    """Seconds, since the other one was last seen."""
    keepalive: float = 20.0
    """Seconds between two IPMI commands, also while output flows."""
    sol_instance: int = 1
    """Payload instance, 1-15 (IPMI 2.0 §24.1)."""
    payload_size: int | None = None
    """Most SoL bytes sent in one packet, 1-255; None: what the BMC says."""
    auxiliary: int | None = None
    """First auxiliary byte of Activate Payload without its encryption and
    authentication bits, 0-63 (IPMI 2.0 Table 24-2); None: as the quirks say."""
    serial_keepalive: float | None = None
    """Seconds between NUL bytes typed into a silent console; None: never."""
    record_input: bool = False
    """What people type is recorded too."""
    baud: int | None = None
    """Bit rate of the machine's serial console, one of `BAUD_RATES`, for `solrecctl
    doctor` to compare; None: what the kernel's command line said."""
    labels: Mapping[str, str] = field(default_factory=dict)
    enabled: bool = True


@dataclass(frozen=True, slots=True, kw_only=True)
class Config:
    """A whole configuration, valid in itself."""

    daemon: DaemonConfig = field(default_factory=DaemonConfig)
    api: ApiConfig = field(default_factory=ApiConfig)
    access: Policy = field(default_factory=Policy)
    """Who may do what on the API."""
    consoles: Mapping[str, ConsoleConfig] = field(default_factory=dict)
    """By name, in the order of the files; also those that are not enabled."""
    stages: Mapping[Stage, float] = field(default_factory=lambda: STAGE_TIMEOUTS)
    """Seconds in a stage after which a boot counts as stuck; absent: never."""
    loki: LokiConfig | None = None
    alerts: Mapping[str, ReceiverConfig] = field(default_factory=dict)
    """Who is told of what, by the receiver's name."""

    @property
    def enabled(self) -> Mapping[str, ConsoleConfig]:
        """The consoles to record, by name."""
        return {name: c for name, c in self.consoles.items() if c.enabled}
