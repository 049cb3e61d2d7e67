"""The configuration: what each mistake is told as."""

import tomllib
from contextlib import suppress

import pytest
from hypothesis import given, strategies as st

from solrecd.alerts.senders.table import RECEIVERS
from solrecd.config import ConfigError, Source, parse
from solrecd.config.document import find_lines
from solrecd.config.tables import tables
from solrecd.sources.ipmi.protocol.quirks import Quirk
from solrecd.sources.table import CONSOLE_KINDS
from tests.support.configs import DEFAULTS, machine, mistakes, read

QUIRKS = ", ".join(f'"{quirk}"' for quirk in sorted(Quirk))

BAD_DAEMON = [
    (
        "segment_sise = 3",
        'daemon.segment_sise: unknown key; did you mean "segment_size"? allowed: ',
    ),
    (
        'log_dir = "logs"',
        'daemon.log_dir: found "logs"; allowed: an absolute path ("/...")',
    ),
    (
        "metrics = 9623",
        'daemon.metrics: found 9623; allowed: "127.0.0.1:9623",',
    ),
    (
        'metrics = "localhost"',
        (
            'daemon.metrics: found "localhost"; allowed: "127.0.0.1:9623",'
            ' "[::1]:9623", or "" for none'
        ),
    ),
    (
        'journal_size = "64MB!"',
        (
            'daemon.journal_size: found "64MB!"; allowed: bytes, or text such as'
            ' "64MiB" (B KiB MiB GiB TiB, KB MB GB TB), from "1MiB" to "64GiB"'
        ),
    ),
    (
        'retention_age = "5 parsecs"',
        (
            'daemon.retention_age: found "5 parsecs"; allowed: seconds, or text such as'
            ' "15m" or "1h30m" (ms s m h d w), from "1m" to "36500d", or "off"'
        ),
    ),
    (
        "compress = 1",
        "daemon.compress: found 1; allowed: true, false",
    ),
    (
        "login_concurrency = true",
        "daemon.login_concurrency: found true; allowed: a whole number from 1 to 10000",
    ),
    (
        'fsync = "never"',
        (
            'daemon.fsync: found "never"; allowed: seconds, or text such as "15m" or'
            ' "1h30m" (ms s m h d w), from "250ms" to "1h", or "drain", "off"'
        ),
    ),
    ("segment_age = nan", "daemon.segment_age: found nan; allowed: seconds, or text"),
    (
        'log_level = "loud"',
        'daemon.log_level: found "loud"; allowed: "debug", "info", "warning", "error"',
    ),
]


@pytest.mark.parametrize(("line", "message"), BAD_DAEMON)
def test_a_wrong_daemon_key_is_told(line: str, message: str) -> None:
    (told,) = mistakes(f"[daemon]\n{line}\n")

    assert told.startswith(f"solrecd.toml:2: {message}")


BAD_CONSOLE = [
    ('bmc = ""', 'bmc: found ""; allowed: text of 1 to 300 bytes'),
    ('bmc = "a b"', 'bmc: found "a b"; allowed: "host", "host:port", "192.0.2.7",'),
    ('bmc = "b:99999"', 'bmc: found "b:99999"; allowed: "host", "host:port",'),
    ('bmc = "{nme}"', "bmc: found {nme}; allowed: {name}, {n}, {n:03}"),
    ('bmc = "b{"', "bmc: found {; allowed: {name}, {n}, {n:03}"),
    (
        'bmc = "b"\ncipher_suites = [17, "3"]',
        'cipher_suites: found "3"; allowed: in this list, 0, 1, 2, 3, 17',
    ),
    (
        'bmc = "b"\ncipher_suites = [17, 1]',
        (
            "cipher_suites: found 1, without integrity or encryption; allowed: 3, 17,"
            " or more with insecure = true"
        ),
    ),
    ('bmc = "b"\ncipher_suites = []', "cipher_suites: names no cipher suite"),
    (
        'bmc = "b"\nquirks = ["opensespriv"]',
        (
            f'quirks: found "opensespriv"; allowed: in this list, {QUIRKS}'
            ' (did you mean "opensesspriv"?)'
        ),
    ),
    (
        'bmc = "b"\nusername = "abcdefghijklmnopq"',
        'username: found "abcdefghijklmnopq"; allowed: text of 0 to 16 bytes',
    ),
    (
        'bmc = "b"\nlabels = { "my rack" = "r1" }',
        'labels: found "my rack"; allowed: label names of letters, digits and _',
    ),
    (
        'bmc = "b"\nlabels = { console = "r1" }',
        'labels: found label "console"; solrecd sets that one itself',
    ),
    (
        'bmc = "b"\nlabels = { u = 3 }',
        "labels: found 3; allowed: for label u, text of at most 1024 bytes",
    ),
    ('bmc = "b"\nbind = "eth0"', 'bind: found "eth0"; allowed: "192.0.2.1" or '),
    (
        'bmc = "b"\nkeepalive = "1m"',
        (
            'keepalive: found "1m"; allowed: seconds, or text such as "15m" or "1h30m"'
            ' (ms s m h d w), from "1s" to "25s"'
        ),
    ),
    (
        'bmc = "b"\nkg = "0xzz"',
        'kg: found "0x" without pairs of hexadecimal digits',
    ),
]


