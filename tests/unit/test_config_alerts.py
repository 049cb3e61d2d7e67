"""The ``[alerts.NAME]`` tables: what is accepted, and what is told of mistakes."""

from __future__ import annotations

import pytest

from solrecd.alerts.senders.alertmanager import Alertmanager
from solrecd.alerts.senders.hook import Hook
from solrecd.alerts.senders.webhook import Webhook
from solrecd.config import Config, Secret
from solrecd.config.reload import plan_reload
from solrecd.events.event import Kind, Severity
from tests.support.configs import DEFAULTS, machine, mistakes, read

CONSOLES = f'{DEFAULTS}[console."n[1-4]"]\nbmc = "x"\n'
PAGER = 'type = "alertmanager"\nurls = "http://127.0.0.1:9093"\n'
LINE = len(f"{CONSOLES}[alerts.pager]\n{PAGER}".splitlines()) + 1
"""Of the first key behind those of `PAGER`."""


def config(keys: str = "") -> Config:
    """Parse one receiver."""
    return read(f"{CONSOLES}[alerts.pager]\n{PAGER}{keys}")


def mistake(keys: str) -> str:
    """Return what is told of a receiver, without its place."""
    (told,) = mistakes(f"{CONSOLES}[alerts.pager]\n{PAGER}{keys}")
    place, _, text = told.partition(": alerts.pager")
    assert place.startswith("solrecd.toml:")
    return text


def test_a_receiver_of_two_lines_hears_of_what_cannot_wait() -> None:
    pager = config().alerts["pager"]

    assert pager.target == Alertmanager(urls=("http://127.0.0.1:9093",))
    assert pager.selection.kinds == (Kind.FAILURE, Kind.STUCK, Kind.SESSION)
    assert pager.selection.severity is Severity.ERROR
    assert pager.selection.consoles is None
    assert (pager.damping, pager.excerpt) == (600.0, 20)


def test_every_key_of_an_alertmanager_is_understood() -> None:
    environment = machine({"/etc/t": (0o600, b"token\n"), "/etc/ca.pem": (0o644, b"")})
    pager = read(
        f"""{CONSOLES}
        [alerts.pager]
        type = "alertmanager"
        urls = ["http://a:9093/", "https://b/prefix/api/v2/alerts"]
        resend = "30s"
        kinds = ["failure"]
        names = ["panic", "oops*"]
        severity = "critical"
        consoles = ["n[1-2]", "*4"]
        match = {{ rack = "r1*" }}
        labels = {{ site = "a" }}
        damping = "off"
        resolve_after = "2h"
        excerpt = "off"
        runbook = "https://wiki/{{name}}"
        link = "https://sol/{{console}}/{{boot}}"
        timeout = 5
        ca_file = "/etc/ca.pem"
        proxy = "http://proxy:3128"
        token_file = "/etc/t"
        """,
        environment=environment,
    ).alerts["pager"]

    assert isinstance(pager.target, Alertmanager)
    assert pager.target.urls == ("http://a:9093", "https://b/prefix")
    assert pager.target.http.token == Secret(b"token")
    assert pager.selection.consoles == frozenset({"n1", "n2", "n4"})
    assert (pager.damping, pager.excerpt, pager.resolve_after) == (None, None, 7200.0)


@pytest.mark.parametrize(
    ("keys", "told"),
    [
        ("url = 3", '.url: unknown key; did you mean "urls"? allowed: '),
        ('consoles = "m[1-3]"', ".consoles: found 'm[1-3]', which means no console"),
        ('consoles = "n[1-"', ".consoles: 'n[1-' is not a host range: "),
        ('names = ""', '.names: found ""; allowed: text that is not empty'),
        ("kinds = ['panic']", '.kinds: found "panic"; allowed: "stage", "failure"'),
        ("severity = 'bad'", '.severity: found "bad"; allowed: "fatal", "critical"'),
        ("labels = { console = 'x' }", '.labels: found label "console"; solrecd sets'),
        (
            "labels = { severity = 'x' }",
            '.labels: found label "severity"; solrecd sets',
        ),
        ("link = 'http://x/{foo}'", ".link: found {foo}; allowed: {console}, {boot}"),
        ("runbook = 'ftp://x'", '.runbook: found "ftp://x"; allowed: "https://host'),
        ("damping = -1", ".damping: found -1; allowed: seconds, or text"),
        ("username = 'u'", ".username: username and a password go together"),
        ("token = ''", ".token: found 0 bytes; allowed: text of 1 to 4096 bytes"),
        ("token_file = '/etc/t'", ".token_file: cannot read /etc/t: No such file"),
        ("ca_file = '/etc/ca'", ".ca_file: cannot read /etc/ca: No such file"),
    ],
)
def test_a_mistake_is_told_with_its_remedy(keys: str, told: str) -> None:
    assert mistake(keys).startswith(told)


