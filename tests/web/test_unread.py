"""The lane of unread texts: danger first, then the oldest, each with whose it is and what to do."""

import re
from collections.abc import Callable
from datetime import timedelta

from hub.services.incoming.keeping import keep_text
from tests.web.people import Person
from tests.web.talk import Talk
from tests.web.ward import NOW, Ward, Watched

LONG = "My cuff shows E3 since this morning and I do not know what that means. " * 4


def _text(html: str) -> str:
    return re.sub(r"\s+", " ", re.sub(r"<[^>]+>", " ", html)).replace("( ", "(").replace(" )", ")")


def _lane(person: Person) -> str:
    return person.get("/").text.split('id="lane-texts"')[1].split("</section>")[0]


def _rows(person: Person) -> list[str]:
    return [_text(row) for row in _lane(person).split("<li ")[1:]]


def test_danger_stands_first_and_links_its_alert(
    ana: Person, ward: Ward, people: dict[str, Watched], ref_of: Callable[[str], str]
) -> None:
    Talk(ward, people["bruno"].id).hears("late today")
    keep_text(ward.hub, "p-1", "+15555550114", "i cant breathe")
    ward.tick()
    first, second = _rows(ana)
    assert "▲ words of danger: hard to breathe Alert" in first
    assert "Dario Fictional" in first
    assert "late today" in second
    ref = re.search(r'href="/a/(\w+)">Alert \1<', _lane(ana))
    assert ref
    alert = _text(ana.get(f"/a/{ref[1]}").text)
    assert "speaks of hard to breathe" in alert
    assert "All texts with the patient" in alert
    assert "Received 14:04" in alert
    assert "T13:04" not in alert
    assert "no value" not in _text(ana.get("/").text.split(f'id="row-{ref[1]}"')[1].split("</li>")[0])


def test_a_nought_says_what_it_may_mean(ana: Person, ward: Ward, people: dict[str, Watched]) -> None:
    bruno = people["bruno"]
    Talk(ward, bruno.id).hears("0")
    (row,) = _rows(ana)
    assert "may take an answer back: ask the patient" in row
    assert "unread: may take an answer back, ask the patient" in ana.get(f"/patients/{bruno.id}/texts").text


def test_danger_from_a_number_of_several_links_the_numbers_alert(ana: Person, ward: Ward) -> None:
    keep_text(ward.hub, "p-1", "+15555550188", "my chest hurts")
    ward.tick()
    (row,) = _rows(ana)
    assert re.search(r"words of danger: chest pain Alert \w+", row)
    assert "no patient has this number +15555550188" in row
    ref = re.search(r'href="/a/(\w+)">Alert', _lane(ana))
    assert ref
    page = ana.get(f"/a/{ref[1]}").text
    assert 'href="tel:+15555550188"' in page
    assert "Call the number the text came from now." in _text(page)


def test_a_household_is_named_and_nobody_is_guessed(ana: Person, ward: Ward, people: dict[str, Watched]) -> None:
    ward.patient("Kim Invented", "RV-101199", (), (), phone="+15555550114")
    Talk(ward, people["dario"].id).hears("late today", whose=False)
    (row,) = _rows(ana)
    assert "whose? one of Dario Fictional 78 y · MRN …0744 , Kim Invented 78 y · MRN …1199" in row
    assert "All texts" not in row


def test_a_text_that_just_came_is_there_before_the_worker_saw_it(ana: Person, ward: Ward) -> None:
    keep_text(ward.hub, "p-1", "+15555550114", "hello")
    keep_text(ward.hub, "p-2", "+15555550199", "hello")
    named, unknown = _rows(ana)
    assert "Dario Fictional" in named
    assert "just came in" in unknown


def test_a_long_text_is_folded_and_pictures_are_counted(ana: Person, ward: Ward, people: dict[str, Watched]) -> None:
    number = Talk(ward, people["dario"].id).hears(LONG, media=1)
    lane = _lane(ana)
    (row,) = _rows(ana)
    assert lane.count("<details") == 1
    assert lane.count(LONG.strip()) == 1
    assert "… ” more" in row or "…” more" in row or "… more" in row
    assert "1 picture: see it at the provider" in row
    assert f'href="/patients/{people["dario"].id}/texts#text-in-{number}"' in lane
    assert 'href="tel:+15555550114"' in lane


def test_what_waits_for_more_than_an_hour_says_so(ana: Person, ward: Ward, people: dict[str, Watched]) -> None:
    talk = Talk(ward, people["dario"].id)
    for minutes, body in ((61, "old"), (60, "young")):
        ward.clock.set(NOW - timedelta(minutes=minutes))
        talk.hears(body)
    ward.clock.set(NOW)
    old, young = _rows(ana)
    assert "overdue: unread for 61 min , 13:03" in old
    assert "overdue" not in young


def test_no_more_than_a_hundred_are_listed_and_all_are_counted(ana: Person, ward: Ward) -> None:
    for number in range(103):
        keep_text(ward.hub, f"p-{number}", f"+1555558{number:04}", "hello")
    assert len(_rows(ana)) == 100
    assert "Unread texts 103" in _text("<" + _lane(ana).split("<h2", 1)[1].split("<ul")[0])
    assert "3 more come up as these are read" in _text(_lane(ana))


def test_what_asks_for_danger_is_found_behind_a_hundred_others(ana: Person, ward: Ward) -> None:
    for number in range(101):
        keep_text(ward.hub, f"p-{number}", f"+1555558{number:04}", "hello")
    keep_text(ward.hub, "p-last", "+15555550114", "i took too many pills")
    ward.tick()
    assert "words of danger: overdose" in _rows(ana)[0]
