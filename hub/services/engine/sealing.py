"""Seals audit rows into the hash chain, in id order, and checks the chain."""

from dataclasses import dataclass
from datetime import datetime, timedelta
from itertools import takewhile

from hub.domain.sealing import GENESIS, seal
from hub.services.hub import Hub
from hub.services.ports.operations import AuditRow

BATCH = 500

SETTLED = timedelta(seconds=5)
"""A transaction that began before may still commit a lower id; older rows have no one before them any more."""


@dataclass(frozen=True, slots=True)
class Sealing:
    """The audit's chain."""

    name: str = "sealing"
    deadline: timedelta = timedelta(seconds=10)

    def run(self, hub: Hub, now: datetime) -> int:
        """Seal what has settled."""
        with hub.unit_of_work() as uow:
            rows = uow.audit.unsealed(BATCH)
            settled = list(takewhile(lambda row: abs(now - row.at) >= SETTLED, rows))
            if not settled:
                return 0
            last = uow.audit.last_sealed()
            before = last.hash if last is not None and last.hash is not None else GENESIS
            seals: list[tuple[int, bytes]] = []
            for row in settled:
                before = hash_of(row, before)
                seals.append((row.id, before))
            uow.audit.seal(seals)
            uow.commit()
        return len(seals)


def hash_of(row: AuditRow, before: bytes) -> bytes:
    """What the row's hash must be."""
    return seal(before, row.id, row.at, row.actor, row.act, row.subject, row.detail)


def verify(hub: Hub) -> tuple[int, int | None]:
    """How many rows are sealed, and the id of the first whose hash is wrong (None: the chain holds)."""
    before, after, checked = GENESIS, 0, 0
    while True:
        with hub.unit_of_work() as uow:
            rows = uow.audit.read(after, BATCH)
        for row in rows:
            if row.hash is None:
                return checked, _sealed_after(hub, row)
            if row.hash != hash_of(row, before):
                return checked, row.id
            before, after, checked = row.hash, row.id, checked + 1
        if len(rows) < BATCH:
            return checked, None


def _sealed_after(hub: Hub, row: AuditRow) -> int | None:
    """The row's own id if a later one is sealed: rows are sealed in order, so somebody took its hash away."""
    with hub.unit_of_work() as uow:
        head = uow.audit.last_sealed()
    return row.id if head is not None and head.id > row.id else None
