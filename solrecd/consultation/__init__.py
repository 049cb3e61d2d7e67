"""Examines a console at its live BMC: carries out the dialogues of `solrecd.doctor`."""

from solrecd.consultation.access import Ask, Dialer
from solrecd.consultation.consultation import Consultation

__all__ = ["Ask", "Consultation", "Dialer"]
