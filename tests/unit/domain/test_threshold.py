"""Every limit at its edge, hysteresis, N of M, and what a sentence says."""

from dataclasses import replace
from datetime import datetime, timedelta
from decimal import Decimal
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from hub.domain.documents import Fields
from hub.domain.findings import Finding, InRange
from hub.domain.patients import OxygenState, OxygenTarget, Patient
from hub.domain.rules import threshold
from hub.domain.samples import SOMEONE_ELSE, Sample
from hub.domain.severity import Severity
from tests.unit.domain.builders import (
    DAY,
    HOUR,
    MIN,
    NOW,
    PATIENT,
    PROTOCOLS,
    Stored,
    found,
    history_of,
    on_oxygen_target,
    rule,
    sample,
    unread,
    worst,
)

RED, AMBER, LOW = Severity.RED, Severity.AMBER, Severity.LOW
GENERAL = on_oxygen_target(OxygenTarget.GENERAL)
SCALE_2 = on_oxygen_target(OxygenTarget.HYPERCAPNIC)
SCALE_2_OXYGEN = on_oxygen_target(OxygenTarget.HYPERCAPNIC, OxygenState.OXYGEN)
SCALE_2_UNKNOWN = on_oxygen_target(OxygenTarget.HYPERCAPNIC, OxygenState.UNKNOWN)
FLOOR_91 = on_oxygen_target(OxygenTarget.PERSONAL, floor=91)
FLOOR_82 = on_oxygen_target(OxygenTarget.PERSONAL, floor=82)
INSULIN = replace(PATIENT, insulin_or_su=True)


@pytest.mark.parametrize(
    ("metric", "value", "expected"),
    [
        ("systolic_blood_pressure", "180", RED),
        ("systolic_blood_pressure", "179.9", AMBER),
        ("systolic_blood_pressure", "160", AMBER),
        ("systolic_blood_pressure", "154.9", None),
        ("systolic_blood_pressure", "101", None),
        ("systolic_blood_pressure", "100", AMBER),
        ("systolic_blood_pressure", "91", AMBER),
        ("systolic_blood_pressure", "90", RED),
        ("diastolic_blood_pressure", "120", RED),
        ("diastolic_blood_pressure", "119.9", AMBER),
        ("diastolic_blood_pressure", "100", AMBER),
        ("diastolic_blood_pressure", "79", None),
        ("pulse_rate", "40", RED),
        ("pulse_rate", "41", None),
        ("pulse_rate", "110", None),
        ("pulse_rate", "111", AMBER),
        ("heart_rate", "130", AMBER),
        ("heart_rate", "131", RED),
        ("respiratory_rate", "8", RED),
        ("respiratory_rate", "9", LOW),
        ("respiratory_rate", "11", LOW),
        ("respiratory_rate", "12", None),
        ("respiratory_rate", "20", None),
        ("respiratory_rate", "21", AMBER),
        ("respiratory_rate", "24", AMBER),
        ("respiratory_rate", "25", RED),
        ("body_temperature", "35.0", RED),
        ("body_temperature", "35.1", LOW),
        ("body_temperature", "36.0", LOW),
        ("body_temperature", "36.1", None),
        ("body_temperature", "38.0", None),
        ("body_temperature", "38.05", LOW),
        ("body_temperature", "39.0", LOW),
        ("body_temperature", "39.1", AMBER),
        ("body_temperature", "39.99", AMBER),
        ("body_temperature", "40", RED),
        ("blood_glucose", "53.99", RED),
        ("blood_glucose", "54", AMBER),
        ("blood_glucose", "69.99", AMBER),
        ("blood_glucose", "70", None),
        ("blood_glucose", "250", None),
        ("blood_glucose", "250.01", AMBER),
        ("blood_glucose", "350", AMBER),
        ("blood_glucose", "350.01", RED),
    ],
)
@pytest.mark.parametrize("protocol", sorted(PROTOCOLS))
def test_edges_are_alike_in_every_protocol(protocol: str, metric: str, value: str, expected: Severity | None) -> None:
    assert worst(protocol, sample(metric, value)) is expected


