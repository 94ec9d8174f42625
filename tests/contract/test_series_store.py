"""One contract for every engine that may hold the series: values come back as they were, and void ones never."""

from collections.abc import Iterator
from datetime import UTC, datetime, timedelta
from decimal import Decimal
from hashlib import sha256
from pathlib import Path
from zoneinfo import ZoneInfo

import pytest

from hub.adapters.sql.engine import make_engine
from hub.domain.buckets import buckets
from hub.domain.columns import Columns
from hub.domain.metrics import METRICS, quantise
from hub.domain.samples import Sample, Shown
from hub.errors import Transient
from hub.services.ports.copies import Point
from hub.services.ports.feed import Position
from hub.services.ports.series import Amendment, Latest, SeriesStore
from tests.contract.series_rows import DAY, HOUR, MINUTE, NOON, sqlite, weight
from tests.contract.series_stores import Committing, influx
from tests.servers_influx import InfluxDB

WHY = Amendment("someone else stood on the scale", "Ana Example", NOON)
ODD = "a b,c=d\\ \"e\" 'f' \U0001f642 ñ %s ?"
"""Everything that a query language or a protocol might take for its own."""


@pytest.fixture(params=["sqlite", "postgresql", "influxdb"])
def store(request: pytest.FixtureRequest, tmp_path: Path) -> Iterator[SeriesStore]:
    if request.param == "influxdb":
        copy = influx(request.getfixturevalue("influx_url"))
        yield copy
        copy.close()
        return
    engine = sqlite(tmp_path) if request.param == "sqlite" else make_engine(request.getfixturevalue("postgres_url"))
    yield Committing(engine)  # type: ignore[misc]
    engine.dispose()


def values(samples: list[Sample]) -> list[Decimal]:
    return [sample.value for sample in samples]


def weights(store: SeriesStore, since: datetime = NOON - DAY, until: datetime = NOON + DAY) -> list[Decimal]:
    return values(store.range(1, "body_weight", since, until))


def test_a_sample_comes_back_whole_and_exact(store: SeriesStore) -> None:
    pounds = Shown(Decimal("179.5"), "[lb_av]")
    one = Sample(16, "body_weight", Decimal("81.4"), NOON, 7, "weight-scale", None, frozenset({"b", "a"}), pounds)
    bare = Sample(32, "body_weight", Decimal("79.0"), NOON + timedelta(milliseconds=1))
    store.append({1: [one, bare]})
    assert store.range(1, "body_weight", NOON, NOON + MINUTE) == [one, bare]
    assert store.latest([1]) == {1: {"body_weight": bare}}


def test_every_metric_keeps_its_resolution(store: SeriesStore) -> None:
    samples = [
        Sample(16 + place, metric, quantise(metric, Decimal("98.76543")), NOON) for place, metric in enumerate(METRICS)
    ]
    store.append({1: samples})
    for sample in samples:
        (found,) = store.range(1, sample.metric, NOON, NOON + MINUTE)
        assert (found.value, str(found.value)) == (sample.value, str(sample.value))


def test_the_same_again_changes_nothing(store: SeriesStore) -> None:
    samples = {1: [weight(1, "80.0", NOON), weight(2, "81.0", NOON + HOUR)]}
    for _ in range(3):
        store.append(samples)
    assert store.range(1, "body_weight", NOON, NOON + DAY) == samples[1]


def test_two_devices_in_the_same_millisecond_are_two_samples(store: SeriesStore) -> None:
    first, second = weight(1, "80.0", NOON, device_id=1), weight(2, "81.0", NOON, device_id=2)
    store.append({1: [first]})
    store.append({1: [second]})
    assert store.range(1, "body_weight", NOON, NOON + MINUTE) == [first, second]
    assert store.latest([1])[1]["body_weight"] == second


def test_a_range_begins_with_its_first_instant_and_ends_before_its_last(store: SeriesStore) -> None:
    ms = timedelta(milliseconds=1)
    store.append({1: [weight(n, f"{n}.0", NOON + n * ms) for n in range(1, 6)], 2: [weight(9, "9.0", NOON + 2 * ms)]})
    assert weights(store, NOON + 2 * ms, NOON + 4 * ms) == [Decimal("2.0"), Decimal("3.0")]
    assert weights(store, NOON + 6 * ms, NOON + HOUR) == []
    assert weights(store, NOON, NOON) == []
    assert store.range(1, "body_fat", NOON, NOON + HOUR) == []
    assert store.range(3, "body_weight", NOON, NOON + HOUR) == []


