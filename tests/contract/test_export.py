"""What is exported is what is in the database: all of it, once, from one moment, or nothing at all."""

import csv
import hashlib
import json
from collections.abc import Generator, Iterator
from contextlib import closing
from datetime import UTC, datetime, timedelta
from decimal import Decimal
from pathlib import Path
from typing import Any

import pytest
from pyarrow import parquet
from sqlalchemy import select

from hub.adapters.export import making
from hub.adapters.export.csv_file import CsvFile
from hub.adapters.export.making import DEMO, Made, Manifest, export
from hub.adapters.export.rows import COLUMNS, Selection, Snapshot, snapshot
from hub.adapters.sql.engine import make_engine
from hub.adapters.sql.sample_rows import sample_of
from hub.adapters.sql.tables.measurements import reading
from hub.adapters.sql.types import to_ms
from hub.domain.metrics import METRICS
from hub.domain.samples import Sample, Shown
from hub.errors import NotFound, Refused
from tests.contract.series_rows import DAY, HOUR, MINUTE, NOON, PLACES, entry, sqlite
from tests.contract.series_ward import Ward
from tests.contract.test_thinning import GLUCOSE, OLD, thinned

FORMATS: tuple[making.Format, ...] = ("csv", "parquet")
EVERYTHING = Selection()


@pytest.fixture(params=["sqlite", "postgresql"])
def ward(request: pytest.FixtureRequest, tmp_path: Path) -> Iterator[Ward]:
    """Two patients; of one a bound, a value in the device's unit, a void and a corrected reading."""
    made = sqlite(tmp_path) if request.param == "sqlite" else make_engine(request.getfixturevalue("postgres_url"))
    ward = Ward(made)
    ada, bo = ward.enrol("Europe/Berlin"), ward.enrol("America/New_York")
    there = [ward.measures(ada, NOON + n * HOUR + timedelta(milliseconds=n), f"{80 + n}.25") for n in range(6)]
    ward.void(ada, there[1])
    ward.correct(ada, there[2], "79.5")
    ward.seq += 1
    with ward.hub.unit_of_work() as uow:
        (journal_id,) = uow.journal.append([entry(ward.seq, bo, NOON - DAY)])
        low = Sample(journal_id * PLACES, "blood_glucose", Decimal("20.0"), NOON - DAY, 7, "glucose-meter", "<")
        shown = Shown(Decimal("1.1"), "mmol/L")
        uow.series.append({bo: [low._replace(flags=frozenset({"late", "suspect"}), shown=shown)]})
        uow.commit()
    yield ward
    made.dispose()


def made(kind: making.Format, selection: Selection = EVERYTHING, mode: str = "production") -> Made:
    return Made(kind, selection, NOON, mode, "0.1.0")


def exported(ward: Ward, folder: Path, kind: making.Format, selection: Selection = EVERYTHING) -> Manifest:
    with snapshot(ward.engine, selection) as taken:
        return export(taken, folder, made(kind, selection), lambda *_: None)


def read(folder: Path, kind: making.Format) -> list[dict[str, Any]]:
    """Rows as values, whatever the file was."""
    if kind == "parquet":
        rows = parquet.read_table(folder / "readings.parquet").to_pylist()
        return [row | {"at": to_ms(row["at"])} for row in rows]
    with (folder / "readings.csv").open(newline="") as file:
        return [_typed(row) for row in csv.DictReader(file, strict=True)]


def _typed(row: dict[str, str]) -> dict[str, Any]:
    numbers = {"value": float, "shown_value": float}
    whole = dict.fromkeys(("patient_id", "device_id", "reading_id", "replaced_by"), int)
    kinds: dict[str, Any] = numbers | whole | {"at": lambda text: to_ms(datetime.fromisoformat(text)), "flags": str}
    return {name: kinds.get(name, str)(cell) if cell or name == "flags" else None for name, cell in row.items()}


