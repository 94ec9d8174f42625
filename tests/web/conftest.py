"""The ward, filled once and copied for each test; a browser, started once."""

import logging
import shutil
import threading
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest
from flask.testing import FlaskClient
from playwright.sync_api import Browser, sync_playwright
from werkzeug.serving import make_server

from dashboards.app import create_app
from tests.web.cast import populate
from tests.web.people import Person
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
    return create_app(ward.hub).test_client()


@pytest.fixture
def sign_in(ward: Ward) -> Callable[[str], Person]:
    """A signed-in member of staff with a browser of their own."""
    app = create_app(ward.hub)

    def signed_in(login: str) -> Person:
        person = Person(app.test_client())
        assert person.sign_in(login, PASSWORD).status_code == 303
        return person

    return signed_in


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
        server = make_server("127.0.0.1", 0, create_app(ward.hub), threaded=True)
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
def ref_of(ward: Ward) -> Callable[[str], str]:
    """The reference of the open alert of the patient whose name begins so."""

    def found(name: str) -> str:
        with ward.hub.reads() as reads:
            rows = reads.worklist(ward.clock.now()).alerts
        return next(row.ref for row in rows if row.patient and row.patient.name.startswith(name))

    return found
