"""Rows as CSV (RFC 4180) that a spreadsheet opens without running anything in it."""

import csv
import io
from collections.abc import Sequence
from datetime import timedelta
from typing import IO, Any

from hub.adapters.export.rows import COLUMNS, Row
from hub.adapters.sql.types import EPOCH

_AT = COLUMNS.index("at")
_FORMULA = ("=", "+", "-", "@", "\t", "\r", "\n")


class CsvFile:
    """Written to as it grows. Instants are ISO 8601 in UTC with milliseconds; what is absent is empty."""

    suffix = "csv"

    def __init__(self, out: IO[bytes]) -> None:
        self._text = io.TextIOWrapper(out, encoding="utf-8", newline="", write_through=False)
        self._writer = csv.writer(self._text, lineterminator="\r\n")
        self._writer.writerow(COLUMNS)

    def write(self, rows: Sequence[Row]) -> None:
        """Append them."""
        self._writer.writerows([_cells(row) for row in rows])

    def close(self) -> None:
        """Everything is in the file; the file itself stays open."""
        self._text.flush()
        self._text.detach()


def _cells(row: Row) -> list[Any]:
    cells = [_safe(cell) for cell in row]
    cells[_AT] = iso(row[_AT])
    return cells


def iso(ms: int) -> str:
    """``2026-11-22T07:04:05.120Z``."""
    return (EPOCH + timedelta(milliseconds=ms)).isoformat(timespec="milliseconds").replace("+00:00", "Z")


def _safe(cell: Any) -> Any:
    """Text that begins like a formula gets an apostrophe, so that it stays text. A number is a number."""
    return f"'{cell}" if isinstance(cell, str) and cell.startswith(_FORMULA) else cell
