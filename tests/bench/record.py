"""What the benches put on record: the figures of a run beside their bars and references, and the machine they are of.

``put`` adds a run to a history; ``python -m tests.bench.record`` prints the newest run of each bench. With
``BENCH_RECORD`` set the histories are ``results/BENCH.json``, else those of trials, which nobody keeps.
"""

import json
import math
import os
import platform
import subprocess
import sys
import threading
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from functools import lru_cache
from pathlib import Path
from statistics import median
from typing import Any

from hub.adapters.clock import SystemClock
from hub.adapters.sql.engine import sqlite_version

ROOT = Path(__file__).parents[2]
RECORD, TRIALS = ROOT / "tests" / "bench" / "results", ROOT / "build" / "bench"
ON_RECORD = bool(os.environ.get("BENCH_RECORD"))
RESULTS = RECORD if ON_RECORD else Path(os.environ.get("BENCH_TRIALS", TRIALS))
CLOCK = SystemClock()
SYNCS, BLOCK, BLOCKS = 400, 4096, 1024


@dataclass(frozen=True, slots=True)
class Bar:
    """What a figure has to reach."""

    limit: float
    least: bool

    def met(self, value: float) -> bool:
        return value >= self.limit if self.least else value <= self.limit

    def __str__(self) -> str:
        return f"{'>=' if self.least else '<='} {short(self.limit)}"


def at_least(limit: float) -> Bar:
    return Bar(limit, True)


def at_most(limit: float) -> Bar:
    return Bar(limit, False)


@dataclass(frozen=True, slots=True)
class Reference:
    """What a figure is a part or a multiple of, measured in the same run and in the same unit."""

    name: str
    runs: Sequence[float]


@dataclass(frozen=True, slots=True)
class Figure:
    """One thing measured: the median of its runs."""

    name: str
    unit: str
    runs: Sequence[float]
    bar: Bar | None = None
    reference: Reference | None = None

    @property
    def value(self) -> float:
        return median(self.runs)

    @property
    def ratio(self) -> float | None:
        return None if self.reference is None else self.value / median(self.reference.runs)

    def row(self) -> dict[str, Any]:
        """As it stands in the history."""
        row: dict[str, Any] = {"name": self.name, "value": rounded(self.value), "unit": self.unit}
        if len(self.runs) > 1:
            row["runs"] = [rounded(one) for one in self.runs]
        if self.bar is not None:
            row |= {"bar": str(self.bar), "met": self.bar.met(self.value)}
        if self.reference is not None and self.ratio is not None:
            row |= {"reference": self.reference.name, "reference_runs": [rounded(one) for one in self.reference.runs]}
            row["ratio"] = rounded(self.ratio)
        return row


def put(bench: str, figures: Iterable[Figure], disk: Path, **detail: Any) -> None:
    """Adds this run to the bench's history and prints it. ``disk``: a folder of the disk that was measured on."""
    run = {
        "at": CLOCK.now().isoformat(timespec="seconds").replace("+00:00", "Z"),
        "commit": commit(),
        "machine": machine(disk),
        "figures": [figure.row() for figure in figures],
        "detail": detail,
    }
    RESULTS.mkdir(parents=True, exist_ok=True)
    file = RESULTS / f"{bench}.json"
    file.write_text(json.dumps([*history(file), run], indent=1) + "\n")
    print("\n" + "\n".join(lines(bench, run)), flush=True)


def history(file: Path) -> list[dict[str, Any]]:
    """Every run of a bench, the oldest first."""
    runs: list[dict[str, Any]] = json.loads(file.read_text()) if file.exists() else []
    return runs


def commit() -> str:
    """Which one is checked out, with a plus sign if files were changed since."""

    def git(*arguments: str) -> str:
        asked = subprocess.run(["git", "-C", str(ROOT), *arguments], capture_output=True, text=True, check=False)
        return asked.stdout.strip()

    changed = git("status", "--porcelain", "--untracked-files=no", "--", ".", ":!tests/bench/results")
    return git("rev-parse", "--short", "HEAD") + ("+" if changed else "")


