"""The page about metrics says what the catalogue says."""

from solrecd.metrics import declared
from tools.metrics import PAGE, render


def test_what_make_docs_makes_is_current() -> None:
    assert PAGE.read_text("utf-8") == render(), "run `make docs`"


def test_every_family_has_a_row_with_its_type_and_labels() -> None:
    rows = {
        row.split("|")[1].strip(" `"): row
        for row in render().splitlines()
        if row.startswith("| `")
    }

    assert set(rows) == {family.name for family in declared()}
    for family in declared():
        assert f"| {family.type} |" in rows[family.name]
        assert all(f"`{label}`" in rows[family.name] for label in family.labels)
