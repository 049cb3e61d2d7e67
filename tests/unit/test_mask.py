"""What two boots say alike, whatever their stamps and addresses are."""

import pytest
from hypothesis import given, strategies as st

from solrecd.storage.history.mask import loose_keys, mask, masked_messages


@pytest.mark.parametrize(
    ("text", "masked"),
    [
        ("[    1.234567] ata3: link up 6.0 Gbps", "ata3: link up # Gbps"),
        ("[    1.2345][    T1] PID: 17 Comm: init", "PID: # Comm: init"),
        ("BIOS-e820: [mem 0x0000-0x9fbff] usable", "BIOS-e820: [mem #-#] usable"),
        ("RIP: 0010:do_thing+0x1a/0x30 [xfs]", "RIP: #:do_thing+#/# [xfs]"),
        ("at ffff8881deadbeef", "at #"),
        ("systemd[1]: Started session-12.scope", "systemd[#]: Started session-#.scope"),
        ("Mon Nov 22 12:00:05 UTC 2026", "# # UTC #"),
        ("set to 2026-11-22T14:59:49 UTC (1795359589)", "set to # UTC (#)"),
        ("link/ether 52:54:00:12:34:56", "link/ether #"),
        ("UUID=4f2a1b3c-0d5e-4f60-8a7b-1c2d3e4f5a6b ro", "UUID=# ro"),
        ("[**    ] (1 of 2) A start job is running", "(# of #) A start job is running"),
        ("Loading .......... done", "Loading . done"),
    ],
)
def test_what_varies_is_masked(text: str, masked: str) -> None:
    assert mask(text) == masked


@pytest.mark.parametrize(
    "text",
    [
        "e1000e 0000:00:19.0 eth0: registered PHC clock",
        "pci 0000:00:1f.2: [8086:2922]",
        "sda1 feed beef added",
        "CPU3 is now offline",
    ],
)
def test_the_names_of_parts_stay(text: str) -> None:
    assert mask(text) == text


def test_every_message_of_a_line_counts() -> None:
    line = "node01 login: [  33.123456] usb 1-1: new device number 2"

    assert masked_messages(line) == [
        ("node01 login:", "node01 login:"),
        ("usb #-#: new device number #", "usb 1-1: new device number 2"),
    ]


@pytest.mark.parametrize(
    "text", ["", "----------------", "[    1.234567] 12 34", "___"]
)
def test_a_line_without_a_letter_says_nothing(text: str) -> None:
    assert masked_messages(text) == []


def test_what_a_user_looks_at_is_no_message() -> None:
    assert masked_messages("root@node01:~# dmesg") == []


STAMPS = st.floats(0, 99_999).map(lambda seconds: f"[{seconds:12.6f}] ")
NUMBERS = st.one_of(
    st.integers(0, 2**64).map(str),
    st.integers(0, 2**64).map(hex),
    st.integers(2**40, 2**64).map(lambda n: f"ffff{n:x}"),
    st.just("Thu Jan  1 00:00:00"),
    st.just("52:54:00:ab:cd:ef"),
)


@given(
    st.lists(st.sampled_from(["Memory:", "at", "irq", "(", ")", "size,"]), min_size=1),
    st.lists(st.tuples(NUMBERS, NUMBERS), min_size=9, max_size=9),
    st.tuples(STAMPS, STAMPS),
)
def test_lines_with_the_same_mask_have_the_same_loose_key(
    words: list[str], pairs: list[tuple[str, str]], stamps: tuple[str, str]
) -> None:
    one, other = (
        stamps[side]
        + " ".join(f"{w} {pair[side]}" for w, pair in zip(words, pairs, strict=False))
        for side in (0, 1)
    )

    if mask(one) == mask(other):
        assert loose_keys(one.encode()) == loose_keys(other.encode())


@given(st.text(max_size=200))
def test_any_text_has_a_mask(text: str) -> None:
    assert mask(text) == mask(text).strip()