@pytest.mark.parametrize(
    ("patient", "value", "expected"),
    [
        (PATIENT, "92.9", RED),  # nobody chose a target: the one that alerts earliest
        (GENERAL, "92", RED),
        (GENERAL, "92.4", RED),
        (GENERAL, "93", AMBER),
        (GENERAL, "94.5", AMBER),
        (GENERAL, "95", None),
        (GENERAL, "99", None),
        (SCALE_2, "85", RED),
        (SCALE_2, "86", AMBER),
        (SCALE_2, "87", AMBER),
        (SCALE_2, "88", None),
        (SCALE_2, "92", None),
        (SCALE_2, "93", None),  # NEWS2: on air 93 and above has no points on scale 2
        (SCALE_2, "99", None),
        (SCALE_2_OXYGEN, "94", None),
        (SCALE_2_OXYGEN, "95", AMBER),
        (SCALE_2_OXYGEN, "96.9", AMBER),
        (SCALE_2_OXYGEN, "97", RED),
        (SCALE_2_UNKNOWN, "94", None),
        (SCALE_2_UNKNOWN, "95", LOW),
        (SCALE_2_UNKNOWN, "97", AMBER),
        (replace(GENERAL, oxygen_state=OxygenState.OXYGEN), "98", None),
        (FLOOR_91, "91", RED),
        (FLOOR_91, "92", AMBER),
        (FLOOR_91, "93", None),
        (FLOOR_82, "88", RED),  # 88 and below is red on any but scale 2, whatever the floor
        (FLOOR_82, "89", AMBER),
        (FLOOR_82, "90", None),
        (replace(FLOOR_91, oxygen_floor=None), "92", RED),  # a personal target without its floor is no target
    ],
)
@pytest.mark.parametrize("protocol", sorted(PROTOCOLS))
def test_oxygen_by_target_and_state(protocol: str, patient: Patient, value: str, expected: Severity | None) -> None:
    assert worst(protocol, sample("oxygen_saturation", value), patient) is expected


def test_unknown_oxygen_state_is_said_and_never_taken_for_air() -> None:
    high = found(rule("copd", "oxygen-high").evaluate(sample("oxygen_saturation", "97"), unread, SCALE_2_UNKNOWN))
    low = found(rule("copd", "oxygen-low").evaluate(sample("oxygen_saturation", "85"), unread, SCALE_2_UNKNOWN))
    assert high.sentence == "SpO2 97 %, amber at or above 97 (target 88-92, oxygen state unknown)"
    assert low.sentence == "SpO2 85 %, red below 86 (target 88-92, oxygen state unknown)"
    assert low.inputs["oxygen_state"] == "unknown"


@pytest.mark.parametrize("protocol", sorted(PROTOCOLS))
def test_below_70_is_red_on_insulin_or_a_sulfonylurea_at_any_hour(protocol: str) -> None:
    for hour in range(24):
        at = NOW.replace(hour=hour)
        assert worst(protocol, sample("blood_glucose", "69.99", at), INSULIN) is RED
        assert worst(protocol, sample("blood_glucose", "70", at), INSULIN) is None


@pytest.mark.parametrize("value", ["70", "120", "240"])
def test_a_value_clear_of_every_limit_reads_no_history(value: str) -> None:
    for rule_id in ("glucose-low", "glucose-high"):
        verdict = rule("heart-failure", rule_id).evaluate(sample("blood_glucose", value), unread, PATIENT)
        assert isinstance(verdict, InRange)


# ------------------------------------------------------------------------------------------------------- hysteresis


def systolic(value: str | Decimal, at: datetime = NOW, **more: Any) -> Sample:
    return sample("systolic_blood_pressure", value, at, **more)


