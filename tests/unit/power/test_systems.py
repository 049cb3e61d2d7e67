"""What a Redfish service says of its systems, however odd."""

from __future__ import annotations

import pytest

from solrecd.sources.base import PowerAction
from solrecd.sources.redfish.systems import (
    OddAnswerError,
    choose,
    members,
    message_of,
    system_of,
)

PATH = "/redfish/v1/Systems/1"
PLAIN = {"@odata.id": PATH, "PowerState": "On"}


@pytest.mark.parametrize(
    "document",
    [None, [], {"Members": 1}, {"Members": [1, {}, {"@odata.id": "//evil/x"}]}],
)
def test_members_that_are_none_are_left_out(document: object) -> None:
    assert not members(document)


def test_members_elsewhere_are_not_believed() -> None:
    listed = [{"@odata.id": each} for each in ("http://evil/", PATH, "/redfish/ a")]

    assert members({"Members": listed}) == [PATH]


def test_a_system_that_does_not_say_how_it_is_reset_is_reset_as_usual() -> None:
    system = system_of(PLAIN)

    assert system.target == f"{PATH}/Actions/ComputerSystem.Reset"
    assert system.reset_type(PowerAction.CYCLE) == "PowerCycle"


def test_a_target_elsewhere_is_not_believed() -> None:
    reset = {"#ComputerSystem.Reset": {"target": "https://evil/"}}

    assert system_of({**PLAIN, "Actions": reset}).target.startswith(PATH)


@pytest.mark.parametrize("document", [None, {}, {"PowerState": ["On"]}, [PLAIN]])
def test_a_system_without_a_power_state_is_none(document: object) -> None:
    with pytest.raises(OddAnswerError):
        system_of(document)


@pytest.mark.parametrize(
    ("paths", "wanted", "why"),
    [
        ([], "", "has 0 systems (none)"),
        ([PATH], "2", "has no system '2'; it has 1"),
        ([PATH, PATH + "2"], "", "has 2 systems (1, 12): say in `bmc_system`"),
    ],
)
def test_which_system_it_is_must_be_certain(
    paths: list[str], wanted: str, why: str
) -> None:
    with pytest.raises(OddAnswerError) as caught:
        choose(paths, wanted)
    assert why in str(caught.value)


@pytest.mark.parametrize(
    ("document", "said"),
    [
        (None, ""),
        ({"error": {"message": "a\n b\x1b[31m"}}, "a b?[31m"),
        ({"error": {"@Message.ExtendedInfo": [{"Message": "no"}]}}, "no"),
        ({"error": {"@Message.ExtendedInfo": [1], "message": 2}}, ""),
    ],
)
def test_a_refusal_is_quoted_in_one_printable_line(document: object, said: str) -> None:
    assert message_of(document) == said
