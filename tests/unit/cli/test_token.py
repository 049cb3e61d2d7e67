"""`solrecd token`: a secret one way, its hash the other."""

import pytest

from solrecd.cli.program import run
from solrecd.cli.solrecd import PROGRAM
from solrecd.process.access import RemoteCaller, digest_of
from tests.support.configs import read


def test_what_is_printed_goes_together(capsys: pytest.CaptureFixture[str]) -> None:
    status = run(PROGRAM, ["token"])
    token, line = capsys.readouterr()

    policy = read(f'[access.ci]\nrole = "view"\n{line}').access
    rights = policy.judge(RemoteCaller(token=digest_of(token.strip().encode())))

    assert status == 0
    assert rights.principal == "token:ci"


def test_no_token_comes_twice(capsys: pytest.CaptureFixture[str]) -> None:
    tokens = set()
    for _ in range(5):
        run(PROGRAM, ["token"])
        tokens.add(capsys.readouterr().out)

    assert len(tokens) == 5
