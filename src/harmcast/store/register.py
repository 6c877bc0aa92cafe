"""The register of tools as kept: statuses with dates, entries with dates; nothing is edited, later rows stand."""

from __future__ import annotations

import json
from collections.abc import Mapping
from datetime import date
from typing import Any

import sqlalchemy as sa

from harmcast.oversight.log import Event
from harmcast.oversight.register import Entry, Status, Tool
from harmcast.settings import Settings
from harmcast.store import schema
from harmcast.store.operations import Operations, Writing

FIELDS = ("purpose", "policy_purpose", "owner", "made_by", "users", "decisions_supported", "cost")


class Register:
    """The register of one state."""

    def __init__(self, operations: Operations, settings: Settings) -> None:
        self.operations = operations
        self.settings = settings

    def tools(self, as_of: date | None = None) -> list[Tool]:
        """The tools of the settings with what the register says of each on a day (default: now).

        A tool nobody has entered stands in shadow: a new force starts there.
        """
        written = {row["tool"]: row for row in self.operations.rows(sa.select(schema.register_tools))}
        found = []
        for tool in self.settings.tools:
            row = written.get(tool.name)
            fields = json.loads(row["document"]) if row else {}
            status, since = self._status(tool.name, as_of)
            found.append(
                Tool(
                    name=tool.name,
                    kind=tool.kind,
                    title=tool.title or tool.name.replace("_", " ").capitalize(),
                    status=status,
                    status_since=since,
                    purpose=row["purpose"] if row else None,
                    owner=row["owner"] if row else None,
                    made_by=row["developer"] if row else None,
                    policy_purpose=fields.get("policy_purpose"),
                    users=fields.get("users"),
                    decisions_supported=fields.get("decisions_supported"),
                )
            )
        return found

    def tool(self, name: str, as_of: date | None = None) -> Tool:
        self.settings.tool(name)
        return next(tool for tool in self.tools(as_of) if tool.name == name)

    def statuses(self, name: str) -> list[dict[str, Any]]:
        """Every status a tool has had, oldest first: status, from_on, reason, by, at."""
        table = schema.register_statuses
        return self.operations.rows(sa.select(table).where(table.c.tool == name).order_by(table.c.from_on, table.c.id))

    def entries(self, as_of: date | None = None) -> list[Entry]:
        """Every entry dated on or before a day (default: all), each for one tool."""
        table = schema.register_entries
        query = sa.select(table).order_by(table.c.dated, table.c.id)
        if as_of is not None:
            query = query.where(table.c.dated <= as_of)
        names = [tool.name for tool in self.settings.tools]
        return [
            Entry(
                tool=name,
                kind=row["kind"],
                dated=row["dated"],
                by=row["by_whom"],
                reference=row["document_ref"],
                words=row["title"],
                conditions=row["conditions"],
                review_by=row["review_by"],
                made=row["outcome"] not in ("refused", "none made"),
            )
            for row in self.operations.rows(query)
            for name in ([row["tool"]] if row["tool"] else names)
        ]

    def enter(self, entry: Mapping[str, Any], event: Event) -> int:
        """Adds an entry: tool (None: every tool), kind, title, outcome, dated, by_whom, document_ref, conditions, review_by."""
        with self.operations.writing(event) as tx:
            tx.says(kind=entry["kind"], tool=entry.get("tool"), outcome=entry.get("outcome"))
            return tx.insert(schema.register_entries, **entry, entered_by=event.actor, at=tx.at)

    def set_status(self, name: str, status: Status, from_on: date, reason: str | None, event: Event) -> None:
        """A tool's status from a day on."""
        self.settings.tool(name)
        with self.operations.writing(event) as tx:
            tx.says(tool=name, status=status, from_on=from_on.isoformat())
            tx.insert(
                schema.register_statuses, tool=name, status=status, from_on=from_on, reason=reason, by=event.actor, at=tx.at
            )

    def describe(self, name: str, fields: Mapping[str, str | None], event: Event) -> None:
        """Writes what the register says of a tool (`FIELDS`); what is not named stays as it is."""
        tool = self.settings.tool(name)
        table = schema.register_tools
        with self.operations.writing(event) as tx:
            tx.says(tool=name, fields=sorted(fields))
            row = tx.execute(sa.select(table).where(table.c.tool == name)).first()
            held = dict(row._mapping) if row else {}
            extra = json.loads(held.get("document") or "{}")
            extra.update({k: v for k, v in fields.items() if k in ("policy_purpose", "users", "decisions_supported")})
            values = {
                "title": tool.title or name,
                "purpose": fields.get("purpose", held.get("purpose")),
                "owner": fields.get("owner", held.get("owner")),
                "developer": fields.get("made_by", held.get("developer")),
                "cost": fields.get("cost", held.get("cost")),
                "document": json.dumps(extra, sort_keys=True, ensure_ascii=False),
                "changed_at": tx.at,
                "by": event.actor,
            }
            _upsert(tx, table, {"tool": name}, values)

    def cost(self, name: str) -> str | None:
        rows = self.operations.rows(sa.select(schema.register_tools.c.cost).where(schema.register_tools.c.tool == name))
        return rows[0]["cost"] if rows else None

    def _status(self, name: str, as_of: date | None) -> tuple[Status, date]:
        rows = [row for row in self.statuses(name) if as_of is None or row["from_on"] <= as_of]
        if rows:
            return rows[-1]["status"], rows[-1]["from_on"]
        made = self.operations.rows(sa.select(schema.events.c.at).order_by(schema.events.c.seq).limit(1))
        return "shadow", date.fromisoformat(made[0]["at"][:10]) if made else date.min


def _upsert(tx: Writing, table: sa.Table, key: Mapping[str, Any], values: Mapping[str, Any]) -> None:
    where = sa.and_(*(table.c[name] == value for name, value in key.items()))
    if tx.execute(sa.update(table).where(where).values(**values)).rowcount == 0:
        tx.execute(sa.insert(table).values(**key, **values))
