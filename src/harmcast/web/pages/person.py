"""One person's page: who, what the score says and why, what it does not know, the decision, the timeline. Logged before it is sent."""

from __future__ import annotations

from datetime import date, timedelta
from typing import Any, TypedDict, cast

from markupsafe import Markup
from starlette.responses import Response

from harmcast import words
from harmcast.charts import people as people_charts
from harmcast.documents.person import PersonDocument, PersonRow
from harmcast.oversight import log
from harmcast.oversight.access import ROLES, Action, Role, why
from harmcast.publish import released, roster
from harmcast.publish.roster import HeldCircumstance
from harmcast.settings import PeopleTool
from harmcast.store import desk, representations, work
from harmcast.store.releases import Release
from harmcast.store.work import RECEIVED, Item
from harmcast.tables import BANDS
from harmcast.web import open_work, past_scores, tickets
from harmcast.web.forms import Form
from harmcast.web.guard import Here, Pages, Visit, ticket_of
from harmcast.web.pages.people import tone
from harmcast.web.person_page import person_document
from harmcast.web.shell import go, page
from harmcast.words import people as people_words

pages = Pages()
SAVED = {
    "decision": "Your decision is saved.",
    "sign-off": "Your sign-off is saved.",
    "follow-up": "The follow-up is saved.",
    "data-error": "The data error is reported.",
    "representation": "It is recorded. The data protection officer answers it.",
}


@pages.get("/people/{key}", Action.OPEN_PERSON, view=None)
def person_page(visit: Here, key: str, judged: str = "", view: str = "") -> Response:
    """The page of one of the unit's people: what is decided on; with `view=record` all that it rests on. Its look is written first."""
    row, form = visit.person, visit.fields
    tool, releases = visit.history()
    release = releases[-1]
    visit.looked_at("person_viewed", subject=key, about=f"release:{release.name}")
    past = past_scores.of_person(releases, tool.name, key)
    document = person_document(visit.state, releases, tool.name, row, past)
    keys = roster.merged(visit.state).keys(key)
    decisions, raised = desk.of_person(visit.operations, *keys), representations.of_person(visit.operations, *keys)
    judgement = read_judgement(visit, key, judged)
    hidden = visit.settings.decisions.judge_then_reveal and judgement is None and visit.may(Action.DECIDE)
    return page(
        visit,
        "person_record" if view == "record" else "person",
        title=f"{row['name'] or 'Name not held'}, {row['person_ref']}",
        **around(visit, tool, release, row, document, past),
        named=True,
        circumstances=circumstances(visit, row),
        **scales(document),
        edges_say=edges_say(document),
        new_charges=new_charges(document, release, releases),
        notes=notes(visit, key, decisions, raised),
        referrals=[d for d in [d for d in decisions if d.reason_code != desk.NOTED][:1] if d.is_referral and not (d.follow_ups and d.follow_ups[-1]["step"] in CLOSED)],
        opened=visit.request.query_params.get("opened", "") or ticket_of(visit, key),
        short=lambda text: words.short_day(date.fromisoformat(text)),
        decisions=decisions,
        grounds=grounds,
        raised=raised,
        kinds=representations.KINDS,
        channels=representations.CHANNELS,
        timeline=timeline(visit, past, decisions, raised),
        hidden=hidden,
        judgement=judgement,
        ticket=issue(visit, release, key, judgement, form),
        judged=judged if judgement else "",
        review_last=visit.today + timedelta(weeks=visit.settings.decisions.review_weeks_max),
        may_decide=visit.may(Action.DECIDE),
        may_sign=visit.may(Action.SIGN_OFF),
        review_form=form.with_day("review", visit.today + timedelta(weeks=visit.settings.decisions.review_weeks)),
        notice=visit.saved(SAVED),
    )


def around(visit: Visit, tool: PeopleTool, release: Release, row: PersonRow, document: PersonDocument, past: list[past_scores.Past]) -> dict[str, Any]:
    """What a page of one person says, with the name or without."""
    return {
        "about": released.about(release, tool, visit.settings.force.timezone),
        "release": release,
        "row": row,
        "person_document": document,
        **pictures(document, row, past),
        "bands": BANDS,
        "words_of": desk,
        "days": days,
        "purpose": why(visit.purpose),
    }


class Judgement(TypedDict):
    """An own judgement given before the score was shown: about whom, by whom, which band, when."""

    key: str
    account: str
    band: str
    at: str


class Note(TypedDict):
    """What is open about a person, in words; `of`: the referral it belongs to."""

    item: Item
    tone: str
    by: str
    words: str
    next: str
    of: str


class Moment(TypedDict):
    """One entry of the timeline; `order` puts those of one day in order."""

    on: date
    order: str
    title: str
    facts: list[tuple[str, str]]
    text: str
    by: str


NARROW = 340
CLOSED = ("declined", "ended")  # steps after which nothing more is recorded on a referral


