"""Consoles of OpenBMCs: a whole daemon, TLS, and a server with bmcweb's rules."""

from __future__ import annotations

import re
from collections.abc import AsyncIterator
from dataclasses import replace
from pathlib import Path

import pytest
import trio

from solrecd.config import ConsoleConfig
from solrecd.process.secret import Secret
from solrecd.sources.openbmc.options import OpenbmcOptions
from tests.integration.test_attach import attached, run
from tests.integration.test_daemon import Site, until
from tests.support.bmcweb import PASSWORD, USER, Bmcweb
from tests.support.broken_disk import BrokenDisk
from tests.support.certificates import Authority
from tests.support.ports import free_port
from tests.support.streams import numbered_lines

LOGIN = Path("tests/golden/system-login.log").read_bytes()


@pytest.fixture(name="site")
def _site(tmp_path: Path) -> Site:
    return Site(tmp_path)


@pytest.fixture(name="authority")
def _authority(tmp_path: Path) -> Authority:
    return Authority(tmp_path)


@pytest.fixture(name="bmc")
async def _bmc(site: Site, authority: Authority) -> AsyncIterator[Bmcweb]:
    """Return a BMC whose console is node1."""
    bmc = Bmcweb(authority.issue("bmc"))
    async with bmc.serving():
        add(site, bmc.port, ca_file=str(authority.certificate))
        yield bmc


def add(site: Site, port: object, **changes: object) -> None:
    """Put the console of a BMC into the configuration, or change it."""
    options = OpenbmcOptions(
        host="127.0.0.1",
        port=443,
        path="/console/default",
        username=USER,
        password=Secret(PASSWORD.encode()),
    )
    options = replace(options, port=port, **changes)  # type: ignore[arg-type]
    site.consoles["node1"] = ConsoleConfig(
        name="node1", kind="openbmc", options=options
    )


async def record(site: Site, bmc: Bmcweb, data: bytes) -> None:
    """Have the machine print something, and wait until it is recorded."""
    await site.wait("node1", session="up")
    goal = len(site.raw("node1")) + len(data)
    await bmc.print(data)
    await until(lambda: len(site.raw("node1")) >= goal)


# Recording.


async def test_output_is_recorded_byte_for_byte(site: Site, bmc: Bmcweb) -> None:
    printed = bytes(range(256)) * 256

    async with site.recording():
        await record(site, bmc, printed)

    assert site.raw("node1") == printed
    assert "# gap: " not in site.text("node1")


async def test_lines_and_stages_are_read_in_it(site: Site, bmc: Bmcweb) -> None:
    async with site.recording():
        await record(site, bmc, LOGIN)
        row = await site.wait("node1", stage="login")

    assert (row["kind"], row["error"]) == ("openbmc", None)


async def test_what_is_typed_arrives(site: Site, bmc: Bmcweb) -> None:
    pasted = b"".join(b"%07d\r" % number for number in range(4096))

    async with site.recording():
        await site.wait("node1", session="up")
        async with attached(site) as person:
            await person.paste(pasted)
            await until(lambda: len(bmc.typed) == len(pasted))

    assert bmc.typed == pasted


async def test_a_full_journal_holds_the_machine_up_and_loses_nothing(
    site: Site, bmc: Bmcweb
) -> None:
    disk = BrokenDisk()
    printed = numbered_lines(0, 250_000)

    async with site.recording(disk), trio.open_nursery() as nursery:
        await record(site, bmc, b"ready\r\n")
        disk.hang()
        taken = trio.Event()

        async def print_all() -> None:
            await bmc.print(printed)
            taken.set()

        nursery.start_soon(print_all)
        await trio.sleep(3)
        is_held_up = not taken.is_set()
        row = await site.wait("node1", session="up")
        disk.resume()
        await until(lambda: len(site.raw("node1")) == 7 + len(printed))

    assert is_held_up
    assert row["error"] is None
    assert site.raw("node1") == b"ready\r\n" + printed


# Logging in.


async def test_a_bmc_without_basic_authentication_gets_a_session_that_is_given_back(
    site: Site, bmc: Bmcweb
) -> None:
    bmc.basic = False

    async with site.recording():
        await record(site, bmc, b"hello\r\n")
        during = set(bmc.sessions)
        logins = bmc.logins
        await bmc.cut()
        await until(lambda: bmc.logins == logins + 1)
        await record(site, bmc, b"again\r\n")

    assert (len(during), logins) == (1, 2), "basic authentication, then a session"
    assert bmc.sessions == set()


async def test_an_old_bmcweb_has_the_default_console_under_its_only_path(
    site: Site, bmc: Bmcweb
) -> None:
    bmc.paths = frozenset({"/console0"})

    async with site.recording():
        await record(site, bmc, b"hello\r\n")

    assert bmc.requests == ["/console/default", "/console0"]


