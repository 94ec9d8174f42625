"""The pages in a real browser: they load clean, they can be read by everybody, and they say when they are not live."""

from collections.abc import Callable
from datetime import timedelta

import pytest
from playwright.sync_api import Browser, Page, expect

from tests.web.readable import SIZES, Complaints, reads_well
from tests.web.ward import NOW, PASSWORD, Ward, Watched

EVERY_PAGE = (
    "/",
    "/tasks/",
    "/devices/",
    "/quarantine/",
    "/phones/",
    "/patients/1",
    "/patients/6",
    "/patients/1/texts",
    "/patients/6/texts",
    "/quarantine/1",
    "/nowhere",
    "/sign-in",
)


def _all_pages(ref_of: Callable[[str], str]) -> list[str]:
    return [*EVERY_PAGE, f"/a/{ref_of('Ada')}", f"/a/{ref_of('Elsa')}"]


@pytest.mark.parametrize("size", SIZES)
def test_every_page_loads_clean_and_can_be_read_by_everybody(
    visit: Callable[..., Page], site: str, ref_of: Callable[[str], str], size: str
) -> None:
    width, height = SIZES[size]
    page = visit(site, "root", width=width, height=height)
    complaints = Complaints(page)
    for path in _all_pages(ref_of):
        page.goto(site + path)
        reads_well(page)
    assert complaints.heard == []


def test_the_policy_stops_what_is_not_ours(visit: Callable[..., Page], site: str) -> None:
    page = visit(site)
    complaints = Complaints(page)
    page.evaluate("document.body.insertAdjacentHTML('beforeend', '<img src=x onerror=\"document.title=1\">')")
    page.evaluate(
        "var s = document.createElement('script'); s.textContent = 'document.title = 1'; document.body.append(s)"
    )
    expect(page).not_to_have_title("1")
    assert any("Content Security Policy" in said for said in complaints.heard)


@pytest.mark.parametrize("size", SIZES)
def test_targets_are_large_enough(visit: Callable[..., Page], site: str, size: str) -> None:
    width, height = SIZES[size]
    page = visit(site, width=width, height=height)
    small = page.eval_on_selector_all(
        "button, .button, summary, input, select, nav a",
        "all => all.filter(e => e.offsetParent && e.type !== 'hidden').map(e => [e.outerHTML.slice(0, 80),"
        " e.getBoundingClientRect()]).filter(([, r]) => r.width < 24 || r.height < 24).map(([html]) => html)",
    )
    assert small == []
    primary = page.eval_on_selector_all("button.primary", "all => all.map(e => e.getBoundingClientRect().height)")
    assert min(height for height in primary if height) >= 44


def test_from_sign_in_to_outcome_by_keyboard_alone(
    chromium: Browser, site: str, ward: Ward, ref_of: Callable[[str], str]
) -> None:
    context = chromium.new_context()
    page = context.new_page()
    ref = ref_of("Cora")
    page.goto(f"{site}/sign-in")
    presses = 0

    def press(*keys: str) -> None:
        nonlocal presses
        for key in keys:
            presses += 1
            page.keyboard.press(key)

    expect(page.locator("#login")).to_be_focused()  # by itself, a moment after the page stands
    page.keyboard.type("ana")
    press("Tab")
    page.keyboard.type(PASSWORD)
    press("Enter")
    expect(page.locator("h1")).to_have_text("Worklist")
    page.wait_for_load_state()  # the scripts that read the keys come after the text
    press("j")
    first = page.locator(".row:focus-within")
    expect(first).to_have_count(1)
    if first.get_attribute("data-ref") != ref:
        press("j")
    press("a")
    expect(page.locator(f"#row-{ref}")).to_contain_text("You have it")
    expect(page.locator(f"#row-{ref} .row-link")).to_be_focused()
    press("n")
    expect(page.locator("h1")).to_contain_text("Glucose 2.8")
    expect(page.locator("#contact")).to_have_attribute("open", "")
    expect(page.locator("#contact input[name=way]:checked")).to_be_focused()
    press("Tab", "Space", "Tab")
    page.keyboard.type("Juice taken")
    press("Tab", "Enter")
    expect(page.locator(".notice")).to_have_text("Contact recorded.")
    page.wait_for_load_state()
    press("r")
    press("Space", "Enter")
    expect(page.locator(".notice")).to_have_text("Resolved.")
    assert presses <= 20
    with ward.hub.reads() as reads:
        found = reads.alert(ref, ward.clock.now())
    assert found is not None
    assert (found.alert.outcome, found.contacts[0].note) == ("true", "Juice taken")
    context.close()