def machine(disk: Path) -> dict[str, Any]:
    """What the figures depend on besides the code."""
    p50, p99 = sync_ms(disk)
    return {
        "cores": len(os.sched_getaffinity(0)),
        "cpu": _line("/proc/cpuinfo", "model name") or platform.machine(),
        "memory_gb": round(os.sysconf("SC_PAGE_SIZE") * os.sysconf("SC_PHYS_PAGES") / 1e9, 1),
        "kernel": platform.release(),
        "python": platform.python_version(),
        "sqlite": ".".join(map(str, sqlite_version())),
        "fsync_ms": {"p50": rounded(p50), "p99": rounded(p99)},
    }


def _line(file: str, key: str) -> str:
    found = [line.partition(":")[2].strip() for line in Path(file).read_text().splitlines() if line.startswith(key)]
    return found[0] if found else ""


@lru_cache
def sync_ms(disk: Path) -> tuple[float, float]:
    """Milliseconds (p50, p99) that this disk takes to make 4 KB durable, written over and over as into a WAL."""
    took = syncs_ms(disk, SYNCS)
    return percentile(took, 0.5), percentile(took, 0.99)


def syncs_ms(disk: Path, count: int, every_s: float = 0.0) -> list[float]:
    """Milliseconds of each of so many, begun so far apart; at once where one took longer."""
    probe, took, rest = disk / "sync.probe", [], threading.Event()
    with probe.open("wb", buffering=0) as file:
        file.write(bytes(BLOCK * BLOCKS))
        os.fsync(file.fileno())
        first = CLOCK.monotonic()
        for number in range(count):
            rest.wait(max(0.0, first + number * every_s - CLOCK.monotonic()))
            began = CLOCK.monotonic()
            os.pwrite(file.fileno(), number.to_bytes(2, "big") * (BLOCK // 2), number % BLOCKS * BLOCK)
            os.fsync(file.fileno())
            took.append((CLOCK.monotonic() - began) * 1e3)
    probe.unlink()
    return took


def percentile(values: Iterable[float], share: float) -> float:
    """The smallest value that so large a share of them does not exceed (nearest rank)."""
    ordered = sorted(values)
    return ordered[max(0, math.ceil(share * len(ordered)) - 1)]


def rounded(value: float) -> float:
    """Four digits are all that a measurement bears."""
    digits = float(f"{value:.4g}")
    return int(digits) if digits == int(digits) else digits


def short(value: float) -> str:
    return f"{rounded(value):,}"


def lines(bench: str, run: Mapping[str, Any]) -> list[str]:
    """A run as it is printed."""
    head = f"{bench}  ({run['at'][:10]}, {run['commit']}, fsync p99 {_sync(run['machine'])})"
    return [head, *(_row(figure) for figure in run["figures"])]


def _sync(of_machine: Mapping[str, Any]) -> str:
    return f"{of_machine['fsync_ms']['p99']} ms" if "fsync_ms" in of_machine else "not measured"


def _row(figure: Mapping[str, Any]) -> str:
    bar, verdict = figure.get("bar", ""), {True: "met", False: "MISSED", None: ""}[figure.get("met")]
    against = f"{figure['ratio']:>8} x {figure['reference']}" if "ratio" in figure else ""
    value = f"{short(figure['value'])} {figure['unit']}"
    return f"  {figure['name']:<46}{value:>20}  {bar:<12}{verdict:<7}{against}".rstrip()


def newest() -> str:
    """The newest run of every bench, and how many bars they meet."""
    runs = {file.stem: history(file)[-1] for file in sorted(RESULTS.glob("*.json"))}
    verdicts = [figure["met"] for run in runs.values() for figure in run["figures"] if "met" in figure]
    table = [line for bench, run in runs.items() for line in ("", *lines(bench, run))]
    trial = "" if ON_RECORD else "; a trial: BENCH_RECORD=1 puts a run on record"
    return "\n".join([*table, "", f"{sum(verdicts)} of {len(verdicts)} bars met{trial}"])


if __name__ == "__main__":
    sys.stdout.write(newest() + "\n")
