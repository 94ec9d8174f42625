"""The tables of the sizing page, made anew from the newest results: ``python -m tests.bench.sizing``."""

import re
from collections.abc import Iterator, Sequence
from typing import Any

from tests.bench.record import RECORD, ROOT, history, rounded, short

PAGE = ROOT / "hub" / "decisions" / "0021-sizing.md"
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
    ("alert_latency", "publish to alert row"),
    ("bytes", "a reading"),
    ("bytes", "of that journal"),
    ("bytes", "of that reading"),
    ("bytes", "a value in the series"),
    ("memory", "memory of ingest"),
    ("start", "start to first tick after a clean stop"),
    ("rate_by_size", "the last against the first"),
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
    return [one for one in found if "p50" not in one["name"] and "p100" not in one["name"]]


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


def calculated() -> Iterator[Sequence[str]]:
    """What follows for a number of patients. Nothing here was measured at that size."""
    yield (
        "patients",
        "readings a day",
        "a second, busiest hour",
        "of one machine",
        "readings a year",
        "GB a year",
        "backup",
    )
    rate, size, speed = (
        value("sustained", "sustained") or value("hot_path", "durable"),
        value("bytes", "a reading"),
        0.0,
    )
    speed = value("backup", "backup") or 0.0
    for patients in PATIENTS:
        daily = patients * (TYPICAL + SENSED * SENSOR)
        busiest = patients * (TYPICAL * MORNING / HOUR_S + SENSED * SENSOR / DAY_S)
        yearly = daily * YEAR
        gigabytes = None if size is None else yearly * size / 1e9
        yield (
            f"{patients:,}",
            short(daily),
            f"{busiest:.3g}" if busiest < 100 else short(round(busiest)),
            f"{busiest / rate:.2%}" if rate else ABSENT,
            f"{short(yearly / 1e6)} M",
            short(gigabytes) if gigabytes else ABSENT,
            _minutes(gigabytes * 1e3 / speed) if gigabytes and speed else ABSENT,
        )


def _minutes(seconds: float) -> str:
    return f"{short(rounded(seconds / 60))} min" if seconds < 2 * HOUR_S else f"{short(rounded(seconds / HOUR_S))} h"


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
