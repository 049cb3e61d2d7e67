"""Numbers on the command line."""

import argparse
import math
from collections.abc import Callable

import pytest

from solrecd.cli.shared import amounts


@pytest.mark.parametrize(
    ("parse", "text", "value"),
    [
        (amounts.natural, "0", 0),
        (amounts.positive, "1", 1),
        (amounts.above_zero, "0.5", 0.5),
        (amounts.above_zero, "inf", math.inf),
    ],
)
def test_a_number_in_the_range_is_taken(
    parse: Callable[[str], float], text: str, value: float
) -> None:
    assert parse(text) == value


@pytest.mark.parametrize(
    ("parse", "text"),
    [
        (amounts.natural, "-1"),
        (amounts.natural, "x"),
        (amounts.positive, "0"),
        (amounts.positive, "1.5"),
        (amounts.above_zero, "0"),
        (amounts.above_zero, "nan"),
        (amounts.above_zero, "fast"),
    ],
)
def test_what_is_no_such_number_is_told_in_words_of_ours(
    parse: Callable[[str], float], text: str
) -> None:
    with pytest.raises(argparse.ArgumentTypeError, match=f"'{text}' is not a "):
        parse(text)
