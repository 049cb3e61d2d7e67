"""Readings in, findings out: what a BMC's answers mean for a recorder.

Each judge looks at one thing, in the order in which a session needs it.
"""

from __future__ import annotations

from collections.abc import Iterator
from itertools import groupby
from typing import Final

from solrecd.events.sessions import LostReason
from solrecd.sources.findings import Finding, bad, ok, warn
from solrecd.sources.ipmi.doctor import answers
from solrecd.sources.ipmi.doctor.findings import Readings, Subject, said, why_not
from solrecd.sources.ipmi.doctor.logins import explain
from solrecd.sources.ipmi.protocol.constants import PrivilegeLevel
from solrecd.sources.spans import ago

Findings = Iterator[Finding]

_NO_PASSWORD_SUITES: Final = frozenset({0})
"""RAKP-none: a user's name is enough to log in (IPMI 2.0 Table 22-20)."""


SLOW: Final = 1.0
"""Seconds from which on an answer is slow: BMCs take some milliseconds."""


def shared(subject: Subject, _: Readings) -> Findings:
    """Is the console the only one that is configured to be there?"""
    if subject.same_line:
        names = ", ".join(subject.same_line)
        yield bad(
            "bmc",
            f"{subject.bmc} is configured for {names}, too: a BMC has one console",
            "is {n} or {name} missing in bmc = ...? another sol_instance, where the "
            "BMC serves several machines",
        )


def reachable(subject: Subject, readings: Readings) -> Findings:
    """Does anything answer at the BMC's address?"""
    if readings.unresolved is not None:
        yield bad(
            "reachable",
            readings.unresolved,
            "look at DNS and /etc/hosts, or write the address: bmc = ...",
        )
    elif readings.unsendable is not None:
        yield bad("reachable", readings.unsendable, "correct bmc = ..., or the route")
    elif readings.answered:
        yield _answers(subject, readings)
    elif subject.is_up:
        yield ok("reachable", f"{subject.bmc} answers in the session")
    elif readings.elsewhere is not None:
        yield bad(
            "reachable",
            f"{subject.bmc} was asked, and {readings.elsewhere} answers; "
            "answers from there are ignored",
            f"write the address that answers, bmc = ...: {readings.elsewhere}",
        )
    else:
        yield explain("reachable", LostReason.UNREACHABLE, subject, readings)


def _answers(subject: Subject, readings: Readings) -> Finding:
    told = said(readings.capabilities) is not None
    ways = ", ".join(["ping"] * readings.pong + ["IPMI"] * told)
    slowest = max(readings.delay, subject.answer_delay)
    if slowest < SLOW:
        return ok("reachable", f"{subject.bmc} answers ({ways})")
    return warn(
        "reachable",
        f"{subject.bmc} is slow: answers take up to {slowest:.1f} s ({ways})",
        "a login waits 10 s for each; end tools that ask it often (sensors, web "
        "pages), or restart it: ipmitool mc reset cold",
    )


def rmcp_plus(subject: Subject, readings: Readings) -> Findings:
    """Does the BMC speak IPMI 2.0, and which keys does it want?"""
    found = said(readings.capabilities)
    if found is None:
        if readings.pong and not subject.is_up:
            yield warn(
                "rmcp+",
                f"not reported: {why_not(readings.capabilities)}",
                "IPMI over LAN may be switched off: ipmitool lan set 1 access on",
            )
    elif not found.rmcp_plus:
        yield bad(
            "rmcp+",
            "the BMC takes IPMI 1.5 logins only, which have no SoL",
            "newer firmware for the BMC, or IPMI 2.0 switched on in its set-up",
        )
    elif found.has_kg and not subject.has_kg:
        yield bad(
            "rmcp+",
            "the BMC has a key K_g, and none is configured",
            "kg_credential or kg_file of the console; or none in the BMC",
        )
    else:
        yield ok("rmcp+", "IPMI 2.0 sessions" + ", with a key K_g" * found.has_kg)


def suites(subject: Subject, readings: Readings) -> Findings:
    """Are the configured cipher suites offered?"""
    found = said(readings.suites)
    configured = _listed(subject.suites)
    if not found:
        if subject.is_up or readings.answered:
            yield ok("cipher suites", f"configured {configured}; {_untold(readings)}")
        return
    offered = f"offers {_in_ranges(found)}; configured {configured}"
    if not set(found) & set(subject.suites):
        cure = f"cipher_suites = [{_listed(_useful(found))}] of the console"
        yield bad("cipher suites", offered, cure)
    elif _NO_PASSWORD_SUITES & set(found):
        yield warn(
            "cipher suites",
            f"{offered}; suite 0 needs no password",
            "switch it off: ipmitool lan set "
            f"{readings.channel} cipher_privs Xaaaaaaaaaaaaaa (the first is suite 0)",
        )
    else:
        yield ok("cipher suites", offered)


def _untold(readings: Readings) -> str:
    return f"offered: not reported ({why_not(readings.suites)})"


def _useful(offered: tuple[int, ...]) -> tuple[int, ...]:
    """Return the best suites that we speak of those offered, or the usual ones."""
    return tuple(each for each in (17, 3) if each in offered) or (17, 3)


def _listed(numbers: tuple[int, ...]) -> str:
    return ", ".join(map(str, numbers))


def _in_ranges(numbers: tuple[int, ...]) -> str:
    """Return numbers in few words: some BMCs offer all that there are."""
    runs = groupby(enumerate(sorted(numbers)), lambda each: each[1] - each[0])
    found = [[number for _, number in run] for _, run in runs]
    return ", ".join(
        f"{run[0]}-{run[-1]}" if len(run) > _MANY else _listed(tuple(run))
        for run in found
    )


