"""Examines a console: carries out the dialogues of `doctor` at the live BMC.

Over the recorder's own session where there is one: a BMC may have no second. Where the
recorder has none, we log in by ourselves, ask, and leave: at most once a minute, never
where the recorder's login was refused, and not for people who may only look on; what
was answered in the last minute is judged again. A console that a user was given for a
while is left alone. Nothing that is asked changes anything.
"""

from __future__ import annotations

import math
import random
from collections.abc import (
    AsyncIterator,
    Awaitable,
    Callable,
    Collection,
    Iterable,
    Mapping,
    Sequence,
)
from contextlib import asynccontextmanager
from dataclasses import replace
from typing import Any, NamedTuple

import trio

from solrecd.events.boots import Evidence
from solrecd.events.operator_acts import OperatorAct
from solrecd.events.sessions import LostReason
from solrecd.process.stamps import format_stamp
from solrecd.sources.base import Recorder, Tell
from solrecd.sources.findings import Finding
from solrecd.sources.ipmi.doctor import eventlog, judge, questions
from solrecd.sources.ipmi.doctor.findings import Readings, Subject, said
from solrecd.sources.ipmi.doctor.fixes import FixResult, apply_fixes, change
from solrecd.sources.ipmi.doctor.sections import (
    AT_LAST,
    FROM_CONSOLE,
    FROM_OUTSIDE,
    IN_SESSION,
    Judge,
    Section,
)
from solrecd.sources.ipmi.doctor.sol import Fix, fixes
from solrecd.sources.ipmi.examination.access import (
    VISITS_APART,
    Answer,
    Ask,
    Dialer,
    Sessions,
    Visit,
    converse,
    inside,
    outside,
)
from solrecd.sources.ipmi.keeper import Keeper
from solrecd.sources.ipmi.link.base import LinkError
from solrecd.sources.ipmi.link.probe import probing
from solrecd.sources.ipmi.link.resolve import Address
from solrecd.sources.ipmi.management import Management, ManagementError
from solrecd.sources.ipmi.system_event_log import LogEntry


