"""Connections to PostgreSQL that do not wait for ever: a server that stands still, or is gone, is away."""

from typing import Any

import psycopg
from psycopg.pq import TransactionStatus
from sqlalchemy import Engine, event

PATIENCE_S = 60.0
"""A statement that is not answered for so long never will be. Its transaction is undone; what it did comes again."""

REACHES = {
    "connect_timeout": 10,
    "keepalives_idle": 10,
    "keepalives_interval": 5,
    "keepalives_count": 3,
    "tcp_user_timeout": 20_000,
}
"""libpq's own: a machine that is gone is noticed within half a minute, and not within hours."""


class PatientConnection(psycopg.Connection[Any]):
    """Gives up a statement, and itself, after ``patience_s`` seconds, None: never, and where waiting itself fails."""

    patience_s: float | None = None

    def wait(self, gen: Any, interval: float = 0.1, timeout: float | None = None) -> Any:
        """See ``psycopg.Connection.wait``."""
        bound = self.patience_s if timeout is None else timeout
        try:
            return super().wait(gen, interval, bound)
        except psycopg.OperationalError as error:
            if error.sqlstate is None and self.pgconn.transaction_status == TransactionStatus.ACTIVE:
                self.pgconn.finish()  # in the middle of an answer it is good for nothing more, and shall say so
            raise


def be_patient(engine: Engine, *, hurries: bool) -> None:
    """Have the engine's connections notice a server that is gone, and, if they hurry, one that does not answer."""

    @event.listens_for(engine, "do_connect")
    def _connect(_dialect: object, _record: object, arguments: list[Any], given: dict[str, Any]) -> Any:
        connection = PatientConnection.connect(*arguments, **(REACHES | given))
        connection.patience_s = PATIENCE_S if hurries else None
        return connection
