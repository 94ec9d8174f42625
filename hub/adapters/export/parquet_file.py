"""Rows as Parquet, by an optional library."""

from collections.abc import Sequence
from typing import IO, Any

from hub.adapters.export.rows import COLUMNS, Row
from hub.errors import WrongSetting

ROW_GROUP = 100_000
NO_PYARROW = "Parquet needs pyarrow, which is not installed: pip install 'rpmhub[export]', or use --format csv."


class ParquetFile:
    """Written to as it grows, a row group at a time. Raises ``WrongSetting`` where the library is missing."""

    suffix = "parquet"

    def __init__(self, out: IO[bytes], about: dict[str, str]) -> None:
        self._arrow = _arrow()
        self._schema = self._arrow.schema(_fields(self._arrow), metadata=about)
        self._writer = _parquet().ParquetWriter(out, self._schema, compression="zstd")
        self._waiting: list[Row] = []

    def write(self, rows: Sequence[Row]) -> None:
        """Append them."""
        self._waiting += rows
        if len(self._waiting) >= ROW_GROUP:
            self._flush()

    def close(self) -> None:
        """Everything is in the file; the file itself stays open."""
        if self._waiting:
            self._flush()
        self._writer.close()

    def _flush(self) -> None:
        columns = zip(*self._waiting, strict=True)
        arrays = [
            self._arrow.array(values, type=field.type) for values, field in zip(columns, self._schema, strict=True)
        ]
        self._waiting = []
        self._writer.write_table(self._arrow.Table.from_arrays(arrays, schema=self._schema))


def _fields(arrow: Any) -> list[Any]:
    text = arrow.dictionary(arrow.int32(), arrow.string())
    kinds = {
        "patient_id": arrow.int64(),
        "at": arrow.timestamp("ms", tz="UTC"),
        "value": arrow.float64(),
        "device_id": arrow.int64(),
        "shown_value": arrow.float64(),
        "reading_id": arrow.int64(),
        "replaced_by": arrow.int64(),
    }
    needed = {"patient_id", "metric", "unit", "at", "value", "profile", "flags", "reading_id"}
    return [arrow.field(name, kinds.get(name, text), nullable=name not in needed) for name in COLUMNS]


def _arrow() -> Any:
    try:
        import pyarrow as pa
    except ImportError as missing:
        raise WrongSetting(NO_PYARROW) from missing
    return pa


def _parquet() -> Any:
    from pyarrow import parquet

    return parquet
