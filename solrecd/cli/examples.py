"""Examples of every command, for ``--help`` and the manual pages. Pure data.

Imported only where help is shown. A test parses each of them.
"""

from __future__ import annotations

from collections.abc import Mapping
from types import MappingProxyType
from typing import Final, NamedTuple


class Example(NamedTuple):
    """A command line, and what it does."""

    line: str
    meaning: str


_CTL: Final[Mapping[str, tuple[Example, ...]]] = MappingProxyType(
    {
        "ls": (
            Example("solrecctl ls", "list all consoles"),
            Example("solrecctl ls --failed -w", "watch those whose boot failed"),
            Example("solrecctl ls 'rack[1-3]-*!rack2-*'", "ranges, globs, exclusion"),
            Example("solrecctl ls --down @rack=r1", "by label, not recorded now"),
        ),
        "top": (
            Example("solrecctl top", "all consoles, updated as they change"),
            Example("solrecctl top @rack=r1", "the consoles with this label"),
        ),
        "web": (
            Example("solrecctl web", "a link that opens the pages, once"),
            Example("solrecctl web node017", "the same, at one console"),
        ),
        "status": (Example("solrecctl status node001", "or: solrecctl node001"),),
        "boots": (
            Example("solrecctl boots -n 10 node001", "the last ten boots"),
            Example("solrecctl boots --failed --since yesterday", "recent failures"),
            Example("solrecctl boots --kernel '6.1*' -v", "one kernel, in detail"),
        ),
        "log": (
            Example("solrecctl log node001", "the last boot, at its failure"),
            Example("solrecctl log node001@42", "boot 42"),
            Example("solrecctl log --last-failed --stage kernel node001", "one stage"),
            Example("solrecctl log -f node001", "what it prints from now on"),
        ),
        "grep": (
            Example("solrecctl grep -i 'out of memory' --since 7d", "in all boots"),
            Example(
                "solrecctl grep -C 3 'Call Trace' node001", "with three lines around"
            ),
            Example(
                "solrecctl grep --count MCE 'node[001-128]'", "lines for each boot"
            ),
        ),
        "diff": (
            Example("solrecctl diff node001", "the last good boot against the last"),
            Example("solrecctl diff node001 41 42", "two boots"),
            Example("solrecctl diff node001 --fleet", "what no good boot printed"),
        ),
        "events": (
            Example(
                "solrecctl events --group --since 1d", "each failure of a day once"
            ),
            Example("solrecctl events --kind failure,stuck -f", "as they happen"),
            Example("solrecctl events --kind sel node001", "the BMC's event log"),
        ),
        "coverage": (
            Example("solrecctl coverage", "of the last 30 days"),
            Example("solrecctl coverage --below 99.9 --since 90d", "what lacks most"),
            Example(
                "solrecctl coverage --dir s3://consoles/hall2", "of an object store"
            ),
        ),
        "replay": (
            Example("solrecctl replay node001", "the last boot"),
            Example("solrecctl replay node001@42 --speed 10", "ten times as fast"),
        ),
        "export": (
            Example("solrecctl export node001 -o boot.html", "one HTML page"),
            Example("solrecctl export node001@42 -o boot.cast", "for asciinema"),
            Example("solrecctl export --last-failed --text node001", "printed here"),
        ),
        "plot": (
            Example("solrecctl plot -o boots.svg 'node[001-016]'", "a picture"),
            Example("solrecctl plot -n 100 -o boots.pdf", "the last 100 boots of each"),
        ),
        "tail": (
            Example("solrecctl tail node001", "the last lines"),
            Example("solrecctl tail -f 'node[001-128]'", "of many, followed"),
        ),
        "screen": (
            Example("solrecctl screen node001", "a firmware menu, for example"),
        ),
        "attach": (
            Example("solrecctl attach node001", "type to it; &. disconnects"),
            Example("solrecctl attach -m node001", "watch only"),
            Example("solrecctl attach -e '^Ec' node001", "with conserver's escapes"),
        ),
        "who": (Example("solrecctl who", "on all consoles"),),
        "msg": (
            Example("solrecctl msg node001 rebooting in 5 min", "to its users"),
            Example("solrecctl msg '*' recorder restarts at 8", "to all users"),
        ),
        "note": (Example("solrecctl note node001 DIMM 3 replaced", "into its log"),),
        "ack": (
            Example("solrecctl ack node001 disk ordered", "say what is known"),
            Example("solrecctl ack --undo node001", "withdraw it"),
        ),
        "break": (
            Example("solrecctl break node001", "a serial break"),
            Example("solrecctl break node001 w", "list blocked tasks (SysRq w)"),
            Example("solrecctl break node001 c --yes", "crash dump, without asking"),
        ),
        "power": (
            Example("solrecctl power 'node[001-008]' status", "is it on?"),
            Example("solrecctl power node001 cycle", "off and on, after asking"),
            Example("solrecctl power node001 reset --yes", "in a script"),
        ),
        "wait": (
            Example("solrecctl wait node001 --timeout 10m", "until it has booted"),
            Example(
                "solrecctl wait node001 --new", "its next boot, after a power cycle"
            ),
        ),
        "yield": (
            Example("solrecctl yield node001", "for 15 minutes"),
            Example("solrecctl yield @rack=r1 2h", "a whole rack, for two hours"),
        ),
        "take": (Example("solrecctl take node001", "record it again"),),
        "reconnect": (
            Example("solrecctl reconnect node001", "now, not at the next try"),
        ),
        "scan": (
            Example("solrecctl scan console.log", "a log of any recorder"),
            Example("zcat old.gz | solrecctl scan --json -", "from standard input"),
            Example("solrecctl scan --explain console.log", "why, rule by rule"),
        ),
        "import": (
            Example("solrecctl import /etc/conman.conf", "print it"),
            Example("solrecctl import -o bmcs.toml conserver.cf", "with passwords"),
            Example("solrecctl import --from hosts /etc/hosts", "a list of BMCs"),
        ),
        "discover": (
            Example("solrecctl discover 'node[01-16]-bmc'", "by name"),
            Example("solrecctl discover 192.0.2.0/24 > found.toml", "a network"),
            Example(
                "solrecctl discover --redfish -u admin --password-file pw node01-bmc",
                "also ask for serial consoles",
            ),
        ),
        "doctor": (
            Example("solrecctl doctor node001", "check, and name the cures"),
            Example("solrecctl doctor --fix node001", "correct SoL's settings"),
        ),
        "reload": (
            Example("solrecctl reload --dry-run", "what would change?"),
            Example("solrecctl reload", "apply it"),
        ),
        "setup": (
            Example("solrecctl setup", "what is missing on this machine?"),
            Example("solrecctl setup --install", "write it, after asking"),
        ),
        "reindex": (
            Example("solrecctl reindex", "all consoles"),
            Example("solrecctl reindex --dir /backup/log node001", "an archive"),
        ),
        "completion": (
            Example('eval "$(solrecctl completion bash)"', "in ~/.bashrc"),
            Example("solrecctl completion zsh > _solrecctl", "in a folder of $fpath"),
            Example(
                "solrecctl completion fish | source", "in ~/.config/fish/config.fish"
            ),
        ),
    }
)

