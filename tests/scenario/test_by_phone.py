"""Stories as the phones tell them: by the real Twilio client, its callbacks and the pages' own webhooks, on moved time.

Whatever a phone gets and a story does not read fails it.
"""

from collections.abc import Iterator
from datetime import timedelta
from pathlib import Path

import pytest

from hub.services import consents
from tests.scenario.phones import Story, story
from tests.scenario.talks import ASKED, ASKED_AGAIN, BREATHING, BREATHING_AGAIN, LOOKED_AT, SAVED
from tests.scenario.texted import COURTESY, HELPED, SAFETY, STARTED, STOPPED
from tests.unit.alerting.clinic import ANA, LAST
from tests.unit.ingest.home import ADMIN, CUFF, Home, pressure

STRANGER = "+15555550177"


@pytest.fixture
def told(tmp_path: Path) -> Iterator[Story]:
    """A patient with a cuff and a phone, who has agreed to nothing yet."""
    with story(tmp_path) as one:
        yield one


@pytest.fixture
def heart(tmp_path: Path) -> Iterator[Story]:
    """The same on heart-failure."""
    with story(tmp_path, ("heart-failure",)) as one:
        yield one


def page(at: str, ref: str, then: str, digit: int = 1, severity: str = "RED") -> str:
    """A page as a phone shows it."""
    how = f"Reply {digit}a to take it, {digit}e to pass on."
    return f"Riverside {severity} {at} ref {ref}. {how} {then}. Open SITE/a/{ref}"


def next_at(at: str) -> str:
    return f"Next person is paged {at}"


def falls_ill(told: Story) -> None:
    told.home.measures(pressure(190, 100), CUFF)
    told.moment()


def asked(told: Story, *checkins: str) -> None:
    """To the next morning, when the first reading that counts is late."""
    told.agrees()
    told.asks(*checkins or ("missed-pressure",))
    told.until("09:59", days=1)
    told.pat.reads()
    told.forward(minutes=2)
    told.pat.reads(ASKED)


def journal(home: Home) -> list[tuple[str, str]]:
    return home.rows("journal", "gateway_id", "flags")


# Staff ---------------------------------------------------------------------------------------------------------------


def test_who_takes_a_page_by_text_has_it_and_nobody_else_is_paged(told: Story) -> None:
    falls_ill(told)
    told.ana.reads(page("07:04", "K7Q2", next_at("07:09")))
    told.forward(minutes=2)
    told.ana.texts("1a")
    told.ana.reads("You have K7Q2. Contact the patient by 07:36 and record it on the page, or we page again.")
    told.forward(minutes=8)
    assert told.clinic.alert().acknowledged_name == "Ana Example"


def test_an_answer_that_came_before_the_deadline_beats_it_though_nobody_ticked_in_between(told: Story) -> None:
    falls_ill(told)
    told.ana.reads(page("07:04", "K7Q2", next_at("07:09")))
    told.worker_down(minutes=4)
    assert told.twilio.inbound(told.inbound_url, ANA, "1a") == 200
    told.worker_down(minutes=3)
    told.moment()
    told.ana.reads("You have K7Q2. Contact the patient by 07:41 and record it on the page, or we page again.")
    told.ben.reads()


def test_nobody_answers_and_the_last_resort_is_paged_until_somebody_does(told: Story) -> None:
    falls_ill(told)
    told.ana.reads(page("07:04", "K7Q2", next_at("07:09")))
    told.forward(minutes=5)
    told.ben.reads(page("07:04", "K7Q2", next_at("07:14")))
    told.forward(minutes=5)
    told.last.reads(page("07:04", "K7Q2", "We page you again 07:24"))
    told.forward(minutes=10)
    told.last.reads(page("07:04", "K7Q2", "We page you again 07:34"))
    told.last.texts("ack")
    told.last.reads("You have K7Q2. Contact the patient by 07:54 and record it on the page, or we page again.")
    told.ana.reads("K7Q2 is with the last resort since 07:24. You need do nothing.")
    told.ben.reads("K7Q2 is with the last resort since 07:24. You need do nothing.")


