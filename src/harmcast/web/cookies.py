"""Cookies of this service: none is read by a script, none goes without https where the service has it, what one says is signed."""

from __future__ import annotations

import hmac
import secrets
from typing import Any, Literal

from starlette.responses import Response

from harmcast.web import tickets
from harmcast.web.guard import cookie_name
from harmcast.web.shell import page
from harmcast.web.visit import Visit

FORM = "harmcast-form"
EXPIRED = "The form had expired. Try again."


def put(visit: Visit, response: Response, name: str, value: str, seconds: int | None = None, samesite: Literal["lax", "strict"] = "lax") -> None:
    """Keeps a value in this browser, without `seconds` until it is closed. `lax`: it comes along from another site's link too."""
    https = visit.request.app.state.https
    response.set_cookie(cookie_name(visit.request, name), value, max_age=seconds, httponly=True, samesite=samesite, secure=https, path="/")


def drop(visit: Visit, response: Response, name: str) -> None:
    response.delete_cookie(cookie_name(visit.request, name), path="/", secure=visit.request.app.state.https, httponly=True)


def read(visit: Visit, name: str) -> str:
    return visit.request.cookies.get(cookie_name(visit.request, name), "")


def facts(visit: Visit, kind: str, name: str) -> dict[str, Any] | None:
    """What a cookie says that this service signed; None where there is none of ours."""
    try:
        return tickets.read(visit.state.secret, kind, read(visit, name))
    except ValueError:
        return None


def form_page(visit: Visit, template: str, status: int, fault: tuple[str, str] | None, **values: Any) -> Response:
    """A page with a form for somebody without a session: the form and this browser's cookie hold one token. `fault`: text and field."""
    token = secrets.token_hex(32)
    errors = [{"text": fault[0], "href": f"#{fault[1]}"}] if fault else []
    response = page(visit, template, status, form_token=token, errors=errors, **values)
    put(visit, response, FORM, token, 3600, "strict")
    return response


def form_fits(visit: Visit) -> bool:
    """Whether a form without a session was sent by the browser that had it from here."""
    held = read(visit, FORM)
    return bool(held) and hmac.compare_digest(visit.form.get("form_token", "").encode(), held.encode())
