"""Run by Alembic: applies the history to the connection that `store/upgrade.py` hands over."""

from alembic import context

from harmcast.store import schema

connection = context.config.attributes["connection"]
context.configure(connection=connection, target_metadata=schema.metadata, render_as_batch=True)
context.run_migrations()