def test_columns_are_the_range_as_lists(store: SeriesStore) -> None:
    hi = Sample(
        32, "blood_glucose", Decimal(600), NOON + MINUTE, 3, "glucose-meter", ">", frozenset({"late", "suspect"})
    )
    store.append({1: [Sample(16, "blood_glucose", Decimal(101), NOON), hi]})
    found = store.columns(1, "blood_glucose", NOON, NOON + HOUR)
    ms = round(NOON.timestamp() * 1000)
    assert list(found.at_ms) == [ms, ms + 60_000]
    assert list(found.value) == [101.0, 600.0]
    assert list(found.reading_id) == [16, 32]
    assert list(found.comparator) == [None, ">"]
    assert list(found.flags) == ["", "late suspect"]
    assert len(store.columns(1, "blood_glucose", NOON - DAY, NOON)) == 0


def test_words_stand_beside_their_own_values(store: SeriesStore) -> None:
    words = frozenset({"late"}), frozenset({"a", "b"}), frozenset[str]()
    samples = [
        weight(n + 1, f"{60 + n % 7}.0", NOON + n // 3 * MINUTE)._replace(  # three of a minute
            comparator=(None, None, "<", None, ">")[n % 5],
            flags=frozenset() if n % 4 else words[n % 3],
        )
        for n in range(90)
    ]
    store.append({1: samples, 2: [weight(200, "70.0", NOON)]})
    found = store.columns(1, "body_weight", NOON, NOON + DAY)
    assert list(zip(found.reading_id, found.value, found.comparator, found.flags, strict=True)) == [
        (one.reading_id, float(one.value), one.comparator, " ".join(sorted(one.flags))) for one in samples
    ]


def test_bounds_stand_beside_their_own_newest_values(store: SeriesStore) -> None:
    low = Sample(32, "blood_glucose", Decimal(20), NOON, comparator="<")
    high = Sample(48, "blood_glucose", Decimal(600), NOON, comparator=">")
    store.append({1: [weight(1, "80.0", NOON), low], 2: [weight(4, "81.0", NOON)], 3: [high]})
    found = store.latest_columns([1, 2, 3])
    assert set(zip(found.patient_id, found.metric, found.value, found.comparator, strict=True)) == {
        (1, "body_weight", 80.0, None),
        (1, "blood_glucose", 20.0, "<"),
        (2, "body_weight", 81.0, None),
        (3, "blood_glucose", 600.0, ">"),
    }


def test_as_many_words_as_a_device_may_send_are_kept(store: SeriesStore) -> None:
    words = frozenset(f"w{sha256(bytes([n])).hexdigest()[:47]}" for n in range(32))
    store.append({1: [weight(1, "80.0", NOON, flags=words)]})
    assert store.columns(1, "body_weight", NOON, NOON + HOUR).flags == [" ".join(sorted(words))]


def test_buckets_are_hours_and_days_of_the_patients_clock(store: SeriesStore) -> None:
    zone = "America/New_York"
    start = datetime(2026, 10, 31, 12, tzinfo=ZoneInfo(zone)).astimezone(UTC)
    store.append({1: [weight(n + 1, f"{70 + n % 7}.0", start + n * 10 * MINUTE) for n in range(300)]})
    until = start + 3 * DAY
    days = store.buckets(1, "body_weight", start, until, zone, "day")
    assert [(one.until - one.since, one.count) for one in days] == [
        (24 * HOUR, 72),
        (25 * HOUR, 150),
        (24 * HOUR, 78),
    ]
    hours = store.buckets(1, "body_weight", start, until, zone, "hour")
    assert {(one.until - one.since, one.count) for one in hours} == {(HOUR, 6)}
    assert hours == buckets(store.columns(1, "body_weight", start, until), zone, "hour")


