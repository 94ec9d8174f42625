"""The version of the registry: it moves whenever a device, who has it, a patient or a patient's protocol changes."""

from sqlalchemy import BindParameter, ColumnElement, Connection, bindparam, func, literal_column, select

from hub.adapters.sql.many import Many
from hub.adapters.sql.tables.operations import counter
from hub.adapters.sql.upsert import PerDialect, insert_into

_NAME = "registry_version"

_CHANGED = PerDialect(
    lambda connection: (
        insert_into(connection, counter)
        .values(name=_NAME, label="", value=1)
        .on_conflict_do_update(index_elements=["name", "label"], set_={"value": counter.c.value + 1})
    )
)
_VERSION = Many(lambda _: select(counter.c.value).where(counter.c.name == bindparam("name")), ("name",))


def version_is(expected: BindParameter[int]) -> ColumnElement[bool]:
    """The condition that it is. Without parameters of its own, so that it may be a part of a ``Many``."""
    there = select(counter.c.value).where(counter.c.name == literal_column(f"'{_NAME}'")).scalar_subquery()
    return func.coalesce(there, literal_column("0")) == expected


def changed(connection: Connection) -> None:
    """Something of it changes in this transaction."""
    connection.execute(_CHANGED.of(connection))


def version(connection: Connection) -> int:
    """Equal to the one before: nothing has changed."""
    return _VERSION.one(connection, (_NAME,)) or 0
