"""Stamps, heartbeats, counters, histograms."""

import json
from bisect import bisect_left
from collections.abc import Mapping, Sequence
from datetime import datetime
from typing import Any

from sqlalchemy import Connection, Table, bindparam, insert, select

from hub.adapters.sql.registry import version
from hub.adapters.sql.tables.operations import counter, heartbeat, histogram, stamp
from hub.adapters.sql.upsert import PerDialect, insert_into, upsert
from hub.services.ports.operations import Heartbeat

BUCKETS = (0.001, 0.0025, 0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1.0, 2.5, 5.0, 10.0, 30.0, 60.0, 300.0, 3600.0)
"""Upper bounds in seconds; what is slower falls into +Inf."""

INFINITE = 1e12
"""+Inf as a number that both databases keep."""

_STAMP = select(stamp.c.value).where(stamp.c.name == bindparam("name"))


def _added_to(table: Table, keys: Sequence[str], sums: Sequence[str]) -> PerDialect:
    """A row, or what it adds to the one that stands."""

    def build(connection: Connection) -> Any:
        statement = insert_into(connection, table)
        added = {name: table.c[name] + statement.excluded[name] for name in sums}
        return statement.on_conflict_do_update(index_elements=list(keys), set_=added)

    return PerDialect(build)


_COUNT = _added_to(counter, ("name", "label"), ("value",))
_OBSERVE = _added_to(histogram, ("name", "le"), ("count", "sum"))


class SqlOperations:
    """See ``hub.services.ports.operations.Operations``."""

    def __init__(self, connection: Connection) -> None:
        self._connection = connection

    def stamp(self, name: str) -> str | None:
        """The stamp's value, or None."""
        return self._connection.execute(_STAMP, {"name": name}).scalar()

    def set_stamp(self, name: str, value: str) -> None:
        """Stamp once: a second stamp of that name is an integrity error."""
        self._connection.execute(insert(stamp).values(name=name, value=value))

    def restamp(self, name: str, value: str) -> None:
        """Stamp, whatever was stamped before."""
        upsert(self._connection, stamp, {"name": name, "value": value}, ("value",))

    def beat(self, role: str, instance: str, now: datetime, detail: Mapping[str, object]) -> None:
        """A role says that it is alive."""
        row = {"role": role, "instance": instance, "at": now, "detail": json.dumps(detail)}
        upsert(self._connection, heartbeat, row, ("at", "detail"))

    def heartbeats(self) -> list[Heartbeat]:
        """Every role's last word."""
        return [
            Heartbeat(r.role, r.instance, r.at, json.loads(r.detail))
            for r in self._connection.execute(select(heartbeat))
        ]

    def count(self, name: str, label: str = "", by: int = 1) -> None:
        """Add to a counter."""
        if by:
            row = {"name": name, "label": label, "value": by}
            self._connection.execute(_COUNT.of(self._connection), row)

    def registry_version(self) -> int:
        """Moves whenever a device, who has it, a patient or a patient's protocol changes."""
        return version(self._connection)

    def counters(self) -> Mapping[tuple[str, str], int]:
        """Every counter by (name, label)."""
        return {(r.name, r.label): r.value for r in self._connection.execute(select(counter))}

    def observe(self, name: str, seconds: Sequence[float]) -> None:
        """Add observations to a histogram."""
        buckets: dict[float, list[float]] = {}
        for value in seconds:
            index = bisect_left(BUCKETS, value)
            buckets.setdefault(BUCKETS[index] if index < len(BUCKETS) else INFINITE, []).append(value)
        for bound, values in sorted(buckets.items()):
            row = {"name": name, "le": bound, "count": len(values), "sum": sum(values)}
            self._connection.execute(_OBSERVE.of(self._connection), row)

    def histograms(self) -> Mapping[str, list[tuple[float, int, float]]]:
        """By name: (upper bound, count, sum) per bucket, not cumulative."""
        found: dict[str, list[tuple[float, int, float]]] = {}
        columns = select(histogram.c.name, histogram.c.le, histogram.c.count, histogram.c.sum)
        for name, bound, count, total in self._connection.execute(columns.order_by(histogram.c.name, histogram.c.le)):
            found.setdefault(name, []).append((bound, count, total))
        return found
