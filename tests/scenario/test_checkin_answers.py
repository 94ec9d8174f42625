"""What becomes of a patient's answer: a reading told apart, an alert, a correction; and what it may never do."""

import json
import threading
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from hub.adapters.sql.sample_rows import source
from hub.domain.severity import Severity
from hub.services.checkins.asking import Cause, ask
from hub.services.checkins.taking_back import WITHIN
from hub.services.engine.checkins import CheckIns
from hub.services.engine.texts import Texts
from hub.services.incoming.keeping import keep_text
from tests.scenario.talks import (
    ASKED,
    ASKED_AGAIN,
    BREATHING,
    DAILY,
    HOUR,
    LOOKED_AT,
    MINUTE,
    PAT,
    PRESSURE,
    SAVED,
    SHIPPED,
    TAKEN_BACK,
    Talks,
    talks,
)
from tests.unit.ingest.home import CUFF, pressure

TYPED = "patient_reported"


@pytest.fixture
def talk(tmp_path: Path) -> Iterator[Talks]:
    yield from talks(tmp_path)


@pytest.fixture
def asked(talk: Talks) -> Talks:
    """At ten in the morning, when the pressure is late."""
    talk.sign(PRESSURE)
    talk.until(15)
    talk.reads(ASKED)
    return talk


@pytest.fixture
def breathing(talk: Talks) -> Talks:
    talk.sign(DAILY)
    talk.until(14, day=2, every=MINUTE)
    talk.reads(BREATHING)
    return talk


def test_an_answer_is_a_reading_told_apart(asked: Talks) -> None:
    asked.writes("BP 120/80 pulse 72")
    asked.reads(SAVED)
    assert asked.values() == {
        "systolic_blood_pressure": (120, TYPED),
        "diastolic_blood_pressure": (80, TYPED),
        "pulse_rate": (72, TYPED),
    }
    assert asked.states() == ["answered"]
    assert {source(code) for code in asked.home.rows("reading", "source")} == {(None, "manual")}
    ((gateway, spool, device, flags, body),) = asked.home.rows(
        "journal", "gateway_id", "spool", "device", "flags", "body"
    )
    assert (gateway, spool, device, flags) == ("text", "inbound", f"patient:{asked.patient_id}", TYPED)
    (packet,) = json.loads(body)["reading"]["raw"]
    assert bytes.fromhex(packet["data"]).decode() == "BP 120/80 pulse 72"
    assert asked.read_rows() == [("BP 120/80 pulse 72", "check-in answer")]
    ((step, kept, journal_id),) = asked.home.rows("conversation_answer", "step", "value", "journal_id")
    assert (step, json.loads(kept)["systolic_blood_pressure"]) == ("pressure", "120")
    assert journal_id is not None


def test_an_answer_meets_the_slot_and_nobody_is_chased(asked: Talks) -> None:
    asked.writes("120/80")
    asked.tick()
    assert asked.slot()[0] == "due"
    asked.until(1, 10, day=4)
    assert "missing-systolic_blood_pressure open" not in asked.home.alerts()


def test_who_cannot_measure_is_thanked_and_the_silence_goes_its_way(asked: Talks) -> None:
    asked.writes("9")
    asked.reads(SAVED)
    asked.until(1, 10, day=4)
    assert "missing-systolic_blood_pressure open" in asked.home.alerts()


def test_a_typed_red_pages(asked: Talks) -> None:
    asked.writes("230/140")
    asked.reads(LOOKED_AT)
    assert asked.home.alerts() == ["blood-pressure-high open"]
    assert asked.home.rows("alert", "severity") == [int(Severity.RED)]
    assert any(page.startswith("Ana: Riverside RED") for page in asked.pages)
    assert not any("230" in page for page in asked.pages)


def test_a_typed_amber_opens_an_alert(asked: Talks) -> None:
    asked.writes("165/85")
    assert asked.home.alerts() == ["blood-pressure-high open"]
    assert asked.home.rows("alert", "severity") == [int(Severity.AMBER)]


