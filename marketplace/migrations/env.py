"""Alembic's entry: runs inside the transaction that `marketplace.database.migrate` hands in."""

from alembic import context

context.configure(connection=context.config.attributes["connection"])
context.run_migrations()
