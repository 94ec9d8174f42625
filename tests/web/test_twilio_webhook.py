"""Twilio's calls: only what its signature proves is believed, once, and nobody learns why the rest was refused."""

import logging
from dataclasses import replace
from datetime import timedelta

import pytest
from flask.testing import FlaskClient
from sqlalchemy import select

from hub.adapters.clock import SystemClock
from hub.adapters.sql.tables.alerting import alert, outbox
from hub.domain.messages import Sending
from hub.domain.severity import Severity
from hub.services import alerting
from tests.twilio.fake import Taken, callback, signature
from tests.web.site import site_of
from tests.web.ward import Ward

URL = "http://127.0.0.1/webhooks/twilio/status"
SID = f"SM{7:032x}"
QUICK_S = 1.0
"""Twilio waits for fifteen seconds; a page of ours never takes one."""


@pytest.fixture
def message(ward: Ward) -> Taken:
    """A page that Twilio has taken."""
    with ward.hub.unit_of_work() as uow:
        alerting.technical(uow, ward.hub, "hub", "broken", Severity.RED, "Broken", ward.clock.now())
        until = ward.clock.now() + timedelta(seconds=20)
        page = uow.outbox.claim(ward.clock.now(), until, "twilio_sms", 1)[0]
        uow.outbox.record(page.id, page.fence, Sending.ACCEPTED, SID, None, ward.clock.now())
        uow.commit()
    return Taken(SID, page.to, page.body, f"{URL}?m={page.id}")


def post(
    client: FlaskClient, url: str | None, form: dict[str, str], *, signed: dict[str, str] | None = None, token: str = ""
) -> int:
    """The answer to ``form``, with the signature of ``signed``."""
    assert url is not None
    given = {"X-Twilio-Signature": signature(url, form if signed is None else signed, *([token] if token else []))}
    answer = client.post(url.removeprefix("http://127.0.0.1"), data=form, headers=given)
    assert answer.data == b""
    return answer.status_code


def state(ward: Ward) -> str:
    with ward.engine.connect() as connection:
        found = select(outbox.c.state).where(outbox.c.provider_id == SID)
        return str(connection.execute(found).scalar_one())


def test_a_signed_word_moves_the_message_and_a_replay_changes_nothing(
    client: FlaskClient, ward: Ward, message: Taken
) -> None:
    assert post(client, message.callback, callback(message, "delivered")) == 204
    assert state(ward) == "delivered"
    for word in ("sent", "delivered", "undelivered"):
        assert post(client, message.callback, callback(message, word)) == 204
    assert state(ward) == "delivered"


def test_a_page_that_did_not_arrive_pages_the_next_person(client: FlaskClient, ward: Ward, message: Taken) -> None:
    def pages() -> int:
        with ward.engine.connect() as connection:
            return len(connection.execute(select(outbox.c.id).where(outbox.c.kind == "page")).all())

    before = pages()
    assert post(client, message.callback, callback(message, "undelivered", 30003)) == 204
    assert (state(ward), pages()) == ("undelivered", before + 1)
    assert post(client, message.callback, callback(message, "undelivered", 30003)) == 204
    assert pages() == before + 1


def test_what_the_signature_does_not_prove_is_refused(client: FlaskClient, ward: Ward, message: Taken) -> None:
    said = callback(message, "delivered")
    other = f"{URL}?m=1"
    assert post(client, message.callback, said, token="another") == 403
    assert post(client, message.callback, said, signed=said | {"MessageStatus": "sent"}) == 403
    assert post(client, message.callback, said | {"AccountSid": "AC" + "0f" * 16}) == 403
    assert client.post(other, data=said).status_code == 403
    given = {"X-Twilio-Signature": signature(str(message.callback), said)}
    assert client.post(other, data=said, headers=given).status_code == 403
    assert client.post(URL, json=said, headers=given).status_code == 403
    assert client.get(URL).status_code == 405
    assert state(ward) == "accepted"


@pytest.mark.parametrize(
    "wrong",
    [
        {"MessageStatus": "sentt"},
        {"MessageStatus": "received"},
        {"MessageSid": "SM7"},
        {"Colour": "mauve"},
        {"ErrorCode": "'; --"},
        {"To": "ana"},
    ],
)
def test_a_signed_field_that_is_not_twilios_is_refused(
    client: FlaskClient, ward: Ward, message: Taken, wrong: dict[str, str]
) -> None:
    assert post(client, message.callback, callback(message, "delivered") | wrong) == 400
    assert state(ward) == "accepted"


def test_a_signed_word_that_is_not_understood_is_one_alarm(client: FlaskClient, ward: Ward, message: Taken) -> None:
    for _ in range(2):
        assert post(client, message.callback, callback(message, "delivered") | {"Colour": "mauve"}) == 400
    assert post(client, message.callback, callback(message, "sent"), token="another") == 403
    with ward.engine.connect() as connection:
        problems = list(connection.execute(select(alert.c.problem).where(alert.c.subject.like("channel:%"))).scalars())
    assert problems == ["status-not-understood"]


def test_moving_a_letter_from_a_value_to_a_name_keeps_the_signature_and_is_refused(
    client: FlaskClient, ward: Ward, message: Taken
) -> None:
    said = callback(message, "delivered")
    moved = {name: value for name, value in said.items() if name != "MessageStatus"} | {"MessageStatusd": "elivered"}
    assert signature(URL, moved) == signature(URL, said)
    assert post(client, message.callback, moved) == 400
    assert post(client, f"{message.callback}&m=2", said) == 400
    assert client.post(URL, data={"To": ["a", "b"]}).status_code == 400
    assert state(ward) == "accepted"


def test_the_word_is_about_the_public_address(ward: Ward, message: Taken) -> None:
    hub = replace(ward.hub, twilio=None)
    assert site_of(hub).test_client().post(URL).status_code == 404
    behind_a_proxy = site_of(ward.hub).test_client()
    said = callback(message, "delivered")
    given = {"X-Twilio-Signature": signature(str(message.callback), said), "Host": "10.0.0.7:8080"}
    assert behind_a_proxy.post(str(message.callback)[16:], data=said, headers=given).status_code == 204


def test_it_is_answered_at_once_and_nothing_of_it_is_logged(
    client: FlaskClient, message: Taken, caplog: pytest.LogCaptureFixture
) -> None:
    clock = SystemClock()
    began = clock.monotonic()
    with caplog.at_level(logging.DEBUG):
        assert post(client, message.callback, callback(message, "delivered")) == 204
        assert post(client, message.callback, callback(message, "delivered") | {"Colour": "mauve"}) == 400
    assert clock.monotonic() - began < QUICK_S
    said = "\n".join(str(vars(record)) for record in caplog.records)
    assert [word for word in (message.to[1:], SID, "mauve", "Colour") if word in said] == []
