"""What one boot says that no good boot says: the good ones shared out to processes."""

from __future__ import annotations

import json
from collections.abc import Iterator, Sequence
from contextlib import closing
from itertools import groupby
from pathlib import Path
from typing import NamedTuple

from solrecd.cli.shared import workers
from solrecd.cli.shared.read_reports import Faults, Progress
from solrecd.storage.history.files import Fault, Report, read_blocks
from solrecd.storage.history.novel import Novel, whole_lines
from solrecd.storage.history.segments import Archive, Segment
from solrecd.storage.history.text import MAX_LINE

BOOTS_PER_JOB = 8
"""So that few boots keep every processor busy and a folder is seldom listed twice."""

_DONE, _FAULT = 1, 2
"""Kinds of messages that a job tells."""

Boots = Sequence[tuple[str, int]]
"""Consoles and numbers; those of a console stand together."""


class _Job(NamedTuple):
    """Some boots of one console."""

    console: str
    boots: Sequence[int]


def cross_out(novel: Novel, archive: Archive, good: Boots, faults: Faults) -> int:
    """Forget what good boots say; return how many were read until none was left.

    The first boots are read here: they cross out nearly all, and every process begins
    with the little that is left.

    Args:
        novel: what the boot says.
        archive: where the good boots are.
        good: these boots, those first that probably say the most of it.
        faults: told what could not be read.
    """
    jobs = _jobs(good)
    progress = Progress("comparing with boots", len(jobs))
    read = 0
    for some in (jobs[:1], jobs[1:]):
        read += _do(_Work(novel, archive, some), progress, faults)
    progress.clear()
    return read


def _do(work: _Work, progress: Progress, faults: Faults) -> int:
    """Do jobs until they are done or no message is left; return the boots read."""
    read = 0
    if not work.novel:
        return read
    processes = work.processes
    with closing(workers.run(len(work.jobs), work.do, processes)) as messages:
        for message in messages:
            if message.kind == _FAULT:
                progress.clear()
                faults(_fault(message.data))
            elif message.kind == _DONE:
                progress.step(work.jobs[message.job].console)
                count, gone = json.loads(message.data)
                read += count
                work.novel.forget(set(gone))
                if not work.novel:
                    break
    return read


def blocks(segments: Sequence[Segment], report: Report) -> Iterator[bytes]:
    """Yield the text of a boot, cut at line ends."""
    for segment in segments:
        if "log" in segment.files:
            yield from whole_lines(read_blocks(segment.files["log"], report), MAX_LINE)


def _jobs(good: Boots) -> list[_Job]:
    jobs: list[_Job] = []
    for console, its in groupby(good, key=lambda boot: boot[0]):
        numbers = [number for _, number in its]
        jobs += (
            _Job(console, numbers[begin : begin + BOOTS_PER_JOB])
            for begin in range(0, len(numbers), BOOTS_PER_JOB)
        )
    return jobs


class _Work:
    """Jobs, as a process does them: each begins with what those before it left."""

    def __init__(self, novel: Novel, archive: Archive, jobs: Sequence[_Job]) -> None:
        self.novel = novel
        self.processes = archive.processes
        self._archive = archive
        self.jobs = jobs

    def do(self, number: int) -> Iterator[tuple[int, bytes]]:
        """Do a job; tell how many boots were read and which messages they say."""
        job = self.jobs[number]
        before, read = self.novel.firsts, 0
        faults: list[Fault] = []
        segments = self._archive.segments(job.console)
        for boot in job.boots:
            found = [each for each in segments if each.name.boot == boot]
            read += bool(found)
            for block in blocks(found, faults.append):
                self.novel.cross_out(block)
        for fault in faults:
            told = str(fault.path), fault.offset, fault.reason
            yield _FAULT, json.dumps(told).encode()
        gone = before - self.novel.firsts
        yield _DONE, json.dumps((read, sorted(gone))).encode()


def _fault(told: bytes) -> Fault:
    path, offset, reason = json.loads(told)
    return Fault(Path(path), offset, reason)
