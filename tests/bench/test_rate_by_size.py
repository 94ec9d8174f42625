"""Whether ingest slows down as readings pile up, and which tables do: batches of fifty at three sizes of one database.

The larger sizes are measured by turns with copies of the smallest, since it takes long to grow, and the machine may
have another speed by then. By each size the same rows are written again by a bare executemany, its tables timed one by
one.
"""

import os
import shutil
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import replace
from pathlib import Path
from statistics import median

import pytest

from tests.bench.bare import Rewritten, rewrite
from tests.bench.conftest import Past
from tests.bench.drain import Drained, drained, leave_session
from tests.bench.record import Figure, Reference, at_least, put, rounded
from tests.bench.sizes import size
from tests.bench.town import Town
from tests.servers import mosquitto

RUNS, FLAT = 3, 0.75


@pytest.mark.timeout(6 * 3600)
def test_rate_by_size(scratch: Path, past: Past) -> None:
    found: dict[int, list[Drained]] = {}
    beside: dict[int, list[Drained]] = {}
    again: dict[int, list[Rewritten]] = {}
    with mosquitto(scratch / "broker") as broker, _copied(past.to(size("LEAST")), scratch / "least") as least:
        leave_session(past.town, broker)
        for number, readings in enumerate((size("LEAST"), size("MORE"), size("MOST"))):
            town = past.to(readings)
            there = town.last_reading()
            found[there], again[there] = [], []
            for run in range(RUNS * number, RUNS * (number + 1)):
                if number:
                    with _copied(least, scratch / "copy") as small:
                        beside.setdefault(there, []).append(drained(small, broker, size("BATCHED"), run, 3 * RUNS))
                found[there].append(drained(town, broker, size("BATCHED"), run, 3 * RUNS))
                again[there].append(rewrite(town, found[there][-1].first))
    figures = [
        Figure(
            f"with {there:,} readings",
            "readings/s",
            [one.rate for one in found[there]],
            reference=Reference("bare executemany there", [one.rate for one in again[there]]),
        )
        for there in found
    ]
    for there, small_ones in beside.items():
        parts = [here.rate / small.rate for here, small in zip(found[there], small_ones, strict=True)]
        name = "the last" if there == max(beside) else f"{there:,} readings"
        figures.append(Figure(f"{name} against the first, by turns", "x", parts, at_least(FLAT)))
    put(
        "rate_by_size",
        figures,
        scratch,
        homes=past.town.homes,
        file_mb=round(past.town.file.stat().st_size / 1e6),
        built=past.built,
        first_by_turns={there: [rounded(one.rate) for one in runs] for there, runs in beside.items()},
        cpu_us_a_reading={there: rounded(median(one.cpu_us for one in runs)) for there, runs in found.items()},
        bare_us_a_reading={there: _microseconds(runs) for there, runs in again.items()},
    )
    assert all(figure.value > 0 for figure in figures)


@contextmanager
def _copied(town: Town, folder: Path) -> Iterator[Town]:
    """The same town once more, as long as this is entered; nothing writes to it now."""
    shutil.copytree(town.folder, folder)
    os.sync()
    yield replace(town, folder=folder)
    shutil.rmtree(folder)


def _microseconds(runs: list[Rewritten]) -> dict[str, float]:
    """Of each table, and of the commits, a reading."""
    return {
        name: rounded(median(run.seconds[name] for run in runs) / size("BATCHED") * 1e6) for name in runs[0].seconds
    }
