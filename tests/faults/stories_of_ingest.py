"""Ingest on its real schema, whose every touch of the disk is noted; and what must be true of any disk left of it."""

from collections import Counter
from collections.abc import Callable, Iterator, Sequence
from contextlib import ExitStack, closing, contextmanager
from dataclasses import replace
from datetime import timedelta
from pathlib import Path
from random import Random  # noqa: TID251 - seeded by the test
from threading import Event
from typing import Any, Final

from sqlalchemy import Connection, Engine, event, select
from sqlalchemy.exc import DatabaseError

from hub.adapters.sql.checkpoints import Checkpoints
from hub.adapters.sql.engine import make_engine, sqlite_driver
from hub.adapters.sql.migrate import check_current
from hub.adapters.sql.tables.alerting import alert, outbox
from hub.adapters.sql.tables.keys import record_by_time, record_key, transport_by_time, transport_key
from hub.adapters.sql.tables.measurements import journal, reading
from hub.adapters.sql.unit_of_work import units_of_work
from hub.adapters.sql.wal_room import FRAME_BYTES, make_room, wal_of
from hub.errors import Transient
from hub.services.ingest.commit import Answers, process
from hub.services.ingest.messages import Message
from hub.services.ingest.samples import VALUES_PER_READING
from hub.services.ingest.wire import BatchAck
from tests.faults.sqlite_writes import noted
from tests.faults.verdict import Verdict
from tests.unit.alerting.clinic import Clinic
from tests.unit.ingest.home import CUFF, OXIMETER, SCALE, Home, batch, kg, pressure, spo2
from tests.unit.ingest.home import reading as a_reading

FILE: Final = "hub.db"
GROUPS: Final = 12
CHECKPOINT_PAGES: Final = 60
"""The WAL is moved into the database after so many pages, so that cuts come in the middle of that too."""
ROOM_PAGES: Final = 100
"""The WAL is laid out for so many: cuts come while it is, while a story writes over it, and after it grew."""
CACHED_PAGES: Final = 20
KEPT: Final = (journal, transport_key, transport_by_time, record_key, record_by_time, reading)
KEY = tuple[str, int]
"""Spool and number."""


class IngestStory:
    """Groups of messages that were committed one after the other. ``events`` begin when the database lay still."""

    def __init__(self, directory: Path, chance: Random, synchronous: str | None, *, beside: bool = False) -> None:
        """``synchronous`` is set in the place of what the hub sets.

        ``beside``: the WAL is moved by another connection, before and after each commit, and not by who commits.
        """
        directory.mkdir()
        clinic = Clinic(directory)
        home = Home(clinic)
        _settings(clinic.engine, synchronous, 0 if beside else CHECKPOINT_PAGES)
        clinic.engine.dispose()
        self._hub = home.hub
        self.before = {FILE: (directory / FILE).read_bytes()}
        self._groups = list(_groups(home, chance))
        with noted(sqlite_driver()) as notes, ExitStack() as stack:
            look = stack.enter_context(_moved(clinic.engine, synchronous)) if beside else lambda: None
            for number, group in enumerate(self._groups):
                notes.tell((number, _acknowledged(process(home.hub, group))))
                look()
            clinic.engine.dispose()
        self.events = notes.events
        self._whole = self._standing(clinic.engine)
        clinic.engine.dispose()

    def judge(self, disk: Path, told: Sequence[tuple[int, dict[KEY, str]]], verdict: Verdict) -> None:
        """Open what the cut left, as the hub would; then let the gateways send again what nobody acknowledged."""
        verdict.trials += 1
        acknowledged = {key: status for _, answers in told for key, status in answers.items()}
        engine = make_engine(f"sqlite:///{disk / FILE}", checkpoints=True)
        try:
            self._judge_open(engine, acknowledged, verdict)
            self._send_again(engine, len(told), verdict)
        except (DatabaseError, Transient) as error:
            verdict.holds(False, f"{disk.name} cannot be used: {error}")
        finally:
            engine.dispose()

    def _judge_open(self, engine: Engine, acknowledged: dict[KEY, str], verdict: Verdict) -> None:
        check_current(engine)
        with engine.connect() as connection:
            for pragma in ("quick_check", "integrity_check"):
                said = connection.exec_driver_sql(f"PRAGMA {pragma}").scalar_one()
                verdict.holds(said == "ok", f"{pragma}: {said}")
            rows = [(row.spool, row.seq) for row in connection.execute(select(journal.c.spool, journal.c.seq))]
            trees = [transport_key.c, transport_by_time.c]
            keys = [row for c in trees for row in connection.execute(select(c.spool, c.seq))]
            answered = [(row.spool, row.seq) for row in keys]
            verdict.kept((key for key, status in acknowledged.items() if status in {"stored", "held"}), rows)
            unanswered = acknowledged.keys() - set(answered)
            verdict.holds(not unanswered, f"answered and not known: {sorted(unanswered)}")
            verdict.unfinished += len(answered) > len(acknowledged)
            verdict.holds(_readings_are_whole(connection), "a journal row without all of its readings")

    def _send_again(self, engine: Engine, first: int, verdict: Verdict) -> None:
        hub = replace(self._hub, unit_of_work=units_of_work(engine))
        fates: Counter[str] = Counter()
        for group in self._groups[first:]:
            fates.update(_statuses(process(hub, group)))
        waiting = sum(_size(message) for group in self._groups[first:] for message in group)
        verdict.holds(fates.total() == waiting, f"{waiting} readings were sent again, {fates.total()} answered")
        verdict.holds(self._standing(engine) == self._whole, "sent again, it is not what it had been without the cut")

    def _standing(self, engine: Engine) -> dict[str, list[Any]]:
        """Everything that a cut may not change in the end."""
        with engine.connect() as connection:
            rows = {
                table.name: [tuple(row) for row in connection.execute(select(table).order_by(*table.primary_key))]
                for table in KEPT
            }
            alerts = select(alert.c.subject, alert.c.problem, alert.c.severity, alert.c.state).order_by(alert.c.id)
            pages = select(outbox.c.alert_id, outbox.c.kind, outbox.c.round, outbox.c.step).order_by(outbox.c.id)
            rows |= {
                "alert": [tuple(row) for row in connection.execute(alerts)],
                "outbox": [tuple(row) for row in connection.execute(pages)],
            }
        return rows


