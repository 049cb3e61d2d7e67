"""A name server that takes questions and never answers, in namespaces of its own."""

from __future__ import annotations

import json
import shutil
import subprocess
import sys
import textwrap
from pathlib import Path

import pytest

_LOOK_UP = textwrap.dedent(
    """
    import json, socket, sys, threading, time
    import trio
    from solrecd.process.name_lookups import MAX_LOOKUPS, NameLookups
    from solrecd.sources.ipmi.link.base import NameUnresolvedError
    from solrecd.sources.ipmi.link.resolve import Resolver

    took, said, asked = {}, {}, []

    def be_mute(server):
        while True:
            asked.append(server.recv(512))

    async def ask(name):
        began = trio.current_time()
        try:
            said[name] = (await Resolver().resolve(name, 623))[0].host
        except NameUnresolvedError as error:
            said[name] = str(error)
        took[name] = trio.current_time() - began

    async def main():
        trio.socket.set_custom_hostname_resolver(NameLookups())
        async with trio.open_nursery() as nursery:
            for number in range(2 * MAX_LOOKUPS):
                nursery.start_soon(ask, f"mute{number}.example.net")
            await trio.sleep(0.1)
            nursery.start_soon(ask, "good")
            with trio.move_on_after(0.2):
                await trio.to_thread.run_sync(lambda: None)  # Trio's own are free
                said["thread"] = "free"
        with open("/proc/self/fd/1", "w") as out:
            json.dump([took, said, len(asked)], out)

    server = socket.socket(socket.AF_INET, socket.SOCK_DGRAM)
    server.bind(("127.0.0.1", 53))
    threading.Thread(target=be_mute, args=(server,), daemon=True).start()
    trio.run(main)
    """
)

_SHELL = """
ip link set lo up &&
mount --bind "$1/resolv.conf" /etc/resolv.conf &&
mount --bind "$1/hosts" /etc/hosts &&
exec "$2" "$1/look_up.py"
"""


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    """Return a folder with what the look-ups need."""
    (tmp_path / "resolv.conf").write_text("nameserver 127.0.0.1\n")
    (tmp_path / "hosts").write_text("127.0.0.1 localhost\n192.0.2.7 good\n")
    (tmp_path / "look_up.py").write_text(_LOOK_UP)
    return tmp_path


@pytest.mark.alone
def test_good_names_are_found_beside_a_mute_name_server(folder: Path) -> None:
    namespaces = ["unshare", "--map-root-user", "--mount", "--net"]
    if (
        shutil.which("unshare") is None
        or subprocess.run(
            [*namespaces, "true"], check=False, capture_output=True
        ).returncode
    ):
        pytest.skip("needs namespaces (unshare --map-root-user --mount --net)")

    run = subprocess.run(
        [*namespaces, "sh", "-c", _SHELL, "sh", str(folder), sys.executable],
        check=False,
        capture_output=True,
        text=True,
        timeout=60,
    )

    assert run.returncode == 0, run.stderr
    took, said, asked = json.loads(run.stdout)
    assert asked > 0
    assert (said["good"], said["thread"]) == ("192.0.2.7", "free")
    assert took["good"] < 4.0  # 2 s for the mute ones that came first
    mute = [name for name in said if name.startswith("mute")]
    assert all("no answer" in said[name] for name in mute), said
    assert max(took[name] for name in mute) < 8 + 4.0
