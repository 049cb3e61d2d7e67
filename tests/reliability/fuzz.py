"""``python -m tests.reliability.fuzz TARGET [libFuzzer options]``.

Coverage-guided fuzzing with atheris of everything that reads what others wrote: each
decoder may raise the one exception of its border, and nothing else.
"""

from __future__ import annotations

import contextlib
import sys
import tempfile
from collections.abc import Callable, Mapping
from pathlib import Path

import atheris

with atheris.instrument_imports(include=["solrecd"]):
    from solrecd.alerts.senders.table import RECEIVERS
    from solrecd.config import ConfigError, Source, parse
    from solrecd.sources.ipmi.protocol.auth import SessionKeys
    from solrecd.sources.ipmi.protocol.cipher import SessionCipher
    from solrecd.sources.ipmi.protocol.handshake import (
        decode_open_session_response,
        decode_rakp2,
        decode_rakp4,
    )
    from solrecd.sources.ipmi.protocol.messages import decode_request, decode_response
    from solrecd.sources.ipmi.protocol.packets import (
        MalformedPacket,
        decode_envelope,
        decode_legacy,
        decode_sol,
    )
    from solrecd.sources.ipmi.protocol.suites import CIPHER_SUITES
    from solrecd.sources.table import CONSOLE_KINDS
    from solrecd.storage.formats.names import parse_file_name
    from solrecd.storage.formats.seektable import decode_seek_table
    from solrecd.storage.formats.timing import Timing
    from tests.support.joined import SESSION_ID, Joined

CORPUS = Path(__file__).parent / "corpus"

_DECODERS: tuple[Callable[[bytes], object], ...] = (
    decode_envelope,
    decode_legacy,
    decode_open_session_response,
    decode_rakp2,
    decode_rakp4,
    decode_request,
    decode_response,
    decode_sol,
)


def fuzz_packets(data: bytes) -> None:
    """Feed every decoder and a cipher."""
    for decode in _DECODERS:
        with contextlib.suppress(MalformedPacket):
            decode(data)
    keys = SessionKeys(bytes(20), bytes(20), bytes(20))
    for suite in (3, 17):
        cipher = SessionCipher(CIPHER_SUITES[suite], keys, SESSION_ID, 2, bytes(16))
        with contextlib.suppress(MalformedPacket):
            cipher.open(data)


def fuzz_sol(data: bytes) -> None:
    """Feed an established session the SoL payloads of a BMC that lost its mind."""
    joined = Joined().log_in().activate()
    for start in range(0, len(data), 16):
        payload = data[start : start + 16]
        joined.feed(joined.bmc.seal(1, payload))
    joined.session.datagrams()


def fuzz_config(data: bytes) -> None:
    """Feed the configuration."""
    text = data.decode("utf-8", "replace")
    with contextlib.suppress(ConfigError):
        parse([Source("fuzz.toml", text)], consoles=CONSOLE_KINDS, receivers=RECEIVERS)


def fuzz_archive(data: bytes) -> None:
    """Feed what reads an archive's files."""
    Timing.parse(data)
    parse_file_name(data.decode("utf-8", "replace"))
    with contextlib.suppress(ValueError):
        decode_seek_table(data)


TARGETS: Mapping[str, Callable[[bytes], None]] = {
    "packets": fuzz_packets,
    "sol": fuzz_sol,
    "config": fuzz_config,
    "archive": fuzz_archive,
}


def main(argv: list[str]) -> None:
    """Fuzz one target; libFuzzer ends the process."""
    target, options = argv[1], argv[2:]
    # libFuzzer writes what it finds into the first folder; the stored corpus stays.
    with tempfile.TemporaryDirectory(prefix="fuzz-") as found:
        corpora = [found, str(CORPUS / target)]
        atheris.Setup([argv[0], *options, *corpora], TARGETS[target])
        atheris.Fuzz()


if __name__ == "__main__":
    main(sys.argv)
