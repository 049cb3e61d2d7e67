"""Examines a console at its live BMC: carries out the dialogues of `doctor`."""

from solrecd.sources.ipmi.examination.access import Ask, Dialer
from solrecd.sources.ipmi.examination.examination import Examination

__all__ = ["Ask", "Dialer", "Examination"]
