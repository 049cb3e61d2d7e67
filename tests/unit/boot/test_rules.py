"""Marker files are checked when they are loaded, and errors say where to look."""

from __future__ import annotations

import time

import pytest

from solrecd.analysis.boot.culprit import CulpritFinder
from solrecd.analysis.boot.detector import Detector
from solrecd.analysis.boot.rulefiles import RuleError, load_rules
from solrecd.analysis.boot.rulefiles.patterns import has_words
from solrecd.analysis.boot.rules import Blame, Role, Rule, RuleSet, Scope
from tests.support.golden import RULES, rules_texts

GOOD = """
[[marker]]
id = 'site.ready'
role = 'note'
name = 'ready'
pattern = '^site: ready in (?P<seconds>\\d+) s'
example = 'site: ready in 3 s'
"""


def load(*own: str) -> RuleSet:
    files = {f"site{number or ''}.toml": text for number, text in enumerate(own)}
    return load_rules(rules_texts(), files)


def problems(*own: str) -> list[str]:
    with pytest.raises(RuleError) as caught:
        load(*own)
    return str(caught.value).splitlines()


@pytest.mark.parametrize("rule", RULES.rules, ids=lambda rule: rule.id)
def test_every_packaged_rule_is_the_one_that_its_own_example_raises(rule: Rule) -> None:
    detector = Detector(RULES)

    if rule.scope is Scope.PROMPT:
        found = detector.prompt(rule.example)
        ids = [] if found is None else [found.rule.id]
    else:
        ids = [marker.rule.id for marker in detector.scan([rule.example])]

    assert rule.id in ids


def test_every_packaged_rule_has_words_that_blocks_can_be_passed_over_by() -> None:
    assert len(RULES.searched) > 180
    assert [rule.id for rule in RULES.searched if not has_words(rule.pattern)] == []


def test_a_file_of_ones_own_adds_a_rule() -> None:
    rules = load(GOOD)

    assert rules.rules[-1].id == "site.ready"
    assert rules.rules[-1].role is Role.NOTE


def test_a_file_of_ones_own_switches_a_rule_off() -> None:
    rules = load("disable = ['io.err']")

    assert "io.err" not in {rule.id for rule in rules.rules}
    assert [(off.rule.id, off.source) for off in rules.switched_off] == [
        ("io.err", "site.toml")
    ]


def test_a_rule_with_the_id_of_a_packaged_one_replaces_it_in_its_place() -> None:
    before = [rule.id for rule in RULES.rules]

    rules = load(GOOD.replace("site.ready", "io.err"))

    assert [rule.id for rule in rules.rules] == before
    assert rules.rules[before.index("io.err")].name == "ready"


def test_the_same_rule_may_be_switched_off_and_written_again() -> None:
    rules = load("disable = ['io.err']\n" + GOOD.replace("site.ready", "io.err"))

    assert [rule.name for rule in rules.rules if rule.id == "io.err"] == ["ready"]


def test_a_rule_that_is_switched_off_twice_is_off() -> None:
    rules = load("disable = ['io.err']", "disable = ['io.err']")

    assert len(rules.switched_off) == 1


def test_frames_of_ones_own_are_added_to_the_packaged_ones() -> None:
    rules = load("[frames]\nwaiting = ['site_wait']\nmachinery.site = ['^site_log']\n")
    trace = "Call Trace:\n site_log+0x1/0x2\n dump_stack+0x1/0x2\n victim+0x1/0x2\n"

    assert CulpritFinder(rules.frames).find(Blame.FRAMES, trace, None, ()) == "victim"
    assert set(RULES.frames.waiting) < set(rules.frames.waiting)