_MANY: Final = 2


def login(subject: Subject, readings: Readings) -> Findings:
    """Can we log in, and has the recorder its session?"""
    state, found = subject.session.value, readings.login
    if subject.is_up:
        using = "" if found is None or found.suite is None else f", suite {found.suite}"
        since = ago(subject.now - subject.since)
        yield ok("session", f"up for {since} as {subject.username!r}{using}")
        return
    if found is not None and found.lost is not None:
        yield explain("login", found.lost.reason, subject, readings)
    elif found is not None:
        yield ok("login", f"works as {subject.username!r}, suite {found.suite}")
    if subject.lost is not None and not _same(subject, readings) and readings.answered:
        finding = explain("session", subject.lost.reason, subject, readings)
        yield Finding(
            "session", finding.verdict, f"{state}: {finding.text}", finding.cure
        )


def _same(subject: Subject, readings: Readings) -> bool:
    """Whether our own login met what the recorder's met."""
    found = readings.login
    if found is None or found.lost is None or subject.lost is None:
        return False
    return found.lost.reason is subject.lost.reason


def password(subject: Subject, readings: Readings) -> Findings:
    """Has the BMC the whole password?"""
    found = readings.login
    if found is not None and found.kept is not None:
        yield warn(
            "password",
            f"the BMC has {found.kept} of its {subject.password_length} bytes, which "
            "is enough to log in",
            f"ipmitool user set password USER ... 20, or configure {found.kept} bytes",
        )


def user(subject: Subject, readings: Readings) -> Findings:
    """Is the user as he should be?"""
    access = said(readings.access)
    name = said(readings.user_name) or subject.username
    if access is None:
        return
    text = f"{name!r} (user {readings.user}), up to {answers.level(access.limit)}"
    if access.enabled is False:
        cure = f"ipmitool user enable {readings.user}"
        yield warn("user", f"{text}; not enabled", cure)
    elif not access.messaging:
        cure = f"ipmitool channel setaccess {readings.channel} {readings.user} ipmi=on"
        yield warn("user", f"{text}; without IPMI messaging", cure)
    else:
        yield ok("user", text)


def payload_access(subject: Subject, readings: Readings) -> Findings:
    """May the user have SoL?"""
    found = readings.payload_access
    cure = f"ipmitool sol payload enable {readings.channel} {readings.user}"
    if said(found):
        yield ok("payload access", "the user may have SoL")
    elif said(found) is None:
        if subject.is_up:
            yield ok("payload access", f"SoL works; not reported: {why_not(found)}")
        else:
            yield warn("payload access", f"not reported: {why_not(found)}", cure)
    elif subject.is_up:
        text = "the user has no access to SoL, which this BMC does not mind"
        yield warn("payload access", text, cure)
    else:
        yield bad("payload access", "the user has no access to SoL", cure)


def privilege(_: Subject, readings: Readings) -> Findings:
    """Is the session's privilege level enough for SoL?"""
    own, sol = said(readings.own), said(readings.sol)
    if own is None:
        return
    has = answers.level(own.privilege)
    if sol is None or sol.security is None:
        yield ok("privilege", has)
        return
    needed = answers.level(sol.security.privilege)
    if own.privilege < sol.security.privilege <= PrivilegeLevel.OEM:
        yield bad(
            "privilege",
            f"{has}, and SoL needs {needed}",
            f"ipmitool sol set privilege-level operator {readings.channel}, or "
            f"ipmitool channel setaccess {readings.channel} {readings.user} "
            f"privilege={sol.security.privilege}",
        )
    else:
        yield ok("privilege", f"{has}; SoL needs {needed}")


def owner(subject: Subject, readings: Readings) -> Findings:
    """Who has the payload?"""
    number = said(readings.owner)
    if subject.is_up:
        yield ok("payload", "ours")
    elif number is None:
        yield warn("payload", f"not reported: {why_not(readings.owner)}", "")
    elif number == 0:
        yield ok("payload", "no session has it")
    else:
        yield bad(
            "payload",
            f"session 0x{number:08x} has it{_session_owner(readings)}",
            f"end that session, or solrecctl take {subject.name}",
        )


def _session_owner(readings: Readings) -> str:
    thief = said(readings.thief)
    if thief is None:
        return ""
    return f": user {thief.user}" + f" from {thief.address}" * bool(thief.address)


def power(_: Subject, readings: Readings) -> Findings:
    """Is the machine on?"""
    found = said(readings.chassis)
    if found is None:
        yield warn("power", f"not reported: {why_not(readings.chassis)}", "")
    elif found.faults:
        yield warn(
            "power",
            f"{'on' if found.on else 'off'}; {', '.join(found.faults)}",
            "look at power supplies and cables, and at the event log below",
        )
    else:
        yield ok("power", "on" if found.on else "off: nothing to print")


def mux(subject: Subject, readings: Readings) -> Findings:
    """Is the serial line switched to the BMC?"""
    found = said(readings.mux)
    if found is None:
        yield ok("mux", f"not reported: {why_not(readings.mux)}")
    elif found or not subject.is_up:
        yield ok("mux", "the serial line goes to the " + ("BMC" if found else "socket"))
    else:
        yield warn(
            "mux",
            "the serial line goes to the socket at the back, past the BMC",
            f"solrecctl reconnect {subject.name}; else the BMC's or BIOS's set-up",
        )
