"""Texts that Twilio could not bring: its list is asked once a minute, and nothing of it is taken twice."""

from collections.abc import Iterator
from dataclasses import replace
from datetime import timedelta
from pathlib import Path

import pytest

from hub.adapters.twilio_http import twilio_client
from hub.adapters.twilio_list import TwilioList
from tests.scenario.phones import SHORT_S, Story, story
from tests.scenario.test_by_phone import falls_ill, next_at, page
from tests.scenario.texted import SAFETY
from tests.twilio.fake import ACCOUNT, SERVICE, TOKEN

TAKEN = "You have K7Q2. Contact the patient by {} and record it on the page, or we page again."


@pytest.fixture
def told(tmp_path: Path) -> Iterator[Story]:
    with story(tmp_path) as one:
        one.moment()
        yield one


def writes(told: Story, phone: str, body: str) -> None:
    """Twilio has it, and cannot reach the hub."""
    assert told.twilio.inbound(None, phone, body) == 0


def test_a_cry_for_help_that_came_while_the_hub_was_away_pages_when_it_is_back(told: Story) -> None:
    told.worker_down(hours=5)
    writes(told, told.pat.number, "i cant breathe")
    told.worker_down(hours=2)
    told.moment()
    told.forward(minutes=1)
    told.pat.reads(SAFETY)
    told.ana.reads(page("14:05 (reading 2 h 1 min old)", "K7Q2", next_at("14:10")))
    (received_at,) = told.home.rows("inbound", "received_at")
    assert told.now - received_at == timedelta(hours=2, minutes=1)


def test_a_nurse_is_heard_within_a_minute_though_no_webhook_works(told: Story) -> None:
    falls_ill(told)
    told.ana.reads(page("07:04", "K7Q2", next_at("07:09")))
    writes(told, told.ana.number, "1a")
    told.forward(minutes=2)
    told.ana.reads(TAKEN.format("07:36"))
    told.forward(minutes=8)
    assert told.clinic.alert().acknowledged_name == "Ana Example"


def test_what_was_brought_is_not_taken_again_from_the_list(told: Story) -> None:
    told.pat.texts("chest pain")
    told.pat.reads(SAFETY)
    told.ana.reads(page("07:04", "K7Q2", next_at("07:09")))
    told.ana.texts("1a")
    told.ana.reads(TAKEN.format("07:34"))
    told.forward(minutes=5)
    assert len(told.home.rows("inbound", "id")) == 2


def test_what_came_before_the_hub_began_is_nobodys_question_here(tmp_path: Path) -> None:
    with story(tmp_path) as told:
        writes(told, told.pat.number, "i cant breathe")
        told.worker_down(hours=1)
        told.forward(minutes=2)
        assert told.home.count("inbound") == 0


def test_a_list_that_cannot_be_asked_is_an_alarm_and_its_end(told: Story) -> None:
    texts = told.hub.texts
    nowhere = TwilioList(twilio_client(ACCOUNT, TOKEN, base_url="http://127.0.0.1:9", timeout=SHORT_S), SERVICE)
    told.clinic.hub = replace(told.hub, texts=nowhere)
    told.forward(minutes=4)
    assert told.open_alerts() == []
    told.forward(minutes=3)
    assert told.open_alerts() == ["texts-not-listed"]
    writes(told, told.pat.number, "hello?")
    told.clinic.hub = replace(told.hub, texts=texts)
    told.forward(minutes=1)
    assert (told.open_alerts(), told.unread_texts()) == ([], ["hello?"])


def test_of_a_messaging_service_only_its_own_texts_are_taken(told: Story) -> None:
    service = TwilioList(twilio_client(ACCOUNT, TOKEN, base_url=told.twilio.url, timeout=SHORT_S), SERVICE)
    told.clinic.hub = replace(told.hub, texts=service)
    writes(told, told.pat.number, "to another number of the account")
    told.twilio.advanced_opt_out = True
    writes(told, told.pat.number, "to the service")
    told.forward(minutes=2)
    assert told.unread_texts() == ["to the service"]
