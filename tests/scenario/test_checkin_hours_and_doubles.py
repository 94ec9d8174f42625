"""Texts that come late, twice or after the question is over, and a hub that was down into the night."""

from collections.abc import Iterator
from pathlib import Path

import pytest

from hub.domain.severity import Severity
from hub.services.acknowledge import acknowledge
from hub.services.contact import record_contact
from hub.services.hub import Actor
from hub.services.incoming.keeping import keep_text
from hub.services.ports.base import Delivery as Told
from tests.scenario.talks import (
    ASKED,
    ASKED_AGAIN,
    BREATHING,
    BREATHING_AGAIN,
    COURTESY,
    DAILY,
    HOUR,
    LOOKED_AT,
    MINUTE,
    PAT,
    PRESSURE,
    SAVED,
    Talks,
    talks,
)

RED = "checkin-daily-breathing-breathing open"


@pytest.fixture
def talk(tmp_path: Path) -> Iterator[Talks]:
    yield from talks(tmp_path)


@pytest.fixture
def breathing(talk: Talks) -> Talks:
    talk.sign(DAILY)
    talk.until(14, day=2, every=MINUTE)
    talk.reads(BREATHING)
    return talk


def two_questions(talk: Talks) -> None:
    """The same three options, asked twice in a row."""

    def change(document: dict[str, list[dict[str, object]]]) -> None:
        document["steps"].append(document["steps"][0] | {"id": "legs"})

    talk.sign(DAILY, change)
    talk.until(14, day=2, every=MINUTE)
    talk.reads(BREATHING)


def down_for(talk: Talks, hours: int) -> None:
    """No worker runs."""
    talk.home.clinic.clock.forward(hours * HOUR)


# Nights --------------------------------------------------------------------------------------------------------------


def test_a_question_that_could_not_leave_by_day_does_not_leave_at_night(talk: Talks) -> None:
    talk.sign(PRESSURE, lambda d: d.update(between=["08:00", "10:30"]))
    talk.until(14, 50)
    talk.home.clinic.phones.behaves[PAT] = lambda: Told("failed", error="20429")
    talk.until(15, 5, every=5 * MINUTE)
    assert talk.questions() == ["pending"]
    talk.home.clinic.phones.behaves.clear()
    down_for(talk, 1)
    talk.tick()
    talk.tick()
    talk.reads()
    assert talk.questions() == ["stale"]


def test_an_answer_found_in_the_night_wakes_nobody(talk: Talks) -> None:
    """It is kept and judged all the same."""
    two_questions(talk)
    talk.until(23, day=2)
    talk.unread.clear()
    keep_text(talk.hub, "SM-evening", PAT, "3")
    down_for(talk, 6)
    talk.tick()
    talk.tick()
    talk.reads()
    assert RED in talk.home.alerts()


@pytest.mark.parametrize("body", ["HELP", "STOP", "hello?", "0", "maybe"])
def test_what_is_found_hours_later_is_not_answered(breathing: Talks, body: str) -> None:
    keep_text(breathing.hub, "SM-evening", PAT, body)
    down_for(breathing, 13)
    breathing.tick()
    breathing.tick()
    breathing.reads()


def test_danger_found_hours_later_is_answered_all_the_same(breathing: Talks) -> None:
    keep_text(breathing.hub, "SM-evening", PAT, "chest pain")
    down_for(breathing, 13)
    breathing.tick()
    assert any("call 911 now" in body for body in breathing.unread)
    assert "text-danger open" in breathing.home.alerts()


def test_whoever_answers_at_night_is_asked_the_next_at_once(talk: Talks) -> None:
    two_questions(talk)
    talk.until(19, 59, day=2)
    talk.reads(BREATHING_AGAIN)
    talk.sign(PRESSURE)
    talk.writes("1")
    talk.reads(BREATHING.removesuffix(" STOP to end."))


# Doubles -------------------------------------------------------------------------------------------------------------


def test_an_answer_that_comes_twice_is_none_to_the_next_question(talk: Talks) -> None:
    two_questions(talk)
    talk.home.clinic.clock.forward(MINUTE)
    keep_text(talk.hub, "SM-a", PAT, "1")
    keep_text(talk.hub, "SM-b", PAT, "1")
    talk.tick()
    assert talk.home.rows("conversation_answer", "step") == ["breathing"]
    assert talk.read_rows() == [("1", "check-in answer"), ("1", None)]
    talk.forward(MINUTE)
    talk.writes("2")
    assert talk.home.rows("conversation_answer", "step") == ["breathing", "legs"]


def test_a_question_asked_again_is_answered_before_it_left(talk: Talks) -> None:
    """The first time it was asked is on the phone."""
    talk.sign(PRESSURE)
    talk.until(15)
    talk.reads(ASKED)
    talk.home.clinic.clock.forward(MINUTE)
    keep_text(talk.hub, "SM-a", PAT, "wait")
    keep_text(talk.hub, "SM-b", PAT, "120/80")
    talk.tick()
    talk.reads(SAVED)
    assert talk.states() == ["answered"]


