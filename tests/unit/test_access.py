"""The judge: callers and grants in, rights out."""

import hashlib
from typing import Any

import pytest

from solrecd.process.access import (
    TOKEN_MIN,
    Grant,
    LocalCaller,
    Policy,
    RemoteCaller,
    Role,
    digest_of,
)

R1 = {"rack": "r1"}
R2 = {"rack": "r2"}
TOKEN = b"t" * TOKEN_MIN
ALICE = LocalCaller("alice", frozenset({"ops"}))


def grant(role: Role = Role.VIEW, **fields: Any) -> Grant:
    return Grant(name="g", role=role, **fields)


def only(*values: str) -> dict[str, frozenset[str]]:
    return {"rack": frozenset(values)}


@pytest.mark.parametrize(
    ("have", "may"),
    [
        (Role.VIEW, {Role.VIEW}),
        (Role.OPERATE, {Role.VIEW, Role.OPERATE}),
        (Role.ADMIN, set(Role)),
    ],
)
def test_a_role_includes_those_below_it(have: Role, may: set[Role]) -> None:
    assert {role for role in Role if have.includes(role)} == may


def test_without_grants_for_the_socket_all_who_can_open_it_may_everything() -> None:
    policy = Policy((grant(tokens=(digest_of(TOKEN),)),))

    rights = policy.judge(ALICE)

    assert rights.principal == "alice"
    assert rights.may_everywhere(Role.ADMIN)


@pytest.mark.parametrize("found", [{"users": {"alice"}}, {"groups": {"ops", "x"}}])
def test_a_user_is_known_by_name_or_by_group(found: dict[str, set[str]]) -> None:
    fields: dict[str, Any] = {key: frozenset(names) for key, names in found.items()}

    rights = Policy((grant(**fields),)).judge(ALICE)

    assert rights.may(Role.VIEW, R1)
    assert not rights.may(Role.OPERATE, R1)


def test_a_user_whom_no_grant_names_has_nothing() -> None:
    policy = Policy((grant(users=frozenset({"bob"})),))

    assert policy.judge(ALICE).grants == ()


def test_the_master_is_never_locked_out() -> None:
    policy = Policy((grant(users=frozenset({"bob"})),))

    rights = policy.judge(LocalCaller("root", is_master=True))

    assert rights.may_everywhere(Role.ADMIN)


def test_grants_add_up_and_each_holds_for_its_own_consoles() -> None:
    alice = frozenset({"alice"})
    policy = Policy(
        (
            grant(Role.VIEW, users=alice),
            grant(Role.OPERATE, users=alice, labels=only("r1", "r3")),
        )
    )

    rights = policy.judge(ALICE)

    assert rights.may(Role.OPERATE, R1)
    assert rights.sees(R2)
    assert not rights.may(Role.OPERATE, R2)
    assert not rights.may_everywhere(Role.OPERATE)


def test_a_console_without_the_label_is_not_covered() -> None:
    limited = grant(labels={"rack": frozenset({"r1"}), "row": frozenset({"7"})})

    assert limited.covers({"rack": "r1", "row": "7", "more": "x"})
    assert not limited.covers(R1)
    assert not limited.covers({})


def test_a_token_is_known_by_its_digest_and_named_after_its_grant() -> None:
    policy = Policy((grant(tokens=(digest_of(b"u" * 40), digest_of(TOKEN))),))

    rights = policy.judge(RemoteCaller(token=digest_of(TOKEN)))

    assert (rights.principal, len(rights.grants)) == ("token:g", 1)


def test_a_wrong_token_is_not_helped_by_a_good_certificate() -> None:
    policy = Policy((grant(certificates=frozenset({"alice"})),))

    rights = policy.judge(RemoteCaller(("alice",), digest_of(TOKEN)))

    assert (rights.principal, rights.grants) == ("token:unknown", ())


@pytest.mark.parametrize("token", [b"", b"short", b"x" * 257])
def test_a_token_that_could_be_guessed_never_matches(token: bytes) -> None:
    configured = hashlib.sha256(token).digest()
    policy = Policy((grant(tokens=(configured,)),))

    assert policy.judge(RemoteCaller(token=digest_of(token))).grants == ()


def test_a_certificate_is_known_by_any_of_its_names() -> None:
    policy = Policy((grant(certificates=frozenset({"ci.example.net"})),))

    rights = policy.judge(RemoteCaller(("CI", "ci.example.net")))

    assert rights.principal == "cert:ci.example.net"
    assert rights.sees(R1)


def test_the_name_of_a_stranger_is_cut() -> None:
    rights = Policy().judge(RemoteCaller(("x" * 5000,)))

    assert len(rights.principal) < 80
    assert rights.grants == ()


def test_a_caller_without_a_name_has_no_grants() -> None:
    rights = Policy((grant(users=frozenset({"nobody"})),)).judge(RemoteCaller())

    assert (rights.principal, rights.grants) == ("anonymous", ())


def test_the_socket_of_this_machine_knows_no_tokens() -> None:
    policy = Policy((grant(users=frozenset({"bob"}), tokens=(digest_of(TOKEN),)),))

    assert policy.judge(LocalCaller("eve")).grants == ()


def test_a_token_is_in_no_representation() -> None:
    known = grant(tokens=(digest_of(TOKEN),))

    shown = repr(known) + repr(RemoteCaller(token=digest_of(TOKEN)))

    assert repr(digest_of(TOKEN)) not in shown
