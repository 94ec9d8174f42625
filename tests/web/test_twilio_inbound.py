"""Texts that come in by Twilio: kept once, answered at once, and nothing of them is lost or believed without proof."""

import logging
import subprocess
import sys
from collections.abc import Callable
from urllib.parse import urlencode

import pytest
from flask.testing import FlaskClient
from sqlalchemy import select
from werkzeug.test import TestResponse

from hub.adapters.clock import SystemClock
from hub.adapters.sql.tables.alerting import alert, inbound, outbox
from hub.adapters.sql.tables.measurements import quarantine
from tests.twilio.fake import ACCOUNT, SENDER, SERVICE, signature
from tests.web.people import Person
from tests.web.ward import Ward

PATH = "/webhooks/twilio/inbound"
URL = f"http://127.0.0.1{PATH}"
SID = f"SM{7:032x}"
FORM = "application/x-www-form-urlencoded"
PATIENT = "+15555550111"
QUICK_S, HELD_S = 0.1, 0.05
HOLDS = """
import sqlite3, sys, threading
with sqlite3.connect(sys.argv[1], isolation_level=None) as held:
    held.execute("BEGIN IMMEDIATE")
    print("held", flush=True)
    threading.Event().wait(float(sys.argv[2]))
    held.execute("COMMIT")
"""


def text(body: str = "I feel unwell", **other: str) -> dict[str, str]:
    """The form of a text from a patient."""
    ids = {"MessageSid": SID, "SmsSid": SID, "SmsMessageSid": SID, "AccountSid": ACCOUNT, "SmsStatus": "received"}
    return ids | {"From": PATIENT, "To": SENDER, "Body": body, "NumMedia": "0", "ApiVersion": "2010-04-01"} | other


def post(client: FlaskClient, form: dict[str, str], *, url: str = URL, token: str = "") -> TestResponse:
    """The answer to a signed form."""
    given = {"X-Twilio-Signature": signature(url, form, *([token] if token else []))}
    return client.post(url.removeprefix("http://127.0.0.1"), data=urlencode(form), content_type=FORM, headers=given)


def kept(ward: Ward) -> list[tuple[object, ...]]:
    columns = [inbound.c[name] for name in ("provider_id", "from", "to", "body", "media", "opt_out", "handled_at")]
    with ward.engine.connect() as connection:
        found = select(*columns).where(inbound.c.provider_id.startswith("SM") | inbound.c.provider_id.startswith("MM"))
        return [tuple(row) for row in connection.execute(found)]


def alarms(ward: Ward) -> list[tuple[str, str]]:
    with ward.engine.connect() as connection:
        found = select(alert.c.problem, alert.c.sentence).where(alert.c.subject.like("channel:%"))
        return [tuple(row) for row in connection.execute(found)]  # type: ignore[misc]


def refused(ward: Ward) -> list[tuple[object, ...]]:
    columns = [quarantine.c[name] for name in ("gateway_id", "topic", "code", "detail", "raw")]
    with ward.engine.connect() as connection:
        found = select(*columns).where(quarantine.c.gateway_id == "twilio").order_by(quarantine.c.id)
        return [tuple(row) for row in connection.execute(found)]


def test_a_text_is_kept_for_the_worker_and_answered_with_nothing(client: FlaskClient, ward: Ward) -> None:
    answer = post(client, text())
    assert (answer.status_code, answer.mimetype, answer.data) == (200, "text/xml", b"<Response/>")
    assert kept(ward) == [(SID, PATIENT, SENDER, "I feel unwell", 0, None, None)]
    assert (alarms(ward), refused(ward)) == ([], [])


def test_told_again_it_is_answered_and_stays_one(client: FlaskClient, ward: Ward) -> None:
    assert [post(client, text()).status_code for _ in range(3)] == [200, 200, 200]
    assert post(client, text("Another body", NumMedia="1")).status_code == 200
    assert [row[3] for row in kept(ward)] == ["I feel unwell"]


@pytest.mark.parametrize("body", ["", "ÄÖ 😟" * 400, "STOP", "1a", "a&b=c+d%20\n2"])
@pytest.mark.parametrize("sender", [PATIENT, "22395", "RIVERSIDE"])
def test_whatever_is_said_by_whomever_is_kept(client: FlaskClient, ward: Ward, body: str, sender: str) -> None:
    assert post(client, text(body, From=sender)).status_code == 200
    assert [row[1:4] for row in kept(ward)] == [(sender, SENDER, body)]


def test_what_twilio_says_of_it_is_kept(client: FlaskClient, ward: Ward) -> None:
    sid = f"MM{8:032x}"
    media = {"NumMedia": "1", "MediaUrl0": "https://api.twilio.com/x/ME1", "MediaContentType0": "image/jpeg"}
    given = text("stop", MessageSid=sid, OptOutType="STOP", MessagingServiceSid=SERVICE, FromCity="", **media)
    assert post(client, given).status_code == 200
    assert kept(ward) == [(sid, PATIENT, SENDER, "stop", 1, "STOP", None)]


def test_what_the_signature_does_not_prove_is_not_kept_at_all(client: FlaskClient, ward: Ward) -> None:
    given = {"X-Twilio-Signature": signature(URL, text())}
    assert post(client, text(), token="another").status_code == 403
    assert client.post(PATH, data=text("STOP"), headers=given).status_code == 403
    assert client.post(f"{PATH}?a=1", data=text(), headers=given).status_code == 403
    assert client.post("/webhooks/twilio/status", data=text(), headers=given).status_code == 403
    assert client.post(PATH, data=text()).status_code == 403
    assert client.post(PATH, json=text(), headers=given).status_code == 403
    assert post(client, text(AccountSid="AC" + "0f" * 16)).status_code == 403
    assert client.post(PATH, data=text() | {"Body": ["once", "twice"]}, headers=given).status_code == 403
    assert client.get(PATH, query_string=text(), headers=given).status_code == 405
    assert (kept(ward), refused(ward), alarms(ward)) == ([], [], [])


