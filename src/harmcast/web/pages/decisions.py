"""What is written on a person's page: decision, sign-off, follow-up, data error or objection. Added, never changed."""

from __future__ import annotations

from datetime import timedelta
from typing import cast

import polars as pl
from starlette.responses import Response

from harmcast.documents.person import PersonRow
from harmcast.oversight.access import Action
from harmcast.publish import roster
from harmcast.store import desk, representations
from harmcast.store.releases import Release
from harmcast.tables import BANDS
from harmcast.web import past_scores, tickets
from harmcast.web.forms import Form
from harmcast.web.guard import Here, Number, Pages, Visit, not_found, ticket_of
from harmcast.web.pages.person import person_page, seconds_since
from harmcast.web.person_page import person_document
from harmcast.web.shell import go

pages = Pages()


def _ticket(visit: Visit, form: Form, key: str) -> tickets.PageTicket | None:
    """What the form was written on; a fault is said where it carries no ticket of this page."""
    found = tickets.of_page(visit.state.secret, form.value("ticket"), f"person:{key}", visit.user.account)
    if found is None:
        form.fault("main-content", "This form had expired. Read the page again, then save what you typed")
    return found


def _judgement(form: Form, ticket: tickets.PageTicket, band: str | None) -> str:
    """The own judgement: chosen now, or set against the band expected before the score was shown."""
    expected = ticket.judged
    if expected is None:
        return form.choice("judgement", desk.JUDGEMENTS, "Choose your own judgement")
    if band is None or expected == band:
        return "same"
    return "higher" if BANDS.index(expected) > BANDS.index(band) else "lower"


@pages.post("/people/{key}/decisions", Action.DECIDE)
def decide(visit: Here, key: str) -> Response:
    """Keeps a decision with what was shown when it was made."""
    row, form = visit.person, visit.fields
    ticket = _ticket(visit, form, key)
    if ticket is None:
        return person_page(visit, key)
    tool, releases = visit.history()
    release = next((r for r in releases if r.id == ticket.release), None)
    if release is None:
        form.fault("decision", "The release you saw was withdrawn. Read the page again, then decide", 409)
        return person_page(visit, key)
    decision = form.choice("decision", desk.DECISIONS, "Choose what you decided")
    reason = form.choice("reason", desk.REASONS, "Choose the reason")
    checks = [c for c in form.value("checks").split("\n") if c]
    upto = releases[: releases.index(release) + 1]
    seen = row if release is releases[-1] else _as_of_release(visit, upto, tool.name, key)
    own = _judgement(form, ticket, seen["band"])
    words = form.words("words", _words_missing(decision, reason))
    limits = visit.settings.decisions
    review_on = form.day(
        "review",
        "Enter the date of the next review",
        first=visit.today,
        last=visit.today + timedelta(weeks=limits.review_weeks_max),
    )
    if not checks or not set(checks) <= {*desk.CHECKS, "none"} or ("none" in checks and len(checks) > 1):
        form.fault("checks", "Choose the checks you made, or that you made none")
    elif decision == "refer" and checks == ["none"]:
        form.fault("checks", "A referral rests on more than the score: make at least one check first")
    if form.errors or review_on is None:
        return person_page(visit, key)
    past = past_scores.of_person(upto, tool.name, key)
    new = desk.NewDecision(
        person_key=key,
        week=release.week,
        release=release.id,
        unit=seen["unit"],
        model=release.model,
        band=seen["band"],
        decision=decision,
        reason_code=reason,
        checks=[c for c in checks if c != "none"],
        own_judgement=own,
        review_on=review_on,
        time_band=desk.time_band(seconds_since(visit, ticket.at)) if ticket.at else desk.NOT_MEASURED,
        judged_first=ticket.judged is not None,
        words=words,
        shown=person_document(visit.state, upto, tool.name, seen, past),
        after=ticket.after,
        older_keys=_keys(visit, key)[1:],
    )
    event = visit.event("alteration", "decision_made", subject=key, about=f"release:{release.name}", decision=decision)
    try:
        with visit.writing(event) as tx:
            desk.decide(tx, new, visit.user.account, visit.role.value)
    except desk.Overtaken:
        newest = desk.of_person(visit.operations, *_keys(visit, key))[0]
        form.fault(
            "decision",
            f"{newest.by_name} decided about this person after you opened the page. Nothing of yours was saved. Read what was decided, in the timeline, then decide again",
            409,
        )
        return person_page(visit, key)
    return go(f"/people/{key}?saved=decision{_reopened(visit, key)}")


def _as_of_release(visit: Visit, upto: list[Release], tool: str, key: str) -> PersonRow:
    """The person as the release before showed them, without a name: what a form opened on that release was written on."""
    return cast(PersonRow, roster.everyone(visit.state, upto, tool).row(by_predicate=pl.col("person_key") == key, named=True))


