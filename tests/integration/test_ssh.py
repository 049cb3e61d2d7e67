"""Consoles behind OpenSSH's server, with acted BMCs and real terminals between."""

from __future__ import annotations

import os
import re
import shutil
import signal
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from datetime import datetime
from pathlib import Path
from typing import Any

import pytest
import trio

from solrecd.config import Secret
from solrecd.sources.stream.ssh.options import HostKey
from solrecd.sources.stream.ssh.vendors import VENDORS
from solrecd.sources.stream.unix.place import UnixOptions
from tests.integration.test_attach import attached, run
from tests.integration.test_daemon import Site, until
from tests.integration.test_exec import is_running, status
from tests.integration.test_restart import recording
from tests.support.descriptor_store import DescriptorStore
from tests.support.sshd import (
    MISSING,
    SSHD,
    Sshd,
    acted,
    make_key,
    ssh_console,
    throwaway_user,
)
from tests.support.streams import Printer, Socat, numbered_lines

pytestmark = [
    pytest.mark.skipif(SSHD is None, reason=MISSING),
    pytest.mark.skipif(shutil.which("socat") is None, reason="socat is not installed"),
]

is_root = pytest.mark.skipif(os.geteuid() != 0, reason="makes a user: root only")

BACK = b"\x1c"
"""Leaves the acted console, for the prompt."""


@pytest.fixture(name="site")
def _site(tmp_path: Path) -> Site:
    return Site(tmp_path)


@contextmanager
def bmc(site: Site, vendor: str) -> Iterator[Sshd]:
    """Have a BMC of a vendor, and its console in the configuration as ``node1``."""
    with Sshd(site.folder, acted(site.folder, vendor)) as sshd:
        add(site, sshd, vendor=vendor)
        yield sshd


@contextmanager
def machine(site: Site) -> Iterator[Socat]:
    """Have a machine behind the BMC."""
    with Socat(UnixOptions(path=str(site.folder / "serial.sock"))) as socat:
        yield socat


def add(site: Site, sshd: Sshd, name: str = "node1", **changes: Any) -> None:
    """Put a console into the configuration."""
    site.consoles[name] = ssh_console(name, sshd.options(**changes))


# The console, and nothing but the console.


@pytest.mark.parametrize("vendor", [v for v, one in VENDORS.items() if one.prompt])
async def test_a_console_is_entered_and_recorded_without_what_led_to_it(
    site: Site, vendor: str
) -> None:
    printed = numbered_lines(0, 200)
    with bmc(site, vendor), machine(site) as socat:
        async with site.recording():
            await site.wait("node1", session="up")
            await trio.to_thread.run_sync(socat.print, printed)
            await until(lambda: len(site.raw("node1")) >= len(printed))
            async with attached(site) as person:
                await person.paste(b"root\r\x03~.~\xff")
                await until(lambda: len(socat.typed) == 10)

    assert site.raw("node1") == printed
    assert bytes(socat.typed) == b"root\r\x03~.~\xff"


async def test_a_login_that_shows_the_console_is_recorded_from_its_first_byte(
    site: Site,
) -> None:
    with Sshd(site.folder, "printf 'U-Boot 2024\\n'; sleep 1000") as sshd:
        add(site, sshd)
        async with site.recording():
            await until(lambda: b"\n" in site.raw("node1"))

    assert site.raw("node1") == b"U-Boot 2024\r\n"


async def test_without_a_prompt_the_command_is_run_there(site: Site) -> None:
    with Sshd(site.folder) as sshd:
        add(site, sshd, enter=("printf 'a%s' b; sleep 1000",))
        async with site.recording():
            await until(lambda: site.raw("node1") == b"ab")


async def test_a_prompt_that_comes_back_is_a_lost_console_that_is_entered_again(
    site: Site,
) -> None:
    with bmc(site, "idrac"), machine(site) as socat:
        async with site.recording():
            await site.wait("node1", session="up")
            async with attached(site) as person:
                await person.paste(BACK)
                row = await site.wait("node1", session="down")
            socat.kill()
            socat.start()
            await site.wait("node1", session="up")
            await trio.to_thread.run_sync(socat.print, b"again\r\n")
            await until(lambda: b"again" in site.raw("node1"))

    assert row["error"].startswith("deactivated: ")
    assert row["error"].endswith("the prompt is back, the console was left")
    assert "# gap: " in site.text("node1")


async def test_what_only_looks_like_a_prompt_is_output(site: Site) -> None:
    with bmc(site, "xcc"), machine(site) as socat:
        async with site.recording():
            await site.wait("node1", session="up")
            await trio.to_thread.run_sync(socat.print, b"a\r\nsystem>")
            await trio.sleep(0.4)
            await trio.to_thread.run_sync(socat.print, b" 7\r\n")
            await trio.sleep(1.5)
            row = await status(site)

    assert row["session"] == "up"
    assert site.raw("node1") == b"a\r\nsystem> 7\r\n"