class Examination:
    """One console, as the doctor sees it.

    Args:
        console: what is recorded of it.
        keeper: has the session, where there is one.
        dialer: makes another where there is none.
        recall: looks up earlier boots.
        threads: limits how many event logs are read at the same time.
        wall_clock: stamps.
        same_line: returns the other consoles that are configured to have the same line
            of the same BMC, by the name of one.
    """

    def __init__(
        self,
        console: Recorder,
        keeper: Keeper,
        dialer: Dialer,
        recall: Callable[[str], Awaitable[Evidence]],
        threads: trio.CapacityLimiter,
        wall_clock: Callable[[], int],
        same_line: Callable[[str], Sequence[str]],
    ) -> None:
        self._console = console
        self._keeper = keeper
        self._dialer = dialer
        self._sessions = Sessions(console, keeper, dialer)
        self._recall = recall
        self._threads = threads
        self._wall_clock = wall_clock
        self._same_line = same_line
        self._answered = _Answered()

    async def examine(self, tell: Tell, *, may_log_in: bool) -> None:
        """Look at everything, in order.

        Args:
            tell: gets each finding as soon as it is known.
            may_log_in: where the recorder has no session.
        """
        visit = Visit.EXAMINATION if may_log_in else Visit.NEVER
        subject = await self._subject()
        exam = _Progress(subject, tell)
        await exam.judge(judge.shared)
        try:
            address = await self._dialer.resolve(self._keeper.config)
        except LinkError as error:
            exam.readings = replace(exam.readings, unresolved=str(error))
            await exam.judge(judge.reachable, *FROM_CONSOLE)
            return
        await self._look_from_outside(exam, address)
        if self._is_given_up(exam.readings):
            await exam.judge(judge.login, *FROM_CONSOLE)
            return
        async with self._sessions.open(address, visit) as access:
            exam.readings = replace(exam.readings, login=access.login)
            await exam.judge(judge.login, judge.password)
            await self._look_inside(exam, access.ask)

    def _is_given_up(self, readings: Readings) -> bool:
        """Whether a login would only be waited for: nothing answers us either."""
        lost = self._console.session_lost
        silent = lost is not None and lost.reason is LostReason.UNREACHABLE
        return silent and not readings.answered

    async def _subject(self) -> Subject:
        console, config = self._console, self._keeper.config
        evidence = await self._recall(console.name)
        return Subject(
            name=console.name,
            bmc=config.address,
            username=config.username.decode(errors="replace"),
            suites=config.cipher_suites,
            has_kg=config.kg is not None,
            insecure=config.insecure,
            password_length=len(config.password.reveal()),
            answer_delay=self._keeper.answer_delay or 0.0,
            same_line=self._same_line(console.name),
            baud=config.baud,
            instance=config.sol_instance,
            session=console.session_state,
            since=console.session_since,
            lost=console.session_lost,
            last_output=console.last_output,
            now=self._wall_clock(),
            boots=evidence.boots,
            noise=evidence.noise,
            network=console.counts.as_dict(),
            strangers=self._dialer.strangers,
        )

    async def _look_from_outside(self, exam: _Progress, address: Address) -> None:
        try:
            async with probing(address, random.Random()) as probe:  # noqa: S311 - a tag
                for section in FROM_OUTSIDE:
                    await exam.ask(section, outside(probe))
                    exam.readings = replace(
                        exam.readings, delay=probe.delay, elsewhere=probe.elsewhere
                    )
                    await exam.judge(*section.judges)
        except LinkError as error:
            exam.readings = replace(exam.readings, unsendable=str(error))
            await exam.judge(judge.reachable)

    async def _look_inside(self, exam: _Progress, ask: Ask | None) -> None:
        if ask is None:
            await self._look_back(exam)
            return
        for section in IN_SESSION:
            await exam.work_through(section, inside(ask))
        await exam.judge(*FROM_CONSOLE)
        await exam.work_through(AT_LAST, inside(ask))
        lines = await self._log_lines(exam.readings, ask)
        for finding in eventlog.log(exam.readings, lines):
            await exam.tell(finding)
        self._answered = _Answered(trio.current_time(), exam.readings)

    async def _look_back(self, exam: _Progress) -> None:
        """Judge what was answered in the last minute, if anything was."""
        login = exam.readings.login
        age = trio.current_time() - self._answered.at
        if login is not None and login.lost is None and age < VISITS_APART:
            exam.readings = replace(self._answered.readings, login=login)
            for section in IN_SESSION:
                await exam.judge(*section.judges)
        await exam.judge(*FROM_CONSOLE)

    async def _log_lines(self, readings: Readings, ask: Ask) -> list[str]:
        info = said(readings.log)
        if info is None or not info.entries:
            return []
        management = Management(ask, self._threads)
        try:
            entries = await management.recent_events(eventlog.SHOWN)
        except ManagementError as error:
            return [f"not read: {error}"]
        return [_line(entry) for entry in entries]

    # Treatment.

    async def proposals(self) -> list[Mapping[str, Any]]:
        """Return what could be set at the BMC to have the console recorded well.

        Raises:
            ManagementError: there is no way to ask the BMC now.
        """
        subject = await self._subject()
        async with self._asking() as ask:
            return [change(fix) for fix in await self._fixes(subject, ask)]

    async def apply_fixes(
        self, user: str, parameters: Collection[int]
    ) -> list[Mapping[str, Any]]:
        """Set parameters, read them back, and begin a session that uses them.

        Args:
            user: who wants it; it is recorded.
            parameters: of `Fix.number`; those that are as wished by now are left
                alone.

        Raises:
            ManagementError: there is no way to ask the BMC now.
        """
        subject = await self._subject()
        async with self._asking() as ask:
            found = await self._fixes(subject, ask)
            wanted = [fix for fix in found if fix.number in parameters]
            if not wanted:
                return []
            results = await converse(apply_fixes(wanted), inside(ask))
        self._note(user, results)
        return [each.as_dict() for each in results]

    def _note(self, user: str, results: Iterable[FixResult]) -> None:
        done = [each.fix for each in results if not each.problem]
        if not done:
            return
        changes = ", ".join(f"{w.what}: {w.current} -> {w.new}" for w in done)
        text = f"{user} had the BMC set: {changes}"
        self._console.note_act(OperatorAct.CONFIGURED, text, user)
        # BMCs read their settings when SoL is activated.
        self._keeper.reconnect(f"for {user}: new SoL settings")

    async def _fixes(self, subject: Subject, ask: Ask) -> list[Fix]:
        found = said(await converse(questions.sol_parameters(), inside(ask)))
        if found is None:
            raise ManagementError("the BMC does not report its SoL settings")
        return list(fixes(subject, found))

    @asynccontextmanager
    async def _asking(self) -> AsyncIterator[Ask]:
        try:
            address = await self._dialer.resolve(self._keeper.config)
        except LinkError as error:
            raise ManagementError(str(error)) from None
        async with self._sessions.open(address, Visit.TREATMENT) as access:
            if access.ask is None:
                why = "solrecctl doctor says why"
                raise ManagementError(f"there is no session with the BMC; {why}")
            yield access.ask


class _Answered(NamedTuple):
    """What a BMC has answered in a session."""

    at: float = -math.inf
    """Monotonic."""
    readings: Readings = Readings()


class _Progress:
    """What is known so far, and who is told."""

    def __init__(self, subject: Subject, tell: Tell) -> None:
        self.subject = subject
        self.readings = Readings()
        self.tell = tell

    async def work_through(self, section: Section, answer: Answer) -> None:
        """Ask what a section asks, and have it judged."""
        await self.ask(section, answer)
        await self.judge(*section.judges)

    async def ask(self, section: Section, answer: Answer) -> None:
        """Ask what a section asks."""
        dialogue = section.read(self.subject, self.readings)
        self.readings = await converse(dialogue, answer)

    async def judge(self, *judges: Judge) -> None:
        """Tell what judges say."""
        for each in judges:
            await self._tell_all(each(self.subject, self.readings))

    async def _tell_all(self, findings: Iterable[Finding]) -> None:
        for finding in findings:
            await self.tell(finding)


def _line(entry: LogEntry) -> str:
    """Return one line of the event log, as people read it."""
    when = "time unknown" if entry.at is None else format_stamp(entry.at)[:19] + "Z"
    over = "" if entry.asserted else " (is over)"
    severity = "" if entry.severity in {"", "ok"} else f" [{entry.severity}]"
    return f"{when}  {entry.component}: {entry.text}{over}{severity}"