def _size(message: Message) -> int:
    """Readings in a message."""
    return message.payload.count(b'"seq"')


def _groups(home: Home, chance: Random) -> Iterator[list[Message]]:
    """Calm readings, dangerous ones, some of an unknown device, some that nobody can read; a few come twice."""
    seq, memory = 0, []
    for _ in range(GROUPS):
        group = []
        for _ in range(chance.randint(1, 6)):
            readings = []
            for _ in range(chance.randint(1, 5)):
                seq += 1
                readings.append(_reading(home, seq, chance))
            group.append(home.message(batch(home.now, *readings, batch=f"b-{seq}", spool="s-1")))
        memory += group
        if chance.random() < 0.3:
            group.append(chance.choice(memory))
        yield group


def _reading(home: Home, seq: int, chance: Random) -> dict[str, Any]:
    at = home.now - timedelta(seconds=600 - seq)
    kinds = [(kg(78 + seq % 7 / 10), SCALE), (spo2(97), OXIMETER), (pressure(124, 78), CUFF)] * 4
    kinds += [(spo2(82), OXIMETER), (kg(80), "AA:BB:CC:00:00:99"), (kg(80) * 17, SCALE)]
    values, device = chance.choice(kinds)
    return a_reading(seq, at, values, device, record=f"r-{seq}")


def _acknowledged(answers: Answers) -> dict[KEY, str]:
    acks = [ack for acks in answers.values() for ack in acks if isinstance(ack, BatchAck)]
    return {(ack.spool, one.seq): one.status for ack in acks for one in ack.results if one.status != "duplicate"}


def _statuses(answers: Answers) -> list[str]:
    acks = [ack for acks in answers.values() for ack in acks if isinstance(ack, BatchAck)]
    return [one.status for ack in acks for one in ack.results]


def _readings_are_whole(connection: Connection) -> bool:
    stored = connection.execute(select(journal.c.id, journal.c.body).where(journal.c.status == "stored"))
    wanted = {row.id: row.body.count(b'"metric"') for row in stored}
    found = Counter(one // VALUES_PER_READING for one in connection.execute(select(reading.c.reading_id)).scalars())
    return wanted == dict(found)


@contextmanager
def _moved(engine: Engine, synchronous: str | None) -> Iterator[Callable[[], None]]:
    """What lays the WAL of ``engine``'s database out and moves it; it does so before each commit by itself."""
    driver, file = sqlite_driver(), Path(str(engine.url.database))
    with closing(driver.connect(str(file), isolation_level=None, timeout=0)) as connection:
        connection.execute(f"PRAGMA synchronous = {synchronous or 'EXTRA'}")
        connection.execute(f"PRAGMA cache_size = {CACHED_PAGES}")
        make_room(connection, file)
        assert wal_of(file).stat().st_size >= ROOM_PAGES * FRAME_BYTES
        look = Checkpoints(connection, Event()).look
        event.listen(engine, "commit", lambda _: look())
        yield look


def _settings(engine: Engine, synchronous: str | None, pages: int) -> None:
    @event.listens_for(engine, "connect")
    def _connected(connection: Any, _record: object) -> None:
        with closing(connection.cursor()) as cursor:
            cursor.execute(f"PRAGMA wal_autocheckpoint = {pages}")
            if synchronous is not None:
                cursor.execute(f"PRAGMA synchronous = {synchronous}")
