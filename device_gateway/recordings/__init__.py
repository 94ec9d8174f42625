"""Recordings in CSV files, to be replayed; no I/O."""

from device_gateway.recordings.table import Bad, Columns, Row, read
from device_gateway.recordings.tape import PROFILES, Moment, Tape, wind

__all__ = ["PROFILES", "Bad", "Columns", "Moment", "Row", "Tape", "read", "wind"]
