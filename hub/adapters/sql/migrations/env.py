"""Alembic's entry: runs on the connection that ``hub.adapters.sql.migrate`` hands over."""

from alembic import context

from hub.adapters.sql.tables import metadata

connection = context.config.attributes["connection"]
context.configure(
    connection=connection,
    target_metadata=metadata,
    render_as_batch=connection.dialect.name == "sqlite",
    transaction_per_migration=True,
    compare_type=False,
)
with context.begin_transaction():
    context.run_migrations()
