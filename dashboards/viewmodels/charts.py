"""A patient's chart: what the browser draws, and the same in a sentence and a table."""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from decimal import Decimal
from typing import Any

from dashboards.viewmodels import times
from dashboards.viewmodels.limits import Stripe, stripes
from dashboards.viewmodels.values import BY_TEXT, TYPED, doubts, label, reported, value_words, withdrawn
from hub.domain.downsample import DRAWN, kept
from hub.domain.metrics import METRICS, quantise, unit_word
from hub.domain.samples import Sample
from hub.domain.wording import in_unit, plain
from hub.services.ingest.samples import VALUES_PER_READING
from hub.services.ports.series import Amended
from hub.services.views.charts import Series

RANGES = {"24h": timedelta(hours=24), "7d": timedelta(days=7), "30d": timedelta(days=30), "90d": timedelta(days=90)}
RANGE_WORDS = {"24h": "24 hours", "7d": "7 days", "30d": "30 days", "90d": "90 days"}
_YOUNG = (("24h", timedelta(days=1)), ("7d", timedelta(days=7)))
_OLD = "30d"
REPLAYED = "replayed from a recording"
GAP = 1.5
"""Further apart than this many planned intervals, two points are not joined."""
MOST_CHOICES = 60
_UNPLANNED_GAP = timedelta(days=3)


@dataclass(frozen=True, slots=True)
class Plot:
    """A plot with its words. ``data`` goes to the browser; ``empty`` says why there is nothing to draw."""

    id: str
    title: str
    unit: str
    summary: str
    empty: str
    data: dict[str, Any]


def default_range(first_reading_at: datetime | None, now: datetime) -> str:
    """The range that shows what there is: a patient who began this morning has no month to look at."""
    if first_reading_at is None:
        return _OLD
    return next((code for code, age in _YOUNG if now - first_reading_at < age), _OLD)


def plots(series: Sequence[Series], since: datetime, now: datetime, zone: str, words: str) -> list[Plot]:
    """One plot a metric, all over the same stretch of time."""
    return [_plot(one, since, now, zone, words) for one in series]


def kinds(drawn: Sequence[Plot]) -> dict[str, bool]:
    """Which points with a shape of their own are drawn anywhere: what the legend has to explain."""
    return {kind: any(plot.data[kind] for plot in drawn) for kind in ("typed", "suspect", "withdrawn")}


def _plot(series: Series, since: datetime, now: datetime, zone: str, words: str) -> Plot:
    unit = shown_unit(series)
    title = _name(series)
    plot_id = f"{series.metric}-replayed" if series.replayed else series.metric
    return Plot(
        id=plot_id,
        title=title,
        unit=unit_word(unit),
        summary=summary(series, unit, words),
        empty="" if series.samples else _nothing(series, zone, now, words),
        data={
            "id": plot_id,
            "title": title,
            "unit": unit_word(unit),
            "since": since.timestamp(),
            "until": now.timestamp(),
            "zone": zone,
            "points": _points(series, unit),
            "typed": _typed(series, unit),
            "suspect": _suspect(series, unit),
            "withdrawn": _withdrawn(series, unit),
            "stripes": [_stripe(stripe, series.metric, unit) for stripe in stripes(series.bands)],
        },
    )


def _name(series: Series) -> str:
    """What was measured, and that a recording says so: wherever this stands alone it must not pass for the patient."""
    return label(series.metric) + (f", {REPLAYED}" if series.replayed else "")


def _nothing(series: Series, zone: str, now: datetime, words: str) -> str:
    if series.last_at is None:
        return f"No {label(series.metric)} reading yet."
    return f"No data in these {words}; last on {times.clock(series.last_at, zone, now)}."


