"""What the data protection officer does for people and the law, without a shell: a person's report, erasure by two, the log verified.

What was upheld and waits to be corrected stands on the data scientist's page, by key and without words.
"""

from __future__ import annotations

from starlette.responses import Response

from harmcast.errors import HarmcastError, RunStopped
from harmcast.oversight.access import Action, Role
from harmcast.publish.qlik.qvd import qvd
from harmcast.runs import subject_report
from harmcast.store import erasure_requests, representations, retention
from harmcast.store import verify as verification
from harmcast.store.retention import Forgotten
from harmcast.store.users import Actor
from harmcast.web import open_work
from harmcast.web.forms import Form
from harmcast.web.guard import Here, Number, Pages, Refused, Visit, not_found
from harmcast.web.shell import download, go, page

pages = Pages()
KINDS_OF_FILE = {"html": "text/html; charset=utf-8", "json": "application/json"}
SHOWN = 50
SAVED = {
    "asked": "Your request is saved. Nobody is erased until a second person lets the list go.",
    "erased": "It is done: the people are erased and the files are written again without them.",
    "refused": "The request is refused. Nobody was erased.",
    "rescored": "It is saved, and the item is closed.",
}


# -- one person's report ---------------------------------------------------------------------------


@pages.get("/subject", Action.REPORT_SUBJECT, view="subject_form_viewed")
def subject_page(visit: Here) -> Response:
    """A form for the report of what is held about one person."""
    return page(visit, "subject", title="One person's report", today=visit.today)


@pages.post("/subject", Action.REPORT_SUBJECT)
def subject_made(visit: Here) -> Response:
    """The report as a file: what is held, scores, reasons, decisions, who looked. Its making is logged; no copy stays here."""
    form = visit.fields
    reference = form.words("reference", "Enter the person's reference", 100)
    kind = form.value("kind") if form.value("kind") in KINDS_OF_FILE else "html"
    if visit.second(form, "report subject"):
        try:
            files = subject_report.made(visit.state, reference, visit.today, visit.actor)
        except RunStopped as error:
            if error.code != "person_unknown":
                raise
            form.fault("reference", "Nobody of this reference is held. A person whose record was erased is not held")
    if form.errors:
        return subject_page(visit)
    return download(files[f"subject.{kind}"], f"subject-report-{visit.today.isoformat()}.{kind}", KINDS_OF_FILE[kind])


# -- erasure ---------------------------------------------------------------------------------------


def _dry_run(visit: Visit) -> tuple[Forgotten | None, str]:
    """What would go today; where it cannot be said now, why."""
    officer = Actor(visit.user.account, visit.user.name, ((Role.DATA_PROTECTION_OFFICER.value, None),))
    try:
        return retention.forget_due(visit.state, visit.today, officer, dry_run=True), ""
    except RunStopped as error:
        return None, f"{error.message} {error.next_step}"


@pages.get("/forget", Action.SECOND_ERASURE, view="erasure_viewed")
def forget_page(visit: Here) -> Response:
    """Who would be erased today and what would go with them; requests that wait for a second person."""
    told, why_not = _dry_run(visit)
    requests = [
        {**vars(r), "when": visit.local(r.at), "by_name": visit.names.get(r.by, r.by), "decided_name": visit.names.get(r.decided_by or "", r.decided_by),
         "is_current": told is not None and r.list_hash == retention.list_hash(told.keys)}
        for r in erasure_requests.newest(visit.operations)
    ]  # fmt: skip
    return page(
        visit,
        "forget",
        title="Erasure",
        told=told,
        why_not=why_not,
        shown=told.due[:SHOWN] if told else (),
        list_hash=retention.list_hash(told.keys) if told else "",
        requests=requests,
        may_ask=visit.may(Action.FORGET),
        me=visit.user.account,
        retention=visit.settings.retention,
        notice=visit.saved(SAVED),
    )


@pages.post("/forget", Action.FORGET)
def ask_to_forget(visit: Here) -> Response:
    """The first person's half: this very list, and why. It erases nobody."""
    form = visit.fields
    why = form.words("why", "Say why these may go: which rule, what you checked", 500)
    told, why_not = _dry_run(visit)
    if told is None:
        form.fault("why", why_not)
    elif retention.list_hash(told.keys) != form.value("list"):
        form.fault("why", "The list has changed since you opened the page. Read it again, then ask")
    elif not (told.count or told.old_releases or told.old_copies):
        form.fault("why", "Nothing is due to go")
    if form.errors or told is None:
        return forget_page(visit)
    event = visit.event("erasure", "erasure_asked", people=told.count, list=form.value("list"))
    with visit.writing(event) as tx:
        erasure_requests.ask(tx, form.value("list"), told.people, why, visit.user.account, visit.role.value)
    return go("/forget?saved=asked")


