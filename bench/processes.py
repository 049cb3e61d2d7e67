"""What a running process has used, from /proc."""

from __future__ import annotations

import os
from pathlib import Path


def cpu_seconds(pid: int) -> float:
    """Return the CPU time, user and system, of a process and all its threads so far."""
    # After the parenthesised name come state, ppid, ...; utime and stime are fields 14
    # and 15 of proc(5).
    fields = Path(f"/proc/{pid}/stat").read_text().rpartition(")")[2].split()
    return (int(fields[11]) + int(fields[12])) / os.sysconf("SC_CLK_TCK")


def tree_cpu_seconds(pid: int) -> float:
    """Return the CPU time of a process and of all its living descendants so far."""
    children = Path(f"/proc/{pid}/task/{pid}/children").read_text().split()
    return cpu_seconds(pid) + sum(tree_cpu_seconds(int(child)) for child in children)


def pss_bytes(pid: int) -> int:
    """Return the memory of a process, shared pages counted by their share."""
    return _rollup(pid, "Pss:")


def own_bytes(pid: int) -> int:
    """Return the memory that a process has for itself: heaps and stacks.

    Not the files that it maps: how many pages of those count as its own changes with
    what other processes map.
    """
    return _rollup(pid, "Pss_Anon:")


def _rollup(pid: int, name: str) -> int:
    for line in Path(f"/proc/{pid}/smaps_rollup").read_text().splitlines():
        if line.startswith(name):
            return int(line.split()[1]) * 1024
    raise ValueError(f"the kernel tells no {name} for process {pid}")
