"""Which keys ``[daemon]`` and ``[stages.timeout]`` have; `model` has their defaults."""

from __future__ import annotations

from types import MappingProxyType

from solrecd.config.addresses import listener
from solrecd.config.keys import Key, Schema
from solrecd.config.model import Fsync
from solrecd.config.values import (
    absolute_path,
    boolean,
    choice,
    duration,
    enum_or,
    integer,
    off_or,
    size,
)
from solrecd.events.stages import WAITING, Stage
from solrecd.process.log_settings import LogFormat, LogLevel

_MIB = 1024 * 1024
_GIB = 1024 * _MIB
_YEAR = 365 * 86400.0

_STAGES = {
    Stage.FIRMWARE: "Firmware that trains memory and probes devices; a server with much"
    " memory is silent for minutes.",
    Stage.BOOTDEV: "The search for something to boot; PXE tries each port in turn, and"
    " each try waits for DHCP.",
    Stage.LOADER: "GRUB, or another boot loader, and its menu.",
    Stage.KERNEL: "The kernel, until it starts the first program.",
    Stage.INITRAMFS: "The initial RAM disk, until the root file system is mounted.",
    Stage.INIT: "Services that start, until a login prompt appears.",
    WAITING: "A boot that waits for a person, in any stage (event"
    " `waiting_for_input`: a passphrase, a menu, an installer's dialog). It replaces"
    " the stage's own limit.",
}
"""Stages that a boot leaves again; the others have no time limit."""

STAGE_TIMEOUT_KEYS: Schema = MappingProxyType(
    {
        str(stage): Key(off_or(duration(1, _YEAR)), what)
        for stage, what in _STAGES.items()
    }
)

DAEMON_KEYS: Schema = MappingProxyType(
    {
        "log_dir": Key(
            absolute_path,
            "Archives: a folder per console, with the text, the exact bytes and the"
            " timing of each boot.",
        ),
        "state_dir": Key(
            absolute_path,
            "The index of boots and events is here; it can be rebuilt from the"
            " archives (`solrecctl reindex`).",
        ),
        "control": Key(
            absolute_path, "The socket of `solrecctl`. Its group may use it."
        ),
        "journal": Key(
            absolute_path,
            "Where bytes are recorded before they are acknowledged: a file in memory"
            " (tmpfs). When not set, `journal` beside the control socket.",
            example="/run/solrecd/journal",
        ),
        # The ring needs room for a few slabs per console, and /run is memory.
        "journal_size": Key(
            size(_MIB, 64 * _GIB),
            "The size of that file. It buffers what a slow, hanging or full disk cannot"
            " take.",
        ),
        "metrics": Key(
            listener, 'Prometheus\'s listener, `/metrics`; `""` switches it off.'
        ),
        "metrics_web_config": Key(
            absolute_path,
            "TLS and passwords of that listener: a web configuration file as"
            " Prometheus's exporters have it. It and its certificates are read again"
            " when they change.",
            example="/etc/solrecd/web-config.yml",
        ),
        "fsync": Key(
            enum_or(Fsync, duration(0.25, 3600)),
            "When archives are forced to the disk: every so often, with each drain of"
            ' the journal (`"drain"`: every 250 ms), or only when a segment is closed'
            ' (`"off"`). A host that loses power loses no more than that.',
        ),
        "segment_size": Key(
            size(64 * 1024, 64 * _GIB),
            "A boot that exceeds this size continues in another part.",
        ),
        "segment_age": Key(
            off_or(duration(60, _YEAR)),
            "A boot that exceeds this age continues in another part.",
        ),
        "compress": Key(
            boolean,
            "Closed segments become zstd files, which `zstdcat`, `zstdgrep` and `rg -z`"
            " read.",
        ),
        "retention_age": Key(
            off_or(duration(60, 100 * _YEAR)),
            'Closed segments older than this are deleted; `"off"`: never.',
        ),
        "retention_boots": Key(
            off_or(integer(1, 1_000_000)),
            "The oldest boots of a console beyond this number are deleted.",
        ),
        "retention_bytes": Key(
            off_or(size(_MIB, 1024 * 1024 * _GIB)),
            "The oldest boots of a console beyond this size on disk are deleted.",
        ),
        "retention_total": Key(
            off_or(size(_MIB, 1024 * 1024 * _GIB)),
            "The oldest boots of all consoles beyond this size together are deleted.",
        ),
        "keep_free": Key(
            off_or(size(_MIB, 1024 * _GIB)),
            "While the file system of `log_dir` has less free space than this, closed"
            ' segments are deleted anyway, the oldest first. `"off"`: nothing is'
            " deleted that the keys above keep; when space gets low there is an event"
            " (`disk_low`), and what they allow is deleted at once.",
        ),
        "login_concurrency": Key(
            integer(1, 10_000),
            "Logins at the same time: limits the load when a fleet comes back after a"
            " power failure.",
        ),
        "markers_dir": Key(
            absolute_path,
            "Marker rules of your own: files that add rules or switch packaged ones"
            " off.",
        ),
        "log_level": Key(
            choice(LogLevel),
            "The least important message that solrecd's own log has.",
        ),
        "log_format": Key(
            choice(LogFormat),
            'What that log looks like. `"auto"`: coloured on a terminal, for the'
            " journal under systemd, else logfmt.",
        ),
    }
)
