"""Draws the dashboards' panels from a real Prometheus's answers, for the README.

``python -m tools.dashboards.pictures``. No Grafana is at hand where solrecd is built:
this shows what the expressions return, laid out and coloured as the panels say; fonts
and details are matplotlib's.
"""

from __future__ import annotations

import json
import tempfile
from collections.abc import Callable, Iterable, Mapping, Sequence
from itertools import groupby
from pathlib import Path
from typing import Any, Final

import matplotlib as mpl
from matplotlib.axes import Axes
from matplotlib.figure import Figure

from tools.dashboards.__main__ import FOLDER, texts
from tools.dashboards.scenario import START
from tools.dashboards.server import STEP, Prometheus, prometheus

PICTURES: Final = FOLDER / "pictures"
CONSOLE: Final = "node005"

_COLORS: Final = {
    "green": "#56a64b",
    "yellow": "#e0b400",
    "orange": "#ff780a",
    "red": "#e02f44",
    "blue": "#3274d9",
}
_WIDTH, _ROW = 24, 0.3
"""Columns of a dashboard, and inches per row of one."""

Panel = Mapping[str, Any]
Series = Sequence[Mapping[str, Any]]
Draw = Callable[[Axes, Panel, Sequence[Series]], None]


def main() -> None:
    """Write a picture of each dashboard."""
    mpl.use("agg")
    mpl.rcParams.update({"font.size": 7, "axes.grid": True, "grid.alpha": 0.3})
    PICTURES.mkdir(exist_ok=True)
    with tempfile.TemporaryDirectory() as folder, prometheus(Path(folder)) as server:
        for name, text in texts().items():
            console = CONSOLE if "console" in name else ".+"
            figure = _figure(json.loads(text), server, console)
            path = PICTURES / name.replace(".json", ".png")
            figure.savefig(path, dpi=80, metadata={"Software": None})


def _figure(board: Mapping[str, Any], server: Prometheus, console: str) -> Figure:
    panels = board["panels"]
    rows = max(panel["gridPos"]["y"] + panel["gridPos"]["h"] for panel in panels)
    figure = Figure(figsize=(12, rows * _ROW), layout=None)
    for panel in panels:
        place = panel["gridPos"]
        left, width = place.get("x", 0) / _WIDTH, place["w"] / _WIDTH
        bottom = 1 - (place.get("y", 0) + place["h"]) / rows
        height = place["h"] / rows
        inner = (left + 0.045, bottom + 0.8 / rows, width - 0.055, height - 2 / rows)
        axes = figure.add_axes(inner)
        axes.set_title(panel["title"], loc="left", fontsize=8, fontweight="bold")
        _DRAW[panel["type"]](axes, panel, _answers(panel, server, console))
    return figure


def _answers(panel: Panel, server: Prometheus, console: str) -> list[Series]:
    return [
        (server.now if target.get("instant") else server.over_time)(
            target["expr"], console
        )
        for target in panel["targets"]
    ]


def _color(panel: Panel, value: float) -> str:
    """Return the colour of a value by the panel's thresholds."""
    steps = panel["fieldConfig"]["defaults"].get("thresholds", {}).get("steps", [])
    found = "blue"
    for step in steps:
        if step.get("value") is None or value >= step["value"]:
            found = step["color"]
    return _COLORS.get(found, found)


def _stat(axes: Axes, panel: Panel, answers: Sequence[Series]) -> None:
    series = answers[0][0]
    value = float(series["value"][1])
    labels = series["metric"]
    name = labels.get("stage") or labels.get("version") or ""
    axes.set_facecolor(_color(panel, value))
    axes.set_xticks([])
    axes.set_yticks([])
    text = f"{name} {_shown(value, panel['fieldConfig']['defaults'].get('unit'))}"
    axes.text(0.5, 0.5, text, ha="center", va="center", fontsize=14, color="white")


def _shown(value: float, unit: str | None) -> str:
    match unit:
        case "s" if value >= 5400:
            return f"{value / 3600:.1f} h"
        case "s" if value >= 90:
            return f"{value / 60:.1f} min"
        case "s":
            return f"{value:.1f} s"
        case "percentunit":
            return f"{value:.0%}"
        case "bool":
            return "yes" if value else "no"
        case _:
            return f"{value:.0f}"