GAP = threshold.parse(
    Fields({"metrics": ["systolic_blood_pressure"], "unit": "mm[Hg]",
            "limits": [{"severity": "red", "when": ">= 180", "clear": 175}]}),
    "r", "p",
)  # fmt: skip


@pytest.mark.parametrize(
    ("past", "value", "expected"),
    [
        ([("185", 10 * HOUR)], "177", RED),  # kept in the gap
        ([("185", 10 * HOUR)], "175", AMBER),  # at clear it lets go
        ([("174", 10 * HOUR)], "177", AMBER),  # rising through the gap is not red
        ([("185", 10 * HOUR), ("178", 5 * HOUR)], "177", RED),  # gap upon gap keeps
        ([("185", 10 * HOUR), ("174", 5 * HOUR)], "177", AMBER),
        ([("185", 80 * HOUR)], "177", AMBER),  # memory ends after three days
        ([("162", HOUR)], "157", AMBER),
        ([("150", HOUR)], "157", None),  # nothing kept; one reading of three above 140 is not in range either
    ],
)
def test_inside_the_gap_the_latest_outside_it_decides(
    past: list[tuple[str, timedelta]], value: str, expected: Severity | None
) -> None:
    earlier = [systolic(number, NOW - ago) for number, ago in past]
    verdict = rule("general-adult", "systolic-high").evaluate(systolic(value), history_of(earlier), PATIENT)
    assert verdict is None if expected is None else found(verdict).severity is expected


def test_a_gap_without_memory_says_nothing_either_way() -> None:
    assert GAP.evaluate(systolic("177"), history_of([]), PATIENT) is None
    assert isinstance(GAP.evaluate(systolic("177"), history_of([systolic("170", NOW - HOUR)]), PATIENT), InRange)


@pytest.mark.parametrize(
    "doubt",
    [
        sample("systolic_blood_pressure", "170", NOW - HOUR, flags=frozenset({"body_movement"})),
        sample("systolic_blood_pressure", "0", NOW - HOUR),
        sample("systolic_blood_pressure", "10", NOW - HOUR),
    ],
)
def test_an_artefact_does_not_clear_the_memory(doubt: Sample) -> None:
    past = [systolic("185", NOW - 3 * HOUR), doubt]
    verdict = rule("general-adult", "systolic-high").evaluate(systolic("177"), history_of(past), PATIENT)
    assert found(verdict).severity is RED


@pytest.mark.parametrize("order", [1, -1])
def test_of_two_at_one_instant_the_worse_is_remembered(order: int) -> None:
    """Two cuffs, one minute: which of them the hub heard first must not matter."""
    past = [systolic("185", NOW - HOUR, reading_id=2), systolic("170", NOW - HOUR, reading_id=2 + order)]
    assert found(GAP.evaluate(systolic("177"), history_of(past), PATIENT)).severity is RED


@pytest.mark.parametrize("order", [1, -1])
def test_of_two_at_one_instant_the_same_one_is_counted(order: int) -> None:
    """The last 5 begin between two of one instant: the higher of them is in."""
    edge = [systolic("120", NOW - 9 * HOUR, reading_id=2), systolic("146", NOW - 9 * HOUR, reading_id=2 + order)]
    past = [*edge, systolic("121", NOW - 3 * HOUR), systolic("122", NOW - 2 * HOUR), systolic("150", NOW - HOUR)]
    verdict = rule("general-adult", "systolic-high").evaluate(systolic("141"), history_of(past), PATIENT)
    assert found(verdict).severity is AMBER


def test_hi_is_remembered_although_it_has_no_number() -> None:
    past = [sample("blood_glucose", "600", NOW - HOUR, comparator=">")]
    verdict = rule("diabetes", "glucose-high").evaluate(sample("blood_glucose", "340"), history_of(past), PATIENT)
    assert found(verdict).severity is RED


def test_the_sentence_of_a_kept_level_says_why() -> None:
    verdict = rule("general-adult", "systolic-high").evaluate(
        systolic("177"), history_of([systolic("185", NOW - HOUR)]), PATIENT
    )
    assert found(verdict).sentence == "Systolic 177 mmHg, still red until at or below 175 (was at or above 180)"


