"""What the dashboards select by: variables, matchers, and the order of stages."""

from __future__ import annotations

from grafana_foundation_sdk.builders import dashboard as build
from grafana_foundation_sdk.models import dashboard as model

from solrecd.events.stages import Stage

INSTANCE = 'instance=~"$instance"'
CONSOLE = f'{INSTANCE}, console=~"$console"'
CHOSEN = "and on (instance, console) solrecd_console_info{$match}"
"""Behind a vector by console: only the consoles whose labels the reader chose."""

STUCK_RANK = 100
"""Stands above every stage in a picture of the fleet."""

SOURCE = model.DataSourceRef(type_val="prometheus", uid="${datasource}")


def of(family: str, *matchers: str) -> str:
    """Return a selector of a family of the daemon's."""
    return f"{family}{{{', '.join((INSTANCE, *matchers))}}}"


def per_console(family: str, *matchers: str) -> str:
    """Return a selector of a family with label ``console``."""
    return f"{family}{{{', '.join((CONSOLE, *matchers))}}}"


def chosen(expression: str) -> str:
    """Return a vector by console, of those whose labels were chosen."""
    return f"({expression}) {CHOSEN}"


def entered() -> str:
    """Return when each console entered its stage; one series per console."""
    family = per_console("solrecd_boot_stage_entered_timestamp_seconds")
    return f"topk by (instance, console) (1, {family})"


def increase(selector: str, over: str = "$__range") -> str:
    """Return how much counters grew."""
    return f"increase({selector}[{over}])"


def stage_ranks() -> str:
    """Return each console's stage as a number; `STUCK_RANK` when it is stuck."""
    family = "solrecd_boot_stage_entered_timestamp_seconds"
    stuck = f"({per_console('solrecd_boot_stuck')} == 1) * {STUCK_RANK}"
    ranks = [
        f"sum by (instance, console) "
        f"(sgn({per_console(family, matcher(stage))}) * {stage.rank})"
        for stage in Stage
    ]
    return " or on (instance, console) ".join([stuck, *ranks])


def matcher(stage: Stage) -> str:
    """Return the matcher of a stage."""
    return f'stage="{stage}"'


def variables() -> list[build.QueryVariable]:
    """Return the variable that every dashboard has behind its data source."""
    instance = _query("instance", "label_values(solrecd_build_info, instance)")
    return [instance.label("Recorder").multi(multi=True).include_all(include_all=True)]


def console_variable(*, many: bool) -> build.QueryVariable:
    """Return the choice of consoles."""
    variable = _query(
        "console", f"label_values(solrecd_console_info{{{INSTANCE}}}, console)"
    ).label("Console")
    if not many:
        return variable
    # Thousands of names in one expression are more than a server takes: "All" is one.
    return variable.multi(multi=True).include_all(include_all=True).all_value(".*")


def stage_variable() -> build.QueryVariable:
    """Return the choice of stages."""
    family = "solrecd_boot_stage_duration_seconds_count"
    variable = _query("stage", f"label_values({family}{{{INSTANCE}}}, stage)")
    return variable.label("Stage").multi(multi=True).include_all(include_all=True)


def match_variable() -> build.TextBoxVariable:
    """Return the choice of consoles by labels of the configuration."""
    return (
        build.TextBoxVariable("match")
        .label("Labels")
        .description('PromQL matchers on [console] labels, such as rack="r1"')
        .default_value("")
    )


def _query(name: str, query: str) -> build.QueryVariable:
    return (
        build.QueryVariable(name)
        .datasource(SOURCE)
        .query({"query": query, "refId": name})
        .refresh(model.VariableRefresh.ON_TIME_RANGE_CHANGED)
        .sort(model.VariableSort.ALPHABETICAL_ASC)
    )