def test_who_passes_on_and_who_is_late(told: Story) -> None:
    falls_ill(told)
    told.ana.reads(page("07:04", "K7Q2", next_at("07:09")))
    told.ana.texts("1e")
    told.ana.reads("K7Q2 is passed on. You need do nothing.")
    told.ben.reads(page("07:04", "K7Q2", next_at("07:09")))
    told.ben.texts("1a")
    told.ben.reads("You have K7Q2. Contact the patient by 07:34 and record it on the page, or we page again.")
    told.ana.texts("1a")
    told.ana.reads("K7Q2 is with Ben since 07:04. You need do nothing.")
    told.ana.texts("7a")
    told.ana.reads("There is no page 7 on this phone. Reply 1a for K7Q2.")


def test_a_nurse_who_opts_out_is_known_to_the_provider_and_to_the_operator(told: Story) -> None:
    told.ana.texts("STOP")
    assert [to for to, _ in told.twilio.own_replies] == [ANA]
    assert told.open_alerts() == ["opted-out"]
    falls_ill(told)
    told.ben.reads(page("07:04", "M3XT", next_at("07:09")))
    told.ana.texts("START")
    told.ben.texts("1a")
    told.ben.reads("You have M3XT. Contact the patient by 07:34 and record it on the page, or we page again.")
    assert told.open_alerts() == []


def test_a_page_that_did_not_arrive_goes_to_the_next_person_at_once(told: Story) -> None:
    falls_ill(told)
    told.ana.reads(page("07:04", "K7Q2", next_at("07:09")))
    told.told(told.ana, "undelivered", 30003)
    told.moment()
    told.ben.reads(page("07:04", "K7Q2", next_at("07:09")))
    told.told(told.ana, "delivered")
    told.moment()


# Being asked ---------------------------------------------------------------------------------------------------------


def test_a_missed_reading_is_asked_for_and_the_answer_meets_it(told: Story) -> None:
    asked(told)
    told.pat.texts("Sure! 128 / 84")
    told.pat.reads(ASKED_AGAIN)
    told.pat.texts("128 / 84")
    told.pat.reads(SAVED)
    told.until("17:00")
    assert "missing-systolic_blood_pressure" not in told.open_alerts()
    assert journal(told.home) == [("text", "patient_reported")]
    assert told.unread_texts() == ["Sure! 128 / 84"]


def test_without_consent_nobody_is_asked_and_the_silence_is_told_all_the_same(told: Story) -> None:
    told.asks("missed-pressure")
    told.until("16:05", days=1)
    assert "missing-systolic_blood_pressure" in told.open_alerts()


def test_a_typed_red_pages_the_nurse_and_tells_the_patient_not_to_wait(told: Story) -> None:
    asked(told)
    told.pat.texts("232/141")
    told.pat.reads(LOOKED_AT)
    told.ana.reads(page("10:01", "M3XT", next_at("10:06")))
    told.ana.texts("1a")
    told.ana.reads("You have M3XT. Contact the patient by 10:31 and record it on the page, or we page again.")


def test_two_answers_that_are_none_are_read_by_a_nurse(told: Story) -> None:
    asked(told)
    told.pat.texts("the cuff is in the other house")
    told.pat.reads(ASKED_AGAIN)
    told.pat.texts("what numbers")
    told.pat.reads(COURTESY)
    assert told.unread_texts() == ["the cuff is in the other house", "what numbers"]
    told.until("16:05")
    assert "missing-systolic_blood_pressure" in told.open_alerts()


def test_silence_is_asked_about_once_and_then_left(told: Story) -> None:
    asked(told)
    told.forward(minutes=118)
    told.pat.reads()
    told.forward(minutes=3)
    told.pat.reads(ASKED_AGAIN)
    told.until("16:30")
    assert told.home.rows("conversation", "state") == ["expired"]


def test_the_cuff_speaks_first_and_a_late_answer_is_for_a_person(told: Story) -> None:
    asked(told)
    told.home.measures(pressure(130, 80), CUFF)
    told.moment()
    assert told.home.rows("conversation", "state") == ["measured"]
    told.pat.texts("128/84")
    told.pat.reads(COURTESY)
    assert told.unread_texts() == ["128/84"]
    told.until("17:00")