@pytest.mark.parametrize(
    ("changes", "of_bmc", "error"),
    [
        (
            {"password": Secret(b"wrong")},
            {},
            (
                "bad_password: 127.0.0.1:PORT: user 'recorder': wrong name or password;"
                " correct `username` or its password; the account may be locked"
            ),
        ),
        (
            {},
            {"privileged": False},
            (
                "privilege_refused: 127.0.0.1:PORT: the account may not use the"
                " console; add it to the group hostconsole"
            ),
        ),
        (
            {"path": "/console/dpu"},
            {},
            "sol_disabled: 127.0.0.1:PORT: there is no such console; correct `console`",
        ),
        (
            {},
            {"refusal": 503},
            "bmc_busy: 127.0.0.1:PORT: it is busy, or has no free session; end other",
        ),
        (
            {"ca_file": None},
            {},
            "untrusted: 127.0.0.1:PORT: its certificate is not trusted: ",
        ),
        (
            {"ca_file": None, "fingerprint": "ab" * 32},
            {},
            "untrusted: 127.0.0.1:PORT: its certificate is another: ",
        ),
        (
            {"ca_file": "/nowhere/ca.pem"},
            {},
            "unreachable: /nowhere/ca.pem: No such file or directory; `ca_file` must",
        ),
        (
            {"host": "localhost", "port": 1},
            {},
            "unreachable: localhost:1: connection refused",
        ),
    ],
)
async def test_a_console_that_cannot_be_had_says_why_and_what_to_do(
    site: Site,
    bmc: Bmcweb,
    changes: dict[str, object],
    of_bmc: dict[str, object],
    error: str,
) -> None:
    ca_file = site.consoles["node1"].options.ca_file  # type: ignore[attr-defined]
    add(site, **({"port": bmc.port, "ca_file": ca_file} | changes))
    for name, value in of_bmc.items():
        setattr(bmc, name, value)

    async with site.recording():
        row = await site.wait("node1", session="down")

    assert row["error"].startswith(error.replace("PORT", str(bmc.port)))
    assert PASSWORD not in str(row)
    assert bmc.consoles == []


async def test_a_refused_account_is_not_tried_again_within_half_a_minute(
    site: Site, bmc: Bmcweb
) -> None:
    add(
        site,
        bmc.port,
        ca_file=site.consoles["node1"].options.ca_file,  # type: ignore[attr-defined]
        password=Secret(b"wrong"),
    )

    async with site.recording():
        row = await site.wait("node1", session="down")
        await trio.sleep(2)
        tried = bmc.logins
        await run(site, "reconnect", "node1")
        await until(lambda: bmc.logins > tried)

    assert tried == 2, "basic authentication, then a session"
    assert row["next_try"] is not None


async def test_a_pinned_certificate_is_believed_without_an_authority(
    site: Site, bmc: Bmcweb
) -> None:
    add(site, bmc.port)

    async with site.recording():
        await site.wait("node1", session="down")
        _, said = await run(site, "doctor", "node1")
        (shown,) = set(re.findall(r"SHA-256 ([0-9A-F:]{95})", said))
        add(site, bmc.port, fingerprint=shown.replace(":", "").lower())
        await run(site, "reload")
        await record(site, bmc, b"hello\r\n")

    assert site.raw("node1") == b"hello\r\n"


# When it goes away.


async def test_what_a_bmc_says_on_leaving_is_told_and_the_gap_is_marked(
    site: Site, bmc: Bmcweb
) -> None:
    async with site.recording():
        await record(site, bmc, b"before\r\n")
        await bmc.hang_up("Error in connecting to host port")
        row = await site.wait("node1", session="down")
        await record(site, bmc, b"after\r\n")

    (gap,) = re.findall(r"# gap: (.+)", site.text("node1"))
    assert gap.endswith("s without a session (closed)")
    assert row["error"] == (
        f"closed: 127.0.0.1:{bmc.port} closed the console:"
        " Error in connecting to host port"
    )
    assert site.raw("node1") == b"before\r\nafter\r\n"


async def test_a_bmc_that_is_not_there_is_recorded_again_when_it_is_back(
    site: Site, authority: Authority
) -> None:
    bmc = Bmcweb(authority.issue("bmc"), port=free_port())
    add(site, bmc.port, ca_file=str(authority.certificate))

    async with site.recording():
        await site.wait("node1", session="down")
        async with bmc.serving():
            await record(site, bmc, b"hello\r\n")

    assert site.raw("node1") == b"hello\r\n"


async def test_a_restart_of_the_daemon_is_a_gap_of_its_own_length(
    site: Site, bmc: Bmcweb
) -> None:
    async with site.recording():
        began = trio.current_time()
        await record(site, bmc, b"before\r\n")
    async with site.recording():
        await record(site, bmc, b"after\r\n")
        most = trio.current_time() - began

    (gap,) = re.findall(r"# gap: (.+)", site.text("node1"))
    length = float(gap.removeprefix("up to ").split(" s ")[0])
    assert length <= most + 0.1
    assert site.raw("node1") == b"before\r\nafter\r\n"


@pytest.mark.alone
async def test_one_mute_bmc_does_not_keep_a_stop_waiting(
    site: Site, bmc: Bmcweb
) -> None:
    bmc.is_mute = True

    async with site.recording():
        await site.wait("node1", session="connecting")
        began = trio.current_time()

    assert trio.current_time() - began < 5
