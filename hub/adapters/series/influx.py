"""The time series in InfluxDB: a copy that follows the relational one.

A sample is a point of the series (patient, metric), both ids and no more about the person. Its nanoseconds tell samples
of one millisecond apart. A void sample stays, with ``holds`` false. Only SELECT with bounds of time, GROUP BY tags,
DELETE and DROP MEASUREMENT are used: what InfluxDB 1.x and 2.x answer alike.
"""

from collections.abc import Iterator, Mapping, Sequence
from datetime import UTC, datetime, timedelta
from decimal import Decimal
from functools import lru_cache
from typing import Any

from hub.adapters.influx_http import InfluxHttp
from hub.domain.buckets import Bucket, Unit, buckets
from hub.domain.columns import Columns
from hub.domain.metrics import quantise
from hub.domain.samples import Sample, Shown
from hub.services.ports.copies import Point
from hub.services.ports.feed import Position
from hub.services.ports.series import Amendment, Latest

_EPOCH = datetime(1970, 1, 1, tzinfo=UTC)
_MS = timedelta(milliseconds=1)
_SLOTS = 1_000_000
"""Nanoseconds of a millisecond."""
_EVER = "time >= 0"
_FIELDS = "value, id, comparator, device, profile, flags, shown"
_AT_ONCE = 100
"""Patients named in one question; of more than ``_ALL`` everybody is asked for, and the rest left aside."""
_ALL = 1000
_NOBODY = -1


