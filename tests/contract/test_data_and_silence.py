"""Data that comes while the worker says that it is missing: PostgreSQL lets both write at once.

Whichever commits first, the other is done again on what is there then, and nothing is called missing that has come.
"""

from collections.abc import Iterator
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import pytest

from hub.errors import Transient
from hub.services import waiting
from hub.services.engine.missing import Missing
from hub.services.ingest import commit
from tests.unit.ingest.home import Home, batch, homes, kg, reading

NO_DATA = datetime(2026, 3, 4, 1, tzinfo=UTC)
"""When the first window of the weight is over, and nothing came in it."""

WEIGHT = "missing-body_weight"


@pytest.fixture
def home(tmp_path: Path, postgres_url: str) -> Iterator[Home]:
    for one in homes(tmp_path, url=postgres_url):
        one.forward(NO_DATA - timedelta(minutes=1) - one.now, every=timedelta(hours=1))
        assert one.alerts() == []
        one.clinic.clock.forward(timedelta(minutes=1))
        yield one


def of_weight(home: Home) -> list[str]:
    return [line for line in home.alerts() if line.startswith(WEIGHT)]


def test_a_reading_that_is_stored_while_the_worker_looks(home: Home, monkeypatch: pytest.MonkeyPatch) -> None:
    says = waiting.missing_finding

    def stored_first(*of: Any) -> Any:
        monkeypatch.setattr(waiting, "missing_finding", says)
        assert home.measures(kg(78)) == "stored"
        return says(*of)

    monkeypatch.setattr(waiting, "missing_finding", stored_first)
    with pytest.raises(Transient):
        Missing().run(home.hub, home.now)
    assert waiting.missing_finding is says
    assert f"{WEIGHT} open" not in of_weight(home)
    home.tick()
    assert of_weight(home) == [f"{WEIGHT} closed"]


def test_an_alert_that_is_opened_while_a_reading_is_stored(home: Home, monkeypatch: pytest.MonkeyPatch) -> None:
    judges = commit.evaluate

    def opened_first(*of: Any) -> set[int]:
        monkeypatch.setattr(commit, "evaluate", judges)
        Missing().run(home.hub, home.now)
        return judges(*of)

    monkeypatch.setattr(commit, "evaluate", opened_first)
    message = home.message(batch(home.now, reading(1, home.now, kg(78))))
    with pytest.raises(commit.JudgedMeanwhile):
        home.process(message)
    assert of_weight(home) == [f"{WEIGHT} open"]
    assert home.count("reading") == 0
    home.process(message)
    assert of_weight(home) == [f"{WEIGHT} closed"]
    assert home.count("reading") == 1
