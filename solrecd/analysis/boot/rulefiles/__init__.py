"""Marker files: TOML text in, checked and frozen rules out. Pure.

Each rule carries an example that it must match: one that cannot recognise its own
example is refused, and so is a pattern that could make every console slow. All that is
wrong with all files is told at once, each with its file, line, rule and remedy.

`loader` puts files together, `entry` and `frames` read what stands in one, `places`
knows the lines, and `problems` is what they all complain to.
"""

from solrecd.analysis.boot.rulefiles.loader import load_rules
from solrecd.analysis.boot.rulefiles.problems import Problem, RuleError

__all__ = ["Problem", "RuleError", "load_rules"]
