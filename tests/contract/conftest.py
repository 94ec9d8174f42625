"""A home on either database, for tests that say nothing else, and one transaction of its hub."""

from collections.abc import Iterator
from pathlib import Path

import pytest

from hub.services.ports.storage import UnitOfWork
from tests.unit.ingest.home import Home, homes


@pytest.fixture
def home(tmp_path: Path, database_url: str | None) -> Iterator[Home]:
    yield from homes(tmp_path, url=database_url)


@pytest.fixture
def uow(home: Home) -> Iterator[UnitOfWork]:
    with home.hub.unit_of_work() as opened:
        yield opened