@pytest.mark.parametrize(
    "url",
    ["", "x", "http://", "ftp://a", "http://a b", "http://a:0", "http://a:99999",
     "http://a/?x=1", "http://[::1", "http://a/#b", "http://é"],
)  # fmt: skip
def test_a_url_that_is_none_is_told(url: str) -> None:
    told = mistakes(f'[alerts.pager]\ntype = "alertmanager"\nurls = "{url}"')

    assert len(told) == 1
    assert "alerts.pager.urls: found" in told[0]


def test_a_login_in_a_url_is_refused_and_not_shown() -> None:
    (told,) = mistakes('[alerts.a]\ntype = "alertmanager"\nurls = "http://u:geheim@h"')

    remedy = "found a login in it; use username and password_file"
    assert told == f"solrecd.toml:3: alerts.a.urls: {remedy}"


def test_a_token_in_a_file_that_others_can_read_is_told() -> None:
    text = f'{CONSOLES}[alerts.pager]\n{PAGER}token = "geheim"'.replace(
        'password = "pw"', 'password_credential = "x"'
    )

    told = mistakes(text, mode=0o644)

    assert any(
        "alerts.pager.token: is a secret in a file of mode 0644" in t for t in told
    )
    assert not any("geheim" in one for one in told)


@pytest.mark.parametrize(
    ("text", "told"),
    [
        (
            "[alerts]\npager = 3",
            "alerts.pager: found 3; allowed: a table, [alerts.pager]",
        ),
        ("[alerts.pager]", "alerts.pager: has no type; allowed: "),
        ('[alerts.pager]\ntype = "alertmanger"', 'did you mean "alertmanager"?'),
        ('[alerts.pager]\ntype = "alertmanager"', "alerts.pager: has no urls"),
        ('[alerts."a/b"]\ntype = "x"', 'alerts."a/b": found "a/b"; allowed: letters'),
    ],
)
def test_a_table_that_is_no_receiver_is_told(text: str, told: str) -> None:
    (line,) = mistakes(text)

    assert told in line


def test_a_reload_says_which_receivers_changed() -> None:
    plan = plan_reload(config(), config("severity = 'fatal'"))

    assert plan.alerts == ("pager",)
    assert plan_reload(config(), config()).alerts == ()


def test_a_webhook_and_a_program_are_understood() -> None:
    found = read(
        f"""{CONSOLES}
        [alerts.ours]
        type = "webhook"
        url = "https://hooks.example.net/a?b=c"
        secret = "key"
        queue_size = "1MiB"
        send_resolved = false
        [alerts.page]
        type = "exec"
        command = ["/usr/local/bin/page", "--now"]
        timeout = "1m"
        """
    ).alerts

    assert found["ours"].target == Webhook(
        url="https://hooks.example.net/a?b=c",
        secret=Secret(b"key"),
        queue_size=1 << 20,
        send_resolved=False,
    )
    assert found["page"].target == Hook(
        command=("/usr/local/bin/page", "--now"), timeout=60.0
    )


@pytest.mark.parametrize(
    "command", ['"page --now"', "[]", '["page"]', '["/bin/x", ""]', '["/bin/x", 3]']
)
def test_a_command_is_a_list_that_begins_with_a_path(command: str) -> None:
    (told,) = mistakes(f'[alerts.page]\ntype = "exec"\ncommand = {command}')

    assert told.startswith("solrecd.toml:3: alerts.page.command: found")
