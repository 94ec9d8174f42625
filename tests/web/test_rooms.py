"""Tasks, quarantine, devices, phones, and the routes for machines."""

import re
from collections.abc import Callable
from datetime import timedelta

import pytest
from prometheus_client.parser import text_string_to_metric_families

from tests.web.people import Person
from tests.web.ward import Ward, Watched


def _text(html: str) -> str:
    return re.sub(r"\s+", " ", re.sub(r"<[^>]+>", " ", html))


# Tasks ---------------------------------------------------------------------------------------------------------------


def _task(person: Person, words: str) -> str:
    text = person.get("/tasks/").text
    found = re.findall(r'<li id="task-(\d+)"(?:(?!</li>).)*?<strong>([^<]+)</strong>', text, re.DOTALL)
    return next(number for number, title in found if title == words)


def test_a_task_is_claimed_done_and_remembered(sign_in: Callable[[str], Person]) -> None:
    ana, ben = sign_in("ana"), sign_in("ben")
    number = _task(ana, "Look at the week of Dario Fictional")
    assert ana.post(f"/tasks/{number}/claim").status_code == 303
    refused = ben.post(f"/tasks/{number}/claim")
    assert refused.status_code == 409
    assert "Ana Invented" in refused.text
    ana.post(f"/tasks/{number}/complete", note="All in range")
    words = _text(ben.get("/tasks/").text)
    assert re.search(r"Look at the week of Dario Fictional · .* Ana Invented, 14:04: All in range", words)


def test_an_overdue_task_says_so(ana: Person) -> None:
    assert "overdue , was due 13:04" in _text(ana.get("/tasks/").text)


def test_a_new_task_needs_words_and_a_time(ana: Person) -> None:
    refused = ana.post("/tasks/add", title="", due="soon")
    assert refused.status_code == 422
    assert "Say what is to be done." in refused.text
    assert "Give a date and a time." in refused.text
    assert ana.post("/tasks/add", title="Order strips", due="2026-11-24T09:00", owner="").status_code == 303
    assert "due Tue 24 Nov 09:00" in _text(ana.get("/tasks/").text)


# Quarantine and inbox ------------------------------------------------------------------------------------------------


def _held(person: Person, words: str) -> str:
    text = person.get("/quarantine/").text
    found = re.findall(r'<li id="held-(\d+)".*?<h3>([^<]+)</h3>', text, re.DOTALL)
    return next(number for number, title in found if words in title)


def test_a_reading_of_an_unknown_device_is_given_to_a_patient(ana: Person, people: dict[str, Watched]) -> None:
    number = _held(ana, "This device is not known")
    assert ana.post(f"/quarantine/held/{number}/assign", patient="").status_code == 422
    assert ana.post(f"/quarantine/held/{number}/assign", patient=str(people["farid"].id)).status_code == 303
    assert "71.2" in ana.get(f"/patients/{people['farid'].id}").text
    assert ana.post(f"/quarantine/held/{number}/assign", patient=str(people["ada"].id)).status_code == 409


def test_a_foreign_gateway_is_accepted_by_one_click(ana: Person) -> None:
    text = ana.get("/quarantine/").text
    fields = dict(re.findall(r'name="(device|gateway)" value="([^"]+)"', text))
    assert "Systolic 128 mmHg" in text
    assert ana.post("/quarantine/held/accept", **fields).status_code == 303
    assert "Accept this gateway" not in ana.get("/quarantine/").text


def test_nobodys_reading_is_set_aside_with_a_reason(ana: Person) -> None:
    number = _held(ana, "This device is not known")
    assert ana.post(f"/quarantine/held/{number}/discard", reason="").status_code == 422
    assert ana.post(f"/quarantine/held/{number}/discard", reason="a visitor").status_code == 303


def test_a_bad_message_is_kept_with_its_bytes_and_seen_with_a_note(sign_in: Callable[[str], Person]) -> None:
    otto, ana = sign_in("otto"), sign_in("ana")
    text = otto.get("/quarantine/").text
    number = re.search(r'href="/quarantine/(\d+)"', text)
    assert number
    raw = otto.get(f"/quarantine/{number[1]}").text
    assert "7b 22 76 22 3a 20 31" in raw
    assert "{&#34;v&#34;: 1, &#34;broke" in raw
    assert ana.get(f"/quarantine/{number[1]}").status_code == 403
    assert otto.post(f"/quarantine/{number[1]}/seen", note="").status_code == 422
    assert otto.post(f"/quarantine/{number[1]}/seen", note="Test of a new gateway").status_code == 303
    assert "Otto Invented, 14:04: Test of a new gateway" in _text(ana.get("/quarantine/").text)


# Devices -------------------------------------------------------------------------------------------------------------


