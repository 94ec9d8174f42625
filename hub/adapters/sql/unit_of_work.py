"""One write transaction over the relational database, with every repository bound to it."""

from collections import deque
from collections.abc import Callable
from contextlib import suppress
from types import TracebackType
from typing import Self

from sqlalchemy import Connection, Engine, event
from sqlalchemy.exc import DBAPIError

from hub.adapters.series.sql import SqlSeries, SqlTimeLine
from hub.adapters.sql.adherence import SqlAdherence
from hub.adapters.sql.alerts import SqlAlerts
from hub.adapters.sql.audit import SqlAudit
from hub.adapters.sql.checkins import SqlCheckIns
from hub.adapters.sql.consents import SqlConsents
from hub.adapters.sql.conversations import SqlConversations
from hub.adapters.sql.devices import SqlDevices, SqlGateways
from hub.adapters.sql.duties import SqlDuties
from hub.adapters.sql.engine import Unavailable
from hub.adapters.sql.feed import SqlFeed
from hub.adapters.sql.findings import SqlFindings
from hub.adapters.sql.journal import SqlJournal
from hub.adapters.sql.key_bounds import KeyBounds
from hub.adapters.sql.keys import SqlTransportKeys
from hub.adapters.sql.many import make_ready
from hub.adapters.sql.operations import SqlOperations
from hub.adapters.sql.outbox import SqlOutbox
from hub.adapters.sql.patients import SqlPatients
from hub.adapters.sql.protocols import SqlProtocols
from hub.adapters.sql.quarantine import SqlQuarantine
from hub.adapters.sql.rollups import SqlRollups
from hub.adapters.sql.staff import SqlSessions, SqlStaff
from hub.adapters.sql.straight import changed
from hub.adapters.sql.tasks import SqlTasks
from hub.adapters.sql.thinning import SqlThinning


class SqlSavepoint:
    """A nested block that undoes itself alone. By words: Core would build and compile both of them each time."""

    def __init__(self, connection: Connection, operations: SqlOperations) -> None:
        self._connection = connection
        self._operations = operations

    def __enter__(self) -> Self:
        self._counted = self._operations.counted.copy()
        changed(self._connection, "SAVEPOINT block")  # of two with one name the inner one is meant
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        if self._connection.invalidated:
            return  # nothing of the whole transaction stands
        try:
            if kind is not None:
                self._operations.counted = self._counted
                changed(self._connection, "ROLLBACK TO SAVEPOINT block")
            changed(self._connection, "RELEASE SAVEPOINT block")
        except DBAPIError as gone:  # what came next would stand by itself
            raise Unavailable("the database undid this transaction") from gone


class SqlUnitOfWork:
    """See ``hub.services.ports.storage.UnitOfWork``. One that has ended may be entered again, and is as new."""

    def __init__(
        self, engine: Engine, bounds: KeyBounds | None = None, keep: "Callable[[SqlUnitOfWork], bool] | None" = None
    ) -> None:
        """``bounds``: what the process has learnt of the keys in transactions before.

        ``keep``: asked whether this one, once it ended well, is kept with its connection for another transaction.
        """
        self._engine = engine
        self._bounds = bounds
        self._keep = keep
        self._is_open = False

    def __enter__(self) -> Self:
        if self._is_open:
            self._begin_anew()
        else:
            self._open(self._engine.connect())
        return self

    def _open(self, connection: Connection) -> None:
        self._connection = connection
        self._is_open = True
        self.adherence = SqlAdherence(connection)
        self.alerts = SqlAlerts(connection)
        self.audit = SqlAudit(connection)
        self.checkins = SqlCheckIns(connection)
        self.consents = SqlConsents(connection)
        self.conversations = SqlConversations(connection)
        self.devices = SqlDevices(connection)
        self.duties = SqlDuties(connection)
        self.feed = SqlFeed(connection)
        self.findings = SqlFindings(connection)
        self.gateways = SqlGateways(connection)
        self.outbox = SqlOutbox(connection)
        self.patients = SqlPatients(connection)
        self.protocols = SqlProtocols(connection)
        self.quarantine = SqlQuarantine(connection)
        self.replayed = SqlTimeLine(connection)
        self.rollups = SqlRollups(connection)
        self.series = SqlSeries(connection)
        self.sessions = SqlSessions(connection)
        self.tasks = SqlTasks(connection)
        self.thinning = SqlThinning(connection)
        self.transport_keys = SqlTransportKeys(connection)
        self._begin_anew()

    def _begin_anew(self) -> None:
        """Those that remember something for the length of a transaction."""
        self.journal = SqlJournal(self._connection, self._bounds)
        self.operations = SqlOperations(self._connection)
        self.staff = SqlStaff(self._connection)

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        if kind is None and self._keep is not None and not self._connection.invalidated:
            self._connection.rollback()  # what was not committed
            if self._keep(self):
                return
        self._is_open = False
        self._connection.close()  # rolls back what was not committed

    def disconnect(self) -> None:
        """Of one that is kept: the engine, which no longer has its connection, would not."""
        self._is_open = False
        self._connection.detach()
        self._connection.close()

    def commit(self) -> None:
        """Make it durable."""
        self.operations.write_counts()
        self._connection.commit()
        self.journal.committed()

    def savepoint(self) -> SqlSavepoint:
        """A nested block."""
        return SqlSavepoint(self._connection, self.operations)


def units_of_work(engine: Engine, *, ready: bool = False) -> Callable[[], SqlUnitOfWork]:
    """``ready``: statements are made beforehand, and none of them when first it is needed.

    Each knows what those before it learnt of the keys.

    Threads may share them. What was learnt is touched under SQLite's write lock, but for the version after a commit:
    too late it is none that stands, and all is learnt anew.

    On SQLite one that has ended is kept: to connect, and bind all repositories, takes as long as several statements,
    and ten times as long where it comes upon sleeping caches. A server's connection may end between two transactions,
    which only the engine looks for.
    """
    bounds, kept = KeyBounds(), deque[SqlUnitOfWork]()
    if ready:
        with engine.connect() as connection:
            make_ready(connection)

    def keep(ended: SqlUnitOfWork) -> bool:
        if kept:
            return False
        kept.append(ended)
        return True

    def give() -> SqlUnitOfWork:
        with suppress(IndexError):
            return kept.pop()
        return SqlUnitOfWork(engine, bounds, keep if engine.dialect.name == "sqlite" else None)

    @event.listens_for(engine, "engine_disposed")
    def _disposed(_engine: Engine) -> None:
        while kept:
            kept.pop().disconnect()

    return give