@given(values=st.lists(st.decimals("175.1", "179.9", places=1), min_size=1, max_size=12), high=st.booleans())
def test_hysteresis_never_flaps_inside_the_gap(values: list[Decimal], *, high: bool) -> None:
    """However a series wanders inside the gap, the level it came with stays."""
    series = [systolic("185" if high else "170", NOW - DAY)]
    for index, value in enumerate(values):
        one = systolic(value, NOW - DAY + (index + 1) * HOUR)
        verdict = GAP.evaluate(one, history_of(series), PATIENT)
        assert isinstance(verdict, Finding if high else InRange)
        series.append(one)


# ------------------------------------------------------------------------------------------------------------ N of M


@pytest.mark.parametrize(
    ("past", "value", "expected"),
    [
        (["146", "144"], "141", AMBER),
        (["146"], "141", None),
        (["146", "120", "144", "121"], "141", AMBER),  # 3 of the last 5
        (["146", "144", "120", "121", "122"], "141", None),  # the first two are out of the last 5
        (["146", "144", "143", "142"], "139", "in range"),
    ],
)
def test_sustained_is_three_of_the_last_five(past: list[str], value: str, expected: Severity | str | None) -> None:
    earlier = [systolic(number, NOW - (len(past) - index) * HOUR) for index, number in enumerate(past)]
    verdict = rule("general-adult", "systolic-high").evaluate(systolic(value), history_of(earlier), PATIENT)
    if expected is AMBER:
        assert found(verdict).severity is AMBER
    else:
        assert (verdict is None) if expected is None else isinstance(verdict, InRange)


def test_readings_before_the_window_do_not_count() -> None:
    past = [systolic("146", NOW - 8 * DAY), systolic("146", NOW - DAY)]
    assert rule("general-adult", "systolic-high").evaluate(systolic("146"), history_of(past), PATIENT) is None


def test_the_sentence_of_a_count_says_the_count() -> None:
    past = [systolic("146", NOW - DAY), systolic("150", NOW - 2 * DAY)]
    verdict = rule("general-adult", "systolic-high").evaluate(systolic("141"), history_of(past), PATIENT)
    assert found(verdict).sentence == "Systolic 141 mmHg, amber: 3 of the last 3 in 7 days at or above 140"


@pytest.mark.parametrize(("past", "expected"), [([], None), (["136", "135"], AMBER), (["131", "132"], LOW)])
def test_hypertension_home_stages(past: list[str], expected: Severity | None) -> None:
    earlier = [systolic(number, NOW - (index + 1) * 12 * HOUR) for index, number in enumerate(past)]
    assert worst("hypertension", systolic("138" if past != ["131", "132"] else "133"), past=earlier) is expected


FEW = threshold.parse(
    Fields({"metrics": ["systolic_blood_pressure"], "unit": "mm[Hg]",
            "limits": [{"severity": "amber", "when": ">= 140", "n_of_m": {"n": 3, "of": 5, "within": "7 d"}}]}),
    "r", "p",
)  # fmt: skip
DOUBTS = [frozenset[str](), frozenset({"body_movement"})]


@given(
    past=st.lists(
        st.tuples(st.sampled_from(["120", "139", "140", "150"]), st.integers(0, 12), st.sampled_from(DOUBTS)),
        max_size=60,
    ),
    high=st.booleans(),
)
def test_the_last_few_are_those_of_a_scan_of_the_whole_window(
    past: list[tuple[str, int, frozenset[str]]], *, high: bool
) -> None:
    """Against the definition: every credible one of the window, by time and then value, and of those the last."""
    series = [
        systolic(number, NOW - (hours + 1) * 12 * HOUR, flags=flags, reading_id=index)
        for index, (number, hours, flags) in enumerate(past)
    ]
    now = systolic("145" if high else "140")
    whole = [one for one in history_of(series)(now.metric, NOW - 7 * DAY, NOW) if one.credible]
    latest = [*sorted(whole, key=lambda one: (one.at, one.value)), now][-5:]
    met = sum(one.value >= 140 for one in latest)
    verdict = FEW.evaluate(now, history_of(series), PATIENT)
    if met < 3:
        assert verdict is None
    else:
        assert f"{met} of the last {len(latest)} in" in found(verdict).sentence


