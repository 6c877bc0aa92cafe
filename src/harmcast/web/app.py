"""The dashboards: one FastAPI application for one state. It shows what was published and makes no number of its own."""

from __future__ import annotations

import logging
import secrets
from typing import Any
from urllib.parse import urlencode

from fastapi import FastAPI, Request
from fastapi.exceptions import RequestValidationError
from fastapi.routing import APIRoute
from starlette.exceptions import HTTPException
from starlette.responses import HTMLResponse, Response

from harmcast.errors import AccessDenied, HarmcastError, RunStopped, traced
from harmcast.oversight.access import PURPOSES, Action
from harmcast.store import kept_settings
from harmcast.store.state import State
from harmcast.web import guard, pages, ready, templating
from harmcast.web.forms import typed
from harmcast.web.security import SecurityHeaders
from harmcast.web.shell import go, page
from harmcast.web.visit import UNSAFE, PurposeNeeded, Refused, Visit

log = logging.getLogger("harmcast.web")
LOGGING: dict[str, Any] = {
    "version": 1,
    "disable_existing_loggers": False,
    "formatters": {"lines": {"()": "harmcast.web.app.LogLine", "format": "%(levelname)s: %(message)s"}},
    "handlers": {"out": {"class": "logging.StreamHandler", "formatter": "lines"}},
    "root": {"handlers": ["out"], "level": "WARNING"},
}
NOT_ANSWERED = {
    404: ("Page not found", "Check the address, or go back to where you came from."),
    405: ("This address takes no such request", "Go back and use the page's own form."),
}
VENDOR_NEEDED = templating.STATIC / "vendor" / "govuk-frontend.min.css"


class LogLine(logging.Formatter):
    """A log line; of an error its kind and places alone, because its words may hold a record."""

    def formatException(self, ei: Any) -> str:
        return traced(ei[1])


def create_app(state: State) -> FastAPI:
    """The application of an open state.

    Raises: RunStopped (`assets_missing`) if the style sheets were not built.
    """
    if not VENDOR_NEEDED.is_file():
        raise RunStopped(
            "The pages' style sheets are not built.",
            code="assets_missing",
            next_step="Run `make install`, which runs `npm ci` and `python -m harmcast.web.assets`.",
        )
    app = FastAPI(title="harmcast", openapi_url=None, docs_url=None, redoc_url=None)
    app.state.harmcast = state
    app.state.https = str(state.settings.web.base_url or "").startswith("https://")
    app.state.templates = templating.environment()
    for part in pages.all_pages():
        app.router.routes.extend(part.router.routes)
    _require_access_named(app)
    _answer_errors(app)
    app.add_middleware(SecurityHeaders, https=app.state.https)
    return app


def _require_access_named(app: FastAPI) -> None:
    """Every route names an action of the access table; a route that does not stops the start."""
    for route in app.routes:
        extra = route.openapi_extra if isinstance(route, APIRoute) else None
        if not extra or guard.ACCESS not in extra:
            raise ValueError(f"the route {getattr(route, 'path', route)} names no access")
        Action(extra[guard.ACCESS])


def _plain_visit(request: Request) -> Visit:
    """A visit for a page that says what went wrong: signed in if the session can be read."""
    state: State = request.app.state.harmcast
    try:
        session = guard.session_of(request, state)
    except HarmcastError:
        session = None
    return Visit(request, state, session, Action.READ_NOTICES)


def _problem(request: Request, status: int, title: str, words: str) -> Response:
    """A page that says what went wrong; of a form that was sent, that nothing was saved, and what was typed."""
    visit = _plain_visit(request)
    sent = request.method in UNSAFE
    written = typed(getattr(request.state, "sent", {})) if sent and visit.session is not None else []
    return page(visit, "problem", status, title=title, words=words, sent=sent, typed=written)


def _answer_errors(app: FastAPI) -> None:
    @app.exception_handler(Refused)
    def refused(request: Request, error: Refused) -> Response:
        if error.status == 401:
            lost = {"lost": "yes"} if request.method in UNSAFE and error.where != "/kept" else {}
            return go("/sign-in?" + urlencode({"next": error.where or "/", **lost}))
        return _problem(request, error.status, error.title, error.words)

    @app.exception_handler(PurposeNeeded)
    def unsaid(request: Request, error: PurposeNeeded) -> Response:
        form = error.visit.fields
        if request.method != "GET":
            form.fault("purpose", "Choose why you are opening this person")
        title, room = "Why are you opening this person?", request.url.path.split("/")[1]
        return page(error.visit, "purpose", title=title, address=f"/{room}/{error.key}/open", home=f"/{room}", purposes=PURPOSES)

    @app.exception_handler(AccessDenied)
    def denied(request: Request, error: AccessDenied) -> Response:
        return _problem(request, 403, "You cannot do this", f"{error.message} {error.next_step}")

    @app.exception_handler(HarmcastError)
    def stopped(request: Request, error: HarmcastError) -> Response:
        reference = secrets.token_hex(4)
        log.error("page refused: code=%s reference=%s path=%s", error.code, reference, request.scope["route"].path)
        return _bare_problem(503, "The service is not available", error.message, reference)

    @app.exception_handler(RequestValidationError)
    def unreadable(request: Request, error: RequestValidationError) -> Response:
        return _problem(
            request, 400, "This address cannot be read", "A part of the address is not what the page expects."
        )

    @app.exception_handler(HTTPException)
    def plain(request: Request, error: HTTPException) -> Response:
        title, words = NOT_ANSWERED.get(error.status_code, ("The request was not understood", "Go back and try again."))
        return _problem(request, error.status_code, title, words)

    @app.exception_handler(Exception)
    def bug(request: Request, error: Exception) -> Response:
        reference = secrets.token_hex(4)
        log.error("page failed: reference=%s %s", reference, traced(error))
        return _bare_problem(
            500,
            "Something went wrong",
            "Nothing was saved. The operator finds what happened by its reference.",
            reference,
        )


def _bare_problem(status: int, title: str, words: str, reference: str) -> Response:
    """A page that needs neither database nor session."""
    html = templating.environment().get_template("bare_problem.html").render(title=title, words=words, reference=reference)
    return HTMLResponse(html, status_code=status)


def serve(state: State, host: str = "127.0.0.1", port: int = 8000, log_level: str = "warning") -> None:
    """Serves the dashboards until stopped. Raises StoreDamaged (`settings_by_hand`)."""
    import uvicorn

    kept_settings.must_be_taken(state.root, state.operations)
    ready.keep(state)
    uvicorn.run(
        create_app(state), host=host, port=port, log_level=log_level, log_config=LOGGING, server_header=False, proxy_headers=False
    )  # fmt: skip


def routes(app: FastAPI) -> list[dict[str, Any]]:
    """Every route with its method, path, action and view: for the reference and the tests."""
    return [
        {
            "method": next(iter(sorted((route.methods or set()) - {"HEAD"}))),
            "path": route.path,
            "action": (route.openapi_extra or {})[guard.ACCESS],
            "view": (route.openapi_extra or {}).get(guard.VIEW),
        }
        for route in app.routes
        if isinstance(route, APIRoute)
    ]
