"""Sparklines, plots and the spreadsheet."""

import csv
import io
from datetime import datetime, timedelta

import pytest
from hypothesis import given
from hypothesis import strategies as st

from dashboards.viewmodels import charts
from dashboards.viewmodels.sparkline import HEIGHT, WIDTH, sparkline
from dashboards.viewmodels.spreadsheet import readings_csv, safe
from hub.domain.severity import Severity
from hub.services.views.alerts import Extremes
from tests.unit.dashboards.shown import NOW, ZONE, ago, band, sample, series

POINTS = st.lists(st.tuples(st.integers(0, 14 * 24), st.floats(20, 300), st.floats(0, 30)), min_size=1, max_size=40)


@given(POINTS)
def test_a_small_picture_stays_in_its_box(points: list[tuple[int, float, float]]) -> None:
    trend = [Extremes(ago(hours=age), low, low + more) for age, low, more in sorted(points, reverse=True)]
    picture = sparkline(
        trend, [band(Severity.RED, "above", "180"), band(Severity.RED, "below", "90")], "oxygen_saturation", NOW
    )
    assert picture is not None
    assert all(0 <= x <= WIDTH and 0 <= y <= HEIGHT for x, y in picture.dots)
    assert all(zone.y >= 0 and zone.height >= 0 and zone.y + zone.height <= HEIGHT + 0.2 for zone in picture.zones)


def test_a_gap_in_the_small_picture_is_a_gap() -> None:
    trend = [Extremes(ago(days=day), 1, 1) for day in (9, 8, 3, 2)]
    picture = sparkline(trend, [], "oxygen_saturation", NOW)
    assert picture is not None
    assert picture.path.count("M") == 2
    assert sparkline([], [], "oxygen_saturation", NOW) is None


def _plot(one: object) -> charts.Plot:
    return charts.plots([one], ago(days=7), NOW, ZONE, "7 days")[0]  # type: ignore[list-item]


def test_points_too_far_apart_are_not_joined() -> None:
    at = [ago(hours=hours) for hours in (60, 36, 35, 0)]
    plot = _plot(series(*(sample("97", one) for one in at), interval=timedelta(hours=16)))
    assert [point[1] for point in plot.data["points"]] == [97, 97, 97, None, 97] or [
        point[1] for point in plot.data["points"]
    ] == [97, None, 97, 97, None, 97]


def test_exactly_one_and_a_half_intervals_is_joined() -> None:
    plot = _plot(series(sample("97", ago(hours=24)), sample("97", NOW), interval=timedelta(hours=16)))
    assert [point[1] for point in plot.data["points"]] == [97, 97]


def test_a_long_line_keeps_its_extremes_and_its_gaps() -> None:
    minutes = [*range(4000), *range(6000, 9000)]
    samples = [sample("97" if minute != 2222 else "71", ago(minutes=10_000 - minute)) for minute in minutes]
    plot = _plot(series(*samples, interval=timedelta(minutes=1)))
    values = [point[1] for point in plot.data["points"]]
    assert len(values) <= 2001
    assert (min(value for value in values if value is not None), values.count(None)) == (71, 1)
    assert "7000 readings, mean 97 %" in plot.summary
    assert "drawn with every extreme, not every point: there are 7000" in plot.summary


def test_suspect_points_stay_out_of_line_and_mean() -> None:
    zero = sample("0", ago(hours=1), flags=frozenset({"zero_is_no_signal"}))
    plot = _plot(series(sample("96", ago(hours=2)), zero, sample("98")))
    assert plot.data["suspect"] == [[zero.at.timestamp(), 0.0, "0: no signal"]]
    assert "2 readings, mean 97 %, from 96 to 98" in plot.summary
    assert "1 left out" in plot.summary


def test_a_plot_is_in_the_unit_of_the_patients_device() -> None:
    glucose = sample("55.85", metric="blood_glucose", shown=("3.1", "mmol/L"))
    limits = (band(Severity.RED, "below", "70", "blood_glucose"),)
    plot = _plot(series(glucose, bands=limits))
    assert (plot.unit, plot.data["points"][0][1], plot.data["stripes"][0]["high"]) == ("mmol/L", 3.1, 3.89)


@pytest.mark.parametrize(
    ("first", "chosen"),
    [
        (None, "30d"),
        (NOW, "24h"),
        (ago(hours=23), "24h"),
        (ago(days=1), "7d"),
        (ago(days=6, hours=23), "7d"),
        (ago(days=7), "30d"),
        (ago(days=400), "30d"),
    ],
)
def test_the_range_at_first_is_the_one_that_has_something(first: datetime | None, chosen: str) -> None:
    assert charts.default_range(first, NOW) == chosen


def test_an_empty_plot_says_why() -> None:
    assert _plot(series()).empty == "No SpO2 reading yet."


def test_the_table_is_newest_first() -> None:
    rows = charts.table([series(sample("95", ago(hours=2)), sample("97"))])
    assert [row.words for row in rows] == ["97 %", "95 %"]


@given(st.text())
def test_no_cell_begins_a_formula(text: str) -> None:
    assert not safe(text).startswith(("=", "+", "-", "@", "\t", "\r", "\n"))


def test_a_device_name_that_is_a_formula_stays_text() -> None:
    text = readings_csv([series(sample("97", profile="=1+1"))], ZONE, "")
    assert next(iter(list(csv.reader(io.StringIO(text)))[1:]))[-1] == "'=1+1"
