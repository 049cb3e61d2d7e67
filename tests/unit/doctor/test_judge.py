"""Readings in, findings out: a row for each thing that goes wrong in the field."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import replace
from typing import Any

import pytest

from solrecd.events.boots import Boot
from solrecd.events.sessions import Lost, LostReason, SessionState
from solrecd.sources.findings import Finding, Verdict
from solrecd.sources.ipmi.doctor import eventlog, evidence, judge, sol
from solrecd.sources.ipmi.doctor.answers import (
    Capabilities,
    Chassis,
    LogInfo,
    SessionInfo,
    UserAccess,
)
from solrecd.sources.ipmi.doctor.findings import Login, Readings, Subject
from solrecd.sources.ipmi.doctor.logins import ADVICE, explain
from solrecd.sources.ipmi.doctor.questions import Refusal
from solrecd.sources.ipmi.doctor.sol_answers import (
    Accumulation,
    BitRate,
    Retry,
    SolParameters,
    SolSecurity,
)
from solrecd.sources.spans import ago

SECOND = 1_000_000
NOW = 1_800_000_000 * SECOND

WELL = Subject(
    name="n1",
    bmc="n1-bmc",
    username="ADMIN",
    since=NOW - 3600 * SECOND,
    last_output=NOW - 5 * SECOND,
    now=NOW,
)
DOWN = replace(WELL, session=SessionState.DOWN)
SILENT = Refusal()
UNKNOWN = Refusal(0xC1)
OWN = SessionInfo(slots=4, active=1, user=5, privilege=3, channel=1, address=None)


def only(findings: Iterable[Finding]) -> tuple[str, str]:
    """Return verdict and text of the one finding."""
    (finding,) = findings
    if finding.verdict is Verdict.OK:
        assert not finding.cure
    return finding.verdict.value, finding.text


def boot(number: int = 7, *, ended: bool = True, **stages: float) -> Boot:
    started = NOW - 7200 * SECOND
    end = NOW - 60 * SECOND if ended else None
    return Boot("n1", number, started, end, stages=stages)


@pytest.mark.parametrize(
    ("subject", "readings", "verdict"),
    [
        (DOWN, Readings(pong=True), "ok"),
        (DOWN, Readings(capabilities=Capabilities(1, True, False)), "ok"),
        (WELL, Readings(capabilities=SILENT), "ok"),
        (DOWN, Readings(capabilities=SILENT), "bad"),
        (DOWN, Readings(unresolved="n1-bmc: no such name"), "bad"),
    ],
)
def test_reachable_is_who_answers_in_any_way(
    subject: Subject, readings: Readings, verdict: str
) -> None:
    assert only(judge.reachable(subject, readings))[0] == verdict


@pytest.mark.parametrize(
    ("capabilities", "has_kg", "verdict"),
    [
        (Capabilities(1, rmcp_plus=True, has_kg=False), False, "ok"),
        (Capabilities(1, rmcp_plus=True, has_kg=True), True, "ok"),
        (Capabilities(1, rmcp_plus=True, has_kg=True), False, "bad"),
        (Capabilities(1, rmcp_plus=False, has_kg=False), False, "bad"),
    ],
)
def test_rmcp_plus_and_its_key_have_to_be_there(
    capabilities: Capabilities, *, has_kg: bool, verdict: str
) -> None:
    subject = replace(DOWN, has_kg=has_kg)

    found = judge.rmcp_plus(subject, Readings(capabilities=capabilities))

    assert only(found)[0] == verdict


@pytest.mark.parametrize(
    ("offered", "verdict", "text"),
    [
        ((3, 17), "ok", "offers 3, 17; configured 17, 3"),
        ((0, 1, 2, 3), "warn", "offers 0-3; configured 17, 3; suite 0 needs no"),
        ((1, 8), "bad", "offers 1, 8; configured 17, 3"),
        (SILENT, "ok", "configured 17, 3; offered: not reported (no answer)"),
    ],
)
def test_a_configured_suite_has_to_be_offered(
    offered: Any, verdict: str, text: str
) -> None:
    found = only(judge.suites(WELL, Readings(suites=offered)))

    assert found[0] == verdict
    assert found[1].startswith(text)


@pytest.mark.parametrize("reason", LostReason)
def test_every_reason_is_explained_with_a_cure(reason: LostReason) -> None:
    found = explain("login", reason, DOWN, Readings(own=OWN))

    assert found.verdict is not Verdict.OK
    assert found.text
    assert found.cure
    assert "{" not in found.text + found.cure
    assert ADVICE[reason].verdict is found.verdict


def test_a_login_that_fails_as_the_recorders_is_told_once() -> None:
    lost = Lost(LostReason.BAD_PASSWORD)
    readings = Readings(pong=True, login=Login(lost=lost))

    (found,) = judge.login(replace(DOWN, lost=lost), readings)

    assert (found.check, found.verdict) == ("login", Verdict.BAD)
    assert "'ADMIN'" in found.text


def test_a_login_that_works_leaves_the_recorders_own_trouble() -> None:
    subject = replace(DOWN, lost=Lost(LostReason.SOL_DISABLED))
    readings = Readings(pong=True, login=Login(suite=3), own=OWN)

    login, session = judge.login(subject, readings)

    assert (login.verdict, login.text) == (Verdict.OK, "works as 'ADMIN', suite 3")
    assert (session.check, session.verdict) == ("session", Verdict.BAD)
    assert "doctor --fix n1" in session.cure


@pytest.mark.parametrize(
    ("access", "verdict"),
    [
        (UserAccess(16, True, messaging=True, limit=3), "ok"),
        (UserAccess(16, None, messaging=True, limit=3), "ok"),
        (UserAccess(16, False, messaging=True, limit=3), "warn"),
        (UserAccess(16, True, messaging=False, limit=3), "warn"),
    ],
)
def test_a_user_has_to_be_enabled(access: UserAccess, verdict: str) -> None:
    found = judge.user(WELL, Readings(own=OWN, access=access, user_name="ADMIN"))

    assert only(found)[0] == verdict


@pytest.mark.parametrize(
    ("subject", "said", "verdict"),
    [
        (WELL, True, "ok"),
        (WELL, UNKNOWN, "ok"),
        (WELL, False, "warn"),
        (DOWN, UNKNOWN, "warn"),
        (DOWN, False, "bad"),
    ],
)
def test_payload_access_matters_where_sol_does_not_work(
    subject: Subject, said: Any, verdict: str
) -> None:
    found = judge.payload_access(subject, Readings(payload_access=said))

    assert only(found)[0] == verdict


@pytest.mark.parametrize(
    ("needed", "verdict"), [(2, "ok"), (3, "ok"), (4, "bad"), (0, "ok"), (15, "ok")]
)
def test_sol_must_not_need_more_than_the_session_has(needed: int, verdict: str) -> None:
    security = SolSecurity(False, False, needed)

    found = judge.privilege(
        DOWN, Readings(own=OWN, sol=SolParameters(security=security))
    )

    assert only(found)[0] == verdict


def test_who_has_the_payload_is_told_with_user_and_address() -> None:
    thief = replace(OWN, user=3, address="192.0.2.7")

    found = only(judge.owner(DOWN, Readings(owner=0x1234, thief=thief)))

    assert found == ("bad", "session 0x00001234 has it: user 3 from 192.0.2.7")


@pytest.mark.parametrize(
    ("said", "verdict"),
    [
        (Chassis(True, ()), "ok"),
        (Chassis(False, ()), "ok"),
        (Chassis(False, ("power fault",)), "warn"),
        (SILENT, "warn"),
    ],
)
def test_power_faults_are_told(said: Any, verdict: str) -> None:
    assert only(judge.power(WELL, Readings(chassis=said)))[0] == verdict


@pytest.mark.parametrize(
    ("subject", "said", "verdict"),
    [
        (WELL, True, "ok"),
        (WELL, False, "warn"),
        (DOWN, False, "ok"),
        (WELL, UNKNOWN, "ok"),
    ],
)
def test_a_recorded_line_has_to_go_to_the_bmc(
    subject: Subject, said: Any, verdict: str
) -> None:
    assert only(judge.mux(subject, Readings(mux=said)))[0] == verdict


# SoL's parameters.


def parameters(**changes: Any) -> SolParameters:
    usual = SolParameters(
        enabled=True,
        security=SolSecurity(True, True, 3),
        accumulation=Accumulation(60, 96),
        retry=Retry(7, 480),
        lasting_rate=BitRate(0x0A),
        rate=BitRate(0x0A),
        port=623,
    )
    return replace(usual, **changes)


AT_115200 = replace(WELL, baud=115200)


def test_usual_parameters_are_fine_and_left_alone() -> None:
    found = list(sol.judge(AT_115200, Readings(sol=parameters())))

    assert {each.verdict for each in found} == {Verdict.OK}
    assert list(sol.fixes(AT_115200, parameters())) == []


@pytest.mark.parametrize(
    ("subject", "changes", "check", "verdict", "data"),
    [
        (DOWN, {"enabled": False}, "sol", "bad", {1: b"\x01"}),
        (WELL, {"enabled": False}, "sol", "warn", {1: b"\x01"}),
        (AT_115200, {"rate": BitRate(7)}, "bit rate", "bad", {6: b"\x0a"}),
        (AT_115200, {"lasting_rate": BitRate(7)}, "bit rate", "warn", {5: b"\x0a"}),
        (AT_115200, {"rate": BitRate(0)}, "bit rate", "ok", {}),
        (WELL, {"rate": BitRate(7)}, "bit rate", "ok", {}),
        (
            WELL,
            {"accumulation": Accumulation(0, 96)},
            "accumulation",
            "warn",
            {3: b"\x0c\x60"},
        ),
        (
            WELL,
            {"accumulation": Accumulation(1000, 200)},
            "accumulation",
            "warn",
            {3: b"\x0c\x60"},
        ),
        (
            WELL,
            {"accumulation": Accumulation(60, 1)},
            "accumulation",
            "warn",
            {3: b"\x0c\x60"},
        ),
        (WELL, {"retry": Retry(0, 480)}, "retry", "warn", {4: b"\x07\x30"}),
        (WELL, {"security": SolSecurity(False, False, 3)}, "encryption", "ok", {}),
    ],
)
def test_what_is_wrong_is_told_and_can_be_set(
    subject: Subject,
    changes: dict[str, Any],
    check: str,
    verdict: str,
    data: dict[int, bytes],
) -> None:
    readings = Readings(sol=parameters(**changes))

    found = {each.check: each for each in sol.judge(subject, readings)}

    assert found[check].verdict.value == verdict
    fixes = sol.fixes(subject, parameters(**changes))
    assert {fix.number: fix.data for fix in fixes} == data
    assert ("--fix" in found[check].cure) == bool(data)


def test_what_a_bmc_does_not_tell_is_never_set() -> None:
    assert list(sol.fixes(AT_115200, SolParameters())) == []


def test_the_kernels_word_for_its_console_counts_where_nothing_is_configured() -> None:
    old = replace(boot(), cmdline="console=ttyS1,9600n8 quiet")
    new = replace(boot(8), cmdline="console=tty0 console=ttyS1,57600n8")
    unknown = replace(boot(9), cmdline=None)

    found = sol.expected_baud(replace(WELL, boots=(old, new, unknown)))

    assert found == 57600


# What the console shows.


@pytest.mark.parametrize(
    ("boots", "verdict"),
    [
        ([boot(firmware=0, loader=5, kernel=9, login=40)], "ok"),
        ([boot(firmware=0, kernel=9, login=40)], "warn"),
        ([boot(firmware=0, loader=5, kernel=9)], "warn"),
        ([boot(firmware=0)], "warn"),
        ([boot(ended=False, kernel=9)], "warn"),
        # Mended since.
        ([boot(firmware=0), boot(8, firmware=0, loader=5, login=40)], "ok"),
    ],
)
def test_which_part_prints_nothing_is_told_from_the_last_boot(
    boots: list[Boot], verdict: str
) -> None:
    found = evidence.stages(replace(WELL, boots=boots), Readings())

    assert only(found)[0] == verdict


def test_a_boot_on_its_way_says_nothing_yet() -> None:
    new = replace(boot(ended=False, firmware=0), started=NOW - 60 * SECOND)

    assert list(evidence.stages(replace(WELL, boots=[new]), Readings())) == []


def test_noise_means_that_rates_disagree() -> None:
    noisy = replace(WELL, boots=[boot()], noise=NOW - 600 * SECOND)

    (found,) = evidence.readable(noisy, Readings())

    assert found.verdict is Verdict.BAD
    assert found.text == "unreadable characters 10 min ago: two baud rates disagree"
    assert "solrecctl setup" in found.cure


@pytest.mark.parametrize(
    ("on", "verdict"), [(True, "warn"), (None, "warn"), (False, "ok")]
)
def test_a_machine_that_is_on_and_never_printed_is_told(
    *, on: bool | None, verdict: str
) -> None:
    mute = replace(WELL, last_output=None)
    chassis = None if on is None else Chassis(on, ())

    found = evidence.output(mute, Readings(chassis=chassis))

    assert only(found)[0] == verdict


# The event log.


@pytest.mark.parametrize(
    ("off", "verdict", "text"),
    [
        (0, "ok", "right"),
        (-40, "ok", "40 s behind"),
        (7200 + 10, "ok", "7210 s ahead: it keeps local time"),
        (5000, "warn", "5000 s ahead; entries below are corrected"),
        (-1_700_000_000, "warn", "the BMC has no time since its start"),
    ],
)
def test_a_clock_that_is_wrong_is_told(off: int, verdict: str, text: str) -> None:
    found = eventlog.clock(WELL, Readings(log_time=NOW // SECOND + off))

    assert only(found) == (verdict, text)


@pytest.mark.parametrize(
    ("info", "verdict", "text"),
    [
        (LogInfo(0, 0, overflowed=False), "ok", "empty"),
        (LogInfo(3, 9000, overflowed=False), "ok", "3 entries, the last 1"),
        (LogInfo(3, 100, overflowed=False), "warn", "3 entries, full"),
        (LogInfo(3, 0, overflowed=True), "warn", "3 entries, and some were dropped"),
        (UNKNOWN, "ok", "not reported: the BMC does not know the question"),
    ],
)
def test_a_log_that_is_full_is_told(info: Any, verdict: str, text: str) -> None:
    has_entries = isinstance(info, LogInfo) and info.entries
    lines = ["the last one"] if has_entries else []

    assert only(eventlog.log(Readings(log=info), lines)) == (verdict, text)


@pytest.mark.parametrize(
    ("seconds", "words"),
    [(0, "0 s"), (119, "119 s"), (120, "2 min"), (7200, "2 h"), (200_000, "2 d")],
)
def test_durations_have_the_unit_that_people_would_use(
    seconds: int, words: str
) -> None:
    assert ago(seconds * SECOND) == words
