"""Lists that leave: capped, with a reason, names only with a second person, a watermark line, each one counted and logged."""

from __future__ import annotations

import hashlib
import json
from collections.abc import Callable
from datetime import timedelta
from typing import Any

import polars as pl
import sqlalchemy as sa
from starlette.responses import Response

from harmcast.oversight import log
from harmcast.oversight.access import PURPOSES, Action, Role
from harmcast.publish.release_files import NOTICE
from harmcast.store import schema
from harmcast.tables import BANDS
from harmcast.web import released, roster, unit_people
from harmcast.web.forms import Form
from harmcast.web.guard import Here, Number, Pages, Refused, Visit, not_found
from harmcast.web.pages.area import csv_text
from harmcast.web.sessions import now_utc
from harmcast.web.shell import go, page

pages = Pages()
WHAT = "people"
ALARM_EXPORTS_A_DAY = 5
COLUMNS = [
    "person_ref",
    "band",
    "band_last_week",
    "changed_from",
    "changed_week",
    "harm",
    "chance_high_harm_12m",
    "chance_high_harm_12m_low",
    "chance_high_harm_12m_high",
    "managed",
    "managed_on",
    "custody",
    "decision",
    "review_on",
]
SAVED = {"asked": "Your request is saved. A supervisor of your unit decides on it.", "decided": "Your answer is saved."}


@pages.get("/exports", Action.EXPORT_PEOPLE, view="exports_viewed")
def exports_page(visit: Here, saved: str = "") -> Response:
    """A form for a download, and the unit's requests and downloads."""
    return _shown(visit, Form({}), notice=SAVED.get(saved))


def _same_unit(visit: Visit, table: sa.Table) -> sa.ColumnElement[bool]:
    return table.c.unit.is_(None) if visit.user.unit is None else table.c.unit == visit.user.unit


def _shown(visit: Visit, form: Form, status: int = 200, **values: Any) -> Response:
    zone, names = visit.settings.force.timezone, _names(visit)

    def rows(table: sa.Table) -> list[dict[str, Any]]:
        query = (
            sa.select(table).where(_same_unit(visit, table), table.c.what == WHAT).order_by(table.c.id.desc()).limit(25)
        )
        found = visit.operations.rows(query)
        return [{**r, "when": released.local(r["at"], zone), "by_name": names.get(r["by"], r["by"])} for r in found]

    requests = rows(schema.export_requests)
    taken = {
        r["request"]
        for r in visit.operations.rows(sa.select(schema.exports.c.request).where(schema.exports.c.request.is_not(None)))
    }
    return page(
        visit,
        "exports",
        status,
        title="Download a list",
        bands=BANDS,
        purposes=PURPOSES,
        most=visit.settings.web.export_rows,
        requests=[
            {
                **r,
                "taken": r["id"] in taken,
                "own": r["by"] == visit.user.account,
                "band": json.loads(r["query"]).get("band"),
            }
            for r in requests
        ],
        exports=rows(schema.exports),
        may_approve=visit.may(Action.APPROVE_EXPORT),
        form=form,
        errors=form.errors,
        **values,
    )


def _names(visit: Visit) -> dict[str, str]:
    return {
        r["account"]: r["name"] for r in visit.operations.rows(sa.select(schema.users.c.account, schema.users.c.name))
    }


@pages.post("/exports", Action.EXPORT_PEOPLE)
def ask(visit: Here) -> Response:
    """Without names: the list at once. With names: a request that a second person decides on."""
    form = Form(visit.form)
    band = form.value("band")
    if band and band not in BANDS:
        form.fault("band", "Choose a band of the list")
    with_names = form.choice("names", {"no": "no", "yes": "yes"}, "Choose whether the list holds names") == "yes"
    reason = form.words("reason", "Say what the list is for and who gets it", 500)
    if form.errors:
        return _shown(visit, form, 400)
    if not with_names:
        return _sent(visit, band, reason, None)
    event = visit.event("administration", "export_requested", about=f"export:{WHAT}", with_names=True)
    with visit.writing(event) as tx:
        tx.insert(
            schema.export_requests, what=WHAT, query=json.dumps({"band": band}), with_names=True, reason=reason,
            by=visit.user.account, role=visit.role.value, unit=visit.user.unit, at=tx.at,
        )  # fmt: skip
    return go("/exports?saved=asked")


def _request(visit: Visit, number: int) -> dict[str, Any]:
    table = schema.export_requests
    rows = visit.operations.rows(sa.select(table).where(table.c.id == number, _same_unit(visit, table)))
    if not rows:
        raise not_found("There is no such request in your unit.")
    return rows[0]


