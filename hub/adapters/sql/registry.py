"""The version of the registry: it moves whenever a device, who has it, a patient or a patient's protocol changes."""

from sqlalchemy import Connection, select

from hub.adapters.sql.tables.operations import counter
from hub.adapters.sql.upsert import insert_into

_NAME = "registry_version"


def changed(connection: Connection) -> None:
    """Something of it changes in this transaction."""
    statement = insert_into(connection, counter).values(name=_NAME, label="", value=1)
    keys = ["name", "label"]
    connection.execute(statement.on_conflict_do_update(index_elements=keys, set_={"value": counter.c.value + 1}))


def version(connection: Connection) -> int:
    """Equal to the one before: nothing has changed."""
    found = select(counter.c.value).where(counter.c.name == _NAME, counter.c.label == "")
    return connection.execute(found).scalar() or 0
