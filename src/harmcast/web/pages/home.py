"""The home: what is open and one's own, what waits for others, what was closed lately and how; beside it what the role watches."""

from __future__ import annotations

from starlette.responses import Response

from harmcast.oversight.access import Action, Role
from harmcast.web import homes, open_work
from harmcast.web.guard import Here, Pages
from harmcast.web.shell import go, home_of, page

pages = Pages()
HEADINGS = {
    Role.INTELLIGENCE_ANALYST: "Your work this week",
    Role.SUPERVISOR: "What waits for you",
    Role.DATA_SCIENTIST: "What waits for you",
    Role.ETHICS_REVIEWER: "What waits for the panel",
    Role.DATA_PROTECTION_OFFICER: "Requests and approvals",
    Role.ADMINISTRATOR: "Accounts",
}


@pages.get("/home", Action.USE_OWN_ACCOUNT, view="home_viewed")
def home_page(visit: Here, all: str = "") -> Response:
    """The role's home; people stand on the homes of their own unit alone, under `My people` and `Unit work`."""
    own = home_of(visit)[1]
    if own != "/home":
        return go(own)
    desk = open_work.desk(visit)
    seen = homes.areas_at_once(visit, desk.mine) if visit.role is Role.INTELLIGENCE_ANALYST else None
    return page(
        visit,
        "home",
        title="Home",
        heading=HEADINGS[visit.role],
        **homes.desk_shown(visit, desk, bool(all)),
        cards=homes.cards(visit),
        areas=seen,
        about=seen.about if seen else None,
        days_left=(lambda item: homes.days_left(item, visit.today)) if visit.role is Role.DATA_PROTECTION_OFFICER else None,
    )
