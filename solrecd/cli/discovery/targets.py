"""Hosts and networks as people write them, to the addresses that are asked. Pure."""

from __future__ import annotations

import ipaddress
from collections.abc import Sequence
from typing import Final

from solrecd.config.names import MAX_CONSOLES, expand_names

UNASKED: Final = 1024
"""Addresses that are asked without a question before."""


def targets(words: Sequence[str]) -> Sequence[str]:
    """Return hosts, each once, in their order.

    Args:
        words: names, host ranges, addresses, networks as ``192.0.2.0/24``.

    Raises:
        ValueError: a word is none of these, or there are too many; one line.
    """
    hosts: dict[str, None] = {}
    for word in words:
        hosts.update(dict.fromkeys(_hosts(word)))
    if len(hosts) > MAX_CONSOLES:
        raise ValueError(f"found {len(hosts)} addresses; allowed: {MAX_CONSOLES}")
    return list(hosts)


def _hosts(word: str) -> Sequence[str]:
    if "/" in word:
        return _network(word)
    try:
        return [str(ipaddress.ip_address(word))]
    except ValueError:
        pass
    try:
        return expand_names(word)
    except ValueError as error:
        raise ValueError(f"{word}: {error}") from None


def _network(word: str) -> Sequence[str]:
    try:
        network = ipaddress.ip_network(word, strict=False)
    except ValueError as error:
        raise ValueError(f"{word}: {error}") from None
    if network.num_addresses > MAX_CONSOLES + 2:
        raise ValueError(
            f"{word}: has {network.num_addresses} addresses; allowed: {MAX_CONSOLES}"
        )
    return [str(address) for address in network.hosts()]
