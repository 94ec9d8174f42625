"""Twilio's own client against a strict fake: what each answer, and each silence, means for a message."""

import logging
from collections.abc import Iterator
from datetime import UTC, datetime

import pytest

from hub.adapters.channels.twilio_sms import TwilioSms
from hub.domain.messages import Sending, moves
from hub.services.ports.base import Delivery
from tests.servers import free_port
from tests.twilio.fake import ACCOUNT, SENDER, SERVICE, TOKEN, FakeTwilio, fake_twilio, unfit

PHONE, TEXT = "+15555550101", "Riverside RED 07:04 ref K7Q2. Reply 1a to take it."
NOON = datetime(2026, 3, 2, 12, 4, tzinfo=UTC)
SHORT_S = 0.4


@pytest.fixture
def twilio() -> Iterator[FakeTwilio]:
    with fake_twilio() as fake:
        yield fake


def channel(url: str, *, sender: str = SENDER, token: str = TOKEN, status_url: str | None = None) -> TwilioSms:
    return TwilioSms(ACCOUNT, token, sender, base_url=url, status_url=status_url, timeout=SHORT_S)


def test_a_message_is_taken_once_with_its_limit_and_where_to_call_back(twilio: FakeTwilio) -> None:
    sms = channel(twilio.url, status_url="https://rpm.example.org/webhooks/twilio/status")
    told = sms.send(17, PHONE, TEXT, NOON)
    (message,) = twilio.taken
    assert told == Delivery("accepted", message.sid, permanent=True)
    assert (message.to, message.body) == (PHONE, TEXT)
    assert message.callback == "https://rpm.example.org/webhooks/twilio/status?m=17"


def test_a_messaging_service_may_send(twilio: FakeTwilio) -> None:
    assert channel(twilio.url, sender=SERVICE).send(1, PHONE, TEXT, NOON).state == "accepted"
    assert twilio.taken[0].callback is None


@pytest.mark.parametrize(
    ("fault", "state", "permanent", "error", "taken"),
    [
        (429, "failed", False, "20429", 0),
        (21611, "failed", False, "21611", 0),
        (21211, "failed", True, "21211", 0),
        (21610, "failed", True, "21610", 0),
        (500, "unknown", False, "20500", 0),
        (503, "unknown", False, "20503", 0),
        ("page", "unknown", False, "502", 0),
        ("hang", "unknown", False, "ReadTimeout", 0),
        ("reset", "unknown", False, "ConnectionError", 0),
        ("accept_hang", "unknown", False, "ReadTimeout", 1),
        ("accept_reset", "unknown", False, "ConnectionError", 1),
        ("garbled", "unknown", False, "JSONDecodeError", 1),
    ],
)
def test_what_each_fault_means(
    twilio: FakeTwilio, fault: int | str, state: str, permanent: object, error: str, taken: int
) -> None:
    twilio.faults.append(fault)
    told = channel(twilio.url).send(1, PHONE, TEXT, NOON)
    assert (told.state, told.permanent, told.error, told.provider_id) == (state, permanent, error, None)
    assert (len(twilio.taken), twilio.requests) == (taken, 1), "the client tries once"


def test_what_never_reached_twilio_may_be_tried_again() -> None:
    told = channel(f"http://127.0.0.1:{free_port()}").send(1, PHONE, TEXT, NOON)
    assert (told.state, told.permanent, told.error) == ("failed", False, "ConnectionError")


def test_a_number_that_is_none_and_a_wrong_token_fail_for_good(twilio: FakeTwilio) -> None:
    assert channel(twilio.url).send(1, "5550101", TEXT, NOON) == Delivery("failed", error="21211", permanent=True)
    refused = channel(twilio.url, token="another").send(1, PHONE, TEXT, NOON)
    assert refused == Delivery("failed", error="20003", permanent=True)


@pytest.mark.parametrize("fault", [None, 429, 21610, 500, "page", "hang", "reset"])
def test_neither_number_nor_text_is_logged(
    twilio: FakeTwilio, fault: int | str | None, caplog: pytest.LogCaptureFixture
) -> None:
    if fault is not None:
        twilio.faults.append(fault)
    with caplog.at_level(logging.DEBUG):
        channel(twilio.url).send(17, PHONE, TEXT, NOON)
    said = "\n".join(f"{record.getMessage()} {vars(record)}" for record in caplog.records)
    assert "'outbox': 17" in said
    assert [word for word in (PHONE, PHONE[1:], "K7Q2", TOKEN) if word in said] == []


@pytest.mark.parametrize(
    "wrong", [{"Text": "x"}, {"ValidityPeriod": "0"}, {"StatusCallback": "/webhooks"}, {"From": "Riverside"}]
)
def test_the_fake_takes_nothing_that_twilio_would_not(wrong: dict[str, str]) -> None:
    path, form = f"/2010-04-01/Accounts/{ACCOUNT}/Messages.json", {"To": PHONE, "From": SENDER, "Body": TEXT}

    def said(path: str, form: dict[str, str], kind: str = "application/x-www-form-urlencoded") -> str:
        return unfit(path, kind, {name: [value] for name, value in form.items()})

    assert said(path, form) == ""
    assert next(iter(wrong)) in said(path, form | wrong)
    assert "no such resource" in said(path.replace("Messages", "Calls"), form)
    assert "not a form" in said(path, form, "application/json")


def test_a_late_or_doubled_word_never_goes_back() -> None:
    order = [Sending.ACCEPTED, Sending.SENT, Sending.DELIVERED]
    for place, told in enumerate(order):
        assert [moves(seen, told) for seen in order] == [earlier < place for earlier in range(3)]
    assert not moves(Sending.UNDELIVERED, Sending.DELIVERED)
