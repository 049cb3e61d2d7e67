"""Consoles that programs show: shell scripts on real terminals, and a whole daemon."""

from __future__ import annotations

import json
import os
import random
import re
import shlex
import signal
from functools import partial
from pathlib import Path
from typing import Any

import pytest
import trio

from solrecd.config import ConsoleConfig
from solrecd.sources.stream.exec.place import ExecOptions
from tests.integration.test_attach import attached, run
from tests.integration.test_daemon import Site, until
from tests.integration.test_restart import recording
from tests.integration.test_restart_process import configure, raw, text
from tests.support.broken_disk import BrokenDisk
from tests.support.descriptor_store import DescriptorStore
from tests.support.recorder import wait_until
from tests.support.streams import numbered_lines

COUNTS = "i=0; while :; do printf 'line %07d\\r\\n' $i; i=$((i+1)); sleep 0.004; done"
"""A machine that prints numbered lines endlessly."""


@pytest.fixture(name="site")
def _site(tmp_path: Path) -> Site:
    return Site(tmp_path)


def add(site: Site, *command: str, name: str = "node1") -> None:
    """Put a console into the configuration."""
    options = ExecOptions(command=command)
    site.consoles[name] = ConsoleConfig(name=name, kind="exec", options=options)


async def status(site: Site, name: str = "node1") -> dict[str, Any]:
    """Return the ``status`` object."""
    _, said = await run(site, "status", name, "--json")
    return dict(json.loads(said))


def is_running(pid: int) -> bool:
    """Tell whether a process runs; one that only waits to be reaped does not."""
    try:
        return ") Z " not in Path(f"/proc/{pid}/stat").read_text()
    except OSError:
        return False


# Recording.


async def test_output_is_recorded_byte_for_byte(site: Site) -> None:
    printed = bytes(range(256)) * 16 + random.Random(7).randbytes(300_000)
    file = site.folder / "printed"
    file.write_bytes(printed)
    add(site, "sh", "-c", f"cat {file}; sleep 1000")

    async with site.recording():
        await until(lambda: len(site.raw("node1")) >= len(printed))

    assert site.raw("node1") == printed
    assert "# gap: " not in site.text("node1")


async def test_what_is_typed_arrives_unchanged(site: Site) -> None:
    typed = b"ls\r\xff\n\x03\x04\x1a" + bytes(range(128, 256))
    add(site, "sh", "-c", f"exec head -c {len(typed)} > {site.folder}/typed")

    async with site.recording():
        await site.wait("node1", session="up")
        async with attached(site) as person:
            await person.paste(typed)
            file = site.folder / "typed"
            await until(lambda: file.exists() and file.stat().st_size == len(typed))

    assert (site.folder / "typed").read_bytes() == typed


