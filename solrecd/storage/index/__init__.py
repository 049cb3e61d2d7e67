"""What was recorded, as rows: segments, boots and events in one SQLite file.

The index holds nothing that the archive does not: a damaged, foreign or outdated
file is set aside and built again from the archive (`solrecd.storage.history`). Readers
get the contract's JSON objects; times become text in SQL, so that listing 20,000 boots
costs no Python per column and imports no vocabulary (`solrecctl` must start fast).
"""

from solrecd.storage.index.files import (
    FILE_NAME,
    is_complete,
    open_or_replace,
    set_aside,
)
from solrecd.storage.index.schema import Batch, SegmentRow
from solrecd.storage.index.store import Index, IndexFileError, is_damage

__all__ = [
    "FILE_NAME",
    "Batch",
    "Index",
    "IndexFileError",
    "SegmentRow",
    "is_complete",
    "is_damage",
    "open_or_replace",
    "set_aside",
]
