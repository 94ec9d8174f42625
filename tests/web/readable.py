"""What every page owes its readers: nothing for a browser to complain about, nothing cut off, words for everybody."""

from axe_playwright_python.base import AXE_SCRIPT
from playwright.sync_api import Page

SIZES = {"phone": (375, 800), "desk": (1280, 900)}


class Complaints:
    """All that a browser complains about on a page."""

    def __init__(self, page: Page) -> None:
        self.heard: list[str] = []
        page.on("console", lambda message: self._said(message.type, message.text))
        page.on("pageerror", lambda error: self.heard.append(f"uncaught: {error}"))

    def _said(self, kind: str, text: str) -> None:
        if kind in ("error", "warning") and "404 (NOT FOUND)" not in text:
            self.heard.append(f"{kind}: {text}")


def reads_well(page: Page) -> None:
    """Fail unless the page as it stands, with all of it opened, fits its width and axe finds it readable by anybody."""
    page.locator("summary").evaluate_all("all => all.forEach(one => { one.parentElement.open = true; })")
    assert page.evaluate("document.documentElement.scrollWidth - document.documentElement.clientWidth") <= 0, page.url
    assert page.locator("h1").count() == 1, page.url
    assert page.locator("main").count() == 1, page.url
    assert _grave(page) == [], page.url
    page.emulate_media(color_scheme="dark")
    assert _grave(page, only="color-contrast") == [], f"{page.url}, dark"  # nothing but colours depends on it
    page.emulate_media(color_scheme="light")


def _grave(page: Page, *, only: str = "") -> list[tuple[str, str]]:
    """What axe finds serious or critical on the page as it stands; axe is put there once."""
    if not page.evaluate("Boolean(window.axe)"):
        page.evaluate(AXE_SCRIPT)
    options = {"resultTypes": ["violations"], **({"runOnly": [only]} if only else {})}
    found = page.evaluate("options => axe.run(options)", options)["violations"]
    grave = [rule for rule in found if rule["impact"] in ("serious", "critical")]
    return [(rule["id"], node["html"]) for rule in grave for node in rule["nodes"]]
