"""Data quality: the load that waits, each delivery and how its rows add up, what was put aside or refused by which rule, how offences were weighed."""

from __future__ import annotations

from typing import Any

from starlette.responses import Response

from harmcast.documents.effects import WHY_WAITS
from harmcast.oversight.access import Action
from harmcast.publish import released
from harmcast.store import loads
from harmcast.store.reads import data_quality
from harmcast.web import areas
from harmcast.web.guard import Here, Number, Pages
from harmcast.web.shell import page
from harmcast.words.tools import tool_title

pages = Pages()
SHOWN, SHOWN_FAULTS = 12, 100


@pages.get("/data-quality", Action.VIEW_DATA_QUALITY, view="data_quality_viewed")
def quality_page(visit: Here, delivery: Number = 0) -> Response:
    """The last deliveries, and one of them file by file: the one asked for, else the one that waits, else the newest."""
    deliveries = data_quality.deliveries(visit.operations, SHOWN)
    waiting = loads.waiting(visit.operations)
    wanted = delivery or (waiting.number if waiting else 0)
    chosen = next((d for d in deliveries if d.id == wanted), deliveries[0] if deliveries else None)
    return page(
        visit,
        "quality",
        title="Data quality",
        deliveries=deliveries,
        chosen=chosen,
        load=loads.numbered(visit.operations, chosen.id) if chosen else None,
        files=data_quality.files(visit.operations, chosen.id) if chosen else [],
        waiting=waiting,
        why_waits=[WHY_WAITS[why] for why in waiting.why_waits] if waiting else [],
        refused=data_quality.faults(visit.operations, chosen.id)[:SHOWN_FAULTS] if chosen and chosen.standing == "refused" else [],
        rules=data_quality.set_aside(visit.operations, chosen.id) if chosen else [],
        all_rules=data_quality.set_aside(visit.operations, None),
        tools=[_release(visit, tool) for tool in visit.seen_tools],
    )


def _release(visit: Here, tool: Any) -> dict[str, Any]:
    """What the newest release says of the data it was made from."""
    newest = visit.state.releases.newest(tool.name)
    said = released.manifest(newest) if newest else {}
    about = released.document(newest, f"{tool.name}_about") if newest else {}
    return {
        "name": tool.name,
        "monitor": released.document(newest, f"{tool.name}_monitor") if newest and visit.may(Action.VIEW_AUDIT) else {},
        "title": tool_title(tool),
        "release": newest,
        "warnings": said.get("tools", {}).get(tool.name, {}).get("warnings", []),
        "volume": said.get("volume"),
        "left_out": about.get("left_out"),
        "weights": about.get("weights"),
        "notes": [say(newest, tool.name) for say in (areas.incidents_say, areas.without_filter_says)] if newest else [],
    }
