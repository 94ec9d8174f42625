"""The version of the trees of keys by name: another one whenever a key is added to one of them.

On SQLite alone. It is no count: the number of a change that came to nothing would be given again, to another change.
"""

from sqlalchemy import Connection, bindparam, func, literal_column, select

from hub.adapters.sql.many import Many
from hub.adapters.sql.tables.operations import counter
from hub.adapters.sql.upsert import insert_into

_NAME = "named_keys_version"

_CHANGED = Many(
    lambda connection: (
        insert_into(connection, counter)
        .values(name=bindparam("name"), label=literal_column("''"), value=func.random())
        .on_conflict_do_update(index_elements=["name", "label"], set_={"value": func.random()})
        .returning(counter.c.value)
    ),
    ("name",),
)
_VERSION = Many(lambda _: select(counter.c.value).where(counter.c.name == bindparam("name")), ("name",))


def changed(connection: Connection) -> int:
    """A key comes to one of them in this transaction; the version from then on."""
    version: int = _CHANGED.one(connection, (_NAME,))
    return version


def version(connection: Connection) -> int:
    """Equal to the one before: nothing has changed."""
    return _VERSION.one(connection, (_NAME,)) or 0
