"""Texts that come in: STOP from everybody and in every form, HELP, START, and nothing is ever lost (SF16)."""

from collections.abc import Iterator
from dataclasses import replace
from pathlib import Path

import pytest
from sqlalchemy import select, update

from hub.adapters.sql.tables.alerting import inbound
from hub.adapters.sql.tables.people import patient as patient_table
from hub.domain.patients import Patient
from hub.errors import Transient
from hub.services import consents
from hub.services.engine.delivery import Delivery
from hub.services.engine.texts import Texts
from hub.services.hub import Actor
from hub.services.incoming.handling import handle
from hub.services.incoming.keeping import keep_text
from hub.services.ports.base import Delivery as Told
from tests.scenario.texted import (
    COURTESY,
    HELPED,
    MINUTE,
    PAT,
    SAFETY,
    STARTED,
    STOPPED,
    STRANGER,
    WORDING,
    agrees,
    patients_only,
    queue,
    stands,
    tasks,
    unread,
    waiting,
)
from tests.unit.alerting.clinic import ANA, SITE, Clinic, Killed, clinics


@pytest.fixture
def clinic(tmp_path: Path) -> Iterator[Clinic]:
    yield from clinics(tmp_path, replace(SITE, clinic_phone="5550100"))


@pytest.fixture
def ana(clinic: Clinic) -> Actor:
    return clinic.staff("Ana Invented", ANA)


@pytest.fixture
def pat(clinic: Clinic, ana: Actor) -> Patient:
    return agrees(clinic, ana, clinic.patient(phone=PAT, care_manager_id=ana.staff_id))


# STOP ----------------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    "body",
    [
        *(
            "stop",
            "STOPALL",
            "Unsubscribe",
            "cancel",
            "END",
            "quit",
            "revoke",
            "optout",
            "opt out",
            "Opt-out.",
            "STOP!",
        ),
        *("please stop texting me", "don't text me any more", "take me off this list", "no more messages please"),
    ],
)
def test_every_way_of_saying_stop_ends_texts(clinic: Clinic, ana: Actor, pat: Patient, body: str) -> None:
    queue(clinic, pat, after=MINUTE)
    assert clinic.text(PAT, body) == [(PAT, STOPPED)]
    assert not stands(clinic, pat)
    assert clinic.forward(5) == []
    assert clinic.outbox() == [("checkin", "cancelled"), ("answer", "accepted")]
    assert tasks(clinic) == [(pat.id, ana.staff_id, "Wants no more texts")]
    assert unread(clinic) == []
    with clinic.hub.unit_of_work() as uow:
        (line,) = uow.consents.of_patient(pat.id)
    word = "own words by text" if len(body.split()) > 2 else "text"
    assert (line.revoked_source, line.revoked_by) == (word, "the patient")


@pytest.mark.parametrize("body", ["it won't stop", "my breathing does not stop hurting", "should I stop my tablets?"])
def test_what_is_not_clearly_about_texts_is_left_to_a_person(clinic: Clinic, pat: Patient, body: str) -> None:
    clinic.text(PAT, body)
    assert stands(clinic, pat)
    assert unread(clinic) == [(pat.id, body)]


def test_where_the_provider_answers_the_word_the_hub_does_not(clinic: Clinic, pat: Patient) -> None:
    clinic.phones.answers_keywords = True
    assert clinic.text(PAT, " stop ") == []
    assert not stands(clinic, pat)
    assert clinic.text(PAT, "HELP") == []
    assert clinic.text(PAT, "START") == []
    assert stands(clinic, pat)
    assert clinic.text(PAT, "please stop texting me") == [(PAT, STOPPED)]
    assert unread(clinic) == [(pat.id, "HELP")]


def test_the_providers_word_that_it_was_a_stop_counts(clinic: Clinic, pat: Patient) -> None:
    keep_text(clinic.hub, "SM1", PAT, "arret", opt_out="STOP")
    assert clinic.tick() == []
    assert not stands(clinic, pat)


def test_a_household_stops_texts_to_everybody_in_it(clinic: Clinic, ana: Actor, pat: Patient) -> None:
    other = agrees(clinic, ana, clinic.patient(mrn="B2", phone=PAT))
    queue(clinic, pat, "to one", MINUTE)
    queue(clinic, other, "to the other", MINUTE)
    assert clinic.text(PAT, "STOP") == [(PAT, STOPPED)]
    assert not stands(clinic, pat)
    assert not stands(clinic, other)
    assert clinic.forward(5) == []
    assert [patient_id for patient_id, _, _ in tasks(clinic)] == [pat.id, other.id]


