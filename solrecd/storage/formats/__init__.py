"""Formats and rules of the archive; pure: writer, `history` and tests share them.

- `names`        what the files of a segment are called
- `lines`        the text of a ``.log``
- `timing`       the ``.timing`` beside it
- `zstdblocks`   takes a compressed frame apart into small pieces
- `seektable`    frames of a compressed file, and the table that finds them
- `vocabulary`   which words the frames of closed logs hold
- `frame_query`  which frames a search need not read, by the vocabulary
- `retention`    when a segment ends, and how long it is kept
- `recovered`    what the journal holds of a console

A segment is three files with one stem: ``.raw`` (exact bytes, the truth), ``.timing``
(util-linux's advanced timing format) and ``.log`` (text). Nothing is imported here:
`solrecctl` must start fast, and takes what a command needs.
"""
