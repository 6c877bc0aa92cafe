"""Lists that leave: capped, with a reason, names only with a second person, a watermark line, each one counted and logged."""

from __future__ import annotations

import hashlib

import polars as pl
from starlette.responses import Response

from harmcast.documents.plain import PlainRecord
from harmcast.oversight.access import Action, Role
from harmcast.publish import released, roster
from harmcast.publish.release_files import NOTICE
from harmcast.store import exports, keys
from harmcast.store.exports import Exported, ExportRequest
from harmcast.store.seen import BudgetReached
from harmcast.tables import BANDS
from harmcast.web import csv_files
from harmcast.web.guard import Here, Number, Pages, Refused, Visit, not_found
from harmcast.web.shell import download as file
from harmcast.web.shell import go, page

pages = Pages()
WHAT = "people"
SHOWN = 25
TAKEN = (403, "This list was downloaded already", "Ask again if you need it anew.")  # a granted list leaves once
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
def exports_page(visit: Here) -> Response:
    """A form for a download, and the unit's requests and downloads."""

    def signed(row: ExportRequest | Exported) -> PlainRecord:
        return {**vars(row), "when": visit.local(row.at), "by_name": visit.names.get(row.by, row.by)}

    asked = exports.requests(visit.operations, WHAT, visit.user.unit, SHOWN)
    return page(
        visit,
        "exports",
        title="Download a list",
        bands=BANDS,
        most=visit.settings.web.export_rows,
        requests=[{**signed(r), "own": r.by == visit.user.account} for r in asked],
        exports=[signed(r) for r in exports.of_unit(visit.operations, WHAT, visit.user.unit, SHOWN)],
        may_approve=visit.may(Action.APPROVE_EXPORT),
        notice=visit.saved(SAVED),
    )


@pages.post("/exports", Action.EXPORT_PEOPLE)
def ask(visit: Here) -> Response:
    """Without names: the list at once. With names: a request that a second person decides on."""
    form = visit.fields
    band = form.value("band")
    if band and band not in BANDS:
        form.fault("band", "Choose a band of the list")
    with_names = form.choice("names", ("no", "yes"), "Choose whether the list holds names") == "yes"
    reason = form.words("reason", "Say what the list is for and who gets it", 500)
    if form.errors:
        return exports_page(visit)
    if not with_names:
        return _sent(visit, band, reason, None)
    event = visit.event("administration", "export_requested", about=f"export:{WHAT}", with_names=True)
    with visit.writing(event) as tx:
        exports.ask(tx, WHAT, band, reason, visit.user.account, visit.role.value, visit.user.unit)
    return go("/exports?saved=asked")


def _request(visit: Visit, number: int) -> ExportRequest:
    found = exports.requests(visit.operations, WHAT, visit.user.unit, 1, number)
    if not found:
        raise not_found("There is no such request in your unit.")
    return found[0]


@pages.post("/exports/{number}/decision", Action.APPROVE_EXPORT)
def decide(visit: Here, number: Number) -> Response:
    """A second person grants or refuses a list with names; never one's own request."""
    request, form = _request(visit, number), visit.fields
    answer = form.choice("answer", ("granted", "refused"), "Choose whether you grant it")
    if request.by == visit.user.account:
        form.fault("answer", "You asked for this list: a second person decides on it")
    if request.decision:
        form.fault("answer", "This request is decided already")
    if form.errors:
        return exports_page(visit)
    with visit.writing(visit.event("administration", f"export_{answer}", about=f"export_request:{number}")) as tx:
        if not exports.decide(tx, number, answer, visit.user.account):
            raise Refused(409, "This request is decided already", "Somebody else decided on it in between. Nothing of yours was saved.")
    return go("/exports?saved=decided")


@pages.post("/exports/{number}/download", Action.EXPORT_PEOPLE)
def download(visit: Here, number: Number) -> Response:
    """The list that was granted, once, to whoever asked for it."""
    request = _request(visit, number)
    if request.by != visit.user.account or request.decision != "granted":
        raise Refused(
            403,
            "This list is not open to you",
            "A list with names goes to whoever asked for it, after a second person granted it.",
        )
    if request.taken:
        raise Refused(*TAKEN)
    return _sent(visit, request.band, request.reason, number)


def _sent(visit: Visit, band: str, reason: str, request: int | None) -> Response:
    """The file, after its row and its event are written."""
    (tool, _), people = visit.history(), visit.people
    most = visit.settings.web.export_rows
    frame = roster.filtered(visit.listed, band).filter(~pl.col("closed"))
    if visit.role != Role.SUPERVISOR:
        frame = frame.filter(~pl.col("restricted"))
    whole, frame = frame.height, frame.head(most)
    names = ["name"] if request is not None else []
    shown = frame.select(names + COLUMNS)
    about = released.about(people.release, tool, visit.settings.force.timezone)
    watermark = f"Downloaded by {visit.user.name} ({visit.user.account}) on {visit.now:%d %B %Y at %H:%M} for: {reason.splitlines()[0][:200]}. Keep it no longer than {visit.settings.retention.export_days} days; pass it on to nobody else."
    notice = f"{visit.settings.force.name}, {visit.user.unit or 'people without a unit'}. {NOTICE} Rows 1 to {frame.height} of {whole}; at most {most} in one list. {watermark}"
    if visit.settings.force.invented:
        notice += " Invented force: no person or figure here is real."
    content = csv_files.csv_file(shown, tool.name, about.week, about.data_to, notice)
    event = visit.event(
        "disclosure",
        "people_downloaded",
        about=f"release:{people.release.name}",
        rows=frame.height,
        with_names=request is not None,
        shown=frame["person_key"].to_list(),
    )
    digest, account = hashlib.sha256(content).hexdigest(), visit.user.account
    try:
        with visit.writing(event) as tx:
            if request is not None and exports.was_taken(tx, request):
                raise Refused(*TAKEN)
            if request is None:
                visit.count_people(tx, "people_downloaded", frame["person_key"].to_list())
            else:  # a list that a second person granted is opened whole
                keys.must_be_written(visit.operations, tx.connection, frame["person_key"].to_list())
            exports.note(
                tx, WHAT, frame.height, digest, account, visit.role.value, visit.user.unit,
                with_names=request is not None, reason=reason, request=request, subjects=frame["person_key"].to_list(),
            )  # fmt: skip
    except BudgetReached:
        visit.refuse_more_people(frame.height)
    return file(content, f"people-{people.release.name}.csv", csv_files.MEDIA)

