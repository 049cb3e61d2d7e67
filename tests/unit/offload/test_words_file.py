"""Names that are written twice, so that `solrecctl` starts fast, are the same."""

from solrecd.storage.formats import vocabulary
from solrecd.storage.history import segments


def test_the_words_of_a_console_are_looked_for_where_they_are_written() -> None:
    assert segments.WORDS == vocabulary.FILE_NAME
