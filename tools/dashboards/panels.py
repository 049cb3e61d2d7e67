"""One function per kind of panel: looks, units, thresholds, where a click leads."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Final, NamedTuple, TypeVar

from grafana_foundation_sdk.builders import (
    common as options,
    dashboard as build,
    heatmap,
    prometheus,
    stat,
    statetimeline,
    table,
    timeseries,
)
from grafana_foundation_sdk.cog.builder import Builder
from grafana_foundation_sdk.models import (
    common,
    dashboard as model,
    heatmap as heat_model,
    prometheus as prom,
)

from solrecd.events.stages import Stage
from tools.dashboards.queries import SOURCE, STUCK_RANK

GREEN, YELLOW, ORANGE, RED, BLUE = "green", "yellow", "orange", "red", "blue"
GREY: Final = "text"

STAGE_COLORS: Final[Mapping[Stage, str]] = {
    Stage.UNKNOWN: "#808080",
    Stage.OFF: "#404040",
    Stage.FIRMWARE: "#8ab8ff",
    Stage.BOOTDEV: "#5794f2",
    Stage.LOADER: "#3274d9",
    Stage.KERNEL: "#b877d9",
    Stage.INITRAMFS: "#8f3bb8",
    Stage.INIT: "#fade2a",
    Stage.LOGIN: "#56a64b",
}

Threshold = tuple[float | None, str]
"""From this value on, this colour; None for the lowest."""

AnyPanel = Builder[model.Panel]
P = TypeVar("P", stat.Panel, timeseries.Panel, table.Panel, statetimeline.Panel)


class Query(NamedTuple):
    """An expression and what its series are called."""

    expression: str
    legend: str = ""


class Size(NamedTuple):
    """Of a panel; a dashboard is 24 wide."""

    width: int
    height: int


def number(
    title: str,
    query: str,
    *,
    size: Size,
    unit: str = "short",
    steps: Sequence[Threshold] = ((None, BLUE),),
    about: str = "",
) -> stat.Panel:
    """Return one large number of now, coloured by thresholds."""
    panel = stat.Panel().color_mode(common.BigValueColorMode.BACKGROUND)
    panel = panel.graph_mode(common.BigValueGraphMode.NONE)
    panel = panel.with_target(_target(Query(query), "A").instant())
    return _dress(panel, title, size, unit, about).thresholds(_thresholds(steps))


def word(
    title: str, query: Query, *, size: Size, unit: str = "short", about: str = ""
) -> stat.Panel:
    """Return the name of a series, such as the stage that a console is in."""
    panel = stat.Panel().text_mode(common.BigValueTextMode.VALUE_AND_NAME)
    panel = panel.graph_mode(common.BigValueGraphMode.NONE)
    panel = panel.with_target(_target(query, "A").instant())
    return _dress(panel, title, size, unit, about)


def graph(
    title: str,
    *queries: Query,
    size: Size,
    unit: str = "short",
    stacked: bool = False,
    limit: float | None = None,
    about: str = "",
) -> timeseries.Panel:
    """Return curves, or stacked bars of what happened; ``limit`` is drawn in red."""
    panel = timeseries.Panel().fill_opacity(10).show_points(common.VisibilityMode.NEVER)
    panel = panel.legend(_legend()).min(0)
    if stacked:
        panel = panel.draw_style(common.GraphDrawStyle.BARS).fill_opacity(80)
        stack = options.StackingConfig().mode(common.StackingMode.NORMAL)
        panel = panel.stacking(stack.group("A"))
    if limit is not None:
        line = options.GraphThresholdsStyleConfig()
        style = line.mode(common.GraphTresholdsStyleMode.LINE)
        panel = panel.thresholds_style(style)
        panel = panel.thresholds(_thresholds(((None, GREEN), (limit, RED))))
    for ref, query in zip("ABCDEF", queries, strict=False):
        panel = panel.with_target(_target(query, ref).range())
    return _dress(panel, title, size, unit, about)


def stages(
    title: str, query: Query, *, size: Size, about: str = ""
) -> statetimeline.Panel:
    """Return which stage consoles were in, from ranks; stuck ones in red."""
    shown = {stage.rank: (str(stage), STAGE_COLORS[stage]) for stage in Stage}
    return timeline(
        title, query, {**shown, STUCK_RANK: ("stuck", RED)}, size=size, about=about
    )


def timeline(
    title: str,
    query: Query,
    values: Mapping[int, tuple[str, str]],
    *,
    size: Size,
    about: str = "",
) -> statetimeline.Panel:
    """Return bars of states; ``values`` has their names and colours."""
    panel = statetimeline.Panel().merge_values(merge_values=True)
    panel = panel.show_value(common.VisibilityMode.NEVER).row_height(0.9)
    panel = panel.legend(_legend()).mappings([_mapping(values)])
    panel = panel.with_target(_target(query, "A").range())
    return _dress(panel, title, size, "short", about)


class Column(NamedTuple):
    """What a table shows of each row."""

    name: str
    expression: str
    unit: str = "short"
    steps: Sequence[Threshold] = ()


def worst_first(
    title: str, columns: Sequence[Column], *, size: Size, about: str = ""
) -> table.Panel:
    """Return a row per console, sorted by the first column, then by the second."""
    panel = table.Panel()
    names: dict[str, str] = {}
    for ref, column in zip("ABCDEFGH", columns, strict=False):
        query = _target(Query(column.expression), ref).instant()
        panel = panel.with_target(query.format(prom.PromQueryFormat.TABLE))
        names[f"Value #{ref}"] = column.name
    panel = panel.transformations(_one_row_each(names)).sort_by(
        [
            options.TableSortByFieldState().display_name(column.name).desc(desc=True)
            for column in columns[:2]
        ]
    )
    for column in columns:
        panel = panel.override_by_name(column.name, _looks(column))
    panel = panel.override_by_name("console", [_link_to_console()])
    return _dress(panel, title, size, "short", about)


def heat(
    title: str, query: str, *, size: Size, unit: str = "s", about: str = ""
) -> heatmap.Panel:
    """Return the buckets of a histogram over time."""
    colors = (
        heatmap.HeatmapColorOptions()
        .mode(heat_model.HeatmapColorMode.SCHEME)
        .scheme("Oranges")
    )
    target = _target(Query(query, "{{le}}"), "A").range()
    panel = heatmap.Panel().color(colors.steps(64))
    panel = panel.y_axis(heatmap.YAxisConfig().unit(unit))
    panel = panel.with_target(target.format(prom.PromQueryFormat.HEATMAP))
    panel = panel.title(title).description(about).datasource(SOURCE)
    return panel.span(size.width).height(size.height)


def _dress(panel: P, title: str, size: Size, unit: str, about: str) -> P:
    panel = panel.title(title).description(about).datasource(SOURCE).unit(unit)
    return panel.span(size.width).height(size.height)


def _target(query: Query, ref: str) -> prometheus.Dataquery:
    target = prometheus.Dataquery().expr(query.expression).ref_id(ref)
    return target.legend_format(query.legend) if query.legend else target


def _thresholds(steps: Sequence[Threshold]) -> build.ThresholdsConfig:
    config = build.ThresholdsConfig().mode(model.ThresholdsMode.ABSOLUTE)
    return config.steps([model.Threshold(value=at, color=color) for at, color in steps])


def _legend() -> options.VizLegendOptions:
    legend = options.VizLegendOptions().placement(common.LegendPlacement.BOTTOM)
    return legend.display_mode(common.LegendDisplayMode.LIST).show_legend(
        show_legend=True
    )


def _mapping(values: Mapping[int, tuple[str, str]]) -> model.ValueMap:
    return model.ValueMap(
        options={
            str(value): model.ValueMappingResult(text=text, color=color, index=index)
            for index, (value, (text, color)) in enumerate(values.items())
        }
    )


def _one_row_each(names: Mapping[str, str]) -> list[model.DataTransformerConfig]:
    """Return what makes one table of one answer per column."""
    hidden = dict.fromkeys(("Time", "__name__", "job"), True)
    arrange = {"excludeByName": hidden, "renameByName": dict(names), "indexByName": {}}
    return [
        model.DataTransformerConfig(id_val="merge", options={}),
        model.DataTransformerConfig(id_val="organize", options=arrange),
    ]


def _looks(column: Column) -> list[model.DynamicConfigValue]:
    looks = [model.DynamicConfigValue(id_val="unit", value=column.unit)]
    if column.steps:
        steps = [{"value": at, "color": color} for at, color in column.steps]
        thresholds = {"mode": "absolute", "steps": steps}
        cell = {"type": "color-background"}
        looks += [
            model.DynamicConfigValue(id_val="thresholds", value=thresholds),
            model.DynamicConfigValue(id_val="custom.cellOptions", value=cell),
        ]
    return looks


def _link_to_console() -> model.DynamicConfigValue:
    url = (
        "/d/solrecd-console?var-console=${__value.text}"
        "&${datasource:queryparam}&${instance:queryparam}&${__url_time_range}"
    )
    return model.DynamicConfigValue(
        id_val="links", value=[{"title": "This console", "url": url}]
    )
