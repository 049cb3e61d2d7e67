"""`solrecctl discover`: which ways to a console hosts have, as our TOML."""

from __future__ import annotations

import argparse
from collections.abc import Sequence
from pathlib import Path

from solrecd.cli.discovery.findings import HTTPS_PORT, Finding
from solrecd.cli.discovery.targets import UNASKED, targets
from solrecd.cli.inventory import Passwords, render
from solrecd.cli.inventory.found import Collector
from solrecd.cli.program import CommandError, Exit
from solrecd.cli.shared.confirmation import is_agreed, require_terminal
from solrecd.cli.shared.output import screen, warn
from solrecd.process.secret import Secret
from solrecd.sources.ipmi.protocol.constants import RMCP_PORT

_SSH_PORTS = "22,2200"


def add_arguments(parser: argparse.ArgumentParser) -> None:
    """Add the command's options."""
    parser.add_argument(
        "hosts",
        metavar="HOST",
        nargs="+",
        help="a name, a host range (node[01-16]-bmc), an address, or a network"
        " (192.0.2.0/24)",
    )
    parser.add_argument(
        "--redfish",
        action="store_true",
        help="also ask Redfish for serial consoles, with --username",
    )
    parser.add_argument("-u", "--username", metavar="NAME", help="account for Redfish")
    parser.add_argument(
        "--password-file",
        metavar="FILE",
        help="its password: one line in a file that no other user may read",
    )
    parser.add_argument(
        "--ca-file",
        metavar="FILE",
        help="certificates (PEM) of the BMCs' authorities; the account is sent to no"
        " other host",
    )
    _add_ports(parser)
    parser.add_argument(
        "-y",
        "--yes",
        action="store_true",
        help=f"do not ask before more than {UNASKED} addresses are asked",
    )


def _add_ports(parser: argparse.ArgumentParser) -> None:
    parser.add_argument("--ipmi-port", type=int, default=RMCP_PORT, metavar="PORT")
    parser.add_argument("--https-port", type=int, default=HTTPS_PORT, metavar="PORT")
    parser.add_argument(
        "--ssh-ports",
        type=_ports,
        default=_ports(_SSH_PORTS),
        metavar="PORTS",
        help=f"default: {_SSH_PORTS}",
    )


def _ports(text: str) -> Sequence[int]:
    return [int(port) for port in text.split(",") if port]


def main(args: argparse.Namespace) -> int:
    """Print the TOML; tell on standard error what a person should know."""
    try:
        hosts = targets(args.hosts)
    except ValueError as error:
        raise CommandError(str(error)) from None
    if len(hosts) > UNASKED and not args.yes:
        _confirm(len(hosts))
    found = _ask(hosts, args)
    if args.json:
        screen().objects(one.as_dict() for one in found)
    else:
        _show(found)
    return Exit.DONE if found else Exit.NO


def _confirm(count: int) -> None:
    require_terminal(f"{count} addresses")
    if not is_agreed(f"Ask {count} addresses? [y/N]"):
        raise CommandError("nothing was asked")


def _ask(hosts: Sequence[str], args: argparse.Namespace) -> Sequence[Finding]:
    # Imported here: no other command needs Trio and TLS.
    import trio  # noqa: PLC0415

    from solrecd.cli.discovery.asking import Where, ask_all  # noqa: PLC0415

    if args.redfish and (args.username is None or args.password_file is None):
        raise CommandError("--redfish needs --username and --password-file")
    where = Where(
        ipmi_port=args.ipmi_port,
        ssh_ports=args.ssh_ports,
        https_port=args.https_port,
        username=args.username if args.redfish else None,
        password=_password(args.password_file) if args.redfish else Secret(b""),
        ca_file=args.ca_file,
    )
    found: list[Finding] = []
    trio.run(ask_all, hosts, where, found.append)
    return found


def _password(path: str) -> Secret:
    try:
        file = Path(path)
        mode = file.stat().st_mode
        content = file.read_bytes()
    except OSError as error:
        raise CommandError(f"{path}: {error.strerror}") from None
    if mode & 0o077:
        raise CommandError(f"{path}: others can read it; chmod 600 {path}")
    return Secret(content.removesuffix(b"\n").removesuffix(b"\r"))


def _show(found: Sequence[Finding]) -> None:
    collector = Collector()
    for line, one in enumerate(found, 1):
        for remark in one.remarks():
            warn(f"{one.host}: {remark}")
        place = one.place()
        if place is not None:
            collector.add(line, one.name, place)
    inventory = collector.inventory()
    for renamed in inventory.remarks:
        warn(f"{renamed.what}: {renamed.why}")
    if inventory.consoles:
        screen().line(render(inventory.consoles, Passwords.LEFT_OUT).rstrip("\n"))
    if not found:
        warn("no answer: neither IPMI nor SSH nor Redfish")
