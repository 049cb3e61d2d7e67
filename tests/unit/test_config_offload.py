"""The ``[offload]`` table: what is accepted, and what is told of mistakes."""

from __future__ import annotations

import pytest

from solrecd.config.offload import Bucket, parse_url
from solrecd.config.reload import plan_reload
from tests.support.configs import DEFAULTS, machine, mistakes, read

URL = 'url = "s3://consoles/hall2"\n'


def mistake(keys: str) -> str:
    (told,) = mistakes(f"{DEFAULTS}[offload]\n{keys}")
    return told


def test_a_url_is_all_that_is_needed() -> None:
    found = read(f"{DEFAULTS}[offload]\n{URL}").offload

    assert found is not None
    assert found.bucket == Bucket("consoles", "hall2")
    assert (found.keep_local, found.retention, found.secret_key) == (None, None, None)


def test_every_key_is_understood_and_no_secret_shown() -> None:
    environment = machine({"/etc/s": (0o600, b"hush\n"), "/etc/ca.pem": (0o644, b"")})
    config = read(
        f"""{DEFAULTS}
        [offload]
        {URL}
        endpoint = "https://s3.example.net/"
        region = "garage"
        access_key = "GK1"
        secret_key_file = "/etc/s"
        ca_file = "/etc/ca.pem"
        member = "rec1"
        keep_local = "14d"
        retention = "730d"
        """,
        environment=environment,
    )

    found = config.offload
    assert found is not None
    assert found.secret_key is not None
    assert found.secret_key.reveal() == b"hush"
    assert found.endpoint == "https://s3.example.net"
    assert (found.keep_local, found.retention) == (14 * 86400.0, 730 * 86400.0)
    assert "hush" not in repr(config)


@pytest.mark.parametrize(
    ("keys", "told"),
    [
        ('url = "https://consoles"', "allowed: s3://BUCKET/PREFIX"),
        ('url = "s3://"', "allowed: s3://BUCKET/PREFIX"),
        ('url = "s3://a/../b"', "allowed: s3://BUCKET/PREFIX"),
        ('member = "rec1"', "has no url"),
        (f'{URL}member = "a/b"', "letters, digits, dots"),
        (f'{URL}access_key = "GK1"', "access_key and secret_key go together"),
        (f'{URL}keep_local = "1s"', "keep_local"),
        (f'{URL}bucket = "x"', "unknown key"),
    ],
)
def test_a_mistake_is_told(keys: str, told: str) -> None:
    assert told in mistake(keys)


def test_it_counts_from_the_next_start_on() -> None:
    old, new = read(DEFAULTS), read(f"{DEFAULTS}[offload]\n{URL}")

    assert plan_reload(old, new).daemon == ("offload",)


@pytest.mark.parametrize(
    ("url", "prefix"),
    [("s3://b", ""), ("s3://b/", ""), ("s3://b/a", "a"), ("s3://b/a/c/", "a/c")],
)
def test_a_url_has_a_bucket_and_perhaps_a_prefix(url: str, prefix: str) -> None:
    assert parse_url(url) == Bucket("b", prefix)
