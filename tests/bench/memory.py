"""What a program holds in memory, the processes that it started with it."""

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


def megabytes(pid: int, kind: str = "VmRSS") -> float:
    """Resident now, or at most ever (``VmHWM``), of the whole family; what they share counts for each."""
    return sum(_of(one, kind) for one in family(pid)) / 1024


def _of(pid: int, kind: str) -> int:
    try:
        lines = (PROC / str(pid) / "status").read_text().splitlines()
    except FileNotFoundError:
        return 0
    return next((int(line.split()[1]) for line in lines if line.startswith(f"{kind}:")), 0)