def test_shortcuts_can_be_switched_off_and_never_act_while_typing(visit: Callable[..., Page], site: str) -> None:
    page = visit(site)
    page.keyboard.press("/")
    expect(page.locator("#find")).to_be_focused()
    page.keyboard.type("ja?")
    expect(page.locator("#find")).to_have_value("ja?")
    expect(page.locator("#keys")).not_to_be_visible()
    page.locator("h1").click()
    page.keyboard.press("?")
    expect(page.locator("#keys")).to_be_visible()
    page.locator("#keys-on").uncheck()
    page.keyboard.press("Escape")
    page.keyboard.press("?")
    expect(page.locator("#keys")).not_to_be_visible()
    page.reload()
    page.keyboard.press("j")
    expect(page.locator(".row:focus-within")).to_have_count(0)


def test_finding_a_patient_asks_the_hub_nothing(visit: Callable[..., Page], site: str) -> None:
    page = visit(site)
    asked: list[str] = []
    page.on("request", lambda request: asked.append(request.url))
    page.fill("#find", "cora")
    expect(page.locator("#panel > li:visible")).to_have_count(1)
    assert [url for url in asked if "cora" in url.lower()] == []


def test_two_nurses_take_the_same_alert(visit: Callable[..., Page], site: str, ref_of: Callable[[str], str]) -> None:
    ana, ben, ref = visit(site, "ana"), visit(site, "ben"), ref_of("Ada")
    ana.click(f"#row-{ref} button")
    expect(ana.locator(f"#row-{ref}")).to_contain_text("You have it")
    ben.click(f"#row-{ref} button")
    row = ben.locator(f"#row-{ref}")
    expect(row.get_by_role("alert")).to_contain_text("Ana Invented acknowledged")
    expect(row).to_contain_text("Ana Invented has it")


def _slow_clock(page: Page, site: str) -> None:
    page.clock.install(time=NOW)
    page.goto(f"{site}/")
    page.wait_for_load_state("networkidle")


def test_new_alerts_wait_behind_a_bar_and_a_red_is_said_aloud(
    visit: Callable[..., Page], site: str, ward: Ward, people: dict[str, Watched]
) -> None:
    page = visit(site)
    _slow_clock(page, site)
    before = page.eval_on_selector_all(".row", "all => all.map(row => row.id)")
    page.focus(f"#{before[2]} .row-link")
    page.fill("#find", "typed")
    page.focus(f"#{before[2]} .row-link")
    ward.oxygen(people["gita"], 84)
    with page.expect_response("**/live*"):
        page.clock.run_for(6000)
    expect(page.locator("#new")).to_contain_text("1 new, 1 High")
    assert page.eval_on_selector_all(".row", "all => all.map(row => row.id)") == before
    expect(page.locator("#announce-red")).to_contain_text("New High alert, Gita")
    expect(page.locator(f"#patient-{people['gita'].id}")).to_contain_text("High alert open")
    expect(page.locator(f"#{before[2]} .row-link")).to_be_focused()
    expect(page.locator("#find")).to_have_value("typed")
    assert page.title().startswith("(1 new)")
    page.click("#new a")
    expect(page.locator(".row")).to_have_count(len(before) + 1)
    expect(page.locator("#new")).to_have_count(0)


def test_what_somebody_else_did_appears_without_a_click(
    visit: Callable[..., Page], site: str, ref_of: Callable[[str], str]
) -> None:
    ana, ben, ref = visit(site, "ana"), visit(site, "ben"), ref_of("Ada")
    _slow_clock(ben, site)
    ana.click(f"#row-{ref} button")
    expect(ana.locator(f"#row-{ref}")).to_contain_text("You have it")
    with ben.expect_response("**/live*"):
        ben.clock.run_for(6000)
    expect(ben.locator(f"#row-{ref}")).to_contain_text("Ana Invented has it")


