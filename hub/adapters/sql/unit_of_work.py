"""One write transaction over the relational database, with every repository bound to it."""

from types import TracebackType
from typing import Self

from sqlalchemy import Connection, Engine, NestedTransaction

from hub.adapters.series.sql import SqlSeries, SqlTimeLine
from hub.adapters.sql.adherence import SqlAdherence
from hub.adapters.sql.alerts import SqlAlerts
from hub.adapters.sql.audit import SqlAudit
from hub.adapters.sql.checkins import SqlCheckIns
from hub.adapters.sql.consents import SqlConsents
from hub.adapters.sql.conversations import SqlConversations
from hub.adapters.sql.devices import SqlDevices, SqlGateways
from hub.adapters.sql.duties import SqlDuties
from hub.adapters.sql.feed import SqlFeed
from hub.adapters.sql.findings import SqlFindings
from hub.adapters.sql.journal import SqlJournal
from hub.adapters.sql.keys import SqlTransportKeys
from hub.adapters.sql.operations import SqlOperations
from hub.adapters.sql.outbox import SqlOutbox
from hub.adapters.sql.patients import SqlPatients
from hub.adapters.sql.protocols import SqlProtocols
from hub.adapters.sql.quarantine import SqlQuarantine
from hub.adapters.sql.rollups import SqlRollups
from hub.adapters.sql.staff import SqlSessions, SqlStaff
from hub.adapters.sql.tasks import SqlTasks
from hub.adapters.sql.thinning import SqlThinning


class SqlSavepoint:
    """A nested block that undoes itself alone."""

    def __init__(self, connection: Connection) -> None:
        self._connection = connection
        self._nested: NestedTransaction | None = None

    def __enter__(self) -> Self:
        self._nested = self._connection.begin_nested()
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        if self._nested is not None and self._nested.is_active:
            if kind is None:
                self._nested.commit()
            else:
                self._nested.rollback()


class SqlUnitOfWork:
    """See ``hub.services.ports.storage.UnitOfWork``."""

    def __init__(self, engine: Engine) -> None:
        self._engine = engine

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
        self.journal = SqlJournal(connection)
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
        self._connection.commit()

    def savepoint(self) -> SqlSavepoint:
        """A nested block."""
        return SqlSavepoint(self._connection)
