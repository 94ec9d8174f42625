"""The gateway's spool, whose every touch of the disk is noted; and what must be true of any disk left of it."""

import json
import sqlite3
from collections import Counter
from collections.abc import Iterator, Sequence
from contextlib import closing, contextmanager
from datetime import timedelta
from pathlib import Path
from random import Random  # noqa: TID251 - seeded by the test
from typing import Any, Final

from device_gateway.errors import GatewayError
from device_gateway.spool import FILE, Limits, Spool, schema
from tests.faults.sqlite_writes import Notes, noted
from tests.faults.verdict import Verdict
from tests.unit.gateway.parts import NOW, CountingIds, measurement

STEPS: Final = 60
CHECKPOINT_PAGES: Final = 20


class SpoolStory:
    """Measurements that are put, leased and acknowledged. ``events`` begin before the file is made."""

    def __init__(self, directory: Path, chance: Random, synchronous: str | None) -> None:
        """``synchronous`` is set in the place of what the spool sets."""
        self.before: dict[str, bytes] = {}
        self._chance = chance
        with _settings(synchronous), noted(sqlite3) as notes, closing(_open(directory)) as spool:
            notes.tell(("made", spool.id))
            self._tell(spool, notes)
        self.events = notes.events

    def judge(self, disk: Path, told: Sequence[tuple[str, Any]], verdict: Verdict) -> None:
        """Open what the cut left, as the gateway would, and go on with it."""
        verdict.trials += 1
        put = {number for what, numbers in told if what == "put" for number in numbers}
        leased = {seq for what, seqs in told if what == "leased" for seq in seqs}
        done = {seq for what, seqs in told if what == "acknowledged" for seq in seqs}
        try:
            with closing(_open(disk)) as spool:
                verdict.holds(told[:1] in ([], [("made", spool.id)]), f"{disk.name} became another spool")
                self._judge_open(disk, put, done, verdict)
                self._go_on(spool, leased, verdict)
        except GatewayError as error:
            verdict.holds(False, f"{disk.name} cannot be used: {error}")

    def _tell(self, spool: Spool, notes: Notes) -> None:
        number, flying = 0, []
        for step in range(STEPS):
            count = self._chance.randint(1, 5)
            numbers = range(number + 1, number + count + 1)
            spool.put([measurement(one, received_at=NOW + timedelta(seconds=step)) for one in numbers], NOW)
            notes.tell(("put", tuple(numbers)))
            number += count
            if self._chance.random() < 0.5:
                flying = [row.seq for row in spool.lease(live=True, now=NOW, limit=4)]
                notes.tell(("leased", tuple(flying)))
            if flying and self._chance.random() < 0.7:
                spool.acknowledge(flying, NOW)
                notes.tell(("acknowledged", tuple(flying)))
                flying = []

    def _judge_open(self, disk: Path, put: set[int], done: set[int], verdict: Verdict) -> None:
        verdict.holds(not list(disk.glob("*damaged*")), f"{disk.name} was moved aside as damaged")
        with closing(sqlite3.connect(disk / FILE)) as db:
            (said,) = db.execute("PRAGMA integrity_check").fetchone()
            verdict.holds(said == "ok", f"integrity_check: {said}")
            rows = db.execute("SELECT seq, body FROM queue UNION ALL SELECT seq, body FROM kept").fetchall()
            kept = {seq for (seq,) in db.execute("SELECT seq FROM kept")}
        verdict.kept(put, (int(json.loads(body)["record"]) for _, body in rows))
        verdict.holds(max(Counter(seq for seq, _ in rows).values(), default=1) == 1, "a number stands twice")
        verdict.holds(done <= kept, f"told as acknowledged and waiting again: {sorted(done - kept)}")
        verdict.unfinished += len(rows) > len(put) or len(kept) > len(done)

    def _go_on(self, spool: Spool, leased: set[int], verdict: Verdict) -> None:
        """A number that the hub may have seen is given to no other reading."""
        before = spool.report().depth
        spool.put([measurement(1_000_000)], NOW)
        rows = []
        while found := spool.lease(live=True, now=NOW):
            rows += found
        verdict.holds(len(rows) == before + 1, f"{before + 1} readings wait, {len(rows)} are given out")
        new = [row.seq for row in rows if json.loads(row.body)["record"] == "1000000"]
        verdict.holds(len(new) == 1 and new[0] > max(leased, default=0), f"the number {new} may have been used before")


def _open(directory: Path) -> Spool:
    return Spool(directory, Limits(), CountingIds(), NOW)


@contextmanager
def _settings(synchronous: str | None) -> Iterator[None]:
    """The spool's connections, with checkpoints that come more often and what a negative control takes away."""
    real = schema.connect

    def connect(file: Path) -> sqlite3.Connection:
        db = real(file)
        db.execute(f"PRAGMA wal_autocheckpoint = {CHECKPOINT_PAGES}")
        if synchronous is not None:
            db.execute(f"PRAGMA synchronous = {synchronous}")
        return db

    schema.connect = connect
    try:
        yield
    finally:
        schema.connect = real
