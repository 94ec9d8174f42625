"""The people around an alert: replies, follow-ups, endings, closings by itself (SF11, SF13, SF14, SF17)."""

from collections.abc import Iterator
from datetime import timedelta
from pathlib import Path

import pytest

from hub.domain.patients import Monitoring
from hub.domain.severity import Severity
from hub.errors import Conflict, Invalid, NotPermitted, Unsafe
from hub.services import alerting, tasks
from hub.services.contact import record_contact
from hub.services.hub import Actor
from hub.services.incoming.keeping import keep_text
from hub.services.ports.alerting import NewTask
from hub.services.resolve import FollowUp, mark_seen, resolve
from tests.unit.alerting.clinic import ANA, BEN, LAST, Clinic, clinics


@pytest.fixture
def clinic(tmp_path: Path) -> Iterator[Clinic]:
    yield from clinics(tmp_path)


@pytest.fixture
def ana(clinic: Clinic) -> Actor:
    return clinic.staff("Ana Example", ANA)


@pytest.fixture
def ben(clinic: Clinic, ana: Actor) -> Actor:
    return clinic.staff("Ben Sample", BEN, "physician")


def test_a_code_nobody_was_told_is_explained_with_those_that_wait(clinic: Clinic, ana: Actor) -> None:
    clinic.finds(clinic.patient())
    clinic.tick()
    assert clinic.text(ANA, "7a") == [("Ana", "There is no page 7 on this phone. Reply 1a for K7Q2.")]
    assert clinic.text(ANA, "who is it?") == [
        ("Ana", "Not understood. Reply the page's number with a to take it (1a) or e to pass on (1e).")
    ]
    assert clinic.alert().acknowledged_name is None


def test_a_bare_ack_counts_for_the_single_page_of_the_last_15_minutes(clinic: Clinic, ana: Actor) -> None:
    patient = clinic.patient()
    clinic.finds(patient)
    clinic.tick()
    clinic.clock.forward(timedelta(minutes=16))
    assert ("Ana", "Say which page you mean. Reply 1a for K7Q2.") in clinic.text(ANA, "ack")
    assert clinic.alert().acknowledged_name is None
    clinic.finds(patient, problem="pulse-high")
    clinic.tick()
    assert clinic.text(ANA, "ACK")[-1][1].startswith("You have M3XT.")


def test_a_bare_ack_among_two_pages_counts_for_neither(clinic: Clinic, ana: Actor) -> None:
    patient = clinic.patient()
    clinic.finds(patient)
    clinic.finds(patient, problem="pulse-high")
    clinic.tick()
    assert clinic.text(ANA, "a") == [("Ana", "Say which page you mean. Reply 1a for K7Q2, 2a for M3XT.")]


def test_a_number_is_not_used_again_on_a_phone_for_seven_days(clinic: Clinic, ana: Actor) -> None:
    patient = clinic.patient()
    for problem, expected in (("a", "1a"), ("b", "2a")):
        clinic.finds(patient, problem=problem)
        assert f"Reply {expected} to take it" in clinic.tick()[0][1]
        record_contact(clinic.hub, ana, clinic.alert("K7Q2" if problem == "a" else "M3XT").ref, "phone", True)
        resolve(clinic.hub, ana, "K7Q2" if problem == "a" else "M3XT", "true")
        clinic.tick()
    clinic.clock.forward(timedelta(days=7, minutes=1))
    clinic.finds(patient, problem="c")
    assert "Reply 1a to take it" in clinic.tick()[0][1]


def test_a_red_is_not_closed_by_text(clinic: Clinic, ana: Actor) -> None:
    clinic.finds(clinic.patient())
    clinic.tick()
    assert clinic.text(ANA, "1 close") == [
        ("Ana", "K7Q2 cannot be closed by text. Resolve it on the page. https://rpm.example.org/a/K7Q2")
    ]
    assert clinic.alert().live


def test_a_text_told_twice_by_the_provider_acts_once(clinic: Clinic, ana: Actor) -> None:
    clinic.finds(clinic.patient())
    clinic.tick()
    for _ in range(2):
        keep_text(clinic.hub, "SM1", ANA, "1a")
    assert [body[:14] for _, body in clinic.tick()] == ["You have K7Q2."]


def test_texts_of_patients_and_strangers_are_unread_rows(clinic: Clinic, ana: Actor) -> None:
    patient = clinic.patient(phone="+15550150")
    assert clinic.text("+15550150", "I feel dizzy") == []
    assert clinic.text("+15550151", "1a") == []
    with clinic.hub.unit_of_work() as uow:
        unread = [(text.patient_id, text.body) for _, text in uow.outbox.inbound.unread(10)]
    assert unread == [(patient.id, "I feel dizzy"), (None, "1a")]