def test_a_correction_leaves_the_question_that_waits_open(talk: Talks) -> None:
    two_questions(talk)
    talk.forward(2 * HOUR + MINUTE)
    talk.reads(BREATHING_AGAIN)
    talk.writes("1")
    talk.forward(MINUTE)
    talk.writes("0")
    talk.forward(MINUTE)
    talk.writes("2")
    steps = talk.home.rows("conversation_answer", "step", "withdrawn_at")
    assert [(step, at is not None) for step, at in steps] == [("breathing", True), ("legs", False)]


def test_a_nought_that_was_brought_late_takes_no_later_answer_back(breathing: Talks) -> None:
    breathing.forward(5 * MINUTE)
    said = breathing.home.now
    breathing.forward(5 * MINUTE)
    breathing.writes("2")
    keep_text(breathing.hub, "SM-fetched", PAT, "0", received_at=said)
    breathing.tick()
    assert breathing.home.rows("conversation_answer", "withdrawn_at") == [None]


# Too late to be waited for -------------------------------------------------------------------------------------------


def test_much_worse_opens_its_alert_though_the_question_is_over(breathing: Talks) -> None:
    breathing.until(23, day=2)
    assert breathing.states() == ["expired"]
    breathing.unread.clear()
    breathing.writes("3")
    breathing.reads(COURTESY)
    assert RED in breathing.home.alerts()
    assert any("RED" in page for page in breathing.pages)
    assert breathing.read_rows() == [("3", None)]


def test_who_became_worse_after_the_answer_is_heard(breathing: Talks) -> None:
    breathing.writes("1")
    breathing.reads(SAVED)
    breathing.forward(3 * HOUR)
    breathing.writes("much worse")
    assert breathing.home.alerts() == [RED]


def test_much_worse_is_heard_while_something_else_is_asked(talk: Talks) -> None:
    talk.sign(DAILY, lambda d: d.update(expires="2 h", ask_again="119 min"))
    talk.sign(PRESSURE, lambda d: d.update(between=["12:00", "20:00"]))
    talk.until(17, 30, day=3)
    assert talk.states()[-1] == "open"
    talk.unread.clear()
    talk.writes("3")
    talk.reads(ASKED_AGAIN)
    assert RED in talk.home.alerts()


@pytest.mark.parametrize("body", ["1", "as usual", "7"])
def test_what_is_well_or_nothing_opens_nothing_late(breathing: Talks, body: str) -> None:
    breathing.until(23, day=2)
    breathing.writes(body)
    assert RED not in breathing.home.alerts()
    assert breathing.states() == ["expired"]


def test_a_day_later_an_option_is_a_text_like_any_other(talk: Talks) -> None:
    talk.sign(DAILY, lambda d: d["schedule"].update(days=["mon"]))
    talk.until(15, day=3)
    talk.writes("3")
    assert RED not in talk.home.alerts()


def test_a_red_answer_pages_through_an_acknowledgement(breathing: Talks) -> None:
    """SF13: much worse yesterday, seen to, and much worse again."""
    breathing.writes("3")
    breathing.reads(LOOKED_AT)
    ref = breathing.home.rows("alert", "ref")[0]
    ana = Actor("Ana Example", "nurse", 1)
    acknowledge(breathing.hub, ana, ref)
    record_contact(breathing.hub, ana, ref, "phone", reached=True)
    breathing.forward(2 * HOUR)
    breathing.pages.clear()
    breathing.writes("3")
    assert any("RED" in page for page in breathing.pages)
    assert breathing.home.rows("alert", "severity") == [int(Severity.RED)]


# Values that can hardly be -------------------------------------------------------------------------------------------


def test_what_can_hardly_be_is_asked_for_again_and_then_pages(talk: Talks) -> None:
    """SF1: nothing is rejected. The first time it may be a slip; the second time somebody looks."""
    talk.sign(PRESSURE)
    talk.until(15)
    talk.reads(ASKED)
    talk.writes("290/150")
    talk.reads(ASKED_AGAIN)
    assert talk.home.alerts() == []
    talk.writes("290/150")
    talk.reads(COURTESY)
    assert talk.home.alerts() == ["checkin-missed-pressure-pressure open"]
    assert any("RED" in page for page in talk.pages)
    assert talk.home.sentences() == ["The patient typed “290/150”: unconfirmed, may be a typing error"]
    assert talk.home.count("reading") == 0


def test_a_meter_without_a_number_pages_at_once(talk: Talks) -> None:
    step = {
        "id": "meter",
        "kind": "number",
        "metric": "blood_glucose",
        "units": ["mg/dL"],
        "ask": "{clinic}: which number does your meter show?",
        "ask_again": "{clinic}: reply with the number alone.",
    }
    talk.sign(DAILY, lambda d: d.update(steps=[step]))
    talk.until(14, day=2, every=MINUTE)
    talk.writes("LO")
    assert talk.home.alerts() == ["checkin-daily-breathing-meter open"]
    assert any("RED" in page for page in talk.pages)
