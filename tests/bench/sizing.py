"""The tables of the sizing page, made anew from the newest results: ``python -m tests.bench.sizing``."""

import re
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from typing import Any

from hub.services.ingest.registry import MOST
from tests.bench.record import RECORD, ROOT, history, short
from tests.bench.town import KINDS

PAGE = next((ROOT / "hub" / "decisions").glob("*-sizing.md"))
PATIENTS = (100, 1_000, 10_000, 100_000, 1_000_000)
TYPICAL, SENSOR, SENSED = 4, 288, 0.1
"""Readings a day of everybody, of a glucose sensor, and the part of patients who wear one."""

MORNING = 1 / 3
"""The part of a day's typical readings that come within its busiest hour."""

DAY_S, HOUR_S, YEAR = 86_400, 3_600, 365
WANTED = (
    # bench, beginning of the figure's name
    ("sustained", "sustained without growth"),
    ("batches", "batches of 50"),
    ("hot_path", "durable"),
    ("hot_path", "that as a part"),
    ("alert_latency", "publish to alert row"),
    ("alert_latency", "that p99"),
    ("alert_latency", "a sync"),
    ("bytes", "a reading"),
    ("bytes", "of that journal"),
    ("bytes", "of that reading"),
    ("bytes", "a value in the series"),
    ("memory", "memory of ingest"),
    ("start", "start to first tick after a clean stop"),
    ("rate_by_size", "the last against the first, by turns"),
    ("backup", "backup"),
)
ABSENT = "–"
Row = dict[str, Any]


def newest(bench: str) -> Row | None:
    runs = history(RECORD / f"{bench}.json")
    return runs[-1] if runs else None


def figures(bench: str, begins: str) -> list[Row]:
    run = newest(bench)
    found = [] if run is None else [one for one in run["figures"] if one["name"].startswith(begins)]
    exactly = [one for one in found if one["name"] == begins]
    return exactly or [one for one in found if "p50" not in one["name"] and "p100" not in one["name"]]


def value(bench: str, begins: str) -> float | None:
    found = figures(bench, begins)
    return found[0]["value"] if found else None


def measured() -> Iterator[Sequence[str]]:
    """Each figure as it was measured, with its bar, its ratio, and of what and when it is."""
    yield "measured", "", "bar", "against", "run"
    for bench, begins in WANTED:
        run, found = newest(bench), figures(bench, begins)
        if run is None or not found:
            yield begins, ABSENT, "", "", f"{bench}: not on record yet"
            continue
        for one in found:
            bar = f"{one['bar']} {'met' if one['met'] else '**missed**'}" if "bar" in one else ""
            against = f"{one['ratio']} x {one['reference']}" if "ratio" in one else ""
            yield one["name"], f"{short(one['value'])} {one['unit']}", bar, against, f"{bench}, {run['commit']}"


@dataclass(frozen=True, slots=True)
class Basis:
    """What is calculated from; None: not on record yet."""

    rate: float | None
    size: float | None
    samples: float | None
    speed: float | None
    memory: float | None
    begun: float | None

    @classmethod
    def on_record(cls) -> "Basis":
        told, memory = (newest("bytes") or {"detail": {}})["detail"], figures("memory", "memory of ingest")
        return cls(
            rate=value("sustained", "sustained") or value("hot_path", "durable"),
            size=value("bytes", "a reading"),
            samples=told["values"] / told["readings"] if told else None,
            speed=value("backup", "backup"),
            memory=memory[0]["value"] if memory else None,
            begun=memory[0]["reference_runs"][0] if memory else None,
        )


def calculated() -> Iterator[Sequence[str]]:
    """What follows for a number of patients. Nothing here was measured at that size."""
    yield (
        *("patients", "readings a day", "a second, busiest hour", "of one machine", "readings a year", "values a year"),
        *("GB a year", "backup", "memory of ingest"),
    )
    known = Basis.on_record()
    for patients in PATIENTS:
        daily = patients * (TYPICAL + SENSED * SENSOR)
        busiest = patients * (TYPICAL * MORNING / HOUR_S + SENSED * SENSOR / DAY_S)
        yearly = daily * YEAR
        gigabytes = known.size and yearly * known.size / 1e9
        yield (
            f"{patients:,}",
            short(daily),
            two(busiest),
            f"{two(100 * busiest / known.rate)} %" if known.rate else ABSENT,
            f"{two(yearly / 1e6)} M",
            f"{two(yearly * known.samples / 1e6)} M" if known.samples else ABSENT,
            two(gigabytes) if gigabytes else ABSENT,
            _lasts(gigabytes * 1e3 / known.speed) if gigabytes and known.speed else ABSENT,
            _memory(known, patients),
        )


def _memory(known: Basis, patients: int) -> str:
    """It grows with devices until the registry is full and begins anew."""
    if known.memory is None or known.begun is None:
        return ABSENT
    part = min(1.0, patients * KINDS / MOST)
    return f"{two(known.begun + part * (known.memory - known.begun))} MB"


def two(amount: float) -> str:
    """With two digits: what is calculated bears no more."""
    digits = float(f"{amount:.2g}")
    return f"{int(digits):,}" if digits >= 10 else f"{digits:g}"


def _lasts(seconds: float) -> str:
    if seconds < 60:
        return f"{two(seconds)} s"
    return f"{two(seconds / 60)} min" if seconds < 2 * HOUR_S else f"{two(seconds / HOUR_S)} h"


def markdown(rows: Iterator[Sequence[str]]) -> str:
    head, *rest = rows
    lines = [f"| {' | '.join(row)} |" for row in (head, ["---"] * len(head), *rest)]
    return re.sub(r" {2,}", " ", "\n".join(lines))


def main() -> None:
    text = PAGE.read_text()
    for name, rows in (("measured", measured()), ("calculated", calculated())):
        begins, ends = f"<!-- {name} -->\n", f"<!-- end of {name} -->"
        before, _, rest = text.partition(begins)
        text = f"{before}{begins}{markdown(rows)}\n{ends}{rest.partition(ends)[2]}"
    PAGE.write_text(text)


if __name__ == "__main__":
    main()
