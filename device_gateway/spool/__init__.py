"""Store and forward: a SQLite queue that keeps every reading until the hub says that it has it."""

from device_gateway.spool.report import Quarantined, Report, read
from device_gateway.spool.schema import FILE
from device_gateway.spool.store import RETAINED, Limits, Row, Spool

__all__ = ["FILE", "RETAINED", "Limits", "Quarantined", "Report", "Row", "Spool", "read"]
