"""The home page: what it shows, in which order, and how its live part keeps still."""

import re
import time
from collections.abc import Callable
from datetime import timedelta

import pytest
from sqlalchemy import event, select

from hub.adapters.sql.tables.operations import audit
from hub.errors import Conflict, NotPermitted
from hub.services import restored
from hub.services.hub import Actor
from hub.services.incoming.keeping import keep_text
from hub.services.incoming.reading import mark_read
from tests.web.people import Person
from tests.web.ward import Ward, Watched

HTMX = {"HX-Request": "true"}


def _refs(text: str) -> list[str]:
    return re.findall(r'data-ref="(\w+)"', text)


def _text(html: str) -> str:
    return re.sub(r"\s+", " ", re.sub(r"<[^>]+>", " ", html))


def test_a_row_says_what_a_nurse_must_know(ana: Person, ref_of: Callable[[str], str]) -> None:
    text = ana.get("/").text
    row = _text(text[text.index(f'id="row-{ref_of("Cora")}"') :].split("</li>")[0])
    for words in (
        "▲ High",
        "Cora Example 78 y · MRN …0633",
        "Diabetes",
        "Glucose 2.8 mmol/L (50 mg/dL), red below",
        "since 14:00 ( 4 min ago )",
        "Nobody has it",
        "Ben Invented is paged 14:05",
    ):
        assert words in row
    assert "RV-100633" not in row


def test_a_row_says_since_when_it_is_as_bad_as_it_is(
    ana: Person, ward: Ward, people: dict[str, Watched], ref_of: Callable[[str], str]
) -> None:
    ref = ref_of("Bruno")
    assert "since 13:22 ( 42 min ago )" in _text(ana.get("/").text.split(f'id="row-{ref}"')[1].split("</li>")[0])
    ward.pressure(people["bruno"], 192, 100)
    assert "worse since 14:04 ( just now )" in _text(ana.get("/").text.split(f'id="row-{ref}"')[1].split("</li>")[0])


def test_lanes_keep_kinds_apart_and_missing_has_its_own_mark(ana: Person, ref_of: Callable[[str], str]) -> None:
    text = ana.get("/").text
    missing = text[text.index('id="lane-missing"') :]
    row = missing[missing.index(f'id="row-{ref_of("Elsa")}"') :].split("</li>")[0]
    assert re.search(r"no data \d+ (h|days)", _text(row))
    assert 'class="row grey' in missing


def test_untaken_reds_stand_first(ana: Person, ref_of: Callable[[str], str]) -> None:
    refs = _refs(ana.get("/").text)
    assert set(refs[:2]) == {ref_of("Ada"), ref_of("Cora")}
    ana.post(f"/a/{refs[0]}/acknowledge", back="worklist")
    assert _refs(ana.get("/").text)[0] == refs[1]


def test_taking_a_row_from_the_list(ana: Person, ref_of: Callable[[str], str]) -> None:
    ref = ref_of("Ada")
    answer = ana.client.post(f"/a/{ref}/acknowledge", data={"csrf": ana.csrf, "version": "2"}, headers=HTMX)
    assert answer.status_code == 200
    assert answer.text.count("<li class=") == 1
    words = _text(answer.text)
    assert "You have it" in words
    assert "Record contact" in words
    assert "open the chart by 14:19" in words


def test_the_second_nurse_sees_who_was_first(sign_in: Callable[[str], Person], ref_of: Callable[[str], str]) -> None:
    ana, ben, ref = sign_in("ana"), sign_in("ben"), ref_of("Ada")
    ana.post(f"/a/{ref}/acknowledge")
    answer = ben.client.post(f"/a/{ref}/acknowledge", data={"csrf": ben.csrf}, headers=HTMX)
    assert answer.status_code == 409
    assert "Ana Invented acknowledged" in answer.text
    assert "Ana Invented has it" in answer.text


def test_an_unchanged_list_is_not_sent_again(ana: Person, ward: Ward, ref_of: Callable[[str], str]) -> None:
    first = ana.get("/live", **HTMX)
    tag = first.headers["ETag"]
    again = ana.get("/live", **HTMX, **{"If-None-Match": tag})
    assert (again.status_code, again.data) == (304, b"")
    assert again.headers["Cache-Control"] == "no-store"
    ana.post(f"/a/{ref_of('Ada')}/acknowledge")
    assert ana.get("/live", **HTMX, **{"If-None-Match": tag}).status_code == 200


