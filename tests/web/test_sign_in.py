"""Signing in, staying, being signed out."""

import threading
from collections.abc import Callable
from dataclasses import replace
from datetime import timedelta

import pytest
from flask.testing import FlaskClient
from sqlalchemy import select, update

from hub.adapters.sql.tables.people import session, staff
from hub.errors import NotSignedIn
from hub.services import sign_in
from hub.services.hub import Hub
from hub.services.sign_in import REFUSED
from tests.web.people import Person
from tests.web.site import site_of
from tests.web.ward import PASSWORD, Ward


def _person(ward: Ward) -> Person:
    return Person(site_of(ward.hub).test_client())


def test_a_page_leads_to_sign_in_and_back(client: FlaskClient) -> None:
    person = Person(client)
    asked = person.get("/a/K999")
    assert asked.location == "/sign-in?next=/a/K999"
    assert person.sign_in("ana", PASSWORD, next="/a/K999").location == "/a/K999"


@pytest.mark.parametrize("elsewhere", ["https://evil.example", "//evil.example", "/\\evil.example", "/a\r\nX: y"])
def test_sign_in_never_leads_to_another_site(client: FlaskClient, elsewhere: str) -> None:
    assert Person(client).sign_in("ana", PASSWORD, next=elsewhere).location == "/"


def test_a_capital_first_letter_is_no_other_name(client: FlaskClient) -> None:
    assert Person(client).sign_in("Ana ", PASSWORD).status_code == 303


def test_unknown_name_and_wrong_password_look_the_same(ward: Ward) -> None:
    wrong, unknown = _person(ward).sign_in("ana", "nonsense"), _person(ward).sign_in("nobody", "nonsense")
    assert (wrong.status_code, unknown.status_code) == (401, 401)
    assert REFUSED in wrong.text
    assert REFUSED in unknown.text


def test_unknown_name_costs_a_real_hash(ward: Ward, monkeypatch: pytest.MonkeyPatch) -> None:
    seen: list[str] = []
    verify = ward.hub.passwords.verify
    monkeypatch.setattr(type(ward.hub.passwords), "verify", lambda _s, stored, _p: seen.append(stored) or False)
    _person(ward).sign_in("nobody", "nonsense")
    assert seen[0].startswith("$argon2id$v=19$m=65536,t=3,p=4$")
    assert not verify(seen[0], "nonsense")


def test_failures_delay_another_browser_for_seconds_only(ward: Ward) -> None:
    attacker, somebody = _person(ward), _person(ward)
    for _ in range(6):
        attacker.sign_in("ana", "guess")
    assert somebody.sign_in("ana", PASSWORD).status_code == 401
    ward.clock.forward(timedelta(seconds=31))
    assert somebody.sign_in("ana", PASSWORD).status_code == 303


def test_nobody_can_keep_the_person_on_call_out_of_their_own_browser(ward: Ward) -> None:
    ana, attacker = _person(ward), _person(ward)
    ana.sign_in("ana", PASSWORD)
    ana.post("/sign-out")
    for _ in range(20):
        attacker.sign_in("ana", "guess")
    assert ana.sign_in("ana", PASSWORD).status_code == 303


def test_a_success_forgets_the_failures(ward: Ward) -> None:
    person = _person(ward)
    person.sign_in("ana", "guess")
    person.sign_in("ana", PASSWORD)
    with ward.engine.connect() as connection:
        row = connection.execute(select(staff).where(staff.c.login == "ana")).one()
    assert (row.failed_sign_ins, row.sign_in_allowed_at) == (0, None)


def test_an_idle_session_ends_and_polls_do_not_keep_it(ana: Person, ward: Ward) -> None:
    for _ in range(15):
        ward.clock.forward(timedelta(minutes=1))
        ana.client.get("/live", headers={"HX-Request": "true"})
    assert ana.get("/").status_code == 302


def test_doing_something_keeps_a_session_until_twelve_hours(ana: Person, ward: Ward) -> None:
    for _ in range(12 * 6 - 1):
        ward.clock.forward(timedelta(minutes=10))
        assert ana.get("/tasks/").status_code == 200
    ward.clock.forward(timedelta(minutes=10))
    assert ana.get("/tasks/").status_code == 302


def test_typing_keeps_a_session(ana: Person, ward: Ward) -> None:
    ward.clock.forward(timedelta(minutes=14))
    told = ana.post("/session/extend")
    assert told.json == {"expires_at": (ward.clock.now() + timedelta(minutes=15)).isoformat()}
    ward.clock.forward(timedelta(minutes=14))
    assert ana.get("/").status_code == 200