async def test_a_program_gets_a_terminal_and_nothing_of_ours(
    site: Site, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("CREDENTIALS_DIRECTORY", "/run/credentials/solrecd")
    monkeypatch.setenv("NOTIFY_SOCKET", "/nowhere")
    add(
        site,
        *("sh", "-c"),
        "env; echo; tty; tty </dev/tty; stty size; ls /proc/self/fd | tr '\\n' ' ';"
        " ps -o sid= -p $$ | tr -d ' '; echo $$; sleep 1000",
    )

    async with site.recording():
        await until(lambda: site.raw("node1").count(b"\n") > 10)
        await trio.sleep(0.5)
        row = await status(site)

    environ, rest = site.raw("node1").decode().split("\n\n")
    names = {line.partition("=")[0] for line in environ.splitlines()}
    assert names <= {
        *("PATH", "HOME", "USER", "LOGNAME", "SHELL", "LANG", "TERM", "TZ"),
        *("PWD", "SHLVL", "_"),
    }
    ours, its_own, size, rest, sid = rest.split()[0:2] + rest.splitlines()[2:5]
    assert ours.startswith("/dev/pts/")
    assert its_own == "/dev/tty"
    assert size == "24 80"
    assert rest.split()[:3] == ["0", "1", "2"]
    assert len(rest.split()[:-1]) <= 4, "and that of the folder"
    assert int(rest.split()[-1]) == int(sid) == row["pid"]


# When it ends, or does not run.


async def test_what_a_program_says_when_it_fails_is_in_ls(site: Site) -> None:
    says = "printf '\\033[31merror:\\033[0m Domain not found: no domain vm1\\r\\n'"
    add(site, "sh", "-c", f"sleep 0.1; {says}; exit 3")

    async with site.recording():
        row = await site.wait("node1", session="down")

    assert row["error"].endswith(
        "...: ended with exit status 3: error: Domain not found: no domain vm1"
    )
    assert row["error"].startswith("closed: sh -c ")
    assert row["next_try"] is not None


@pytest.mark.parametrize(
    ("command", "error"),
    [
        (["no-such"], "no-such: no such program; install it, or correct `command`"),
        (["/no/such"], "/no/such: no such program; install it, or correct `command`"),
        (["/etc/passwd"], "/etc/passwd: the daemon's user may not run it; correct"),
        (["{folder}/bare"], "{folder}/bare: no program; begin a script with a line"),
    ],
    ids=["in no folder", "not there", "not executable", "no interpreter"],
)
async def test_what_is_no_program_says_so_in_one_line(
    site: Site, command: list[str], error: str
) -> None:
    bare = site.folder / "bare"
    bare.write_text("echo hello\n")
    bare.chmod(0o755)
    add(site, *(word.format(folder=site.folder) for word in command))

    async with site.recording():
        row = await site.wait("node1", session="down")
        code, said = await run(site, "doctor", "node1")

    assert row["error"].startswith("unreachable: " + error.format(folder=site.folder))
    if "bare" not in command[0]:
        assert f"bad  program         {error}".split(";")[0] in said
        assert code == 1


async def test_a_program_that_forks_away_is_told_to_stay(site: Site) -> None:
    file = site.folder / "pid"
    add(site, "sh", "-c", f"trap '' HUP; sleep 1000 & echo $! > {file}; exit 0")

    async with site.recording():
        row = await site.wait("node1", session="down")
        left = int(file.read_text())
        await until(lambda: not is_running(left))

    assert row["error"].endswith(
        "ended with exit status 0 and left others behind; have it stay in the"
        " foreground"
    )


async def test_one_that_closes_its_terminal_is_ended(site: Site) -> None:
    file = site.folder / "pid"
    script = f"echo $$ > {file}; exec <&- >&- 2>&-; exec sleep 1000"
    add(site, "sh", "-c", script)

    async with site.recording():
        row = await site.wait("node1", session="down")
        await until(lambda: not is_running(int(file.read_text())))

    assert "it has closed its terminal and runs on" in row["error"]


async def test_one_that_leaves_its_terminal_is_told_to_stay(site: Site) -> None:
    add(site, "setsid", "--fork", "sleep", "2")

    async with site.recording():
        row = await site.wait("node1", session="down")

    assert "exit status 0" in row["error"]
    assert "stay in the foreground" in row["error"]


async def test_one_that_ends_at_once_is_not_stormed(site: Site) -> None:
    file = site.folder / "runs"
    add(site, "sh", "-c", f"echo >> {file}")

    async with site.recording():
        await trio.sleep(8)

    assert 3 <= len(file.read_text()) <= 6


async def test_one_that_prints_on_after_its_end_is_ended(site: Site) -> None:
    add(site, "sh", "-c", "yes & exit 7")

    async with site.recording():
        row = await site.wait("node1", session="down")

    assert "ended with exit status 7" in row["error"]


@pytest.mark.alone
async def test_a_session_ends_with_its_console_whatever_it_ignores(site: Site) -> None:
    file = site.folder / "pids"
    stubborn = "trap '' HUP TERM INT; sleep 1000"
    script = f"set -m; ({stubborn}) & echo $! > {file}; {stubborn} & {stubborn}"
    add(site, "bash", "-c", script)

    async with site.recording():
        await site.wait("node1", session="up")
        await until(file.exists)
        row = await status(site)
        began = trio.current_time()
    took = trio.current_time() - began

    left = [row["pid"], *map(int, file.read_text().split())]
    assert not any(map(is_running, left))
    assert took < 5


# Back-pressure, and neighbours.


async def test_a_full_journal_holds_a_program_up_and_loses_nothing(site: Site) -> None:
    disk, printed = BrokenDisk(), numbered_lines(0, 120_000)
    (site.folder / "printed").write_bytes(printed)
    add(site, "sh", "-c", f"read x; cat {site.folder}/printed; sleep 1000")

    async with site.recording(disk):
        await site.wait("node1", session="up")
        disk.hang()
        async with attached(site) as person:
            person.type(b"\n")
            while not (await status(site))["journal_refusing"]:  # noqa: ASYNC110
                await trio.sleep(0.1)
        disk.resume()
        await until(lambda: len(site.raw("node1")) == len(printed))

    assert site.raw("node1") == printed
    assert site.events("node1", "gap") == []


async def test_a_flood_does_not_hurt_a_neighbour(site: Site) -> None:
    add(site, "yes", "a flood of this program's lines")
    add(site, "sh", "-c", COUNTS, name="node2")

    async with site.recording():
        await until(lambda: len(site.raw("node1")) > 1 << 20)
        goal = len(site.raw("node2")) + 200 * 14
        with trio.fail_after(20):
            await until(lambda: len(site.raw("node2")) > goal)

    found = site.raw("node2")
    assert found == numbered_lines(0, len(found) // 14 + 1)[: len(found)]


# Restarts.


async def test_restarts_keep_the_program_and_every_byte(site: Site) -> None:
    add(site, "sh", "-c", COUNTS)
    store, pids = DescriptorStore(), set[int]()

    for _ in range(3):
        async with recording(site, store):
            await site.wait("node1", session="up")
            pids.add((await status(site))["pid"])
            goal = len(site.raw("node1")) + 2000
            await until(lambda goal=goal: len(site.raw("node1")) > goal)  # type: ignore[misc]
        await trio.sleep(0.5)
    async with recording(site, store, is_handing_over=False):
        goal = len(site.raw("node1")) + 2000
        await until(lambda: len(site.raw("node1")) > goal)

    found = site.raw("node1")
    assert found == numbered_lines(0, len(found) // 14 + 1)[: len(found)]
    assert len(pids) == 1
    assert not is_running(*pids)
    assert "# gap: " not in site.text("node1")
    assert site.text("node1").count("# restart: session kept\n") == 3
    assert [name for name in store.kept if name.startswith("exec.")] == []


async def test_a_program_that_ended_meanwhile_is_recorded_to_its_last_byte(
    site: Site,
) -> None:
    stop = site.folder / "stop"
    add(site, "sh", "-c", f"until [ -e {stop} ]; do sleep 0.1; done; echo last words")
    store = DescriptorStore()

    async with recording(site, store):
        await site.wait("node1", session="up")
        pid = (await status(site))["pid"]
    stop.touch()
    await until(lambda: not is_running(pid))
    async with recording(site, store, is_handing_over=False):
        row = await site.wait("node1", session="down")

    assert site.raw("node1").startswith(b"last words\n")
    assert row["error"].endswith("last words")


async def test_another_command_ends_the_program_of_the_old_one(site: Site) -> None:
    add(site, "sleep", "1000")

    async with site.recording():
        await site.wait("node1", session="up")
        before = (await status(site))["pid"]
        add(site, "sleep", "1001")
        code, said = await run(site, "reload")
        await until(lambda: not is_running(before))
        row = await status(site)

    assert code == 0, said
    assert row["command"] == ["sleep", "1001"]


@pytest.mark.parametrize("how", ["restart", "crash"])
async def test_restarts_of_a_process_cost_no_byte_and_repeat_none(
    tmp_path: Path, how: str
) -> None:
    rng = random.Random(how)
    words = json.dumps(["sh", "-c", f"echo $$ > {tmp_path}/pid; {COUNTS}"])
    toml = f'[console.node1]\nkind = "exec"\ncommand = {words}\n'
    with configure(tmp_path, toml) as service:
        await trio.to_thread.run_sync(service.start)
        for _ in range(3):
            await trio.sleep(rng.uniform(0.3, 1.0))
            act = service.restart if how == "restart" else service.crash
            await trio.to_thread.run_sync(act, rng.uniform(0, 2))
        seen = len(raw(tmp_path, "node1"))
        await trio.to_thread.run_sync(
            partial(
                wait_until,
                lambda: len(raw(tmp_path, "node1")),
                lambda size: size >= seen + 3000,
                seconds=20,
            )
        )
        await trio.to_thread.run_sync(service.stop)
        pid = int((tmp_path / "pid").read_text())

    found = raw(tmp_path, "node1")
    assert found == numbered_lines(0, len(found) // 14 + 1)[: len(found)]
    assert "# gap: " not in text(tmp_path, "node1")
    assert text(tmp_path, "node1").count("# restart: session kept\n") == 3
    assert not is_running(pid)


async def test_a_program_hangs_up_when_daemon_and_store_are_gone(
    tmp_path: Path,
) -> None:
    words = json.dumps(["sh", "-c", f"echo $$ > {tmp_path}/pid; sleep 1000"])
    toml = f'[console.node1]\nkind = "exec"\ncommand = {words}\n'
    with configure(tmp_path, toml) as service:
        await trio.to_thread.run_sync(service.start)
        await until(lambda: "state=up" in service.messages)
        await until((tmp_path / "pid").exists)
        pid = int((tmp_path / "pid").read_text())
        service.kill()
        was_running = is_running(pid)
    with trio.fail_after(60):
        await until(lambda: not is_running(pid))

    assert was_running


async def test_a_doctor_tells_that_it_runs(site: Site) -> None:
    add(site, "sh", "-c", "echo login:; sleep 1000")

    async with site.recording():
        await until(lambda: site.raw("node1") != b"")
        row = await status(site)
        code, said = await run(site, "doctor", "node1")

    command = shlex.join(["sh", "-c", "echo login:; sleep 1000"])
    assert re.sub(r"\d+ s", "N s", said) == (
        "node1\n"
        f"  ok   session         connected to {command} for N s\n"
        f"  ok   process         runs as process {row['pid']}\n"
        "  ok   output          last byte N s ago\n"
    )
    assert code == 0


async def test_a_program_that_is_killed_says_by_which_signal(site: Site) -> None:
    add(site, "sleep", "1000")

    async with site.recording():
        await site.wait("node1", session="up")
        os.kill((await status(site))["pid"], signal.SIGKILL)
        row = await site.wait("node1", session="down")

    assert row["error"] == (
        "closed: sleep 1000: ended with signal SIGKILL, and said nothing"
    )
