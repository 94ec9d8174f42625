"""What a patient's text says: every form people use, and nothing guessed."""

from decimal import Decimal

import pytest
from hypothesis import given
from hypothesis import strategies as st

from hub.domain.answers import Chosen, Measured, beyond_belief, parse_answer, says_bound, takes_back
from hub.domain.checkins import Choice, Step
from hub.domain.metrics import METRICS
from hub.domain.text_lint import RESERVED

CANNOT = Choice("9", "I cannot", ("can't",))
BREATHING = Step(
    "breathing",
    "choice",
    "?",
    "?",
    (Choice("1", "as usual", ("same",)), Choice("2", "a bit worse"), Choice("3", "much worse")),
)
PRESSURE = Step("pressure", "blood_pressure", "?", "?", (CANNOT,))


def number(metric: str, *units: str) -> Step:
    return Step("n", "number", "?", "?", (), metric, units)


WEIGHT, POUNDS, EITHER = (
    number("body_weight", "kg"),
    number("body_weight", "[lb_av]"),
    number("body_weight", "kg", "[lb_av]"),
)
OXYGEN, GLUCOSE = number("oxygen_saturation", "%"), number("blood_glucose", "mg/dL", "mmol/L")
MMOL, FAHRENHEIT = number("blood_glucose", "mmol/L"), number("body_temperature", "Cel", "[degF]")
STEPS = (BREATHING, PRESSURE, WEIGHT, POUNDS, EITHER, OXYGEN, GLUCOSE, MMOL, FAHRENHEIT)


def chosen(step: Step, body: str) -> str | None:
    found = parse_answer(step, body)
    return found.choice.digit if isinstance(found, Chosen) else None


def measured(step: Step, body: str) -> dict[str, str] | None:
    found = parse_answer(step, body)
    return {value.metric: str(value.value) for value in found.values} if isinstance(found, Measured) else None


@pytest.mark.parametrize(
    ("body", "digit"),
    [
        ("1", "1"),
        (" 1. ", "1"),
        ("1)", "1"),
        ("(2)", "2"),
        ("one", "1"),
        ("One!", "1"),
        ("as usual", "1"),
        ("As  Usual.", "1"),
        ("same", "1"),
        ("1 as usual", "1"),
        ("2 - a bit worse", "2"),
        ("3: much worse", "3"),
        ("Much worse", "3"),
        ("1\ufe0f\u20e3", "1"),
    ],
)
def test_a_choice(body: str, digit: str) -> None:
    assert chosen(BREATHING, body) == digit


@pytest.mark.parametrize(
    "body",
    [
        *("", " ", "4", "0", "12", "1 2", "1 or 2", "2/3", "1 much worse", "worse", "not as usual", "I am fine", "yes"),
        *("1.5", "-1", "as usual but dizzy", "¹", "١", "STOP", "help", "😀", "1\x00"),
    ],
)
def test_no_choice(body: str) -> None:
    assert parse_answer(BREATHING, body) is None


@pytest.mark.parametrize(
    "body",
    [
        *("120/80", "120 / 80", " 120/80. ", "120-80", "120 - 80", "120 80", "120  80", "120 over 80", "120 OVER 80"),
        *("BP 120/80", "bp: 120/80", "BP is 120/80", "my blood pressure is 120/80", "My BP was 120 over 80"),
        *("120/80 mmHg", "120/80 mm Hg", "120/80\n", "(120/80)"),
    ],
)
def test_a_pressure(body: str) -> None:
    assert measured(PRESSURE, body) == {"systolic_blood_pressure": "120.0", "diastolic_blood_pressure": "80.0"}


@pytest.mark.parametrize(
    "body",
    [
        *("BP 120/80 pulse 72", "120/80, pulse 72", "120 over 80 and pulse is 72", "120/80 hr 72", "120/80 p: 72"),
        *("120/80 mmHg pulse 72 bpm", "120/80 pulse: 72", "120/80 heart rate 72"),
    ],
)
def test_a_pressure_with_its_pulse(body: str) -> None:
    assert measured(PRESSURE, body) == {
        "systolic_blood_pressure": "120.0",
        "diastolic_blood_pressure": "80.0",
        "pulse_rate": "72.0",
    }


@pytest.mark.parametrize(
    "body",
    [
        *("80/120", "80/80", "120", "120/", "/80", "120/8", "1200/80", "12080", "120/80/72", "120 80 72"),
        *(
            "300/80",
            "120/10",
            "290/200",
            "120/80 pulse 300",
            "120/80 pulse 5",
            "-120/80",
            "120,80",
            "120.80",
            "120/80.5",
        ),
        *(
            "about 120/80",
            "120/80 or 130/85",
            "it was 120/80 this morning",
            "120 to 80",
            "one twenty over eighty",
            "high",
        ),
        *("120:80", "١٢٠/٨٠", "120/80 120/80", "0", "", "STOP", "120/80 weight 81"),
    ],
)
def test_no_pressure(body: str) -> None:
    assert parse_answer(PRESSURE, body) is None


@pytest.mark.parametrize("body", ["9", "nine", "I cannot", "i cannot.", "can't"])
def test_a_measurement_may_be_declined(body: str) -> None:
    assert chosen(PRESSURE, body) == "9"