def test_rows_stay_where_they_are_and_new_ones_wait(
    ana: Person, ward: Ward, people: dict[str, Watched], ref_of: Callable[[str], str]
) -> None:
    shown = _refs(ana.get("/").text)
    ward.oxygen(people["gita"], 84)
    text = ana.get("/live", **HTMX, **{"X-Shown": ",".join(shown)}).text
    assert _refs(text) == shown
    assert "1 new, 1 High ▲: show" in _text(text)
    assert re.search(r"data-new-red=[^>]*>New High alert, Gita", text)
    assert ref_of("Gita") in _refs(ana.get("/").text)[:3]


def test_an_empty_lane_never_says_that_nothing_is_open_while_something_waits(
    ana: Person, ref_of: Callable[[str], str]
) -> None:
    text = _text(ana.get("/live", **HTMX, **{"X-Shown": ref_of("Elsa")}).text)
    assert "No open clinical alerts" not in text
    assert re.search(r"Clinical 3 3 new, not shown yet: show", text)


def test_a_row_that_was_resolved_leaves(ana: Person, ward: Ward, ref_of: Callable[[str], str]) -> None:
    shown, ref = _refs(ana.get("/").text), ref_of("Elsa")
    ana.post(f"/a/{ref}/acknowledge")
    ana.post(f"/a/{ref}/resolve", outcome="device")
    text = ana.get("/live", **HTMX, **{"X-Shown": ",".join(shown)}).text
    assert _refs(text) == [one for one in shown if one != ref]


@pytest.mark.parametrize(
    ("query", "names"),
    [
        ("severity=red", {"Ada", "Cora"}),
        ("severity=amber&state=open", {"Bruno"}),
        ("who=mine", set()),
        ("programme=Diabetes", {"Cora"}),
        ("severity=purple", {"Ada", "Cora", "Bruno", "Elsa"}),
    ],
)
def test_filters(ana: Person, ref_of: Callable[[str], str], query: str, names: set[str]) -> None:
    assert set(_refs(ana.get(f"/?{query}").text)) == {ref_of(name) for name in names}


def test_filters_count_what_they_would_show(ana: Person) -> None:
    words = _text(ana.get("/").text)
    assert "▲ High 2" in words
    assert "◆ Medium 1" in words
    assert "Mine 0" in words


def test_every_watched_patient_has_a_state(ana: Person) -> None:
    panel = ana.get("/").text.split('id="panel"')[1]
    states = dict(re.findall(r'</span> ([a-zA-Z0-9 ]+)</span>\s*<span class="p-who"><a[^>]*>(\w+)', panel))
    assert {name: state for state, name in states.items()} == {
        "Cora": "High alert open",
        "Bruno": "Medium alert open",
        "Elsa": "no data 3 days",
        "Gita": "in range",
        "Farid": "not monitored",
    }


def test_the_head_says_how_the_hub_is(ana: Person) -> None:
    words = _text(ana.get("/").text)
    assert "Last data received 14:00" in words
    assert "Unsent messages 0" in words
    assert "First on call Ana Invented" in words
    assert "2 held, 1 bad" in words
    assert "Restored" not in words


def test_the_head_says_that_patients_are_not_texted_since_a_restore(
    sign_in: Callable[[str], Person], ward: Ward
) -> None:
    now = ward.hub.clock.now()
    before = sign_in("ana")
    with ward.hub.unit_of_work() as uow:
        restored.mark(uow, Actor("tests", "admin"), now - timedelta(hours=2), now)
        uow.commit()
    assert before.get("/").status_code != 200, "everybody signs in again"
    words = _text(sign_in("ana").get("/").text)
    assert "Restored from a backup of 12:04" in words
    assert "patients are not texted until opt-outs since are entered" in words


