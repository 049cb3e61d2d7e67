"""`solrecctl import`: the consoles of ConMan, conserver or a list, as our TOML."""

from __future__ import annotations

import argparse
import itertools
import os
import re
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from types import MappingProxyType
from typing import Any

from solrecd.cli.inventory import (
    Inventory,
    Passwords,
    Remark,
    read_conman,
    read_conserver,
    read_hosts,
    render,
)
from solrecd.cli.program import CommandError, Exit
from solrecd.cli.shared.output import safe, screen, warn

_FORMATS: Mapping[str, Callable[[str], Inventory]] = MappingProxyType(
    {"conman": read_conman, "conserver": read_conserver, "hosts": read_hosts}
)
_SIGNS = (
    (
        "conman",
        re.compile(
            r"^\s*(?:server|global|console)\s+\w+\s*=", re.IGNORECASE | re.MULTILINE
        ),
    ),
    (
        "conserver",
        re.compile(r"^\s*(?:console|default|config|access)\s[^=\n]*\{", re.MULTILINE),
    ),
)
"""What tells a format by its text; what has none of it is a list of hosts."""


@dataclass(frozen=True, slots=True)
class _Text:
    """One foreign file."""

    path: str
    text: str

    @property
    def lines(self) -> int:
        return self.text.count("\n")


def add_arguments(parser: argparse.ArgumentParser) -> None:
    """Add the command's options."""
    parser.add_argument(
        "files",
        metavar="FILE",
        nargs="+",
        help="conman.conf, conserver.cf (included files first), or lines of /etc/hosts"
        " or of ipmitool commands",
    )
    parser.add_argument(
        "--from",
        dest="format",
        choices=_FORMATS,
        help="format of the files (default: recognised by content)",
    )
    parser.add_argument(
        "-o",
        "--out",
        type=Path,
        metavar="FILE",
        help="write there, passwords included, readable by the owner only; without it"
        " the text is printed, and names files in place of passwords",
    )


def main(args: argparse.Namespace) -> int:
    """Print or write the TOML; tell on standard error what had no equivalent."""
    texts = [_read(path) for path in args.files]
    whole = "".join(one.text for one in texts)
    inventory = _FORMATS[args.format or _format_of(whole)](whole)
    if args.json:
        screen().objects(_objects(inventory, texts))
    else:
        _tell(inventory, texts)
        _write(inventory, args.out)
    return Exit.DONE if inventory.consoles else Exit.NO


def _read(path: str) -> _Text:
    try:
        text = Path(path).read_text(encoding="utf-8", errors="replace")
    except OSError as error:
        raise CommandError(f"{path}: {error.strerror}") from None
    return _Text(path, text if text.endswith("\n") else text + "\n")


def _format_of(text: str) -> str:
    return next((name for name, sign in _SIGNS if sign.search(text)), "hosts")


def _tell(inventory: Inventory, texts: Sequence[_Text]) -> None:
    for remark in inventory.remarks:
        warn(f"{_place(remark, texts)}: {safe(remark.what)}: {safe(remark.why)}")
    if not inventory.consoles:
        warn("no console found; use --from to name the format")


def _place(remark: Remark, texts: Sequence[_Text]) -> str:
    begins = itertools.accumulate((one.lines for one in texts), initial=0)
    path, begin = next(
        (one.path, begin)
        for one, begin in zip(reversed(texts), reversed(list(begins)[:-1]), strict=True)
        if begin < remark.line or not begin
    )
    return f"{path}:{remark.line - begin}"


def _write(inventory: Inventory, out: Path | None) -> None:
    if not inventory.consoles:
        return
    if out is None:
        screen().line(render(inventory.consoles, Passwords.LEFT_OUT).rstrip("\n"))
        return
    text = render(inventory.consoles, Passwords.WRITTEN)
    try:
        with open(out, "x", encoding="utf-8", opener=_private) as file:
            file.write(text)
    except FileExistsError:
        raise CommandError(f"{out} exists already; name another file") from None
    except OSError as error:
        raise CommandError(f"{out}: {error.strerror}") from None
    warn(f"{len(inventory.consoles)} consoles in {out}; try: solrecd check -c {out}")


def _private(path: str, flags: int) -> int:
    return os.open(path, flags, 0o600)


def _objects(
    inventory: Inventory, texts: Sequence[_Text]
) -> Iterator[Mapping[str, Any]]:
    for console in inventory.consoles:
        settings = {
            key: value
            for key, value in console.settings.items()
            if key not in {"password", "kg"}
        }
        yield {"console": console.name, **console.located, **settings}
    for remark in inventory.remarks:
        place = _place(remark, texts)
        yield {"remark": remark.why, "what": remark.what, "place": place}
