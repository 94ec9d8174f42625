"""Whether doctor sees that texts to the clinic's number are brought to the hub."""

from collections.abc import Iterator
from pathlib import Path

import pytest

from hub.cli.checks import answers, site
from hub.services.checkup.finding import Finding, Need
from tests.servers import free_port
from tests.twilio.fake import ACCOUNT, SENDER, SERVICE, TOKEN, FakeTwilio, fake_twilio
from tests.unit.checkup.subjects import subject

ADDRESS = "https://rpm.example.org/webhooks/twilio/inbound"


@pytest.fixture
def twilio() -> Iterator[FakeTwilio]:
    with fake_twilio() as fake:
        yield fake


def found(folder: Path, url: str, **further: str) -> list[Finding]:
    given = {"twilio_account_sid": ACCOUNT, "twilio_auth_token": TOKEN, "twilio_from": SENDER}
    given |= {"twilio_base_url": url, "public_url": "https://rpm.example.org/"} | further
    return list(answers.brought(subject(folder, **given)))


def the_one(folder: Path, url: str, **further: str) -> Finding:
    (one,) = found(folder, url, **further)
    assert TOKEN not in repr(one)
    return one


def test_a_number_whose_texts_are_brought_to_this_hub(tmp_path: Path, twilio: FakeTwilio) -> None:
    twilio.account.numbers[SENDER] = {"sms_url": f"{ADDRESS}#rc=5&rp=ct,rt,5xx"}
    one = the_one(tmp_path, twilio.url)
    assert (one.need, one.what) == (Need.FINE, f"Texts to {SENDER} are brought to this hub.")


@pytest.mark.parametrize(
    ("hooks", "need", "part"),
    [
        ({}, Need.SHOULD, "are brought to nobody"),
        ({"sms_url": "https://demo.twilio.com/welcome/sms/reply"}, Need.SHOULD, "to https://demo.twilio.com/welcome"),
        ({"sms_url": f"{ADDRESS}/"}, Need.SHOULD, "are brought to https://rpm.example.org/"),
        ({"sms_url": ADDRESS.replace("https", "http")}, Need.SHOULD, "are brought to http://rpm"),
        ({"sms_url": ADDRESS, "sms_method": "GET"}, Need.SHOULD, "by GET, not by POST"),
        ({"sms_url": ADDRESS}, Need.SHOULD, "tries once"),
        ({"sms_url": ADDRESS, "sms_application_sid": "AP" + "0c" * 16}, Need.SHOULD, "TwiML application"),
    ],
)
def test_a_number_whose_texts_go_elsewhere(
    tmp_path: Path, twilio: FakeTwilio, hooks: dict[str, str], need: Need, part: str
) -> None:
    twilio.account.numbers[SENDER] = hooks
    one = the_one(tmp_path, twilio.url)
    assert (one.need, part in one.what) == (need, True), one.what
    assert one.mend.endswith(f"Messaging, A message comes in: webhook, HTTP POST, {ADDRESS}#rc=5&rp=ct,rt,5xx")


def test_a_number_that_is_not_the_accounts_must_be_mended(tmp_path: Path, twilio: FakeTwilio) -> None:
    twilio.account.numbers = {SENDER + "9": {"sms_url": ADDRESS}}
    one = the_one(tmp_path, twilio.url)
    assert (one.need, one.what) == (Need.MUST, f"The Twilio account has no number {SENDER}.")


@pytest.mark.parametrize(("sender", "kind"), [(SERVICE, "messaging service"), ("22395", "short code")])
def test_what_cannot_be_seen_is_to_be_looked_at(tmp_path: Path, twilio: FakeTwilio, sender: str, kind: str) -> None:
    one = the_one(tmp_path, twilio.url, twilio_from=sender)
    assert (one.need, kind in one.what, ADDRESS in one.mend) == (Need.SHOULD, True, True)
    assert twilio.requests == 0


def test_when_twilio_does_not_say_it_is_not_taken_for_wrong(tmp_path: Path, twilio: FakeTwilio) -> None:
    twilio.faults.append(500)
    assert the_one(tmp_path, twilio.url).need is Need.SHOULD
    assert the_one(tmp_path, twilio.url, twilio_auth_token="another").need is Need.SHOULD
    assert the_one(tmp_path, f"http://127.0.0.1:{free_port()}").need is Need.SHOULD


def test_a_hub_that_is_not_called_back_is_not_looked_at(tmp_path: Path, twilio: FakeTwilio) -> None:
    assert found(tmp_path, "https://api.example.org", public_url="http://rpm.example.org") == []
    assert found(tmp_path, twilio.url, twilio_auth_token="") == []
    assert twilio.requests == 0


def test_a_clinic_without_a_phone_is_told(tmp_path: Path) -> None:
    (absent,) = site.clinic_phone(subject(tmp_path))
    (there,) = site.clinic_phone(subject(tmp_path, clinic_phone="5550100"))
    assert (absent.need, there.need) == (Need.SHOULD, Need.FINE)