@pytest.mark.parametrize(
    ("step", "body", "value"),
    [
        (WEIGHT, "81.4", "81.40"),
        (WEIGHT, "81,4", "81.40"),
        (WEIGHT, "81.4 kg", "81.40"),
        (WEIGHT, "81.4kg", "81.40"),
        (WEIGHT, "81 kilos", "81.00"),
        (EITHER, "81.4 kg", "81.40"),
        (OXYGEN, "98 %", "98.0"),
        (OXYGEN, "98%", "98.0"),
        (OXYGEN, "98", "98.0"),
        (OXYGEN, "98 percent", "98.0"),
        (GLUCOSE, "112 mg/dL", "112.00"),
        (FAHRENHEIT, "37,2 C", "37.20"),
        (number("body_temperature", "Cel"), "37,2", "37.20"),
    ],
)
def test_a_number(step: Step, body: str, value: str) -> None:
    assert step.metric is not None
    assert measured(step, body) == {step.metric: value}


@pytest.mark.parametrize(
    ("step", "body", "value", "shown"),
    [
        (EITHER, "180 lb", "81.65", ("180", "[lb_av]")),
        (POUNDS, "180", "81.65", ("180", "[lb_av]")),
        (EITHER, "179.5 lbs", "81.42", ("179.5", "[lb_av]")),
        (GLUCOSE, "6.2 mmol/L", "111.70", ("6.2", "mmol/L")),
        (MMOL, "12,5", "225.20", ("12.5", "mmol/L")),
        (FAHRENHEIT, "98.6 F", "37.00", ("98.6", "[degF]")),
    ],
)
def test_what_was_written_is_kept_beside_what_it_is(step: Step, body: str, value: str, shown: tuple[str, str]) -> None:
    found = parse_answer(step, body)
    assert isinstance(found, Measured)
    (one,) = found.values
    assert str(one.value) == value
    assert one.shown is not None
    assert (str(one.shown.value), one.shown.unit) == shown


@pytest.mark.parametrize(
    ("step", "body"),
    [
        (EITHER, "180"),  # kg or lb: nobody knows
        (GLUCOSE, "112"),
        (WEIGHT, "180 lb"),  # a unit that was not asked for
        (WEIGHT, "10"),
        (WEIGHT, "400"),
        (WEIGHT, "1,234"),  # a thousand, or not
        (WEIGHT, "81.4 82"),
        (WEIGHT, "81.4 or so"),
        (WEIGHT, "-81.4"),
        (WEIGHT, "81.4.2"),
        (OXYGEN, "120/80"),
        (OXYGEN, "101"),
        (OXYGEN, "34"),
        (OXYGEN, "0"),
        (OXYGEN, "98 or 97"),
        (OXYGEN, "ninety"),
        (FAHRENHEIT, "98.6"),
        (FAHRENHEIT, "98.6 C"),
    ],
)
def test_no_number(step: Step, body: str) -> None:
    assert parse_answer(step, body) is None


@pytest.mark.parametrize("word", sorted(RESERVED))
@pytest.mark.parametrize("step", STEPS)
def test_a_reserved_word_is_never_an_answer(step: Step, word: str) -> None:
    named = Step(step.id, step.kind, "?", "?", (Choice("1", word),), step.metric, step.units)
    assert parse_answer(named, f" {word.upper()}. ") is None


def test_only_a_nought_takes_back() -> None:
    assert takes_back(" 0. ")
    assert not any(takes_back(body) for body in ("00", "o", "zero", "10", "0 0", ""))


_LIKE = st.text(st.sampled_from("0123456789./,- %kglbmoverpulsBP\t\u00a0\u0661¹½"), max_size=30)


@given(body=st.one_of(_LIKE, st.text(max_size=120)), step=st.sampled_from(STEPS))
def test_whatever_is_written_nothing_breaks_and_what_is_kept_lies_inside_the_bounds(body: str, step: Step) -> None:
    found = parse_answer(step, body)
    if isinstance(found, Measured):
        assert found.values
        for one in found.values:
            known = METRICS[one.metric]
            assert known.low <= one.value <= known.high
        by_metric = {one.metric: one.value for one in found.values}
        assert by_metric.get("systolic_blood_pressure", Decimal(2)) > by_metric.get(
            "diastolic_blood_pressure", Decimal(1)
        )


@given(
    systolic=st.integers(0, 999), diastolic=st.integers(0, 999), gap=st.sampled_from(["/", " ", "-", " over ", " / "])
)
def test_a_pressure_is_kept_as_written_or_not_at_all(systolic: int, diastolic: int, gap: str) -> None:
    found = measured(PRESSURE, f"{systolic}{gap}{diastolic}")
    possible = 50 <= systolic <= 280 and 20 <= diastolic <= 200 and systolic > diastolic
    kept = {"systolic_blood_pressure": f"{systolic}.0", "diastolic_blood_pressure": f"{diastolic}.0"}
    assert found == (kept if possible else None)


@pytest.mark.parametrize(
    ("step", "body"),
    [
        (PRESSURE, "290/150"),
        (PRESSURE, "120/80 pulse 15"),
        (PRESSURE, "45/30"),
        (OXYGEN, "30"),
        (GLUCOSE, "1100 mg/dl"),
    ],
)
def test_the_form_of_a_value_that_can_hardly_be(step: Step, body: str) -> None:
    assert parse_answer(step, body) is None
    assert beyond_belief(step, body)


@pytest.mark.parametrize(
    ("step", "body"),
    [
        (PRESSURE, "120/80"),
        (PRESSURE, "80/120"),
        (PRESSURE, "hello"),
        (OXYGEN, "97"),
        (BREATHING, "290/150"),
        (GLUCOSE, "5.4"),
    ],
)
def test_what_can_be_or_is_no_value_is_not_beyond_belief(step: Step, body: str) -> None:
    assert not beyond_belief(step, body)


@pytest.mark.parametrize(("step", "body", "so"), [(MMOL, "LO", True), (GLUCOSE, "Hi!", True), (OXYGEN, "LO", False)])
def test_a_meter_without_a_number(step: Step, body: str, *, so: bool) -> None:
    assert says_bound(step, body) is so
