"""What an operator does with the time series."""

from datetime import timedelta
from pathlib import Path

import pytest

from hub.adapters.sql.engine import make_engine
from hub.adapters.sql.unit_of_work import SqlUnitOfWork
from tests.contract.series_rows import DAY, NOON, stores
from tests.contract.test_command_line import Operator


@pytest.fixture
def operator(tmp_path: Path) -> Operator:
    """With two patients who weighed themselves every day for 40 days."""
    somebody = Operator(tmp_path)
    somebody.says("db", "upgrade")
    for name in ("Ada Nonesuch", "Bo Nonesuch"):
        somebody.says("patient", "add", "--mrn", name[:2], "--name", name, "--born", "1950-01-31")
    engine = make_engine(f"sqlite:///{somebody.data / 'hub.sqlite3'}")
    with SqlUnitOfWork(engine) as uow:
        at = [NOON - n * DAY + patient * timedelta(minutes=1) for n in range(40) for patient in (1, 2)]
        stores(uow, *((1 + place % 2, one, [("body_weight", "80.5")]) for place, one in enumerate(at)))
        uow.commit()
    engine.dispose()
    return somebody


def test_hours_and_days_are_made_anew_by_one_command(operator: Operator) -> None:
    assert operator.says("series", "rollup") == "2 patients' hours and days are made anew."
    assert operator.says("series", "rollup", "--patient", "2") == "1 patient's hours and days are made anew."
    assert "Nothing was measured of patient 7" in operator.refuses("series", "rollup", "--patient", "7")
