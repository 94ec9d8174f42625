"""Patients are asked by text: when, how often, and what ends it. Real SQLite, moved time, nobody waits."""

import threading
from collections.abc import Iterator
from contextlib import suppress
from pathlib import Path
from typing import Any

import pytest

from hub.domain.patients import EndReason
from hub.errors import Transient
from hub.services import enrolment
from hub.services.engine import checkins
from hub.services.engine.checkins import CheckIns
from hub.services.engine.missing import Missing
from hub.services.ports.base import Delivery as Told
from tests.scenario.talks import (
    ASKED,
    ASKED_AGAIN,
    BREATHING,
    BREATHING_AGAIN,
    COURTESY,
    DAILY,
    DAY,
    HOUR,
    MINUTE,
    PAT,
    PRESSURE,
    SAVED,
    Talks,
    talks,
)
from tests.unit.ingest.home import ADMIN, CUFF, pressure, pulse


@pytest.fixture
def talk(tmp_path: Path) -> Iterator[Talks]:
    yield from talks(tmp_path)


def between(opens: str, closes: str) -> Any:
    return lambda document: document.update(between=[opens, closes])


def test_a_late_pressure_is_asked_for_once(talk: Talks) -> None:
    talk.sign(PRESSURE)
    talk.until(14)
    talk.reads()
    talk.until(15)
    talk.reads(ASKED)
    talk.until(16)
    talk.reads()


def test_only_of_patients_on_a_protocol_it_is_for(talk: Talks) -> None:
    talk.sign(PRESSURE, lambda d: d.update({"for": ["hypertension"]}))
    talk.until(16)
    talk.reads()


def test_what_was_measured_is_not_asked_for(talk: Talks) -> None:
    talk.sign(PRESSURE)
    talk.until(13)
    talk.home.measures(pressure(120, 80), CUFF)
    talk.until(18)
    talk.reads()


def test_a_gateway_that_is_away_is_not_the_patients_silence(talk: Talks) -> None:
    talk.sign(PRESSURE)
    talk.home.status()
    talk.until(14)
    talk.home.status(online=False)
    talk.until(17)
    talk.reads()
    talk.home.status()
    talk.forward(14 * MINUTE)
    talk.reads()
    talk.forward(20 * MINUTE)
    talk.reads(ASKED)


def test_nobody_is_asked_without_consent(talk: Talks) -> None:
    talk.sign(PRESSURE)
    talk.sign(DAILY)
    with talk.hub.unit_of_work() as uow:
        uow.consents.revoke(talk.patient_id, "sms", "paper", "Ana Example", talk.home.now)
        uow.commit()
    talk.until(18)
    talk.reads()
    assert talk.states() == []
    assert talk.questions() == []


def test_nobody_is_asked_on_a_phone_that_two_patients_share(talk: Talks) -> None:
    talk.sign(PRESSURE)
    talk.home.enrol("A2", "Sam Invented", phone=PAT)
    talk.until(16)
    talk.reads()


def test_at_night_the_question_waits_for_the_morning(talk: Talks) -> None:
    talk.sign(PRESSURE, between("12:00", "20:00"))
    talk.until(16, 50)
    talk.reads()
    assert talk.questions() == ["pending"]
    talk.until(17)
    talk.reads(ASKED)


def test_what_would_be_too_old_in_the_morning_is_not_asked(talk: Talks) -> None:
    talk.sign(PRESSURE, between("08:00", "09:30"))
    talk.until(18)
    assert talk.states() == []


def test_silence_is_asked_about_once_and_then_it_is_over(talk: Talks) -> None:
    talk.sign(PRESSURE)
    talk.until(15)
    talk.reads(ASKED)
    talk.until(16, 50)
    talk.reads()
    talk.until(17, 10, every=MINUTE)
    talk.reads(ASKED_AGAIN)
    talk.until(20, 50)
    assert talk.states() == ["open"]
    talk.until(21, 20)
    assert talk.states() == ["expired"]
    talk.reads()
    assert talk.home.alerts() == []
    talk.until(1, 10, day=4)
    assert "missing-systolic_blood_pressure open" in talk.home.alerts()


def test_silence_counts_from_when_the_question_left(talk: Talks) -> None:
    """Written at 10:00, it leaves at 12:00: 14:00 asks again, not noon."""
    talk.sign(PRESSURE, between("12:00", "20:00"))
    talk.until(17)
    talk.reads(ASKED)
    talk.until(18, 50)
    talk.reads()
    talk.until(19, 10)
    talk.reads(ASKED_AGAIN)


def test_silence_counts_from_when_the_provider_took_it(talk: Talks) -> None:
    talk.sign(PRESSURE)
    talk.home.clinic.phones.behaves[PAT] = lambda: Told("failed", error="busy")
    talk.until(14)
    talk.until(15, every=HOUR)
    assert talk.questions() == ["pending"]
    del talk.home.clinic.phones.behaves[PAT]
    talk.until(15, 30, every=30 * MINUTE)
    talk.reads(ASKED)
    talk.until(17, 20)
    talk.reads()
    talk.until(17, 40)
    talk.reads(ASKED_AGAIN)


