"""Algorithms that OpenSSH knows and does not offer by itself, for old BMCs. Pure."""

from __future__ import annotations

from collections.abc import Collection, Mapping, Sequence
from types import MappingProxyType
from typing import Final

_OPTIONS: Final[Mapping[str, tuple[str, ...]]] = MappingProxyType(
    {
        "HostKeyAlgorithms": ("ssh-rsa", "ssh-dss"),
        "PubkeyAcceptedAlgorithms": ("ssh-rsa", "ssh-dss"),
        "KexAlgorithms": (
            "diffie-hellman-group14-sha1",
            "diffie-hellman-group-exchange-sha1",
            "diffie-hellman-group1-sha1",
        ),
        "Ciphers": ("aes256-cbc", "aes192-cbc", "aes128-cbc", "3des-cbc"),
        "MACs": ("hmac-sha1-96", "hmac-md5", "hmac-md5-96"),
    }
)
"""By the option of ssh_config(5) that takes them."""

OLD: Final[Sequence[str]] = tuple(
    dict.fromkeys(name for names in _OPTIONS.values() for name in names)
)
"""All of them."""


def algorithm_options(wanted: Collection[str]) -> Mapping[str, str]:
    """Return the options with which ssh offers these, too."""
    found = {
        option: ",".join(name for name in names if name in wanted)
        for option, names in _OPTIONS.items()
    }
    return {option: f"+{names}" for option, names in found.items() if names}
