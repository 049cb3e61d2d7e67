"""A realistic archive to search in: many consoles that boot again and again.

Each boot is one of the captures of real boots that the simulated BMCs replay, between
lines as larger machines print them. What is one machine's (addresses, serial numbers,
its devices) stays over its boots, what is one boot's (times, pids, memory addresses,
the order of services) does not. Everything follows from the console's number, so that
figures can be compared. Made once into a folder; the closer compresses it.
"""

from __future__ import annotations

import functools
import json
import random
import re
import shutil
import time
import uuid
from collections.abc import Callable, Iterator, Sequence
from concurrent.futures import ProcessPoolExecutor
from pathlib import Path
from typing import NamedTuple

from solrecd.analysis.text import Assembler
from solrecd.events.lines import Chunk, Line
from solrecd.process.stamps import SECOND
from solrecd.simbmc import captures
from solrecd.storage.archive.closer import Closer
from solrecd.storage.formats.lines import TextFormat
from solrecd.storage.formats.names import SegmentName
from solrecd.storage.formats.retention import Retention
from solrecd.storage.formats.timing import TimingHeader, encode_packets
from solrecd.storage.formats.vocabulary import FILE_NAME

FIRST = 1_767_225_600 * SECOND
"""2026-01-01."""

PACKET = 120
"""Bytes of one packet of console output."""

NEEDLE = "zq-flux-capacitor-overrun"
"""What hardly any boot prints."""

NEEDLE_SHARE = 0.004
"""Share of boots that print it."""

_GOOD = ("boot-and-shutdown", "good-boot")
_BAD = ("panic-no-root", "emergency", "hang", "crash-after-login", "initramfs-shell")
_BAD_SHARE = 0.06

_STAMP = re.compile(r"^\[ *\d+\.\d{6}\]")
_HEX = re.compile(r"\b(?:0x)?[0-9a-f]{9,16}\b")
_NUMBER = re.compile(r"\b\d{4,7}(?=[kK]?\b)")


class Size(NamedTuple):
    """What the archive holds."""

    consoles: int
    boots: int
    lines: int
    """Lines of a boot beside those of the capture."""


class Built(NamedTuple):
    """What closing it took."""

    text: int
    """Bytes of text."""
    plain: int
    """Bytes of text, timing and raw output."""
    packed: int
    """Bytes of the compressed files."""
    words: int
    """Bytes of the vocabularies."""
    seconds: float
    """CPU time of the closer."""


DEVICES = (
    "pci {pci}: [{vendor}:{device}] type 00 class 0x{klass}",
    "pci {pci}: reg 0x10: [mem 0x{bar}-0x{bar_end} 64bit pref]",
    "pci {pci}: PME# supported from D0 D3hot D3cold",
    "pci {pci}: Adding to iommu group {small}",
    "{driver} {pci}: irq {irq} for MSI/MSI-X",
    "{driver} {pci}: enabling device (0140 -> 0142)",
    "{driver} {pci} {nic}: {speed} Gb/s link, {mac}, firmware {fw}",
    "nvme nvme{small}: {queues}/0/0 default/read/poll queues",
    "sd {scsi}: [{disk}] {sectors} 512-byte logical blocks: (8.00 TB/7.28 TiB)",
    "sd {scsi}: [{disk}] Write cache: enabled, read cache: enabled, supports DPO",
    "scsi {scsi}: Direct-Access ATA {model} {fw} PQ: 0 ANSI: 6 serial {serial}",
    "ACPI: PCI Root Bridge [PC{small}] (domain 0000 [bus {small}-{irq}])",
    "EDAC MC{small}: Giving out device to module skx_edac controller {model}",
    "mlx5_core {pci}: {speed} Gb/s available PCIe bandwidth, {fw}",
    "DMAR: DRHD base: 0x{bar} flags: 0x{small}",
    "smpboot: CPU {small} Booting Node {node}, Processor APIC 0x{klass}",
    "usb {small}-{node}: New USB device found, idVendor={vendor}, idProduct={device}",
    "ipmi_si IPI0001:00: Found new BMC (man_id: 0x{vendor}, prod_id: 0x{device})",
)

