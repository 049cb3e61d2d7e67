"""Users are looked up again: what they may do is what they could do now."""

import os
import pwd
import socket
from collections.abc import Iterator
from pathlib import Path

import pytest

from solrecd.api.web.callers import look_up_user
from solrecd.process.access import LocalCaller, RemoteCaller

ME = pwd.getpwuid(os.geteuid()).pw_name
OTHER = next(
    user for user in pwd.getpwall() if user.pw_uid not in {0, os.geteuid()}
).pw_name


@pytest.fixture
def control(tmp_path: Path) -> Iterator[Path]:
    path = tmp_path / "control.sock"
    with socket.socket(socket.AF_UNIX) as listening:
        listening.bind(str(path))
        path.chmod(0o660)
        yield path


def test_the_daemons_own_user_may_do_everything(control: Path) -> None:
    assert look_up_user(control, ME) == LocalCaller(ME, is_master=True)


def test_who_cannot_open_the_socket_is_not_known(control: Path) -> None:
    assert look_up_user(control, OTHER) == RemoteCaller()
    assert look_up_user(control, "uid 4711") == RemoteCaller()


def test_who_can_open_it_comes_with_groups(control: Path) -> None:
    control.chmod(0o666)

    found = look_up_user(control, OTHER)

    assert isinstance(found, LocalCaller)
    assert (found.user, found.is_master) == (OTHER, False)


def test_a_user_who_is_gone_is_not_known(control: Path) -> None:
    assert look_up_user(control, "no-such-user-here") == RemoteCaller()
    assert look_up_user(control, "uid x") == RemoteCaller()


def test_without_a_socket_only_the_daemons_user_is_known(tmp_path: Path) -> None:
    nowhere = tmp_path / "control.sock"

    assert look_up_user(nowhere, OTHER) == RemoteCaller()
    assert look_up_user(nowhere, ME) == LocalCaller(ME, is_master=True)
