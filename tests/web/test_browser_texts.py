"""Consent and the conversation in a real browser: by keyboard, on a phone and on a desk, light and dark."""

from collections.abc import Callable

import pytest
from playwright.sync_api import Page, expect

from hub.services.incoming.keeping import keep_text
from tests.web.readable import SIZES, Complaints, reads_well
from tests.web.talk import Talk
from tests.web.ward import Ward, Watched

LONG = "My cuff shows E3 since this morning and I do not know what that means. " * 6


def _written(ward: Ward, people: dict[str, Watched]) -> None:
    """Texts in every state that a page has to show."""
    ada = Talk(ward, people["ada"].id)
    for state, error in (("undelivered", "30003 unreachable"), ("cancelled", "no consent"), ("unknown", None)):
        ada.sends("Riverside: how are you today?", state=state, error=error)
    ada.sends("Riverside: call 112 now. We do not watch texts.", "answer", urgent=True)
    ada.hears(LONG, media=2)
    ada.hears("x" * 200)
    keep_text(ward.hub, "p-1", "+15555550111", "I cannot breathe")
    keep_text(ward.hub, "p-2", "+15555550199", "<script>document.title = 1</script>")
    ward.tick()


@pytest.mark.parametrize("size", SIZES)
def test_texts_can_be_read_by_everybody_wherever_they_stand(
    visit: Callable[..., Page], site: str, ward: Ward, people: dict[str, Watched], size: str
) -> None:
    _written(ward, people)
    width, height = SIZES[size]
    page = visit(site, width=width, height=height)
    complaints = Complaints(page)
    one = people["ada"].id
    for path in ("/", "/phones/", f"/patients/{one}", f"/patients/{one}/texts"):
        page.goto(site + path)
        reads_well(page)
    assert complaints.heard == []


@pytest.mark.parametrize("size", SIZES)
def test_what_was_wrong_with_a_consent_can_be_read_by_everybody(
    visit: Callable[..., Page], site: str, people: dict[str, Watched], size: str
) -> None:
    width, height = SIZES[size]
    page = visit(site, width=width, height=height)
    complaints = Complaints(page)
    page.goto(f"{site}/patients/{people['bruno'].id}#consent")
    page.click("text=Record a consent")
    page.fill("#wording", "")
    page.click("button:has-text('Record consent')")
    expect(page.locator("#problem")).to_be_focused()
    expect(page.locator("#source-wrong")).to_have_text("Choose how the patient said so.")
    reads_well(page)
    assert [said for said in complaints.heard if "422" not in said] == []


def test_a_consent_is_recorded_and_ended_by_keyboard_alone(
    visit: Callable[..., Page], site: str, people: dict[str, Watched]
) -> None:
    page = visit(site)
    address = f"{site}/patients/{people['bruno'].id}"
    page.goto(address)
    page.locator("#consent-form summary").focus()
    page.keyboard.press("Enter")
    page.keyboard.press("Tab")
    expect(page.locator("#scope")).to_be_focused()
    page.keyboard.press("Tab")
    expect(page.locator("#wording")).to_be_focused()
    page.keyboard.press("Control+a")
    page.keyboard.type("Yes, text me.")
    page.keyboard.press("Tab")
    page.keyboard.type("by word")
    page.keyboard.press("Tab")
    page.keyboard.press("Enter")
    expect(page.locator(".notice")).to_have_text("Consent recorded.")
    expect(page.locator("#consent")).to_contain_text("Yes, text me.")
    page.locator("#consent .stands summary").focus()
    page.keyboard.press("Enter")
    page.keyboard.press("Tab")
    page.keyboard.type("by text")
    page.keyboard.press("Tab")
    page.keyboard.press("Enter")
    expect(page.locator(".notice")).to_contain_text("Consent ended.")
    expect(page.locator("#identity")).to_contain_text("no texts are sent")


def test_the_proposed_words_follow_the_scope_until_somebody_changes_them(
    visit: Callable[..., Page], site: str, people: dict[str, Watched]
) -> None:
    page = visit(site)
    page.goto(f"{site}/patients/{people['bruno'].id}")
    page.click("text=Record a consent")
    wording = page.locator("#wording")
    assert "STOP" in wording.input_value()
    page.select_option("#scope", "monitoring")
    assert "devices" in wording.input_value()
    wording.fill("My own words.")
    page.select_option("#scope", "sms")
    expect(wording).to_have_value("My own words.")


def test_an_unread_text_is_read_from_the_conversation(
    visit: Callable[..., Page], site: str, ward: Ward, people: dict[str, Watched]
) -> None:
    number = Talk(ward, people["ada"].id).hears(LONG)
    page = visit(site, width=375, height=740)
    page.click("#lane-texts >> text=All texts")
    expect(page.locator(f"#text-in-{number}")).to_be_in_viewport()
    page.click(f"#text-in-{number} button")
    expect(page.locator(f"#text-in-{number}")).to_contain_text("read by a person 14:04")
    page.goto(f"{site}/")
    expect(page.locator("#lane-texts")).to_have_count(0)


def test_a_long_text_stays_unfolded_while_the_list_is_brought_up_to_date(
    visit: Callable[..., Page], site: str, ward: Ward, people: dict[str, Watched]
) -> None:
    talk = Talk(ward, people["ada"].id)
    talk.hears(LONG)
    page = visit(site)
    page.click("#lane-texts summary")
    talk.hears("late today")
    with page.expect_response("**/live*"):
        page.evaluate("htmx.trigger(document.querySelector('[data-live]'), 'refresh')")
    expect(page.locator("#lane-texts li")).to_have_count(2)
    expect(page.locator("#lane-texts details")).to_have_attribute("open", "")


def test_typed_and_withdrawn_points_are_drawn_and_said(
    visit: Callable[..., Page], site: str, ward: Ward, people: dict[str, Watched]
) -> None:
    gita = Talk(ward, people["gita"].id)
    with ward.hub.unit_of_work() as uow:
        uow.consents.give(people["gita"].id, "sms", "Yes.", "paper", "Ana Invented", ward.clock.now(), gita.phone)
        version = next(one.version_id for one in uow.checkins.all_current() if one.checkin.id == "missed-pressure")
        uow.commit()
    talk = gita.opens(version)
    gita.sends("Riverside: please measure.", talk=talk)
    keep_text(ward.hub, "p-1", gita.phone, "128/77")
    ward.tick()
    page = visit(site)
    complaints = Complaints(page)
    page.goto(f"{site}/patients/{people['gita'].id}?range=24h")
    expect(page.locator("#plot-systolic_blood_pressure canvas")).to_have_count(1)
    page.locator("#plot-systolic_blood_pressure").locator("..").focus()
    page.keyboard.press("End")
    expect(page.locator("#readout-systolic_blood_pressure")).to_contain_text("128 mmHg (typed by the patient)")
    assert complaints.heard == []


def test_an_answer_comes_up_while_the_conversation_is_open(
    visit: Callable[..., Page], site: str, ward: Ward, people: dict[str, Watched]
) -> None:
    page = visit(site)
    page.goto(f"{site}/patients/{people['ada'].id}/texts")
    number = Talk(ward, people["ada"].id).hears("late today")
    with page.expect_response("**/texts/live*"):
        page.evaluate("htmx.trigger(document.querySelector('[data-live]'), 'refresh')")
    expect(page.locator(f"#text-in-{number}")).to_contain_text("late today")