# When it cannot be entered.


async def why(site: Site) -> str:
    """Return what ``ls`` says of a console that is not up."""
    row = await site.wait("node1", session="down")
    return str(row["error"])


async def test_an_unknown_host_key_is_shown_with_its_remedy(site: Site) -> None:
    with bmc(site, "idrac") as sshd:
        sshd.known_hosts.unlink()
        async with site.recording():
            error = await why(site)
            code, said = await run(site, "doctor", "node1")

    learn = f"ssh-keyscan -p {sshd.port} 127.0.0.1 >> {sshd.known_hosts}"
    assert error.startswith("untrusted: ")
    assert re.search(r"its host key is not known \(ED25519 SHA256:\S{43}\)", error)
    assert error.endswith(learn)
    assert code == 1
    assert re.search(r"ok .*resolve .*\n.*ok .*connect .*SSH-2.0-OpenSSH", said)
    assert re.search(r"bad .*host key .*not known: ED25519 SHA256:", said)


async def test_a_changed_host_key_is_never_believed(site: Site) -> None:
    with bmc(site, "idrac") as sshd:
        add(site, sshd, vendor="idrac", host_key=HostKey.ACCEPT_NEW)
        sshd.kill()
        make_key(site.folder / "host")
        sshd.start()
        async with site.recording():
            error = await why(site)
            code, said = await run(site, "doctor", "node1")

    assert error.startswith("untrusted: ")
    assert re.search(r"its host key has changed, it shows SHA256:\S{43}; find", error)
    assert f"ssh-keygen -R '[127.0.0.1]:{sshd.port}'" in error
    assert code == 1
    assert re.search(r"bad .*host key .*has changed: ED25519 SHA256:", said)


async def test_a_first_host_key_is_learned_where_that_is_chosen(site: Site) -> None:
    with bmc(site, "idrac") as sshd, machine(site):
        sshd.known_hosts.unlink()
        add(site, sshd, vendor="idrac", host_key=HostKey.ACCEPT_NEW)
        async with site.recording():
            await site.wait("node1", session="up")

    learned = (site.folder / "state/known_hosts").read_text()
    assert learned.startswith(f"[127.0.0.1]:{sshd.port} ssh-ed25519 ")


@is_root
async def test_a_password_is_given_and_seen_nowhere(site: Site) -> None:
    shows = "printf 'machine\\n'; sleep 1000"
    more = "PasswordAuthentication yes\n"
    with throwaway_user() as (name, password), Sshd(site.folder, shows, more) as sshd:
        secret = Secret(password.encode())
        add(site, sshd, username=name, password=secret, identity_file="")
        async with site.recording():
            await until(lambda: site.raw("node1") == b"machine\r\n")
            row = await status(site)
            process = Path(f"/proc/{row['pid']}")
            for file in ("cmdline", "environ"):
                assert password.encode() not in (process / file).read_bytes()
            assert not any("ssh-answer" in link for link in open_files())


@is_root
async def test_a_wrong_password_is_tried_rarely(site: Site) -> None:
    more = "PasswordAuthentication yes\n"
    with throwaway_user() as (name, _), Sshd(site.folder, "true", more) as sshd:
        add(site, sshd, username=name, password=Secret(b"wrong"), identity_file="")
        async with site.recording():
            row = await site.wait("node1", session="down")
            _, said = await run(site, "doctor", "node1")

    assert row["error"].startswith("bad_password: ")
    assert f"permission denied for {name} (it takes: " in row["error"]
    assert "bad  login" in said
    assert waits(row) > 25


def open_files() -> list[str]:
    """Return what this process has open."""
    return [str(fd.readlink()) for fd in Path("/proc/self/fd").iterdir() if fd.exists()]


def waits(row: Mapping[str, Any]) -> float:
    """Return seconds from the loss to the next try."""
    since, then = (datetime.fromisoformat(row[key]) for key in ("since", "next_try"))
    return (then - since).total_seconds()


async def test_a_refused_key_says_what_the_account_takes(site: Site) -> None:
    with bmc(site, "idrac") as sshd:
        (site.folder / "authorized").write_text("")
        async with site.recording():
            error = await why(site)

    assert error.startswith("bad_password: ")
    assert "(it takes: publickey" in error
    assert str(sshd.port) in error


async def test_a_key_that_cannot_be_read_is_named(site: Site) -> None:
    with bmc(site, "idrac") as sshd:
        add(site, sshd, vendor="idrac", identity_file="/no/such/key")
        async with site.recording():
            error = await why(site)

    assert "ssh cannot read /no/such/key: No such file or directory" in error


@pytest.mark.parametrize(
    ("host", "error"),
    [
        ("no-such-host.invalid", "name_unresolved: "),
        ("127.0.0.1", "unreachable: "),
    ],
    ids=["unresolved", "refused"],
)
async def test_a_host_that_is_not_there_says_so(
    site: Site, host: str, error: str
) -> None:
    with bmc(site, "idrac") as sshd:
        add(site, sshd, host=host)
    async with site.recording():
        said = await why(site)

    assert said.startswith(error)
    assert "Connection refused; see" in said or "correct `host`" in said


