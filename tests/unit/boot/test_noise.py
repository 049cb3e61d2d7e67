"""Wrong baud rates are told from text."""

from __future__ import annotations

import pytest

from solrecd.analysis.boot.noise import is_noise


@pytest.mark.parametrize(
    ("text", "noise"),
    [
        ("[    0.000000] Linux version 6.1.0", False),
        ("\ufffd" * 80, False),
        ("\ufffd   Main   Advanced   Boot   \ufffd", False),
        ("\ufffd" * 30 + " Boot Order " + "\ufffd" * 30, False),
        ("\ufffda\ufffd8\ufffd" * 8, True),
        ("\\x80\\xfc\\xe0\\x1c" * 8, True),
        ("a name with one \ufffd in it", False),
        ("\ufffd\ufffd", False),
    ],
)
def test_a_line_is_noise_when_most_of_it_is_unreadable_and_it_is_no_frame(
    text: str, *, noise: bool
) -> None:
    assert is_noise(text) is noise
