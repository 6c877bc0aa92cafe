"""Data quality: each delivery and how its rows add up, what was put aside by which rule, and how offences were weighed."""

from __future__ import annotations

import json
from typing import Any

import sqlalchemy as sa
from starlette.responses import Response

from harmcast.oversight.access import Action
from harmcast.store import schema
from harmcast.web import released
from harmcast.web.guard import Here, Number, Pages
from harmcast.web.shell import page

pages = Pages()
SHOWN = 12
PARTS = ("loaded", "unchanged", "superseded", "quarantined", "left_out")


@pages.get("/data-quality", Action.VIEW_DATA_QUALITY, view="data_quality_viewed")
def quality_page(visit: Here, delivery: Number = 0) -> Response:
    """The last deliveries, and one of them file by file."""
    deliveries = visit.operations.rows(
        sa.select(schema.deliveries).order_by(schema.deliveries.c.id.desc()).limit(SHOWN)
    )
    zone = visit.settings.force.timezone
    for row in deliveries:
        row["when"] = released.local(row["loaded_at"], zone)
        row["document"] = json.loads(row["document"])
    chosen = next((d for d in deliveries if d["id"] == delivery), deliveries[0] if deliveries else None)
    files = _files(visit, chosen["id"]) if chosen else []
    return page(
        visit,
        "quality",
        title="Data quality",
        deliveries=deliveries,
        chosen=chosen,
        files=files,
        rules=_rules(visit, chosen["id"]) if chosen else [],
        all_rules=_rules(visit, None),
        tools=[_release(visit, tool) for tool in visit.settings.tools if visit.may_see(tool.name)],
    )


def _files(visit: Here, delivery: int) -> list[dict[str, Any]]:
    table = schema.delivery_files
    rows = visit.operations.rows(sa.select(table).where(table.c.delivery == delivery).order_by(table.c.file))
    return [
        {**row, "adds_up": row["received"] == sum(row[p] for p in PARTS), "notes": json.loads(row["notes"])}
        for row in rows
    ]


def _rules(visit: Here, delivery: int | None) -> list[dict[str, Any]]:
    table = schema.quarantine
    count = sa.func.count().label("rows")
    query = (
        sa.select(table.c.file, table.c.rule, table.c.column, count)
        .group_by(table.c.file, table.c.rule, table.c.column)
        .order_by(count.desc())
    )
    if delivery is not None:
        query = query.where(table.c.delivery == delivery)
    return visit.operations.rows(query.limit(100))


def _release(visit: Here, tool: Any) -> dict[str, Any]:
    """What the newest release says of the data it was made from."""
    newest = visit.state.releases.newest(tool.name)
    said = released.manifest(newest) if newest else {}
    about = released.document(newest, f"{tool.name}_about") if newest else {}
    return {
        "name": tool.name,
        "monitor": released.document(newest, f"{tool.name}_monitor") if newest and visit.may(Action.VIEW_AUDIT) else {},
        "title": tool.title or tool.name.replace("_", " ").capitalize(),
        "release": newest,
        "warnings": said.get("tools", {}).get(tool.name, {}).get("warnings", []),
        "volume": said.get("volume"),
        "left_out": about.get("left_out"),
        "weights": about.get("weights"),
    }
