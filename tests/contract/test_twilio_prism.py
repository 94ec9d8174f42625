"""Everything that is sent to Twilio, held to Twilio's own description of its API by a proxy that knows no mercy.

The fake behind it is held to the description too: what it answers is what Twilio may answer.
"""

import base64
from collections.abc import Iterator
from dataclasses import replace
from datetime import UTC, datetime, timedelta
from pathlib import Path
from urllib.error import HTTPError
from urllib.parse import urlencode
from urllib.request import Request, urlopen

import pytest
from twilio.base.exceptions import TwilioRestException
from twilio.rest import Client

from hub.adapters.channels.twilio_sms import TwilioSms
from hub.adapters.twilio_http import twilio_client
from hub.adapters.twilio_list import TwilioList
from hub.cli.checks import answers
from hub.cli.checks import texts as channel_checks
from hub.domain import checkin_texts, patient_texts, texts
from hub.domain.gsm7 import SEGMENT, gsm7_septets
from hub.services.checkup.finding import Need
from tests.twilio.accepts import MESSAGES, REFUSED
from tests.twilio.fake import ACCOUNT, SENDER, SERVICE, TOKEN, FakeTwilio, fake_twilio
from tests.twilio.proxy import Prism, prism
from tests.unit.alerting.clinic import clinics
from tests.unit.checkup.subjects import subject

PHONE = "+15555550111"
UNFIT, UNFIT_ANSWER = "UNPROCESSABLE_ENTITY", "VIOLATIONS"
"""Prism's words: it stops a request, which the fake then never sees, or it stops an answer."""

NOON = datetime(2026, 3, 2, 12, 4, tzinfo=UTC)
STATUS_URL = "https://rpm.example.org/webhooks/twilio/status"
HERE = texts.Clinic("Riverside", "America/New_York", "https://rpm.example.org")
SIGNED = patient_texts.Signature("Riverside Home Care", "911", "5550100")
BODIES = (
    texts.taken(HERE, "K7Q2", NOON + timedelta(minutes=30)),
    texts.stand_down(HERE, "K7Q2", "Ana Example", NOON),
    patient_texts.stopped(SIGNED),
    patient_texts.started(SIGNED),
    patient_texts.help_text(SIGNED),
    patient_texts.safety(SIGNED),
    patient_texts.courtesy(SIGNED),
    checkin_texts.saved(HERE),
    "é£€{}[]~|^\\@" + "x" * (SEGMENT - gsm7_septets("é£€{}[]~|^\\@")),  # type: ignore[operator]
)


@pytest.fixture(scope="module")
def twilio() -> Iterator[FakeTwilio]:
    with fake_twilio() as fake:
        yield fake


@pytest.fixture(scope="module")
def proxy(twilio: FakeTwilio, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Prism]:
    with prism(tmp_path_factory.mktemp("prism"), twilio.url) as running:
        yield running


@pytest.fixture(autouse=True)
def caught(twilio: FakeTwilio, proxy: Prism) -> Iterator[list[str]]:
    """What a test sends reaches the fake, and nothing of it is against the description; but what the test puts in this
    list must be caught: words of what the proxy says of it."""
    began, known, forwarded = proxy.checked(), len(proxy.violations()), twilio.requests
    expected: list[str] = []
    yield expected
    passed = twilio.requests - forwarded
    stopped = sum(word == UNFIT for word in expected)
    checked = proxy.checked(began + passed + stopped) - began
    found = proxy.violations(known + len(expected))[known:]
    print(f"requests checked: {checked}, against the description: {len(found)}")
    assert checked == passed + stopped > 0
    assert [word for word in expected if not any(word in line for line in found)] == []
    assert expected or found == []


def sms(proxy: Prism, *, sender: str = SENDER, token: str = TOKEN, timeout: float = 5.0) -> TwilioSms:
    return TwilioSms(ACCOUNT, token, sender, base_url=proxy.url, status_url=STATUS_URL, timeout=timeout)


def client(proxy: Prism) -> Client:
    """Twilio's own, for what is read."""
    return twilio_client(ACCOUNT, TOKEN, base_url=proxy.url)


def posted(proxy: Prism, form: dict[str, str]) -> int:
    """The status of the answer to a form that the hub does not send."""
    login = base64.b64encode(f"{ACCOUNT}:{TOKEN}".encode()).decode()
    request = Request(proxy.url + MESSAGES, urlencode(form).encode(), {"Authorization": f"Basic {login}"})  # noqa: S310
    try:
        with urlopen(request, timeout=5) as answer:  # noqa: S310 - the proxy's own address
            return int(answer.status)
    except HTTPError as error:
        with error:
            return error.code


# What the product sends ------------------------------------------------------------------------------------------


@pytest.mark.parametrize("sender", [SENDER, SERVICE])
@pytest.mark.parametrize("body", BODIES, ids=map(str, range(len(BODIES))))
def test_every_text_is_taken(twilio: FakeTwilio, proxy: Prism, sender: str, body: str) -> None:
    assert sms(proxy, sender=sender).send(17, PHONE, body, NOON).state == "accepted"
    message = twilio.taken[-1]
    assert (message.to, message.body, message.callback) == (PHONE, body, f"{STATUS_URL}?m=17")


def test_a_hub_pages_its_people(twilio: FakeTwilio, proxy: Prism, tmp_path: Path) -> None:
    for clinic in clinics(tmp_path):
        clinic.hub = replace(clinic.hub, channel=sms(proxy))
        clinic.staff("Ana Example", "+15555550101")
        clinic.staff("Ben Sample", "+15555550102", "physician")
        clinic.finds(clinic.patient())
        for _ in range(3):
            clinic.tick()
            clinic.clock.forward(timedelta(minutes=5))
        assert clinic.outbox() == [("page", "accepted")] * 3
    assert [message.to[-3:] for message in twilio.taken[-3:]] == ["101", "102", "199"]


