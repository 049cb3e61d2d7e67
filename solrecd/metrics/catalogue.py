"""Every metric family of solrecd's own, as the fields of two dataclasses declare them.

Names and labels are a contract with people's alerts and dashboards: a family may be
added, none may change. Labels are bounded by the configuration (``console``,
``receiver``) or by a closed set (``reason``, ``outcome``, ``stage``, ``name``); text
from a console or a BMC is never a label.
"""

from __future__ import annotations

from solrecd.metrics.console import ConsoleMetrics
from solrecd.metrics.daemon import DaemonMetrics
from solrecd.metrics.family import Family, declared_in


def declared() -> tuple[Family, ...]:
    """Return every family that a daemon exports of its own, those of consoles first.

    Alert rules, dashboards and the reference may use these and those of the process
    (``process_*``, ``python_*``), and no others.
    """
    models = ConsoleMetrics, DaemonMetrics
    return tuple(one.family for model in models for one in declared_in(model))
