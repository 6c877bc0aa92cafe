"""The register of tools as kept: statuses with dates, entries with dates; nothing is edited, later rows stand."""

from __future__ import annotations

import json
from collections.abc import Mapping, Sequence
from datetime import date
from typing import Any, TypedDict, cast

import sqlalchemy as sa

from harmcast.errors import NotFit
from harmcast.oversight.log import Event
from harmcast.oversight.register import FIELDS, RegisterEntry, Status, Tool, in_the_way
from harmcast.settings import Settings
from harmcast.store import schema
from harmcast.store.operations import Operations, put
from harmcast.words.tools import tool_title

COLUMNS = {"purpose": "purpose", "owner": "owner", "made_by": "developer", "cost": "cost"}  # of the newest words


class StatusHeld(TypedDict):
    """A status of a tool from a day on."""

    status: Status
    from_on: date
    reason: str | None
    by: str
    at: str


class SaidOfTool(TypedDict):
    """Words of one field of the register about a tool, from a day (text) on."""

    field: str
    words: str | None
    from_on: str
    at: str
    by: str


class Register:
    """The register of one state."""

    def __init__(self, operations: Operations, settings: Settings, known_on: date | None = None) -> None:
        """Args: `known_on`: what it said at the end of that day is read; default what it says now."""
        self.operations = operations
        self.settings = settings
        self.known_on = known_on

    def _rows(self, table: sa.Table, *order: str) -> list[dict[str, Any]]:
        if self.known_on is None:
            return self.operations.checked(table, order_by=tuple(table.c[name] for name in order))
        held = self.operations.as_of(table, self.known_on, self.settings.force.timezone)
        return sorted(held, key=lambda row: tuple(row[name] for name in order))

    def tools(self, as_of: date | None = None) -> list[Tool]:
        """The tools of the settings with what the register says of each on a day (default: now).

        A tool nobody has entered stands in shadow: a new force starts there.
        """
        said, statuses = self._said(), self._statuses(as_of)
        found = []
        for tool in self.settings.tools:
            words = _standing(said.get(tool.name, []), as_of)
            status, since = statuses.get(tool.name) or ("shadow", self._begun())
            title = tool_title(tool)
            own = {name: words.get(name) for name in FIELDS if name != "cost"}
            found.append(Tool(name=tool.name, kind=tool.kind, title=title, status=status, status_since=since, **own))
        return found

    def tool(self, name: str, as_of: date | None = None) -> Tool:
        self.settings.tool(name)
        return next(tool for tool in self.tools(as_of) if tool.name == name)

    def statuses(self, name: str) -> list[StatusHeld]:
        """Every status a tool has had, oldest first: status, from_on, reason, by, at."""
        table = schema.register_statuses
        return cast("list[StatusHeld]", self.operations.checked(table, table.c.tool == name, order_by=(table.c.from_on, table.c.id)))

    def entries(self, as_of: date | None = None) -> list[RegisterEntry]:
        """Every entry dated on or before a day (default: all), each for one tool."""
        rows = self._rows(schema.register_entries, "dated", "id")
        names = [tool.name for tool in self.settings.tools]
        return [
            RegisterEntry(
                tool=name,
                kind=row["kind"],
                dated=row["dated"],
                by=row["by_whom"],
                reference=row["document_ref"],
                words=row["title"],
                conditions=row["conditions"],
                review_by=row["review_by"],
                made=row["outcome"] not in ("refused", "none made"),
                refused=row["outcome"] == "refused",
            )
            for row in rows
            if as_of is None or row["dated"] <= as_of
            for name in ([row["tool"]] if row["tool"] else names)
        ]

    def enter(self, entry: Mapping[str, Any], event: Event) -> int:
        """Adds an entry: tool (None: every tool), kind, title, outcome, dated, by_whom, document_ref, conditions, review_by."""
        with self.operations.writing(event) as tx:
            tx.says(kind=entry["kind"], tool=entry.get("tool"), outcome=entry.get("outcome"))
            return tx.insert(schema.register_entries, **entry, entered_by=event.actor, at=tx.at)

    def set_status(self, name: str, status: Status, from_on: date, reason: str | None, event: Event) -> None:
        """A tool's status from a day on.

        Raises: NotFit (`approvals_missing`) for trial or in use while an approval that day asks for is missing, lapsed or refused.
        """
        self.settings.tool(name)
        lacking = in_the_way(self.tool(name, from_on), status, self.entries(from_on), from_on)
        if lacking:
            raise NotFit(
                f"The register lacks what {name} needs to be {status} from {from_on}: " + " ".join(finding.says for finding in lacking),
                code="approvals_missing",
                next_step="Enter the approvals first (harmcast register enter), dated on or before that day; until then it stays in shadow.",
            )
        with self.operations.writing(event) as tx:
            tx.says(tool=name, status=status, from_on=from_on.isoformat())
            tx.insert(
                schema.register_statuses, tool=name, status=status, from_on=from_on, reason=reason, by=event.actor, at=tx.at
            )

    def describe(self, name: str, fields: Mapping[str, str | None], event: Event, from_on: date | None = None) -> None:
        """Writes what the register says of a tool (`FIELDS`) from a day on (default today); what is not named stays as it is.

        Earlier words stay held: a report of an earlier day says what stood then.
        """
        unknown = set(fields) - set(FIELDS)
        if unknown:
            raise KeyError(f"no such field: {', '.join(sorted(unknown))}")
        tool = self.settings.tool(name)
        table = schema.register_tools
        with self.operations.writing(event) as tx:
            day = (from_on or date.fromisoformat(tx.at[:10])).isoformat()
            tx.says(tool=name, fields=sorted(fields), from_on=day)
            row = tx.execute(sa.select(table).where(table.c.tool == name)).first()
            said = _said_of(dict(row._mapping)) if row else []
            said += [{"field": f, "words": words, "from_on": day, "at": tx.at, "by": event.actor} for f, words in sorted(fields.items())]
            newest = _standing(said, None)
            values = {
                "title": tool.title or name,
                **{column: newest.get(field) for field, column in COLUMNS.items()},
                "document": json.dumps({"said": said}, sort_keys=True, ensure_ascii=False),
                "changed_at": tx.at,
                "by": event.actor,
            }
            put(tx, table, {"tool": name}, values)

    def cost(self, name: str, as_of: date | None = None) -> str | None:
        """What the register says a tool costs, as it stood on a day (default: now)."""
        return _standing(self._said().get(name, []), as_of).get("cost")

    def _said(self) -> dict[str, list[SaidOfTool]]:
        return {row["tool"]: _said_of(row) for row in self._rows(schema.register_tools, "tool")}

    def _statuses(self, as_of: date | None) -> dict[str, tuple[Status, date]]:
        """Each tool's status on a day, and since when: read at once, for every page asks."""
        rows = self._rows(schema.register_statuses, "from_on", "id")
        return {row["tool"]: (row["status"], row["from_on"]) for row in rows if as_of is None or row["from_on"] <= as_of}

    def _begun(self) -> date:
        """The day the state was made."""
        made = self.operations.rows(sa.select(schema.events.c.at).order_by(schema.events.c.seq).limit(1))
        return date.fromisoformat(made[0]["at"][:10]) if made else date.min


def _said_of(row: Mapping[str, Any]) -> list[SaidOfTool]:
    """Everything written of a tool, oldest first: field, words, from_on, at, by.

    A row of an earlier version holds the newest words alone; they count from the first day.
    """
    document = json.loads(row["document"] or "{}")
    if "said" in document:
        return list(document["said"])
    held = {field: row[column] for field, column in COLUMNS.items()} | document
    return [
        {"field": field, "words": words, "from_on": date.min.isoformat(), "at": row["changed_at"], "by": row["by"]}
        for field, words in sorted(held.items())
        if words is not None
    ]


def _standing(said: Sequence[SaidOfTool], as_of: date | None) -> dict[str, str | None]:
    """The words of each field that stand on a day: of those that began by then, the last to begin and to be written."""
    begun = [one for one in said if as_of is None or one["from_on"] <= as_of.isoformat()]
    return {one["field"]: one["words"] for one in sorted(begun, key=lambda one: (one["from_on"], one["at"]))}
