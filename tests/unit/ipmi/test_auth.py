"""RAKP codes and session keys: their lengths, and what they depend on."""

from __future__ import annotations

from dataclasses import replace
from typing import Any

import pytest

from solrecd.sources.ipmi.protocol.auth import (
    Exchange,
    derive_keys,
    rakp2_code,
    rakp3_code,
    rakp4_code,
)
from solrecd.sources.ipmi.protocol.suites import CIPHER_SUITES

EXCHANGE = Exchange(1, 2, b"m" * 16, b"c" * 16, b"g" * 16, 0x14, b"ADMIN")


@pytest.mark.parametrize(
    ("suite", "full", "short"), [(0, 0, 0), (1, 20, 12), (3, 20, 12), (17, 32, 16)]
)
def test_codes_have_the_lengths_of_their_suite(
    suite: int, full: int, short: int
) -> None:
    chosen = CIPHER_SUITES[suite]
    keys = derive_keys(chosen, b"secret", EXCHANGE)

    assert len(rakp2_code(chosen, b"secret", EXCHANGE)) == full
    assert len(rakp3_code(chosen, b"secret", EXCHANGE)) == full
    assert len(rakp4_code(chosen, keys, EXCHANGE)) == short


def test_the_integrity_algorithm_decides_on_rakp_4_under_its_quirk() -> None:
    suite = CIPHER_SUITES[1]
    keys = derive_keys(suite, b"secret", EXCHANGE)

    assert rakp4_code(suite, keys, EXCHANGE, by_integrity=True) == b""


@pytest.mark.parametrize("field", ["console_random", "bmc_random", "guid", "username"])
def test_every_part_of_the_exchange_is_in_a_code_or_key(field: str) -> None:
    suite = CIPHER_SUITES[17]
    changed: dict[str, Any] = {field: b"another value..."}
    other = replace(EXCHANGE, **changed)

    def results(exchange: Exchange) -> tuple[object, ...]:
        keys = derive_keys(suite, b"secret", exchange)
        return rakp2_code(suite, b"secret", exchange), keys.k1, keys.k2

    assert results(other)[0] != results(EXCHANGE)[0]
