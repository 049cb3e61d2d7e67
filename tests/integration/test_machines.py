"""Several consoles of one machine: told, chosen and shown together."""

from __future__ import annotations

import json
from pathlib import Path

import pytest

from solrecd.config import ConsoleConfig
from solrecd.sources.stream.exec.place import ExecOptions
from tests.integration.test_attach import run
from tests.integration.test_daemon import Site, until

BOOT = "printf 'Linux version 6.1.0\\r\\nlogin: '; sleep 1000"


@pytest.fixture(name="site")
def _site(tmp_path: Path) -> Site:
    """Return a site with two machines, one of which has two consoles."""
    site = Site(tmp_path)
    for name, machine in (("bmc1", "m1"), ("other", ""), ("dpu1", "m1")):
        site.consoles[name] = ConsoleConfig(
            name=name,
            kind="exec",
            options=ExecOptions(command=("sh", "-c", BOOT)),
            machine=machine,
        )
    return site


def configured(site: Site) -> str:
    """Return a file that says where the archive and its index are."""
    daemon, file = site.config().daemon, site.folder / "solrecd.toml"
    file.write_text(
        f'[daemon]\nlog_dir = "{daemon.log_dir}"\nstate_dir = "{daemon.state_dir}"\n'
    )
    return str(file)


async def test_a_machine_is_in_every_object_and_chooses_its_consoles(
    site: Site,
) -> None:
    async with site.recording():
        for name in site.consoles:
            await until(lambda name=name: site.raw(name) != b"")  # type: ignore[misc]
        _, listed = await run(site, "ls", "--json")
        _, chosen = await run(site, "ls", "@machine=m1", "--json")
        _, shown = await run(site, "ls")
        _, top = await run(site, "top")
        _, status = await run(site, "status", "dpu1", "--json")
        _, boots = await run(
            site, "-c", configured(site), "boots", "@machine=m1", "--json"
        )

    machines = {
        row["console"]: row["machine"] for row in map(json.loads, listed.splitlines())
    }
    assert machines == {"bmc1": "m1", "other": None, "dpu1": "m1"}
    assert [json.loads(row)["console"] for row in chosen.splitlines()] == [
        "bmc1",
        "dpu1",
    ]
    assert [line.split("\t")[:2] for line in shown.splitlines()] == [
        ["bmc1", "m1"],
        ["dpu1", "m1"],
        ["other", "-"],
    ]
    assert [line.split("\t")[1] for line in top.splitlines()] == ["m1", "m1", "-"]
    assert json.loads(status)["machine"] == "m1"
    assert {json.loads(row)["machine"] for row in boots.splitlines()} == {"m1"}


async def test_where_no_console_has_a_machine_there_is_no_column(site: Site) -> None:
    del site.consoles["bmc1"], site.consoles["dpu1"]

    async with site.recording():
        await until(lambda: site.raw("other") != b"")
        _, shown = await run(site, "ls")

    assert shown.split("\t")[:2] == ["other", "up"]