class Circumstance(HeldCircumstance):
    """The newest word on one circumstance, if any is held, and whether it is over."""

    name: str
    known: bool
    ended: bool


def circumstances(visit: Visit, row: PersonRow) -> list[Circumstance]:
    """Management, cohort, MAPPA, supervision and custody: the newest word of each with source and date; `known` false if none."""
    newest_of = {held["kind"]: held for held in roster.circumstances_of(visit.state, row["person_ref"])}
    found = []
    for kind, name in people_words.CIRCUMSTANCES.items():
        newest = newest_of.get(kind, HeldCircumstance(kind=kind))
        until = newest.get("to_on")
        found.append(Circumstance(**newest, name=name, known=kind in newest_of, ended=until is not None and until < visit.today))
    return found


def scales(document: PersonDocument) -> dict[str, Any]:
    """The chance within 12 months on its scale of 100 people, for a wide and a small screen; None where none is given."""
    one = document["chances"][0]
    if one["chance"] is None or one["low"] is None or one["high"] is None:
        return {"chance_scale": None, "chance_scale_narrow": None}
    facts = (one["chance"], one["low"], one["high"], one["base"])
    return {"chance_scale": people_charts.chance_scale(*facts), "chance_scale_narrow": people_charts.chance_scale(*facts, width=NARROW)}


def edges_say(document: PersonDocument) -> str:
    """Where the person's band begins and where the next one does."""
    band, cuts = document["band"], document["cuts"]
    if band is None or len(cuts) != len(BANDS) - 1:
        return ""
    place = BANDS.index(band)
    begins = [f"{BANDS[i].capitalize()} begins at {words.number(cuts[i - 1])}" for i in (place, place + 1) if 0 < i < len(BANDS)]
    return f"{', '.join([*begins[:1], *(text[0].lower() + text[1:] for text in begins[1:])])}."


def new_charges(document: PersonDocument, release: Release, releases: list[Release]) -> str:
    """The charges brought in the week that moved the band, by kind; empty where none of those listed was."""
    then = document["changed_then"]
    moved = next((r for r in releases if then and r.name == then["week"]), release)
    listed = [*document["charges"], *document["others"]["events"]]
    dated = [(c["kind"] or "an offence", date.fromisoformat(c["charged"])) for c in listed if c["charged"]]
    new = [(kind, day) for kind, day in dated if moved.origin - timedelta(days=7) < day <= moved.origin]
    return words.listed([f"{kind.lower()} (counts from {words.short_day(day)})" for kind, day in new[:3]])


def notes(visit: Visit, key: str, decisions: list[desk.Decision], raised: list[representations.Representation]) -> list[Note]:
    """What is open about the person, as a note each: its state, who moved it there and in which words, and what comes next."""
    found: list[Note] = []
    for item in work.of_person(open_work.seen(visit), key):
        about = next((d for d in decisions if item.kind == "referral" and d.id == item.number), None)
        signed = about.sign_offs[-1] if about and about.sign_offs else None
        came = next((r for r in raised if item.kind in RECEIVED and r.id == item.number), None)
        by, said = "", ""
        if signed:
            by, said = f"{_by(signed['by_name'], signed['role'])}, {words.day(visit.local(signed['at']).date())}", signed["words"] or ""
        elif came:
            by, said = f"recorded by {_by(came.by_name, came.role)}, {words.day(visit.local(came.at).date())}", came.words or ""
        owner = ROLES[item.owner][0]
        next_ = item.next if item.owner is visit.role else f"{owner}: {item.next.lower()}"
        found.append({"item": item, "tone": tone(item, visit), "by": by, "words": said, "next": next_, "of": f"referral-{item.number}" if about else ""})
    return found


def pictures(document: PersonDocument, row: PersonRow, past: list[past_scores.Past]) -> dict[str, Markup | None]:
    """Where the harm lies among the bands and the half year, each for a wide and a small screen; None where there is nothing to draw."""
    cuts, unit, harm, band = document["cuts"], row["harm_unit"], document["harm"], row["band"]
    has_line = bool(cuts and any(p.harm is not None for p in past))
    weeks = [(p.origin, p.harm) for p in past]
    found: dict[str, Markup | None] = {}
    for name, width, height in (("", 760, 250), ("_narrow", NARROW, 240)):
        found["scale" + name] = people_charts.band_scale(harm, band, cuts, unit, width) if band and cuts and harm is not None else None
        found["line" + name] = people_charts.half_year(weeks, cuts, unit, width, height) if has_line else None
    return found


def days(text: str) -> str:
    """A day of a document, 2026-11-16, or its month where a reader may have no more, in words."""
    return words.day(date.fromisoformat(text)) if len(text) == 10 else f"{date.fromisoformat(text + '-01'):%B %Y}"


