"""Hours or days of one metric, and how far they follow the series."""

from datetime import datetime

from sqlalchemy import Connection, func, select

from hub.adapters.sql.feed import SqlFeed
from hub.adapters.sql.rollups import SqlRollups
from hub.adapters.sql.tables.series import projection, series_change
from hub.domain.rollups import Grain
from hub.services.engine.rollups import PROJECTION
from hub.services.views.rollups import Rollups


def rollups(
    connection: Connection, patient_id: int, metric: str, grain: Grain, since: datetime, until: datetime
) -> Rollups:
    """Those that are made; of a patient whose windows are made anew, those of before are not shown."""
    source = SqlRollups(connection)
    made = source.made(patient_id)
    shown_to = until if made is None or made.made_to is None else min(until, made.made_to)
    rows = source.windows(patient_id, grain, since, shown_to).get(metric, ())
    zone, made_to = (None, None) if made is None else (made.zone, made.made_to)
    return Rollups(tuple(rows), zone, complete_to(connection), made_to)


def complete_to(connection: Connection) -> datetime | None:
    """All that the hub received before is summed up; None: all that it has is."""
    feed = SqlFeed(connection)
    stands = feed.position(PROJECTION)
    received = feed.oldest(stands)
    changed = select(func.count()).select_from(series_change).where(series_change.c.id > stands.change_id)
    if received is None and connection.execute(changed).scalar_one():
        moved = select(projection.c.moved_at).where(projection.c.name == PROJECTION)
        return connection.execute(moved).scalar()
    return received