def test_what_else_a_household_writes_is_nobodys(clinic: Clinic, ana: Actor, pat: Patient) -> None:
    agrees(clinic, ana, clinic.patient(mrn="B2", phone=PAT))
    assert clinic.text(PAT, "good morning") == []
    clinic.text(PAT, "STOP")
    assert clinic.text(PAT, "START") == []
    assert unread(clinic) == [(None, "good morning"), (None, "START")]
    assert not stands(clinic, pat)


def test_a_stop_while_a_text_is_being_sent(clinic: Clinic, pat: Patient) -> None:
    """That text may be on the phone by then; no other one follows."""

    def stop_meanwhile() -> Told:
        keep_text(clinic.hub, "SM-stop", PAT, "STOP")
        Texts().run(clinic.hub, clinic.now)
        del clinic.phones.behaves[PAT]
        return Told("accepted", "sid-1")

    queue(clinic, pat, "first")
    queue(clinic, pat, "second")
    clinic.phones.behaves[PAT] = stop_meanwhile
    assert clinic.tick() == [(PAT, STOPPED)]
    assert clinic.outbox() == [("checkin", "accepted"), ("checkin", "cancelled"), ("answer", "accepted")]


def test_a_text_being_sent_that_did_not_leave_is_not_tried_again_after_stop(clinic: Clinic, pat: Patient) -> None:
    def stop_and_fail() -> Told:
        keep_text(clinic.hub, "SM-stop", PAT, "STOP")
        Texts().run(clinic.hub, clinic.now)
        del clinic.phones.behaves[PAT]
        return Told("failed", error="20429")

    queue(clinic, pat)
    clinic.phones.behaves[PAT] = stop_and_fail
    assert clinic.tick() == [(PAT, STOPPED)]
    assert clinic.forward(5) == []
    assert clinic.outbox()[0] == ("checkin", "cancelled")


def test_stop_twice_is_one_task(clinic: Clinic, pat: Patient) -> None:
    clinic.text(PAT, "STOP")
    assert clinic.text(PAT, "STOP") == [(PAT, STOPPED)]
    assert len(tasks(clinic)) == 1


def test_a_stranger_who_says_stop_is_read_by_a_person(clinic: Clinic, ana: Actor) -> None:
    assert clinic.text(STRANGER, "STOP") == []
    assert unread(clinic) == [(None, "STOP")]


# HELP and START ------------------------------------------------------------------------------------------------------


def test_help_is_answered_without_consent(clinic: Clinic, ana: Actor) -> None:
    patient = clinic.patient(phone=PAT)
    assert clinic.text(PAT, "HELP") == [(PAT, HELPED)]
    assert clinic.text(STRANGER, "info") == [(STRANGER, HELPED)]
    assert unread(clinic) == [(patient.id, "HELP")]


@pytest.mark.parametrize("provider", [True, False])
def test_a_person_reads_a_patients_help_whoever_answers_it(clinic: Clinic, pat: Patient, *, provider: bool) -> None:
    clinic.phones.answers_keywords = provider
    clinic.text(PAT, "help")
    assert unread(clinic) == [(pat.id, "help")]


@pytest.mark.parametrize("word", ["START", "yes", "Unstop"])
def test_start_gives_again_what_stop_took(clinic: Clinic, pat: Patient, word: str) -> None:
    clinic.text(PAT, "STOP")
    assert clinic.text(PAT, word) == [(PAT, STARTED)]
    assert stands(clinic, pat)
    with clinic.hub.unit_of_work() as uow:
        given, ended = uow.consents.of_patient(pat.id)
    assert (given.wording, given.source, given.phone) == (WORDING, "text", PAT)
    assert ended.revoked_source == "text"


def test_a_start_that_was_brought_late_does_not_undo_the_stop_after_it(clinic: Clinic, pat: Patient) -> None:
    clinic.text(PAT, "STOP")
    clinic.clock.forward(10 * MINUTE)
    began = clinic.now - 9 * MINUTE
    clinic.clock.forward(MINUTE)
    clinic.text(PAT, "please stop texting me")
    keep_text(clinic.hub, "SM-fetched", PAT, "START", received_at=began)
    clinic.tick()
    assert not stands(clinic, pat)
    assert unread(clinic) == [(pat.id, "START")]