def shown_unit(series: Series) -> str:
    """The unit of the patient's own device where values can be drawn in it, else the metric's."""
    canonical = METRICS[series.metric].unit
    newest = next((s for s in reversed(series.samples) if s.shown is not None), None)
    if newest is None or newest.shown is None or in_unit(series.metric, Decimal(1), newest.shown.unit) is None:
        return canonical
    return newest.shown.unit


def drawn_value(sample: Sample, unit: str) -> Decimal:
    """The value in the plot's unit: as the device showed it where it can."""
    if sample.shown is not None and sample.shown.unit == unit:
        return sample.shown.value
    converted = in_unit(sample.metric, sample.value, unit)
    return sample.value if converted is None else round(converted, 2)


def _points(series: Series, unit: str) -> list[list[Any]]:
    """[time, value, HI or LO]; a value of null between two points that are too far apart to be joined."""
    usable = _measured(series)
    allowed = series.interval * GAP if series.interval else _UNPLANNED_GAP
    drawn, points, silent_at = _drawn(usable), [], None
    for place, sample in enumerate(usable):
        if place and sample.at - usable[place - 1].at > allowed:
            silent_at = (usable[place - 1].at.timestamp() + sample.at.timestamp()) / 2
        if place not in drawn:
            continue
        if silent_at is not None:
            points.append([silent_at, None, ""])
            silent_at = None
        bound = {"<": "LO", ">": "HI"}.get(sample.comparator or "", "")
        points.append([sample.at.timestamp(), float(drawn_value(sample, unit)), bound])
    return points


def _drawn(samples: list[Sample]) -> set[int]:
    """The places of what a page can show: of a long line every extreme and bound, and not every point between."""
    times_ms = [int(sample.at.timestamp() * 1000) for sample in samples]
    values = [float(sample.value) for sample in samples]
    bounds = [place for place, sample in enumerate(samples) if sample.comparator]
    return set(kept(times_ms, values, DRAWN, bounds))


def _measured(series: Series) -> list[Sample]:
    """What devices measured and nothing speaks against: the line joins these alone."""
    return [s for s in series.samples if s.credible and not reported(s)]


def _noted(samples: Sequence[Sample], unit: str) -> list[list[Any]]:
    """[time, value, what is to be said of it]: drawn each by itself, joined to nothing."""
    return [[s.at.timestamp(), float(drawn_value(s, unit)), _note(s)] for s in samples]


def _note(sample: Sample) -> str:
    return ", ".join(words for words in (TYPED if reported(sample) else "", doubts(sample)) if words)


def _typed(series: Series, unit: str) -> list[list[Any]]:
    return _noted([s for s in series.samples if s.credible and reported(s)], unit)


def _suspect(series: Series, unit: str) -> list[list[Any]]:
    return _noted([s for s in series.samples if not s.credible and not withdrawn(s)], unit)


def _withdrawn(series: Series, unit: str) -> list[list[Any]]:
    return _noted([s for s in series.samples if withdrawn(s)], unit)


def _stripe(stripe: Stripe, metric: str, unit: str) -> dict[str, Any]:
    return {
        "severity": stripe.severity.word,
        "words": f"{stripe.severity.mark} {stripe.severity.priority}",
        "low": _edge(stripe.low, metric, unit),
        "high": _edge(stripe.high, metric, unit),
    }


def _edge(edge: Decimal | None, metric: str, unit: str) -> float | None:
    if edge is None:
        return None
    converted = in_unit(metric, edge, unit)
    return float(edge if converted is None else round(converted, 2))