@pytest.mark.parametrize(
    ("refusal", "error"),
    [
        ("Error: SOL is disabled", "protocol_error: "),
        ("Serial device 1 is already in use", "foreign_owner: "),
    ],
    ids=["disabled", "in use"],
)
async def test_a_refused_entry_says_what_the_bmc_printed(
    site: Site, refusal: str, error: str
) -> None:
    (site.folder / "refusal").write_text(refusal + "\n")
    with bmc(site, "idrac"):
        async with site.recording():
            said = await why(site)
            _, doctor = await run(site, "doctor", "node1")

    assert said.startswith(error)
    assert f"'connect com2' is refused: {refusal}; " in said
    assert "bad  login" in doctor
    assert refusal in doctor
    assert site.raw("node1") == b"", "what the BMC says is none of the machine's output"


async def test_a_prompt_that_does_not_come_shows_what_came(
    site: Site, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("solrecd.sources.stream.ssh.way.PROMPT_WITHIN", 1.0)
    with bmc(site, "ilo") as sshd:
        add(site, sshd, vendor="idrac")
        async with site.recording():
            error = await why(site)

    assert "no prompt 'racadm>>', it printed: Welcome to the BMC / </>hpiLO->" in error


async def test_old_algorithms_are_named_that_would_help(site: Site) -> None:
    old = "KexAlgorithms diffie-hellman-group14-sha1\n"
    with Sshd(site.folder, acted(site.folder, "idrac"), old) as sshd, machine(site):
        add(site, sshd, vendor="idrac")
        async with site.recording():
            error = await why(site)
        name = "diffie-hellman-group14-sha1"
        add(site, sshd, vendor="idrac", algorithms=(name,))
        async with site.recording():
            await site.wait("node1", session="up")

    assert error.startswith("suite_refused: ")
    assert error.endswith(f'algorithms = ["{name}"] allows it')


# When it ends.


async def test_a_server_that_is_killed_and_comes_back_is_entered_again(
    site: Site,
) -> None:
    with bmc(site, "idrac") as sshd, machine(site) as socat:
        async with site.recording():
            await site.wait("node1", session="up")
            pid = (await status(site))["pid"]
            sshd.kill()
            socat.kill()
            await until(lambda: not is_running(pid))
            socat.start()
            await trio.to_thread.run_sync(sshd.start)
            await site.wait("node1", session="up")
            await trio.to_thread.run_sync(socat.print, b"again\r\n")
            await until(lambda: b"again\r\n" in site.raw("node1"))

    assert "# gap: " in site.text("node1")


async def test_restarts_keep_the_session_and_every_byte(site: Site) -> None:
    store, pids = DescriptorStore(), set[int]()
    with bmc(site, "idrac"), machine(site) as socat, Printer(socat) as printer:
        for _ in range(3):
            async with recording(site, store):
                await site.wait("node1", session="up")
                pids.add((await status(site))["pid"])
                goal = len(site.raw("node1")) + 5000
                await until(lambda goal=goal: len(site.raw("node1")) > goal)  # type: ignore[misc]
            await trio.sleep(0.3)
        async with recording(site, store, is_handing_over=False):
            printed = await trio.to_thread.run_sync(printer.stop)
            await until(lambda: len(site.raw("node1")) >= len(printed))

    assert site.raw("node1") == printed
    assert len(pids) == 1
    assert not is_running(*pids)
    assert site.text("node1").count("# restart: session kept\n") == 3
    assert [name for name in store.kept if name.startswith("ssh.")] == []


async def test_why_a_session_ended_is_known_across_a_restart(site: Site) -> None:
    store = DescriptorStore()
    with Sshd(site.folder, "sleep 1000") as sshd:
        add(site, sshd)
        async with recording(site, store):
            await site.wait("node1", session="up")
            pid = (await status(site))["pid"]
    # The server's process of this session outlives the one that listens.
    os.kill(pid, signal.SIGTERM)
    await until(lambda: not is_running(pid))
    async with recording(site, store, is_handing_over=False):
        row = await site.wait("node1", session="down")

    assert row["error"], "a reason"


async def test_no_ssh_is_left_when_the_daemon_stops(site: Site) -> None:
    with bmc(site, "idrac"), machine(site):
        async with site.recording():
            await site.wait("node1", session="up")
            pid = (await status(site))["pid"]
        await until(lambda: not is_running(pid))


async def test_an_ssh_that_dies_is_run_again(site: Site) -> None:
    with Sshd(site.folder, "printf 'here\\n'; sleep 1000") as sshd:
        add(site, sshd)
        async with site.recording():
            await site.wait("node1", session="up")
            os.kill((await status(site))["pid"], signal.SIGKILL)
            await until(lambda: site.raw("node1").count(b"here") == 2)
