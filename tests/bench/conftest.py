"""Places that are gone when their bench is over: some hold tens of gigabytes."""

import shutil
from collections.abc import Iterator
from pathlib import Path

import pytest

from tests.bench.grown import grow
from tests.bench.sizes import size
from tests.bench.town import Town, build


class Past:
    """A town that only grows older: benches of one run go on where the one before left it."""

    def __init__(self, folder: Path) -> None:
        self.town = build(folder / "town", size("HOMES"))
        self.built: list[tuple[int, float]] = []
        """How many readings were written into it at a time, and how many of them a second."""

    def to(self, readings: int) -> Town:
        """At least so many readings are there."""
        there = self.town.last_reading()
        if there < readings:
            rate = grow(self.town, readings - there, lean=True)
            self.built.append((self.town.last_reading() - there, round(rate)))
        return self.town


@pytest.fixture
def scratch(tmp_path: Path) -> Iterator[Path]:
    yield tmp_path
    shutil.rmtree(tmp_path)


@pytest.fixture(scope="session")
def past(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Past]:
    folder = tmp_path_factory.mktemp("past")
    yield Past(folder)
    shutil.rmtree(folder)