class InfluxSeries:
    """See ``hub.services.ports.copies.SeriesCopy``."""

    def __init__(self, http: InfluxHttp) -> None:
        self._http = http

    def append(self, samples: Mapping[int, Sequence[Sample]]) -> None:
        """Idempotent; what is void stays void."""
        for patient_id, theirs in samples.items():
            if theirs:
                times = [_ms(sample.at) for sample in theirs]
                gone = self._gone(patient_id, min(times), max(times))
                self.write([_point(patient_id, one, holds=one.reading_id not in gone) for one in theirs])

    def write(self, points: Sequence[Point]) -> None:
        """In batches, each durable before the next."""
        self._http.write(list(_lines(points)))

    def range(self, patient_id: int, metric: str, since: datetime, until: datetime) -> list[Sample]:
        """``since <= at < until``, by time and then by reading id."""
        return _in_order(metric, self._rows(_FIELDS, patient_id, metric, since, until))

    def whole(self, patient_id: int, since: datetime, until: datetime) -> Mapping[str, list[Sample]]:
        """``range`` of every metric."""
        these = f"patient = '{int(patient_id)}' AND holds = true AND {_span(since, until)}"
        found = self._http.ask(f"SELECT {_FIELDS} FROM readings WHERE {these} GROUP BY metric")
        return {table.tags["metric"]: _in_order(table.tags["metric"], table.rows) for table in found}

    def columns(self, patient_id: int, metric: str, since: datetime, until: datetime) -> Columns:
        """``range`` as parallel lists."""
        rows = self._rows("value, id, comparator, flags", patient_id, metric, since, until)
        if not rows:
            return Columns([], [], [], [], [])
        at_ms = [row[0] // _SLOTS for row in rows]
        if len(set(at_ms)) < len(at_ms):  # within a millisecond by id, which the nanoseconds need not be
            rows.sort(key=lambda row: (row[0] // _SLOTS, row[2]))
        _, values, ids, comparators, flags = zip(*rows, strict=True)
        return Columns(at_ms, list(map(float, values)), list(ids), [c or None for c in comparators], list(flags))

    def buckets(
        self, patient_id: int, metric: str, since: datetime, until: datetime, zone: str, unit: Unit
    ) -> list[Bucket]:
        """``range`` by the hour or the day; the engine's own GROUP BY knows no change of the clock."""
        return buckets(self.columns(patient_id, metric, since, until), zone, unit)

    def latest(self, patient_ids: Sequence[int]) -> Mapping[int, Mapping[str, Sample]]:
        """The newest sample of each metric of each patient."""
        newest: dict[int, dict[str, Sample]] = {}
        for patient_id, metric, row in self._last(patient_ids):
            newest.setdefault(patient_id, {})[metric] = _sample(metric, row)
        return newest

    def latest_columns(self, patient_ids: Sequence[int]) -> Latest:
        """``latest`` as parallel lists."""
        found = sorted(self._last(patient_ids), key=lambda one: one[:2])
        return Latest(
            [patient_id for patient_id, _, _ in found],
            [metric for _, metric, _ in found],
            [row[0] // _SLOTS for _, _, row in found],
            [float(row[1]) for _, _, row in found],
            [row[3] or None for _, _, row in found],
            [row[2] for _, _, row in found],
        )

    def void(self, patient_id: int, sample: Sample, why: Amendment) -> bool:  # noqa: ARG002 - reasons stay in the hub
        """Have it hold no more."""
        at = _ms(sample.at)
        if sample.reading_id in self._gone(patient_id, at, at):
            return False
        self.write([_point(patient_id, sample, holds=False)])
        return True

    def correct(self, patient_id: int, sample: Sample, by: Sample, why: Amendment) -> bool:
        """Have ``by`` hold in its place."""
        if not self.void(patient_id, sample, why):
            return False
        self.append({patient_id: [by]})
        return True

    def erase(self, patient_id: int, since: datetime, until: datetime) -> None:
        """Delete points."""
        these = f"patient = '{int(patient_id)}' AND {_span(since, until)}"
        self._http.ask(f"DELETE FROM readings WHERE {these}", changes=True)

    def health(self) -> None:
        """A question that needs the token and the bucket."""
        self.mark()

    def mark(self) -> Position | None:
        """The mark's point."""
        for table in self._http.ask("SELECT journal, change FROM copied WHERE time >= 0 AND time <= 0"):
            for _, journal_id, change_id in table.rows:
                return Position(journal_id, change_id)
        return None

    def set_mark(self, to: Position) -> None:
        """One point, always at the same time."""
        self._http.write([f"copied journal={to.journal_id}i,change={to.change_id}i 0"])

    def wipe(self) -> None:
        """Drop the samples, then the mark: whoever wrote in between finds that the mark is not the one it set."""
        for measurement in ("readings", "copied"):
            self._http.ask(f"DROP MEASUREMENT {measurement}", changes=True)

    def counts(self) -> Mapping[tuple[int, str], int]:
        """How many samples hold, by patient and metric."""
        asked = f"SELECT count(id) FROM readings WHERE {_EVER} AND holds = true GROUP BY patient, metric"
        return {_key(table.tags): table.rows[0][1] for table in self._http.ask(asked)}

    def close(self) -> None:
        """End its connections."""
        self._http.close()

    def _rows(self, fields: str, patient_id: int, metric: str, since: datetime, until: datetime) -> list[list[Any]]:
        """[nanoseconds, field, …] of what holds."""
        these = f"patient = '{int(patient_id)}' AND metric = '{_quoted(metric)}' AND holds = true"
        found = self._http.ask(f"SELECT {fields} FROM readings WHERE {these} AND {_span(since, until)}")
        return found[0].rows if found else []

    def _gone(self, patient_id: int, first_ms: int, last_ms: int) -> set[int]:
        span = f"time >= {first_ms * _SLOTS} AND time < {(last_ms + 1) * _SLOTS}"
        asked = f"SELECT id FROM readings WHERE patient = '{int(patient_id)}' AND holds = false AND {span}"
        return {row[1] for table in self._http.ask(asked) for row in table.rows}

    def _last(self, patient_ids: Sequence[int]) -> Iterator[tuple[int, str, list[Any]]]:
        """(patient, metric, [nanoseconds, field, …])."""
        wanted = set(patient_ids)
        listed = sorted(wanted)
        asked = [""] if len(listed) > _ALL else _named(listed)
        fields = _FIELDS.replace("value", "last(value)", 1)
        for these in asked:
            question = f"SELECT {fields} FROM readings WHERE {these}{_EVER} AND holds = true GROUP BY patient, metric"
            for table in self._http.ask(question):
                patient_id, metric = _key(table.tags)
                if patient_id in wanted:
                    yield patient_id, metric, table.rows[0]


def _span(since: datetime, until: datetime) -> str:
    return f"time >= {_ms(since) * _SLOTS} AND time < {_ms(until) * _SLOTS}"


def _in_order(metric: str, rows: Sequence[Sequence[Any]]) -> list[Sample]:
    return sorted((_sample(metric, row) for row in rows), key=lambda sample: (sample.at, sample.reading_id))


def _named(patient_ids: Sequence[int]) -> Iterator[str]:
    for start in range(0, len(patient_ids), _AT_ONCE):
        some = " OR ".join(f"patient = '{int(one)}'" for one in patient_ids[start : start + _AT_ONCE])
        yield f"({some}) AND "


def _key(tags: Mapping[str, str]) -> tuple[int, str]:
    return int(tags["patient"]), tags["metric"]


def _quoted(word: str) -> str:
    return word.replace("\\", "\\\\").replace("'", "\\'")


def _lines(points: Sequence[Point]) -> Iterator[str]:
    """Line protocol. Every field is written each time: one left out would keep what it was before."""
    before, taken = None, {0}
    for p in points:
        ns = p.at_ms * _SLOTS + p.reading_id % _SLOTS
        if before == (p.patient_id, p.metric, p.at_ms):
            while ns in taken:
                ns += 1
            taken.add(ns)
        else:
            before, taken = (p.patient_id, p.metric, p.at_ms), {ns}
        device = _NOBODY if p.device_id is None else p.device_id
        shown = "" if p.shown_value is None else f"{p.shown_value!r} {p.shown_unit}"
        yield (
            f"readings,metric={p.metric},patient={p.patient_id} value={p.value!r},id={p.reading_id}i,"
            f'comparator="{p.comparator or ""}",device={device}i,profile="{_escaped(p.profile)}",'
            f'flags="{_escaped(p.flags)}",shown="{_escaped(shown)}",holds={"true" if p.holds else "false"} {ns}'
        )


def _escaped(text: str) -> str:
    return text.replace("\\", "\\\\").replace('"', '\\"') if text else text


def _ms(at: datetime) -> int:
    return (at - _EPOCH) // _MS


def _point(patient_id: int, sample: Sample, *, holds: bool) -> Point:
    return Point(
        patient_id,
        sample.metric,
        _ms(sample.at),
        sample.reading_id,
        float(sample.value),
        sample.comparator,
        sample.device_id,
        sample.profile,
        " ".join(sorted(sample.flags)),
        None if sample.shown is None else float(sample.shown.value),
        None if sample.shown is None else sample.shown.unit,
        holds,
    )


def _sample(metric: str, row: Sequence[Any]) -> Sample:
    ns, value, reading_id, comparator, device, profile, flags, shown = row
    return Sample(
        reading_id=reading_id,
        metric=metric,
        value=quantise(metric, float(value)),
        at=_EPOCH + ns // _SLOTS * _MS,
        device_id=None if device == _NOBODY else device,
        profile=profile,
        comparator=comparator or None,
        flags=_words(flags),
        shown=_shown(shown),
    )


@lru_cache(maxsize=4096)
def _words(flags: str) -> frozenset[str]:
    return frozenset(flags.split())


def _shown(text: str) -> Shown | None:
    value, _, unit = text.partition(" ")
    return Shown(Decimal(value), unit) if text else None
