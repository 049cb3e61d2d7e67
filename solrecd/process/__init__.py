"""The daemon as a process of its host; knows nothing of consoles.

- `systemd`             readiness, watchdog, descriptor store
- `log`                 what the log looks like; the home of structlog
- `tls`                 server contexts
- `access`              access rights: grants, callers, the decision
- `backoff`             waits between tries; pure
- `transitions`         tables of states: what an input leads to; pure
- `stamps`              wall-clock times, and their text
- `garbage_collection`, `malloc_arenas`   no long pause for the loop, no memory kept
"""