@pytest.mark.parametrize(("keys", "message"), BAD_CONSOLE)
def test_a_wrong_console_key_is_told(keys: str, message: str) -> None:
    (told,) = mistakes(f"{DEFAULTS}[console.gateway]\n{keys}\n")

    assert told.startswith(f"solrecd.toml:{4 + len(keys.splitlines())}: ")
    assert f": console.gateway.{message}" in told


BAD_FILES = [
    ("x = [", ["solrecd.toml: is not valid TOML: Invalid value at the end"]),
    (
        "[daemon]\nmetrics 5",
        [
            (
                "solrecd.toml:2: is not valid TOML: Expected '=' after a key in a"
                " key/value pair"
            )
        ],
    ),
    (
        "[daemn]",
        [
            (
                'solrecd.toml:1: daemn: unknown table; did you mean "daemon"?'
                " allowed: access, alerts, api, cluster, console, daemon, defaults,"
                " loki, offload, otlp, stages, web"
            )
        ],
    ),
    ("daemon = 3", ["solrecd.toml:1: daemon: found 3; allowed: a table, [daemon]"]),
    (
        "[stages.timeout]\nlogin = 3",
        [
            (
                "solrecd.toml:2: stages.timeout.login: unknown key; allowed: bootdev,"
                " firmware, init, initramfs, kernel, loader, waiting"
            )
        ],
    ),
    (
        "[stages]\ntimeuot = 3",
        ["solrecd.toml:2: stages.timeuot: unknown key; allowed: timeout"],
    ),
    (
        "[console.n1]",
        [
            "solrecd.toml:1: console.n1: has no bmc, and [defaults] has none",
            "solrecd.toml:1: console.n1: has no username, and [defaults] has none",
            (
                "solrecd.toml:1: console.n1: has no password; allowed: one of"
                " password_credential, password_file, password"
            ),
        ],
    ),
    (
        f'{DEFAULTS}[console."n[1-"]\nbmc = "b"',
        [
            (
                'solrecd.toml:4: console."n[1-":'
                ' is not a host range: missing bracket: "n[1-"'
            )
        ],
    ),
    (
        f'{DEFAULTS}[console."n[1-99999999]"]\nbmc = "b"',
        ['solrecd.toml:4: console."n[1-99999999]": names more than 65536 consoles'],
    ),
    (
        f'{DEFAULTS}[console."../x"]\nbmc = "b"',
        [
            (
                "solrecd.toml:4: console.\"../x\": found console name '../x'; allowed:"
                " letters, digits, '.', '_' and '-', not '.' or '-' at the start,"
                " at most 64"
            )
        ],
    ),
    (
        f'{DEFAULTS}[console.gateway]\nbmc = "b{{n}}"',
        [
            (
                "solrecd.toml:5: console.gateway.bmc: {n} needs a number in the name"
                " 'gateway'"
            )
        ],
    ),
    (
        f'{DEFAULTS}[console.gw.lan]\nbmc = "b"',
        [
            (
                "solrecd.toml:4: console.gw.lan: unknown table; a name with dots needs"
                ' quotes, as in [console."a.b"]'
            ),
            "solrecd.toml:4: console.gw: has no bmc, and [defaults] has none",
        ],
    ),
    (
        f'{DEFAULTS}[console."n[1-3]"]\nbmc = "b"\n[console.n2]\nbmc = "b"',
        ["solrecd.toml:6: console.n2: n2 is already given at solrecd.toml:4"],
    ),
]


@pytest.mark.parametrize(("text", "lines"), BAD_FILES)
def test_a_wrong_file_is_told(text: str, lines: list[str]) -> None:
    assert mistakes(text) == lines


def test_all_mistakes_are_told_at_once() -> None:
    told = mistakes('[daemon]\nfoo = 1\nbar = 2\n[console.n1]\nbmc = "b"\nport = 0\n')

    assert [line.split(": ")[0] for line in told] == [
        *("solrecd.toml:2", "solrecd.toml:3", "solrecd.toml:6"),
        *("solrecd.toml:4", "solrecd.toml:4"),
    ]


