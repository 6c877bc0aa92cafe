"""Tiles of the ground, and finding a cell by what one knows: a place, a street, a postcode, a reference."""

from __future__ import annotations

import gzip
import re

from starlette.responses import Response

from harmcast.errors import RunStopped
from harmcast.ground import drawing, finding
from harmcast.oversight.access import Action
from harmcast.web import force_map, map_service
from harmcast.web.guard import Here, Pages, not_found
from harmcast.web.pages.area import around, choose, rows_of
from harmcast.web.shell import go, page

pages = Pages()
_NAME = re.compile(r"^[0-9a-f]{12}$")
_EMPTY = b'<svg xmlns="http://www.w3.org/2000/svg" width="512" height="512"/>'
MOST_CELLS = 60


@pages.get("/ground/{name}/{z}/{x}/{y}.svg", Action.VIEW_AREAS, view=None)
def tile(visit: Here, name: str, z: int, x: int, y: int) -> Response:
    """One tile of a compiled ground. A map's background tells nothing of what was looked for: no view is logged."""
    path = visit.state.grounds.named(name) if _NAME.match(name) else None
    if path is None or z not in drawing.TILE_ZOOMS:
        raise not_found("There is no such tile.")
    ground = force_map.open_ground(path)
    if not force_map.covers(ground, z, x, y):
        return Response(_EMPTY, media_type="image/svg+xml")
    content = force_map.tile(ground, z, x, y)
    if "gzip" in visit.request.headers.get("accept-encoding", ""):
        return Response(content, media_type="image/svg+xml", headers={"content-encoding": "gzip"})
    return Response(gzip.decompress(content), media_type="image/svg+xml")


@pages.get("/map-service/{z}/{x}/{y}", Action.VIEW_AREAS, view=None)
def map_service_tile(visit: Here, z: int, x: int, y: int) -> Response:
    """One tile of the force's own map service, asked for by this service: 502 where it fails, 503 while it rests."""
    service = map_service.service_of(visit.settings.map, visit.settings.force.crs)
    if service is None or z not in drawing.TILE_ZOOMS or max(abs(x), abs(y)) > map_service.FARTHEST_TILE:
        raise not_found("There is no such tile.")
    try:
        content, kind = service.tile(z, x, y)
    except RunStopped as error:
        return Response(status_code=503 if error.code == "map_service_rests" else 502)
    return Response(content, media_type=kind)


@pages.get("/areas/{tool}/find", Action.VIEW_AREAS, view=None)
def find(visit: Here, tool: str, q: str = "", week: str = "") -> Response:
    """Cells by what someone typed. The log keeps what kind of thing was asked for and how much was found, never the words."""
    chosen = choose(visit, tool, week)
    rows = rows_of(chosen)
    found = finding.find(q, force_map.ground_of(visit.state), visit.settings.force.crs)
    drawn = force_map.drawn_by(chosen.release, chosen.tool)
    boxes = [force_map.cell_of(drawn, chosen.tool, row).box for row in rows]
    hits = [(hit, [rows[k] for k in finding.cells_of(hit, boxes)]) for hit in found.hits]
    inside = [(hit, held) for hit, held in hits if held]
    called = [] if hits or not q else finding.by_name(q[: finding.LONGEST], [row.place for row in rows])
    if called:
        inside.append((finding.Hit(q, "As places of this tool are called", ()), [rows[k] for k in called]))
    visit.looked(visit.event("consultation", "place_found", about=f"areas:{tool}", asked=found.asked, hits=len(inside)))
    if len(inside) == 1 and len(inside[0][1]) == 1:
        return go(f"/areas/{tool}/cells/{inside[0][1][0].cell}" + ("" if chosen.is_newest else f"?week={chosen.release.name}"))
    return page(
        visit,
        "find",
        title="Find a place",
        **around(visit, chosen),
        asked=q,
        hits=[(hit, held[:MOST_CELLS], len(held)) for hit, held in inside],
        outside=len(hits) - len(inside),
        has_names=force_map.ground_of(visit.state) is not None,
    )
