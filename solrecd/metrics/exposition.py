"""Families that do not grow with the fleet, in Prometheus's formats.

The text format 0.0.4 and OpenMetrics 1.0 differ in what announces a family
(`Family.header`) and in exemplars; series are written alike.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping

from solrecd.metrics.family import Family, Format
from solrecd.metrics.histogram import Exemplar, Histogram

MAX_EXEMPLAR = 128
"""Characters of an exemplar's label names and values (OpenMetrics 1.0, "Exemplars")."""

_ESCAPES = str.maketrans({"\\": r"\\", '"': r"\"", "\n": r"\n"})


def escape(value: str) -> str:
    """Return a label value as it stands between double quotes."""
    return value.translate(_ESCAPES)


def label_set(labels: Iterable[tuple[str, str]]) -> str:
    """Return ``{a="b",c="d"}``; nothing for no labels."""
    inner = ",".join(f'{name}="{escape(value)}"' for name, value in labels)
    return f"{{{inner}}}" if inner else ""


def seconds(stamp: int) -> str:
    """Return a stamp as Prometheus wants times, with all its microseconds."""
    digits = f"{stamp:07}"
    return f"{digits[:-6]}.{digits[-6:]}"


def labelled(
    family: Family, values: Mapping[tuple[str, ...], float | str], form: Format
) -> str:
    """Return a whole family whose series are known by their label values."""
    lines = [
        f"{family.name}{label_set(zip(family.labels, key, strict=True))} {value}\n"
        for key, value in values.items()
    ]
    return family.header(form) + "".join(lines)


def histogram(family: Family, histograms: Mapping[str, Histogram], form: Format) -> str:
    """Return a whole histogram family; the key is its label, if it has one."""
    blocks = [
        _histogram(family.name, [*zip(family.labels, [key], strict=False)], one, form)
        for key, one in histograms.items()
    ]
    return family.header(form) + "".join(blocks)


def _histogram(
    name: str, labels: list[tuple[str, str]], one: Histogram, form: Format
) -> str:
    exemplars = one.exemplars if form is Format.OPENMETRICS else {}
    bounds = [*(str(float(bound)) for bound in one.bounds), "+Inf"]
    lines = [
        f"{name}_bucket{label_set([*labels, ('le', bound)])} {count}"
        f"{_exemplar(exemplars.get(place))}\n"
        for place, (bound, count) in enumerate(
            zip(bounds, one.cumulative(), strict=True)
        )
    ]
    lines.append(f"{name}_sum{label_set(labels)} {one.sum}\n")
    lines.append(f"{name}_count{label_set(labels)} {one.count}\n")
    return "".join(lines)


def _exemplar(exemplar: Exemplar | None) -> str:
    if exemplar is None or sum(map(len, sum(exemplar.labels, ()))) > MAX_EXEMPLAR:
        return ""
    return f" # {label_set(exemplar.labels)} {exemplar.value} {seconds(exemplar.at)}"