def issue(visit: Visit, release: Release, key: str, judgement: Judgement | None, form: Form) -> str:
    """What goes out with the page's forms: the release and the newest decision shown, to whom, since when."""
    sent = tickets.of_page(visit.state.secret, form.value("ticket"), f"person:{key}", visit.user.account)
    at = judgement["at"] if judgement else sent.at if sent else visit.operations.now()
    with visit.operations.reading() as connection:
        after = desk.newest_number(connection, *roster.merged(visit.state).keys(key))
    band = judgement["band"] if judgement else None
    facts = tickets.PageTicket(f"person:{key}", visit.user.account, release.id, after, None if form.is_kept else at, band)
    return facts.text(visit.state.secret)


def read_judgement(visit: Visit, key: str, text: str) -> Judgement | None:
    """The own judgement given before the score was shown, by this asker about this person; None if there is none."""
    facts = cast("Judgement | None", tickets.read(visit.state.secret, "judged", text)) if text else None
    return facts if facts and facts["key"] == key and facts["account"] == visit.user.account else None


@pages.post("/people/{key}/judgement", Action.DECIDE)
def judge_first(visit: Here, key: str) -> Response:
    """Takes the officer's own judgement; the score is shown after it."""
    form = visit.fields
    band = form.choice("band", BANDS, "Choose the band you expect")
    if form.errors:
        return person_page(visit, key)
    facts = {"key": key, "account": visit.user.account, "band": band, "at": visit.operations.now()}
    visit.looked(visit.event("alteration", "judged_first", subject=key))
    return go(f"/people/{key}?judged={tickets.issue(visit.state.secret, 'judged', facts)}&opened={ticket_of(visit, key)}")


def timeline(
    visit: Visit,
    past: list[past_scores.Past],
    decisions: list[desk.Decision],
    raised: list[representations.Representation],
    words_open: bool = True,
) -> list[Moment]:
    """Scores, decisions and corrections, the newest first. `words_open` false leaves out what people wrote and who they are."""
    items: list[Moment] = []

    def add(on: date, order: str, title: str, text: str | None = "", by: str = "", facts: list[tuple[str, str]] | None = None) -> None:
        said = (facts or [], text or "", by) if words_open else ([], "", "")
        items.append({"on": on, "order": order, "title": title, "facts": said[0], "text": said[1], "by": said[2]})

    for before, now in zip([None, *past], past, strict=False):
        order, band = now.origin.isoformat(), now.band or "harm incomplete"
        if before is None:
            add(now.origin, order, f"First of the scores shown here: {band}, release {now.week}")
        elif before.band != now.band:
            add(now.origin, order, f"Band {band}, was {before.band or 'harm incomplete'}, release {now.week}")
        if before is not None and before.model != now.model:
            add(now.origin, order, f"Scored with another model from release {now.week} on")
    for d in decisions:
        review = f", review by {d.review_on.day} {d.review_on:%B %Y}" if d.review_on else ""
        title = f"{desk.DECISIONS[d.decision]} (band {d.band or 'none'}, release {d.week}{review})"
        add(visit.local(d.at).date(), d.at, title, d.words, _by(d.by_name, d.role), grounds(d))
        for s in d.sign_offs:
            title = f"Referral: {desk.SIGN_OFFS[s['outcome']].lower()} by the supervisor"
            add(visit.local(s["at"]).date(), s["at"], title, s["words"], _by(s["by_name"], s["role"]))
        for f in d.follow_ups:
            add(f["happened_on"], f["at"], desk.STEPS[f["step"]], f["words"], _by(f["by_name"], f["role"]))
    for r in raised:
        kind = representations.KINDS[r.kind]
        add(r.received_on, r.at, f"{kind}: received", r.words, _by(r.by_name, r.role))
        for step in r.steps:
            title = representations.OUTCOMES.get(step["outcome"] or "", representations.STEPS[step["step"]])
            week = f", scored again in {step['rescored_week']}" if step["rescored_week"] else ""
            add(visit.local(step["at"]).date(), step["at"], f"{kind}: {title.lower()}{week}", step["words"], _by(step["by_name"], step["role"]))
    return sorted(items, key=lambda item: (item["on"], item["order"]), reverse=True)


def grounds(decision: desk.Decision) -> list[tuple[str, str]]:
    """What a decision rests on, name and answer: the main reason, the checks made, the officer's own judgement."""
    checks = words.listed([desk.CHECKS.get(check, check) for check in decision.checks])
    own = desk.JUDGEMENTS.get(decision.own_judgement or "", "not given")
    when = ", given before the score was shown" if decision.judged_first else ""
    return [
        ("Main reason", desk.REASONS.get(decision.reason_code, decision.reason_code.replace("_", " "))),
        ("Checks made", checks or "none yet"),
        ("Own judgement against the score", f"{own}{when}"),
    ]


def _by(name: str, role: str) -> str:
    return f"{name}, {ROLES[Role(role)][0].lower()}" if role in list(Role) else name


def seconds_since(visit: Visit, at: str) -> float:
    """Seconds from an instant of the log to now."""
    return (log.moment(visit.operations.now()) - log.moment(at)).total_seconds()
