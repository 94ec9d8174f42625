"""The tables, by room. Importing this package registers all of them on ``metadata``."""

from hub.adapters.sql.tables import (
    alerting,
    care,
    checkins,
    devices,
    keys,
    measurements,
    operations,
    people,
    series,
    summaries,
)
from hub.adapters.sql.tables.base import metadata

__all__ = [
    "alerting",
    "care",
    "checkins",
    "devices",
    "keys",
    "measurements",
    "metadata",
    "operations",
    "people",
    "series",
    "summaries",
]
