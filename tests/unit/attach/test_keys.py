"""Characters and escapes, in the three sets people know."""

import pytest
from hypothesis import given, strategies as st

from solrecd.cli.attach.keys import (
    Action,
    Item,
    KeyScanner,
    Typed,
    Unknown,
    dialect_of,
    shown,
)


def scan(escape: str, *pieces: bytes) -> list[Item]:
    scanner = KeyScanner(dialect_of(escape))
    return [item for piece in pieces for item in scanner.feed(piece)]


def test_conman_s_escape_counts_anywhere_and_doubled_it_is_itself() -> None:
    assert scan("&", b"ls &&x&Bq&.") == [
        Typed(b"ls &x"),
        Action.BREAK,
        Typed(b"q"),
        Action.QUIT,
    ]


def test_conserver_s_escape_has_two_keys_and_octal_characters() -> None:
    assert scan("^Ec", b"a\x05cl0\x05c\\003\x05c\r\x05cf") == [
        Typed(b"a"),
        Action.BREAK,
        Typed(b"\x03"),
        Action.FORCE,
    ]


def test_half_of_a_prefix_is_typed_when_something_else_follows() -> None:
    assert scan("^Ec", b"\x05x\x05\x05cw") == [Typed(b"\x05x\x05"), Action.WHO]


def test_ipmitool_s_escape_counts_at_the_beginning_of_a_line_only() -> None:
    assert scan("~", b"cd ~.\r~.") == [Typed(b"cd ~.\r"), Action.QUIT]


def test_an_escape_of_no_meaning_is_not_sent() -> None:
    assert scan("&", b"a&!b") == [Typed(b"a"), Unknown(b"&!"), Typed(b"b")]


def test_nothing_is_sent_while_an_escape_is_unknown() -> None:
    scanner = KeyScanner(dialect_of("^Ec"))

    assert scanner.feed(b"\x05c") == []
    assert scanner.feed(b".") == [Action.QUIT]


@pytest.mark.parametrize("escape", ["", "abc", "é&"])
def test_an_escape_that_is_none_says_what_is_allowed(escape: str) -> None:
    with pytest.raises(ValueError, match="one character or two"):
        dialect_of(escape)


@pytest.mark.parametrize(
    ("escape", "prefix"), [("^]", b"\x1d"), ("^Ec", b"\x05c"), ("^?", b"\x7f")]
)
def test_control_characters_are_written_with_a_caret(
    escape: str, prefix: bytes
) -> None:
    assert dialect_of(escape).prefix == prefix
    assert shown(prefix) == escape


@pytest.mark.parametrize("escape", ["&", "^Ec", "~"])
def test_every_action_is_in_the_help(escape: str) -> None:
    dialect = dialect_of(escape)

    texts = {text for _, text in dialect.help()}

    wanted = {one.value for one in dialect.meanings.values() if isinstance(one, Action)}
    assert wanted < texts
    assert Action.QUIT.value in wanted


def joined(items: list[Item]) -> list[Item]:
    """Neighbouring characters as one, however they were cut."""
    found: list[Item] = []
    for item in items:
        if isinstance(item, Typed) and found and isinstance(found[-1], Typed):
            found[-1] = Typed(found[-1].data + item.data)
        else:
            found.append(item)
    return found


keys = st.lists(st.sampled_from([b"&", b"~", b"\x05", b"c", b"B", b".", b"\r", b"x"]))


@given(keys, st.sampled_from(["&", "^Ec", "~"]))
def test_the_same_keys_mean_the_same_however_they_are_cut(
    pieces: list[bytes], escape: str
) -> None:
    assert joined(scan(escape, *pieces)) == joined(scan(escape, b"".join(pieces)))


@given(st.binary())
def test_what_holds_no_escape_is_typed_as_it_is(data: bytes) -> None:
    data = data.replace(b"&", b"")

    assert joined(scan("&", data)) == ([Typed(data)] if data else [])
