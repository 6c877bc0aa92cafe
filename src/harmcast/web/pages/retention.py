"""Retention, for the data protection officer: whose review is due or overdue, by unit and group, and what removing would do."""

from __future__ import annotations

import polars as pl
from starlette.responses import Response

from harmcast.oversight.access import Action
from harmcast.store import retention
from harmcast.store.reads import erased, reviews
from harmcast.web.guard import Here, Pages
from harmcast.web.shell import page

pages = Pages()
SOON_DAYS = 91
GROUPS = {
    1: "Group 1: serious offences, public protection",
    2: "Group 2: other sexual, violent or serious offences",
    3: "Group 3: all other offences",
    4: "Group 4: undetected or other",
}


@pages.get("/retention", Action.VIEW_RETENTION, view="retention_viewed")
def retention_page(visit: Here) -> Response:
    """Counts by review group and unit, people that are overdue by their key, and what was removed."""
    people = reviews.states(visit.state, visit.today, SOON_DAYS)
    overdue = people.filter(pl.col("state") == "overdue").sort("review_due_on", "person_key")
    return page(
        visit,
        "retention",
        title="Retention",
        groups=[{**row, "name": GROUPS.get(row["review_group"], "No group given")} for row in reviews.by_group(people)],
        people=people.height,
        overdue=overdue.height,
        rows=overdue.select("person_key", "unit", "review_group", "review_due_on").head(50).rows(named=True),
        soon_days=SOON_DAYS,
        due=retention.due(visit.state, visit.today).group_by("reason").len("people").sort("reason").rows(named=True),
        removed=erased.by_day(visit.operations),
        rules=visit.settings.retention,
    )
