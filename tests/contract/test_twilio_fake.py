"""The Twilio of the tests keeps what the real one keeps: who opted out, what came in, and how each message fared."""

import threading
from collections.abc import Iterator
from http.server import BaseHTTPRequestHandler, HTTPServer
from urllib.parse import parse_qsl

import pytest

from hub.adapters.channels.twilio_sms import TwilioSms
from hub.adapters.clock import SystemClock
from hub.domain.twilio_inbound import read_inbound
from tests.twilio.fake import ACCOUNT, SENDER, SERVICE, TOKEN, FakeTwilio, fake_twilio
from tests.twilio.keywords import REPLIES

PHONE = "+15555550111"


class _Hub(HTTPServer):
    """Answers whatever is posted with 204, and keeps it."""

    def __init__(self) -> None:
        super().__init__(("127.0.0.1", 0), _Handler)
        self.heard: list[dict[str, str]] = []

    @property
    def url(self) -> str:
        return f"http://127.0.0.1:{self.server_port}/x"

    def words(self) -> list[str]:
        said, self.heard = self.heard, []
        return [form["MessageStatus"] for form in said]


class _Handler(BaseHTTPRequestHandler):
    server: _Hub

    def do_POST(self) -> None:
        form = self.rfile.read(int(self.headers["Content-Length"])).decode()
        self.server.heard.append(dict(parse_qsl(form, keep_blank_values=True)))
        self.send_response(204)
        self.end_headers()

    def log_message(self, *_: object) -> None:
        """Nothing."""


@pytest.fixture
def hub() -> Iterator[_Hub]:
    with _Hub() as server:
        thread = threading.Thread(target=server.serve_forever, args=(0.01,))
        thread.start()
        yield server
        server.shutdown()
        thread.join()


@pytest.fixture
def twilio() -> Iterator[FakeTwilio]:
    with fake_twilio() as fake:
        yield fake


def sent(twilio: FakeTwilio, hub: _Hub) -> str:
    """How a text to the phone ends: a state, or the code it is refused with."""
    sms = TwilioSms(ACCOUNT, TOKEN, SENDER, base_url=twilio.url, status_url=hub.url)
    told = sms.send(1, PHONE, "Text", SystemClock().now())
    return told.error or told.state


@pytest.mark.parametrize(
    "word", ["STOP", " stop\n", "StopAll", "UNSUBSCRIBE", "cancel", "END", "quit", "REVOKE", "optout"]
)
def test_stop_blocks_the_number_until_it_starts_again(twilio: FakeTwilio, hub: _Hub, word: str) -> None:
    assert sent(twilio, hub) == "accepted"
    assert [twilio.inbound(hub.url, PHONE, said) for said in (word, "STOP")] == [204, 204]
    assert sent(twilio, hub) == "21610"
    twilio.inbound(hub.url, PHONE, "unstop")
    assert sent(twilio, hub) == "accepted"
    assert twilio.own_replies == [(PHONE, REPLIES["STOP"]), (PHONE, REPLIES["START"])]


def test_only_the_word_alone_stops(twilio: FakeTwilio, hub: _Hub) -> None:
    for said in ("please stop", "STOP.", "Stop texting me", "yes", "", "1"):
        twilio.inbound(hub.url, PHONE, said)
    assert (sent(twilio, hub), twilio.own_replies) == ("accepted", [])
    twilio.inbound(hub.url, PHONE, "help")
    assert twilio.own_replies == [(PHONE, REPLIES["HELP"])]


def test_a_keyword_is_brought_as_any_text_is(twilio: FakeTwilio, hub: _Hub) -> None:
    twilio.inbound(hub.url, PHONE, "STOP")
    twilio.advanced_opt_out = True
    twilio.inbound(hub.url, PHONE, "Start")
    twilio.inbound(hub.url, PHONE, "Look", media=2)
    heard = [read_inbound(form, "") for form in hub.heard]
    assert [(text.body, text.opt_out, text.media) for text in heard] == [
        ("STOP", None, 0),
        ("Start", "START", 0),
        ("Look", None, 2),
    ]
    assert [form.get("MessagingServiceSid") for form in hub.heard] == [None, SERVICE, SERVICE]


def test_the_same_text_may_be_told_of_again(twilio: FakeTwilio, hub: _Hub) -> None:
    twilio.inbound(hub.url, PHONE, "120/80")
    twilio.inbound(hub.url, PHONE, "120/80", sid=twilio.came_in[0].sid)
    assert hub.heard[0] == hub.heard[1]
    assert len(twilio.came_in) == 1


def test_words_about_a_message_come_twice_backwards_or_not_at_all(twilio: FakeTwilio, hub: _Hub) -> None:
    assert sent(twilio, hub) == "accepted"
    (message,) = twilio.taken
    assert twilio.fares(message, "sent", "delivered") == [204, 204]
    assert hub.words() == ["sent", "delivered"]
    twilio.fares(message, "sent", "delivered", calls="twice")
    assert hub.words() == ["sent", "sent", "delivered", "delivered"]
    twilio.fares(message, "sent", "undelivered", calls="backwards", error=30003)
    assert [form.get("ErrorCode") for form in hub.heard] == ["30003", None]
    assert hub.words() == ["undelivered", "sent"]
    assert twilio.fares(message, "delivered", calls="lost") == []
    assert (hub.words(), message.status) == ([], "delivered")
