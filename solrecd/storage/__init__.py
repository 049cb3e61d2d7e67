"""What is kept: every byte received, and what is known of it.

- `journal`  received and acknowledged, not yet in the archive: a mapped ring of slabs
- `archive`  the files of a console: written, recovered, closed, retired
- `formats`  names and contents of those files; pure
- `index`    SQLite: boots, events, segments; can be rebuilt
- `history`  reads archives: boots, lines, raw bytes, with no daemon
- `rebuild`  derives index and vocabularies from the bytes again
- `healing`  has a damaged index rebuilt while the recorder records
- `marker_files`  reads the marker rules: the package's and the administrator's
- `space`    watches the room on the disk and in the journal
"""