def test_a_mistyped_answer_is_taken_back_and_asked_anew(told: Story) -> None:
    asked(told)
    told.pat.texts("182/84")
    told.pat.reads(LOOKED_AT)
    told.ana.reads(page("10:01", "M3XT", next_at("10:06")))
    told.pat.texts("0")
    told.pat.reads(ASKED_AGAIN)
    told.pat.texts("128/84")
    told.pat.reads(SAVED)
    assert told.open_alerts() == ["blood-pressure-high"], "a red waits for a person, whoever takes back what"
    told.ana.texts("1a")
    told.ana.reads("You have M3XT. Contact the patient by 10:31 and record it on the page, or we page again.")


def test_the_daily_question_and_what_a_digit_means(heart: Story) -> None:
    heart.agrees()
    heart.asks("daily-breathing")
    heart.until("09:01")
    heart.pat.reads(BREATHING)
    heart.pat.texts("1")
    heart.pat.reads(SAVED)
    heart.until("09:01", days=1)
    heart.pat.reads(BREATHING)
    heart.pat.texts("Much worse")
    heart.pat.reads(LOOKED_AT)
    (alert,) = [line for line in heart.open_alerts() if line.startswith("checkin")]
    assert alert == "checkin-daily-breathing-breathing"
    assert len(heart.ana.unread) == 1
    assert heart.ana.unread.pop().startswith("Riverside RED 09:01 ref ")


def test_nobody_is_woken_and_what_is_too_old_is_not_asked(heart: Story) -> None:
    """The worker was down from the evening on; the question of 09:00 is worth three hours."""
    heart.agrees()
    heart.until("22:00")
    heart.asks("daily-breathing")
    heart.worker_down(hours=14, minutes=30)
    heart.moment()
    heart.pat.reads()
    heart.until("08:59", days=1)
    heart.pat.reads()
    heart.forward(minutes=2)
    heart.pat.reads(BREATHING)


def test_the_clock_changes_and_the_question_comes_at_nine_all_the_same(heart: Story) -> None:
    """New York springs forward on 8 March 2026: 09:00 is 14:00 UTC the day before, 13:00 UTC on the day."""
    heart.agrees()
    heart.until("12:00", days=4, every=timedelta(hours=1))
    heart.asks("daily-breathing")
    hours = []
    for day in (7, 8):
        heart.until("08:59", days=1, every=timedelta(minutes=20))
        heart.pat.reads()
        heart.forward(minutes=2)
        heart.pat.reads(BREATHING)
        hours.append((heart.now.day, heart.now.hour))
        heart.pat.texts("1")
        heart.pat.reads(SAVED)
        assert heart.now.day == day
    assert hours == [(7, 14), (8, 13)]


def test_an_unanswered_daily_question_is_an_alert(heart: Story) -> None:
    heart.agrees()
    heart.asks("daily-breathing")
    heart.until("09:01")
    heart.pat.reads(BREATHING)
    heart.forward(hours=3)
    heart.pat.reads(BREATHING_AGAIN)
    heart.forward(hours=7)
    assert "missing-checkin-daily-breathing" in heart.open_alerts()


# STOP, HELP, START ---------------------------------------------------------------------------------------------------


def test_stop_ends_the_question_and_every_later_one_until_start(told: Story) -> None:
    asked(told)
    told.pat.texts("Stop")
    told.pat.reads()
    assert len(told.twilio.own_replies) == 1, "the provider answers its keywords; nobody is answered twice"
    told.until("10:30", days=1)
    told.pat.reads()
    told.pat.texts("START")
    told.pat.reads()
    told.until("10:01", days=1)
    told.pat.reads(ASKED)
    with told.hub.unit_of_work() as uow:
        ledger = uow.consents.of_patient(told.home.patient_id)
    assert [(line.source, line.revoked_source) for line in ledger] == [("text", None), ("paper", "text")]


def test_plain_words_that_mean_stop_are_heeded_and_confirmed_once(told: Story) -> None:
    asked(told)
    told.pat.texts("please stop texting me")
    told.pat.reads(STOPPED)
    told.until("10:30", days=1)
    told.pat.reads()
    told.pat.texts("start")
    told.pat.reads(STARTED)


def test_help_is_answered_once_by_whoever_answers(told: Story) -> None:
    told.pat.texts("HELP")
    told.pat.reads()
    assert len(told.twilio.own_replies) == 1
    told.pat.texts("Help?")
    assert told.pat.unread in ([], [HELPED])
    told.pat.unread.clear()