def test_a_hub_without_a_public_address_asks_for_no_callback(twilio: FakeTwilio, proxy: Prism) -> None:
    quiet = TwilioSms(ACCOUNT, TOKEN, SENDER, base_url=proxy.url)
    assert (quiet.send(1, PHONE, "Text", NOON).state, twilio.taken[-1].callback) == ("accepted", None)


@pytest.mark.parametrize("code", sorted(REFUSED))
def test_every_refusal_of_a_message(twilio: FakeTwilio, proxy: Prism, code: int) -> None:
    twilio.faults.append(code)
    told = sms(proxy).send(1, PHONE, "Text", NOON)
    assert (told.state, told.error) == ("failed", str(code))


@pytest.mark.parametrize(
    ("fault", "state", "error"),
    [
        (429, "failed", "20429"),
        (500, "unknown", "20500"),
        (503, "unknown", "20503"),
        ("hang", "unknown", "ReadTimeout"),
    ],
)
def test_every_way_of_being_broken(twilio: FakeTwilio, proxy: Prism, fault: int | str, state: str, error: str) -> None:
    twilio.faults.append(fault)
    told = sms(proxy, timeout=0.4 if fault == "hang" else 5.0).send(1, PHONE, "Text", NOON)
    assert (told.state, told.error) == (state, error)


def test_a_wrong_token(proxy: Prism) -> None:
    assert sms(proxy, token="another").send(1, PHONE, "Text", NOON).error == "20003"


# What the product reads ------------------------------------------------------------------------------------------


@pytest.mark.parametrize("hook", ["", "https://rpm.example.org/webhooks/twilio/inbound#rc=5&rp=ct,rt,5xx"])
def test_what_doctor_asks(twilio: FakeTwilio, proxy: Prism, tmp_path: Path, hook: str) -> None:
    twilio.account.numbers[SENDER] = {"sms_url": hook}
    given = {"twilio_account_sid": ACCOUNT, "twilio_auth_token": TOKEN, "twilio_from": SENDER}
    asked = subject(tmp_path, public_url="https://rpm.example.org", twilio_base_url=proxy.url, **given)
    needs = [found.need for found in (*channel_checks.channel(asked), *answers.brought(asked))]
    assert needs == [Need.FINE, Need.FINE if hook else Need.SHOULD]


def test_what_doctor_is_refused(twilio: FakeTwilio, proxy: Prism, tmp_path: Path) -> None:
    given = {"twilio_account_sid": ACCOUNT, "twilio_auth_token": "another", "twilio_from": SENDER}
    asked = subject(tmp_path, public_url="https://rpm.example.org", twilio_base_url=proxy.url, **given)
    (found,) = channel_checks.channel(asked)
    assert "refuses the account or its token (401)" in found.what


def test_messages_are_found_again(twilio: FakeTwilio, proxy: Prism) -> None:
    other = "+15555550112"
    sids = [sms(proxy).send(number, other, f"Text {number}", NOON).provider_id for number in range(3)]
    message = twilio.taken[-1]
    message.status, message.error = "undelivered", 30003
    found = client(proxy).messages.list(to=other, page_size=2)
    assert [one.sid for one in found] == sids[::-1]
    again = client(proxy).messages(sids[-1]).fetch()
    assert (again.status, again.error_code, again.direction, again.body) == (
        "undelivered",
        30003,
        "outbound-api",
        "Text 2",
    )
    with pytest.raises(TwilioRestException) as refused:
        client(proxy).messages("SM" + "f" * 32).fetch()
    assert (refused.value.status, refused.value.code) == (404, 20404)


@pytest.mark.parametrize("sender", [SENDER, SERVICE])
def test_what_came_in_is_listed(twilio: FakeTwilio, proxy: Prism, sender: str) -> None:
    twilio.advanced_opt_out = sender == SERVICE
    twilio.inbound(None, PHONE, "1a", media=2)
    came = TwilioList(client(proxy), sender).since(NOON - timedelta(hours=1))[-1]
    assert (came.provider_id, came.sender, came.to) == (twilio.came_in[-1].sid, PHONE, SENDER)
    assert (came.body, came.media, came.at) == ("1a", 2, NOON)
    twilio.advanced_opt_out = False
    assert TwilioList(client(proxy), sender).since(NOON + timedelta(seconds=1)) == []


# What must be caught ---------------------------------------------------------------------------------------------


def test_a_number_that_is_none_is_caught(twilio: FakeTwilio, proxy: Prism, caught: list[str]) -> None:
    caught.append(UNFIT)
    known = len(twilio.taken)
    assert sms(proxy).send(1, "5550111", "Text", NOON).error == "422"
    assert len(twilio.taken) == known


@pytest.mark.parametrize(
    "wrong",
    [
        {"Text": "of a parameter that there is not"},
        {"ScheduleType": "some day"},
        {"ValidityPeriod": "soon"},
        {"MessagingServiceSid": "MG7"},
    ],
)
def test_what_is_not_in_the_description_is_caught(proxy: Prism, caught: list[str], wrong: dict[str, str]) -> None:
    caught.append(UNFIT)
    assert posted(proxy, {"To": PHONE, "From": SENDER, "Body": "Text"} | wrong) == 422


def test_an_answer_that_is_not_in_the_description_is_caught(
    twilio: FakeTwilio, proxy: Prism, caught: list[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(twilio.account, "status", "on holiday")
    caught.append(UNFIT_ANSWER)
    with pytest.raises(TwilioRestException) as refused:
        client(proxy).api.v2010.accounts(ACCOUNT).fetch()
    assert refused.value.status == 500
