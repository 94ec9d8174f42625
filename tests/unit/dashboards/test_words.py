"""Times, values and limits as people read them."""

from datetime import UTC, datetime, timedelta
from decimal import Decimal

import pytest

from dashboards.viewmodels import times
from dashboards.viewmodels.basis import basis
from dashboards.viewmodels.limits import stripes
from dashboards.viewmodels.raw_bytes import MOST, dump
from dashboards.viewmodels.reasons import held_words, refused_words
from dashboards.viewmodels.values import doubts, latest_words, value_words
from hub.domain.samples import Sample
from hub.domain.severity import Severity
from hub.services.views.alerts import FindingLine
from tests.unit.dashboards.shown import NOW, ZONE, ago, band, sample


@pytest.mark.parametrize(
    ("at", "words"),
    [
        (NOW, "14:04"),
        (ago(hours=15), "Sat 21 Nov 23:04"),
        (datetime(2025, 12, 31, 23, 30, tzinfo=UTC), "Thu 1 Jan 00:30"),
        (datetime(2025, 3, 1, 8, 0, tzinfo=UTC), "Sat 1 Mar 2025 09:00"),
    ],
)
def test_clock(at: datetime, words: str) -> None:
    assert times.clock(at, ZONE, NOW) == words


@pytest.mark.parametrize(
    ("first", "last", "words"),
    [
        (15, 0, "Sat 21 Nov 23:04 to today 14:04"),
        (2, 0, "12:04 to 14:04"),
        (39, 15, "Fri 20 Nov 23:04 to Sat 21 Nov 23:04"),
    ],
)
def test_each_end_of_a_stretch_says_its_day(first: float, last: float, words: str) -> None:
    assert times.stretch(ago(hours=first), ago(hours=last), ZONE, NOW) == words


@pytest.mark.parametrize(
    ("gone", "words"),
    [
        (timedelta(seconds=3), "just now"),
        (timedelta(seconds=-3), "in under a minute"),
        (timedelta(minutes=12), "12 min ago"),
        (timedelta(minutes=-12), "in 12 min"),
        (timedelta(hours=3), "3 h ago"),
        (timedelta(days=3), "3 days ago"),
    ],
)
def test_relative(gone: timedelta, words: str) -> None:
    assert times.relative(NOW - gone, NOW) == words


def test_a_zone_is_named_with_its_offset() -> None:
    assert times.zone_words("America/New_York", NOW) == "America/New_York (UTC-05:00)"
    assert times.to_the_second(NOW, ZONE, NOW) == "14:04:05"
    assert times.to_the_second(ago(hours=15), ZONE, NOW) == "Sat 21 Nov 23:04:05"
    assert times.exact(NOW, ZONE) == "2026-11-22 14:04:05 CET"
    assert times.iso(NOW) == "2026-11-22T13:04:05Z"


def test_the_devices_own_unit_comes_first() -> None:
    low = sample("55.85", metric="blood_glucose", shown=("3.1", "mmol/L"))
    assert value_words(low).startswith("3.1 mmol/L (")
    assert value_words(sample("81.42", metric="body_weight", shown=("179.5", "[lb_av]"))).startswith("179.5 lb")


def test_a_value_is_not_rounded_across_its_limit() -> None:
    near = sample("69.61", metric="blood_glucose", shown=("3.9", "mmol/L"))
    limit = band(Severity.RED, "below", "70", "blood_glucose")
    assert "(70 mg/dL" not in value_words(near, [limit])


def test_two_pressures_are_one_value() -> None:
    both = [sample("178", metric="systolic_blood_pressure"), sample("112", metric="diastolic_blood_pressure")]
    assert latest_words(both) == "BP 178/112 mmHg"
    apart = [both[0], sample("112", ago(hours=1), metric="diastolic_blood_pressure")]
    assert latest_words(apart) == "Systolic 178 mmHg · Diastolic 112 mmHg"
    assert latest_words([]) == ""


def _cuff(*values: tuple[str, str, str]) -> list[Sample]:
    return [sample(mmhg, metric=metric, shown=(kpa, "kPa")) for metric, mmhg, kpa in values]


