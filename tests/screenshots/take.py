"""Take the README's pictures: run the demo, wait for its red alert and a patient's answer, and photograph its pages.

Run from the repository: ``python -P tests/screenshots/take.py``. It starts a demo of its own and stops it again.
"""

import re
import signal
import socket
import subprocess
import sys
import tempfile
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from playwright.sync_api import Error, Page, expect, sync_playwright

HERE = Path(__file__).resolve().parent
SIZES = {"": (1280, 800), "-375": (375, 740)}
MOST_BYTES = 300_000
SEED = 1
PATIENCE_S = 180
SETTLE_MS = 1500
"""Long enough for fonts, plots and the first poll."""


def _free_port() -> int:
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        return int(probe.getsockname()[1])


@contextmanager
def demo() -> Iterator[tuple[str, str, str]]:
    """A demo in a folder of its own: its address, the name and the password to sign in with."""
    with tempfile.TemporaryDirectory(prefix="rpmhub-pictures-") as data:
        command = [sys.executable, "-P", "-m", "hub.cli", "demo", "--data", data, "--port", str(_free_port())]
        process = subprocess.Popen(
            [*command, "--seed", str(SEED)], cwd=HERE.parents[1], stdout=subprocess.PIPE, text=True
        )
        try:
            yield _greeting(process)
        finally:
            process.send_signal(signal.SIGINT)
            process.communicate(timeout=60)


def _greeting(process: subprocess.Popen[str]) -> tuple[str, str, str]:
    """What the demo says it is reached by. It is stopped if it says nothing for too long."""
    assert process.stdout is not None
    too_long = threading.Timer(PATIENCE_S, process.terminate)
    too_long.start()
    try:
        said = ""
        for line in process.stdout:
            said += line
            found = re.search(r"Worklist\s+(\S+)/\s.*Sign in\s+(\S+) / (\S+)", said, re.DOTALL)
            if found:
                return found[1], found[2], found[3]
    finally:
        too_long.cancel()
    raise SystemExit(f"the demo did not start:\n{said}")


def _answers(page: Page, address: str) -> None:
    """The greeting may come a moment before the pages."""
    for _ in range(PATIENCE_S):
        try:
            page.goto(f"{address}/sign-in")
        except Error:
            page.wait_for_timeout(1000)
        else:
            return
    raise SystemExit(f"nothing answers at {address}")


def _sign_in(page: Page, address: str, login: str, password: str) -> None:
    _answers(page, address)
    page.fill("#login", login)
    page.fill("#password", password)
    page.press("#password", "Enter")
    expect(page.locator("h1")).to_have_text("Worklist")


def _red(page: Page, address: str) -> dict[str, str]:
    """Wait until an alert is red and a phone has its page; where the pictures are taken."""
    red = page.locator("#lane-clinical .row.red").first
    for _ in range(PATIENCE_S // 2):
        if red.count():
            break
        page.wait_for_timeout(2000)
        page.goto(f"{address}/")
    expect(red).to_be_visible()
    paths = {"worklist": "/", "phones": "/phones/", "alert": f"/a/{red.get_attribute('data-ref')}"}
    paths["devices"] = "/devices/"
    paths["chart"] = f"{red.locator('.r-who a').first.get_attribute('href')}?range=7d#readings"
    page.goto(f"{address}/phones/")
    for _ in range(PATIENCE_S // 2):
        if page.locator(".quick button").count():
            break
        page.wait_for_timeout(2000)
        page.goto(f"{address}/phones/")
    expect(page.locator(".quick button").first).to_be_visible()
    return paths


def _talk(page: Page, address: str) -> dict[str, str]:
    """Answer a check-in on a patient's phone and write a word more; where the hub shows both, and the consent."""
    asked = page.locator(".phone:has(.soft:text('patient ·')):has(.quick button:text('1:'))").first
    for _ in range(PATIENCE_S // 2):
        page.goto(f"{address}/phones/")
        if asked.count():
            break
        page.wait_for_timeout(2000)
    phone = page.locator(f"#{asked.get_attribute('id')}")
    name = phone.locator("h2").inner_text().splitlines()[0].strip()
    phone.locator(".quick button", has_text="1:").click()
    page.wait_for_timeout(SETTLE_MS)
    phone.locator("input[name=body]:not([type=hidden])").fill("Can I measure after lunch on Sundays?")
    phone.locator(".reply button").click()
    page.goto(f"{address}/")
    chart = page.locator("#panel a", has_text=name).first.get_attribute("href")
    for _ in range(PATIENCE_S):
        page.goto(f"{address}{chart}/texts")
        if page.locator(".talk", has_text="understood as").count() and page.locator(".talk .unread").count():
            break
        page.wait_for_timeout(1000)
    return {"conversation": f"{chart}/texts", "consent": f"{chart}#consent"}


def take() -> None:
    """Take them all; a picture that is too large is an error."""
    with demo() as (address, login, password), sync_playwright() as playwright:
        browser = playwright.chromium.launch(executable_path="/usr/bin/chromium", args=["--no-sandbox"])
        page = browser.new_page(device_scale_factor=1)
        _sign_in(page, address, login, password)
        paths = _red(page, address) | _talk(page, address)
        for name, path in paths.items():
            for suffix, (width, height) in SIZES.items():
                page.set_viewport_size({"width": width, "height": height})
                page.goto(address + path)
                if name == "consent":
                    page.locator("#consent-form").evaluate("form => { form.open = true; }")
                    page.locator("#consent").scroll_into_view_if_needed()
                page.wait_for_timeout(SETTLE_MS)
                picture = HERE / f"{name}{suffix}.png"
                page.screenshot(path=picture)
                size = picture.stat().st_size
                print(f"{picture.name}: {size // 1000} kB")
                if size > MOST_BYTES:
                    raise SystemExit(f"{picture.name} has {size} bytes, more than {MOST_BYTES}")
        browser.close()


if __name__ == "__main__":
    take()
