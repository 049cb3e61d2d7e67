"""``solrecd token``: a new token for the API, and the hash that the daemon keeps."""

from __future__ import annotations

import argparse
import secrets
import sys

from solrecd.process.access import digest_of

RANDOM_BYTES = 32
"""Of a token: 256 bits, 43 characters."""


def add_arguments(parser: argparse.ArgumentParser) -> None:
    """Add the command's options: none."""
    parser.epilog = """\
The token goes to standard output, the line for the configuration to standard
error."""


def main(_: argparse.Namespace) -> int:
    """Print both, apart: one is a secret, the other is not."""
    token = secrets.token_urlsafe(RANDOM_BYTES)
    print(token)
    sys.stdout.flush()
    digest = digest_of(token.encode()).hex()
    print(f'token_sha256 = "{digest}"', file=sys.stderr)
    return 0
