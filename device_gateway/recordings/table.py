"""A CSV file to samples: every row is one, or an error that names its line."""

import csv
import io
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime, tzinfo

from device_gateway.errors import RecordingError
from device_gateway.frames import Value
from device_gateway.recordings.units import conversion, measured
from device_gateway.wire import MAX_PACKET_BYTES

_YEARS = range(1970, 2200)


@dataclass(frozen=True, slots=True, kw_only=True)
class Columns:
    """Where a row says what. `metric` and `unit` name a column, unless `fixed`: then they are meant themselves."""

    time: str = "time"
    value: str = "value"
    metric: str = "metric"
    unit: str = "unit"
    fixed: bool = False
    where: tuple[tuple[str, str], ...] = ()
    zone: tzinfo = UTC

    @property
    def wanted(self) -> tuple[str, ...]:
        """The columns that the file must have."""
        return (self.time, self.value, *(() if self.fixed else (self.metric, self.unit)), *dict(self.where))


@dataclass(frozen=True, slots=True)
class Row:
    """One sample. `line` is its first line in the file, from 1; `raw` its bytes, `text` its time as written."""

    line: int
    raw: bytes
    text: str
    at: datetime
    flags: tuple[str, ...]
    value: Value


@dataclass(frozen=True, slots=True)
class Bad:
    """A row that is no sample."""

    line: int
    reason: str


def read(content: bytes, columns: Columns) -> tuple[list[Row], list[Bad]]:
    """The samples in their order, and the rows that are none. Raises RecordingError: not such a file at all."""
    if columns.fixed:
        conversion(columns.metric, columns.unit)  # a wrong word would fail on each line alike
    rows: list[Row] = []
    bad: list[Bad] = []
    for line, raw, cells in _records(content, columns):
        if cells is None:  # nobody knows whose it is
            bad.append(Bad(line, "it has not as many cells as the first line"))
        elif all(cells[name].strip() == wanted for name, wanted in columns.where):
            try:
                rows.append(_row(line, raw, cells, columns))
            except RecordingError as error:
                bad.append(Bad(line, str(error)))
    if not rows and not bad:
        raise RecordingError("no row is there to replay" + (" where it says so" if columns.where else ""))
    return rows, bad


def _records(content: bytes, columns: Columns) -> Iterator[tuple[int, bytes, dict[str, str] | None]]:
    """Number of the first line, bytes and cells of each record; no cells where they do not match the first line."""
    try:
        lines = list(io.StringIO(content.decode("utf-8-sig"), newline=""))
    except UnicodeDecodeError as error:
        raise RecordingError("the file is no text in UTF-8") from error
    reader = csv.reader(lines, strict=True)
    head: Sequence[str] | None = None
    begin = 0
    try:
        for cells in reader:
            line, begin = begin + 1, reader.line_num
            if head is None:
                head = _head(cells, columns)
            elif cells:
                raw = "".join(lines[line - 1 : begin]).rstrip("\r\n").encode()
                yield line, raw, dict(zip(head, cells, strict=True)) if len(cells) == len(head) else None
    except csv.Error as error:
        raise RecordingError(f"line {reader.line_num}: {error}") from error
    if head is None:
        raise RecordingError("the file is empty")


def _head(cells: Sequence[str], columns: Columns) -> Sequence[str]:
    names = [cell.strip() for cell in cells]
    for wanted in columns.wanted:
        if names.count(wanted) != 1:
            what = "no column" if wanted not in names else "more than one column"
            raise RecordingError(f"{what} is called {wanted}; the first line says: {', '.join(names)}")
    return names


def _row(line: int, raw: bytes, cells: dict[str, str], columns: Columns) -> Row:
    if len(raw) > MAX_PACKET_BYTES:
        raise RecordingError(f"it is longer than the {MAX_PACKET_BYTES} bytes that are kept of a row")
    metric, unit = (columns.metric, columns.unit) if columns.fixed else (cells[columns.metric], cells[columns.unit])
    text = cells[columns.time].strip()
    at, flags = _instant(text, columns.zone)
    return Row(line, raw, text, at, flags, measured(metric.strip(), cells[columns.value], unit))


def _instant(text: str, zone: tzinfo) -> tuple[datetime, tuple[str, ...]]:
    """Where clocks went back an hour exists twice: the earlier one is taken, and a flag says so."""
    try:
        moment = datetime.fromisoformat(text)
    except ValueError as error:
        raise RecordingError(f"{text[:40]!r} is no time in ISO 8601") from error
    if len(text) <= len("2026-01-31") or moment.year not in _YEARS:
        raise RecordingError(f"{text[:40]!r} is no date with a time of day")
    if moment.tzinfo is not None:
        return moment.astimezone(UTC), ()
    placed, other = (moment.replace(tzinfo=zone, fold=fold).astimezone(UTC) for fold in (0, 1))
    if placed.astimezone(zone).replace(tzinfo=None, fold=0) != moment:
        raise RecordingError(f"{text[:40]!r} does not exist in that zone: clocks went forward")
    return placed, ("device_time_ambiguous",) if other != placed else ()
