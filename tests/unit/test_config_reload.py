"""What a changed configuration does to running sessions."""

import pytest

from solrecd.config import Config, ReloadPlan, plan_reload
from tests.support.configs import read

BASE = """
[defaults]
username = "recorder"
password = "old"
[console."n[1-3]"]
bmc = "{name}"
"""


def changed(before: str, after: str) -> Config:
    """Return the base configuration with one text replaced by another."""
    assert before in BASE
    return read(BASE.replace(before, after))


def test_an_unchanged_configuration_keeps_every_session() -> None:
    plan = plan_reload(read(BASE), read(BASE))

    assert plan == ReloadPlan(keep=("n1", "n2", "n3"))


def test_added_and_removed_consoles_start_and_stop_alone() -> None:
    plan = plan_reload(read(BASE), changed("n[1-3]", "n[2-4]"))

    assert (plan.start, plan.stop, plan.keep) == (("n4",), ("n1",), ("n2", "n3"))
    assert plan.reasons == {"n4": "added", "n1": "removed"}


def test_a_console_switched_off_stops_and_one_switched_on_starts() -> None:
    off = changed('bmc = "{name}"', 'bmc = "{name}"\nenabled = false')

    assert plan_reload(read(BASE), off).reasons["n1"] == "disabled"
    assert plan_reload(off, read(BASE)).reasons["n1"] == "enabled"
    assert plan_reload(off, off).keep == ()


@pytest.mark.parametrize(
    ("before", "after", "reason"),
    [
        ('bmc = "{name}"', 'bmc = "{name}:9101"', "port changed"),
        ('password = "old"', 'password = "new"', "password changed"),
        ('bmc = "{name}"', 'bmc = "x{name}"\nkeepalive = 5', "host, keepalive changed"),
    ],
)
def test_what_a_session_is_made_of_restarts_it_and_is_named_without_values(
    before: str, after: str, reason: str
) -> None:
    plan = plan_reload(read(BASE), changed(before, after))

    assert plan.restart == ("n1", "n2", "n3")
    assert plan.reasons["n2"] == reason


def test_labels_and_policies_change_under_a_live_session() -> None:
    plan = plan_reload(
        read(BASE), changed('bmc = "{name}"', 'bmc = "{name}"\nlabels = {rack = "r1"}')
    )

    assert plan.keep == plan.update == ("n1", "n2", "n3")
    assert plan.restart == ()
    assert plan.reasons["n1"] == "labels changed"


def test_changes_that_only_a_restart_brings_are_named() -> None:
    text = '[daemon]\njournal_size = "1GiB"\nlog_dir = "/x"\n[stages.timeout]\ninit = 1'

    plan = plan_reload(read(BASE), read(f"{BASE}\n{text}"))

    assert plan.daemon == ("log_dir", "journal_size")
    assert plan.stages
