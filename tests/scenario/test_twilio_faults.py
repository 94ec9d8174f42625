"""Who is paged when, by Twilio: for each way in which a page can fail (G5, E10, SF12)."""

import re
from collections.abc import Callable, Iterator
from dataclasses import replace
from datetime import timedelta
from pathlib import Path

import pytest
from sqlalchemy import select

from hub.adapters.channels.twilio_sms import TwilioSms
from hub.adapters.sql.tables.alerting import outbox
from hub.domain.messages import Sending
from hub.domain.twilio_words import read_callback
from hub.services.delivery import receive_status
from tests.servers import free_port
from tests.twilio.fake import ACCOUNT, SENDER, TOKEN, FakeTwilio, Taken, callback, fake_twilio
from tests.unit.alerting.clinic import ANA, BEN, LAST, NAMES, Clinic, clinics

SHORT_S = 0.4
CALLBACK = "https://rpm.example.org/webhooks/twilio/status"


@pytest.fixture
def twilio() -> Iterator[FakeTwilio]:
    with fake_twilio() as fake:
        yield fake


@pytest.fixture
def clinic(tmp_path: Path, twilio: FakeTwilio) -> Iterator[Clinic]:
    for clinic in clinics(tmp_path):
        by_twilio(clinic, twilio.url)
        clinic.staff("Ana Example", ANA)
        clinic.staff("Ben Sample", BEN, "physician")
        yield clinic


@pytest.fixture
def paged(clinic: Clinic, twilio: FakeTwilio) -> Callable[..., list[tuple[float, str]]]:
    """Let the worker tick every so many seconds; whose phone Twilio was given a text for: (minutes, who)."""

    def after(minutes: float = 0, every: float = 15) -> list[tuple[float, str]]:
        seen, start, end = [], clinic.now, clinic.now + timedelta(minutes=minutes)
        while True:
            known = len(twilio.taken)
            clinic.tick()
            at = (clinic.now - start).total_seconds() / 60
            seen += [(at, NAMES[message.to]) for message in twilio.taken[known:]]
            if clinic.now >= end:
                return seen
            clinic.clock.forward(timedelta(seconds=every))

    return after


def by_twilio(clinic: Clinic, url: str) -> None:
    sms = TwilioSms(ACCOUNT, TOKEN, SENDER, base_url=url, status_url=CALLBACK, timeout=SHORT_S)
    clinic.hub = replace(clinic.hub, channel=sms)


def told(clinic: Clinic, message: Taken, status: str, error: int | None = None) -> bool:
    """Twilio calls back; whether it changed anything."""
    assert message.callback is not None
    word = read_callback(callback(message, status, error), message.callback.partition("?")[2])
    return receive_status(clinic.hub, word.provider_id, word.state, word.error, message_id=word.message_id, to=word.to)


def test_a_page_that_is_taken_waits_for_its_step(
    clinic: Clinic, twilio: FakeTwilio, paged: Callable[..., list[tuple[float, str]]]
) -> None:
    clinic.finds(clinic.patient())
    assert paged(11) == [(0, "Ana"), (5, "Ben"), (10, "last resort")]
    assert clinic.outbox() == [("page", "accepted")] * 3
    (digit,) = re.findall(r"Reply (\d)a to take it", twilio.taken[0].body)
    assert twilio.taken[0].body == (
        f"Riverside RED 07:04 ref K7Q2. Reply {digit}a to take it, {digit}e to pass on. Next person is paged 07:09. "
        "Open https://rpm.example.org/a/K7Q2"
    )


@pytest.mark.parametrize("fault", [500, 503, "page", "hang", "reset", "accept_hang", "accept_reset", "garbled"])
def test_a_page_that_may_have_left_pages_the_next_person_now_and_is_never_sent_again(
    clinic: Clinic, twilio: FakeTwilio, paged: Callable[..., list[tuple[float, str]]], fault: int | str
) -> None:
    twilio.faults.append(fault)
    clinic.finds(clinic.patient())
    on_the_phone = [(0, "Ana")] if fault in ("accept_hang", "accept_reset", "garbled") else []
    assert paged(4) == [*on_the_phone, (0, "Ben")]
    assert clinic.outbox() == [("page", "unknown"), ("page", "accepted")]
    assert twilio.requests == 2


@pytest.mark.parametrize("fault", [429, 21611])
def test_a_page_that_was_turned_away_is_tried_again_beside_the_next_person(
    clinic: Clinic, twilio: FakeTwilio, paged: Callable[..., list[tuple[float, str]]], fault: int
) -> None:
    twilio.faults.append(fault)
    clinic.finds(clinic.patient())
    assert paged(4) == [(0, "Ben"), (0.25, "Ana")]


@pytest.mark.parametrize("code", [21211, 21610])
def test_a_number_that_cannot_be_texted_pages_the_next_person_now(
    clinic: Clinic, twilio: FakeTwilio, paged: Callable[..., list[tuple[float, str]]], code: int
) -> None:
    twilio.refuses[ANA] = code
    clinic.finds(clinic.patient())
    assert paged(4) == [(0, "Ben")]
    assert (clinic.outbox()[0], twilio.requests) == (("page", "failed"), 2)


