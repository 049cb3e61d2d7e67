"""``solrecd check``: checks a configuration as ``solrecd run`` would."""

from __future__ import annotations

import argparse
import sys
import tomllib
from importlib.util import find_spec
from pathlib import Path

from solrecd.analysis.boot.rulefiles import RuleError
from solrecd.analysis.boot.rulefiles.rule_warnings import rule_warnings
from solrecd.analysis.boot.rules import RuleSet
from solrecd.api.webconfig.settings import WebConfigError
from solrecd.cli.shared import config_files
from solrecd.cli.shared.amounts import counted
from solrecd.config import Config, ConfigError
from solrecd.config.lines import line_warnings
from solrecd.process import descriptors
from solrecd.storage import marker_files

USAGE = 2
"""Exit status for a configuration that is refused."""


def add_arguments(parser: argparse.ArgumentParser) -> None:
    """Add the command's options."""
    add_sources(parser)
    parser.add_argument(
        "--send-test-alert",
        nargs="?",
        const="",
        metavar="RECEIVER",
        help="send a test alert to this receiver, or to all of them",
    )


def add_sources(parser: argparse.ArgumentParser) -> None:
    """Add the options that say what to read."""
    parser.add_argument(
        "-c",
        "--config",
        default=config_files.DEFAULT_PATH,
        metavar="FILE",
        help="configuration file (default: %(default)s)",
    )
    parser.add_argument(
        "--markers",
        metavar="FOLDER",
        help="marker files to check instead of the configured ones",
    )


def main(args: argparse.Namespace) -> int:
    """Say what is wrong, all of it, or what would run."""
    wrong: list[Exception] = []
    config = rules = None
    try:
        config = load(args.config, assume_credentials=True)
    except ConfigError as error:
        wrong.append(error)
    folder = args.markers or _markers_dir(config, args.config)
    try:
        _check_web_config(config)
    except WebConfigError as error:
        wrong.append(error)
    if config is not None and config.offload is not None and not find_spec("obstore"):
        text = "[offload] needs obstore: pip install 'solrecd[offload]'"
        wrong.append(ModuleNotFoundError(text))
    try:
        rules = marker_files.load(folder)
    except RuleError as error:
        wrong.append(error)
    for each in wrong:
        print(each, file=sys.stderr)
    if wrong or config is None or rules is None:
        return USAGE
    _warn(config)
    print(f"{args.config}: {_summary(config)}")
    _tell_own_rules(folder, rules)
    if args.send_test_alert is None:
        return 0
    # Imported here: a check alone needs no Trio.
    from solrecd.cli.shared.trial_alert import send  # noqa: PLC0415

    return send(config, args.send_test_alert)


def _warn(config: Config) -> None:
    """Tell what is allowed and hardly meant."""
    few = descriptors.too_few(len(config.enabled), descriptors.limit())
    for warning in (*line_warnings(config.enabled.values()), *([few] if few else [])):
        print(f"warning: {warning}", file=sys.stderr)


def load(path: str, *, assume_credentials: bool = False) -> Config:
    """Return the configuration with every name in it checked.

    Args:
        path: of the main file.
        assume_credentials: do not ask for credentials that only systemd has.

    Raises:
        ConfigError: with all that is wrong.
    """
    return config_files.load(path, assume_credentials=assume_credentials)


def _check_web_config(config: Config | None) -> None:
    """Raise `WebConfigError` where the metrics listener has one that is wrong."""
    path = "" if config is None else config.daemon.metrics_web_config
    if path:
        # YAML is read by few.
        from solrecd.api.webconfig.live import load as load_web_config  # noqa: PLC0415

        load_web_config(path)


def _markers_dir(config: Config | None, path: str) -> str:
    """Return the configured folder, also of a configuration that is refused."""
    if config is not None:
        return config.daemon.markers_dir
    found = marker_files.USER_FOLDER
    main = Path(path)
    for file in (main, *sorted((main.parent / config_files.DROP_INS).glob("*.toml"))):
        try:
            daemon = tomllib.loads(file.read_text("utf-8")).get("daemon")
        except (OSError, ValueError, RecursionError):
            continue
        chosen = daemon.get("markers_dir") if isinstance(daemon, dict) else None
        found = chosen if isinstance(chosen, str) else found
    return found


def _summary(config: Config) -> str:
    off = len(config.consoles) - len(config.enabled)
    consoles = counted(len(config.enabled), "console")
    return f"ok, {consoles}" + (f", {off} more switched off" if off else "")


def _tell_own_rules(folder: str, rules: RuleSet) -> None:
    """Say what the administrator's files change, nothing if they change nothing."""
    plain = marker_files.load()
    packaged = {rule.id: rule for rule in plain.rules}
    own = [rule for rule in rules.rules if rule != packaged.get(rule.id)]
    replaced = sum(rule.id in packaged for rule in own)
    counts = {
        "added": len(own) - replaced,
        "replaced": replaced,
        "switched off": len(packaged.keys() - {rule.id for rule in rules.rules}),
    }
    for warning in rule_warnings(rules, own, plain.failure_names):
        print(f"warning: {warning}", file=sys.stderr)
    said = ", ".join(f"{count} {what}" for what, count in counts.items() if count)
    if said:
        print(f"{folder}: ok, marker rules: {said}")
