"""The page of one alert: what it rests on, and a life from page to outcome."""

import re
from collections.abc import Callable
from datetime import timedelta

import pytest

from tests.web.people import Person
from tests.web.ward import Ward, Watched


def _text(html: str) -> str:
    return re.sub(r"\s+", " ", re.sub(r"<[^>]+>", " ", html))


def test_it_says_all_it_rests_on(ana: Person, ref_of: Callable[[str], str]) -> None:
    words = _text(ana.get(f"/a/{ref_of('Ada')}").text)
    for part in (
        "Systolic 186 mmHg, red at or above 180",
        "Diastolic 104 mmHg",
        "systolic-high of Hypertension (hypertension), version 1",
        "Signed by Dr Imaginary",
        "blood-pressure AA:BB:CC:00:01:00",
        "Measured 14:00",
        "Found by the hub 14:00",
        "Page to Ana Invented: delivered",
        "paged Ana Invented",
        "Ben Invented is paged 14:05",
        "Call +15555550111",
    ):
        assert part in words
    assert "mm[Hg]" not in words
    assert "112" in words


def test_a_reference_may_be_written_small(ana: Person, ref_of: Callable[[str], str]) -> None:
    assert ana.get(f"/a/{ref_of('Ada').lower()}").status_code == 200


def test_one_primary_act_from_page_to_outcome(ana: Person, ward: Ward, ref_of: Callable[[str], str]) -> None:
    ref = ref_of("Ada")

    def primary() -> list[str]:
        return re.findall(r'class="primary(?: big)?" type="submit"[^>]*>([^<]+)<', ana.get(f"/a/{ref}").text)

    assert primary() == ["Acknowledge"]
    assert ana.post(f"/a/{ref}/acknowledge").location == f"/a/{ref}?done=acknowledged"
    assert primary() == ["Record contact"]
    ana.post(f"/a/{ref}/contact", way="phone", reached="yes", note="Forgot her tablets.")
    assert primary() == ["Resolve"]
    due = "2026-11-23T10:30"
    answer = ana.post(
        f"/a/{ref}/resolve",
        outcome="true",
        note="Will take them now.",
        follow_up_title="Look again",
        follow_up_owner=str(ward.actor("ben").staff_id),
        follow_up_due=due,
    )
    assert answer.location == f"/a/{ref}?done=resolved"
    assert primary() == []
    words = _text(ana.get(f"/a/{ref}").text)
    assert "Resolved by Ana Invented at 14:04" in words
    assert "phone: reached the patient: Forgot her tablets." in words
    assert "Will take them now." in words
    tasks = _text(ana.get("/tasks/").text)
    assert "Look again · Ada Nonesuch" in tasks
    assert "Mon 23 Nov 10:30" in tasks


def test_a_red_is_not_resolved_without_a_contact_and_the_note_stays(ana: Person, ref_of: Callable[[str], str]) -> None:
    ref = ref_of("Cora")
    ana.post(f"/a/{ref}/acknowledge")
    answer = ana.post(f"/a/{ref}/resolve", outcome="true", note="Ate something")
    assert answer.status_code == 409
    assert "record a contact first" in answer.text.lower()
    assert "(SF13)" in answer.text
    assert ">Ate something</textarea>" in answer.text
    assert 'value="true" checked' in answer.text


@pytest.mark.parametrize(
    ("path", "fields", "field"),
    [
        ("contact", {"way": "phone"}, "reached"),
        ("contact", {"reached": "yes", "way": "pigeon"}, "way"),
        ("resolve", {"note": "x"}, "outcome"),
        ("resolve", {"outcome": "true", "follow_up_title": "Call"}, "follow_up_due"),
        ("resolve", {"outcome": "true", "follow_up_due": "2026-11-23T10:30"}, "follow_up_title"),
        ("resolve", {"outcome": "no_contact"}, "note"),
    ],
)
def test_what_is_wrong_is_marked_where_it_is(
    ana: Person, ref_of: Callable[[str], str], path: str, fields: dict[str, str], field: str
) -> None:
    answer = ana.post(f"/a/{ref_of('Ada')}/{path}", **fields)
    assert answer.status_code == 422
    assert f'href="#{field}"' in answer.text
    assert f'id="{field}-wrong"' in answer.text
    assert re.search(rf'id="{field}"[^>]*aria-invalid="true"', answer.text)