def test_a_question_that_failed_is_over_and_the_silence_goes_its_way(talk: Talks) -> None:
    talk.sign(PRESSURE)
    talk.home.clinic.phones.behaves[PAT] = lambda: Told("failed", error="30006", permanent=True)
    talk.until(15, 10)
    assert talk.states() == ["not_sent"]
    talk.until(1, 10, day=4)
    assert "missing-systolic_blood_pressure open" in talk.home.alerts()


def test_a_question_that_may_have_left_is_waited_for_like_any_other(talk: Talks) -> None:
    talk.sign(PRESSURE)
    talk.home.clinic.phones.behaves[PAT] = lambda: Told("unknown", error="timeout")
    talk.until(15)
    assert talk.questions() == ["unknown"]
    del talk.home.clinic.phones.behaves[PAT]
    talk.until(17, 10)
    talk.reads(ASKED_AGAIN)
    talk.writes("120/80")
    talk.reads(SAVED)


def test_a_device_that_measures_meanwhile_ends_it(talk: Talks) -> None:
    talk.sign(PRESSURE)
    talk.until(15)
    talk.reads(ASKED)
    talk.home.measures(pressure(120, 80), CUFF)
    talk.tick()
    assert talk.states() == ["measured"]
    talk.writes("120/80")
    assert talk.read_rows() == [("120/80", None)]


def test_a_device_that_measures_before_it_left_cancels_the_question(talk: Talks) -> None:
    talk.sign(PRESSURE, between("12:00", "20:00"))
    talk.until(16)
    talk.home.measures(pressure(120, 80), CUFF)
    talk.until(18)
    talk.reads()
    assert (talk.states(), talk.questions()) == (["measured"], ["cancelled"])


def test_what_comes_before_the_question_left_is_no_answer_to_it(talk: Talks) -> None:
    talk.sign(PRESSURE, between("12:00", "20:00"))
    talk.until(16)
    talk.writes("9")
    assert talk.read_rows() == [("9", None)]
    assert talk.states() == ["open"]


def test_what_is_no_answer_is_asked_again_and_then_a_person_reads_it(talk: Talks) -> None:
    talk.sign(PRESSURE)
    talk.until(15)
    talk.reads(ASKED)
    talk.writes("about 120 I think")
    talk.reads(ASKED_AGAIN)
    talk.writes("80/120")
    talk.reads(COURTESY)
    assert talk.states() == ["not_understood"]
    assert talk.read_rows() == [("about 120 I think", None), ("80/120", None)]
    assert talk.home.count("reading") == 0


def test_the_hour_asks_in_the_patients_own_zone_on_the_day_the_clock_changes(talk: Talks) -> None:
    talk.sign(DAILY)
    talk.until(14, day=7)
    talk.unread.clear()
    talk.until(12, 50, day=8)
    talk.reads(BREATHING_AGAIN)
    talk.until(13, day=8)
    talk.reads(BREATHING)
    asked = talk.home.rows("conversation", "asked_at")
    assert [f"{at:%d %H:%M}" for at in asked[-2:]] == ["07 14:00", "08 13:00"]


def test_a_worker_that_was_down_asks_nothing_that_is_too_old(talk: Talks) -> None:
    talk.sign(DAILY)
    talk.until(14, day=2)
    talk.reads(BREATHING)
    talk.home.clinic.clock.forward(DAY + 4 * HOUR)
    talk.tick()
    talk.reads()
    talk.until(14, 10, day=4)
    talk.reads(BREATHING)


def test_a_second_cause_waits_for_the_first_conversation_and_not_for_ever(talk: Talks) -> None:
    talk.sign(PRESSURE)
    talk.sign(DAILY, lambda d: d["schedule"].update(at="11:00"))
    talk.until(16, 10, day=2)
    talk.reads(BREATHING)
    talk.writes("1")
    talk.reads(SAVED)
    talk.until(15, day=3)
    talk.until(16, 50, day=3)
    talk.reads(ASKED)
    talk.writes("120/80")
    talk.reads(SAVED, BREATHING)


def test_three_questions_a_day_are_enough(talk: Talks) -> None:
    for name, hour in (("one", "09:00"), ("two", "10:00"), ("three", "11:00"), ("four", "12:00")):
        talk.sign(DAILY, lambda d, name=name, hour=hour: (d.update(id=name), d["schedule"].update(at=hour)))  # type: ignore[misc]
    for hour in (14, 15, 16):
        talk.until(hour, 10, day=2)
        talk.reads(BREATHING)
        talk.writes("1")
        talk.reads(SAVED)
    talk.until(23, day=2)
    talk.reads()
    talk.until(14, 10, day=3)
    talk.reads(BREATHING)