RUNTIME = (
    'audit: type=1400 audit({now}:{pid}): apparmor="STATUS" name="{service}" pid={pid}',
    "systemd[1]: Started {service}.service - {words}.",
    "systemd[1]: {service}.service: Deactivated successfully.",
    "{service}[{pid}]: {words} took {ms} ms",
    "{service}[{pid}]: connection from 10.{small}.{node}.{irq} port {port}: {words}",
    "perf: interrupt took too long ({ms} > 2500), lowering max_sample_rate to {port}",
    "nfs: server store{small} not responding, still trying",
    "nfs: server store{small} OK",
    "{nic}: NIC Link is Up {speed} Gbps, Full Duplex, Flow Control: RX",
    "EXT4-fs ({disk}{node}): mounted filesystem {uuid} r/w with ordered data mode",
    "XFS ({disk}{node}): Ending clean mount",
    "slurmd[{pid}]: launching job {port} for uid {pid}: {words}",
    "kworker/u{irq}:{node}[{pid}]: page 0x{address} order {node} {words}",
    "EDAC MC{node}: {small} CE memory read error on MC#{node}_Chan#1 (0x{address})",
)

_DRIVERS = (
    "mlx5_core ixgbe i40e megaraid_sas nvme ahci xhci_hcd ast mpt3sas qla2xxx igb"
)
_SERVICES = (
    "chronyd sshd slurmd munged node-exporter telegraf lldpd irqbalance rasdaemon "
    "smartd containerd kubelet lustre-client nvidia-persistenced autofs rsyslogd"
)
_WORDS = (
    "waiting ready reply timeout retry cache flushed mount volume cluster quorum "
    "lease renewed token accepted session opened closed user root limit exceeded "
    "warning policy updated thermal throttle cleared channel reset firmware upload "
    "complete"
)


def build(folder: Path, size: Size) -> Built:
    """Make the archive, unless it is there; takes minutes, on all processors."""
    manifest = folder / "built.json"
    if not manifest.exists():
        # What an interrupted run has left cannot be gone on with.
        shutil.rmtree(folder, ignore_errors=True)
        jobs = [Job(folder, n, size) for n in range(1, size.consoles + 1)]
        with ProcessPoolExecutor() as pool:
            parts = list(pool.map(build_console, jobs, chunksize=4))
        built = Built(*(sum(column) for column in zip(*parts, strict=True)))
        manifest.write_text(json.dumps(built))
    return Built(*json.loads(manifest.read_text()))


class Job(NamedTuple):
    """One console to make."""

    folder: Path
    number: int
    size: Size


def build_console(job: Job) -> Built:
    """Write a console's boots, then close them as the daemon does."""
    machine = _Machine(job.number)
    folder = job.folder / f"node{job.number:04}"
    folder.mkdir(parents=True, exist_ok=True)
    closer = Closer(
        job.folder, compress=True, retention=Retention(), wall_clock=lambda: FIRST
    )
    text = plain = 0
    for boot in range(1, job.size.boots + 1):
        name, sizes = machine.write_boot(folder, boot, job.size.lines)
        text += sizes["log"]
        plain += sum(sizes.values())
        closer.add(folder.name, name)
    begin = time.process_time()
    closer.work()
    seconds = time.process_time() - begin
    packed = sum(path.stat().st_size for path in folder.glob("*.zst"))
    return Built(text, plain, packed, (folder / FILE_NAME).stat().st_size, seconds)


