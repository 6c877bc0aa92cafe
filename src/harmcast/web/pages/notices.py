"""What anyone may read: what the tools are and are not, and how accessible the service is."""

from __future__ import annotations

from starlette.responses import Response

from harmcast.oversight.access import Action
from harmcast.web.guard import Here, Pages
from harmcast.web.shell import page

pages = Pages()


@pages.get("/about", Action.READ_NOTICES, view=None)
def about(visit: Here) -> Response:
    """What the tools are for, and what they must not be used for."""
    return page(visit, "about", title="What these tools are and are not", tools=visit.settings.tools)


@pages.get("/accessibility", Action.READ_NOTICES, view=None)
def accessibility(visit: Here) -> Response:
    """How the service can be used by keyboard, by screen reader, without scripts and in print."""
    return page(visit, "accessibility", title="Accessibility")