def test_stop_and_start_found_at_once_leave_what_was_said_last(clinic: Clinic, pat: Patient) -> None:
    """The worker was down for both."""
    keep_text(clinic.hub, "SM-1", PAT, "STOP")
    clinic.clock.forward(MINUTE)
    keep_text(clinic.hub, "SM-2", PAT, "START")
    clinic.clock.forward(60 * MINUTE)
    clinic.tick()
    assert stands(clinic, pat)


def test_start_lifts_what_the_providers_refusal_ended(clinic: Clinic, pat: Patient) -> None:
    clinic.phones.behaves[PAT] = lambda: Told("failed", error="21610", permanent=True)
    queue(clinic, pat)
    clinic.tick()
    assert not stands(clinic, pat)
    del clinic.phones.behaves[PAT]
    clinic.text(PAT, "START")
    assert stands(clinic, pat)


def test_nobody_is_opted_in_who_never_consented(clinic: Clinic, ana: Actor) -> None:
    patient = clinic.patient(phone=PAT)
    for word in ("START", "YES"):
        assert clinic.text(PAT, word) == []
    assert not stands(clinic, patient)
    assert unread(clinic) == [(patient.id, "START"), (patient.id, "YES")]


@pytest.mark.parametrize("ends", ["revoke", "number"])
def test_start_gives_nothing_that_a_person_ended(clinic: Clinic, ana: Actor, pat: Patient, ends: str) -> None:
    if ends == "revoke":
        consents.revoke(clinic.hub, ana, pat.id, "sms", "spoken")
    else:
        consents.set_phone(clinic.hub, ana, pat.id, STRANGER)
        consents.set_phone(clinic.hub, ana, pat.id, PAT)
    assert clinic.text(PAT, "START") == []
    assert not stands(clinic, pat)


# Everything else -----------------------------------------------------------------------------------------------------


def test_courtesy_at_most_once_a_day(clinic: Clinic, pat: Patient) -> None:
    assert clinic.text(PAT, "when is my appointment?") == [(PAT, COURTESY)]
    clinic.forward(23 * 60, every=60)
    assert clinic.text(PAT, "hello?") == []
    clinic.forward(61, every=61)
    assert clinic.text(PAT, "hello again") == [(PAT, COURTESY)]
    assert [body for _, body in unread(clinic)] == ["when is my appointment?", "hello?", "hello again"]


def test_courtesy_needs_consent(clinic: Clinic, ana: Actor) -> None:
    clinic.patient(phone=PAT)
    assert clinic.text(PAT, "good morning") == []


def test_two_machines_do_not_answer_each_other_for_ever(clinic: Clinic, pat: Patient) -> None:
    answers = [answer for _ in range(30) for answer in patients_only(clinic.text(PAT, "HELP"))]
    assert len(answers) == 10
    answers = [answer for _ in range(30) for answer in patients_only(clinic.text(STRANGER, "help me"))]
    assert len(answers) == 10
    clinic.text(PAT, "STOP")
    assert not stands(clinic, pat)


def test_a_text_told_twice_by_the_provider_acts_once(clinic: Clinic, pat: Patient) -> None:
    assert keep_text(clinic.hub, "SM1", PAT, "chest pain")
    assert not keep_text(clinic.hub, "SM1", PAT, "chest pain")
    assert patients_only(clinic.tick()) == [(PAT, SAFETY)]
    assert not keep_text(clinic.hub, "SM1", PAT, "chest pain")
    assert patients_only(clinic.tick()) == []
    assert clinic.transitions() == ["OPEN-1", "ESC-1"]


def test_two_workers_that_found_the_same_text_handle_it_once(clinic: Clinic, pat: Patient) -> None:
    keep_text(clinic.hub, "SM1", PAT, "chest pain")
    with clinic.hub.unit_of_work() as uow:
        (row,) = uow.outbox.inbound.unhandled(10)
    for _ in range(2):
        with clinic.hub.unit_of_work() as uow:
            handle(uow, clinic.hub, *row, clinic.now)
            uow.commit()
    assert clinic.transitions() == ["OPEN-1", "ESC-1"]
    assert patients_only(clinic.tick()) == [(PAT, SAFETY)]


def test_a_worker_killed_while_it_handles_a_text_loses_and_doubles_nothing(clinic: Clinic, pat: Patient) -> None:
    class Dies:
        def ref(self) -> str:
            raise Killed

    keep_text(clinic.hub, "SM1", PAT, "chest pain, stop texting me")
    with pytest.raises(Killed):
        Texts().run(replace(clinic.hub, ids=Dies()), clinic.now)  # type: ignore[arg-type]
    assert waiting(clinic) == 1
    assert stands(clinic, pat)
    assert clinic.outbox() == []
    assert patients_only(clinic.tick()) == [(PAT, SAFETY), (PAT, STOPPED)]
    assert clinic.all_alerts() == ["text-danger open"]


