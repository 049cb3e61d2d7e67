"""The daemon as a process of its host; knows nothing of consoles.

- `systemd`             readiness, watchdog, descriptor store
- `log`                 what the log looks like; the home of structlog
- `tls`                 server contexts
- `access`              access rights: grants, callers, the decision
- `backoff`             waits between tries; pure
- `transitions`         tables of states: what an input leads to; pure
- `stamps`              wall-clock times, and their text
- `clock`               a wall clock that does not believe a jump at once
- `plain_files`         opens files without waiting; sets aside what is none
- `upkeep`              keeps work beside the recording going after a bug
- `garbage_collection`, `malloc_arenas`   no long pause for the loop, no memory kept
"""
