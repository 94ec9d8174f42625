"""Who may ask for what: the whole table, written down again and tried out on every route there is."""

import re
from collections.abc import Callable

import pytest
from flask import Flask
from flask.testing import FlaskClient

from dashboards.security.access import ACCESS
from tests.web.people import Person
from tests.web.site import site_of
from tests.web.ward import PASSWORD, Ward

NURSE, OPERATOR, ADMIN = "ana", "otto", "root"
STAFF = (NURSE, OPERATOR, ADMIN)
EVERYBODY, CLINICIANS = ("", *STAFF), (NURSE, ADMIN)

# method and path -> who may. "" is nobody signed in. A path stands for its route.
EXPECTED = {
    "GET /static/look.css": EVERYBODY,
    "GET /healthz": EVERYBODY,
    "GET /readyz": EVERYBODY,
    "GET /metrics": EVERYBODY,
    "POST /webhooks/twilio/status": EVERYBODY,  # whom the signature proves: test_twilio_webhook.py
    "POST /webhooks/twilio/inbound": EVERYBODY,  # the same: test_twilio_inbound.py
    "GET /sign-in": EVERYBODY,
    "POST /sign-in": EVERYBODY,
    "POST /sign-out": STAFF,
    "POST /session/extend": STAFF,
    "GET /session/left": STAFF,
    "GET /": STAFF,
    "GET /live": STAFF,
    "POST /texts/999/read": CLINICIANS,
    "GET /a/ZZZZ": STAFF,
    "GET /a/ZZZZ/live": STAFF,
    "POST /a/ZZZZ/acknowledge": STAFF,
    "POST /a/ZZZZ/pass-on": STAFF,
    "POST /a/ZZZZ/contact": CLINICIANS,
    "POST /a/ZZZZ/resolve": STAFF,
    "POST /a/ZZZZ/seen": STAFF,
    "GET /patients/999": CLINICIANS,
    "POST /patients/999/opened": CLINICIANS,
    "GET /patients/999/readings.csv": CLINICIANS,
    "POST /patients/999/care-manager": CLINICIANS,
    "POST /patients/999/goals": CLINICIANS,
    "POST /patients/999/left-out": CLINICIANS,
    "POST /patients/999/pause": CLINICIANS,
    "POST /patients/999/resume": CLINICIANS,
    "POST /patients/999/end": CLINICIANS,
    "POST /patients/999/consents": CLINICIANS,
    "POST /patients/999/consents/end": CLINICIANS,
    "POST /patients/999/phone": CLINICIANS,
    "GET /patients/999/texts": CLINICIANS,
    "GET /patients/999/texts/live": CLINICIANS,
    "GET /tasks/": STAFF,
    "POST /tasks/999/claim": STAFF,
    "POST /tasks/999/complete": STAFF,
    "POST /tasks/add": STAFF,
    "GET /quarantine/": STAFF,
    "GET /quarantine/999": STAFF,  # who is no operator sees a text only: test_twilio_inbound.py
    "POST /quarantine/999/seen": STAFF,
    "POST /quarantine/held/999/assign": CLINICIANS,
    "POST /quarantine/held/999/discard": CLINICIANS,
    "POST /quarantine/held/accept": STAFF,
    "GET /devices/": STAFF,
    "POST /devices/accept": STAFF,
    "GET /phones/": STAFF,
    "GET /phones/live": STAFF,
    "POST /phones/reply": STAFF,
}

BY_OTHER_PROOF = {"POST /sign-in", "POST /webhooks/twilio/status", "POST /webhooks/twilio/inbound"}


def _endpoint(app: Flask, route: str) -> str:
    method, path = route.split()
    endpoint, _ = app.url_map.bind("localhost").match(path, method=method)
    return str(endpoint)


def test_every_route_is_in_the_table_and_the_table_has_no_other(ward: Ward) -> None:
    app = site_of(ward.hub)
    routes = {
        (rule.endpoint, method)
        for rule in app.url_map.iter_rules()
        for method in (rule.methods or set()) - {"HEAD", "OPTIONS"}
    }
    assert {(_endpoint(app, route), route.split()[0]) for route in EXPECTED} == routes
    assert {endpoint for endpoint, _ in routes} == set(ACCESS)


def test_a_route_without_an_entry_does_not_start(ward: Ward, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.delitem(ACCESS, "tasks.show")
    with pytest.raises(RuntimeError, match=r"tasks\.show"):
        site_of(ward.hub)


@pytest.mark.parametrize("login", EVERYBODY)
def test_roles(ward: Ward, login: str) -> None:
    app = site_of(ward.hub)
    person = Person(app.test_client())
    for route, allowed in EXPECTED.items():
        method, path = route.split()
        if not login:
            person = Person(app.test_client())
            person.get("/sign-in")
        elif person.get("/tasks/").status_code != 200:  # the route before this one ended the session
            person.sign_in(login, PASSWORD)
        answer = person.get(path) if method == "GET" else person.post(path)
        refused = {401, 302} if not login and answer.location != "/" else {403}
        turned_away = answer.status_code in refused and route not in BY_OTHER_PROOF
        assert turned_away is (login not in allowed), f"{route} as {login or 'nobody'}: {answer.status_code}"
        assert answer.status_code != 500, route


def test_what_is_absent_looks_like_what_is_not_yours(
    sign_in: Callable[[str], Person], ward: Ward, ref_of: Callable[[str], str]
) -> None:
    otto = sign_in(OPERATOR)
    theirs, absent = otto.get(f"/a/{ref_of('Ada')}"), otto.get("/a/ZZZZ")
    assert (theirs.status_code, absent.status_code) == (404, 404)
    assert re.sub(r'nonce="[^"]+"', "", theirs.text) == re.sub(r'nonce="[^"]+"', "", absent.text)


def test_an_operator_sees_no_patient(sign_in: Callable[[str], Person]) -> None:
    otto = sign_in(OPERATOR)
    for path in ("/", "/live", "/tasks/", "/devices/", "/quarantine/"):
        text = otto.get(path).text
        assert not [name for name in ("Nonesuch", "Madeup", "Fictional", "RV-1", "…0411") if name in text], path


def test_phones_are_not_there_in_production(open_ward: Callable[..., Ward]) -> None:
    person = Person(site_of(open_ward(demo=False).hub).test_client())
    person.sign_in(NURSE, PASSWORD)
    assert person.get("/phones/").status_code == 404
    assert "DEMO" not in person.get("/").text


@pytest.mark.parametrize("method", ["PUT", "DELETE", "PATCH"])
def test_no_other_method_is_let_in(client: FlaskClient, method: str) -> None:
    assert client.open("/tasks/add", method=method, headers={"X-HTTP-Method-Override": "POST"}).status_code == 405


def test_nothing_changes_by_get(ana: Person, ward: Ward) -> None:
    for route in EXPECTED:
        method, path = route.split()
        if method == "POST" and path != "/sign-in":
            assert ana.get(path).status_code in (404, 405), path


def test_metrics_are_for_this_machine(ward: Ward) -> None:
    near = site_of(ward.hub).test_client()
    allowed = site_of(ward.hub, metrics_allow=["10.1.2.3"]).test_client()
    assert near.get("/metrics").status_code == 200
    assert near.get("/metrics", environ_base={"REMOTE_ADDR": "10.1.2.3"}).status_code == 404
    assert near.get("/metrics", headers={"X-Forwarded-For": "203.0.113.9"}).status_code == 404
    assert allowed.get("/metrics", environ_base={"REMOTE_ADDR": "10.1.2.3"}).status_code == 200