def test_a_worker_killed_after_it_handled_a_text_answers_once(clinic: Clinic, pat: Patient) -> None:
    keep_text(clinic.hub, "SM1", PAT, "STOP")
    Texts().run(clinic.hub, clinic.now)  # and dies before it sends
    assert clinic.phones.drain() == []
    assert clinic.tick() == [(PAT, STOPPED)]
    assert clinic.tick() == []


# What fails ----------------------------------------------------------------------------------------------------------


def test_a_step_that_fails_takes_nothing_of_the_others_with_it(clinic: Clinic, ana: Actor, pat: Patient) -> None:
    clinic.staff("Otto Invented", "+15550104", "operator")
    clinic.text(PAT, "chest pain")
    clinic.break_alert("K7Q2")  # the red cannot be added to any more
    keep_text(clinic.hub, "SM2", PAT, "chest pain, stop texting me")
    Texts().run(clinic.hub, clinic.now)
    Delivery().run(clinic.hub, clinic.now)
    assert (PAT, SAFETY) in clinic.phones.drain()
    assert not stands(clinic, pat)
    assert "row-failed open" in clinic.all_alerts()
    assert waiting(clinic) == 0
    assert unread(clinic)[-1] == (pat.id, "chest pain, stop texting me")


def test_a_text_that_cannot_be_handled_is_an_alarm_an_unread_row_and_not_tried_again(
    clinic: Clinic, ana: Actor, pat: Patient
) -> None:
    with clinic.engine.begin() as connection:
        connection.execute(update(patient_table).where(patient_table.c.id == pat.id).values(oxygen_state="broken"))
    keep_text(clinic.hub, "SM1", PAT, "good morning")
    keep_text(clinic.hub, "SM2", STRANGER, "help")
    assert (STRANGER, HELPED) in clinic.tick()
    assert clinic.all_alerts() == ["row-failed open"]
    assert "Text 1 that came in could not be handled" in clinic.alert().sentence
    assert waiting(clinic) == 0
    assert unread(clinic) == [(None, "good morning")]
    before = clinic.history_rows()
    Texts().run(clinic.hub, clinic.now)
    assert clinic.history_rows() == before


def test_what_may_succeed_later_is_tried_again_for_a_minute_only(clinic: Clinic, ana: Actor, pat: Patient) -> None:
    class Stuck:
        def ref(self) -> str:
            return "K7Q2"  # taken: no alert can be opened

    clinic.finds(clinic.patient(mrn="B2"))
    stuck = replace(clinic.hub, ids=Stuck())  # type: ignore[arg-type]
    keep_text(clinic.hub, "SM1", PAT, "chest pain, stop texting me")
    with pytest.raises(Transient):
        Texts().run(stuck, clinic.now)
    assert (waiting(clinic), stands(clinic, pat)) == (1, True)
    clinic.clock.forward(MINUTE)
    Texts().run(stuck, clinic.now)
    assert (waiting(clinic), stands(clinic, pat)) == (0, False)
    assert unread(clinic) == [(pat.id, "chest pain, stop texting me")]


def test_many_texts_at_once_are_all_handled_in_their_order(clinic: Clinic, pat: Patient) -> None:
    for number in range(250):
        keep_text(clinic.hub, f"SM{number}", STRANGER, f"text {number}")
    Texts().run(clinic.hub, clinic.now)
    assert waiting(clinic) == 50
    Texts().run(clinic.hub, clinic.now)
    assert waiting(clinic) == 0
    with clinic.engine.connect() as connection:
        handled = connection.execute(select(inbound.c.handled_at).where(inbound.c.handled_at.is_not(None))).all()
    assert len(handled) == 250


def test_a_flood_of_strangers_does_not_stand_before_a_patient(clinic: Clinic, pat: Patient) -> None:
    for number in range(30):
        keep_text(clinic.hub, f"flood-{number}", f"+1555556{number:04}", "win a prize")
    keep_text(clinic.hub, "pat", PAT, "hello")
    with clinic.hub.unit_of_work() as uow:
        assert [text.sender for _, text in uow.outbox.inbound.unhandled(3)] == [PAT, "+15555560000", "+15555560001"]
