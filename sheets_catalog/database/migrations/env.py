"""Run inside the connection and transaction that `sheets_catalog.database.opening` has opened."""

from __future__ import annotations

from alembic import context

from sheets_catalog.database.tables import VERSION_TABLE, metadata

context.configure(
    connection=context.config.attributes["connection"],
    target_metadata=metadata,
    version_table=VERSION_TABLE,
    # SQLite cannot alter most things in place.
    render_as_batch=True,
)
context.run_migrations()
