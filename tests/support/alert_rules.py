"""The alert rules of packaging/prometheus as data, for tests of what they say."""

import re
from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import Any, NamedTuple

import yaml

ROOT = Path(__file__).parents[2]
FOLDER = ROOT / "packaging" / "prometheus"
RULES = FOLDER / "solrecd.rules.yml"
CASES = sorted((FOLDER / "tests").glob("*.yml"))

_SELECTOR = re.compile(r"\b(solrecd_\w+)(?:\{([^}]*)\})?")
_MATCHER = re.compile(r"(\w+)\s*(=~|!~|!=|=)\s*([\"'])(.*?)\3")
_MATCHING = re.compile(r"\b(?:by|on|group_left|ignoring|without)\s*\(([^)]*)\)")
_SUFFIX = re.compile(r"_(?:bucket|count|sum)$")


class Selector(NamedTuple):
    """A family in an expression, and what its labels are compared with."""

    family: str
    values: tuple[tuple[str, str], ...]
    """Label and value; the alternatives of a regular expression one by one."""


class Alert(NamedTuple):
    """One rule."""

    name: str
    expression: str
    severity: str
    annotations: Mapping[str, str]

    def selectors(self) -> Iterator[Selector]:
        """Yield what the rule asks Prometheus for, its texts included."""
        for text in (self.expression, *self.annotations.values()):
            for family, inside in _SELECTOR.findall(text):
                values = tuple(
                    (label, value)
                    for label, _, _, given in _MATCHER.findall(inside)
                    for value in given.split("|")
                )
                yield Selector(_SUFFIX.sub("", family), values)

    def matched_labels(self) -> set[str]:
        """Return the labels that series are joined or grouped by."""
        found = _MATCHING.findall(self.expression)
        return {label.strip() for inside in found for label in inside.split(",")}


def alerts() -> list[Alert]:
    """Return all rules."""
    groups = load(RULES)["groups"]
    rules = [rule for group in groups for rule in group["rules"]]
    return [
        Alert(
            rule["alert"], rule["expr"], rule["labels"]["severity"], rule["annotations"]
        )
        for rule in rules
    ]


def load(path: Path) -> Any:
    """Return what a YAML file has."""
    return yaml.safe_load(path.read_text())
