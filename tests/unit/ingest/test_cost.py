"""How many statements a reading costs: each is a round trip to a server, and time on a file."""

from collections.abc import Callable, Iterator
from datetime import timedelta
from pathlib import Path

import pytest
from sqlalchemy import event

from hub.services.ingest.poison import SafeProcessor
from tests.unit.ingest.home import OXIMETER, Home, batch, homes, reading, spo2

CALM = 13
"""Four look, nine write. One of them is asked of a file alone, and one of a server alone."""

ALARM = 26
"""The reading raises an alert, and the first page is written. Two of them are asked of a server alone."""

AS_BAD = 22
"""One more such reading, of a patient whose alert is open."""

BACK = 16
"""A reading in range again, of a patient whose red waits for a person."""


@pytest.fixture
def home(tmp_path: Path, database_url: str | None) -> Iterator[Home]:
    yield from homes(tmp_path, url=database_url)


@pytest.fixture
def asked(home: Home) -> Callable[[float], list[str]]:
    """A reading arrives alone, five minutes after the one before; what the database was asked."""
    processor, statements, seqs = SafeProcessor(home.hub), list[str](), iter(range(1, 100))
    event.listen(home.clinic.engine, "before_cursor_execute", lambda *call: statements.append(call[2]))

    def send(percent: float) -> list[str]:
        home.clinic.clock.forward(timedelta(minutes=5))
        one = reading(next(seqs), home.now, spo2(percent), OXIMETER, profile="pulse-oximeter")
        message = home.message(batch(home.now, one))
        statements.clear()
        processor.process([message])
        return list(statements)

    send(97)  # who has the device, and what rules they are on, is read once
    return send


def test_a_calm_reading_and_an_alarm_are_few_questions(home: Home, asked: Callable[[float], list[str]]) -> None:
    assert len(asked(97)) <= CALM
    assert len(asked(79)) <= ALARM
    assert home.alerts() == ["oxygen-low open"]
    assert home.count("outbox") == 1
    assert len(asked(79)) <= AS_BAD
    assert len(asked(97)) <= BACK
    assert home.alerts() == ["oxygen-low open"]
