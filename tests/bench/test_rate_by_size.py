"""Whether ingest slows down as readings pile up, and which tables do: batches of fifty at three sizes of one database.

By each size the same rows are written again by a bare executemany, its tables timed one by one.
"""

from pathlib import Path
from statistics import median

import pytest

from tests.bench.bare import Rewritten, rewrite
from tests.bench.conftest import Past
from tests.bench.drain import Drained, drained, leave_session
from tests.bench.record import Figure, Reference, at_least, put, rounded
from tests.bench.sizes import size
from tests.servers import mosquitto

RUNS, FLAT = 3, 0.75


@pytest.mark.timeout(6 * 3600)
def test_rate_by_size(scratch: Path, past: Past) -> None:
    found: dict[int, list[Drained]] = {}
    again: dict[int, list[Rewritten]] = {}
    with mosquitto(scratch / "broker") as broker:
        leave_session(past.town, broker)
        for number, readings in enumerate((size("LEAST"), size("MORE"), size("MOST"))):
            town = past.to(readings)
            there = town.last_reading()
            found[there], again[there] = [], []
            for run in range(RUNS):
                found[there].append(drained(town, broker, size("BATCHED"), RUNS * number + run, 3 * RUNS))
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
    first, *_, last = figures
    figures.append(Figure("the last against the first", "x", [last.value / first.value], at_least(FLAT)))
    tables = {there: _microseconds(runs) for there, runs in again.items()}
    homes, megabytes = past.town.homes, round(past.town.file.stat().st_size / 1e6)
    put("rate_by_size", figures, scratch, homes=homes, file_mb=megabytes, built=past.built, bare_us_a_reading=tables)
    assert all(figure.value > 0 for figure in figures)


def _microseconds(runs: list[Rewritten]) -> dict[str, float]:
    """Of each table, and of the commits, a reading."""
    return {
        name: rounded(median(run.seconds[name] for run in runs) / size("BATCHED") * 1e6) for name in runs[0].seconds
    }
