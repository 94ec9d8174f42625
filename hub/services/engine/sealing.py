"""Seals audit rows into the hash chain, and checks the chain.

A row is chained behind whatever is sealed when it is seen: where several write at once, a transaction may commit late
with a lower id than rows that are sealed already.
"""

from dataclasses import dataclass
from datetime import datetime, timedelta

from hub.domain.sealing import GENESIS, seal
from hub.services.hub import Hub
from hub.services.ports.operations import AuditRow

BATCH = 500

SETTLED = timedelta(seconds=5)
"""What is younger waits: acts of one moment are sealed by one write."""


@dataclass(frozen=True, slots=True)
class Sealing:
    """The audit's chain."""

    name: str = "sealing"
    deadline: timedelta = timedelta(seconds=10)

    def run(self, hub: Hub, now: datetime) -> int:
        """Seal what has settled."""
        with hub.unit_of_work() as uow:
            settled = [row for row in uow.audit.unsealed(BATCH) if abs(now - row.at) >= SETTLED]
            if not settled:
                return 0
            last = uow.audit.last_sealed()
            sealed = last.position or 0 if last is not None else 0
            before = last.hash if last is not None and last.hash is not None else GENESIS
            seals: list[tuple[int, int, bytes]] = []
            for position, row in enumerate(settled, sealed + 1):
                before = hash_of(row, position, before)
                seals.append((row.id, position, before))
            uow.audit.seal(seals)
            uow.commit()
        return len(seals)


def hash_of(row: AuditRow, position: int, before: bytes) -> bytes:
    """What the row's hash must be at this place of the chain."""
    return seal(before, position, row.id, row.at, row.actor, row.act, row.subject, row.detail)


def verify(hub: Hub) -> tuple[int, int | None]:
    """How many rows are sealed, and the id of the first that is not what was sealed there (None: the chain holds).

    Where a row is missing, that is the one behind it.
    """
    before, checked = GENESIS, 0
    while True:
        with hub.unit_of_work() as uow:
            rows = uow.audit.read(checked, BATCH)
        for row in rows:
            if row.position != checked + 1 or row.hash != hash_of(row, checked + 1, before):
                return checked, row.id
            before, checked = row.hash, checked + 1
        if len(rows) < BATCH:
            return checked, None
