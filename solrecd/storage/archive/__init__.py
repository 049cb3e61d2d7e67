"""The archive as it is written: bytes, text and timing of every boot.

- `sink`             takes what consoles print; one thread per file system writes it
- `lane`             the consoles of one file system, and what waits for its disk
- `recorder`         one console's open segment, and when the next one begins
- `segment`          the three files of an open segment
- `segment_types`    what the archive is given and what it tells
- `files`            files that grow, and the calls of the system that they need
- `poison`           bytes that the archive cannot take, kept beside the segments
- `opening`          opens a console: where it ends, and what goes on there
- `recovery`         where an earlier daemon stopped; `recovery_line` a line in parts
- `missing_bytes`    what is missing between the archive and the journal
- `folder_lock`      one recorder per log folder
- `opening_threads`  how many threads open archives side by side
- `closer`           compresses closed segments and applies retention
- `seekable`         zstd in independent frames
- `vocabulary_file`  which words the closed logs hold
"""
