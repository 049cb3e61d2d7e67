"""Why there is no session, in words, and what to do: a row for every reason."""

from __future__ import annotations

from collections.abc import Mapping
from types import MappingProxyType
from typing import Final, NamedTuple

from solrecd.events.sessions import LostReason
from solrecd.sources.findings import Finding, Verdict
from solrecd.sources.ipmi.doctor.findings import Readings, Subject


class Advice(NamedTuple):
    """What a reason means for people."""

    text: str
    cure: str
    verdict: Verdict = Verdict.BAD


_SEE_LOG: Final = "see journalctl -u solrecd"

ADVICE: Final[Mapping[LostReason, Advice]] = MappingProxyType(
    {
        LostReason.NAME_UNRESOLVED: Advice(
            "the BMC's name has no address",
            "look at DNS and /etc/hosts, or write the address: bmc = ...",
        ),
        LostReason.UNREACHABLE: Advice(
            "no answer at all",
            "is it the BMC's address? is UDP port 623 open on the way, IPMI over LAN "
            "switched on in the BMC?",
        ),
        LostReason.BMC_TIMEOUT: Advice(
            "the BMC answered before and has stopped",
            "it restarts or has too much to do: wait a minute; if that stays, restart "
            "it on the machine itself: ipmitool mc reset cold",
        ),
        LostReason.UNTRUSTED: Advice(
            "what answers did not prove to be the BMC",
            "find out what answers at that address",
        ),
        LostReason.BMC_SLOW: Advice(
            "the BMC answers, but later than a login waits (10 s)",
            "it has too much to do: end tools that ask it often (sensors, web pages); "
            "if that stays, restart it: ipmitool mc reset cold",
        ),
        LostReason.BAD_USERNAME: Advice(
            "the BMC does not know the user {username!r}",
            "ipmitool user list {channel}; names are case-sensitive; give him access: "
            "ipmitool channel setaccess {channel} {user} link=on ipmi=on privilege=3",
        ),
        LostReason.BAD_PASSWORD: Advice(
            "wrong password for {username!r}, or the user is not enabled",
            "correct it in the configuration, then solrecctl reload (a credential: "
            "systemctl restart solrecd); or in the BMC: ipmitool user set password "
            "{user}, ipmitool user enable {user}, then solrecctl reconnect {name}",
        ),
        LostReason.BAD_KG: Advice(
            "the password is right, the BMC key K_g is not",
            "kg_credential or kg_file as in the BMC, or none where it has none; then "
            "solrecctl reload (a credential: systemctl restart solrecd); old Intel "
            'boards say so without quirks = ["intel20"]',
        ),
        LostReason.SUITE_REFUSED: Advice(
            "the BMC takes none of the cipher suites {suites}",
            "set cipher_suites to what it offers (above), or allow them in the BMC: "
            "ipmitool lan set {channel} cipher_privs ...; if it offered a stronger "
            "one before and no longer does: solrecctl reconnect {name}",
        ),
        LostReason.PRIVILEGE_REFUSED: Advice(
            "the user {username!r} may not have the privilege level that SoL needs",
            "ipmitool channel setaccess {channel} {user} privilege=3 (some boards: 4)",
        ),
        LostReason.BMC_BUSY: Advice(
            "the BMC has no free session",
            "close other tools that use it; sessions that hang go away after a minute, "
            "or with ipmitool mc reset cold",
        ),
        LostReason.SOL_DISABLED: Advice(
            "SoL is switched off in the BMC, or for this user",
            "solrecctl doctor --fix {name}; else ipmitool sol set enabled true "
            "{channel}, ipmitool sol payload enable {channel} {user}",
        ),
        LostReason.ENCRYPTION_REFUSED: Advice(
            "the BMC and we do not agree whether SoL is encrypted",
            "ipmitool sol set force-encryption true {channel}; only as a last resort "
            "insecure = true",
        ),
        LostReason.PAYLOAD_LIMIT: Advice(
            "as many SoL sessions as the BMC can have",
            "close those of others: ipmitool sol deactivate instance=N",
        ),
        LostReason.STUCK_PAYLOAD: Advice(
            "the BMC says that SoL is active though no session has it",
            "ipmitool mc reset cold (the machine itself keeps running)",
        ),
        LostReason.FOREIGN_OWNER: Advice(
            "another session has the console",
            "another recorder (ConMan, conserver, xCAT, OpenStack)? switch it off; or "
            "solrecctl take {name}",
        ),
        LostReason.STOLEN: Advice(
            "another session took the console from us",
            "solrecctl take {name} has it back at once; on_stolen says what happens "
            "by itself",
        ),
        LostReason.DEACTIVATED: Advice(
            "the BMC switched SoL off",
            "it is activated again by itself; if that stays: ipmitool mc reset cold",
        ),
        LostReason.SILENT: Advice(
            "nothing came from a machine that should print; SoL is activated again",
            "nothing to do unless it happens again and again: look at the mux",
            Verdict.WARN,
        ),
        LostReason.CLOSED: Advice(
            "the BMC closed the session",
            "it is opened again by itself; a shorter keepalive helps where that "
            "happens often",
            Verdict.WARN,
        ),
        LostReason.PROTOCOL_ERROR: Advice(
            "the BMC says what IPMI 2.0 does not know",
            "newer firmware for the BMC; else quirks = [...] (see solrecd.toml)",
        ),
        LostReason.YIELDED: Advice(
            "a user was given the BMC for a while",
            "solrecctl take {name} ends that",
            Verdict.WARN,
        ),
        LostReason.RECONNECT: Advice(
            "a user wanted a fresh session", "wait a moment", Verdict.WARN
        ),
        LostReason.RECONFIGURED: Advice(
            "the configuration changed", "wait a moment", Verdict.WARN
        ),
        LostReason.STOPPED: Advice(
            "the recorder has not logged in yet", "wait a moment", Verdict.WARN
        ),
        LostReason.CRASHED: Advice(
            "a bug in solrecd ended the session", f"please report it; {_SEE_LOG}"
        ),
        LostReason.NOT_OPENED: Advice(
            "the console's archive cannot be opened", f"see to its folder; {_SEE_LOG}"
        ),
    }
)


def explain(
    check: str, reason: LostReason, subject: Subject, readings: Readings
) -> Finding:
    """Return what a reason means for a console, and the cure."""
    advice = ADVICE[reason]
    words = {
        "name": subject.name,
        "username": subject.username,
        "suites": ", ".join(map(str, subject.suites)),
        "channel": readings.channel,
        "user": readings.user,
    }
    text, cure = advice.text.format(**words), advice.cure.format(**words)
    return Finding(check, advice.verdict, text, cure)
