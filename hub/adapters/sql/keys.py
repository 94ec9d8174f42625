"""Transport keys in the relational database, and forgetting the oldest of them."""

from datetime import datetime

from sqlalchemy import Connection, delete, func, select, tuple_

from hub.adapters.sql.feed import SqlFeed
from hub.adapters.sql.tables.keys import transport_by_time, transport_key
from hub.adapters.sql.tables.measurements import journal
from hub.services.ports.feed import Position

NAME = "transport-keys"
"""Of the mark that says how far they were forgotten."""


class SqlTransportKeys:
    """See ``hub.services.ports.keys.TransportKeys``."""

    def __init__(self, connection: Connection) -> None:
        self._connection = connection

    def received_before(self, at: datetime) -> int:
        """Rows come in the order of their receipt: halved again and again, no row is looked at twice."""
        low, high = 0, self._connection.execute(select(func.coalesce(func.max(journal.c.id), 0))).scalar_one()
        found = select(journal.c.id, journal.c.hub_received_at).order_by(journal.c.id).limit(1)
        while low < high:
            middle = (low + high + 1) // 2
            row = self._connection.execute(found.where(journal.c.id >= middle)).one()
            if row.hub_received_at < at:
                low = row.id
            else:
                high = middle - 1
        return low

    def forgotten_to(self) -> int:
        """As the mark says."""
        return SqlFeed(self._connection).position(NAME).journal_id

    def forget(self, after: int, upto: int, now: datetime) -> int:
        """And move the mark."""
        j, gone = journal.c, 0
        theirs = select(j.gateway_id, j.spool, j.seq).where(j.id > after, j.id <= upto)
        for table in (transport_key, transport_by_time):
            key = tuple_(table.c.gateway_id, table.c.spool, table.c.seq)
            gone += self._connection.execute(delete(table).where(key.in_(theirs))).rowcount
        SqlFeed(self._connection).move(NAME, Position(upto), now)
        return gone