def test_latest_of_many_is_the_newest_of_each_metric(store: SeriesStore) -> None:
    newest = {
        patient: [
            Sample(patient * 160 + n, metric, quantise(metric, Decimal(50 + n)), NOON + patient * MINUTE)
            for n, metric in enumerate(("body_weight", "oxygen_saturation", "pulse_rate"))
        ]
        for patient in range(1, 40)
    }
    store.append(
        {one: [s._replace(reading_id=s.reading_id - 8, at=s.at - HOUR) for s in newest[one]] for one in newest}
    )
    store.append(newest)
    store.append({1: [weight(5, "1.0", NOON - DAY)]})  # late: it is no newer for that
    asked = list(range(2, 60))
    found = store.latest(asked)
    assert found == {one: {s.metric: s for s in newest[one]} for one in range(2, 40)}
    columns = store.latest_columns(asked)
    assert set(zip(columns.patient_id, columns.metric, columns.value, columns.reading_id, strict=True)) == {
        (one, s.metric, float(s.value), s.reading_id) for one in range(2, 40) for s in newest[one]
    }
    assert list(columns.patient_id) == sorted(columns.patient_id)
    assert columns.at_ms[0] == round(newest[2][0].at.timestamp() * 1000)


def test_nobody_asked_is_nobody_told(store: SeriesStore) -> None:
    store.append({1: [weight(1, "80.0", NOON)]})
    assert store.latest([]) == {}
    assert len(store.latest_columns([])) == 0
    assert store.latest_columns([7]) == Latest([], [], [], [], [], [])
    assert store.columns(7, "body_weight", NOON, NOON + DAY) == Columns([], [], [], [], [])


def test_a_void_newest_gives_way_to_the_one_before(store: SeriesStore) -> None:
    before, newest = weight(1, "80.0", NOON), weight(2, "120.0", NOON + HOUR)
    store.append({1: [before, newest]})
    assert store.void(1, newest, WHY)
    assert store.latest([1]) == {1: {"body_weight": before}}
    assert weights(store) == [Decimal("80.0")]
    assert list(store.columns(1, "body_weight", NOON, NOON + DAY).value) == [80.0]
    (bucket,) = store.buckets(1, "body_weight", NOON, NOON + DAY, "UTC", "day")
    assert (bucket.count, bucket.high) == (1, 80.0)
    assert store.void(1, before, WHY)
    assert store.latest([1]) == {}
    assert len(store.latest_columns([1])) == 0


def test_void_is_said_once_and_stays_so(store: SeriesStore) -> None:
    sample, other = weight(1, "80.0", NOON), weight(2, "81.0", NOON - HOUR)
    store.append({1: [sample, other]})
    assert store.void(1, sample, WHY)
    assert not store.void(1, sample, WHY)
    store.append({1: [sample, other]})
    assert weights(store) == [Decimal("81.0")]
    assert store.latest([1]) == {1: {"body_weight": other}}


def test_what_was_measured_later_is_the_latest_also_after_a_void(store: SeriesStore) -> None:
    sample = weight(1, "80.0", NOON)
    store.append({1: [sample]})
    store.void(1, sample, WHY)
    later = weight(2, "82.0", NOON + MINUTE)
    store.append({1: [later]})
    assert store.latest([1]) == {1: {"body_weight": later}}


def test_a_correction_takes_the_place_of_what_it_corrects(store: SeriesStore) -> None:
    wrong, right = weight(1, "18.0", NOON), weight(2, "81.0", NOON)
    older = weight(3, "80.5", NOON - HOUR)
    store.append({1: [wrong, older]})
    assert store.correct(1, wrong, right, WHY)
    assert not store.correct(1, wrong, right, WHY)
    assert weights(store) == [Decimal("80.5"), Decimal("81.0")]
    assert store.latest([1]) == {1: {"body_weight": right}}
    again = weight(4, "81.2", NOON)
    assert store.correct(1, right, again, WHY)
    assert weights(store) == [Decimal("80.5"), Decimal("81.2")]
    assert store.void(1, again, WHY)
    assert store.latest([1]) == {1: {"body_weight": older}}


def test_what_is_erased_is_gone_and_the_rest_is_there(store: SeriesStore) -> None:
    store.append(
        {1: [weight(n, f"{n}.0", NOON + n * HOUR) for n in range(1, 6)], 2: [weight(9, "9.0", NOON + 2 * HOUR)]}
    )
    store.void(1, weight(3, "3.0", NOON + 3 * HOUR), WHY)
    store.erase(1, NOON + 2 * HOUR, NOON + 5 * HOUR)
    assert weights(store) == [Decimal("1.0"), Decimal("5.0")]
    store.erase(1, NOON + 5 * HOUR, NOON + DAY)
    assert store.latest([1, 2]) == {
        1: {"body_weight": weight(1, "1.0", NOON + HOUR)},
        2: {"body_weight": weight(9, "9.0", NOON + 2 * HOUR)},
    }
    store.append({1: [weight(3, "3.0", NOON + 3 * HOUR)]})
    assert weights(store) == [Decimal("1.0"), Decimal("3.0")]


