"""Marker files are checked when they are loaded, and errors say where to look."""

from __future__ import annotations

import pytest

from solrecd.boot.rules import Role, RuleError, load_rules
from tests.support.golden import RULES, rules_texts

GOOD = """
[[marker]]
id = 'site.ready'
role = 'note'
name = 'ready'
pattern = '^site: ready in (?P<seconds>\\d+) s'
example = 'site: ready in 3 s'
"""


def test_every_packaged_rule_matches_its_own_example() -> None:
    assert [rule.id for rule in RULES.rules if not rule.match(rule.example)] == []
    assert len(RULES.rules) > 180


def test_a_user_file_adds_a_rule() -> None:
    rules = load_rules({**rules_texts(), "site.toml": GOOD})

    assert rules.rules[-1].id == "site.ready"
    assert rules.rules[-1].role is Role.NOTE


def test_a_user_file_switches_a_rule_off() -> None:
    rules = load_rules({**rules_texts(), "site.toml": "disable = ['io.err']"})

    assert "io.err" not in {rule.id for rule in rules.rules}


@pytest.mark.parametrize(
    ("text", "message"),
    [
        ("[[marker]", "site.toml: not TOML"),
        ("colour = 1", "site.toml: unknown key 'colour'; allowed: disable"),
        ("disable = ['nothing']", "disable: there is no rule 'nothing'"),
        (GOOD + GOOD, "site.toml: site.ready: already defined in site.toml"),
        (GOOD.replace("role", "rule"), "site.ready: unknown key 'rule'; allowed:"),
        (GOOD.replace("'note'", "'nota'"), "'nota' is none of: stage, failure"),
        (GOOD.replace("'note'", "'stage'"), "'ready' is none of: unknown, off"),
        (GOOD.replace("name = 'ready'", ""), "site.ready: name is missing"),
        (GOOD.replace("^site", "(?=site)"), "not a pattern of RE2"),
        (GOOD.replace("^site", "^cite"), "does not match its own example"),
    ],
)
def test_a_bad_file_is_refused_with_its_place(text: str, message: str) -> None:
    with pytest.raises(RuleError) as caught:
        load_rules({"site.toml": text})

    assert message in str(caught.value)
    assert str(caught.value).startswith(("site.toml: ", "site.toml:2: site.ready: "))
