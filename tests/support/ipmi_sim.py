"""A third-party BMC: OpenIPMI's ipmi_sim (Debian package openipmi) on loopback.

What it does that surprises (measured with Debian 12's version): it offers cipher
suites 0-3 only; it closes a session 30 s after the last IPMI command even while SOL
data flows; it gives no notice when another session takes the payload; and it dials its
serial side once and then every 10 s, so the far end (`Wire`) has to listen first.
"""

import shutil
import socket
import subprocess
import time
from pathlib import Path
from types import TracebackType
from typing import Self

from tests.support.ports import free_port
from tests.support.wire import Wire

HOST = "127.0.0.1"
USERNAME = "ADMIN"
PASSWORD = "labpass"
MISSING = "ipmi_sim and ipmitool are not installed (Debian: openipmi ipmitool)"
AVAILABLE = None not in map(shutil.which, ("ipmi_sim", "ipmitool"))

_CONFIGURATION = """\
name "{name}"
set_working_mc 0x20
  startlan 14
    addr {host} {port}
    priv_limit admin
    allowed_auths_callback none
    allowed_auths_user none
    allowed_auths_operator none
    allowed_auths_admin none
    guid {guid:032x}{kg}
  endlan
{chassis}
  user 1 false "" "unused" user 10 none
  user 2 true "{username}" "{password}" admin 20 none md2 md5 straight
  sol "tcp:{serial_host}:{serial_port}" 115200{history}
"""
_CHASSIS = '  chassis_control "{command}"'

_EMULATION = """\
mc_setbmc 0x20
mc_add 0x20 0 no-device-sdrs 0x23 9 8 0x9f 0x1291 0xf02 persist_sdr
sel_enable 0x20 1000 0x0a
mc_enable 0x20
"""

_PRESENCE_PING = bytes.fromhex("0600ff06000011be80000000")
"""RMCP ASF Presence Ping (IPMI 2.0 §13.2.3): answered as soon as the BMC listens."""


class IpmiSim:
    """One ipmi_sim process, a BMC at ``HOST:port``, and the `wire` behind it.

    A context manager: the BMC runs and holds its end of the wire.
    """

    def __init__(
        self,
        directory: Path,
        *,
        chassis: str = "",
        history: int = 0,
        password: str = PASSWORD,
        kg: str = "",
    ) -> None:
        """Prepare the BMC's files, and lay the wire; `start` runs it.

        Args:
            directory: a folder of its own, created when missing.
            chassis: command run for chassis control, with ipmi_sim's words appended.
            history: bytes of serial output kept for the next session.
            password: of the account.
            kg: the BMC key K_g, without blanks; empty: none.
        """
        directory.mkdir(parents=True, exist_ok=True)
        self.port = free_port(socket.SOCK_DGRAM)
        self.wire = Wire(directory / "wire")
        self._directory = directory
        self._process: subprocess.Popen[bytes] | None = None
        self._configuration = directory / "lan.conf"
        self._emulation = directory / "bmc.emu"
        self._emulation.write_text(_EMULATION)
        self._configuration.write_text(
            _CONFIGURATION.format(
                name=directory.name,
                host=HOST,
                port=self.port,
                guid=self.port,
                username=USERNAME,
                password=password,
                kg=f'\n    bmc_key "{kg}"' if kg else "",
                chassis=_CHASSIS.format(command=chassis) if chassis else "",
                serial_host=self.wire.bmc_address[0],
                serial_port=self.wire.bmc_address[1],
                history=f" history={history}" if history else "",
            )
        )

    def __enter__(self) -> Self:
        """Run it."""
        try:
            self.start()
            self.wire.wait_bmc()
        except BaseException:
            self._end()
            raise
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        traceback: TracebackType | None,
    ) -> None:
        """End it and its wire."""
        self._end()

    def _end(self) -> None:
        self.kill()
        self.wire.close()

    @property
    def address(self) -> str:
        """``host:port``, as a configuration file wants it."""
        return f"{HOST}:{self.port}"

    def start(self) -> None:
        """Run the BMC (again) and return once it answers."""
        with (self._directory / "log").open("ab") as log:
            self._process = subprocess.Popen(
                [
                    *("ipmi_sim", "-n"),
                    *("-c", self._configuration),
                    *("-f", self._emulation),
                    *("-s", self._directory),
                ],
                cwd=self._directory,
                stdin=subprocess.DEVNULL,
                stdout=log,
                stderr=log,
                start_new_session=True,
            )
        _wait_presence(self.port)

    def kill(self) -> None:
        """End it as a power cut would: without a goodbye."""
        if self._process is not None:
            self._process.kill()
            self._process.wait()
            self._process = None

    def ipmitool(self, *arguments: str) -> str:
        """Run ipmitool against this BMC and return what it printed.

        Raises:
            subprocess.CalledProcessError: the BMC refused or did not answer.
        """
        return subprocess.run(
            [*self.ipmitool_command(), *arguments],
            check=True,
            capture_output=True,
            text=True,
            stdin=subprocess.DEVNULL,
            timeout=60,
        ).stdout

    def ipmitool_command(self) -> list[str]:
        """The words that make ipmitool talk to this BMC, for a process of one's own."""
        return [
            *("ipmitool", "-I", "lanplus", "-C", "3"),
            *("-H", HOST, "-p", str(self.port), "-U", USERNAME, "-P", PASSWORD),
        ]

    def is_sol_active(self) -> bool:
        """Whether any session owns the SOL payload.

        Get Payload Activation Status (IPMI 2.0 §24.4): the answer is the capacity,
        then one bit per instance.
        """
        answer = bytes.fromhex(self.ipmitool("raw", "0x06", "0x4a", "0x01"))
        return any(answer[1:3])


def _wait_presence(port: int, seconds: float = 60) -> None:
    deadline = time.monotonic() + seconds
    with socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as client:
        client.settimeout(0.1)
        client.connect((HOST, port))
        while time.monotonic() < deadline:
            try:
                client.send(_PRESENCE_PING)
                client.recv(256)
            except (ConnectionRefusedError, TimeoutError):
                time.sleep(0.02)
            else:
                return
    raise TimeoutError(f"ipmi_sim on port {port} did not answer within {seconds} s")
