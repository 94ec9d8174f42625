"""Texts: the words of the safety page, one segment with the longest fill-ins, nothing about a patient."""

import inspect
from collections.abc import Callable
from datetime import UTC, datetime, timedelta

import pytest
from hypothesis import given
from hypothesis import strategies as st

from hub.domain import texts
from hub.domain.gsm7 import SEGMENT, fits, gsm7_septets, plain
from hub.domain.severity import Severity
from hub.domain.texts import Clinic, Page

AT = datetime(2026, 3, 2, 12, 4, tzinfo=UTC)
HERE = Clinic("Riverside", "America/New_York", "https://rpm.example.org")
LONGEST = Clinic(
    "Łódź {Riverside} Heart Failure Centre",
    "America/Argentina/ComodRivadavia",
    "https://remote-patient-monitoring.heart-failure-centre.riverside-and-suburbs.example.org:8443/hub",
    "DEMO",
)
NAME = "Wolfeschlegelsteinhausenbergerdorff Example"
REF = "K7Q2M3XT"


def about(**fields: object) -> Page:
    known: dict[str, object] = {
        "severity": Severity.RED,
        "ref": "K7Q2",
        "digit": 1,
        "at": AT,
        "age": timedelta(0),
        "technical": False,
        "next_at": AT + timedelta(minutes=5),
        "repeats": False,
    }
    return Page(**(known | fields))  # type: ignore[arg-type]


def test_the_page_of_the_safety_page() -> None:
    assert texts.page(HERE, about()) == (
        "Riverside RED 07:04 ref K7Q2. Reply 1a to take it, 1e to pass on. Next person is paged 07:09. "
        "Open https://rpm.example.org/a/K7Q2"
    )


def test_taken_and_stand_down_of_the_safety_page() -> None:
    assert texts.taken(HERE, "K7Q2", AT + timedelta(minutes=30)) == (
        "You have K7Q2. Contact the patient by 07:34 and record it on the page, or we page again."
    )
    since = AT + timedelta(minutes=1)
    assert texts.stand_down(HERE, "K7Q2", "Ana Example", since) == "K7Q2 is with Ana since 07:05. You need do nothing."


def test_the_demo_says_so_first() -> None:
    assert texts.page(Clinic("Riverside", "UTC", "http://localhost:8080", "DEMO"), about()).startswith("DEMO Riverside")


@pytest.mark.parametrize(
    ("minutes", "words"),
    [(15, ""), (16, "16 min old"), (60, "1 h old"), (130, "2 h 10 min old"), (239, "3 h 59 min old")],
)
def test_how_old_a_reading_is(minutes: int, words: str) -> None:
    assert texts.age_words(timedelta(minutes=minutes)) == words


LONG: dict[str, Callable[[], str]] = {
    "page": lambda: texts.page(
        LONGEST,
        about(
            severity=Severity.AMBER,
            ref=REF,
            digit=9999,
            age=timedelta(hours=3, minutes=59),
            technical=True,
            repeats=True,
        ),
    ),
    "restored": lambda: texts.restored(LONGEST, AT, 99999, AT),
    "taken": lambda: texts.taken(LONGEST, REF, AT),
    "taken_technical": lambda: texts.taken_technical(LONGEST, REF, AT),
    "stand_down": lambda: texts.stand_down(LONGEST, REF, NAME, AT),
    "over": lambda: texts.over(LONGEST, REF, f"resolved by {NAME} " * 3),
    "passed_on": lambda: texts.passed_on(LONGEST, REF),
    "not_passed_on": lambda: texts.not_passed_on(LONGEST, REF, f"it has gone on to {NAME} " * 3),
    "no_such_code": lambda: texts.no_such_code(LONGEST, 9999, [(9990 + n, REF) for n in range(9)]),
    "old_code": lambda: texts.old_code(LONGEST, 9999, REF, f"{NAME} resolved it 59 min ago " * 3),
    "worse_since": lambda: texts.worse_since(LONGEST, Severity.AMBER, REF, 9999, AT),
    "not_by_text": lambda: texts.not_by_text(LONGEST, REF),
    "not_understood": lambda: texts.not_understood(LONGEST),
    "how_to_answer": lambda: texts.how_to_answer(LONGEST),
    "task_overdue": lambda: texts.task_overdue(LONGEST, 10**12, AT),
}


@pytest.mark.parametrize("name", list(LONG))
def test_every_text_is_one_segment_with_the_longest_fill_ins(name: str) -> None:
    text = LONG[name]()
    septets = gsm7_septets(text)
    assert septets is not None
    assert septets <= SEGMENT


def test_every_text_is_among_those_measured() -> None:
    written = {
        name
        for name, found in inspect.getmembers(texts, inspect.isfunction)
        if found.__module__ == texts.__name__ and not name.startswith("_") and name != "age_words"
    }
    assert written == set(LONG)


def test_no_text_is_given_a_patient_or_a_value() -> None:
    """Nothing that could hold either is a parameter of any text."""
    given_names = {
        name for function in (getattr(texts, text) for text in LONG) for name in inspect.signature(function).parameters
    } | set(Page.__dataclass_fields__)
    assert not given_names & {"patient", "patient_id", "sentence", "value", "values", "mrn", "problem", "metric"}


def test_the_codes_stay_when_the_link_does_not_fit() -> None:
    text = texts.page(LONGEST, about(ref=REF, digit=9999, age=timedelta(hours=3, minutes=59)))
    assert "reading 3 h 59 min old" in text
    assert "Reply 9999a to take it, 9999e to pass on." in text
    assert "Open" not in text


@given(
    st.text(max_size=60), st.text(max_size=60), st.integers(1, 9999), st.timedeltas(timedelta(0), timedelta(hours=4))
)
def test_whatever_people_are_called_a_page_is_one_segment(clinic: str, ref: str, digit: int, age: timedelta) -> None:
    named = Clinic(clinic, "UTC", "https://rpm.example.org")
    assert fits(texts.page(named, about(ref=plain(ref, 8), digit=digit, age=age)))
    assert fits(texts.stand_down(named, plain(ref, 8), clinic, AT))


@pytest.mark.parametrize(
    ("text", "septets"), [("", 0), ("abc", 3), ("é€[", 5), ("ł", None), ("▲", None), ("😀", None), ("a\nb", 3)]
)
def test_septets(text: str, septets: int | None) -> None:
    assert gsm7_septets(text) == septets


def test_names_lose_what_costs_more_than_a_septet() -> None:
    assert plain("  Čapek [Ward]\nnorth ", 40) == "Capek Ward north"