def test_devices_say_their_state_in_words_first(ana: Person, ward: Ward) -> None:
    words = _text(ana.get("/devices/").text)
    assert "Home 1 working" in words
    assert "Blood pressure cuff quiet since Wed 18 Nov" in words
    ward.clock.forward(timedelta(minutes=14))
    ana.get("/devices/")
    ward.clock.forward(timedelta(minutes=3))
    assert "Home 1 quiet since 14:00" in _text(ana.get("/devices/").text)


# Phones --------------------------------------------------------------------------------------------------------------


def test_a_phone_shows_its_texts_and_answers(ana: Person, ward: Ward, ref_of: Callable[[str], str]) -> None:
    text = ana.get("/phones/").text
    mine = text[text.index('id="phone-15555550101"') :].split("</section>")[0]
    take = re.search(rf'value="(\d+a)">\1: take {ref_of("Ada")}<', mine)
    assert take
    assert ana.post("/phones/reply", phone="+15555550101", body=take[1]).status_code == 303
    ward.tick()
    assert "You have it since 14:04" in ana.get(f"/a/{ref_of('Ada')}").text
    after = ana.get("/phones/live").text
    assert re.search(rf'class="inward"><p>{take[1]}</p>', after)
    assert f": take {ref_of('Ada')}" not in after


def test_the_last_resort_answers_from_a_phone_of_its_own(ana: Person, ward: Ward, ref_of: Callable[[str], str]) -> None:
    before = ana.get("/phones/").text
    assert re.search(r'id="title-15555550199">Last resort <span class="soft">\+15555550199<', before)
    for _ in range(3):
        ward.forward(timedelta(minutes=5))
    ana.sign_in("ana", "invented-password-1")
    theirs = ana.get("/phones/").text.split('id="phone-15555550199"')[1].split("</section>")[0]
    buttons = re.findall(r'name="body" value="(\d+[ae])">\1: (?:take|pass on) (\w+)<', theirs)
    assert len(buttons) == 2
    assert ana.post("/phones/reply", phone="+15555550199", body=buttons[0][0]).status_code == 303
    ward.tick()
    page = _text(ana.get(f"/a/{buttons[0][1]}").text)
    assert "the last resort has it" in page
    assert "Page to the last resort: delivered" in page


def test_a_number_that_is_no_phone_here_cannot_text(ana: Person) -> None:
    assert ana.post("/phones/reply", phone="+4915112345678", body="1a").status_code == 404


def test_every_phone_page_says_demo(ana: Person) -> None:
    assert "DEMO: these phones exist on this page only" in ana.get("/phones/").text


# Machines ------------------------------------------------------------------------------------------------------------


def test_ready_says_what_is_missing(ana: Person, ward: Ward) -> None:
    assert ana.get("/healthz").json == {"alive": True}
    absent = ana.get("/readyz")
    assert absent.status_code == 503
    assert absent.json == {
        "ready": False,
        "missing": [f"{role} has never been heard" for role in ("ingest", "worker", "sender")],
    }
    with ward.hub.unit_of_work() as uow:
        uow.operations.beat("ingest", "1", ward.clock.now(), {"connected": True, "queue": 3})
        uow.operations.beat("worker", "1", ward.clock.now(), {})
        uow.operations.beat("sender", "1", ward.clock.now(), {})
        uow.commit()
    assert ana.get("/readyz").json == {"ready": True, "missing": []}
    with ward.hub.unit_of_work() as uow:
        uow.operations.beat("ingest", "1", ward.clock.now(), {"connected": False, "queue": 0, "holding": True})
        uow.commit()
    cut = ana.get("/readyz")
    assert cut.status_code == 503
    assert cut.json == {
        "ready": False,
        "missing": ["ingest has no connection to the broker", "ingest holds what comes"],
    }
    ward.clock.forward(timedelta(seconds=90))
    silent = [f"{role} has been silent for 1 min" for role in ("ingest", "worker", "sender")]
    assert ana.get("/readyz").json["missing"] == silent  # type: ignore[index]


def test_ready_when_the_database_is_gone(ana: Person, ward: Ward, monkeypatch: pytest.MonkeyPatch) -> None:
    def gone(*_: object) -> None:
        raise OSError("no such file")

    monkeypatch.setattr("hub.adapters.sql.reads.running.running", gone)
    answer = ana.get("/readyz")
    assert (answer.status_code, answer.json["missing"]) == (503, ["the database does not answer"])  # type: ignore[index]


def test_metrics_are_prometheus_text_without_patients(ana: Person) -> None:
    text = ana.get("/metrics").text
    families = {family.name: family for family in text_string_to_metric_families(text)}
    assert families["rpmhub_readings_stored"].samples[0].value > 100
    opened = {tuple(s.labels.items()): s.value for s in families["rpmhub_alerts_opened"].samples}
    assert opened[("kind", "clinical"), ("severity", "red")] == 2
    assert families["rpmhub_alert_latency_seconds"].type == "histogram"
    assert {s.labels["status"] for s in families["rpmhub_messages"].samples} == {"delivered"}
    assert "patient" not in text
    assert "+1555" not in text