@pages.post("/exports/{number}/decision", Action.APPROVE_EXPORT)
def decide(visit: Here, number: Number) -> Response:
    """A second person grants or refuses a list with names; never one's own request."""
    request, form = _request(visit, number), Form(visit.form)
    answer = form.choice("answer", {"granted": "granted", "refused": "refused"}, "Choose whether you grant it")
    if request["by"] == visit.user.account:
        form.fault("answer", "You asked for this list: a second person decides on it")
    if request["decision"]:
        form.fault("answer", "This request is decided already")
    if form.errors:
        return _shown(visit, form, 400)
    table = schema.export_requests
    with visit.writing(visit.event("administration", f"export_{answer}", about=f"export_request:{number}")) as tx:
        still_open = sa.and_(table.c.id == number, table.c.decision.is_(None))
        done = tx.execute(
            sa.update(table).where(still_open).values(decision=answer, decided_by=visit.user.account, decided_at=tx.at)
        )
        if done.rowcount != 1:
            raise Refused(409, "This request is decided already", "Somebody else decided on it in between. Nothing of yours was saved.")
    return go("/exports?saved=decided")


@pages.post("/exports/{number}/download", Action.EXPORT_PEOPLE)
def download(visit: Here, number: Number) -> Response:
    """The list that was granted, once, to whoever asked for it."""
    request = _request(visit, number)
    if request["by"] != visit.user.account or request["decision"] != "granted":
        raise Refused(
            403,
            "This list is not open to you",
            "A list with names goes to whoever asked for it, after a second person granted it.",
        )
    with visit.operations.reading() as connection:
        _once(connection.execute, number)
    return _sent(visit, json.loads(request["query"]).get("band", ""), request["reason"], number)


def _once(execute: Callable[[Any], Any], number: int) -> None:
    """A granted list leaves once. Raises Refused."""
    if execute(sa.select(schema.exports.c.id).where(schema.exports.c.request == number)).first() is not None:
        raise Refused(403, "This list was downloaded already", "Ask again if you need it anew.")


def _sent(visit: Visit, band: str, reason: str, request: int | None) -> Response:
    """The file, after its row and its event are written."""
    tool, releases = unit_people.history(visit)
    people = unit_people.own(visit, tool, releases)
    most = visit.settings.web.export_rows
    frame = roster.filtered(unit_people.on_list(visit, people), band).filter(~pl.col("closed"))
    if visit.role != Role.SUPERVISOR:
        frame = frame.filter(~pl.col("restricted"))
    whole, frame = frame.height, frame.head(most)
    names = ["name"] if request is not None else []
    shown = frame.select(names + COLUMNS)
    about = unit_people.about(visit, tool, people.release)
    watermark = f"Downloaded by {visit.user.name} ({visit.user.account}) on {visit.now:%d %B %Y at %H:%M} for: {reason.splitlines()[0][:200]}. Keep it no longer than {visit.settings.retention.export_days} days; pass it on to nobody else."
    header = [
        NOTICE,
        f"{visit.settings.force.name}. {visit.user.unit or 'People without a unit'}. Release {about.week}. Data to {about.data_to}. Model: {about.model}.",
    ]
    header += [f"Rows 1 to {frame.height} of {whole}; at most {most} in one list.", _harmless(watermark)]
    if visit.settings.force.invented:
        header.append("Invented force: no person or figure here is real.")
    content = csv_text(shown, header)
    event = visit.event(
        "disclosure",
        "people_downloaded",
        about=f"release:{people.release.name}",
        rows=frame.height,
        with_names=request is not None,
        shown=frame["person_key"].to_list(),
    )
    table = schema.exports
    with visit.writing(event) as tx:
        if request is not None:
            _once(tx.execute, request)
        tx.insert(
            table, what=WHAT, rows=frame.height, with_names=request is not None, reason=reason, request=request,
            subjects=json.dumps(frame["person_key"].to_list()), sha256=hashlib.sha256(content).hexdigest(),
            by=visit.user.account, role=visit.role.value, unit=visit.user.unit, at=tx.at,
        )  # fmt: skip
        day_ago = log.instant(now_utc(tx.at) - timedelta(days=1))
        query = sa.select(sa.func.count()).where(
            table.c.by == visit.user.account, table.c.what == WHAT, table.c.at > day_ago
        )
        if int(tx.execute(query).scalar_one()) == ALARM_EXPORTS_A_DAY:
            unit_people.alarm(
                tx,
                visit,
                f"{visit.user.name} ({visit.user.account}) downloaded {ALARM_EXPORTS_A_DAY} lists of people within a day.",
            )
    name = f"people-{people.release.name}.csv"
    return Response(
        content, media_type="text/csv; charset=utf-8", headers={"content-disposition": f'attachment; filename="{name}"'}
    )


def _harmless(line: str) -> str:
    """A line of words that no spreadsheet takes for a formula."""
    return f"'{line}" if line[:1] in "=+-@\t\r" else line