def test_a_page_knows_how_long_it_has_and_asking_adds_nothing(ana: Person, ward: Ward) -> None:
    ward.clock.forward(timedelta(minutes=10))
    page = ana.get("/").text
    assert f'data-expires="{(ward.clock.now() + timedelta(minutes=15)).strftime("%Y-%m-%dT%H:%M:%SZ")}"' in page
    ends = (ward.clock.now() + timedelta(minutes=15)).isoformat()
    ward.clock.forward(timedelta(minutes=14))
    assert ana.get("/session/left").json == {"expires_at": ends}
    ward.clock.forward(timedelta(minutes=1))
    assert ana.get("/session/left", **{"HX-Request": "true"}).status_code == 401


def test_signing_out_ends_it_on_the_server(ana: Person) -> None:
    copied = ana.client.get_cookie("rpmhub-session")
    assert copied is not None
    assert ana.post("/sign-out").location == "/sign-in"
    ana.client.set_cookie("rpmhub-session", copied.value)
    assert ana.get("/").status_code == 302


def test_signing_in_makes_a_new_session_and_ends_the_one_before(ana: Person) -> None:
    before = ana.client.get_cookie("rpmhub-session")
    ana.client.delete_cookie("rpmhub-session")
    ana.get("/sign-in")
    assert before is not None
    ana.client.set_cookie("rpmhub-session", before.value)
    ana.post("/sign-in", login="ana", password=PASSWORD)
    after = ana.client.get_cookie("rpmhub-session")
    assert after is not None
    assert after.value != before.value
    ana.client.set_cookie("rpmhub-session", before.value)
    assert ana.get("/").status_code == 302


def test_disabling_somebody_ends_their_session_at_once(ana: Person, ward: Ward) -> None:
    with ward.engine.begin() as connection:
        connection.execute(update(staff).where(staff.c.login == "ana").values(disabled_at=ward.clock.now()))
    assert ana.get("/").status_code == 302


def test_a_changed_role_holds_from_the_next_request(ana: Person, ward: Ward) -> None:
    with ward.engine.begin() as connection:
        connection.execute(update(staff).where(staff.c.login == "ana").values(role="operator"))
    assert ana.get("/patients/1").status_code == 403


def test_the_database_holds_no_token(ana: Person, ward: Ward) -> None:
    cookie = ana.client.get_cookie("rpmhub-session")
    assert cookie is not None
    with ward.engine.connect() as connection:
        kept = connection.execute(select(session.c.token_hash)).scalars().all()
    assert cookie.value.encode() not in kept
    assert {len(one) for one in kept} == {32}


def test_cookies_are_for_this_site_and_not_for_scripts(open_ward: Callable[..., Ward]) -> None:
    plain, behind_tls = _person(open_ward()), _person(open_ward(public_url="https://rpm.example.org"))
    for person, name in ((plain, "rpmhub-session"), (behind_tls, "__Host-rpmhub-session")):
        set_cookies = person.sign_in("ana", PASSWORD).headers.getlist("Set-Cookie")
        found = next(line for line in set_cookies if line.startswith(name))
        assert "HttpOnly" in found
        assert "SameSite=Lax" in found
        assert ("Secure" in found) is name.startswith("__Host-")
        assert "Domain" not in found


def test_an_expired_poll_says_so_and_swaps_nothing(client: FlaskClient) -> None:
    answer = client.get("/live", headers={"HX-Request": "true"})
    assert answer.status_code == 401
    assert "<" not in answer.text


# A flood ---------------------------------------------------------------------------------------------------------


class Hashing:
    """Passwords that are never right. ``during`` happens while a hash runs."""

    def __init__(self, during: Callable[[], object]) -> None:
        self.during = during
        self.runs = 0

    def hash(self, password: str) -> str:
        return password

    def verify(self, stored: str, password: str) -> bool:
        self.runs += 1
        self.during()
        return False

    def outdated(self, stored: str) -> bool:
        return False


def _refused(hub: Hub) -> None:
    with pytest.raises(NotSignedIn):
        sign_in.sign_in(hub, "ana", "nonsense")


def test_two_passwords_are_hashed_at_once_and_no_third(ward: Ward, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(sign_in, "PATIENCE", timedelta(milliseconds=50))
    begun, over = threading.Semaphore(0), threading.Event()

    def held() -> None:
        begun.release()
        assert over.wait(30)

    busy = Hashing(held)
    hub = replace(ward.hub, passwords=busy)
    others = [threading.Thread(target=_refused, args=[hub]) for _ in range(sign_in.AT_ONCE)]
    for other in others:
        other.start()
        assert begun.acquire(timeout=30)
    third = Hashing(lambda: None)
    _refused(replace(hub, passwords=third))
    over.set()
    for other in others:
        other.join()
    assert (busy.runs, third.runs) == (2, 0)
    _refused(replace(hub, passwords=third))
    assert third.runs == 1


def test_failures_at_one_moment_are_all_counted(ward: Ward) -> None:
    meanwhile = replace(ward.hub, passwords=Hashing(lambda: None))
    _refused(replace(ward.hub, passwords=Hashing(lambda: _refused(meanwhile))))
    with ward.hub.reads() as reads:
        member = reads.member_by_login("ana")
    assert member is not None
    assert member.failed_sign_ins == 2