@pytest.mark.parametrize(
    ("other", "named"),
    [
        ({"Colour": "mauve"}, "a field of another name"),
        ({"Body": "x" * 1601}, "Body"),
        ({"From": "whatsapp:+155555501110"}, "From"),
        ({"MessageSid": "XX7"}, "MessageSid"),
    ],
)
def test_what_is_twilios_and_cannot_be_read_is_kept_whole_and_told(
    client: FlaskClient, ward: Ward, other: dict[str, str], named: str
) -> None:
    given = text() | other
    answer = post(client, given)
    assert (answer.status_code, answer.data) == (400, b"")
    detail = f"Not what a text that comes in carries: {named}."
    assert refused(ward) == [("twilio", PATH, "inbound_text", detail, urlencode(given).encode())]
    assert kept(ward) == []
    ((problem, sentence),) = alarms(ward)
    assert (problem, "cannot be read: look at Quarantine" in sentence) == ("text-not-understood", True)


def test_it_pages_somebody_once_and_every_text_is_kept(client: FlaskClient, ward: Ward) -> None:
    def pages() -> int:
        with ward.engine.connect() as connection:
            return len(connection.execute(select(outbox.c.id).where(outbox.c.kind == "page")).all())

    before = pages()
    for number in range(3):
        assert post(client, text(f"Text {number}", Colour="mauve")).status_code == 400
    assert (len(refused(ward)), len(alarms(ward)), pages()) == (3, 1, before + 1)


def test_a_field_that_comes_twice_is_read_neither_way(client: FlaskClient, ward: Ward) -> None:
    pairs = [*text("STOP").items(), ("Body", "I feel unwell")]
    given = {name: value for name, value in pairs if name != "Body"} | {"Body": "I feel unwellBodySTOP"}
    signed = {"X-Twilio-Signature": signature(URL, given)}  # as Twilio's own library reads a name with two values
    assert client.post(PATH, data=dict(pairs) | {"Body": ["STOP", "I feel unwell"]}, headers=signed).status_code == 400
    assert (kept(ward), len(alarms(ward))) == ([], 1)
    assert b"Body=STOP&Body=I+feel+unwell" in refused(ward)[0][4]  # type: ignore[operator]


def test_an_address_with_more_in_it_is_kept_with_it_and_not_read(client: FlaskClient, ward: Ward) -> None:
    assert post(client, text(), url=f"{URL}?From=%2B15555550112").status_code == 400
    ((_, topic, _, detail, raw),) = refused(ward)
    assert (topic, str(detail).endswith("the address.")) == (PATH, True)
    assert raw == urlencode(text()).encode() + b"\nFrom=%2B15555550112"


def test_what_is_larger_than_any_text_is_not_read_to_its_end(client: FlaskClient, ward: Ward) -> None:
    assert post(client, text("x" * 70_000)).status_code == 413
    assert (kept(ward), refused(ward)) == ([], [])


@pytest.mark.parametrize("login", ["ana", "otto"])
def test_staff_read_it_on_the_quarantine_page(
    client: FlaskClient, ward: Ward, sign_in: Callable[[str], Person], login: str
) -> None:
    assert post(client, text("I feel <unwell>", Colour="mauve")).status_code == 400
    person = sign_in(login)
    page = person.get("/quarantine/").text
    assert "A text that came in cannot be read as one." in page
    assert "unwell" not in page
    with ward.hub.reads() as reads:
        newest = reads.bad_messages(seen=False, limit=1)[0].id
    assert f'href="/quarantine/{newest}"' in page
    assert "<dd>I feel &lt;unwell&gt;</dd>" in person.get(f"/quarantine/{newest}").text


def test_it_is_answered_at_once_and_nothing_of_it_is_logged(
    client: FlaskClient, ward: Ward, caplog: pytest.LogCaptureFixture
) -> None:
    clock = SystemClock()
    took = []
    with caplog.at_level(logging.DEBUG):
        assert post(client, text(MessageSid=f"SM{99:032x}")).status_code == 200  # the first opens the database
        for number in range(20):
            form = text(f"unheard of {number}", MessageSid=f"SM{number:032x}")
            began = clock.monotonic()
            assert post(client, form).status_code == 200
            took.append(clock.monotonic() - began)
        assert post(client, text("unheard of", Colour="mauve")).status_code == 400
    print(f"a text is kept in {sorted(took)[10] * 1000:.1f} ms, at most {max(took) * 1000:.1f} ms")
    assert sorted(took)[len(took) // 2] < QUICK_S
    said = "\n".join(str(vars(record)) for record in caplog.records)
    assert [word for word in (PATIENT[1:], SID, "unheard", "mauve", "Colour") if word in said] == []


def test_while_another_process_writes_it_waits_and_is_kept(client: FlaskClient, ward: Ward) -> None:
    clock = SystemClock()
    assert post(client, text(MessageSid=f"SM{99:032x}")).status_code == 200
    command = [sys.executable, "-c", HOLDS, str(ward.file), str(HELD_S)]
    with subprocess.Popen(command, stdout=subprocess.PIPE, text=True) as holder:
        assert holder.stdout is not None
        assert holder.stdout.readline() == "held\n"
        began = clock.monotonic()
        assert post(client, text()).status_code == 200
        took = clock.monotonic() - began
    print(f"while another process writes for {HELD_S * 1000:.0f} ms: {took * 1000:.1f} ms")
    assert took < 10 * QUICK_S
    assert len(kept(ward)) == 2
