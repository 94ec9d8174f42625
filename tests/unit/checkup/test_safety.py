"""What doctor says of the database's safety, and how each is mended."""

from datetime import timedelta
from pathlib import Path

import pytest

from hub.adapters.clock import SystemClock
from hub.adapters.database_file.marks import Marks
from hub.adapters.database_file.reserve import MIB, Reserve
from hub.adapters.sql.engine import make_engine
from hub.adapters.sql.unit_of_work import SqlUnitOfWork
from hub.cli.checks import safety
from hub.services.checkup.finding import Need
from hub.services.engine.soundness import note
from hub.services.ports.soundness import Verdict
from tests.unit.checkup.subjects import made, only, subject, wrong

SOUND, DAMAGED = Verdict(None, True, 1.0), Verdict("Tree 5 page 6: btreeInitPage() returns error code 11", True, 1.0)


def keep(file: Path, verdict: Verdict, ago: timedelta) -> None:
    with SqlUnitOfWork(make_engine(f"sqlite:///{file}")) as uow:
        note(uow.operations, verdict, SystemClock().now() - ago)
        uow.commit()


def test_a_clean_stop_is_fine_and_an_unclean_one_is_told(tmp_path: Path) -> None:
    file = made(tmp_path)
    assert wrong(safety.closed(subject(tmp_path))) == []
    with pytest.raises(ZeroDivisionError), Marks(file).writing("ingest", "killed"):
        raise ZeroDivisionError
    found = only(safety.closed(subject(tmp_path)))
    assert (found.need, found.mend) == (Need.SHOULD, "rpmhub doctor --whole")


def test_reserved_space_is_held_given_up_or_not_wanted(tmp_path: Path) -> None:
    file = made(tmp_path)
    reserve = Reserve(file, MIB)
    assert list(safety.reserved(subject(tmp_path, reserved_mb=1))) == [], "ingest has not made it yet"
    reserve.mend()
    assert wrong(safety.reserved(subject(tmp_path, reserved_mb=1))) == []
    reserve.give_up()
    found = only(safety.reserved(subject(tmp_path, reserved_mb=1)))
    assert (found.need, found.mend) == (Need.MUST, f"Make room: du -xh --max-depth=2 {tmp_path}")
    assert only(safety.reserved(subject(tmp_path, reserved_mb=0))).mend == "RPMHUB_RESERVED_MB=64"


def test_the_last_check_has_its_age_and_its_finding(tmp_path: Path) -> None:
    file = made(tmp_path)
    assert only(safety.last_check(subject(tmp_path))).need is Need.SHOULD
    keep(file, SOUND, timedelta(hours=3))
    (fine,) = safety.last_check(subject(tmp_path))
    assert fine.what == "The database was read whole 3 h ago, and is sound."
    keep(file, SOUND, timedelta(days=3))
    assert only(safety.last_check(subject(tmp_path))).what.startswith("The database was last read whole ")
    keep(file, DAMAGED, timedelta())
    found = only(safety.last_check(subject(tmp_path)))
    assert found.need is Need.MUST
    assert "rpmhub restore FROM" in found.mend
