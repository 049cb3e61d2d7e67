"""What of an URL may stand in a log."""

from __future__ import annotations

import pytest

from solrecd.alerts.senders.http_sender import server_of


@pytest.mark.parametrize(
    ("url", "shown"),
    [
        ("https://chat.example.net/hooks/s3cr3t", "https://chat.example.net"),
        (
            "https://loki.example.net:3100/t/s3cr3t?k=s3cr3t",
            "https://loki.example.net:3100",
        ),
        ("http://me:s3cr3t@[2001:db8::7]:80/", "http://[2001:db8::7]:80"),
    ],
)
def test_only_the_server_is_shown(url: str, shown: str) -> None:
    assert server_of(url) == shown
