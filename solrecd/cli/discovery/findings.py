"""What one address answered, and which kind of console that is. Pure."""

from __future__ import annotations

import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any, Final

from solrecd.cli.inventory.found import HOST, Place
from solrecd.config.keys import defaults_of
from solrecd.sources.ipmi.options import INSECURE_SUITES, IpmiOptions
from solrecd.sources.ipmi.protocol.constants import RMCP_PORT

HTTPS_PORT: Final = 443

_BMC_NAME: Final = re.compile(
    r"[-.](?:bmc|ipmi|ilo|idrac|imm|xcc|mgmt|rib)\Z", re.IGNORECASE
)


@dataclass(frozen=True, slots=True)
class Finding:
    """The answers of one host."""

    host: str
    ipmi_port: int = RMCP_PORT
    https_port: int = HTTPS_PORT
    ipmi: bool = False
    """Something speaks RMCP there."""
    suites: Sequence[int] = ()
    """Cipher suites that it offers; empty: it did not say."""
    ssh: Mapping[int, str] = field(default_factory=dict)
    """Banners by port."""
    redfish: Mapping[str, Any] = field(default_factory=dict)
    """Of Redfish's service root: ``version``, ``vendor``, ``product``."""
    consoles: Mapping[str, Any] = field(default_factory=dict)
    """What Redfish says of serial consoles: ``ssh``, ``ipmi``, ``telnet``, each with
    port, entry command and so on as it has them; empty: it was not asked."""
    trouble: str = ""
    """Why Redfish did not say."""

    @property
    def is_openbmc(self) -> bool:
        """It is most likely an OpenBMC."""
        return "openbmc" in str(self.redfish.get("vendor", "")).lower() or (
            bool(self.redfish) and 2200 in self.ssh
        )

    @property
    def has_answered(self) -> bool:
        """Anything that can be a console answered."""
        return bool(self.ipmi or self.ssh or self.redfish)

    @property
    def name(self) -> str:
        """A name for the console: the host's, without what makes it the BMC's."""
        if re.fullmatch(r"[0-9.]+|.*:.*", self.host):
            return "bmc-" + re.sub(r"[.:]+", "-", self.host)
        return _BMC_NAME.sub("", self.host.partition(".")[0])

    def place(self) -> Place | None:
        """Return how its console can be recorded; None: that is not known yet."""
        if self.ipmi:
            return Place(
                _with_port(self.host, self.ipmi_port, RMCP_PORT), self._suites()
            )
        if self.is_openbmc:
            where = _with_port(self.host, self.https_port, HTTPS_PORT)
            return Place(where, {"kind": "openbmc"}, HOST)
        return None

    def _suites(self) -> Mapping[str, Any]:
        """Return the key that names suites, where the usual ones are not offered."""
        usual: Sequence[int] = defaults_of(IpmiOptions)["cipher_suites"]
        offered = [one for one in usual if one in self.suites]
        if not self.suites or len(offered) == len(usual):
            return {}
        safe = offered or sorted(set(self.suites) - INSECURE_SUITES)
        return {"cipher_suites": safe} if safe else {}

    def remarks(self) -> Sequence[str]:
        """Return what a person should know, one line each."""
        found = []
        if self.ipmi and self.suites and set(self.suites) <= INSECURE_SUITES:
            found.append("IPMI offers no cipher suite that protects anything")
        if self.place() is None and self.ssh:
            shown = ", ".join(f"port {port}: {said}" for port, said in self.ssh.items())
            found.append(f"SSH only ({shown}): is its login or a command the console?")
        if self.place() is None and self.redfish and not self.ssh:
            found.append(f"Redfish only ({self._maker()}): IPMI and SSH are off")
        if self.trouble:
            found.append(f"Redfish lists no consoles: {self.trouble}")
        found.extend(
            f"Redfish: {name.upper()} console on port {one.get('port')}"
            + (f", entered by {one['command']!r}" if one.get("command") else "")
            for name, one in self.consoles.items()
        )
        return found

    def _maker(self) -> str:
        said = [self.redfish.get(key) for key in ("vendor", "product")]
        return " ".join(str(one) for one in said if one) or "of an unknown maker"

    def as_dict(self) -> dict[str, Any]:
        """Return the JSON object."""
        return {
            "host": self.host,
            "ipmi": {"suites": list(self.suites)} if self.ipmi else None,
            "ssh": {str(port): said for port, said in self.ssh.items()},
            "redfish": dict(self.redfish) or None,
            "consoles": dict(self.consoles),
            "error": self.trouble or None,
        }


def _with_port(host: str, port: int, usual: int) -> str:
    if port == usual:
        return host
    return f"[{host}]:{port}" if ":" in host else f"{host}:{port}"


def service_root(document: object) -> Mapping[str, Any]:
    """Return what Redfish's service root says (DSP0266 §6); empty: it is none."""
    if not isinstance(document, dict) or "RedfishVersion" not in document:
        return {}
    keys = {"version": "RedfishVersion", "vendor": "Vendor", "product": "Product"}
    return {ours: _short(document.get(theirs)) for ours, theirs in keys.items()}


def serial_consoles(document: object) -> Mapping[str, Any]:
    """Return the consoles that a ``ComputerSystem`` offers, those that are on."""
    console = document.get("SerialConsole") if isinstance(document, dict) else None
    if not isinstance(console, dict):
        return {}
    found = {}
    for name in ("SSH", "IPMI", "Telnet"):
        one = console.get(name)
        if isinstance(one, dict) and one.get("ServiceEnabled"):
            found[name.lower()] = {
                "port": one.get("Port") if isinstance(one.get("Port"), int) else None,
                "command": _short(one.get("ConsoleEntryCommand")),
                "escape": _short(one.get("HotKeySequenceDisplay")),
            }
    return found


def _short(value: object) -> str | None:
    return value[:100] if isinstance(value, str) else None
