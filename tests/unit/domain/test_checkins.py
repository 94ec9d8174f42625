"""A check-in's document: a closed schema, faults named by their place, texts that may be sent as they are."""

from collections.abc import Callable
from contextlib import suppress
from copy import deepcopy
from datetime import time, timedelta
from pathlib import Path
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from hub.adapters.checkin_files import load_checkin, load_checkins
from hub.domain.checkin_template import parse_template
from hub.domain.checkins import CheckIn, parse_checkin, step_of
from hub.domain.protocols import canonical
from hub.domain.severity import Severity
from hub.domain.text_lint import RESERVED
from hub.errors import BrokenProtocol

SHIPPED = load_checkins([Path(__file__).parents[3] / "config" / "checkins"])
GOOD: dict[str, Any] = {
    "id": "morning",
    "title": "This morning",
    "version": 1,
    "for": ["heart-failure"],
    "missing": ["systolic_blood_pressure"],
    "schedule": {"at": "09:00", "days": ["mon", "wed"]},
    "between": ["08:00", "20:00"],
    "too_old": "3 h",
    "ask_again": "2 h",
    "expires": "6 h",
    "steps": [
        {
            "id": "feeling",
            "kind": "choice",
            "ask": "{clinic}: how do you feel? 1 well, 2 unwell. Very unwell? Call {emergency}.",
            "ask_again": "{clinic}: reply 1 well or 2 unwell.",
            "choices": [
                {"digit": "1", "words": "well"},
                {"digit": "2", "words": "unwell", "severity": "amber", "sentence": "Feels unwell"},
            ],
        },
        {
            "id": "oxygen",
            "kind": "number",
            "metric": "oxygen_saturation",
            "units": ["%"],
            "ask": "{clinic}: which number does your device show, or 9 if none?",
            "ask_again": "{clinic}: reply with the number alone, or 9 if none.",
            "choices": [{"digit": "9", "words": "none"}],
        },
    ],
}


def changed(change: Callable[[Any], object]) -> dict[str, Any]:
    document = deepcopy(GOOD)
    change(document)
    return document


def test_what_a_document_says() -> None:
    found = parse_checkin(GOOD, signed_by="Dr Imaginary")
    assert (found.id, found.for_protocols, found.missing) == (
        "morning",
        ("heart-failure",),
        ("systolic_blood_pressure",),
    )
    assert found.schedule is not None
    assert (found.schedule.at, found.schedule.days) == (time(9), frozenset({0, 2}))
    assert (found.opens, found.closes, found.too_old) == (time(8), time(20), timedelta(hours=3))
    assert found.steps[0].choices[1].severity is Severity.AMBER
    assert found.signed_by == "Dr Imaginary"
    step = step_of(found, "oxygen")
    assert step is not None
    assert step.units == ("%",)
    assert step_of(found, "other") is None


@pytest.mark.parametrize(
    ("change", "said"),
    [
        (lambda d: d.update(colour="red"), "colour: is not known"),
        (lambda d: d.pop("between"), "between: is missing"),
        (lambda d: d.update(between=["20:00", "08:00"]), "between: must end after it begins"),
        (lambda d: d.update(between=["08:00"]), "between: must be two local times"),
        (lambda d: d.update(between=["8", "20:00"]), "between.opens: must be a local time"),
        (lambda d: d.update(missing=["mood"]), "missing[0]: 'mood' is not known"),
        (lambda d: d["schedule"].update(at="07:59"), "schedule.at: must lie between 08:00 and 20:00"),
        (lambda d: d["schedule"].update(days=["someday"]), "schedule.days[0]: 'someday' is not known"),
        (lambda d: (d.pop("missing"), d.pop("schedule")), "needs missing or schedule"),
        (lambda d: d.update(ask_again="6 h"), "ask_again: must be shorter than expires"),
        (lambda d: d.update(too_old="soon"), "too_old: must be a duration"),
        (lambda d: d.update({"for": ["Heart Failure"]}), "for[0].name: 'Heart Failure' must be lower-case"),
        (lambda d: d.update(steps=[]), "steps: must be a list with at least one item"),
        (lambda d: d["steps"][1].update(id="feeling"), "steps[1].id: feeling stands there twice"),
        (lambda d: d["steps"][0].update(kind="essay"), "steps[0].kind: 'essay' is not known"),
        (lambda d: d["steps"][0].pop("choices"), "steps[0].choices: is missing"),
        (lambda d: d["steps"][0].update(metric="pulse_rate"), "steps[0].metric: is not known"),
        (lambda d: d["steps"][1].update(metric="step_count"), "steps[1].metric: 'step_count' is not known"),
        (lambda d: d["steps"][1].update(units=["kg"]), "steps[1].units[0]: 'kg' is not known"),
        (lambda d: d["steps"][0]["choices"][0].update(digit="0"), "choices[0].digit: must be one digit"),
        (lambda d: d["steps"][0]["choices"][0].update(digit="12"), "choices[0].digit: must be one digit"),
        (lambda d: d["steps"][0]["choices"][0].update(digit="2"), 'choices[1]: "2" stands for two options'),
        (lambda d: d["steps"][0]["choices"][1].update(also=["Well"]), 'choices[1]: "Well" stands for two options'),
        (lambda d: d["steps"][0]["choices"][1].update(also=["well!"]), 'choices[1]: "well!" stands for two options'),
        (lambda d: d["steps"][0]["choices"][1].update(also=["One"]), 'choices[1]: "One" stands for two options'),
        (lambda d: d["steps"][0]["choices"][0].update(also=["Two."]), "choices: an answer could mean two of them"),
        (lambda d: d["steps"][0]["choices"][1].update(also=["one well"]), 'choices[1]: "one well" stands for two'),
        (lambda d: d["steps"][0]["choices"][0].update(words="1."), '"1." must begin with a letter'),
        (lambda d: d["steps"][0]["choices"][1].update(also=["!"]), '"!" must begin with a letter'),
        (lambda d: d["steps"][1]["choices"][0].update(also=["98"]), '"98" must begin with a letter'),
        (lambda d: d.update(between=["06:59", "20:00"]), "between: must lie between 07:00 and 22:00"),
        (lambda d: d.update(between=["08:00", "23:59"]), "between: must lie between 07:00 and 22:00"),
        (lambda d: d["steps"][0].update(ask="How do you feel? 1 well, 2 unwell."), "must say who writes"),
        (lambda d: d["steps"][0].update(ask="{clinic}: how do you feel? 1 is well."), "must say what 2 means"),
        (lambda d: d["steps"][0]["choices"][1].pop("sentence"), "needs both severity and sentence"),
        (lambda d: d["steps"][0]["choices"][1].update(words="I cant breathe"), "is heard as danger before"),
        (lambda d: d["steps"][0].update(ask="{name}: how are you? 1 2"), "steps[0].ask: {name} is not known"),
        (lambda d: d["steps"][0].update(ask="{clinic} How is your heart? 1 2"),
         'steps[0].ask: must be sent as it is: "heart"'),
        (lambda d: d["steps"][0].update(ask="{clinic} Still at 120? 1 2"),
         "steps[0].ask: must be sent as it is: 120 looks"),
        (lambda d: d["steps"][0].update(ask="{clinic} See http://x.example 1 2"), "is a link to somewhere else"),
        (lambda d: d["steps"][0].update(ask_again="{clinic} Ok ▲ 1 2"), "steps[0].ask_again: must be sent as it is: ▲"),
        (lambda d: d["steps"][0].update(ask="{clinic} 1 2 " + "x" * 130), "it takes"),
        (lambda d: d["steps"][1].update(metric="respiratory_rate", units=["/min"]),
         "steps[1].choices: 9 could be a value of respiratory_rate"),
    ],
)  # fmt: skip
def test_what_is_wrong_is_said_with_its_place(change: Callable[[Any], object], said: str) -> None:
    with pytest.raises(BrokenProtocol) as refused:
        parse_template(changed(change))
    assert said in str(refused.value)