def test_typed_values_close_nothing(talk: Talks) -> None:
    """SF11: two devices' readings half an hour apart do, and typed ones do not count among them."""
    talk.home.measures(pressure(165, 85), CUFF)
    assert talk.home.alerts() == ["blood-pressure-high open"]
    talk.forward(31 * MINUTE)
    talk.types("120/80")
    talk.forward(31 * MINUTE)
    talk.types("121/80")
    talk.forward(31 * MINUTE)
    talk.types("122/80")
    assert talk.home.alerts() == ["blood-pressure-high open"]
    talk.home.measures(pressure(120, 80), CUFF)
    assert talk.home.alerts() == ["blood-pressure-high open"]
    talk.forward(31 * MINUTE)
    talk.home.measures(pressure(121, 80), CUFF)
    assert talk.home.alerts() == ["blood-pressure-high closed"]


def test_a_typed_value_makes_no_red_old_news(talk: Talks) -> None:
    """A red that comes an hour late pages though the patient typed a normal value since (SF2)."""
    talk.types("120/80")
    talk.home.measures(pressure(190, 100), CUFF, old=HOUR, flags=["from_memory"])
    talk.tick()
    assert talk.home.alerts() == ["blood-pressure-high open"]
    assert talk.pages


def test_a_typed_value_is_no_valid_repeat(talk: Talks) -> None:
    """SF1: the cuff failed twice; what the patient types is no reading obtained."""
    for _ in range(2):
        talk.home.measures([], CUFF, flags=["measurement_failed"])
        talk.forward(5 * MINUTE, every=MINUTE)
    talk.types("120/80")
    talk.forward(20 * MINUTE, every=MINUTE)
    assert "no-valid-reading open" in talk.home.alerts()


def test_a_devices_repeat_is_one(talk: Talks) -> None:
    for _ in range(2):
        talk.home.measures([], CUFF, flags=["measurement_failed"])
        talk.forward(5 * MINUTE, every=MINUTE)
    talk.home.measures(pressure(120, 80), CUFF)
    talk.forward(20 * MINUTE, every=MINUTE)
    assert "no-valid-reading open" not in talk.home.alerts()


def test_a_typed_value_closes_the_silence_it_ends(talk: Talks) -> None:
    talk.until(2, day=4)
    assert "missing-systolic_blood_pressure open" in talk.home.alerts()
    talk.types("120/80")
    assert "missing-systolic_blood_pressure closed" in talk.home.alerts()


def test_a_nought_takes_a_mistyped_answer_back_and_asks_anew(asked: Talks) -> None:
    asked.writes("220/120")
    asked.reads(LOOKED_AT)
    asked.forward(5 * MINUTE, every=MINUTE)
    asked.writes("0")
    asked.reads(ASKED_AGAIN)
    assert asked.values()["systolic_blood_pressure"] == (220, f"{TYPED} withdrawn_by_patient")
    assert asked.home.alerts() == ["blood-pressure-high open"]  # a red stays for a person
    assert asked.states() == ["open"]
    asked.writes("120/80")
    asked.reads(SAVED)
    assert asked.values()["systolic_blood_pressure"] == (120, TYPED)
    assert [bool(at) for at in asked.home.rows("conversation_answer", "withdrawn_at")] == [True, False]
    assert [understood for _, understood in asked.read_rows()] == ["check-in answer"] * 3


def test_what_was_taken_back_is_waited_for_again(asked: Talks) -> None:
    asked.writes("120/80")
    asked.tick()
    _, next_due = asked.slot()
    asked.writes("0")
    assert asked.slot()[1] < next_due
    assert asked.slot()[0] == "late"
    asked.until(1, 10, day=4)
    assert "missing-systolic_blood_pressure open" in asked.home.alerts()


