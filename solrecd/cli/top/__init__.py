"""The fleet on one terminal, as it changes.

Rows and their order are `solrecd.api.rows`, which pages use, too.

- `feed`   the daemon's stream, read in a thread, joined again when it ends
- `text`   rows as styled lines
- `app`    the screen and its keys; the only module that imports textual
"""
