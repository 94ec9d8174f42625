"""Readings as CSV that a spreadsheet opens without running anything in it."""

import csv
import io
from collections.abc import Sequence
from zoneinfo import ZoneInfo

from dashboards.viewmodels.charts import origin
from dashboards.viewmodels.times import iso
from dashboards.viewmodels.values import doubts, reported
from hub.domain.metrics import METRICS
from hub.domain.samples import PATIENT_REPORTED
from hub.domain.wording import plain
from hub.services.views.charts import Series

HEAD = (
    "measured_at_utc",
    "measured_at_local",
    "zone",
    "metric",
    "value",
    "unit",
    "bound",
    "shown_value",
    "shown_unit",
    "doubts",
    "source",
    "device",
)


def safe(cell: str) -> str:
    """A cell that begins like a formula gets an apostrophe, so that it stays text."""
    return f"'{cell}" if cell[:1] in ("=", "+", "-", "@", "\t", "\r", "\n") else cell


def readings_csv(series: Sequence[Series], zone: str, note: str) -> str:
    """All readings, oldest first. ``note`` (the demo's) stands on the first line."""
    out = io.StringIO()
    writer = csv.writer(out)
    if note:
        writer.writerow([safe(note)])
    writer.writerow(HEAD)
    samples = [(s, origin(one, s)) for one in series for s in one.samples]
    for s, device in sorted(samples, key=lambda pair: (pair[0].at, pair[0].metric, pair[0].reading_id)):
        local = s.at.astimezone(ZoneInfo(zone)).isoformat(timespec="seconds")
        shown = (plain(s.shown.value), s.shown.unit) if s.shown else ("", "")
        bound = s.comparator or ""
        cells = [iso(s.at), local, zone, s.metric, plain(s.value), METRICS[s.metric].unit, bound, *shown]
        source = PATIENT_REPORTED if reported(s) else "device"
        writer.writerow([safe(cell) for cell in [*cells, doubts(s), source, device]])
    return out.getvalue()
