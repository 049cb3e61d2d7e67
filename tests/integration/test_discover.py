"""`solrecctl discover` against simulated BMCs, bmcweb's rules and a real sshd."""

from __future__ import annotations

import json
import os
import shutil
import subprocess
import sys
import tomllib
from pathlib import Path

import pytest
import trio

from tests.support.bmcweb import PASSWORD, USER, Bmcweb
from tests.support.certificates import Authority
from tests.support.peers import need
from tests.support.ports import free_port
from tests.support.simulators import BmcFleet

SSHD = shutil.which("sshd", path="/usr/sbin:" + os.environ["PATH"])
SYSTEM = "/redfish/v1/Systems/system"
DOCUMENTS = {
    "/redfish/v1/": {"RedfishVersion": "1.17.0", "Vendor": "OpenBMC"},
    "/redfish/v1/Systems": {"Members": [{"@odata.id": SYSTEM}]},
    SYSTEM: {"SerialConsole": {"SSH": {"ServiceEnabled": True, "Port": 2200}}},
}


async def discover(*words: str) -> tuple[int, str, str]:
    """Run it, with closed ports but for those named; return status, output, errors."""
    command = [sys.executable, "-m", "solrecd.cli.solrecctl", "discover"]
    closed = [f"--{name}={free_port()}" for name in ("ipmi-port", "https-port")]
    done = await trio.run_process(
        [*command, *closed, f"--ssh-ports={free_port()}", *words],
        check=False,
        stdin=b"",
        capture_stdout=True,
        capture_stderr=True,
    )
    return done.returncode, done.stdout.decode(), done.stderr.decode()


async def test_bmcs_are_found_and_told_as_a_configuration() -> None:
    with BmcFleet(2, port=free_port()) as fleet:
        host, port = fleet.addresses["n0000"].split(":")
        status, text, said = await discover(host, f"--ipmi-port={port}")

    (name,) = tomllib.loads(text)["console"]
    assert tomllib.loads(text)["console"][name] == {"bmc": f"{host}:{port}"}
    assert (status, said) == (0, "")


async def test_an_openbmc_without_ipmi_is_found_by_redfish(tmp_path: Path) -> None:
    authority = Authority(tmp_path)
    bmc = Bmcweb(authority.issue("bmc"), documents=DOCUMENTS)
    password = tmp_path / "pw"
    password.write_text(PASSWORD + "\n")
    password.chmod(0o600)
    account = ["--redfish", "-u", USER, f"--password-file={password}"]

    async with bmc.serving():
        where = f"--https-port={bmc.port}"
        _, text, _ = await discover("127.0.0.1", where)
        asked = bmc.logins
        _, _, trouble = await discover("127.0.0.1", where, *account)
        unasked = bmc.logins
        ca_file = f"--ca-file={authority.certificate}"
        _, _, said = await discover("127.0.0.1", where, *account, ca_file)

    found = tomllib.loads(text)
    assert found["defaults"] == {"kind": "openbmc"}
    assert found["console"] == {"bmc-127-0-0-1": {"host": f"127.0.0.1:{bmc.port}"}}
    assert (asked, unasked) == (0, 0), "an account was sent to an unproven host"
    assert "its certificate is not trusted" in trouble
    assert "127.0.0.1: Redfish: SSH console on port 2200" in said


async def test_an_ssh_server_alone_is_told_as_a_question(tmp_path: Path) -> None:
    need("OpenSSH's sshd is not installed", available=SSHD is not None)
    key, port = tmp_path / "key", free_port()
    await trio.run_process(["ssh-keygen", "-q", "-t", "ed25519", "-N", "", "-f", key])
    config = tmp_path / "config"
    config.write_text(
        f"Port {port}\nListenAddress 127.0.0.1\nHostKey {key}\nPidFile none\n"
    )
    server = subprocess.Popen(  # noqa: ASYNC220 - it returns at once
        [str(SSHD), "-D", "-e", "-f", str(config)], stderr=subprocess.DEVNULL
    )
    try:
        with trio.fail_after(20):
            while True:
                asked = await discover("127.0.0.1", f"--ssh-ports={port}")
                if asked[0] == 0:
                    break
    finally:
        server.terminate()
        server.wait()

    status, text, said = asked
    assert (status, text) == (0, "")
    assert f"127.0.0.1: SSH only (port {port}: SSH-2.0-OpenSSH" in said


async def test_objects_tell_what_answered() -> None:
    with BmcFleet(1, port=free_port()) as fleet:
        host, port = fleet.addresses["n0000"].split(":")
        _, text, _ = await discover("--json", host, f"--ipmi-port={port}")

    assert json.loads(text)["ipmi"] == {"suites": [3, 17]}


@pytest.mark.parametrize(
    ("words", "status", "message"),
    [
        (["127.0.0.1"], 1, "no answer: neither IPMI nor SSH nor Redfish"),
        (["10.0.0.0/20"], 2, "4094 addresses: not a terminal, use --yes"),
        (["10.0.0.0/8"], 2, "10.0.0.0/8: has 16777216 addresses; allowed: 65536"),
        (["h", "--redfish"], 2, "--redfish needs --username and --password-file"),
        (
            ["h", "--redfish", "-u", "u", "--password-file=/no"],
            2,
            "/no: No such file or directory",
        ),
    ],
)
async def test_what_cannot_be_asked_is_said(
    words: list[str], status: int, message: str
) -> None:
    assert await discover(*words) == (status, "", f"solrecctl: {message}\n")
