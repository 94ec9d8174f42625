"""What a browser, a proxy or a log may not learn, and who may not act through a signed-in browser."""

import logging
import re
from collections.abc import Callable

import pytest
from sqlalchemy import func, select

from hub.adapters.sql.tables.operations import audit
from tests.web.people import SAME_SITE, Person
from tests.web.site import site_of
from tests.web.ward import Ward

PAGES = ("/", "/live", "/tasks/", "/devices/", "/quarantine/", "/phones/", "/patients/1", "/patients/3?range=7d")
PRIVATE = ("Nonesuch", "Madeup", "Cora", "RV-100", "5555550", "5555 0", "2.8", "186")


@pytest.mark.parametrize(
    ("headers", "fields"),
    [
        (SAME_SITE, {"csrf": ""}),
        (SAME_SITE, {"csrf": "guess"}),
        ({"Sec-Fetch-Site": "cross-site"}, {}),
        ({"Sec-Fetch-Site": "same-site"}, {}),
        (SAME_SITE | {"X-CSRF": "guess"}, {}),
    ],
)
def test_a_forged_act_is_refused_and_does_nothing(
    ana: Person, ward: Ward, ref_of: Callable[[str], str], headers: dict[str, str], fields: dict[str, str]
) -> None:
    ref = ref_of("Ada")
    assert ana.post(f"/a/{ref}/acknowledge", headers=headers, **fields).status_code == 403
    with ward.hub.reads() as reads:
        row = reads.alert_row(ref, ward.clock.now())
    assert row is not None
    assert row.state == "open"


def test_the_token_of_one_session_is_not_that_of_another(sign_in: Callable[[str], Person]) -> None:
    ana, ben = sign_in("ana"), sign_in("ben")
    ben.csrf = ana.csrf
    assert ben.post("/tasks/add", title="x", due="2026-11-23T10:00").status_code == 403


def test_sign_in_needs_the_token_of_this_visitor(ward: Ward) -> None:
    person = Person(site_of(ward.hub).test_client())
    assert person.post("/sign-in", login="ana", password="x").status_code == 403


@pytest.mark.parametrize("path", [*PAGES, "/nope", "/sign-in"])
def test_headers_of_every_page(ana: Person, path: str) -> None:
    answer = ana.get(path)
    policy = answer.headers["Content-Security-Policy"]
    assert "unsafe" not in policy
    assert "frame-ancestors 'none'" in policy
    assert answer.headers["X-Content-Type-Options"] == "nosniff"
    assert answer.headers["Referrer-Policy"] == "same-origin"
    assert answer.headers["Cache-Control"] == "no-store"
    assert "Strict-Transport-Security" not in answer.headers


def test_a_nonce_is_used_once(ana: Person) -> None:
    nonces = {re.search(r"nonce-([^']+)", ana.get("/").headers["Content-Security-Policy"])[1] for _ in range(3)}  # type: ignore[index]
    assert len(nonces) == 3


def test_https_is_kept(open_ward: Callable[..., Ward]) -> None:
    secure = site_of(open_ward(public_url="https://rpm.example.org").hub).test_client()
    assert "max-age=31536000" in secure.get("/sign-in").headers["Strict-Transport-Security"]


@pytest.mark.parametrize("path", PAGES)
def test_no_inline_code_and_no_other_origin(ana: Person, path: str) -> None:
    text = ana.get(path).text
    assert not re.search(r"<[^>]+\son\w+=", text)
    assert not re.search(r"<[^>]+\sstyle=", text)
    assert "javascript:" not in text
    assert not re.search(r'(?:src|href|action)="(?:https?:)?//', text)


@pytest.mark.parametrize("path", PAGES)
def test_no_address_holds_anything_about_a_patient(ana: Person, path: str) -> None:
    text = ana.get(path).text
    addresses = re.findall(r'(?:href|action|src|hx-get|hx-post)="(?!tel:)([^"]+)"', text)
    assert addresses
    for address in addresses:
        assert not [word for word in PRIVATE if word in address], address


def test_a_name_with_markup_stays_text(ana: Person) -> None:
    text = ana.get("/").text
    assert "<b>Specimen</b>" not in text
    assert "&lt;b&gt;Specimen&lt;/b&gt;" in text


def test_no_log_line_holds_anything_about_a_patient(
    ana: Person, ward: Ward, ref_of: Callable[[str], str], caplog: pytest.LogCaptureFixture
) -> None:
    caplog.set_level(logging.DEBUG)
    for path in (*PAGES, f"/a/{ref_of('Ada')}", "/patients/1/readings.csv"):
        ana.get(path)
    ana.post(f"/a/{ref_of('Ada')}/contact", way="phone", reached="yes", note="Nonesuch says she is dizzy")
    assert not [word for word in (*PRIVATE, "dizzy") if word in caplog.text]


def test_an_error_inside_shows_a_reference_and_logs_no_value(
    ana: Person, ward: Ward, caplog: pytest.LogCaptureFixture, monkeypatch: pytest.MonkeyPatch
) -> None:
    def broken(*_: object) -> None:
        raise ValueError("Nonesuch, RV-100411")

    monkeypatch.setattr("hub.adapters.sql.reads.patients.page", broken)
    answer = ana.get("/patients/1")
    assert answer.status_code == 500
    reference = re.search(r"<code>([^<]{8})</code>", answer.text)
    assert reference
    assert reference[1] in caplog.text
    assert "ValueError" in caplog.text
    assert "Nonesuch" not in caplog.text + answer.text
    assert "Traceback" not in answer.text


def test_looking_writes_nothing(ana: Person, ward: Ward) -> None:
    def rows() -> int:
        with ward.engine.connect() as connection:
            return connection.execute(select(func.count()).select_from(audit)).scalar_one()

    before = rows()
    for path in PAGES:
        ana.get(path)
    assert rows() == before


def test_too_much_text_is_refused(ana: Person) -> None:
    assert ana.post("/tasks/add", title="x" * 70000, due="2026-11-23T10:00").status_code == 413
