"""The configuration's reference, example and manual page say what the schema says."""

import importlib
import pkgutil
import re
from collections.abc import Iterator, Mapping
from pathlib import Path

import pytest

import solrecd.config
from solrecd.alerts.senders.table import RECEIVERS
from solrecd.config.keys import Key, TableSchema
from solrecd.config.tables import tables
from solrecd.config.values import boolean, duration, text
from solrecd.sources.table import CONSOLE_KINDS
from tools.configuration import PAGES, example, page
from tools.reference import reference

TABLES = tables(CONSOLE_KINDS, RECEIVERS)
KEYS = [(table, name) for table in TABLES for name in table.keys]


@pytest.mark.parametrize("path", PAGES, ids=lambda path: path.name)
def test_what_make_docs_makes_is_current(path: Path) -> None:
    assert path.read_text("utf-8") == PAGES[path](), "run `make docs`"


@pytest.mark.parametrize(
    ("table", "name"), KEYS, ids=lambda it: getattr(it, "path", it)
)
def test_every_key_is_explained_in_the_reference_and_the_example(
    table: TableSchema, name: str
) -> None:
    words = " ".join(table.keys[name].help.split())

    assert re.match(r"[A-Z`].*[.]\Z", words)
    assert f"### `{name}`\n\n{words}" in _unwrapped(page())
    assert re.search(rf"{re.escape(words)}\n#{name} = ", _unwrapped(example()))


def _unwrapped(text: str) -> str:
    """Return a text with each paragraph, or comment, in one line."""
    return re.sub(r"(?<=[^\n])\n(?:# )?(?=[^\n#-])", " ", text)


def _schemas() -> Iterator[Mapping[str, Key]]:
    """Yield every table of keys that a module of the configuration has."""
    for module in pkgutil.iter_modules(solrecd.config.__path__, "solrecd.config."):
        for value in vars(importlib.import_module(module.name)).values():
            if isinstance(value, Mapping) and any(
                isinstance(it, Key) for it in value.values()
            ):
                yield value


def test_no_table_of_keys_is_left_out() -> None:
    explained = {id(key) for table in TABLES for key in table.keys.values()}

    found = [key for schema in _schemas() for key in schema.values()]

    assert found
    assert [key.help for key in found if id(key) not in explained] == []


def told(key: Key, default: object = None) -> tuple[str, str, str]:
    """Return what the reference has of a key: default, example, what is allowed."""
    table = TableSchema(("test",), {"key": key}, {"key": default}, "")
    ((_, (entry,)),) = reference([table])
    return entry.default, entry.example, entry.allowed


def test_a_default_is_shown_as_its_parser_reads_it() -> None:
    key = Key(duration(1, 3600), "")

    shown = told(key, 90.0)

    assert shown[:2] == ('"90s"', '"90s"')
    assert shown[2].endswith('from "1s" to "1h"')
    assert told(Key(boolean, ""), default=False)[0] == "false"


def test_a_key_without_default_needs_an_example_and_is_named() -> None:
    key = Key(text(max_bytes=4), "")

    with pytest.raises(ValueError, match=r"test\.key: has no default to show"):
        told(key)


def test_an_example_that_is_not_allowed_is_refused() -> None:
    with pytest.raises(ValueError, match=r'test\.key: found "long words"; allowed'):
        told(Key(text(max_bytes=4), "", example="long words"))


def test_a_parser_that_takes_anything_is_refused() -> None:
    with pytest.raises(ValueError, match="does not refuse"):
        told(Key(str, "", example="x"))


def test_tables_that_may_be_absent_or_many_are_commented() -> None:
    one = TableSchema(("daemon",), {}, {}, "")
    named = TableSchema(("hook", "NAME"), {}, {}, "")
    many = TableSchema(("rule",), {}, {}, "", is_array=True)

    assert [table.header for table in (one, named, many)] == [
        *("[daemon]", "[hook.NAME]", "[[rule]]")
    ]
    assert [table.is_one for table in (one, named, many)] == [True, False, False]
