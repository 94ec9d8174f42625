"""What every table shares."""

from sqlalchemy import BigInteger, Column, Integer, MetaData

RowId = BigInteger().with_variant(Integer, "sqlite")
"""BIGINT, and INTEGER on SQLite, where only INTEGER PRIMARY KEY counts up by itself."""

metadata = MetaData(
    naming_convention={
        "ix": "ix_%(table_name)s_%(column_0_N_name)s",
        "uq": "uq_%(table_name)s_%(column_0_N_name)s",
        "ck": "ck_%(table_name)s_%(constraint_name)s",
        "fk": "fk_%(table_name)s_%(column_0_name)s_%(referred_table_name)s",
        "pk": "pk_%(table_name)s",
    }
)


def row_id() -> Column[int]:
    """The primary key of a table whose rows count up."""
    return Column("id", RowId, primary_key=True, autoincrement=True)
