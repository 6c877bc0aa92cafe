"""Retention, for the data protection officer: whose review is due or overdue, by unit and group, and what removing would do."""

from __future__ import annotations

from datetime import timedelta

import polars as pl
from starlette.responses import Response

from harmcast.oversight.access import Action
from harmcast.store import retention
from harmcast.store.reads import erased
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
    people = visit.state.records.persons().join(visit.state.person_keys(), on="person_ref", how="inner")
    soon = visit.today + timedelta(days=SOON_DAYS)
    state = (
        pl.when(pl.col("review_due_on").is_null()).then(pl.lit("unknown"))
        .when(pl.col("review_due_on") < visit.today).then(pl.lit("overdue"))
        .when(pl.col("review_due_on") <= soon).then(pl.lit("soon"))
        .otherwise(pl.lit("later"))
    )  # fmt: skip
    people = people.with_columns(state=state)
    groups = (
        people.group_by("review_group")
        .agg(
            people=pl.len(),
            **{name: (pl.col("state") == name).sum() for name in ("overdue", "soon", "later", "unknown")},
        )
        .sort("review_group", nulls_last=True)
    )
    overdue = people.filter(pl.col("state") == "overdue").sort("review_due_on", "person_key")
    return page(
        visit,
        "retention",
        title="Retention",
        groups=[
            {**row, "name": GROUPS.get(row["review_group"], "No group given")} for row in groups.iter_rows(named=True)
        ],
        people=people.height,
        overdue=overdue.height,
        rows=overdue.select("person_key", "unit", "review_group", "review_due_on").head(50).rows(named=True),
        soon_days=SOON_DAYS,
        due=retention.due(visit.state, visit.today).group_by("reason").len("people").sort("reason").rows(named=True),
        removed=erased.by_day(visit.operations),
        rules=visit.settings.retention,
    )