def _graph(axes: Axes, panel: Panel, answers: Sequence[Series]) -> None:
    custom = panel["fieldConfig"]["defaults"]["custom"]
    bars = custom.get("drawStyle") == "bars"
    floor: dict[float, float] = {}
    for target, answer in zip(panel["targets"], answers, strict=True):
        for series in answer:
            label = _legend(target.get("legendFormat", ""), series["metric"])
            hours, values = _points(series)
            if bars:
                below = [floor.get(hour, 0) for hour in hours]
                axes.bar(hours, values, STEP / 3600, below, label=label)
                floor |= {h: floor.get(h, 0) + v for h, v in _pairs(hours, values)}
            else:
                axes.plot(hours, values, label=label, linewidth=1)
    axes.set_xlim(0, 3)
    axes.set_ylim(bottom=0)
    if any(answers):
        axes.legend(fontsize=6, loc="upper left", ncols=3)


def _points(series: Mapping[str, Any]) -> tuple[list[float], list[float]]:
    """Return hours since the start, and values."""
    points = series["values"]
    return [(at - START) / 3600 for at, _ in points], [float(v) for _, v in points]


def _pairs(
    ats: Sequence[float], values: Sequence[float]
) -> Iterable[tuple[float, float]]:
    return zip(ats, values, strict=True)


def _legend(form: str, labels: Mapping[str, str]) -> str:
    for name, value in labels.items():
        form = form.replace(f"{{{{{name}}}}}", value)
    return form


def _timeline(axes: Axes, panel: Panel, answers: Sequence[Series]) -> None:
    shown = panel["fieldConfig"]["defaults"]["mappings"][0]["options"]
    names = sorted({one["metric"]["console"] for one in answers[0]}, reverse=True)
    for series in answers[0]:
        row = names.index(series["metric"]["console"])
        hours, values = _points(series)
        runs = groupby(_pairs(hours, values), key=lambda point: point[1])
        for value, run in runs:
            ats = [at for at, _ in run]
            color = shown[str(int(value))]["color"]
            span = (ats[0], ats[-1] - ats[0] + STEP / 3600)
            axes.broken_barh([span], (row - 0.4, 0.8), color=_COLORS.get(color, color))
    axes.set_yticks(range(len(names)), names)
    for one in shown.values():
        color = _COLORS.get(one["color"], one["color"])
        axes.plot([], [], color=color, linewidth=5, label=one["text"])
    axes.set_xlim(0, 3)
    axes.legend(fontsize=6, ncols=10, loc="upper left", bbox_to_anchor=(0.3, 1.12))


def _heat(axes: Axes, _panel: Panel, answers: Sequence[Series]) -> None:
    """Draw what each bucket has more than the one below it."""
    bounds = sorted(answers[0], key=lambda one: float(one["metric"]["le"]))
    columns = [dict(_pairs(*_points(series))) for series in bounds]
    hours = sorted(set().union(*columns))
    cells = [[column.get(hour, 0) for hour in hours] for column in columns]
    own = [
        [max(0.0, high - low) for high, low in zip(upper, lower, strict=True)]
        for lower, upper in zip([[0.0] * len(hours), *cells], cells, strict=False)
    ]
    axes.pcolormesh(hours, range(len(own)), own, cmap="Oranges", shading="nearest")
    axes.set_yticks(range(len(own)), [one["metric"]["le"] for one in bounds])
    axes.set_xlim(0, 3)


def _table(axes: Axes, panel: Panel, answers: Sequence[Series]) -> None:
    names = panel["transformations"][1]["options"]["renameByName"].values()
    units = {
        one["matcher"]["options"]: one["properties"][0]["value"]
        for one in panel["fieldConfig"]["overrides"]
    }
    rows: dict[str, dict[str, float]] = {}
    stages: dict[str, str] = {}
    for name, answer in zip(names, answers, strict=True):
        for series in answer:
            labels = series["metric"]
            rows.setdefault(labels["console"], {})[name] = float(series["value"][1])
            stages.setdefault(labels["console"], "")
            stages[labels["console"]] = labels.get("stage", stages[labels["console"]])
    first, second, *_ = names
    ranked = sorted(rows, key=lambda it: (-rows[it][first], -rows[it][second], it))
    cells = [
        [it, stages[it], *(_shown(rows[it].get(n, 0), units[n]) for n in names)]
        for it in ranked[:10]
    ]
    axes.axis("off")
    axes.table(cells, colLabels=["console", "stage", *names], loc="center")


_DRAW: Final[Mapping[str, Draw]] = {
    "stat": _stat,
    "timeseries": _graph,
    "state-timeline": _timeline,
    "heatmap": _heat,
    "table": _table,
}

if __name__ == "__main__":
    main()