def test_an_unanswered_question_of_the_day_is_an_alert_that_the_next_answer_closes(talk: Talks) -> None:
    talk.sign(DAILY)
    talk.until(14, day=2, every=MINUTE)
    talk.until(22, 20, day=2)
    talk.reads(BREATHING, BREATHING_AGAIN)
    assert talk.home.alerts() == ["missing-checkin-daily-breathing open"]
    assert talk.home.rows("alert", "severity", "kind") == [(1, "missing")]
    assert talk.home.sentences() == ["No answer: Breathing today, asked Mon 02 Mar 09:00, and no answer came"]
    talk.until(14, 10, day=3)
    talk.reads(BREATHING)
    talk.writes("1")
    assert talk.home.alerts()[0] == "missing-checkin-daily-breathing closed"


def test_silence_after_an_amber_is_one_worse(talk: Talks) -> None:
    talk.sign(DAILY)
    talk.home.measures(pulse(115), "AA:BB:CC:00:00:02")
    talk.until(14, 10, day=2)
    talk.until(22, 20, day=2)
    assert (2, "missing") in talk.home.rows("alert", "severity", "kind")


def test_a_question_of_the_day_that_never_left_is_an_alert_too(talk: Talks) -> None:
    talk.sign(DAILY)
    talk.home.clinic.phones.behaves[PAT] = lambda: Told("failed", error="30003", permanent=True)
    talk.until(14, 10, day=2)
    assert talk.states() == ["not_sent"]
    assert "missing-checkin-daily-breathing open" in talk.home.alerts()
    assert "the text did not leave" in talk.home.sentences()[0]


def test_who_is_paused_is_asked_nothing_and_who_is_back_is_asked_from_then_on(talk: Talks) -> None:
    talk.sign(DAILY)
    talk.sign(PRESSURE, between("12:00", "20:00"))
    talk.until(16)
    talk.unread.clear()
    assert "open" in talk.states()
    enrolment.pause(talk.hub, ADMIN, talk.patient_id, "in hospital", talk.home.now + 2 * DAY)
    assert talk.states()[-1] == "cancelled"
    assert "pending" not in talk.questions()
    talk.until(16, day=4)
    talk.reads()
    assert talk.home.count("checkin_due") == 0
    enrolment.resume(talk.hub, ADMIN, talk.patient_id)
    talk.until(14, 10, day=5)
    talk.reads(BREATHING)


def test_who_has_ended_is_asked_nothing_more(talk: Talks) -> None:
    talk.sign(DAILY)
    talk.until(14, 10, day=2)
    talk.reads(BREATHING)
    enrolment.end(talk.hub, ADMIN, talk.patient_id, EndReason.MOVED)
    assert talk.states() == ["cancelled"]
    talk.until(16, day=4)
    talk.reads()
    assert talk.home.count("checkin_due") == 0


def test_two_workers_ask_once(talk: Talks) -> None:
    """Both find the same rows due; whoever is second finds them done."""
    talk.sign(DAILY)
    talk.sign(PRESSURE)
    talk.until(14, day=2)
    for module in (CheckIns(), Missing()):
        talk.home.clinic.clock.forward(DAY + HOUR)
        together(talk, module)
    talk.forward(5 * MINUTE, every=MINUTE)
    assert len(talk.questions()) == len(set(talk.home.rows("outbox", "dedupe")))
    assert sorted(talk.states()).count("open") <= 1
    open_for = together(talk, CheckIns())
    talk.home.clinic.clock.forward(2 * HOUR)
    together(talk, CheckIns())
    talk.tick()
    assert open_for == []
    assert max(talk.home.rows("conversation", "prompts")) <= 1


def test_a_conversation_that_has_to_wait_holds_up_no_question(talk: Talks, monkeypatch: pytest.MonkeyPatch) -> None:
    """The conversations are somebody else's: of one patient the next question waits in any case."""
    talk.sign(DAILY)
    really = checkins.one_by_one

    def waits_first(*given: Any) -> int:
        monkeypatch.setattr(checkins, "one_by_one", really)
        raise Transient("the conversation changed meanwhile")

    monkeypatch.setattr(checkins, "one_by_one", waits_first)
    talk.home.clinic.clock.forward(2 * HOUR)
    with pytest.raises(Transient):
        CheckIns().run(talk.hub, talk.home.now)
    assert talk.home.count("conversation") == 1


def together(talk: Talks, module: Any) -> list[BaseException]:
    """Run a module in two threads at once; what it raised, but for what the next tick tries again."""
    start, failed = threading.Barrier(2), []

    def run() -> None:
        start.wait()
        try:
            with suppress(Transient):
                module.run(talk.hub, talk.home.now)
        except BaseException as error:  # noqa: BLE001 - a thread's failure must be seen
            failed.append(error)

    threads = [threading.Thread(target=run) for _ in range(2)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    return failed


def test_a_late_reading_is_asked_for_when_the_question_of_the_day_is_over(talk: Talks) -> None:
    """One conversation at a time, and none is forgotten for another."""
    talk.sign(DAILY)
    talk.sign(PRESSURE)
    talk.until(14, day=3)
    talk.unread.clear()
    talk.until(15, 10)
    talk.reads()
    talk.writes("1")
    talk.reads(SAVED)
    talk.forward(20 * MINUTE)
    talk.reads(ASKED)
