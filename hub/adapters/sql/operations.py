"""Stamps, heartbeats, counters, histograms."""

import json
from bisect import bisect_left
from collections import Counter
from collections.abc import Mapping, Sequence
from datetime import datetime

from sqlalchemy import Connection, bindparam, insert, select

from hub.adapters.sql.many import Many, summed
from hub.adapters.sql.registry import version
from hub.adapters.sql.tables.operations import counter, heartbeat, histogram, stamp
from hub.adapters.sql.upsert import upsert
from hub.services.ports.operations import Heartbeat

BUCKETS = (0.001, 0.0025, 0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1.0, 2.5, 5.0, 10.0, 30.0, 60.0, 300.0, 3600.0)
"""Upper bounds in seconds; what is slower falls into +Inf."""

INFINITE = 1e12
"""+Inf as a number that both databases keep."""

_STAMP = Many(lambda _: select(stamp.c.value).where(stamp.c.name == bindparam("name")), ("name",))


_COUNT = summed(counter, ("name", "label"), ("value",))
_OBSERVE = summed(histogram, ("name", "le"), ("count", "sum"))


class SqlOperations:
    """See ``hub.services.ports.operations.Operations``."""

    def __init__(self, connection: Connection) -> None:
        self._connection = connection
        self.counted: Counter[tuple[str, str]] = Counter()
        """By (name, label); not written yet."""
        self._stamps: dict[str, str | None] = {}
        self._has_stamped = False

    def stamp(self, name: str) -> str | None:
        """The stamp's value, or None; asked once in a transaction that stamps nothing."""
        if self._has_stamped or name not in self._stamps:
            self._stamps[name] = _STAMP.one(self._connection, (name,))
        return self._stamps[name]

    def set_stamp(self, name: str, value: str) -> None:
        """Stamp once: a second stamp of that name is an integrity error."""
        self._has_stamped = True
        self._connection.execute(insert(stamp).values(name=name, value=value))

    def restamp(self, name: str, value: str) -> None:
        """Stamp, whatever was stamped before."""
        self._has_stamped = True
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
        """Add to a counter when the transaction ends: who counts the same waits for its commit, and no longer."""
        self.counted[name, label] += by

    def write_counts(self) -> None:
        """Write what was counted, in one order, or two processes wait for each other."""
        rows = [(name, label, by) for (name, label), by in sorted(self.counted.items()) if by]
        _COUNT.execute(self._connection, rows)
        self.counted.clear()

    def registry_version(self) -> int:
        """Moves whenever a device, who has it, a patient or a patient's protocol changes."""
        return version(self._connection)

    def counters(self) -> Mapping[tuple[str, str], int]:
        """Every counter by (name, label)."""
        self.write_counts()
        return {(r.name, r.label): r.value for r in self._connection.execute(select(counter))}

    def observe(self, name: str, seconds: Sequence[float]) -> None:
        """Add observations to a histogram."""
        buckets: dict[float, list[float]] = {}
        for value in seconds:
            index = bisect_left(BUCKETS, value)
            buckets.setdefault(BUCKETS[index] if index < len(BUCKETS) else INFINITE, []).append(value)
        rows = [(name, bound, len(values), sum(values)) for bound, values in sorted(buckets.items())]
        _OBSERVE.execute(self._connection, rows)

    def histograms(self) -> Mapping[str, list[tuple[float, int, float]]]:
        """By name: (upper bound, count, sum) per bucket, not cumulative."""
        found: dict[str, list[tuple[float, int, float]]] = {}
        columns = select(histogram.c.name, histogram.c.le, histogram.c.count, histogram.c.sum)
        for name, bound, count, total in self._connection.execute(columns.order_by(histogram.c.name, histogram.c.le)):
            found.setdefault(name, []).append((bound, count, total))
        return found
