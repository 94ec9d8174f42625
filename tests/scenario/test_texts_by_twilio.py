"""Patients' texts by Twilio, which answers keywords by itself and blocks whoever said STOP to it (S5, S10, SF16)."""

from collections.abc import Iterator
from dataclasses import replace
from pathlib import Path

import pytest

from hub.adapters.channels.twilio_sms import TwilioSms
from hub.domain.patients import Patient
from hub.domain.twilio_words import read_callback
from hub.services.delivery import receive_status
from hub.services.hub import Actor
from hub.services.incoming.keeping import keep_text
from tests.scenario.texted import MINUTE, PAT, SAFETY, STOPPED, agrees, queue, stands, tasks, unread
from tests.twilio.fake import ACCOUNT, SENDER, TOKEN, FakeTwilio, Taken, callback, fake_twilio
from tests.unit.alerting.clinic import ANA, SITE, Clinic, clinics

CALLBACK = "https://rpm.example.org/webhooks/twilio/status"


@pytest.fixture
def twilio() -> Iterator[FakeTwilio]:
    with fake_twilio() as fake:
        yield fake


@pytest.fixture
def clinic(tmp_path: Path, twilio: FakeTwilio) -> Iterator[Clinic]:
    for clinic in clinics(tmp_path, replace(SITE, clinic_phone="5550100")):
        sms = TwilioSms(ACCOUNT, TOKEN, SENDER, base_url=twilio.url, status_url=CALLBACK, timeout=2.0)
        clinic.hub = replace(clinic.hub, channel=sms)
        yield clinic


@pytest.fixture
def pat(clinic: Clinic) -> Patient:
    ana: Actor = clinic.staff("Ana Invented", ANA)
    return agrees(clinic, ana, clinic.patient(phone=PAT))


def writes(clinic: Clinic, twilio: FakeTwilio, body: str, sid: str) -> list[str]:
    """The patient writes, through Twilio; what the hub then has Twilio send to them."""
    known = len(twilio.taken)
    twilio.opt_outs.hear(PAT, body)
    keep_text(clinic.hub, sid, PAT, body)
    clinic.tick()
    return [message.body for message in twilio.taken[known:] if message.to == PAT]


def told(clinic: Clinic, message: Taken, status: str, error: int | None = None) -> bool:
    assert message.callback is not None
    word = read_callback(callback(message, status, error), message.callback.partition("?")[2])
    return receive_status(clinic.hub, word.provider_id, word.state, word.error, message_id=word.message_id, to=word.to)


def test_stop_and_start_are_answered_once_by_twilio_and_kept_by_the_hub(
    clinic: Clinic, twilio: FakeTwilio, pat: Patient
) -> None:
    queue(clinic, pat, after=MINUTE)
    assert writes(clinic, twilio, "Stop", "SM1") == []
    assert not stands(clinic, pat)
    assert clinic.outbox() == [("checkin", "cancelled")]
    assert writes(clinic, twilio, "START", "SM2") == []
    assert stands(clinic, pat)
    assert [phone for phone, _ in twilio.own_replies] == [PAT, PAT]
    assert unread(clinic) == []


def test_a_plain_wish_is_confirmed_as_twilio_does_not_see_it(clinic: Clinic, twilio: FakeTwilio, pat: Patient) -> None:
    assert writes(clinic, twilio, "Please stop texting me", "SM1") == [STOPPED]
    assert not stands(clinic, pat)
    assert twilio.own_replies == []


def test_a_number_that_twilio_blocks_writes_the_ledger(clinic: Clinic, twilio: FakeTwilio, pat: Patient) -> None:
    """A STOP that never reached the hub: the next text is refused, and none follows."""
    twilio.opt_outs.hear(PAT, "STOP")
    queue(clinic, pat)
    queue(clinic, pat, "later", after=MINUTE)
    clinic.forward(3)
    assert not stands(clinic, pat)
    assert clinic.outbox() == [("checkin", "failed"), ("checkin", "cancelled")]
    assert [title for _, _, title in tasks(clinic)] == ["Wants no more texts"]
    assert writes(clinic, twilio, "START", "SM1") == []
    assert stands(clinic, pat)


def test_a_block_told_of_later_writes_the_ledger_once(clinic: Clinic, twilio: FakeTwilio, pat: Patient) -> None:
    queue(clinic, pat)
    clinic.tick()
    assert told(clinic, twilio.taken[0], "failed", 21610)
    assert not told(clinic, twilio.taken[0], "failed", 21610)
    assert not stands(clinic, pat)
    assert len(tasks(clinic)) == 1


def test_danger_from_a_blocked_number_pages_though_its_answer_is_refused(
    clinic: Clinic, twilio: FakeTwilio, pat: Patient
) -> None:
    writes(clinic, twilio, "STOP", "SM1")
    assert writes(clinic, twilio, "I can't breathe", "SM2") == []
    assert [message.to for message in twilio.taken] == [ANA]
    assert clinic.alert().red
    assert ("answer", "failed") in clinic.outbox()
    writes(clinic, twilio, "START", "SM3")
    assert writes(clinic, twilio, "I can't breathe!", "SM4") == [SAFETY]


def test_a_landline_is_somebodys_task(clinic: Clinic, twilio: FakeTwilio, pat: Patient) -> None:
    queue(clinic, pat)
    clinic.tick()
    told(clinic, twilio.taken[0], "undelivered", 30006)
    assert [title for _, _, title in tasks(clinic)] == ["This patient's number takes no texts"]
    assert stands(clinic, pat)