def test_a_member_who_opts_out_is_an_alarm(clinic: Clinic, ana: Actor) -> None:
    assert clinic.text(ANA, "STOP") == []
    assert clinic.all_alerts() == ["opted-out open"]


def test_two_machines_do_not_answer_each_other_for_ever(clinic: Clinic, ana: Actor) -> None:
    answers = [answer for _ in range(30) for answer in clinic.text(ANA, "I am driving and will answer later")]
    assert len(answers) == 10


def test_a_red_is_resolved_only_after_a_contact_and_always_with_an_outcome(clinic: Clinic, ana: Actor) -> None:
    clinic.finds(clinic.patient())
    clinic.tick()
    clinic.take(ana)
    with pytest.raises(Unsafe, match="SF13"):
        resolve(clinic.hub, ana, "K7Q2", "true")
    with pytest.raises(Invalid, match="note"):
        resolve(clinic.hub, ana, "K7Q2", "no_contact")
    with pytest.raises(Invalid, match="outcome"):
        resolve(clinic.hub, ana, "K7Q2", "fine")
    record_contact(clinic.hub, ana, "K7Q2", "phone", False, "engaged")
    with pytest.raises(Unsafe, match="SF13"):
        resolve(clinic.hub, ana, "K7Q2", "true")
    record_contact(clinic.hub, ana, "K7Q2", "phone", True)
    assert resolve(clinic.hub, ana, "K7Q2", "technique").outcome == "technique"
    assert clinic.tick() == []


def test_a_vain_attempt_buys_half_an_hour_for_the_next(clinic: Clinic, ana: Actor) -> None:
    clinic.finds(clinic.patient())
    clinic.tick()
    record_contact(clinic.hub, ana, "K7Q2", "phone", False)
    assert [(at, who) for at, who, _ in clinic.forward(30)] == [(30, "Ana")]
    assert clinic.transitions()[2:] == ["ACK-1", "CON-2", "LAPSE-2", "ESC-1"]


def test_a_red_that_was_answered_and_never_resolved_comes_back(clinic: Clinic, ana: Actor) -> None:
    clinic.finds(clinic.patient())
    clinic.tick()
    record_contact(clinic.hub, ana, "K7Q2", "phone", True)
    assert [(at, who) for at, who, _ in clinic.forward(240, every=10)] == [(240, "Ana")]
    assert clinic.transitions()[2:] == ["ACK-1", "CON-1", "LAPSE-3", "ESC-1"]


def test_an_overdue_follow_up_pages_its_owner_then_the_care_manager_then_the_last_resort(
    clinic: Clinic, ana: Actor, ben: Actor
) -> None:
    clinic.finds(clinic.patient(care_manager_id=ana.staff_id), Severity.AMBER)
    resolve(clinic.hub, ana, "K7Q2", "true", "", FollowUp("weigh again", ben.staff_id, clinic.now + timedelta(hours=1)))
    text = "Riverside task 1 was due 08:04 and is not done. Open https://rpm.example.org/tasks"
    assert clinic.forward(120) == [(60, "Ben", text), (75, "Ana", text), (90, "last resort", text)]
    with clinic.hub.unit_of_work() as uow:
        (task,) = uow.tasks.open(10)
    tasks.complete(clinic.hub, ben, task.id, "done")
    assert clinic.forward(500, every=10) == []
    with pytest.raises(Conflict, match="done already"):
        tasks.complete(clinic.hub, ana, task.id)


def test_a_task_is_claimed_once(clinic: Clinic, ana: Actor, ben: Actor) -> None:
    new = NewTask("unassigned", "a device nobody has", clinic.now, role="nurse", key="unassigned:1")
    task_id = tasks.add(clinic.hub, ana, new)
    with pytest.raises(Conflict, match="stands already"):
        tasks.add(clinic.hub, ben, new)
    assert tasks.claim(clinic.hub, ben, task_id).owner_id == ben.staff_id
    with pytest.raises(Conflict, match="Ben Sample has this task"):
        tasks.claim(clinic.hub, ana, task_id)
    assert clinic.forward(600, every=60) == []