def test_a_text_that_was_not_understood_waits_until_somebody_read_it(
    sign_in: Callable[[str], Person], ward: Ward, people: dict[str, Watched]
) -> None:
    kim = ward.patient("Kim Invented", "RV-101199", (), (), phone="+15555550177")
    for number, sender, body in ((1, "+15555550177", "I feel <b>odd</b>"), (2, "+15555550188", "late today")):
        keep_text(ward.hub, f"p-{number}", sender, body)
    ward.tick()
    ana, ben, otto = sign_in("ana"), sign_in("ben"), sign_in("otto")
    lane = ana.get("/").text.split('id="lane-texts"')[1].split("</section>")[0]
    words = _text(lane)
    assert "I feel &lt;b&gt;odd&lt;/b&gt;" in words
    assert re.search(r"Kim Invented 78 y · MRN …1199 Call \+15555550177 14:04", words)
    assert re.search(r"late today no patient has this number \+15555550188", words)
    assert 'id="lane-texts"' not in otto.get("/").text
    first = re.search(r'action="(/texts/\d+/read)"', lane)
    assert first
    assert otto.post(first[1]).status_code == 403
    assert ana.post(first[1]).location == "/"
    assert ben.post(first[1]).location == "/"
    assert "I feel" not in ben.get("/").text
    assert "late today" in ben.get("/").text
    assert f'id="patient-{kim.id}"' in ben.get("/").text
    with ward.engine.connect() as connection:
        told = connection.execute(select(audit.c.actor).where(audit.c.act == "text.read")).scalars().all()
    assert told == ["Ana Invented"]


def test_staff_texts_do_not_wait_for_anybody(ana: Person, ward: Ward) -> None:
    keep_text(ward.hub, "p-1", "+15555550102", "good morning")
    ward.tick()
    assert 'id="lane-texts"' not in ana.get("/").text


def test_only_clinical_staff_mark_a_text_as_read(ward: Ward) -> None:
    with pytest.raises(NotPermitted):
        mark_read(ward.hub, ward.actor("otto"), 1)
    with pytest.raises(Conflict):
        mark_read(ward.hub, ward.actor("ana"), 999)


def test_a_technical_alarm_says_what_it_is_about(sign_in: Callable[[str], Person], ward: Ward) -> None:
    ward.arrives(b'{"v": 1, "online": false, "spool_depth": 0}', lane="status")
    ward.forward(timedelta(minutes=6))
    otto = sign_in("otto")
    lane = otto.get("/").text.split('id="lane-technical"')[1].split("</section>")[0]
    assert "Gateway g-home-1 Gateway Home 1 is offline since" in _text(lane)
    assert "no value" not in lane
    page = otto.get(f"/a/{_refs(lane)[0]}").text
    words = _text(page)
    for part in ("Gateway g-home-1 · Devices", "It pages nobody", "It rests on no reading", "Open Devices"):
        assert part in words
    assert "medical advice" not in words
    assert "Pass on" not in words


def test_the_demo_says_so_and_how_fast_it_runs(open_ward: Callable[..., Ward]) -> None:
    from tests.web.site import site_of

    text = site_of(open_ward(scale=0.05).hub).test_client().get("/sign-in").text
    assert "DEMO: invented patients, nobody is paged." in text
    assert "Escalation runs 20x faster here." in text


def test_an_empty_list_says_why(empty_ward: Ward) -> None:
    from tests.web.site import site_of
    from tests.web.ward import PASSWORD

    person = Person(site_of(empty_ward.hub).test_client())
    person.sign_in("ana", PASSWORD)
    words = _text(person.get("/").text)
    assert "No patients yet. Enrol one with rpmhub patient add" in words
    assert "nothing yet" in words


def test_a_hundred_rows_are_quick_and_few_questions(empty_ward: Ward) -> None:
    ward = empty_ward
    ward.clock.forward(timedelta(days=-2))
    for number in range(100):
        one = ward.patient(f"Row{number} Invented", f"R-{number:04}", ("hypertension",), ("blood-pressure",))
        ward.pressure(one, 190, 100)
    asked: list[str] = []
    event.listen(ward.engine, "before_cursor_execute", lambda *call: asked.append(call[2]))
    with ward.hub.reads() as reads:
        reads.worklist(ward.clock.now())
        asked.clear()
        begun = time.process_time()  # the work itself: another program's is not counted
        found = reads.worklist(ward.clock.now())
        seconds = time.process_time() - begun
    assert len([row for row in found.alerts if row.trend and row.latest and row.bands]) == 100
    assert len(asked) < 40
    assert seconds < 0.2
