"""Style sheets, scripts and the icon: read once, served with the headers of every other response."""

from __future__ import annotations

import mimetypes
from functools import lru_cache

from starlette.responses import Response

from harmcast.oversight.access import Action
from harmcast.web.guard import Pages, not_found
from harmcast.web.templating import STATIC

pages = Pages()
mimetypes.add_type("text/javascript", ".js")


@lru_cache(maxsize=1)
def _files() -> dict[str, tuple[bytes, str]]:
    return {
        path.relative_to(STATIC).as_posix(): (path.read_bytes(), mimetypes.guess_type(path.name)[0] or "text/plain")
        for path in sorted(STATIC.rglob("*"))
        if path.suffix in (".css", ".js", ".svg")
    }


@pages.get("/static/{name:path}", Action.READ_NOTICES, view=None)
def static_file(name: str) -> Response:
    """One file by its name; nothing outside the folder can be named."""
    found = _files().get(name)
    if found is None:
        raise not_found("There is no such file.")
    return Response(found[0], media_type=found[1])