@pytest.mark.parametrize("value", ["145", "177"])
def test_a_device_that_sends_every_second_costs_no_more_than_the_last_few(value: str) -> None:
    second = timedelta(seconds=1)
    past = Stored([systolic("120", NOW - (n + 1) * second, reading_id=n) for n in range(20_000)])
    rule("general-adult", "systolic-high").evaluate(systolic(value), past, PATIENT)
    assert 0 < past.read <= 100


# ---------------------------------------------------------------------------------------------- artefacts and doubt

FAULTS = ["invalid_value", "sensor_fault", "poor_signal", "cuff_loose", "body_movement", "strip_fault"]


@given(
    st.sampled_from(["oxygen_saturation", "systolic_blood_pressure", "pulse_rate", "blood_glucose", "body_weight"]),
    st.decimals(0, 300, places=1),
    st.sampled_from(FAULTS),
    st.sampled_from(sorted(PROTOCOLS)),
)
def test_no_artefact_ever_yields_a_verdict(metric: str, value: Decimal, fault: str, protocol: str) -> None:
    """Neither red from a slipped probe, nor in range: it says nothing at all."""
    for one in (sample(metric, value, flags=frozenset({fault})), sample(metric, "0")):
        for each in PROTOCOLS[protocol].rules:
            assert each.evaluate(one, history_of([]), PATIENT) is None


def test_zero_is_no_signal_and_never_red() -> None:
    """Recorded monitors carry 0 for a probe that is off (SpO2, pulse, respiration)."""
    for metric in ("oxygen_saturation", "pulse_rate", "respiratory_rate"):
        assert worst("general-adult", sample(metric, "0")) is None


def test_a_value_beyond_belief_pages_marked_and_is_never_in_range() -> None:
    low = found(rule("copd", "oxygen-low").evaluate(sample("oxygen_saturation", "31"), unread, GENERAL))
    assert (low.severity, low.confirmed) == (RED, False)
    assert low.sentence.endswith(", unconfirmed, may be artefact")
    assert rule("copd", "oxygen-high").evaluate(sample("oxygen_saturation", "31"), unread, GENERAL) is None


def test_a_held_weight_or_a_bound_is_never_in_range() -> None:
    for value in ("40", "100"):
        held = sample("blood_glucose", value, flags=frozenset({SOMEONE_ELSE}))
        assert rule("diabetes", "glucose-low").evaluate(held, unread, PATIENT) is None
    high = sample("blood_glucose", "600", comparator=">")
    assert rule("diabetes", "glucose-low").evaluate(high, unread, PATIENT) is None


# ------------------------------------------------------------------------------------------------------- sentences


def say(protocol: str, rule_id: str, one: Sample, patient: Patient = PATIENT) -> str:
    return found(rule(protocol, rule_id).evaluate(one, history_of([]), patient)).sentence


