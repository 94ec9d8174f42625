"""Ingest that does not hear the broker is a red, which says what it does not hear."""

from collections.abc import Iterator, Mapping
from datetime import timedelta
from pathlib import Path

import pytest

from hub.services.engine.ingest_watch import DISCONNECTED_FOR, IngestWatch
from hub.services.ingest.hearing import FRESH, REFUSED, STORED, UNCONNECTED, UNHEARD
from tests.unit.ingest.home import Home, homes

WELL: dict[str, object] = {"connected": True, "ailing": {}}
STEP = timedelta(seconds=5)


@pytest.fixture
def home(tmp_path: Path) -> Iterator[Home]:
    yield from homes(tmp_path)


def lasts(home: Home, watch: IngestWatch, detail: Mapping[str, object], long: timedelta) -> None:
    """Ingest says this all the while, and the watch looks."""
    for _ in range(long // STEP):
        home.clinic.clock.forward(STEP)
        now = home.hub.clock.now()
        with home.hub.unit_of_work() as uow:
            uow.operations.beat("ingest", "here", now, detail)
            uow.commit()
        watch.run(home.hub, now)


@pytest.mark.parametrize(
    ("detail", "sentence"),
    [
        ({"connected": False}, "has no connection to the broker: readings wait in the gateways"),
        (
            {"connected": False, "ailing": {FRESH: UNCONNECTED, STORED: UNCONNECTED}},
            "has no connection to the broker: readings wait in the gateways",
        ),
        (
            {"connected": False, "ailing": {FRESH: UNCONNECTED}},
            "has no connection to the broker for fresh readings: they wait in the gateways",
        ),
        (
            {"connected": False, "ailing": {FRESH: UNHEARD, STORED: UNCONNECTED}},
            "has no connection to the broker for stored readings: they wait in the gateways",
        ),
        (
            {"connected": True, "ailing": {FRESH: UNHEARD, STORED: REFUSED}},
            "is refused a subscription by the broker for stored readings: what is sent there is not heard",
        ),
        (
            {"connected": False, "ailing": {FRESH: REFUSED, STORED: REFUSED}},
            "is refused a subscription by the broker: what is sent there is not heard",
        ),
        (
            {"connected": True, "ailing": {STORED: UNHEARD}},
            "hears nothing from the broker for stored readings, not even itself: whether any come is not known",
        ),
    ],
)
def test_what_is_not_heard_for_long_is_a_red(home: Home, detail: Mapping[str, object], sentence: str) -> None:
    watch = IngestWatch()
    lasts(home, watch, WELL, STEP)
    lasts(home, watch, detail, DISCONNECTED_FOR)
    assert home.alerts() == [], "a broker that restarts is none"
    lasts(home, watch, detail, STEP)
    assert home.alerts() == ["ingest-deaf open"]
    assert home.sentences() == [f"Ingest {sentence}"]
    assert home.rows("alert", "over_at") == [None]
    lasts(home, watch, WELL, STEP)
    assert home.rows("alert", "over_at") == [home.hub.clock.now()]
