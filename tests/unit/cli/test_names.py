"""Names as people write them."""

from collections.abc import Mapping

import pytest

from solrecd.cli.program import CommandError, Exit
from solrecd.cli.shared.names import select, select_one

KNOWN = ["node001", "node002", "node010", "gateway", "gw"]
LABELS = {name: {"rack": "r1" if name.startswith("node") else "r2"} for name in KNOWN}


def labels() -> Mapping[str, Mapping[str, str]]:
    return LABELS


def unasked() -> Mapping[str, Mapping[str, str]]:
    raise AssertionError("labels were asked for")


@pytest.mark.parametrize(
    ("words", "found"),
    [
        ([], KNOWN),
        (["node002"], ["node002"]),
        (["gw"], ["gw"]),
        (["gat"], ["gateway"]),
        (["node[001-005]"], ["node001", "node002"]),
        (["node[001,010]"], ["node001", "node010"]),
        (["gw,node001"], ["node001", "gw"]),
        (["node01*"], ["node010"]),
        (["node00?"], ["node001", "node002"]),
        (["*", "gw"], KNOWN),
        (["@rack=r2"], ["gateway", "gw"]),
        (["@rack=*"], KNOWN),
    ],
)
def test_words_mean_consoles(words: list[str], found: list[str]) -> None:
    assert select(words, KNOWN, labels) == found


@pytest.mark.parametrize(
    ("word", "message", "status"),
    [
        ("nodex", "no console 'nodex'; did you mean node", Exit.NO),
        ("zzz", "no console 'zzz'", Exit.NO),
        ("node", "ambiguous: node001, node002, node010", Exit.USAGE),
        ("zz*", "matches no console", Exit.NO),
        ("web[1-3]", "matches no console", Exit.NO),
        ("node[1-", "range", Exit.USAGE),
        ("node[1-99999999]", "more than", Exit.USAGE),
        ("@rack=zz", "matches no console", Exit.NO),
        ("@rack", "@LABEL=VALUE", Exit.USAGE),
    ],
)
def test_a_word_that_means_nothing_is_told_why(
    word: str, message: str, status: Exit
) -> None:
    with pytest.raises(CommandError) as caught:
        select([word], KNOWN, labels)

    assert message in str(caught.value)
    assert caught.value.status == status


def test_labels_are_asked_for_only_when_a_word_needs_them() -> None:
    assert select(["gw", "node00*"], KNOWN, unasked) == ["node001", "node002", "gw"]


def test_one_console_is_one() -> None:
    with pytest.raises(CommandError, match="several consoles: node001, node002"):
        select_one("node00*", KNOWN, unasked)


def test_an_error_does_not_list_a_whole_fleet() -> None:
    fleet = [f"node{number}" for number in range(100)]

    with pytest.raises(CommandError, match="and 95 more"):
        select(["node"], fleet, unasked)


@pytest.mark.parametrize(
    ("word", "wanted"),
    [
        ("rack[1-2]-*", ["rack1-a", "rack1-b", "rack2-a"]),
        ("rack[1,3]-?", ["rack1-a", "rack1-b", "rack3-a"]),
        ("rack*!rack1-*", ["rack2-a", "rack3-a"]),
        ("rack[1-3]-*!rack[1-2]-*", ["rack3-a"]),
        ("!rack1-*!rack2-*", ["rack3-a", "spare"]),
    ],
)
def test_ranges_may_have_globs_and_exclusions(word: str, wanted: list[str]) -> None:
    known = ["rack1-a", "rack1-b", "rack2-a", "rack3-a", "spare"]

    assert select([word], known, dict) == wanted


def test_an_exclusion_that_leaves_nothing_matches_nothing() -> None:
    with pytest.raises(CommandError, match="matches no console"):
        select(["a!a"], ["a", "b"], dict)