def test_consent_that_is_taken_back_while_a_text_waits_keeps_it_from_leaving(told: Story) -> None:
    told.agrees()
    told.asks("missed-pressure")
    told.until("09:55", days=1)
    told.twilio.faults.append(429)
    told.until("10:00")
    told.pat.reads()
    consents.revoke(told.hub, ADMIN, told.home.patient_id, "sms", "spoken")
    told.forward(hours=1)
    told.pat.reads()


def test_a_number_that_the_provider_blocks_writes_the_ledger(told: Story) -> None:
    told.agrees()
    told.asks("missed-pressure")
    told.twilio.refuses[told.pat.number] = 21610
    told.until("10:05", days=1)
    told.pat.reads()
    with told.hub.unit_of_work() as uow:
        (line,) = uow.consents.of_patient(told.home.patient_id)
    assert line.revoked_source == "provider 21610"


# Danger --------------------------------------------------------------------------------------------------------------


def test_danger_in_an_answer_pages_at_once_and_the_patient_is_told_whom_to_call(told: Story) -> None:
    asked(told)
    told.pat.texts("cant breathe, chest pain")
    told.pat.reads(SAFETY)
    told.ana.reads(page("10:01", "M3XT", next_at("10:06")))
    assert told.unread_texts() == ["cant breathe, chest pain"]
    told.ana.texts("1a")
    told.ana.reads("You have M3XT. Contact the patient by 10:31 and record it on the page, or we page again.")
    told.pat.texts("it is getting worse i cant breathe")
    told.pat.reads(SAFETY)
    assert told.ana.unread.pop().startswith("Riverside RED 10:01 ref M3XT. Reply 1a to take it")


def test_danger_from_a_number_that_nobody_knows(told: Story) -> None:
    told.phones[STRANGER] = stranger = type(told.pat)(told, STRANGER)
    stranger.texts("my husband has fainted")
    stranger.reads(SAFETY)
    told.ana.reads(page("07:04", "K7Q2", next_at("07:09")))


def test_stop_and_danger_in_one_text_are_both_heeded(told: Story) -> None:
    asked(told)
    told.pat.texts("please stop texting me, I want to die")
    told.pat.reads(SAFETY, STOPPED)
    told.ana.reads(page("10:01", "M3XT", next_at("10:06")))
    with told.hub.unit_of_work() as uow:
        assert not uow.consents.stands(told.home.patient_id, "sms")


# When the provider fails ---------------------------------------------------------------------------------------------


@pytest.mark.parametrize("fault", ["hang", "accept_hang", 500])
def test_a_question_that_may_have_left_is_never_asked_twice(told: Story, fault: str | int) -> None:
    told.agrees()
    told.asks("missed-pressure")
    told.until("09:59", days=1)
    told.twilio.faults.append(fault)
    told.forward(minutes=2)
    told.pat.reads(*[ASKED] if fault == "accept_hang" else [])
    told.forward(minutes=50)
    told.pat.texts("128/84")
    told.pat.reads(SAVED)


def test_a_text_that_twilio_brings_twice_is_one_text(told: Story) -> None:
    asked(told)
    sid = f"SM{9:032x}"
    for _ in range(2):
        assert told.twilio.inbound(told.inbound_url, told.pat.number, "128/84", sid=sid) == 200
    told.moment()
    told.pat.reads(SAVED)
    assert len(journal(told.home)) == 1


def test_the_last_resort_opts_out_and_somebody_knows(told: Story) -> None:
    told.last.texts("STOP")
    assert told.open_alerts() == ["opted-out"]
    assert [to for to, _ in told.twilio.own_replies] == [LAST]


def test_started_by_hand_and_told_so(told: Story) -> None:
    """A provider that does not answer keywords leaves it to the hub: every answer is the hub's own."""
    told.agrees()
    object.__setattr__(told.hub, "channel", _Mute(told.hub.channel))
    assert told.twilio.inbound(told.inbound_url, told.pat.number, "quit") == 200
    told.twilio.opt_outs.blocked.clear()
    told.moment()
    told.pat.reads(STOPPED)
    told.pat.texts("unstop")
    told.pat.reads(STARTED)


class _Mute:
    """The same channel at a provider without keywords of its own."""

    answers_keywords = False

    def __init__(self, channel: object) -> None:
        self._channel = channel

    def __getattr__(self, name: str) -> object:
        return getattr(self._channel, name)