@pages.post("/forget/{number}", Action.SECOND_ERASURE)
def second_person(visit: Here, number: Number) -> Response:
    """The second person's half: lets the very list go, or refuses it. Never one's own request."""
    request = next((r for r in erasure_requests.newest(visit.operations, 200) if r.id == number), None)
    if request is None:
        raise not_found("There is no such request.")
    form, field = visit.fields, f"answer-{number}"
    answer = form.choice(field, ("erased", "refused"), "Choose whether they go")
    why = form.words(f"why-{number}", "Say why you refuse" if answer == "refused" else None, 500)
    if request.decision is not None:
        form.fault(field, "This request is decided already")
    elif request.by == visit.user.account and answer == "erased":
        form.fault(field, "You asked for it: a second person lets it go")
    told, why_not = _dry_run(visit) if answer == "erased" and not form.errors else (None, "")
    if answer == "erased" and not form.errors and (told is None or retention.list_hash(told.keys) != request.list_hash):
        form.fault(field, why_not or "The list is not the one that was asked for any more. Refuse it; it is asked for anew")
    if form.errors:
        return forget_page(visit)
    if answer == "erased":
        first = Actor(request.by, request.by, ((Role.DATA_PROTECTION_OFFICER.value, None),))
        try:
            retention.forget_due(visit.state, visit.today, first, approve=request.list_hash, second=visit.user.account, qvd=qvd)
        except HarmcastError as error:
            form.fault(field, f"{error.message} {error.next_step}".strip(), 409)
            return forget_page(visit)
    event = visit.event("erasure", f"erasure_{'let_go' if answer == 'erased' else 'refused'}", about=f"erasure_request:{number}")
    with visit.writing(event) as tx:
        if not erasure_requests.decide(tx, number, answer, why or None, visit.user.account):
            raise Refused(409, "This request is decided already", "Somebody else decided on it in between.")
    return go(f"/forget?saved={answer}")


# -- the log ---------------------------------------------------------------------------------------


@pages.get("/log/verify", Action.READ_LOG, view="log_verify_viewed")
def verify_page(visit: Here) -> Response:
    """A button; what it asks is said before it is pressed."""
    return page(visit, "verify", title="Verify the log", found=None)


@pages.post("/log/verify", Action.READ_LOG)
def verify(visit: Here) -> Response:
    """Recomputes the log, its rows and files, and compares with the lines kept outside."""
    found = verification.verify(visit.state)
    visit.looked(visit.event("consultation", "log_verified", faults=len(found.faults), outside=found.outside))
    return page(visit, "verify", title="Verify the log", found=found, lines=found.lines(), form=Form({}))


# -- corrections -----------------------------------------------------------------------------------


@pages.get("/corrections", Action.CORRECT_RECORD, view="corrections_viewed")
def corrections_page(visit: Here) -> Response:
    """What was upheld and waits to be corrected at source and scored again, by key and without words."""
    items = [item for item in open_work.seen(visit) if item.key == "upheld" and item.is_open]
    return page(visit, "corrections", title="Corrections", items=items, newest=visit.newest_of_people, notice=visit.saved(SAVED))


@pages.post("/corrections/{number}", Action.CORRECT_RECORD)
def rescored(visit: Here, number: Number) -> Response:
    """Records that the person was scored again after the correction; it takes a release made after the answer."""
    item = next((i for i in open_work.seen(visit) if i.key == "upheld" and i.is_open and i.number == number), None)
    found = representations.find(visit.operations, number)
    if item is None or found is None or found.person_key is None:
        raise not_found("There is no such correction to make.")
    newest, form = visit.newest_of_people, visit.fields
    answered = max(step["at"] for step in found.steps if step["step"] == "outcome")
    if newest is None or newest.made_at <= answered:
        form.fault(f"number-{number}", "No release was made since it was upheld: the person is scored again with the next one that is published")
        return corrections_page(visit)
    event = visit.event("alteration", "representation_step", subject=found.person_key, about=f"representation:{number}", step="rescored")
    with visit.writing(event) as tx:
        representations.add_step(tx, number, found.person_key, "rescored", None, newest.week, "", visit.user.account, visit.role.value)
    return go("/corrections?saved=rescored")