def test_an_alert_that_became_worse_is_not_taken_unread(
    ana: Person, ward: Ward, ref_of: Callable[[str], str], people: dict[str, Watched]
) -> None:
    ref = ref_of("Bruno")
    ward.pressure(people["bruno"], 192, 100)
    answer = ana.post(f"/a/{ref}/acknowledge", version="1")
    assert answer.status_code == 409
    assert "It became worse since you looked" in answer.text


def test_the_second_nurse_is_told_on_the_page(sign_in: Callable[[str], Person], ref_of: Callable[[str], str]) -> None:
    ana, ben, ref = sign_in("ana"), sign_in("ben"), ref_of("Ada")
    ana.post(f"/a/{ref}/acknowledge")
    answer = ben.post(f"/a/{ref}/acknowledge")
    assert answer.status_code == 409
    assert "Ana Invented acknowledged" in _text(answer.text)


def test_an_open_page_hears_that_it_is_out_of_date(
    sign_in: Callable[[str], Person], ref_of: Callable[[str], str]
) -> None:
    ana, ben, ref = sign_in("ana"), sign_in("ben"), ref_of("Ada")
    polled = re.search(r'hx-get="([^"]+)"', ana.get(f"/a/{ref}").text)
    assert polled
    address = polled[1].replace("&amp;", "&")
    assert "changed since you opened" not in ana.get(address).text
    ben.post(f"/a/{ref}/acknowledge")
    assert "changed since you opened" in ana.get(address).text


def test_passing_on_pages_the_next_person_now(ana: Person, ward: Ward, ref_of: Callable[[str], str]) -> None:
    ref = ref_of("Ada")
    assert ana.post(f"/a/{ref}/pass-on").status_code == 303
    assert "Page to Ben Invented" in ana.get(f"/a/{ref}").text


def test_an_amber_that_closed_by_itself_waits_to_be_seen(
    ana: Person,
    ward: Ward,
    people: dict[str, Watched],
    ref_of: Callable[[str], str],
) -> None:
    ref = ref_of("Bruno")
    for minutes in (5, 40):
        ward.clock.forward(timedelta(minutes=minutes))
        ward.pressure(people["bruno"], 122, 76)
    ana.sign_in("ana", "invented-password-1")
    text = ana.get("/").text
    assert f'id="closed-{ref}"' in text
    assert ana.post(f"/a/{ref}/seen", back="worklist").status_code == 303
    assert f'id="closed-{ref}"' not in ana.get("/").text


def test_earlier_alerts_of_the_same_kind_stand_beside_it(
    ana: Person,
    ward: Ward,
    people: dict[str, Watched],
    ref_of: Callable[[str], str],
) -> None:
    ref = ref_of("Ada")
    ana.post(f"/a/{ref}/contact", way="phone", reached="yes", note="")
    ana.post(f"/a/{ref}/resolve", outcome="technique", note="Cuff over the sleeve")
    ward.clock.forward(timedelta(minutes=5))
    ward.pressure(people["ada"], 188, 101)
    words = _text(ana.get(f"/a/{ref_of('Ada')}").text)
    assert "Measured wrongly: Cuff over the sleeve" in words


def test_a_running_episode_is_told_in_a_few_lines(
    ana: Person, ward: Ward, people: dict[str, Watched], ref_of: Callable[[str], str]
) -> None:
    for step in range(40):
        ward.clock.forward(timedelta(seconds=5))
        ward.pressure(people["ada"], 186 + step % 3, 122)
    page = ana.get(f"/a/{ref_of('Ada')}").text
    basis = page.split('id="basis"')[1].split("</section>")[0]
    full = _text(basis.split('id="earlier"')[0])
    assert "High Systolic 186 mmHg, red at or above 180 Measured 14:07" in full
    assert "Diastolic 122 mmHg, red at or above 120 diastolic-high of Hypertension v1" in full
    assert full.count("Measured") == 1
    assert full.count("122 mmHg") == 2
    assert "Earlier findings (80)" in _text(basis)
    assert "The newest 50 of 80" in _text(basis)
    story = _text(page.split('id="story"')[1].split("</section>")[0])
    assert re.search(r"\d+ more findings, 14:0\d:\d\d to 14:0\d:\d\d", story)
    assert "14:00:05 hub paged Ana Invented" in story


def test_missing_data_is_no_measurement(ana: Person, ref_of: Callable[[str], str]) -> None:
    words = _text(ana.get(f"/a/{ref_of('Elsa')}").text)
    assert re.search(r"\? no data \d+ (h|days) No data: systolic was due", words)
    assert "Waited until" in words
    assert not re.search(r"Measured (?:\w{3} )?\d", words)
    assert not re.search(r"\d\dT\d\d:\d\d", words)