def _words_missing(decision: str, reason: str) -> str | None:
    if reason == "other":
        return "Say the reason in words"
    if decision in desk.OVERRIDES:
        return "Say what is wrong, or what you know that the score does not"
    if decision == "refer":
        return "Say what you refer the person for, and to whom"
    return None


def _reopened(visit: Visit, key: str) -> str:
    """What keeps a person who is not on the list open to whoever just wrote about them."""
    return f"&opened={ticket_of(visit, key)}"


def _keys(visit: Visit, key: str) -> tuple[str, ...]:
    """The person's key, and those of older records that were merged into this one."""
    return roster.merged(visit.state).keys(key)


def _decision(visit: Visit, key: str, number: int) -> desk.Decision:
    for decision in desk.of_person(visit.operations, *_keys(visit, key)):
        if decision.id == number:
            return decision
    raise not_found("There is no such decision about this person.")


@pages.post("/people/{key}/decisions/{number}/sign-off", Action.SIGN_OFF)
def sign_off(visit: Here, key: str, number: Number) -> Response:
    """Keeps a supervisor's sign-off of a referral that somebody else made."""
    form = visit.fields
    referral = _decision(visit, key, number)
    _ticket(visit, form, key)
    outcome = form.choice("sign", desk.SIGN_OFFS, "Choose whether you agree")
    words = form.words("sign-words", "Say why you do not agree" if outcome == "not_agreed" else None)
    if not referral.is_referral:
        form.fault("sign", "Only a referral is signed off")
    if form.errors:
        return person_page(visit, key)
    event = visit.event("alteration", "referral_signed_off", subject=key, about=f"decision:{number}", outcome=outcome)
    try:
        with visit.writing(event) as tx:
            desk.sign_off(tx, referral.person_key, number, outcome, words, visit.user.account, visit.role.value)
    except desk.Overtaken:
        form.fault("sign", "This referral is signed off already. Nothing of yours was saved", 409)
        return person_page(visit, key)
    except PermissionError:
        form.fault("sign", "You made this referral: another supervisor signs it off", 403)
        return person_page(visit, key)
    return go(f"/people/{key}?saved=sign-off{_reopened(visit, key)}")


@pages.post("/people/{key}/decisions/{number}/follow-ups", Action.DECIDE)
def follow_up(visit: Here, key: str, number: Number) -> Response:
    """Keeps what came of a referral: support offered, taken up, declined, ended, each with its date."""
    form = visit.fields
    referral = _decision(visit, key, number)
    _ticket(visit, form, key)
    step = form.choice("step", desk.STEPS, "Choose what happened")
    first = visit.local(referral.agreed_at or referral.at).date()
    on = form.day("happened", "Enter the date it happened", first=first, last=visit.today)
    words = form.words("step-words", None)
    if not referral.is_referral:
        form.fault("step", "Only a referral is followed up")
    if form.errors or on is None:
        return person_page(visit, key)
    event = visit.event("alteration", "referral_followed_up", subject=key, about=f"decision:{number}", step=step)
    with visit.writing(event) as tx:
        desk.follow_up(tx, referral.person_key, number, step, on, words, visit.user.account, visit.role.value)
    return go(f"/people/{key}?saved=follow-up{_reopened(visit, key)}")


@pages.post("/people/{key}/data-errors", Action.REPORT_DATA_ERROR)
def report_error(visit: Here, key: str) -> Response:
    """Keeps what the unit reports about this person: an error in the data, an objection or a complaint. The data protection officer answers."""
    form = visit.fields
    _ticket(visit, form, key)
    kind = form.choice("error-kind", representations.KINDS, "Choose what it is") if form.value("error-kind") else "data_error"
    channel = form.choice("error-channel", representations.CHANNELS, "Choose how it came") if form.value("error-channel") else "unit"
    if kind != "data_error" and channel == "unit":
        form.fault("error-channel", "Choose how it came: by the person, or by somebody for them")
    missing = "Say what is wrong: which charge, and what it should say" if kind == "data_error" else "Say what the person says, in a few words"
    words = form.words("error-words", missing)
    if form.errors:
        return person_page(visit, key)
    tool, is_error = visit.people_tool(), kind == "data_error"
    action, detail = ("data_error_reported", {}) if is_error else ("representation_received", {"received": kind})
    with visit.writing(visit.event("alteration", action, subject=key, **detail)) as tx:
        representations.receive(tx, key, tool.name, kind, visit.today, channel, words, visit.user.account, visit.role.value)
    return go(f"/people/{key}?saved={'data-error' if is_error else 'representation'}{_reopened(visit, key)}")
