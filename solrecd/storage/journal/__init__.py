"""The journal: a mapped file that holds what is received and not yet archived.

Theory. The file lies on a tmpfs, so a store into the mapping outlives the process
(kill -9, an upgrade, a crash) without a system call and without a disk that could
make the event loop wait. It is cut into slabs. A slab belongs to one console while it
is in use; a console's slabs are chained by a sequence number. So a console whose
folder cannot be written keeps its own slabs and, by its quota, leaves the others
theirs: a single ring would be blocked by its oldest record.

Three rules keep every instant of it readable:

1. A slab counts only from the moment its magic is stored, which happens last; a
   record counts only when its checksum fits, and that is stored after the bytes.
   Stores of one process are seen in order by a process that maps the file later, so
   dying between any two of them leaves either a whole record or the end of the slab.
2. A slab is zeroed before it is used again, and checksums are seeded with the slab's
   header: nothing of an earlier use can be taken for a record.
3. Two threads share a stream, each with its own part. The event loop appends, takes
   slabs and fills the deque of finished ones; the writer thread only takes from the
   front of that deque and only adds to the deque of free slabs. `deque.append` and
   `deque.popleft` are atomic, each end has one owner, and the slab being filled is
   in no deque, so neither side needs a lock or can wait for the other.
"""

from __future__ import annotations

from solrecd.storage.journal.file import Journal, JournalError
from solrecd.storage.journal.layout import LONGEST_RECORD, SLAB_SIZE
from solrecd.storage.journal.stream import JournalStream

__all__ = [
    "LONGEST_RECORD",
    "SLAB_SIZE",
    "Journal",
    "JournalError",
    "JournalStream",
]
