"""The newest line of each row of the tables asked for, kept in memory and followed entry by entry: lines are only ever added."""

from __future__ import annotations

from collections.abc import Mapping
from threading import Lock

import sqlalchemy as sa

from harmcast.store import schema
from harmcast.store.once import once

NewestLine = tuple[int, str]  # the entry that wrote it, and its hash


class NewestLines:
    """What is held of the tables asked for so far. A reader whose transaction is older may find a row's line ahead of its row."""

    def __init__(self) -> None:
        self._tables: dict[str, tuple[int, dict[str, NewestLine]]] = {}
        self._lock = Lock()

    def of(self, connection: sa.Connection, tab: str) -> Mapping[str, NewestLine]:
        """Entry and hash of the newest line of each row of a table, by key; also of rows that have gone."""
        lines = schema.versions
        with self._lock:
            upto, held = self._tables.get(tab, (0, {}))
            newest = once((self, "newest"), lambda: int(connection.execute(sa.select(sa.func.max(lines.c.seq))).scalar() or 0))
            if newest > upto:
                query = sa.select(lines.c.key, lines.c.seq, lines.c.hash).where(lines.c.tab == tab)
                # From the first line on, by table: later by entry alone, so that few lines are passed over.
                added = query.where(lines.c.seq > upto) if upto else query
                for key, seq, held_hash in connection.execute(added.order_by(lines.c.seq, lines.c.n)):
                    held[key] = (seq, held_hash)
                self._tables[tab] = (newest, held)
            return held
