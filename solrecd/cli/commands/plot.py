"""`solrecctl plot`: how long the last boots stayed in each stage, as an image."""

from __future__ import annotations

import argparse
import time
from collections.abc import Mapping, Sequence
from functools import partial
from itertools import groupby
from pathlib import Path
from typing import TYPE_CHECKING, Any, Final, NamedTuple

from solrecd.cli.program import CommandError, Exit, renamed
from solrecd.cli.shared import amounts, when
from solrecd.cli.shared.history import indexed
from solrecd.cli.shared.output import safe
from solrecd.cli.shared.read_reports import Faults
from solrecd.cli.shared.source import Source
from solrecd.events.stages import Stage
from solrecd.storage.history.compare import stage_durations

if TYPE_CHECKING:
    from matplotlib.axes import Axes
    from matplotlib.figure import Figure

NEWEST: Final = 20
"""Boots of each console, unless told otherwise."""

MOST_CONSOLES: Final = 40
"""Consoles in one image; more would be unreadable."""

_FORMATS: Final = ("svg", "png", "pdf")

_COLOURS: Final = {
    Stage.FIRMWARE: "#b9a7d6",
    Stage.BOOTDEV: "#d6a7c9",
    Stage.LOADER: "#e3c184",
    Stage.KERNEL: "#8fb8de",
    Stage.INITRAMFS: "#86c5c1",
    Stage.INIT: "#a3cf8f",
}
"""Of the stages on the way; ``login`` is where it ends."""

_FAILED: Final = {"failed": "#b3261e", "stuck": "#b3261e", "unknown": "#68707a"}

_STYLE: Final[dict[Any, Any]] = {
    "svg.fonttype": "none",  # text stays text
    "svg.hashsalt": "solrecd",  # the same boots make the same file
}


class Bar(NamedTuple):
    """One boot."""

    number: int
    outcome: str
    reached: str
    seconds: Mapping[str, float]
    """In each stage that it left for another one, in order."""


def add_arguments(parser: argparse.ArgumentParser) -> None:
    """Add the command's options."""
    parser.add_argument("names", metavar="NAMES", nargs="*", help="default: all")
    parser.add_argument(
        "-o",
        "--output",
        metavar="FILE",
        help=f"output file; the suffix sets the format: {', '.join(_FORMATS)}",
    )
    parser.add_argument(
        "--out",
        dest="output",
        action=renamed("--out", "--output"),
        help=argparse.SUPPRESS,
    )
    parser.add_argument(
        "-n",
        metavar="N",
        type=amounts.positive,
        default=NEWEST,
        dest="newest",
        help="the last N boots of each console (default: %(default)s)",
    )
    parser.add_argument("--since", metavar="TIME", help=when.HELP)
    parser.epilog = "Requires matplotlib: pip install 'solrecd[plot]'"


def main(args: argparse.Namespace) -> int:
    """Write the picture; exit status 1 when there are no boots."""
    if args.output is None:
        raise CommandError("the image has no name: -o FILE.svg")
    path = Path(args.output)
    if path.suffix.removeprefix(".") not in _FORMATS:
        raise CommandError(f"{path}: the name has to end in .svg, .png or .pdf")
    now = time.time_ns() // 1000
    source, faults = Source(args), Faults()
    with indexed(
        source,
        partial(source.choose, args.names),
        faults,
    ) as (index, chosen):
        since = when.parse_bound(args.since, now)
        rows = list(index.boots(chosen, since=since, newest=args.newest))
    if not rows:
        return Exit.NO
    _write(path, bars(rows))
    print(f"{safe(str(path))}: {len(rows)} boots")
    return faults.status


def bars(rows: Sequence[Mapping[str, Any]]) -> dict[str, list[Bar]]:
    """Return the bars of each console, from boots as the index has them."""
    ordered = sorted(rows, key=lambda row: (row["console"], row["boot"]))
    return {
        console: [_bar(row) for row in its]
        for console, its in groupby(ordered, key=lambda row: str(row["console"]))
    }


def _bar(row: Mapping[str, Any]) -> Bar:
    # A machine may be in its last stage for months: that is not part of a boot.
    seconds = stage_durations(row["stages"], None)
    return Bar(row["boot"], row["outcome"], row["last_stage"], seconds)


def _write(path: Path, consoles: Mapping[str, Sequence[Bar]]) -> None:
    if len(consoles) > MOST_CONSOLES:
        raise CommandError(
            f"{len(consoles)} consoles are too many for one image (at most"
            f" {MOST_CONSOLES}); name some"
        )
    try:
        # Imported here: an extra, and slow.
        import matplotlib as mpl  # noqa: PLC0415
    except ImportError:
        remedy = "pip install 'solrecd[plot]', or Debian's python3-matplotlib"
        raise CommandError(f"plot needs matplotlib: {remedy}") from None
    undated = {"Date": None} if path.suffix == ".svg" else None
    with mpl.rc_context(_STYLE):
        figure = _figure(consoles)
        try:
            figure.savefig(path, bbox_inches="tight", metadata=undated)
        except OSError as error:
            raise CommandError(f"{path}: {error.strerror}") from None


def _figure(consoles: Mapping[str, Sequence[Bar]]) -> Figure:
    from matplotlib.figure import Figure  # noqa: PLC0415

    widest = max(map(len, consoles.values()))
    size = (max(6.0, 2.0 + 0.42 * widest), 1.0 + 2.4 * len(consoles))
    figure = Figure(figsize=size, layout="constrained")
    grid = figure.subplots(len(consoles), 1, squeeze=False)
    for axes, (console, its) in zip(grid[:, 0], consoles.items(), strict=True):
        _draw(axes, console, its)
    _legend(figure)
    return figure


def _draw(axes: Axes, console: str, its: Sequence[Bar]) -> None:
    """Draw one console: a stacked bar per boot, a cross on those that failed."""
    places = range(len(its))
    tops = [0.0] * len(its)
    for stage, colour in _COLOURS.items():
        heights = [bar.seconds.get(stage, 0.0) for bar in its]
        axes.bar(places, heights, 0.75, bottom=tops, color=colour)
        tops = [top + height for top, height in zip(tops, heights, strict=True)]
    above = 0.03 * max(*tops, 1.0)
    for place, (bar, top) in enumerate(zip(its, tops, strict=True)):
        if bar.outcome in _FAILED:
            axes.text(
                place,
                top + above,
                f"\N{MULTIPLICATION SIGN} {bar.reached}",
                color=_FAILED[bar.outcome],
                ha="center",
                va="bottom",
                fontsize=7,
                rotation=90,
            )
    axes.set_title(safe(console).replace("$", r"\$"), loc="left", fontsize=10)
    axes.set_xticks(list(places), [str(bar.number) for bar in its], fontsize=8)
    axes.set_ylabel("seconds", fontsize=8)
    axes.margins(x=0.01, y=0.25)
    axes.spines[["top", "right"]].set_visible(False)


def _legend(figure: Figure) -> None:
    from matplotlib.patches import Patch  # noqa: PLC0415

    patches = [Patch(color=colour, label=stage) for stage, colour in _COLOURS.items()]
    figure.legend(
        handles=patches, loc="outside lower center", ncols=len(patches), fontsize=8
    )
