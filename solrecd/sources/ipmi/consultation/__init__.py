"""Examines a console at its live BMC: carries out the dialogues of `doctor`."""

from solrecd.sources.ipmi.consultation.access import Ask, Dialer
from solrecd.sources.ipmi.consultation.consultation import Consultation

__all__ = ["Ask", "Consultation", "Dialer"]
