"""Signed copies of a document: one in force of each name, none ever changed."""

from datetime import datetime
from typing import Any

from sqlalchemy import Column, Connection, Row, Table, insert, select, update


class SqlCopies:
    """The copies in one table; ``name`` is the column that says which document it is."""

    def __init__(self, connection: Connection, table: Table, name: str) -> None:
        self._connection = connection
        self._table = table
        self._name: Column[str] = table.c[name]

    def sign(
        self, document: str, version: int, title: str, body: str, sha256: str, signed_by: str | None, now: datetime
    ) -> int:
        """Keep a copy in force; the copy before it is retired, whoever is on it stays on it (SF21)."""
        table = self._table
        self.retire(document, now)
        values = {
            self._name.name: document,
            "version": version,
            "title": title,
            "body": body,
            "sha256": sha256,
            "signed_by": signed_by,
            "signed_at": now,
        }
        added = insert(table).values(values).returning(table.c.id)
        row_id: int = self._connection.execute(added).scalar_one()
        return row_id

    def retire(self, document: str, now: datetime) -> bool:
        """Have no copy in force; False if none was."""
        this = (self._name == document) & self._table.c.retired_at.is_(None)
        return self._connection.execute(update(self._table).where(this).values(retired_at=now)).rowcount > 0

    def current(self, document: str) -> Row[Any] | None:
        """The copy in force, or None."""
        found = select(self._table).where(self._name == document, self._table.c.retired_at.is_(None))
        return self._connection.execute(found).first()

    def all_current(self) -> list[Row[Any]]:
        """Every copy in force, by name."""
        found = select(self._table).where(self._table.c.retired_at.is_(None)).order_by(self._name)
        return list(self._connection.execute(found))

    def get(self, version_id: int) -> Row[Any] | None:
        """One copy."""
        return self._connection.execute(select(self._table).where(self._table.c.id == version_id)).first()