def in_database(ward: Ward) -> list[tuple[Any, ...]]:
    with ward.engine.connect() as connection:
        rows = connection.execute(select(reading).order_by(*reading.primary_key)).all()
    return [_as_exported(row.patient_id, sample_of(row)) for row in rows]


def _as_exported(patient_id: int, one: Sample) -> tuple[Any, ...]:
    what = (patient_id, one.metric, METRICS[one.metric].unit, to_ms(one.at), float(one.value), one.comparator)
    shown = (None, None) if one.shown is None else (float(one.shown.value), one.shown.unit)
    return (*what, one.device_id, one.profile, " ".join(sorted(one.flags)), *shown, one.reading_id)


@pytest.mark.parametrize("kind", FORMATS)
def test_every_row_of_the_database_is_in_the_file_once(ward: Ward, tmp_path: Path, kind: making.Format) -> None:
    manifest = exported(ward, tmp_path / "out", kind)
    rows = read(tmp_path / "out", kind)
    kept = [name for name in COLUMNS if name not in {"loinc", "amended", "replaced_by"}]
    assert [tuple(row[name] for name in kept) for row in rows] == in_database(ward)
    assert [(row["amended"], row["replaced_by"] is not None) for row in rows[:5]] == [
        *((None, False), ("void", False)),
        *((("correct", True), (None, False)) if rows[2]["amended"] else ((None, False), ("correct", True))),
        (None, False),
    ]
    assert {row["loinc"] for row in rows} == {"29463-7", "2339-0"}
    assert (manifest.rows, manifest.patients, manifest.amended) == (8, 2, 2)
    assert manifest.by_metric == {"blood_glucose": 1, "body_weight": 7}
    assert (manifest.first_at, manifest.last_at) == ("2026-03-01T12:00:00.000Z", "2026-03-02T17:00:00.005Z")


@pytest.mark.parametrize("kind", FORMATS)
def test_the_manifest_is_of_the_file_beside_it(ward: Ward, tmp_path: Path, kind: making.Format) -> None:
    folder = tmp_path / "out"
    manifest = exported(ward, folder, kind)
    written = json.loads((folder / "manifest.json").read_text())
    file = folder / written["file"]
    assert hashlib.sha256(file.read_bytes()).hexdigest() == written["sha256"] == manifest.sha256
    assert (written["bytes"], written["version"], written["columns"]) == (file.stat().st_size, 1, list(COLUMNS))
    assert sorted(one.name for one in folder.iterdir()) == ["manifest.json", f"readings.{kind}"]
    assert folder.stat().st_mode & 0o077 == 0


def test_parquet_has_types_and_says_what_it_is(ward: Ward, tmp_path: Path) -> None:
    exported(ward, tmp_path / "out", "parquet")
    schema = parquet.read_schema(tmp_path / "out" / "readings.parquet")
    assert str(schema.field("at").type) == "timestamp[ms, tz=UTC]"
    assert (str(schema.field("value").type), schema.field("value").nullable) == ("double", False)
    assert schema.metadata[b"rpmhub.mode"] == b"production"


def test_a_selection_is_by_patient_metric_and_time(ward: Ward, tmp_path: Path) -> None:
    chosen = Selection((1,), ("body_weight",), NOON + HOUR, NOON + 3 * HOUR)
    exported(ward, tmp_path / "one", "csv", chosen)
    rows = read(tmp_path / "one", "csv")
    assert {row["patient_id"] for row in rows} == {1}
    assert [row["value"] for row in rows if row["replaced_by"] is None and row["amended"] is None] == [79.5]
    assert exported(ward, tmp_path / "none", "csv", Selection(until=NOON - 9 * DAY)).rows == 0
    with pytest.raises(NotFound, match="no patient 7, 8"), snapshot(ward.engine, Selection((1, 7, 8))):
        pass


