"""An export in a directory: files under another name until they are whole, and a manifest last."""

import hashlib
import os
from collections import Counter
from collections.abc import Callable, Iterator, Sequence
from contextlib import closing, contextmanager
from dataclasses import dataclass, field
from datetime import datetime
from pathlib import Path
from typing import IO, Literal

import msgspec

from hub.adapters.export.csv_file import CsvFile, iso
from hub.adapters.export.parquet_file import ParquetFile
from hub.adapters.export.rows import COLUMNS, Row, Selection, Snapshot
from hub.errors import Refused

VERSION = 1
MANIFEST = "manifest.json"
PART = ".part"
DEMO = "DEMO: invented patients, nobody is paged."

_PATIENT, _METRIC, _AT, _AMENDED = map(COLUMNS.index, ("patient_id", "metric", "at", "amended"))

Format = Literal["parquet", "csv"]
Tell = Callable[[str, int, int], object]


@dataclass(frozen=True, slots=True)
class Made:
    """What is to be made, and of which hub."""

    format: Format
    selection: Selection
    at: datetime
    mode: str
    hub: str


class Manifest(msgspec.Struct, frozen=True, kw_only=True):
    """What lies beside the rows. Without it there is no export."""

    version: int
    made_at: str
    hub: str
    mode: str
    note: str
    format: str
    selection: dict[str, object]
    file: str
    bytes: int
    sha256: str
    rows: int
    by_metric: dict[str, int]
    patients: int
    first_at: str | None
    last_at: str | None
    amended: int
    thinned: int
    journal_id: int
    columns: tuple[str, ...]


@dataclass(slots=True)
class _Tally:
    """Counted from what was written, not from what was asked for."""

    by_metric: Counter[str] = field(default_factory=Counter)
    patients: set[int] = field(default_factory=set)
    first: int | None = None
    last: int | None = None
    amended: int = 0

    def add(self, rows: Sequence[Row]) -> None:
        for row in rows:
            at = row[_AT]
            self.by_metric[row[_METRIC]] += 1
            self.patients.add(row[_PATIENT])
            self.first = at if self.first is None or at < self.first else self.first
            self.last = at if self.last is None or at > self.last else self.last
            self.amended += row[_AMENDED] is not None


def export(taken: Snapshot, folder: Path, made: Made, tell: Tell) -> Manifest:
    """Write the snapshot's rows and the manifest. Whenever it fails, nothing of it is left.

    Raises ``Refused`` where an export lies there already, or the disk cannot take it.
    """
    demo = made.mode == "demo"
    name = f"{'DEMO-' if demo else ''}readings.{made.format}"
    for there in (folder / name, folder / MANIFEST):
        if there.exists():
            raise Refused(f"{there} is there already: name another directory.")
    try:
        folder.mkdir(parents=True, exist_ok=True, mode=0o700)
        with _whole(folder / name) as out:
            tally, contents = _Tally(), taken.contents()
            _stream(taken, out, made, tally, lambda done: tell("Exporting", done, contents.rows))
        try:
            manifest = _manifest(folder / name, made, tally, contents.thinned, contents.journal_id)
            with _whole(folder / MANIFEST) as out:
                out.write(msgspec.json.format(msgspec.json.encode(manifest), indent=2) + b"\n")
        except BaseException:
            (folder / name).unlink()
            raise
    except OSError as error:
        raise Refused(f"The export cannot be written: {error.strerror or error}.") from error
    tell("Exporting", contents.rows, contents.rows)
    return manifest


def _stream(taken: Snapshot, out: IO[bytes], made: Made, tally: _Tally, told: Callable[[int], object]) -> None:
    about = {"rpmhub.version": str(VERSION), "rpmhub.mode": made.mode, "rpmhub.made_at": made.at.isoformat()}
    into = ParquetFile(out, about) if made.format == "parquet" else CsvFile(out)
    done = 0
    with closing(taken.rows()) as pieces:
        for rows in pieces:
            into.write(rows)
            tally.add(rows)
            done += len(rows)
            told(done)
    into.close()


@contextmanager
def _whole(file: Path) -> Iterator[IO[bytes]]:
    """A file that takes its name only when it is whole and on the disk."""
    part = file.with_name(f".{file.name}{PART}")
    try:
        with part.open("wb") as out:
            yield out
            out.flush()
            os.fsync(out.fileno())
        part.rename(file)
    except BaseException:
        part.unlink(missing_ok=True)
        raise


def _manifest(file: Path, made: Made, tally: _Tally, thinned: int, journal_id: int) -> Manifest:
    chosen = made.selection
    return Manifest(
        version=VERSION,
        made_at=made.at.isoformat(),
        hub=made.hub,
        mode=made.mode,
        note=DEMO if made.mode == "demo" else "",
        format=made.format,
        selection={
            "patients": list(chosen.patients),
            "metrics": list(chosen.metrics),
            "since": chosen.since.isoformat() if chosen.since else None,
            "until": chosen.until.isoformat() if chosen.until else None,
        },
        file=file.name,
        bytes=file.stat().st_size,
        sha256=_digest(file),
        rows=tally.by_metric.total(),
        by_metric=dict(sorted(tally.by_metric.items())),
        patients=len(tally.patients),
        first_at=None if tally.first is None else iso(tally.first),
        last_at=None if tally.last is None else iso(tally.last),
        amended=tally.amended,
        thinned=thinned,
        journal_id=journal_id,
        columns=COLUMNS,
    )


def _digest(file: Path) -> str:
    with file.open("rb") as there:
        return hashlib.file_digest(there, "sha256").hexdigest()