def test_it_is_waited_for_again_whatever_it_was_asked_for(talk: Talks) -> None:
    def every_morning(document: dict[str, Any]) -> None:
        del document["missing"]
        document["schedule"] = {"at": "09:00"}

    talk.sign(PRESSURE, every_morning)
    talk.until(14, 10)
    due = talk.slot()
    talk.writes("120/80")
    talk.tick()
    assert talk.slot()[1] > due[1]
    talk.writes("0")
    assert talk.slot() == due


def test_a_correction_counts_as_the_one_time_something_is_asked_anew(asked: Talks) -> None:
    asked.writes("120/80")
    asked.writes("0")
    asked.writes("130/80")
    asked.reads(SAVED, ASKED_AGAIN, SAVED)
    asked.writes("0")
    asked.reads(TAKEN_BACK)
    assert asked.values()["systolic_blood_pressure"][1] == f"{TYPED} withdrawn_by_patient"
    assert asked.states() == ["answered"]
    assert asked.read_rows()[-1] == ("0", None)  # no answer stands and none is asked for: a person has to


def test_after_half_an_hour_a_nought_is_a_text_like_any_other(asked: Talks) -> None:
    asked.writes("120/80")
    asked.reads(SAVED)
    asked.forward(WITHIN + MINUTE)
    asked.writes("0")
    assert asked.read_rows()[-1] == ("0", None)
    assert asked.values()["systolic_blood_pressure"] == (120, TYPED)


def test_a_nought_before_any_answer_is_none(asked: Talks) -> None:
    asked.writes("0")
    asked.reads(ASKED_AGAIN)
    assert asked.read_rows() == [("0", None)]


@pytest.mark.parametrize("body", ["1", "as usual", "1."])
def test_a_choice_that_is_well_opens_nothing(breathing: Talks, body: str) -> None:
    breathing.writes(body)
    breathing.reads(SAVED)
    assert breathing.home.alerts() == []
    assert breathing.home.rows("conversation_answer", "value", "journal_id") == [('"1"', None)]


def test_a_choice_may_be_amber(breathing: Talks) -> None:
    breathing.writes("a bit worse")
    breathing.reads(LOOKED_AT)
    assert breathing.home.rows("alert", "problem", "severity", "kind", "signed_off") == [
        ("checkin-daily-breathing-breathing", int(Severity.AMBER), "clinical", True)
    ]
    assert breathing.home.sentences() == ["Breathing is a bit worse than usual, says the patient by text"]


def test_a_choice_that_is_red_pages_at_once(breathing: Talks) -> None:
    breathing.writes("3")
    breathing.reads(LOOKED_AT)
    assert breathing.home.rows("alert", "severity") == [int(Severity.RED)]
    assert any(page.startswith("Ana: Riverside RED") for page in breathing.pages)


def test_a_red_answer_stays_though_the_next_is_well(breathing: Talks) -> None:
    breathing.writes("3")
    breathing.writes("0")
    breathing.writes("1")
    assert breathing.home.alerts() == ["checkin-daily-breathing-breathing open"]


def test_several_questions_follow_one_another(talk: Talks) -> None:
    steps = SHIPPED[PRESSURE].document["steps"]
    assert isinstance(steps, list)
    talk.sign(DAILY, lambda d: d["steps"].insert(0, steps[0]))
    talk.until(14, day=2, every=MINUTE)
    talk.reads(ASKED)
    talk.writes("120/80")
    talk.reads(BREATHING.removesuffix(" STOP to end."))
    talk.writes("2")
    talk.reads(LOOKED_AT)
    assert talk.states() == ["answered"]
    assert talk.home.rows("conversation_answer", "step") == ["pressure", "breathing"]


def test_a_typed_answer_that_meets_the_slot_does_not_end_the_questions_after_it(talk: Talks) -> None:
    steps = SHIPPED[DAILY].document["steps"]
    assert isinstance(steps, list)
    talk.sign(PRESSURE, lambda d: d["steps"].append(steps[0]))
    talk.until(15)
    talk.reads(ASKED)
    talk.writes("120/80")
    talk.tick()
    assert (talk.slot()[0], talk.states()) == ("due", ["open"])
    talk.reads(BREATHING.removesuffix(" STOP to end."))
    talk.writes("1")
    talk.reads(SAVED)
    assert talk.states() == ["answered"]