def test_the_page_says_when_it_is_not_live_and_when_it_is_again(visit: Callable[..., Page], site: str) -> None:
    page = visit(site)
    _slow_clock(page, site)
    banner = page.locator("#not-live")
    page.clock.run_for(6000)
    expect(page.locator("[data-updated]")).to_have_text("14:04:05")
    expect(banner).to_be_hidden()
    page.route("**/live*", lambda route: route.abort())
    page.clock.run_for(50000)
    expect(banner).to_be_hidden()
    page.clock.run_for(15000)
    expect(banner).to_be_visible()
    expect(banner).to_contain_text("Not live since 14:04:05")
    page.unroute("**/live*")
    with page.expect_response("**/live*"):
        page.clock.run_for(6000)
    page.clock.run_for(1500)
    expect(banner).to_be_hidden()


def test_an_act_that_was_not_sent_does_not_look_done(
    visit: Callable[..., Page], site: str, ref_of: Callable[[str], str]
) -> None:
    page, ref = visit(site), ref_of("Ada")
    page.route("**/acknowledge", lambda route: route.abort())
    page.click(f"#row-{ref} button")
    expect(page.locator("#trouble")).to_contain_text("Not sent")
    expect(page.locator(f"#row-{ref}")).to_contain_text("Nobody has it")


def test_who_leaves_is_warned_and_then_signed_out(visit: Callable[..., Page], site: str, ward: Ward) -> None:
    page = visit(site)
    _slow_clock(page, site)
    page.clock.run_for(13 * 60 * 1000 - 30000)
    expect(page.locator("#leaving")).to_be_hidden()
    ward.clock.forward(timedelta(minutes=13, seconds=5))
    with page.expect_response("**/live*"):
        page.clock.run_for(6000)
    page.clock.run_for(2000)
    expect(page.locator("#leaving")).to_be_visible()
    page.click("#stay")
    expect(page.locator("#leaving")).to_be_hidden()
    ward.clock.forward(timedelta(minutes=16))
    page.clock.run_for(6000)
    page.wait_for_url("**/sign-in*")


def test_the_chart_is_drawn_and_counts_as_looked_at(
    visit: Callable[..., Page], site: str, ward: Ward, ref_of: Callable[[str], str], people: dict[str, Watched]
) -> None:
    page, ref = visit(site), ref_of("Ada")
    page.click(f"#row-{ref} button")
    expect(page.locator(f"#row-{ref}")).to_contain_text("You have it")
    with page.expect_response("**/opened"):
        page.goto(f"{site}/patients/{people['ada'].id}")
    expect(page.locator(".canvas canvas")).to_have_count(2)
    with ward.hub.reads() as reads:
        row = reads.alert_row(ref, ward.clock.now())
    assert row is not None
    assert row.chart_opened_at is not None


def test_a_phone_answers_with_one_tap(
    visit: Callable[..., Page], site: str, ward: Ward, ref_of: Callable[[str], str]
) -> None:
    page = visit(site, width=375, height=800)
    page.goto(f"{site}/phones/")
    page.get_by_role("button", name=f"take {ref_of('Ada')}").click()
    expect(page.locator("#phone-15555550101 .inward")).to_have_count(1)
    ward.tick()
    page.goto(f"{site}/a/{ref_of('Ada')}")
    expect(page.locator("#alert-status")).to_contain_text("You have it")


def test_without_scripts_everything_still_works(chromium: Browser, site: str, ref_of: Callable[[str], str]) -> None:
    context = chromium.new_context(java_script_enabled=False)
    page = context.new_page()
    page.goto(f"{site}/a/{ref_of('Ada')}")
    page.fill("#login", "ana")
    page.fill("#password", PASSWORD)
    page.click("button[type=submit]")
    page.click("text=Acknowledge")
    expect(page.locator("#alert-status")).to_contain_text("You have it")
    context.close()