@pytest.mark.parametrize("code", range(30003, 30009))
@pytest.mark.parametrize("status", ["undelivered", "failed"])
def test_a_page_that_did_not_arrive_pages_the_next_person_now(
    clinic: Clinic, twilio: FakeTwilio, paged: Callable[..., list[tuple[float, str]]], code: int, status: str
) -> None:
    clinic.finds(clinic.patient())
    assert paged(1) == [(0, "Ana")]
    assert told(clinic, twilio.taken[0], "sent")
    assert told(clinic, twilio.taken[0], status, code)
    assert not told(clinic, twilio.taken[0], "delivered"), "the first end that is told stands"
    assert paged(4) == [(0, "Ben")]
    with clinic.engine.connect() as connection:
        assert connection.execute(select(outbox.c.error).order_by(outbox.c.id)).scalars().first() == str(code)


def test_words_that_come_twice_late_or_in_another_order_change_nothing(
    clinic: Clinic, twilio: FakeTwilio, paged: Callable[..., list[tuple[float, str]]]
) -> None:
    clinic.finds(clinic.patient())
    assert paged(1) == [(0, "Ana")]
    (message,) = twilio.taken
    words = ["delivered", "sent", "delivered", "queued", "undelivered"]
    assert [told(clinic, message, word) for word in words] == [True, False, False, False, False]
    assert clinic.outbox() == [("page", "delivered")]
    assert paged(5) == [(4, "Ben")]


def test_a_page_that_hung_is_known_again_when_twilio_calls_back(
    clinic: Clinic, twilio: FakeTwilio, paged: Callable[..., list[tuple[float, str]]]
) -> None:
    twilio.faults.append("accept_hang")
    clinic.finds(clinic.patient())
    assert paged() == [(0, "Ana"), (0, "Ben")]
    assert told(clinic, twilio.taken[0], "delivered")
    assert clinic.outbox() == [("page", "delivered"), ("page", "accepted")]
    assert paged(4) == []


def test_a_page_that_hung_and_then_failed_pages_nobody_twice(
    clinic: Clinic, twilio: FakeTwilio, paged: Callable[..., list[tuple[float, str]]]
) -> None:
    twilio.faults.append("accept_hang")
    clinic.finds(clinic.patient())
    assert paged(1) == [(0, "Ana"), (0, "Ben")]
    assert told(clinic, twilio.taken[0], "undelivered", 30003)
    assert paged(3) == []
    assert clinic.outbox() == [("page", "undelivered"), ("page", "accepted")]
    assert clinic.all_alerts() == ["oxygen-low open"]


def test_a_word_about_another_phone_or_another_message_is_not_taken_for_this_one(
    clinic: Clinic, twilio: FakeTwilio, paged: Callable[..., list[tuple[float, str]]]
) -> None:
    twilio.faults.append("accept_hang")
    clinic.finds(clinic.patient())
    paged()
    hung, known = twilio.taken
    assert not told(clinic, replace(hung, to=BEN), "delivered")
    assert not told(clinic, replace(hung, callback=f"{CALLBACK}?m=999"), "delivered")
    assert told(clinic, replace(known, callback=hung.callback), "delivered")
    assert clinic.outbox() == [("page", "unknown"), ("page", "delivered")]


def test_a_word_that_comes_before_the_answer_stands(
    clinic: Clinic, twilio: FakeTwilio, paged: Callable[..., list[tuple[float, str]]]
) -> None:
    sms = clinic.hub.channel

    class ToldMeanwhile:
        name, reaches_people, idempotent = sms.name, True, False
        answers_keywords = sms.answers_keywords

        def send(self, *sent: object) -> object:
            answer = sms.send(*sent)  # type: ignore[arg-type]
            assert told(clinic, twilio.taken[-1], "delivered")
            return answer

    clinic.hub = replace(clinic.hub, channel=ToldMeanwhile())  # type: ignore[arg-type]
    clinic.finds(clinic.patient())
    assert paged(4) == [(0, "Ana")]
    assert clinic.outbox() == [("page", "delivered")]


def test_without_any_word_the_chain_goes_on_by_time(
    clinic: Clinic, twilio: FakeTwilio, paged: Callable[..., list[tuple[float, str]]]
) -> None:
    clinic.finds(clinic.patient())
    assert paged(6) == [(0, "Ana"), (5, "Ben")]
    assert told(clinic, twilio.taken[0], "undelivered", 30003)
    assert paged(3) == []


def test_when_twilio_is_not_there_it_is_an_alarm_and_the_red_goes_on(
    clinic: Clinic, twilio: FakeTwilio, paged: Callable[..., list[tuple[float, str]]]
) -> None:
    by_twilio(clinic, f"http://127.0.0.1:{free_port()}")
    clinic.finds(clinic.patient())
    assert paged(2) == []
    assert clinic.alert().nobody_reached_at is not None
    assert clinic.all_alerts() == ["oxygen-low open", "nobody-reached open"]
    by_twilio(clinic, twilio.url)
    assert "last resort" in {who for _, who in paged(12)}


def test_when_everybody_has_opted_out_it_is_an_alarm(
    clinic: Clinic, twilio: FakeTwilio, paged: Callable[..., list[tuple[float, str]]]
) -> None:
    twilio.refuses.update(dict.fromkeys((ANA, BEN, LAST), 21610))
    clinic.finds(clinic.patient())
    assert paged(1) == []
    opted_out = ["opted-out open"] * 3
    assert sorted(clinic.all_alerts()) == ["nobody-reached open", *opted_out, "oxygen-low open"]
    assert {state for _, state in clinic.outbox()} == {Sending.FAILED.value}
