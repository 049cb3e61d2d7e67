"""The fleet on one terminal, as it changes.

- `rows`   rows, their order, what is shown of them: no terminal, no socket
- `feed`   the daemon's stream, read in a thread, joined again when it ends
- `text`   rows as styled lines
- `app`    the screen and its keys; the only module that imports textual
"""