def test_odd_words_are_words(store: SeriesStore) -> None:
    shown = Shown(Decimal("1.5"), ODD[:16])
    odd = Sample(16, "body_weight", Decimal("80.0"), NOON, None, "cgm", None, frozenset(ODD.split()), shown)
    store.append({1: [odd]})
    assert store.range(1, "body_weight", NOON, NOON + HOUR) == [odd]
    assert store.columns(1, "body_weight", NOON, NOON + HOUR).flags == [" ".join(sorted(ODD.split()))]


def test_twenty_thousand_points_are_twenty_thousand_points(store: SeriesStore) -> None:
    samples = [weight(n + 1, f"{60 + n % 400 / 10:.1f}", NOON + n * MINUTE) for n in range(20_000)]
    for start in range(0, 20_000, 5_000):
        store.append({1: samples[start : start + 5_000]})
    found = store.columns(1, "body_weight", NOON, NOON + 20_000 * MINUTE)
    assert list(found.value) == [float(sample.value) for sample in samples]
    assert list(found.reading_id) == [sample.reading_id for sample in samples]
    assert store.range(1, "body_weight", NOON, NOON + 20_000 * MINUTE) == samples


def test_a_store_that_answers_says_so(store: SeriesStore) -> None:
    store.health()


def test_an_influxdb_that_is_away_says_so_in_time(influx_server: InfluxDB, influx_url: str) -> None:
    copy = influx(influx_url, timeout_s=0.5)
    copy.append({1: [weight(1, "80.0", NOON)]})
    influx_server.freeze()
    try:
        for act in (copy.health, lambda: copy.append({1: [weight(1, "80.0", NOON)]})):
            with pytest.raises(Transient, match="Timeout"):
                act()
    finally:
        influx_server.thaw()
    copy.health()
    copy.close()


@pytest.mark.parametrize(
    ("change", "says"),
    [
        (("test-token", "wrong-token"), "401"),
        (("/clinic/test", "/clinic/other"), "not found"),
    ],
)
def test_what_is_wrong_with_an_influxdb_is_said(influx_url: str, change: tuple[str, str], says: str) -> None:
    copy = influx(influx_url.replace(*change))
    with pytest.raises(Transient, match=says):
        copy.health()
    copy.close()


def test_no_value_is_in_an_error_of_a_write(influx_url: str) -> None:
    copy = influx(influx_url)
    odd = Point(1, "no such\nmetric 78.9", 0, 1, 78.9, None, None, "p", "", None, None, holds=True)
    with pytest.raises(Transient) as raised:
        copy.write([odd])
    assert "78.9" not in str(raised.value)
    copy.close()


def test_points_of_one_millisecond_whose_numbers_meet_are_apart(influx_url: str) -> None:
    """A reading's number gives its nanoseconds: those of two are the same once in a million."""
    copy, at = influx(influx_url), round(NOON.timestamp() * 1000)
    ids = [16, 32, 1_000_016, 2_000_016, 2_000_032]
    points = [Point(1, "body_weight", at, one, one / 1e6, None, None, "p", "", None, None, holds=True) for one in ids]
    for _ in range(2):
        copy.write(points)
    assert list(copy.columns(1, "body_weight", NOON, NOON + HOUR).reading_id) == ids
    assert copy.counts() == {(1, "body_weight"): 5}
    copy.close()


def test_a_mark_is_what_was_set_and_goes_with_the_rest(influx_url: str) -> None:
    copy = influx(influx_url)
    assert copy.mark() is None
    copy.set_mark(Position(7, 3))
    copy.set_mark(Position(9, 4))
    copy.append({1: [weight(1, "80.0", NOON)]})
    assert copy.mark() == Position(9, 4)
    copy.wipe()
    assert (copy.mark(), copy.counts()) == (None, {})
    copy.close()