@pytest.mark.parametrize("kind", FORMATS)
def test_what_comes_while_it_is_written_is_in_the_next_export(ward: Ward, tmp_path: Path, kind: making.Format) -> None:
    with snapshot(ward.engine, EVERYTHING) as taken:
        ward.measures(1, NOON + 9 * HOUR, "81.0")
        ward.void(1, ward.measures(1, NOON - 9 * HOUR, "82.0"))
        assert export(taken, tmp_path / "first", made(kind), lambda *_: None).rows == 8
    assert exported(ward, tmp_path / "second", kind).rows == 10


class Broken(Snapshot):
    """The disk, the database or the operator ends it in the middle."""

    error: BaseException = OSError(28, "No space left on device")

    def rows(self) -> Generator[Any, None, None]:
        with closing(super().rows()) as rows:
            yield next(rows)
            raise self.error


@pytest.mark.parametrize("kind", FORMATS)
@pytest.mark.parametrize("error", [OSError(28, "No space left on device"), KeyboardInterrupt()])
def test_whatever_fails_leaves_no_file(ward: Ward, tmp_path: Path, kind: making.Format, error: BaseException) -> None:
    folder = tmp_path / "out"
    with ward.engine.connect() as connection:
        taken = Broken(connection, EVERYTHING)
        taken.error = error
        with pytest.raises(Refused if isinstance(error, OSError) else KeyboardInterrupt):
            export(taken, folder, made(kind), lambda *_: None)
    assert list(folder.iterdir()) == []


def test_an_export_that_is_there_is_never_written_over(ward: Ward, tmp_path: Path) -> None:
    exported(ward, tmp_path, "csv")
    before = (tmp_path / "readings.csv").read_bytes()
    with pytest.raises(Refused, match="there already"):
        exported(ward, tmp_path, "csv")
    assert (tmp_path / "readings.csv").read_bytes() == before


def test_a_demo_s_export_says_so(ward: Ward, tmp_path: Path) -> None:
    with snapshot(ward.engine, EVERYTHING) as taken:
        manifest = export(taken, tmp_path / "out", made("csv", mode="demo"), lambda *_: None)
    assert (manifest.file, manifest.note) == ("DEMO-readings.csv", DEMO)


def test_progress_ends_at_the_whole(ward: Ward, tmp_path: Path) -> None:
    told: list[tuple[str, int, int]] = []
    with snapshot(ward.engine, EVERYTHING) as taken:
        export(taken, tmp_path / "out", made("csv"), lambda *words: told.append(words))
    assert told[-1] == ("Exporting", 8, 8)


def test_what_was_thinned_away_is_counted_beside_the_rows(ward: Ward, tmp_path: Path) -> None:
    ward.many(1, [(OLD + 5 * n * MINUTE, str(90 + n % 50)) for n in range(100)], GLUCOSE)
    done = thinned(ward, 1)
    assert done is not None
    manifest = exported(ward, tmp_path / "out", "csv")
    assert (manifest.thinned, manifest.by_metric[GLUCOSE]) == (done.removed, 1 + 100 - done.removed)


def test_a_cell_is_never_a_formula_and_a_number_stays_one(tmp_path: Path) -> None:
    file = tmp_path / "x.csv"
    with file.open("wb") as out:
        into = CsvFile(out)
        ms = to_ms(datetime(2026, 11, 22, 7, 4, 5, 120000, tzinfo=UTC))
        odd = "=1+1", '@x,"y"\r\n', "-2", "+3"
        into.write([(1, odd[0], None, "kg", ms, -2.5, "<", None, odd[1], "", -0.1, odd[2], 16, odd[3], None)])
        into.close()
    raw = file.read_bytes()
    assert raw.count(b"\r\n") == 3  # the head, the row, and the one inside a quoted cell
    with file.open(newline="") as text:
        (row,) = list(csv.DictReader(text, strict=True))
    assert (row["metric"], row["profile"], row["shown_unit"], row["amended"]) == ("'=1+1", '\'@x,"y"\r\n', "'-2", "'+3")
    assert (row["value"], row["shown_value"], row["at"]) == ("-2.5", "-0.1", "2026-11-22T07:04:05.120Z")
