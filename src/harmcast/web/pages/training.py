"""Training: the method in plain words, who trains and how to reach them, what is recorded for the reader."""

from __future__ import annotations

import sqlalchemy as sa
from starlette.responses import Response

from harmcast.oversight.access import Action
from harmcast.store import schema
from harmcast.web.guard import Here, Pages
from harmcast.web.shell import page

pages = Pages()


@pages.get("/training", Action.TAKE_TRAINING, view="training_viewed")
def training(visit: Here) -> Response:
    """The tools, whether the reader is trained on each, and the material that the register names."""
    table = schema.training
    query = (
        sa.select(table)
        .where(table.c.account == visit.user.account)
        .order_by(table.c.passed_on.desc(), table.c.id.desc())
    )
    records = visit.operations.rows(query)
    entries = [e for e in visit.state.register.entries(visit.today) if e.kind == "training_material"]
    return page(
        visit,
        "training",
        title="Training",
        tools=visit.state.register.tools(visit.today),
        records={tool.name: [r for r in records if r["tool"] == tool.name] for tool in visit.settings.tools},
        material={tool.name: [e for e in entries if e.tool == tool.name] for tool in visit.settings.tools},
    )
