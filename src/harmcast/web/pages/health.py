"""What machines ask: whether the service answers, and its figures. Neither needs a session, neither says anything of anybody."""

from __future__ import annotations

from starlette.responses import PlainTextResponse, Response

from harmcast.errors import HarmcastError
from harmcast.operate import metrics
from harmcast.oversight.access import Action
from harmcast.web.guard import Here, Pages

pages = Pages()


@pages.get("/healthz", Action.ASK_HEALTH, view=None)
def healthz(visit: Here) -> Response:
    """200 where the service can read its operational database, 503 where it cannot; no more is said."""
    try:
        visit.operations.fact("state_id")
    except HarmcastError:
        return PlainTextResponse("unwell\n", status_code=503)
    return PlainTextResponse("well\n")


@pages.get("/metrics", Action.COLLECT_FIGURES, view=None)
def figures(visit: Here) -> Response:
    """The operator's figures in Prometheus' text format, for the force's own collector."""
    return Response(metrics.text(visit.state, visit.today), media_type="text/plain; version=0.0.4; charset=utf-8")
