"""Whether the address in a page's text opens this hub, and whether a page leaves at all."""

import json
from base64 import b64encode
from collections.abc import Iterator
from pathlib import Path

import pytest

from hub.adapters.probes.web import Page, ask
from hub.cli.checks import pages, texts
from hub.cli.checks.pages import outside
from hub.services.checkup.finding import Finding, Need
from tests.servers import free_port
from tests.unit.checkup.servers import Answers, answers, self_signed
from tests.unit.checkup.subjects import only, subject

ALIVE = b'{"alive":true}\n'
SID, TOKEN, SENDER = "AC" + "0" * 32, "invented-token", "+15555550100"


@pytest.fixture
def hub() -> Iterator[Answers]:
    with answers(200, ALIVE) as server:
        yield server


@pytest.mark.parametrize(
    ("url", "sentence"),
    [
        ("", "No public address is set."),
        ("https://localhost", "No public address is set."),
        ("https://127.0.0.1:8443", "No public address is set."),
        ("http://rpm.example.org", "http://rpm.example.org is not https."),
    ],
)
def test_an_address_no_phone_may_open_must_be_mended(tmp_path: Path, url: str, sentence: str) -> None:
    found = only(pages.public_url(subject(tmp_path, public_url=url)))
    assert (found.need, found.what) == (Need.MUST, sentence)
    assert found.mend.startswith("RPMHUB_PUBLIC_URL=https://")


def test_a_host_nobody_knows_must_be_mended(tmp_path: Path) -> None:
    found = only(pages.public_url(subject(tmp_path, public_url="https://rpm.invalid")))
    assert (found.need, found.what.startswith("The host of https://rpm.invalid is not known")) == (Need.MUST, True)


def test_what_this_machine_does_not_reach_a_phone_still_may(tmp_path: Path) -> None:
    (found,) = outside(subject(tmp_path), f"https://127.0.0.1:{free_port()}")
    assert (found.need, "is not reached from this machine" in found.what) == (Need.SHOULD, True)


def test_a_certificate_that_no_browser_trusts_must_be_mended(tmp_path: Path) -> None:
    with answers(200, ALIVE, self_signed(tmp_path)) as server:
        (found,) = outside(subject(tmp_path), f"https://127.0.0.1:{server.server_port}")
    assert (found.need, "would not trust" in found.what) == (Need.MUST, True)


def through_proxy(tmp_path: Path, monkeypatch: pytest.MonkeyPatch, status: int, body: bytes, port: int) -> Finding:
    """What is found at an address with a good certificate; ``port`` is where the hub's own pages would be."""
    certificate = self_signed(tmp_path)
    monkeypatch.setenv("SSL_CERT_FILE", str(certificate))
    with answers(status, body, certificate) as server:
        (found,) = outside(subject(tmp_path, http_port=port), f"https://127.0.0.1:{server.server_port}")
    return found


def test_our_own_answer_from_outside_is_fine(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    assert through_proxy(tmp_path, monkeypatch, 200, ALIVE, free_port()).need is Need.FINE


def test_another_site_at_the_address_must_be_mended(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, hub: Answers
) -> None:
    found = through_proxy(tmp_path, monkeypatch, 200, b"<h1>It works!</h1>", hub.server_port)
    assert (found.need, "something else" in found.what) == (Need.MUST, True)


def test_a_proxy_before_pages_that_do_not_run_is_told(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    found = through_proxy(tmp_path, monkeypatch, 502, b"Bad Gateway", free_port())
    assert (found.need, "answers (502), and the pages behind it do not" in found.what) == (Need.SHOULD, True)


def test_the_pages_are_asked_where_they_listen(tmp_path: Path, hub: Answers) -> None:
    for host in ("127.0.0.1", "0.0.0.0"):  # noqa: S104 - asked, not bound
        (found,) = pages.listening(subject(tmp_path, http_host=host, http_port=hub.server_port))
        assert found.need is Need.FINE
    assert only(pages.listening(subject(tmp_path, http_port=free_port()))).need is Need.SHOULD


def test_another_program_on_the_pages_port_must_be_mended(tmp_path: Path) -> None:
    with answers(200, b"something else") as other:
        found = only(pages.listening(subject(tmp_path, http_port=other.server_port)))
    assert (found.need, found.mend.startswith("RPMHUB_HTTP_PORT=")) == (Need.MUST, True)


def test_what_answers_no_http_is_not_reached() -> None:
    assert ask(f"http://127.0.0.1:{free_port()}/", 1).page is Page.UNREACHABLE


# Texts -----------------------------------------------------------------------------------------------------------


def account(tmp_path: Path, status: int, said: object) -> Finding:
    with answers(status, json.dumps(said).encode()) as fake:
        given = {"twilio_account_sid": SID, "twilio_auth_token": TOKEN, "twilio_from": SENDER}
        url = f"http://127.0.0.1:{fake.server_port}"
        (found,) = texts.channel(subject(tmp_path, **given, twilio_base_url=url))
        login = b64encode(f"{SID}:{TOKEN}".encode()).decode()
        assert fake.asked == [(f"/2010-04-01/Accounts/{SID}.json", f"Basic {login}")]
    assert TOKEN not in repr(found)
    return found


def test_a_console_reaches_nobody_and_is_said_to(tmp_path: Path) -> None:
    found = only(texts.channel(subject(tmp_path)))
    assert (found.need, found.what) == (Need.MUST, "Pages go to the console channel, which reaches nobody.")
    assert "RPMHUB_TWILIO_ACCOUNT_SID=" in found.mend


def test_half_a_setting_up_names_the_other_half(tmp_path: Path) -> None:
    found = only(texts.channel(subject(tmp_path, twilio_account_sid=SID, twilio_from=SENDER)))
    assert (found.need, found.mend) == (Need.MUST, "RPMHUB_TWILIO_AUTH_TOKEN=…")


@pytest.mark.parametrize(
    ("status", "said", "need", "part"),
    [
        (200, {"status": "active", "type": "Full"}, Need.FINE, "Pages leave by Twilio"),
        (200, {"status": "active", "type": "Trial"}, Need.MUST, "is a trial"),
        (200, {"status": "suspended", "type": "Full"}, Need.MUST, "is suspended"),
        (401, {"code": 20003}, Need.MUST, "refuses the account or its token (401)"),
        (500, {}, Need.SHOULD, "is not understood (500)"),
        (200, ["odd"], Need.SHOULD, "is not understood (200)"),
    ],
)
def test_twilio_is_asked_for_the_account_and_sends_nothing(
    tmp_path: Path, status: int, said: object, need: Need, part: str
) -> None:
    found = account(tmp_path, status, said)
    assert (found.need, part in found.what) == (need, True)


def test_twilio_out_of_reach_must_be_mended_unless_a_proxy_stands_between(tmp_path: Path) -> None:
    given = {"twilio_account_sid": SID, "twilio_auth_token": TOKEN, "twilio_from": SENDER}
    given["twilio_base_url"] = f"http://127.0.0.1:{free_port()}"
    assert only(texts.channel(subject(tmp_path, **given))).need is Need.MUST
    proxied = subject(tmp_path, {"HTTPS_PROXY": "http://proxy.example.org"}, **given)
    assert only(texts.channel(proxied)).need is Need.SHOULD
