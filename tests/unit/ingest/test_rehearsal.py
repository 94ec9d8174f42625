"""The alarm that is raised and undone when ingest starts."""

from collections.abc import Iterator
from pathlib import Path

import pytest
from sqlalchemy import update
from sqlalchemy.exc import DBAPIError

from hub.adapters.sql.tables.people import staff
from hub.services.ingest.rehearsal import rehearsal, rehearse
from tests.unit.ingest.home import Home, homes, spo2


@pytest.fixture
def home(tmp_path: Path, database_url: str | None) -> Iterator[Home]:
    yield from homes(tmp_path, url=database_url)


def test_nothing_of_it_stands_and_nobody_is_paged(home: Home) -> None:
    home.measures(spo2(80))
    before = home.everything(), home.counters()
    rehearse(home.hub)
    assert (home.everything(), home.counters()) == before
    assert [said for said in home.tick() if "rehears" in str(said).lower()] == []


@pytest.mark.parametrize("table", ["alert", "alert_event", "audit", "outbox", "reply_code"])
def test_an_alarm_that_cannot_be_raised_is_known_beforehand(home: Home, table: str) -> None:
    home.clinic.trigger("refused", f"BEFORE INSERT ON {table}", "INSERT INTO stamp (name, value) VALUES (NULL, NULL);")
    with pytest.raises(DBAPIError):
        rehearse(home.hub)
    home.clinic.drop_trigger("refused", table)
    rehearse(home.hub)


def test_it_is_raised_where_no_nurse_can_be_paged(home: Home) -> None:
    with home.clinic.engine.begin() as connection:
        connection.execute(update(staff).values(phone=""))
    rehearse(home.hub)
    assert home.count("alert") == home.count("outbox") == 0


def test_a_clinical_alarm_that_cannot_be_raised_is_an_operators_alarm(home: Home) -> None:
    refuses = "INSERT INTO stamp (name, value) SELECT NULL, NULL WHERE NEW.kind = 'clinical';"
    home.clinic.trigger("refused", "BEFORE INSERT ON alert", refuses)
    rehearsal(home.hub)
    rehearsal(home.hub)
    assert home.sentences() == ["The hub cannot raise a clinical alarm: IntegrityError. Its log shows why"]
    home.clinic.drop_trigger("refused", "alert")
    rehearsal(home.hub)
    assert home.rows("alert_event", "transition")[-1] == "NOTE-2"  # a red one stays for a person
