"""Which way texts leave follows from the settings and the database's mode."""

from pathlib import Path

import pytest

from hub.bootstrap import DEMO, PRODUCTION, build_hub, open_database
from hub.errors import WrongSetting
from hub.settings import Settings
from tests.twilio.fake import ACCOUNT, SENDER, TOKEN, callback, fake_twilio, signature


def settings(directory: Path, **further: str) -> Settings:
    given = {"clinic_zone": "UTC", "emergency_number": "112", "last_resort_phone": "+15555550199"}
    return Settings(data_dir=str(directory), **given | further)


def of_twilio(directory: Path, **further: str) -> Settings:
    given = {"twilio_account_sid": ACCOUNT, "twilio_auth_token": TOKEN, "twilio_from": SENDER}
    return settings(directory, **given | further)


def test_without_twilio_a_hub_reaches_nobody_and_listens_to_nobody(tmp_path: Path) -> None:
    open_database(settings(tmp_path), PRODUCTION)
    hub = build_hub(settings(tmp_path))
    assert (hub.channel.name, hub.channel.reaches_people, hub.twilio) == ("console", False, None)


def test_with_twilio_it_sends_by_it_and_believes_it_under_the_public_address(tmp_path: Path) -> None:
    open_database(settings(tmp_path), PRODUCTION)
    path, phone = "/webhooks/twilio/status?m=7", "+15555550101"
    with fake_twilio() as twilio:
        hub = build_hub(of_twilio(tmp_path, public_url="https://rpm.example.org/", twilio_base_url=twilio.url))
        assert hub.channel.send(7, phone, "Text", hub.clock.now()).state == "accepted"
        (message,) = twilio.taken
    assert message.callback == f"https://rpm.example.org{path}"
    said = callback(message, "sent")
    assert hub.twilio is not None
    assert hub.twilio.genuine(path, said, signature(f"https://rpm.example.org{path}", said))
    assert not hub.twilio.genuine(path, said, signature(f"http://127.0.0.1:8080{path}", said))


def test_twilio_half_set_up_does_not_start(tmp_path: Path) -> None:
    open_database(settings(tmp_path), PRODUCTION)
    with pytest.raises(WrongSetting, match="Twilio is half set up"):
        build_hub(of_twilio(tmp_path, twilio_from=""))


def test_the_demo_takes_no_notice_of_twilio(tmp_path: Path) -> None:
    """SF20: whatever the environment says, nobody is texted."""
    open_database(settings(tmp_path), DEMO)
    for given in (of_twilio(tmp_path), of_twilio(tmp_path, twilio_from="")):
        hub = build_hub(given)
        assert (hub.channel.name, hub.twilio) == ("demo_phone", None)
