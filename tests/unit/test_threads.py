"""Threads that hang are left behind, and named."""

from __future__ import annotations

import ast
import threading
from pathlib import Path

import pytest
import trio

import solrecd
from solrecd.process.threads import Job, hanging, in_thread

SOURCES = Path(solrecd.__file__).parent


async def test_a_thread_that_hangs_is_left_behind_at_once_and_named() -> None:
    job = Job("a disk", "the next start reads it")
    over = threading.Event()

    with trio.move_on_after(0.1) as waiting:
        await in_thread(job, over.wait)
    named = hanging()
    over.set()

    assert waiting.cancelled_caught
    assert named == [job]


async def test_a_thread_that_is_done_is_named_no_more() -> None:
    done = await in_thread(Job("a disk that works", "nothing"), lambda: 42)

    assert done == 42
    assert not [job for job in hanging() if job.name == "a disk that works"]


async def test_a_token_is_held_until_an_abandoned_thread_is_over() -> None:
    limiter = trio.CapacityLimiter(1)
    over = threading.Event()

    with trio.move_on_after(0.1):
        await in_thread(Job("a disk", "nothing"), over.wait, limiter=limiter)
    held = limiter.borrowed_tokens
    over.set()
    with trio.fail_after(10):
        while limiter.borrowed_tokens:  # noqa: ASYNC110 - a thread gives it back
            await trio.sleep(0.01)

    assert held == 1


def _uses(name: str) -> set[str]:
    """Return the modules of the daemon that have an attribute of this name."""
    found = set()
    for path in SOURCES.rglob("*.py"):
        inside = path.relative_to(SOURCES).as_posix()
        if inside.startswith("cli/"):
            continue
        tree = ast.parse(path.read_text())
        if any(
            isinstance(node, ast.Attribute) and node.attr == name
            for node in ast.walk(tree)
        ):
            found.add(inside)
    return found


@pytest.mark.parametrize(
    ("name", "homes"),
    [
        ("to_thread", {"process/threads.py"}),
        ("ThreadPoolExecutor", set()),
        ("Thread", {"process/stopping.py"}),
        ("run_process", set()),
        ("open_process", {"process/programs.py", "alerts/senders/hook.py"}),
    ],
)
def test_what_may_hang_begins_in_one_place(name: str, homes: set[str]) -> None:
    assert _uses(name) == homes


def test_every_shield_has_a_limit() -> None:
    unbounded = []
    for path in SOURCES.rglob("*.py"):
        for node in ast.walk(ast.parse(path.read_text())):
            if not isinstance(node, ast.Call):
                continue
            shielded = any(keyword.arg == "shield" for keyword in node.keywords)
            name = ast.unparse(node.func)
            if shielded and name not in {"trio.move_on_after", "trio.fail_after"}:
                unbounded.append(path.relative_to(SOURCES).as_posix())

    assert sorted(unbounded) == [
        # Waits for a console that is leaving, and for a step without any waiting.
        "daemon/tending.py",
        "daemon/tending.py",
        # Ended by a stop: `OpeningThreads.abandon`.
        "storage/archive/opening_threads.py",
    ]
