"""What tests do when the independent peers that they need are not installed."""

import os

import pytest


def need(reason: str, *, available: bool) -> None:
    """Skip the test, with the reason, unless its peers are there.

    Where ``SOLRECD_PEERS=required`` (as in ``.ci/run``) it fails instead: a check that
    never ran must not look like one that passed.
    """
    if available:
        return
    if os.environ.get("SOLRECD_PEERS") == "required":
        pytest.fail(reason)
    pytest.skip(reason)