def test_a_mistake_in_a_range_is_told_once() -> None:
    told = mistakes(f'{DEFAULTS}[console."n[1-500]"]\nbmc = "{{x}}"\n')

    assert len(told) == 1


def test_too_many_mistakes_are_cut_and_counted() -> None:
    told = mistakes("[daemon]\n" + "".join(f"x{i} = 1\n" for i in range(70)))

    assert len(told) == 51
    assert told[-1] == "... and 20 more"


def test_nothing_may_be_given_in_two_files() -> None:
    main = Source("a.toml", f'{DEFAULTS}[console.n1]\nbmc = "b"\n')
    drop_in = Source("b.toml", '[defaults]\nusername = "x"\n[console.n1]\nbmc = "c"\n')

    with pytest.raises(ConfigError) as caught:
        parse([main, drop_in], consoles=CONSOLE_KINDS)

    assert str(caught.value).splitlines() == [
        "b.toml:2: defaults.username: is already given at a.toml:2",
        "b.toml:3: console.n1: n1 is already given at a.toml:4",
    ]


def test_a_secret_in_a_file_that_others_read_is_refused() -> None:
    (told,) = mistakes(f'{DEFAULTS}[console.n1]\nbmc = "b"\n', mode=0o640)

    assert told == (
        "solrecd.toml:3: defaults.password: is a secret in a file of mode 0640;"
        " allowed: mode 0600 or less (chmod 600 solrecd.toml), or password_file,"
        " or password_credential"
    )


def test_two_passwords_beside_each_other_are_refused() -> None:
    (told,) = mistakes(
        f'{DEFAULTS}password_file = "/p"\n[console.n1]\nbmc = "b"\npassword = "x"\n'
    )

    assert told == (
        "solrecd.toml:3: defaults.password: stands beside password_file; allowed:"
        " one of password_credential, password_file, password"
    )


@pytest.mark.parametrize(
    ("key", "message"),
    [
        ('password_file = "/absent"', "cannot read /absent: No such file or directory"),
        (
            'password_file = "/open"',
            (
                "/open has mode 0644, so that others can read it; allowed: 0600 or less"
                " (chmod 600 /open)"
            ),
        ),
        (
            'password_file = "/long"',
            "found a password of 21 bytes; allowed: at most 20 bytes without NUL",
        ),
        (
            'password_credential = "bmc"',
            (
                "credential 'bmc' needs systemd, and this process was given none; add"
                " LoadCredential=bmc:PATH to the unit, or keep it in a file"
            ),
        ),
    ],
)
def test_a_secret_that_cannot_be_had_is_told_once(key: str, message: str) -> None:
    files = machine({"/open": (0o644, b"x"), "/long": (0o600, b"x" * 21)})

    with pytest.raises(ConfigError) as caught:
        read(
            f'[defaults]\nusername = "u"\n{key}\n[console."n[1-9]"]\nbmc = "b"\n',
            environment=files,
        )

    place = f"solrecd.toml:3: defaults.{key.partition(' ')[0]}"
    assert str(caught.value).splitlines() == [f"{place}: {message}"]


def test_a_wrong_password_is_never_shown() -> None:
    told = mistakes(
        f'{DEFAULTS}[console.n1]\nbmc = "b"\npassword = "{"hunter2" * 5}"\n'
    )

    assert told == [
        (
            "solrecd.toml:6: console.n1.password: found 35 bytes; allowed: text of"
            " 0 to 20 bytes"
        )
    ]


_WORDS = st.sampled_from(
    [
        *("[daemon]", "[defaults]", "[console.n1]", '[console."n[1-3]"]', "[stages]"),
        *("bmc", "port", "labels", "quirks", "fsync", "metrics", "password", "kg"),
        *("=", "\n", "[", "]", "{", "}", ".", ",", '"', "'", '"""', "#", "true", "nan"),
        *("1e999", "0x", "9" * 20, "1979-05-27", "\x00", "é", "{name}", '"{n}"', "-"),
    ]
)


@given(st.lists(_WORDS | st.text(max_size=4), max_size=40).map(" ".join))
def test_no_text_raises_anything_but_a_config_error(text: str) -> None:
    try:
        parse([Source("x.toml", text)], consoles=CONSOLE_KINDS)
    except ConfigError as error:
        told = str(error)
    else:
        told = "nothing is wrong"

    assert told