def test_a_correction_does_not_disturb_the_next_question(talk: Talks) -> None:
    """0 is about the last answer, whatever is being asked by then."""
    talk.sign(PRESSURE)
    talk.until(15)
    talk.sign(DAILY, lambda d: d["schedule"].update(at="11:00"))
    talk.until(16)
    talk.writes("120/80")
    talk.reads(ASKED, SAVED, BREATHING)
    talk.writes("0")
    talk.reads(TAKEN_BACK)
    assert talk.values()["systolic_blood_pressure"][1] == f"{TYPED} withdrawn_by_patient"
    talk.writes("1")
    talk.reads(SAVED)
    assert talk.states() == ["answered", "answered"]


def test_nobody_is_asked_by_what_no_clinician_signed(talk: Talks) -> None:
    """SF21: in production an unsigned copy asks nobody, and a new file changes nothing until it is signed."""
    talk.sign(DAILY, by=None)
    talk.until(15, day=2)
    talk.reads()
    assert talk.states() == []


def test_a_conversation_keeps_the_copy_it_began_with(breathing: Talks) -> None:
    """SF21: a copy signed meanwhile is asked the next time."""
    other = "{clinic}: how is your breathing? Reply 1 fine, 2 worse, 3 much worse. Very unwell? Call {emergency}."

    def change(document: dict[str, object]) -> None:
        document["version"] = 2
        steps = document["steps"]
        assert isinstance(steps, list)
        steps[0]["ask"] = other

    breathing.sign(DAILY, change)
    breathing.writes("as usual")
    breathing.reads(SAVED)
    breathing.until(14, day=3)
    breathing.reads(other.replace("{clinic}", "Riverside").replace("{emergency}", "911") + " STOP to end.")


def test_one_cause_asks_once(talk: Talks) -> None:
    talk.sign(PRESSURE)
    with talk.hub.unit_of_work() as uow:
        patient, in_force = uow.patients.get(talk.patient_id), uow.checkins.current(PRESSURE)
        assert in_force is not None
        now = talk.home.now + HOUR
        cause = Cause("missing", "missing:1:1:x:2026-03-02T13:00:00+00:00", now)
        assert ask(uow, talk.hub, patient, in_force, cause, now) is not None
        assert ask(uow, talk.hub, patient, in_force, cause, now) is None
        assert len(uow.outbox.of_conversation(1)) == 1


def test_an_answer_and_the_end_of_the_waiting_at_once_lose_nothing(asked: Talks) -> None:
    """Two workers: one handles the text, the other ends the conversation. Whoever is first, the text is kept."""
    asked.until(18, 59, every=4 * HOUR)
    asked.home.clinic.clock.forward(3 * HOUR)
    keep_text(asked.hub, "SM-race", PAT, "120/80")
    start = threading.Barrier(2)

    def run(module: Texts | CheckIns) -> None:
        start.wait()
        module.run(asked.hub, asked.home.now)

    workers = [threading.Thread(target=run, args=[module]) for module in (Texts(), CheckIns())]
    for worker in workers:
        worker.start()
    for worker in workers:
        worker.join()
    asked.tick()
    end = asked.states()[0], asked.read_rows(), asked.home.count("reading")
    assert end in [
        ("answered", [("120/80", "check-in answer")], 2),
        ("expired", [("120/80", None)], 0),
    ]


def test_an_answer_and_a_devices_reading_at_one_instant_are_both_kept(asked: Talks) -> None:
    asked.home.measures(pressure(150, 80), CUFF)
    asked.writes("120/80")
    asked.reads(SAVED)
    assert asked.states() == ["answered"]
    assert asked.home.count("reading") == 4
    assert asked.slot()[0] == "due"
