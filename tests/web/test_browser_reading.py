"""Reading in a real browser: the alert of a running episode, the chart under the pointer, what came by text."""

import re
from collections.abc import Callable
from datetime import timedelta

import pytest
from playwright.sync_api import Page, expect

from hub.services.incoming.keeping import keep_text
from tests.web.ward import NOW, Ward, Watched


@pytest.fixture
def episode(ward: Ward, people: dict[str, Watched], ref_of: Callable[[str], str]) -> str:
    """Ada's pressure stays high: two findings a reading. Her alert."""
    for step in range(10):
        ward.clock.forward(timedelta(seconds=5))
        ward.pressure(people["ada"], 186 + step % 3, 122)
    return ref_of("Ada")


def _bottom(page: Page, selector: str) -> float:
    box = page.locator(selector).first.bounding_box()
    assert box is not None
    return box["y"] + box["height"]


def test_on_a_phone_the_first_screen_says_what_to_do(visit: Callable[..., Page], site: str, episode: str) -> None:
    page = visit(site, width=375, height=740)
    page.goto(f"{site}/a/{episode}")
    button, suggested = _bottom(page, "#acknowledge button"), page.locator("#do-title").bounding_box()
    assert suggested is not None
    assert button < 740
    assert 0 < suggested["y"] - button < 60
    assert page.evaluate("document.documentElement.scrollHeight") < 4 * 740


def test_what_a_reader_opened_stays_open_while_findings_come(
    visit: Callable[..., Page], site: str, ward: Ward, people: dict[str, Watched], episode: str
) -> None:
    page = visit(site)
    page.clock.install(time=NOW)
    page.goto(f"{site}/a/{episode}")
    expect(page.locator("#earlier")).not_to_have_attribute("open", "")
    page.click("#earlier summary")
    page.locator(".run summary").last.click()
    ward.clock.forward(timedelta(seconds=5))
    ward.pressure(people["ada"], 187, 123)
    before = page.locator("#earlier tbody tr").count()
    with page.expect_response("**/live*"):
        page.clock.run_for(6000)
    expect(page.locator("#earlier tbody tr")).to_have_count(before + 2)
    expect(page.locator("#basis")).to_contain_text("Diastolic 123 mmHg")
    expect(page.locator("#earlier")).to_have_attribute("open", "")
    expect(page.locator(".run details").last).to_have_attribute("open", "")
    expect(page.locator(".changed")).to_have_count(0)


def test_the_reading_under_the_pointer_stands_in_one_line_and_goes_away(
    visit: Callable[..., Page], site: str, people: dict[str, Watched]
) -> None:
    page = visit(site)
    page.goto(f"{site}/patients/{people['ada'].id}")
    line = page.locator("#readout-systolic_blood_pressure")
    expect(page.locator(".u-legend")).to_have_count(0)
    expect(line).to_be_empty()
    over = page.locator("#plot-systolic_blood_pressure .u-over")
    width = over.evaluate("area => area.clientWidth")
    over.hover(position={"x": width - 2, "y": 60})
    expect(line).to_have_text("22 Nov 14:00 · 186 mmHg")
    expect(page.locator("#readout-diastolic_blood_pressure")).to_have_text("22 Nov 14:00 · 104 mmHg")
    page.locator("h1").hover()
    expect(line).to_be_empty()


def test_the_readings_of_a_chart_are_reached_by_keyboard(
    visit: Callable[..., Page], site: str, ward: Ward, people: dict[str, Watched]
) -> None:
    device = people["ada"].devices["blood-pressure"]
    ward.clock.forward(timedelta(minutes=1))
    ward.measure(device, "blood-pressure", {"systolic_blood_pressure": (0, "mm[Hg]")})
    page = visit(site)
    page.goto(f"{site}/patients/{people['ada'].id}?range=24h")
    line = page.locator("#readout-systolic_blood_pressure")
    page.locator("#plot-systolic_blood_pressure").locator("..").focus()
    page.keyboard.press("ArrowLeft")
    expect(line).to_have_text("22 Nov 14:05 · 0 mmHg (0: no signal)")
    page.keyboard.press("ArrowLeft")
    expect(line).to_have_text("22 Nov 14:00 · 186 mmHg")
    expect(page.locator("#announce")).to_have_text("22 Nov 14:00 · 186 mmHg")
    page.keyboard.press("Home")
    expect(line).to_contain_text("21 Nov 18:04")
    page.keyboard.press("Escape")
    expect(line).to_be_empty()
    page.keyboard.press("End")
    expect(line).not_to_be_empty()
    page.keyboard.press("Tab")
    expect(line).to_be_empty()


def test_a_text_that_was_not_understood_is_read_and_leaves_the_list(
    visit: Callable[..., Page], site: str, ward: Ward
) -> None:
    keep_text(ward.hub, "p-1", "+15555559999", "who is this?")
    ward.tick()
    page = visit(site, width=375, height=740)
    expect(page.locator("#lane-texts")).to_contain_text("who is this?")
    page.get_by_role("button", name=re.compile("^Mark as read ?: who is this")).click()
    expect(page.locator("h1")).to_have_text("Worklist")
    expect(page.locator("#lane-texts")).to_have_count(0)


def test_the_newest_text_of_every_phone_is_in_sight(
    visit: Callable[..., Page], site: str, ward: Ward, people: dict[str, Watched]
) -> None:
    page = visit(site, width=375, height=740)
    page.clock.install(time=NOW)
    page.goto(f"{site}/phones/")
    chat = page.locator("#chat-15555550101 .chat")

    def newest_in_sight() -> bool:
        return bool(chat.evaluate("c => c.scrollTop + c.clientHeight >= c.scrollHeight - 2"))

    texts = chat.locator("li").count()
    assert newest_in_sight()
    ward.oxygen(people["gita"], 84)
    ward.forward(timedelta(seconds=20))
    with page.expect_response("**/live*"):
        page.clock.run_for(6000)
    expect(chat.locator("li")).to_have_count(texts + 1)
    assert newest_in_sight()