_DAEMON: Final[Mapping[str, tuple[Example, ...]]] = MappingProxyType(
    {
        "run": (
            Example("solrecd run", "as the service does"),
            Example("solrecd run -c ~/console/solrecd.toml", "as a user, for a try"),
        ),
        "check": (
            Example("solrecd check", "every mistake, with its line"),
            Example("solrecd check --send-test-alert mail", "try a receiver"),
        ),
        "token": (
            Example("(umask 077; solrecd token > ci.token)", "keep it from others"),
        ),
        "demo": (
            Example("solrecd demo", "eight machines"),
            Example("solrecd demo --consoles 100 --speed 1 --for 600", "ten minutes"),
        ),
    }
)

EXAMPLES: Final[Mapping[str, tuple[Example, ...]]] = MappingProxyType(
    {
        **{f"solrecctl {name}": found for name, found in _CTL.items()},
        **{f"solrecd {name}": found for name, found in _DAEMON.items()},
    }
)
"""By program and command."""


def help_text(command: str) -> str:
    """Return the examples of a command as lines of its help; nothing where none are.

    Args:
        command: with its program, ``solrecctl ls``.
    """
    found = EXAMPLES.get(command, ())
    lines = [f"    {line}\n        {meaning}\n" for line, meaning in found]
    return "\nexamples:\n" + "".join(lines) if lines else ""
