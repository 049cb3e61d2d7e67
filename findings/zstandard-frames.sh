#!/bin/bash
# python-zstandard: decompress() returns the first frame of several, without a word
#
# Guess:   a file of several zstd frames (seekable, or concatenated, as zstd(1) allows) is
#          decompressed whole, as zstdcat does, or refused.
# Truth:   decompress() returns the first frame and ignores the rest; a decompressobj ends
#          there, too, and has the rest in unused_data. stream_reader() reads them all.
# Matters: a log that is compressed in frames, so that one can seek in it, seems to end
#          after its first MiB.
# Version: zstandard 0.25.0; tried 2026-11-30.
set -euo pipefail
folder=$(mktemp --directory)
trap 'rm -rf "$folder"' EXIT
python3 -m venv "$folder/venv"
"$folder/venv/bin/pip" install --quiet --disable-pip-version-check zstandard==0.25.0
"$folder/venv/bin/python" - <<'PYTHON'
import io

import zstandard

frames = b"".join(map(zstandard.ZstdCompressor().compress, (b"first ", b"second")))
reader = zstandard.ZstdDecompressor()
once = reader.decompress(frames)
piece = reader.decompressobj().decompress(frames)
streamed = reader.stream_reader(io.BytesIO(frames)).read()
print("zstandard", zstandard.__version__)
print("decompress:", once, "decompressobj:", piece, "stream_reader:", streamed)
assert (once, piece) == (b"first ", b"first "), "behaviour changed"
assert streamed == b"first second", "behaviour changed"
PYTHON