@pytest.mark.parametrize(
    ("text", "problem"),
    [
        ("[[marker]", "site.toml:1: not TOML"),
        ("colour = 1", "site.toml:1: unknown key 'colour' (allowed: disable"),
        ("[mraker]", "site.toml:1: unknown key 'mraker'; did you mean 'marker'?"),
        ("disable = 'io.err'", "site.toml:1: disable must be a list"),
        ("[marker]\nid = 'a'", "site.toml:1: marker must be tables, [[marker]]"),
        ("marker = [1]", "site.toml:1: marker must be tables"),
        (
            "\ndisable = ['io.er']",
            "site.toml:2: disable: there is no rule 'io.er'; did",
        ),
        (
            GOOD + GOOD,
            "site.toml:10: site.ready: already defined in site.toml:2; choose",
        ),
        (
            GOOD + "nmae = 'ready'",
            "site.toml:8: site.ready: unknown key 'nmae'; did you mean 'name'?",
        ),
        (
            GOOD.replace("^site", r"^(s)\1ite"),
            "invalid escape sequence: \\1; it has no back-references",
        ),
        (
            GOOD.replace("^site", "(?=site)"),
            "operator: (?=; it has no look-ahead, the key unless does that",
        ),
        (GOOD.replace("'note'", "'nota'"), "role 'nota' is none of: stage, failure"),
        (
            GOOD.replace("'note'", "'stage'"),
            "name 'ready' is none of: firmware, bootdev",
        ),
        (
            GOOD.replace("'note'", "'stage'").replace("'ready'", "'kernal'"),
            "loader, kernel, initramfs, init, login; did you mean 'kernel'?",
        ),
        (
            GOOD.replace("'note'", "'ending'"),
            "name 'ready' is none of: shutdown, reset",
        ),
        (GOOD.replace("'ready'", "'Not Ready'"), "name 'Not Ready' must be like"),
        (
            GOOD.replace("name = 'ready'", ""),
            "site.toml:2: site.ready: name is missing",
        ),
        (GOOD.replace("'ready'", "3"), "site.toml:5: site.ready: name must be a text"),
        (GOOD + "prelude = 'yes'", "site.toml:8: site.ready: prelude must be true or"),
        (GOOD + "skip = 'vfs'", "site.ready: skip must be a list of texts"),
        (GOOD + "details = ['(']", "site.ready: details is not a pattern of RE2"),
        (GOOD + "milder = '('", "site.ready: milder is not a pattern of RE2"),
        (GOOD + "stages = ['lodaer']", "'lodaer' is none of: unknown, firmware"),
        (GOOD + "severity = 'fatl'", "'fatl' is none of: fatal, critical, error, warn"),
        (GOOD + "blame = 'tarce'", "did you mean 'trace'?"),
        (GOOD + "scope = 'kernal'", "did you mean 'kernel'?"),
        (
            GOOD + "title = '{function} at {plcae}'",
            "title: there is no {plcae}; known: ",
        ),
        (
            GOOD + "title = '{function'",
            "site.toml:8: site.ready: title cannot be filled",
        ),
        (GOOD + "unless = '3 s'", "site.toml:8: site.ready: unless excludes the own"),
        (
            GOOD + "unless = '(?!x)'",
            "site.toml:8: site.ready: unless is not a pattern of",
        ),
        (GOOD.replace("^site", "^cite"), "does not match its own example"),
        (GOOD.replace("^site", "^" + "(site|" * 300), "more than 1000; make several"),
        (
            GOOD.replace("^site: ready in (?P<seconds>\\d+) s", "\\d+ s"),
            "three letters",
        ),
        (GOOD.replace("^site: ready in (?P<seconds>\\d+) s", "(site)?"), "every line"),
        (
            GOOD.replace("= 'site: ready", "= '[ 1.5] site:\\n ready"),
            "not match its own",
        ),
        ("[frames]\nwaitng = []", "site.toml:2: frames: unknown key 'waitng'; did you"),
        ("[frames]\nwaiting = 'a'", "site.toml:2: frames: waiting must be a list of"),
        (
            "[frames]\nquiet = ['']",
            "frames: quiet: an empty text is part of every name",
        ),
        (
            "[frames]\nanchors = ['(a+)+(?=b)']",
            "site.toml:2: frames: anchors: '(a+)+(?",
        ),
        (
            "[frames]\ngathering = ['a']",
            "site.toml:2: frames: gathering must be a table",
        ),
        ("[frames.machinery]\nx = ['(']", "frames: machinery.x: '(' is not a pattern"),
        ("[frames]\nmachinery = ['a']", "machinery must be a table, family = ["),
    ],
)
def test_a_bad_file_is_refused_with_its_place_and_remedy(
    text: str, problem: str
) -> None:
    (found,) = problems(text)

    assert problem in found
    assert found.startswith("site.toml:")


def test_all_that_is_wrong_is_told_at_once() -> None:
    bad = GOOD.replace("'note'", "'nota'") + "severity = 'bad'\nunless = '('\n"

    found = problems("disable = ['x']\n" + bad + bad, "colour = 1", "[[")

    assert [line.split(": ")[0] for line in found] == [
        "site.toml:1",
        *("site.toml:5", "site.toml:9", "site.toml:10"),
        *("site.toml:14", "site.toml:18", "site.toml:19"),
        "site1.toml:1",
        "site2.toml",
    ]


def test_an_unknown_key_does_not_hide_what_else_is_wrong() -> None:
    bad = GOOD.replace("'note'", "'nota'").replace("^site", "^cite") + "nmae = 'x'\n"

    found = problems(bad)

    assert [line.split(": ")[0] for line in found] == ["site.toml:4", "site.toml:8"]


def test_a_file_that_is_no_marker_file_does_not_fill_the_screen() -> None:
    found = problems("\n".join(f"k{n} = 1" for n in range(1000)))

    assert len(found) == 51
    assert found[-1] == "... and 950 more"


def test_no_frame_pattern_can_be_slow() -> None:
    rules = load("[frames.machinery]\nx = ['(a+)+$']\n")
    trace = f"Call Trace:\n {'a' * 4000}b+0x1/0x2\n"
    began = time.process_time()

    CulpritFinder(rules.frames).find(Blame.FRAMES, trace, None, ())

    assert time.process_time() - began < 1