def test_a_pressure_of_a_kpa_cuff_is_in_kpa_first() -> None:
    both = _cuff(("systolic_blood_pressure", "120.0", "16.0"), ("diastolic_blood_pressure", "72.0", "9.6"))
    assert latest_words(both) == "BP 16.0/9.6 kPa (120/72 mmHg)"
    near = _cuff(("systolic_blood_pressure", "179.8", "24.0"), ("diastolic_blood_pressure", "72.0", "9.6"))
    limit = band(Severity.RED, "above", "180", "systolic_blood_pressure")
    assert latest_words(near, [limit]) == "BP 24.0/9.6 kPa (179.8/72 mmHg)"
    mixed = [both[0], sample("72", metric="diastolic_blood_pressure")]
    assert latest_words(mixed) == "BP 120/72 mmHg"


def test_the_mean_pressure_is_left_out_beside_the_two() -> None:
    three = [sample(v, metric=m) for m, v in (("pulse_rate", "70"), ("mean_arterial_pressure", "93"))]
    three += [sample("120", metric="systolic_blood_pressure"), sample("80", metric="diastolic_blood_pressure")]
    assert latest_words(three, most=5) == "BP 120/80 mmHg · Pulse 70 /min"
    assert latest_words(three[1:2]) == "Mean arterial pressure 93 mmHg"


def test_doubts_are_words() -> None:
    flags = frozenset({"implausible", "cuff_loose"})
    assert doubts(sample("20", flags=flags)) == "cuff loose, outside what is possible"


def test_stripes_do_not_overlap_and_the_worst_wins() -> None:
    found = stripes(
        [
            band(Severity.LOW, "above", "130"),
            band(Severity.AMBER, "above", "135"),
            band(Severity.AMBER, "above", "160"),
            band(Severity.RED, "above", "180"),
            band(Severity.AMBER, "below", "101"),
            band(Severity.RED, "below", "91"),
        ]
    )
    assert [(s.severity.word, s.low, s.high) for s in found] == [
        ("low", Decimal(130), Decimal(135)),
        ("amber", Decimal(135), Decimal(180)),
        ("red", Decimal(180), None),
        ("amber", Decimal(91), Decimal(101)),
        ("red", None, Decimal(91)),
    ]
    assert stripes([]) == []


def test_what_a_finding_rests_on_is_said_once_and_in_units_people_write() -> None:
    finding = FindingLine(
        id=1,
        at=NOW,
        found_at=NOW,
        severity=Severity.RED,
        sentence="Systolic 186 mmHg",
        rule="systolic-high",
        protocol=None,
        protocol_title=None,
        protocol_version=None,
        signed_by=None,
        signed_at=None,
        confirmed=True,
        retrospective=False,
        superseded_at=None,
        inputs={
            "systolic_blood_pressure": "186 mm[Hg]",
            "pulse_rate": "90 /min",
            "device": "cuff",
            "limit": ">= 180 mm[Hg]",
            "window": "2026-11-21T05:00:00Z to 2026-11-22T13:00:00Z",
        },
        samples=(sample("186", metric="systolic_blood_pressure"),),
    )
    assert basis(finding, ZONE, NOW) == [
        ("Pulse", "90 /min"),
        ("Limit", "≥ 180 mmHg"),
        ("Window", "Sat 21 Nov 06:00 to 14:00"),
    ]


def test_codes_are_words_and_an_unknown_one_still_is() -> None:
    assert refused_words("undecodable") == "It is not readable as a message."
    assert refused_words("brand_new") == "Brand new."
    assert held_words("ambiguous").startswith("More than one patient")


def test_raw_bytes_are_shown_as_hex_and_text() -> None:
    offset, *bytes_and_text = dump(b'{"v"\x00\xff').split()
    assert (offset, " ".join(bytes_and_text)) == ("000000", '7b 22 76 22 00 ff {"v"..')
    assert dump(b"").splitlines() == []
    assert dump(b"x" * (MOST + 5)).endswith("… 5 further bytes")
