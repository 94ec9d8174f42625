"""CSV recordings: what a row says, what is refused, and where in time it is moved to."""

from datetime import UTC, datetime, timedelta
from decimal import Decimal
from typing import Any
from zoneinfo import ZoneInfo

import pytest
from hypothesis import given
from hypothesis import strategies as st

from device_gateway.errors import RecordingError
from device_gateway.frames import Shown
from device_gateway.recordings import Columns, Tape, read, wind
from device_gateway.recordings.units import measured
from tests.unit.gateway.parts import NOW, HandClock

HEAD = "time,metric,value,unit\n"
GLUCOSE = Columns(time="when", value="gl", metric="blood_glucose", unit="mg/dL", fixed=True)
UNTIL = datetime(2026, 11, 22, 7, 0, tzinfo=UTC)


def table(*lines: str) -> bytes:
    return (HEAD + "\n".join(lines)).encode()


def wound(content: bytes, columns: Columns | None = None, **more: Any) -> Tape:
    columns = columns or Columns()
    rows, bad = read(content, columns)
    assert bad == []
    return wind(content, columns, rows, UNTIL, now=UNTIL, **more)


@pytest.mark.parametrize(
    ("metric", "text", "unit", "value", "shown"),
    [
        ("blood_glucose", "153", "mg/dL", "153.00", None),
        ("blood_glucose", "3.1", "mmol/L", "55.85", ("3.1", "mmol/L")),
        ("body_weight", "179.5", "lb", "81.42", ("179.5", "[lb_av]")),
        ("body_weight", " 81.4 ", "kg", "81.40", None),
        ("body_temperature", "98.6", "degF", "37.00", ("98.6", "[degF]")),
        ("systolic_blood_pressure", "16.0", "kPa", "120.0", ("16.0", "kPa")),
        ("pulse_rate", "66", "bpm", "66.0", None),
        ("oxygen_saturation", "97", "%", "97.0", None),
        ("step_count", "1200", "1", "1200", None),
    ],
)
def test_a_known_unit_is_converted_by_its_exact_factor(
    metric: str, text: str, unit: str, value: str, shown: tuple[str, str] | None
) -> None:
    found = measured(metric, text, unit)
    assert (found.metric, str(found.value)) == (metric, value)
    assert found.shown == (Shown(Decimal(shown[0]), shown[1]) if shown else None)


@pytest.mark.parametrize(
    ("metric", "text", "unit", "said"),
    [
        ("blood_glucose", "153", "g/L", "no unit of blood_glucose"),
        ("blood_glucose", "153", "", "no unit of blood_glucose"),
        ("body_weight", "80", "mg/dL", "no unit of body_weight"),
        ("glucose", "153", "mg/dL", "is no metric"),
        ("blood_glucose", "Low", "mg/dL", "'Low' is no number"),
        ("blood_glucose", "", "mg/dL", "'' is no number"),
        ("blood_glucose", "3,1", "mmol/L", "is no number"),
        ("blood_glucose", "NaN", "mg/dL", "'NaN' is no number"),
        ("body_weight", "8_0", "kg", "'8_0' is no number"),
        ("body_weight", "٨٠", "kg", "is no number"),
        ("body_weight", "8.0.1", "kg", "is no number"),
        ("blood_glucose", "1e999", "mg/dL", "no number that can be measured"),
    ],
)
def test_what_is_not_known_is_never_guessed(metric: str, text: str, unit: str, said: str) -> None:
    with pytest.raises(RecordingError, match=said):
        measured(metric, text, unit)


def test_the_last_sample_is_moved_to_the_instant_and_the_others_with_it() -> None:
    tape = wound(table("2015-06-06T10:00:00Z,blood_glucose,100,mg/dL", "2015-06-06 11:30,blood_glucose,90,mg/dL"))
    assert [moment.at for moment in tape.moments] == [UNTIL - timedelta(minutes=90), UNTIL]
    early, late = (tape.measurement(moment, "replay-1", HandClock()) for moment in tape.moments)
    assert (early.device, early.profile, early.measured_at) == (
        "replay-1/glucose-meter",
        "glucose-meter",
        tape.moments[0].at,
    )
    assert early.flags == ("from_memory", "replayed")
    assert (early.decoder, early.device_time, early.received_at) == ("recording/1", "2015-06-06T10:00:00Z", NOW)
    assert [(packet.kind, packet.data) for packet in late.raw] == [("csv", b"2015-06-06 11:30,blood_glucose,90,mg/dL")]


def test_rows_may_come_in_any_order() -> None:
    lines = [
        "2026-01-01T10:00,body_weight,80,kg",
        "2026-01-03T10:00,body_weight,81,kg",
        "2026-01-02T10:00,body_weight,82,kg",
    ]
    assert [moment.rows[0].line for moment in wound(table(*lines)).moments] == [2, 4, 3]


def test_one_device_at_one_instant_is_one_reading() -> None:
    at = "2026-01-01T10:00:00+01:00"
    lines = (f"{at},systolic_blood_pressure,120,mmHg", f"{at},diastolic_blood_pressure,80,mmHg")
    pair, weight = wound(table(*lines, f"{at},body_weight,80,kg")).moments
    assert (pair.profile, len(pair.rows), weight.profile) == ("blood-pressure", 2, "weight-scale")
    again = wound(table(f"{at},body_weight,80,kg", f"{at},body_weight,80,kg")).moments
    assert [len(moment.rows) for moment in again] == [1, 1]