class _Machine:
    """One console's machine: its devices stay over its boots."""

    def __init__(self, number: int) -> None:
        self._random = random.Random(number)  # noqa: S311 - it must be repeatable
        self._at = FIRST + number * 7 * SECOND
        self._offset = 0
        self._hardware: list[str] = []
        self._format = TextFormat()

    def write_boot(
        self, folder: Path, boot: int, extra: int
    ) -> tuple[SegmentName, dict[str, int]]:
        """Write one boot's three files; return its name and their sizes."""
        draw = self._random
        self._hardware = self._hardware or [
            _filled(draw, draw.choice(DEVICES)) for _ in range(extra * 2 // 3)
        ]
        self._at += draw.randrange(3600, 4 * 86400) * SECOND
        name = SegmentName(boot, 1, self._at)
        lines = list(self._lines(_capture(draw), extra))
        files = self._encode(name, lines)
        for kind, data in files.items():
            (folder / name.file(kind)).write_bytes(data)
        return name, {kind: len(data) for kind, data in files.items()}

    def _lines(self, capture: Sequence[str], extra: int) -> Iterator[str]:
        draw = self._random
        middle = len(capture) // 2
        lines = [*capture[:middle], *self._hardware, *capture[middle:]]
        printed = [line for line in lines if draw.random() > 0.03]
        clock = 0.0
        for text in _varied(draw, "\n".join(printed)).split("\n"):
            clock += draw.expovariate(300)
            yield _STAMP.sub(f"[{clock:12.6f}]", text)
        for _ in range(extra // 3):
            clock += draw.expovariate(0.5)
            yield f"[{clock:12.6f}] {_filled(draw, draw.choice(RUNTIME))}"
        if draw.random() < NEEDLE_SHARE:
            yield f"[{clock:12.6f}] fluxd[{draw.randrange(99999)}]: {NEEDLE} at gate"

    def _encode(self, name: SegmentName, lines: Sequence[str]) -> dict[str, bytes]:
        stamped = []
        chunks = []
        at = name.started
        for text in lines:
            data = text.encode("utf-8", "replace") + b"\r\n"
            stamped.append(Line(at, self._offset, text))
            for begin in range(0, len(data), PACKET):
                chunks.append(Chunk(at, data[begin : begin + PACKET]))
                at += 10_400 + self._random.randrange(900)
            self._offset += len(data)
        raw = b"".join(chunk.data for chunk in chunks)
        header = TimingHeader(name.started, self._offset - len(raw), 0).encode()
        packets, _ = encode_packets(chunks, name.started)
        log = self._format.lines(stamped)
        return {"raw": raw, "timing": header + packets, "log": log}


def _capture(draw: random.Random) -> Sequence[str]:
    names = _BAD if draw.random() < _BAD_SHARE else _GOOD
    return _captured()[draw.choice(names)]


@functools.cache
def _captured() -> dict[str, list[str]]:
    """Return the lines of the captures; read once in each process."""
    chunks = {name: [Chunk(0, captures.load(name).data)] for name in (*_GOOD, *_BAD)}
    return {
        name: [line.text for line in Assembler().feed(data)]
        for name, data in chunks.items()
    }


def _varied(draw: random.Random, text: str) -> str:
    """Return lines as another boot prints them."""
    text = _HEX.sub(lambda found: f"{draw.getrandbits(len(found[0]) * 4):x}", text)
    return _NUMBER.sub(lambda found: str(_near(draw, int(found[0]))), text)


def _near(draw: random.Random, number: int) -> int:
    return number if draw.random() < 0.7 else int(number * draw.uniform(0.98, 1.02))


def _filled(draw: random.Random, template: str) -> str:
    """Return a template with values in it."""
    return re.sub(r"\{(\w+)\}", lambda found: _VALUES[found[1]](draw), template)


_SERIAL = "ABCDEFGHJKLMNPQRSTUVWXYZ0123456789"


def _hexadecimal(digits: int) -> Callable[[random.Random], str]:
    return lambda draw: f"{draw.getrandbits(digits * 4):0{digits}x}"


def _below(limit: int) -> Callable[[random.Random], str]:
    return lambda draw: str(draw.randrange(limit))


def _one_of(values: Sequence[str]) -> Callable[[random.Random], str]:
    return lambda draw: draw.choice(values)


_VALUES: dict[str, Callable[[random.Random], str]] = {
    "pci": lambda draw: f"0000:{draw.randrange(256):02x}:{draw.randrange(32):02x}.0",
    "vendor": _one_of(("8086", "15b3", "1000", "10de", "144d", "1a03")),
    "device": _hexadecimal(4),
    "klass": _hexadecimal(6),
    "bar": _hexadecimal(9),
    "bar_end": _hexadecimal(9),
    "small": _below(64),
    "node": _below(8),
    "irq": _below(256),
    "queues": _below(128),
    "driver": _one_of(_DRIVERS.split()),
    "nic": lambda draw: f"enp{draw.randrange(200)}s0f{draw.randrange(4)}np0",
    "speed": _one_of(("10", "25", "100", "200")),
    "mac": lambda draw: ":".join(f"{draw.randrange(256):02x}" for _ in range(6)),
    "fw": lambda draw: f"{draw.randrange(30)}.{draw.randrange(3000)}",
    "scsi": lambda draw: f"{draw.randrange(8)}:0:{draw.randrange(30)}:0",
    "disk": lambda draw: f"sd{draw.choice('abcdefghij')}",
    "sectors": _below(10**10),
    "model": _one_of(("ST8000NM0055", "MZ7LH3T8", "SSDPE2KX040T8", "WDC WUH721414")),
    "serial": lambda draw: "".join(draw.choices(_SERIAL, k=12)),
    "now": lambda draw: f"17{draw.randrange(10**8)}.{draw.randrange(1000):03}",
    "pid": _below(65536),
    "ms": _below(20000),
    "port": _below(65536),
    "service": _one_of(_SERVICES.split()),
    "words": lambda draw: " ".join(
        draw.choices(_WORDS.split(), k=draw.randrange(2, 6))
    ),
    "uuid": lambda draw: str(uuid.UUID(int=draw.getrandbits(128))),
    "address": _hexadecimal(10),
}