@pytest.mark.parametrize(
    ("value", "shown", "sentence"),
    [
        ("55.85", ("3.1", "mmol/L"), "Glucose 3.1 mmol/L (56 mg/dL), amber below 3.9 mmol/L (70 mg/dL)"),
        ("56", None, "Glucose 56 mg/dL (3.1 mmol/L), amber below 70 mg/dL (3.9 mmol/L)"),
        ("69.6", None, "Glucose 69.6 mg/dL (3.86 mmol/L), amber below 70 mg/dL (3.89 mmol/L)"),
        ("69.99", None, "Glucose 69.99 mg/dL (3.88 mmol/L), amber below 70 mg/dL (3.89 mmol/L)"),
        ("53.9", None, "Glucose 53.9 mg/dL (2.99 mmol/L), red below 54 mg/dL (3.00 mmol/L)"),
        ("250.42", ("13.9", "mmol/L"), "Glucose 13.9 mmol/L (250.4 mg/dL), amber above 13.88 mmol/L (250 mg/dL)"),
        # A meter that rounds what it shows: its own unit would read as in range, so only the true limit is printed.
        ("69.8", ("3.9", "mmol/L"), "Glucose 3.9 mmol/L (69.8 mg/dL), amber below 70 mg/dL"),
    ],
)
def test_glucose_is_said_in_both_units_and_never_rounded_across_a_limit(
    value: str, shown: tuple[str, str] | None, sentence: str
) -> None:
    rule_id = "glucose-low" if Decimal(value) < 100 else "glucose-high"
    assert say("diabetes", rule_id, sample("blood_glucose", value, shown=shown)) == sentence


@given(st.decimals("54", "69.99", places=2))
def test_no_low_glucose_prints_as_70(value: Decimal) -> None:
    sentence = say("diabetes", "glucose-low", sample("blood_glucose", value))
    printed = sentence.removeprefix("Glucose ").split(" mg/dL")[0]
    assert Decimal(printed) < 70
    mmol, limit = (Decimal(part.split(" mmol/L")[0]) for part in sentence.split("(")[1:3])
    assert mmol < limit


@pytest.mark.parametrize(
    ("rule_id", "one", "sentence"),
    [
        ("systolic-high", systolic("192"), "Systolic 192 mmHg, red at or above 180"),
        ("oxygen-low", sample("oxygen_saturation", "92.4"), "SpO2 92.4 %, red below 93 (oxygen state unknown)"),
        (
            "temperature-high",
            sample("body_temperature", "38.5", shown=("101.3", "[degF]")),
            "Temperature 101.3 °F (38.5 °C), low above 38 °C",
        ),
        (
            "glucose-low",
            sample("blood_glucose", "20", comparator="<"),
            "Glucose LO (below 20 mg/dL, 1.1 mmol/L), red below 54 mg/dL (3.0 mmol/L)",
        ),
    ],
)
def test_sentences(rule_id: str, one: Sample, sentence: str) -> None:
    assert say("general-adult", rule_id, one) == sentence


def test_a_finding_carries_all_it_rests_on() -> None:
    one = sample("blood_glucose", "55.85", shown=("3.1", "mmol/L"), reading_id=7, profile="glucose-meter")
    finding = found(rule("diabetes", "glucose-low").evaluate(one, unread, INSULIN))
    assert (finding.reading_id, finding.at, finding.rule, finding.problem) == (7, NOW, "glucose-low", "glucose-low")
    assert finding.inputs == {
        "blood_glucose": "55.85 mg/dL at 2026-11-22T07:00:00Z",
        "shown": "3.1 mmol/L",
        "device": "glucose-meter",
        "limit": "< 70 mg/dL",
        "insulin_or_su": "yes",
        "because": "red below 3.9 mmol/L (70 mg/dL)",
    }
    assert finding.sentence.endswith("(on insulin or a sulfonylurea)")


def test_bands_are_the_patients_own_limits() -> None:
    bands = rule("copd", "oxygen-low").bands(FLOOR_91)
    assert {(band.severity, band.limit) for band in bands} == {
        (RED, Decimal(89)),
        (AMBER, Decimal(90)),
        (RED, Decimal(92)),
        (AMBER, Decimal(93)),
    }
    assert rule("copd", "oxygen-high").bands(GENERAL) == []


def test_lookback_covers_what_may_be_read() -> None:
    assert rule("general-adult", "systolic-high").lookback == 7 * DAY
    assert rule("general-adult", "systolic-low").lookback == 3 * DAY
    assert rule("diabetes", "glucose-low").lookback == 0 * MIN