_VALUES = st.recursive(
    st.none()
    | st.booleans()
    | st.integers()
    | st.floats()
    | st.text(max_size=8)
    | st.dates()
    | st.sampled_from(["1e9w", "9" * 400 + "s", "[::]:1", "[x]:", "a:", "0x", "off"]),
    lambda inner: st.lists(inner, max_size=3),
    max_leaves=4,
)


@given(value=_VALUES)
def test_no_value_of_any_type_raises_anything_but_a_value_error(value: object) -> None:
    for table in tables(CONSOLE_KINDS, RECEIVERS):
        for key in table.keys.values():
            with suppress(ValueError):
                key.parse(value)


def test_five_thousand_consoles_have_lines_to_report() -> None:
    tables = [f'[console.n{i}]\nbmc = "b{i}"\n' for i in range(5000)]
    text = DEFAULTS + "".join(tables) + "wrong = 1\n"

    told = mistakes(text)

    assert tomllib.loads(text)["console"]["n4999"]["wrong"] == 1
    assert [line.split(": ")[0] for line in told] == ["solrecd.toml:10004"]


LINES = """\
top = 1  # a = b
[daemon]
  "quo=ted" = [
    "x = 1",
  ]
a . "b.c" = 2\u2028
'lit' = "z = 3"
[ console . "n[1-3]" ] # c
bmc=""
[[array]]
no key here
x.y = 1
"""


def test_the_line_of_every_key_is_found() -> None:
    assert find_lines(LINES) == {
        ("top",): 1,
        ("daemon",): 2,
        ("daemon", "quo=ted"): 3,
        ("daemon", "a", "b.c"): 6,
        ("daemon", "lit"): 7,
        ("console", "n[1-3]"): 8,
        ("console", "n[1-3]", "bmc"): 9,
        ("array",): 10,
        ("array", "x", "y"): 12,
    }


@pytest.mark.parametrize("line", ["a" * 50_000, "=" * 50_000, "a." * 50_000, '"' * 999])
def test_a_strange_line_takes_no_time(line: str) -> None:
    assert find_lines(f"{line}\n[x]\n")["x",] == 2


def test_a_key_of_another_kind_of_console_is_told_with_the_kinds() -> None:
    (told,) = mistakes('[console.vm]\nkind = "unix"\npath = "/s"\nsol_instance = 1\n')

    assert told.startswith(
        "solrecd.toml:4: console.vm.sol_instance: is a key of kind ipmi, and this"
        " console is of kind unix; allowed: bmc, "
    )


def test_a_kind_that_there_is_not_is_told_with_those_there_are() -> None:
    told = mistakes('[console.vm]\nkind = "unx"\npath = "/s"\n')

    assert told == [
        (
            'solrecd.toml:2: console.vm.kind: found "unx"; allowed: one of "ipmi",'
            ' "ssh", "openbmc", "tcp", "unix", "tty", "exec" (did you mean "unix"?)'
        )
    ]


@pytest.mark.parametrize(
    ("keys", "message"),
    [
        ('kind = "unix"', "console.vm: has no path, and [defaults] has none"),
        ('kind = "unix"\npath = "a"', 'console.vm.path: found "a"; allowed:'),
        ('kind = "tcp"', "console.vm: has no address, and [defaults] has none"),
        ('kind = "tcp"\naddress = "a"', 'console.vm.address: found "a"; allowed: "ho'),
    ],
)
def test_what_a_stream_needs_is_told(keys: str, message: str) -> None:
    told = mistakes(f"[console.vm]\n{keys}\n")

    assert any(message in line for line in told), told


@pytest.mark.parametrize(
    ("keys", "told"),
    [
        (
            'kind = "tcp"\naddress = "ts1:7001"\nbaud = 9600',
            '.baud: means nothing with protocol = "raw"; it needs "rfc2217"',
        ),
        (
            'kind = "tcp"\naddress = "ts1:7001"\nprotocol = "ssh"',
            '.protocol: found "ssh"; allowed: "raw", "telnet", "rfc2217"',
        ),
        (
            'kind = "tty"\ndevice = "ttyS0"',
            '.device: found "ttyS0"; allowed: an absolute path ("/...")',
        ),
        (
            'kind = "exec"\ncommand = "virsh console vm"',
            'a list of text, ["virsh", "console", "{name}"]',
        ),
        (
            'kind = "exec"\ncommand = []',
            'allowed: a list of text, ["virsh", "console", "{name}"]',
        ),
        (
            'kind = "exec"\ncommand = ["console", "{n}"]',
            ".command: {n} needs a number in the name 'vm'",
        ),
    ],
)
def test_what_a_stream_cannot_be_says_what_it_can(keys: str, told: str) -> None:
    (found,) = mistakes(f"[console.vm]\n{keys}\n")

    assert found.endswith(told)
