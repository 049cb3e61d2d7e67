"""How the solrecd under test was built."""

import pytest

from solrecd.events import event

IS_COMPILED = event.__file__.endswith(".so")

interpreted = pytest.mark.skipif(
    IS_COMPILED, reason="puts bugs into classes, which compiled ones do not let"
)
"""Marks tests that need solrecd as Python."""