def test_a_mapping_says_what_the_columns_are() -> None:
    lines = ('"","id","when","gl"', '"1","Subject 1",2015-06-06 16:50:27,153', '"2","Subject 2",2015-06-06 16:55:27,99')
    content = b"\xef\xbb\xbf" + "\r\n".join((*lines, "", "")).encode()
    columns = Columns(
        time="when", value="gl", metric="blood_glucose", unit="mg/dL", fixed=True, where=(("id", "Subject 1"),)
    )
    (moment,) = wound(content, columns, profile="cgm").moments
    assert (moment.profile, moment.rows[0].value.value, moment.rows[0].raw) == (
        "cgm",
        Decimal(153),
        b'"1","Subject 1",2015-06-06 16:50:27,153',
    )


def test_a_bad_row_is_named_by_its_line_and_is_never_skipped_in_silence() -> None:
    lines = (
        "2026-01-01T10:00,blood_glucose,100,mg/dL",
        "2026-01-01,blood_glucose,100,mg/dL",
        "yesterday,blood_glucose,100,mg/dL",
        '2026-01-01T10:00,"blood_glucose,100,mg/dL',
        '",x',
        "2026-01-01T10:15,blood_glucose,Low,mg/dL",
        "1901-01-01T10:15,blood_glucose,1,mg/dL",
        "2026-01-01T10:20,blood_glucose,1,mg/dL," + "x",
    )
    rows, bad = read(table(*lines), Columns())
    assert [row.line for row in rows] == [2]
    assert [each.line for each in bad] == [3, 4, 5, 7, 8, 9]
    assert "time of day" in bad[0].reason
    assert "ISO 8601" in bad[1].reason
    assert "cells" in bad[-1].reason


def test_a_row_of_unknown_width_is_bad_though_it_may_be_somebody_elses() -> None:
    content = b"id,when,gl\nS1,2026-01-01T10:00,100\n2026-01-01T10:05,101\nS2,nonsense,1\n"
    columns = Columns(time="when", value="gl", metric="blood_glucose", unit="mg/dL", fixed=True, where=(("id", "S1"),))
    rows, bad = read(content, columns)
    assert ([row.line for row in rows], [each.line for each in bad]) == ([2], [3])


@pytest.mark.parametrize(
    ("content", "said"),
    [
        (b"", "empty"),
        (b"time,value\n", "no column is called metric"),
        (b"time,time,metric,value,unit\n", "more than one column is called time"),
        (b"\xff\xfe\n", "UTF-8"),
        (HEAD.encode(), "no row"),
        (HEAD.encode() + b'a,b,c,"d', "line 2"),
    ],
)
def test_what_is_no_recording_says_why(content: bytes, said: str) -> None:
    with pytest.raises(RecordingError, match=said):
        read(content, Columns())


def test_a_wrong_metric_or_unit_for_all_is_said_once() -> None:
    with pytest.raises(RecordingError, match="no unit of"):
        read(
            b"when,gl\n2026-01-01T10:00,1\n",
            Columns(time="when", value="gl", metric="blood_glucose", unit="x", fixed=True),
        )


def test_an_hour_that_comes_twice_is_flagged_and_one_that_never_was_is_refused() -> None:
    zone = ZoneInfo("America/Chicago")
    columns = Columns(time="when", value="gl", metric="blood_glucose", unit="mg/dL", fixed=True, zone=zone)
    rows, bad = read(b"when,gl\n2026-11-01T01:30,100\n2026-03-08T02:30,100\n2026-03-08T03:30,100\n", columns)
    assert [(row.at, row.flags) for row in rows] == [
        (datetime(2026, 11, 1, 6, 30, tzinfo=UTC), ("device_time_ambiguous",)),
        (datetime(2026, 3, 8, 8, 30, tzinfo=UTC), ()),
    ]
    assert "does not exist" in bad[0].reason


def test_longer_than_the_hub_looks_back_is_refused() -> None:
    with pytest.raises(RecordingError, match="399 days"):
        wound(table("2024-01-01T10:00,body_weight,80,kg", "2026-01-01T10:00,body_weight,80,kg"))
    content = table("2026-01-01T10:00,body_weight,80,kg")
    rows, _ = read(content, Columns())
    with pytest.raises(RecordingError, match="399 days"):
        wind(content, Columns(), rows, UNTIL - timedelta(days=400), now=UNTIL)


def keys(tape: Tape) -> list[str | None]:
    return [tape.measurement(moment, "x", HandClock()).record for moment in tape.moments]


def test_a_record_is_the_same_for_the_same_row_moved_to_the_same_instant_and_only_then() -> None:
    content = table("2026-01-01T10:00,body_weight,80,kg", "2026-01-02T10:00,body_weight,80,kg")
    rows, _ = read(content, Columns())
    once = keys(wind(content, Columns(), rows, UNTIL, now=UNTIL))
    assert len(set(once)) == 2
    assert all(key is not None and len(key) <= 128 for key in once)
    assert keys(wind(content, Columns(), rows, UNTIL, now=UNTIL)) == once
    other = [
        keys(wind(content, Columns(), rows, UNTIL + timedelta(seconds=1), now=UNTIL)),
        keys(wind(content + b"\n", Columns(), rows, UNTIL, now=UNTIL)),
        keys(wind(content, Columns(), rows, UNTIL, now=UNTIL, profile="manual")),
    ]
    assert not set(once) & {key for each in other for key in each}


@given(st.lists(st.datetimes(datetime(2020, 1, 1), datetime(2021, 1, 1)), min_size=1, max_size=50))  # noqa: DTZ001
def test_moving_keeps_every_interval(times: list[datetime]) -> None:
    content = table(*(f"{time.isoformat(sep=' ')},body_weight,80,kg" for time in times))
    ordered = sorted(time.replace(tzinfo=UTC) for time in times)
    moved = [moment.at for moment in wound(content).moments]
    assert moved == [UNTIL - (ordered[-1] - time) for time in ordered]
