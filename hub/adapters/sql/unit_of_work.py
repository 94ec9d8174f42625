"""One write transaction over the relational database, with every repository bound to it."""

from collections.abc import Callable
from types import TracebackType
from typing import Self

from sqlalchemy import Connection, Engine
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
    """See ``hub.services.ports.storage.UnitOfWork``."""

    def __init__(self, engine: Engine, bounds: KeyBounds | None = None) -> None:
        """``bounds``: what the process has learnt of the keys in transactions before."""
        self._engine = engine
        self._bounds = bounds

    def __enter__(self) -> Self:
        self._connection = connection = self._engine.connect()
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
        self.journal = SqlJournal(connection, self._bounds)
        self.operations = SqlOperations(connection)
        self.outbox = SqlOutbox(connection)
        self.patients = SqlPatients(connection)
        self.protocols = SqlProtocols(connection)
        self.quarantine = SqlQuarantine(connection)
        self.replayed = SqlTimeLine(connection)
        self.rollups = SqlRollups(connection)
        self.series = SqlSeries(connection)
        self.sessions = SqlSessions(connection)
        self.staff = SqlStaff(connection)
        self.tasks = SqlTasks(connection)
        self.thinning = SqlThinning(connection)
        self.transport_keys = SqlTransportKeys(connection)
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self._connection.close()  # rolls back what was not committed

    def commit(self) -> None:
        """Make it durable."""
        self.operations.write_counts()
        self._connection.commit()
        self.journal.committed()

    def savepoint(self) -> SqlSavepoint:
        """A nested block."""
        return SqlSavepoint(self._connection, self.operations)


def units_of_work(engine: Engine) -> Callable[[], SqlUnitOfWork]:
    """Each knows what those before it learnt of the keys.

    Threads may share them. What was learnt is touched under SQLite's write lock, but for the version after a commit:
    too late it is none that stands, and all is learnt anew.
    """
    bounds = KeyBounds()
    return lambda: SqlUnitOfWork(engine, bounds)