def summary(series: Series, unit: str, words: str) -> str:
    """``Weight, 30 days: 28 readings, mean 81.2 kg, from 80.4 to 82.6; latest 82.6 kg``.

    Suspect points stay out, and so does what the patient typed: each with how many they are.
    """
    usable = [s for s in series.samples if s.trusted and not reported(s)]
    if not usable:
        return f"{_name(series)}, {words}: no usable reading{_typed_words(series)}"
    values = [drawn_value(s, unit) for s in usable]
    mean = _mean(series.metric, values, unit)
    text = (
        f"{_name(series)}, {words}: {len(usable)} reading{'s' if len(usable) > 1 else ''}, "
        f"mean {mean} {unit_word(unit)}, from {plain(min(values))} to {plain(max(values))}; "
        f"latest {value_words(usable[-1], series.bands)}"
    )
    left_out = sum(not s.trusted and not reported(s) for s in series.samples)
    out = f"; {left_out} left out as suspect or out of the meter's range" if left_out else ""
    return f"{text}{out}{_typed_words(series)}{_drawn_words(series)}"


def _drawn_words(series: Series) -> str:
    """That a line has fewer points than readings is said; the table and the CSV have them all."""
    whole = len(_measured(series))
    return f"; drawn with every extreme, not every point: there are {whole}" if whole > DRAWN else ""


def _typed_words(series: Series) -> str:
    """Of typed values the mean knows nothing; the newest that stands is named, for it may be the newest of all."""
    theirs = [s for s in series.samples if reported(s)]
    standing = [s for s in theirs if s.credible]
    taken_back = sum(withdrawn(s) for s in theirs)
    if not theirs:
        return ""
    newest = f", the newest {value_words(standing[-1], series.bands)}" if standing else ""
    again = f" ({taken_back} withdrawn)" if taken_back else ""
    return f"; {len(theirs)} {TYPED}{again}, left out{newest}"


def _mean(metric: str, values: Sequence[Decimal], unit: str) -> str:
    mean = sum(values, Decimal(0)) / len(values)
    exact = quantise(metric, mean) if unit == METRICS[metric].unit else round(mean, 2)
    return plain(round(exact, 1))


@dataclass(frozen=True, slots=True)
class TableRow:
    """A reading as a row."""

    at: datetime
    metric: str
    words: str
    doubts: str
    profile: str
    withdrawn: bool = False


def table(series: Sequence[Series]) -> list[TableRow]:
    """Every reading of the stretch, newest first."""
    rows = [
        TableRow(s.at, _name(one), value_words(s, one.bands), doubts(s), origin(one, s), withdrawn(s))
        for one in series
        for s in one.samples
    ]
    return sorted(rows, key=lambda row: (row.at, row.metric), reverse=True)


@dataclass(frozen=True, slots=True)
class Choice:
    """A reading, by its number in the journal, with all its values."""

    number: int
    at: datetime
    words: str


def choices(series: Sequence[Series]) -> list[Choice]:
    """The newest readings of the stretch, of which a person may leave one out."""
    values: dict[int, list[str]] = {}
    times_of: dict[int, datetime] = {}
    for one in series:
        for s in () if one.replayed else one.samples:
            number = s.reading_id // VALUES_PER_READING
            values.setdefault(number, []).append(f"{METRICS[s.metric].label} {value_words(s, one.bands)}")
            times_of[number] = s.at
    newest = sorted(values, key=lambda number: (times_of[number], number), reverse=True)[:MOST_CHOICES]
    return [Choice(number, times_of[number], ", ".join(values[number])) for number in newest]


@dataclass(frozen=True, slots=True)
class LeftOut:
    """A value that stands in no chart, and why."""

    at: datetime
    metric: str
    words: str
    why: str


def left_out(amended: Amended, zone: str, now: datetime) -> LeftOut:
    """A void or replaced value as a line."""
    sample, why = amended.sample, amended.why
    made = f"{why.reason} ({why.made_by}, {times.clock(why.made_at, zone, now)})"
    words = made if amended.kind == "void" else f"corrected: {made}"
    return LeftOut(sample.at, METRICS[sample.metric].label, value_words(sample), words)


def origin(series: Series, sample: Sample) -> str:
    """The kind of device, the patient, and whether it is a recording that speaks."""
    if reported(sample):
        return BY_TEXT
    return f"{sample.profile}, {REPLAYED}" if series.replayed else sample.profile
