"""The ward, filled once and copied for each test; a browser, started once."""

import logging
import shutil
import threading
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pytest
from flask.testing import FlaskClient
from playwright.sync_api import Browser, BrowserContext, Page, sync_playwright
from werkzeug.serving import make_server

from hub.services.sign_in import sign_in as start_session
from tests.web.cast import populate
from tests.web.people import Person
from tests.web.site import signed_in, site_of
from tests.web.ward import PASSWORD, Ward, Watched


@pytest.fixture(scope="session")
def filled(tmp_path_factory: pytest.TempPathFactory) -> tuple[Path, dict[str, Watched]]:
    folder = tmp_path_factory.mktemp("filled")
    ward = Ward(folder)
    people = populate(ward)
    ward.engine.dispose()
    return folder, people


@pytest.fixture
def people(filled: tuple[Path, dict[str, Watched]]) -> dict[str, Watched]:
    return filled[1]


@pytest.fixture
def open_ward(filled: tuple[Path, dict[str, Watched]], tmp_path: Path) -> Iterator[Callable[..., Ward]]:
    """The filled ward again, on a copy of its database, with other settings."""
    wards = []

    def opened(**settings: object) -> Ward:
        folder = tmp_path / f"ward-{len(wards)}"
        shutil.copytree(filled[0], folder)
        ward = Ward(folder, fill=False, **settings)  # type: ignore[arg-type]
        wards.append(ward)
        return ward

    yield opened
    for ward in wards:
        ward.engine.dispose()


@pytest.fixture
def ward(open_ward: Callable[..., Ward]) -> Ward:
    return open_ward()


@pytest.fixture
def empty_ward(tmp_path: Path) -> Iterator[Ward]:
    ward = Ward(tmp_path)
    yield ward
    ward.engine.dispose()


@pytest.fixture
def client(ward: Ward) -> FlaskClient:
    """Nobody has signed in."""
    return site_of(ward.hub).test_client()


@pytest.fixture
def sign_in(ward: Ward) -> Callable[[str], Person]:
    """A signed-in member of staff with a browser of their own."""
    app = site_of(ward.hub)
    return lambda login: signed_in(app, ward.hub, login)


@pytest.fixture
def ana(sign_in: Callable[[str], Person]) -> Person:
    return sign_in("ana")


@pytest.fixture(scope="session")
def chromium() -> Iterator[Browser]:
    with sync_playwright() as playwright:
        browser = playwright.chromium.launch(executable_path="/usr/bin/chromium", args=["--no-sandbox"])
        yield browser
        browser.close()


@pytest.fixture
def serve() -> Iterator[Callable[[Ward], str]]:
    """Serve a ward on a free port of this machine; its address."""
    logging.getLogger("werkzeug").setLevel(logging.ERROR)
    servers = []

    def served(ward: Ward) -> str:
        server = make_server("127.0.0.1", 0, site_of(ward.hub), threaded=True)
        thread = threading.Thread(target=server.serve_forever, kwargs={"poll_interval": 0.02}, daemon=True)
        thread.start()
        servers.append((server, thread))
        return f"http://127.0.0.1:{server.server_port}"

    yield served
    for server, thread in servers:
        server.shutdown()
        thread.join(5)
        server.server_close()


@pytest.fixture
def site(serve: Callable[[Ward], str], ward: Ward) -> str:
    return serve(ward)


@pytest.fixture
def visit(chromium: Browser, ward: Ward) -> Iterator[Callable[..., Page]]:
    """A page of somebody who has signed in, in a browser of their own."""
    contexts: list[BrowserContext] = []

    def opened(site: str, login: str = "ana", *, width: int = 1280, height: int = 900, scheme: Any = "light") -> Page:
        context = chromium.new_context(viewport={"width": width, "height": height}, color_scheme=scheme)
        context.set_default_timeout(8000)
        contexts.append(context)
        token = start_session(ward.hub, login, PASSWORD)
        context.add_cookies([{"name": "rpmhub-session", "value": token, "url": site}])
        page = context.new_page()
        page.goto(f"{site}/")
        return page

    yield opened
    for context in contexts:
        context.close()


@pytest.fixture
def ref_of(ward: Ward) -> Callable[[str], str]:
    """The reference of the open alert of the patient whose name begins so."""

    def found(name: str) -> str:
        with ward.hub.reads() as reads:
            rows = reads.worklist(ward.clock.now()).alerts
        return next(row.ref for row in rows if row.patient and row.patient.name.startswith(name))

    return found