@pytest.mark.parametrize("word", [*sorted(RESERVED - {"0"}), "Yes", " End ", "QUIT."])
def test_no_option_means_something_else_to_the_phone_company(word: str) -> None:
    for change in (
        lambda d: d["steps"][0]["choices"][0].update(words=word),
        lambda d: d["steps"][0]["choices"][0].update(also=[word]),
    ):
        with pytest.raises(BrokenProtocol, match="means something by itself"):
            parse_template(changed(change))


@pytest.mark.parametrize("name", sorted(SHIPPED))
def test_shipped_check_ins_are_sound_and_can_be_signed(name: str) -> None:
    template = SHIPPED[name]
    assert canonical(template.document)
    assert template.checkin.signed_by is None


def test_what_is_asked_when_a_pressure_is_late_and_every_morning() -> None:
    missed, daily = SHIPPED["missed-pressure"].checkin, SHIPPED["daily-breathing"].checkin
    assert missed.missing == ("systolic_blood_pressure",)
    assert _severities(daily) == {"1": None, "2": Severity.AMBER, "3": Severity.RED}


def _severities(checkin: CheckIn) -> dict[str, Severity | None]:
    return {choice.digit: choice.severity for choice in checkin.steps[0].choices}


_LEAVES = st.recursive(
    st.one_of(
        st.none(), st.booleans(), st.integers(-9, 99), st.floats(), st.text(max_size=12), st.sampled_from(["1", "red"])
    ),
    lambda inner: st.one_of(st.lists(inner, max_size=3), st.dictionaries(st.text(max_size=8), inner, max_size=3)),
    max_leaves=5,
)
_PLACES = [(key,) for key in GOOD] + [
    ("steps", place, key, *more)
    for place, step in enumerate(GOOD["steps"])
    for key in step
    for more in ([], [0], [0, "digit"], [0, "words"], [0, "severity"])
    if not more or key == "choices"
]


@given(place=st.sampled_from(_PLACES), value=_LEAVES)
def test_whatever_a_document_says_it_is_read_or_refused(place: tuple[Any, ...], value: object) -> None:
    document: Any = deepcopy(GOOD)
    at = document
    for key in place[:-1]:
        at = at[key]
    at[place[-1]] = value
    with suppress(BrokenProtocol):
        parse_template(document)


def test_a_file_goes_by_its_name(tmp_path: Path) -> None:
    path = tmp_path / "other.yaml"
    path.write_text((Path(SHIPPED["missed-pressure"].path)).read_text())
    with pytest.raises(BrokenProtocol, match="id: missed-pressure must be the file's name"):
        load_checkin(path)


def test_a_sites_own_file_hides_the_shipped_one(tmp_path: Path) -> None:
    text = SHIPPED["daily-breathing"].path.read_text().replace("version: 1", "version: 7")
    (tmp_path / "daily-breathing.yaml").write_text(text)
    found = load_checkins([tmp_path, SHIPPED["daily-breathing"].path.parent])
    assert found["daily-breathing"].checkin.version == 7
    assert set(found) == set(SHIPPED)


def test_a_signed_copy_is_read_though_a_later_linter_would_not_take_it() -> None:
    """What a clinician has signed goes on; a template like it is not signed again (SF21)."""
    document = changed(lambda good: good.update(between=["05:00", "23:30"]))
    assert parse_checkin(document, signed_by="Dr Imaginary").closes == time(23, 30)
    with pytest.raises(BrokenProtocol, match="nobody is woken"):
        parse_template(document)