def test_ending_the_monitoring_cancels_everything(clinic: Clinic, ana: Actor, ben: Actor) -> None:
    patient = clinic.patient()
    clinic.finds(patient)
    clinic.finds(patient, Severity.AMBER, problem="pulse-high")
    with clinic.hub.unit_of_work() as uow:
        uow.tasks.add(NewTask("follow_up", "ring", clinic.now, patient.id, owner_id=ana.staff_id), clinic.now)
        alerting.end_patient(uow, clinic.hub, patient.id, clinic.now)
        uow.commit()
    assert clinic.forward(200, every=5) == []
    assert clinic.all_alerts() == ["oxygen-low ended", "pulse-high ended"]
    assert clinic.outbox() == [("page", "cancelled")]
    gone = clinic.set_state(patient, Monitoring.ENDED)
    assert clinic.finds(gone) is None
    assert clinic.forward(200, every=5) == []


def test_a_paused_patients_red_asks_whether_it_is_the_right_person(clinic: Clinic, ana: Actor) -> None:
    patient = clinic.set_state(clinic.patient(), Monitoring.PAUSED)
    clinic.finds(patient)
    assert [who for who, _ in clinic.tick()] == ["Ana"]
    assert clinic.alert().sentence == "Wrong person, or home again? SpO2 says spo2-low"


def test_what_is_too_old_to_page_is_a_review_task_once(clinic: Clinic, ana: Actor) -> None:
    patient = clinic.patient()
    assert clinic.finds(patient, page=False, reading_id=5) is None
    assert clinic.finds(patient, page=False, reading_id=5, rule="another") is None
    assert clinic.forward(1000, every=100) == []
    with clinic.hub.unit_of_work() as uow:
        assert [(task.kind, task.role, task.title) for task in uow.tasks.open(10)] == [
            ("review", "nurse", "SpO2 says spo2-low")
        ]
    assert clinic.all_alerts() == []


def test_data_that_return_close_an_amber_and_only_note_a_red(clinic: Clinic, ana: Actor) -> None:
    patient = clinic.patient()
    clinic.finds(patient, Severity.AMBER, kind="missing", problem="missing-body_weight")
    clinic.finds(patient, Severity.RED, kind="missing", problem="missing-blood_glucose")
    clinic.tick()
    with clinic.hub.unit_of_work() as uow:
        for metric in ("body_weight", "blood_glucose", "blood_glucose", "pulse_rate"):
            alerting.data_returned(uow, clinic.hub, patient.id, metric, clinic.now)
        uow.commit()
    assert clinic.all_alerts() == ["missing-body_weight closed", "missing-blood_glucose open"]
    assert clinic.transitions("M3XT") == ["OPEN-1", "ESC-1", "NOTE-1"]
    assert mark_seen(clinic.hub, ana, "K7Q2").closing_seen_at == clinic.now
    with pytest.raises(Conflict, match="closed by itself"):
        mark_seen(clinic.hub, ana, "K7Q2")


def test_a_technical_alarm_is_one_alarm_closes_when_amber_and_stays_when_red(clinic: Clinic, ana: Actor) -> None:
    first, again = clinic.technical(Severity.AMBER), clinic.technical(Severity.AMBER)
    assert first == again
    rows = clinic.history_rows()
    clinic.technical(Severity.AMBER)
    assert clinic.history_rows() == rows
    with clinic.hub.unit_of_work() as uow:
        alerting.technical_over(uow, clinic.hub, "gateway:g-1", "offline", clinic.now)
        uow.commit()
    clinic.technical(Severity.RED)
    with clinic.hub.unit_of_work() as uow:
        alerting.technical_over(uow, clinic.hub, "gateway:g-1", "offline", clinic.now)
        uow.commit()
    assert clinic.all_alerts() == ["offline closed", "offline open"]


def test_an_operator_answers_for_the_system_and_not_for_a_patient(clinic: Clinic, ana: Actor) -> None:
    olga = clinic.staff("Olga Operator", None, "operator")
    clinic.finds(clinic.patient())
    clinic.technical()
    with pytest.raises(NotPermitted):
        clinic.take(olga)
    assert clinic.take(olga, "M3XT").acknowledged_name == "Olga Operator"
    assert resolve(clinic.hub, olga, "M3XT", "mended").state == "resolved"
    with pytest.raises(NotPermitted):
        record_contact(clinic.hub, olga, "K7Q2", "phone", True)


def test_the_last_resort_hears_that_it_is_over(clinic: Clinic, ana: Actor) -> None:
    clinic.finds(clinic.patient())
    clinic.tick()
    assert [who for _, who, _ in clinic.forward(5)] == ["last resort"]
    clinic.take(ana)
    assert clinic.tick() == [("last resort", "K7Q2 is with Ana since 07:09. You need do nothing.")]
    assert clinic.text(LAST, "1e") == [
        ("last resort", "K7Q2 was not passed on: Ana Example acknowledged 0 s ago. https://rpm.example.org/a/K7Q2")
    ]
