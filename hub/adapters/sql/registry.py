"""The version of the registry: it moves whenever a device, who has it, a patient or a patient's protocol changes."""

from sqlalchemy import Connection, select

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
_VERSION = select(counter.c.value).where(counter.c.name == _NAME, counter.c.label == "")


def changed(connection: Connection) -> None:
    """Something of it changes in this transaction."""
    connection.execute(_CHANGED.of(connection))


def version(connection: Connection) -> int:
    """Equal to the one before: nothing has changed."""
    return connection.execute(_VERSION).scalar() or 0
