"""``solrecd check``: is this configuration one that ``solrecd run`` would take?"""

from __future__ import annotations

import argparse
import sys

from solrecd import configfiles, markerfiles
from solrecd.boot.rulefiles import RuleError
from solrecd.config import Config, ConfigError
from solrecd.ipmi.quirks import Quirk

USAGE = 2
"""Exit status for a configuration that is refused."""


def add_arguments(parser: argparse.ArgumentParser) -> None:
    """Add the command's options."""
    parser.add_argument(
        "-c",
        "--config",
        default=configfiles.DEFAULT_PATH,
        metavar="FILE",
        help="configuration file (default: %(default)s)",
    )


def main(args: argparse.Namespace) -> int:
    """Say what is wrong, all of it, or what would run."""
    try:
        config = load(args.config, assume_credentials=True)
        # Each rule is tried on its own example.
        markerfiles.load(config.daemon.markers_dir)
    except (ConfigError, RuleError) as error:
        print(error, file=sys.stderr)
        return USAGE
    print(f"{args.config}: {_in_words(config)}")
    return 0


def load(path: str, *, assume_credentials: bool = False) -> Config:
    """Return the configuration with every name in it checked.

    Args:
        path: of the main file.
        assume_credentials: do not ask for credentials that only systemd has.

    Raises:
        ConfigError: with all that is wrong.
    """
    return configfiles.load(
        path, quirks=list(Quirk), assume_credentials=assume_credentials
    )


def _in_words(config: Config) -> str:
    off = len(config.consoles) - len(config.enabled)
    consoles = f"{len(config.enabled)} consoles"
    return f"ok, {consoles}" + (f", {off} more switched off" if off else "")
