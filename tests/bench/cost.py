"""What a program takes of memory and processors, the processes that it started with it."""

import os
from pathlib import Path

PROC = Path("/proc")


def family(pid: int) -> list[int]:
    """The process and everything that descends from it."""
    found = [pid]
    for one in found:
        try:
            for thread in (PROC / str(one) / "task").iterdir():
                found += map(int, (thread / "children").read_text().split())
        except FileNotFoundError:
            continue  # it has ended
    return found


def megabytes(pid: int, kind: str = "Pss") -> float:
    """Of the whole family; what several share counts once (``Pss``) or for each (``VmRSS``, and at most ``VmHWM``)."""
    return sum(_of(one, kind) for one in family(pid)) / 1024


def seconds(pid: int) -> float:
    """Of processor time, by the whole family until now."""
    return sum(_ticks(one) for one in family(pid)) / os.sysconf("SC_CLK_TCK")


def _ticks(pid: int) -> int:
    try:
        after_the_name = (PROC / str(pid) / "stat").read_text().rpartition(")")[2].split()
    except FileNotFoundError:
        return 0
    return int(after_the_name[11]) + int(after_the_name[12])  # in its own code, and in the system's for it


def _of(pid: int, kind: str) -> int:
    try:
        lines = (PROC / str(pid) / ("smaps_rollup" if kind == "Pss" else "status")).read_text().splitlines()
    except FileNotFoundError:
        return 0
    return next((int(line.split()[1]) for line in lines if line.startswith(f"{kind}:")), 0)
