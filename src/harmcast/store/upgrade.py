"""Brings the operational database to the schema of this version, in one transaction, with its event."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import sqlalchemy as sa

from harmcast.errors import RunStopped
from harmcast.oversight.log import Event
from harmcast.store.operations import Operations

HEAD = "0005"
MIGRATIONS = Path(__file__).with_name("migrations")


def _config(connection: sa.Connection | None) -> Any:
    from alembic.config import Config

    config = Config()
    config.set_main_option("script_location", str(MIGRATIONS).replace("%", "%%"))
    config.attributes["connection"] = connection
    return config


def revision(operations: Operations) -> str | None:
    """The schema's revision; None for an empty database."""
    with operations.reading() as connection:
        if not sa.inspect(connection).has_table("alembic_version"):
            return None
        return connection.execute(sa.text("SELECT version_num FROM alembic_version")).scalar_one_or_none()


def to_revision(connection: sa.Connection, wanted: str) -> None:
    """Makes the schema of a revision in an empty database. Raises RunStopped (`schema_newer`) if it is not known."""
    from alembic import command
    from alembic.util import CommandError

    try:
        command.upgrade(_config(connection), wanted)
    except CommandError:
        raise RunStopped(
            "The backup was written by a later version of harmcast.",
            code="schema_newer",
            next_step="Install that version, or take a backup made by this one.",
        ) from None


def upgrade(operations: Operations, event: Event) -> bool:
    """Brings the schema up to date; gives whether anything had to be done.

    Killed on the way, the database is as before: both databases change schema inside the transaction.

    Raises: RunStopped (`schema_newer`) if a later version of harmcast wrote this state.
    """
    held = revision(operations)
    if held == HEAD:
        return False
    from alembic import command
    from alembic.script import ScriptDirectory

    known = {script.revision for script in ScriptDirectory.from_config(_config(None)).walk_revisions()}
    if held is not None and held not in known:
        raise RunStopped(
            "The state was written by a later version of harmcast.",
            code="schema_newer",
            next_step="Install that version again, or restore a backup made by this one.",
        )
    with operations.writing(event.with_detail(from_revision=held, to_revision=HEAD)) as tx:
        command.upgrade(_config(tx.connection), "head")
    return True
