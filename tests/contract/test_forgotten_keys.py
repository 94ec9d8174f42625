"""Transport keys are forgotten late, in pieces, and no other key ever is."""

from collections.abc import Iterator
from datetime import timedelta
from pathlib import Path

import pytest
from sqlalchemy import func, select

from hub.adapters.sql.engine import make_engine
from hub.adapters.sql.tables.keys import record_key, transport_key
from hub.adapters.sql.tables.measurements import journal
from hub.errors import Refused
from hub.services.forgetting import forget_keys
from hub.services.hub import Actor
from tests.contract.series_rows import DAY, NOON, entry, sqlite
from tests.contract.series_ward import Ward

OPERATOR = Actor("Rita Invented", "operator")


@pytest.fixture(params=["sqlite", "postgresql"])
def ward(request: pytest.FixtureRequest, tmp_path: Path) -> Iterator[Ward]:
    """A reading a day for 100 days up to now; the first half by a device that dates its records."""
    made = sqlite(tmp_path) if request.param == "sqlite" else make_engine(request.getfixturevalue("postgres_url"))
    ward = Ward(made)
    with ward.hub.unit_of_work() as uow:
        days = range(100)
        uow.journal.append(
            [entry(n, 1, NOON - (99 - n) * DAY, record=f"r{n}" if n < 50 else None, device="D1") for n in days]
        )
        uow.commit()
    yield ward
    made.dispose()


def counts(ward: Ward) -> list[int]:
    with ward.engine.connect() as connection:
        tables = (transport_key, record_key, journal)
        return [connection.execute(select(func.count()).select_from(one)).scalar_one() for one in tables]


def forget(ward: Ward, days: int) -> int:
    return forget_keys(ward.hub, OPERATOR, days * DAY, lambda *_: None, lambda: None)


def test_keys_of_what_was_received_longer_ago_are_forgotten_and_nothing_else(ward: Ward) -> None:
    assert forget(ward, 30) == 69
    assert counts(ward) == [31, 50, 100]
    with ward.hub.unit_of_work() as uow:
        keys = [("g-1", "s-1", n) for n in range(100)]
        assert min(seq for _, _, seq in uow.journal.transport_keys(keys)) == 69
        assert ("D1", "r3") in uow.journal.record_keys([("D1", "r3")])


def test_it_goes_on_where_it_ended(ward: Ward) -> None:
    def interrupted() -> None:
        raise KeyboardInterrupt

    with pytest.raises(KeyboardInterrupt):
        forget_keys(ward.hub, OPERATOR, 30 * DAY, lambda *_: None, interrupted, at_once=7)
    assert counts(ward)[0] == 93
    assert forget(ward, 30) == 62
    assert forget(ward, 30) == 0
    ward.clock.forward(timedelta(days=3))
    assert forget(ward, 30) == 3


def test_within_a_gateway_s_reach_no_key_is_forgotten(ward: Ward) -> None:
    with pytest.raises(Refused, match="30 days at least"):
        forget(ward, 29)
    assert counts(ward)[0] == 100
