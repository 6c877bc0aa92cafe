"""My people: who needs the unit this week, group by group; everyone by band; and finding one by name, reference or charge."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

import polars as pl
from starlette.responses import Response

from harmcast import words
from harmcast.oversight.access import PURPOSES, Action, Role
from harmcast.oversight.log import Event
from harmcast.publish import released, roster
from harmcast.store import desk
from harmcast.store.releases import Release
from harmcast.store.work import RECEIVED, Item
from harmcast.tables import BANDS
from harmcast.web import open_work
from harmcast.web.guard import Here, Pages, Visit, ticket_of
from harmcast.web.shell import go, page, rows_shown

pages = Pages()
CUSTODY = {"yes": "In custody", "no": "Not known to be in custody"}
SHORTEST_SEARCH = 2
GROUPS = {
    "reviews": "Referrals and reviews",
    "up": "Moved up in this release",
    "earlier": "Moved up earlier, not reviewed",
    "down": "Moved down",
    "high": "Super high and high",
    "rest": "High-medium and below",
    "all": "Everyone on the list",
}
REVIEWS = RECEIVED | {"referral", "review"}
BAD, GOOD = frozenset({"not_agreed", "overdue"}), frozenset({"agreed", "offered", "taken_up"})
LISTED = ("high", "rest", "all")


def tone(item: Item, visit: Visit) -> str:
    """How an item's state is coloured; the words say the same."""
    return "bad" if item.key in BAD or item.is_overdue(visit.today) else "good" if item.key in GOOD else "open"


@dataclass(frozen=True)
class Needs:
    """The list beside the open work about its people. `places`: row of each person; `items`: of each, the most pressing first."""

    frame: pl.DataFrame
    places: Mapping[str, int]
    items: dict[str, list[Item]]
    release: Release

    def keys(self, group: str) -> list[str]:
        """People of a group of open work, those that are due first."""
        own = [(item.due_on, key) for key, items in self.items.items() for item in items[:1] if self._is_in(items, group)]
        return [key for _, key in sorted(own, key=lambda pair: (pair[0] is None, pair))]

    def _is_in(self, items: list[Item], group: str) -> bool:
        reviews = any(item.kind in REVIEWS for item in items)
        moved = next((item for item in items if item.kind == "moved_up"), None)
        if group == "reviews" or reviews or moved is None:
            return reviews and group == "reviews"
        return (moved.source == self.release.name) == (group == "up")

    def waits_since_up(self, key: str) -> bool:
        """Whether somebody still waits for a review since the band moved up."""
        return any(item.kind == "moved_up" for item in self.items.get(key, ()))

    def rows(self, keys: list[str]) -> pl.DataFrame:
        """Rows of these people in this order; whose row is closed stands in none of the groups."""
        rows = self.frame[[self.places[key] for key in keys]]
        return rows.filter(~pl.col("closed"))


def needs(visit: Visit) -> Needs:
    """The asker's list with what is open about each of its people."""
    frame, places, release = visit.listed, visit.places, visit.people.release
    closed = frame["closed"]
    items: dict[str, list[Item]] = {}
    for item in sorted(open_work.seen(visit), key=lambda i: (i.kind not in REVIEWS, i.due_on is None, i.due_on)):
        if item.is_open and item.about in places and not closed[places[item.about]]:
            items.setdefault(item.about, []).append(item)
    return Needs(frame, places, items, release)


def rows_of(visit: Visit, frame: pl.DataFrame, items: dict[str, list[Item]], group: str = "") -> list[dict[str, Any]]:
    """Rows of the list ready to read; a restricted row keeps nothing but that it is there."""
    found: list[dict[str, Any]] = []
    for row in frame.iter_rows(named=True):
        own = items.get(row["person_key"], [])
        ups = [moved_up_says(item, row["band"]) for item in own if item.kind == "moved_up" and group == "earlier"]
        found.append({"closed": True} if row["closed"] else {**row, "items": [(item, tone(item, visit)) for item in own], "up": next(iter(ups), "")})
    return found


def moved_up_says(item: Item, band: str | None) -> str:
    """How the band moved up, in the item's own words and week, and where it fell since."""
    week = f" in {item.source}" if "-W" in item.source else ""  # of a merged person it names the older record
    fallen = f"; since fallen to {band}" if band and not item.says.startswith(f"{band},") else ""
    return f"moved up{week}: {item.says}{fallen}"


@pages.get("/people", Action.LIST_PEOPLE, view=None)
def my_people(visit: Here, group: str = "", band: str = "", custody: str = "", at: int = 1) -> Response:
    """Who needs the unit this week; or one group of it, 25 rows at a time, with filters."""
    found = needs(visit)
    band, custody = band if band in BANDS else "", custody if custody in CUSTODY else ""
    group = group if group in GROUPS else "all" if band or custody else ""
    if not group:
        shown = pl.concat([found.rows(found.keys(name)[: roster.PAGE_ROWS]) for name in ("reviews", "up")])
        _looked(visit, found, "people_listed", shown)
        sections = [(name, rows_of(visit, found.rows(found.keys(name)[: roster.PAGE_ROWS]), found.items)) for name in ("reviews", "up")]
        return _page(visit, found, "Who needs me this week", sections=sections, down_by_time=_by_time_alone(visit, found))
    frame = roster.filtered(found.frame, band, custody, group) if group in (*LISTED, "down") else found.rows(found.keys(group))
    part = rows_shown(at, frame.height, roster.PAGE_ROWS)
    shown = frame.slice(part["start"], roster.PAGE_ROWS)
    _looked(visit, found, "people_listed", shown)
    given = {"group": group, "band": band, "custody": custody}
    rows = rows_of(visit, shown, found.items, group)
    noted = [key for key in shown["person_key"] if not found.waits_since_up(key)] if group == "down" else []
    return _page(visit, found, GROUPS[group], group=group, rows=rows, noted=noted, given=given, **part)


def _looked(visit: Visit, listed: Needs, action: str, shown: pl.DataFrame, **detail: Any) -> None:
    open_keys = shown.filter(~pl.col("closed"))["person_key"].to_list()
    visit.looked_at(action, about=f"release:{listed.release.name}", shown=open_keys, **detail)


def _page(visit: Visit, found: Needs, title: str, **values: Any) -> Response:
    (tool, _), counted = visit.history(), visit.list_counts
    return page(
        visit,
        "people",
        title=title,
        about=released.about(found.release, tool, visit.settings.force.timezone),
        tool=tool,
        release=found.release,
        counts={name: len(found.keys(name)) for name in ("reviews", "up", "earlier")} | dict(counted.groups),
        oldest=min((item.opened_on for key in found.keys("earlier") for item in found.items[key] if item.kind == "moved_up"), default=None),
        unmanaged=counted.unmanaged,
        total=found.frame.height,
        mine=sum(len(items) for items in found.items.values()),
        chances=counted.chances,
        usual_says=usual_says(counted.chances),
        today=visit.today,
        bands=BANDS,
        custody_choices=CUSTODY,
        groups=GROUPS,
        scope=_scope(visit),
        list_bands=visit.settings.bands.list_bands,
        reviewed_by=min((item.due_on for key in found.keys("up") for item in found.items[key] if item.due_on), default=None),
        may_decide=visit.may(Action.DECIDE, tool.name),
        **{"group": "", "sections": [], "rows": [], "noted": [], "given": {}, "asked": None, "outside": None, "purposes": PURPOSES, **values},
    )


def _scope(visit: Visit) -> str:
    """Whose list it is: a supervisor's holds people without a unit too."""
    unit = visit.user.unit
    return "People without a unit" if unit is None else f"{unit} and people without a unit" if visit.role is Role.SUPERVISOR else unit


def _by_time_alone(visit: Visit, found: Needs) -> int:
    """Of those who moved down, how many did so without a new record or another model, as the release that moved them says."""
    tool, releases = visit.history()
    named = {release.name: release for release in releases}
    moved = roster.filtered(found.frame, group="down").select("person_key", "changed_week").iter_rows()
    pairs = [(key, named[week]) for key, week in moved if week in named]

    def make() -> int:
        harms = [(roster.reasons(release, tool.name, key).get("changed") or {}).get("harm") or {} for key, release in pairs]
        return sum((harm.get("time") or 0) < 0 and not harm.get("records") and not harm.get("model") for harm in harms)

    return roster.small.get((found.release.manifest_sha256, "by time alone", tuple(key for key, _ in pairs)), make)


@pages.post("/people/search", Action.LIST_PEOPLE)
def search(visit: Here) -> Response:
    """Finds people of the list by name, in any order of its words, by reference or charge, and anyone else of the unit by exact
    reference or charge. Sent as a form, so that no name stands in an address."""
    found, form = needs(visit), visit.fields
    text = form.words("find", "Enter a name, a person's reference or a charge's", 100)
    if text and len(text) < SHORTEST_SEARCH:
        form.fault("find", f"Enter at least {SHORTEST_SEARCH} characters")
    of_charge = None if form.errors else visit.state.records.person_of_charge(text)
    frame, outside = (found.frame.clear(), None) if form.errors else roster.found(visit.people, found.frame, text, of_charge)
    shown = frame.head(roster.PAGE_ROWS)
    if outside is not None and outside["restricted"] and not visit.may(Action.SIGN_OFF):
        outside = None
    _looked(visit, found, "people_searched", shown, found=frame.height)
    asked = None if form.errors else text
    rows = rows_of(visit, shown, found.items)
    return _page(visit, found, "Find a person", asked=asked, outside=outside, rows=rows, count=frame.height)


@pages.post("/people/noted", Action.DECIDE)
def note_moved_down(visit: Here) -> Response:
    """Notes together that bands moved down: a decision without change about each person named, so that the list says it is done.

    Whoever waits for a review since the band moved up is left out.
    """
    releases, found = visit.history()[1], needs(visit)
    chosen = {key for key in visit.form.get("noted", "").split("\n") if not found.waits_since_up(key)}
    frame = roster.filtered(visit.listed, group="down").filter(pl.col("person_key").is_in(sorted(chosen)))
    form = visit.fields
    if form.value("release") != str(releases[-1].id):
        form.fault("noted", "A newer release has come since. Nothing was saved: look through the list again", 409)
    elif frame.is_empty():
        form.fault("noted", "Choose at least one person")
    if form.errors:
        return _page(visit, found, GROUPS["down"])
    event = visit.event("alteration", "moved_down_noted", about=f"release:{releases[-1].name}", people=frame.height)
    with visit.writing(event) as tx:
        for row in frame.iter_rows(named=True):
            tx.also(Event(event.actor, event.role, "alteration", "decision_made", event.purpose, row["person_key"], event.object, {"decision": "no_change"}))
            shown = {name: row[name] for name in ("band", "changed_from", "changed_week", "harm", "harm_unit")}
            older = roster.merged(visit.state).keys(row["person_key"])[1:]
            after = desk.newest_number(tx.connection, row["person_key"], *older)
            new = desk.NewDecision(
                row["person_key"], releases[-1].week, releases[-1].id, row["unit"], releases[-1].model, row["band"], "no_change", desk.NOTED,
                [], None, None, desk.NOT_MEASURED, False, "", shown, after, older,
            )  # fmt: skip
            desk.decide(tx, new, visit.user.account, visit.role.value)
    return go("/people")


@pages.post("/people/{key}/open", Action.OPEN_PERSON)
def open_outside(visit: Here, key: str) -> Response:
    """Opens someone of the unit who is not on the list, for a purpose given for this person."""
    visit.looked(visit.event("administration", "purpose_given", subject=key, given=visit.purpose))
    return go(f"/people/{key}?opened={ticket_of(visit, key)}")


def usual_says(chances: roster.ChancesSaid) -> str:
    """Why the list does not stand by chance, in words; empty where it does."""
    if chances.ordered or not chances.given:
        return ""
    return (
        f"All {chances.given:,} chances lie between {words.in_hundred(chances.low)} and {words.in_hundred(chances.high)} in 100, "
        f"and {chances.same:,} of them are no different from the force's usual, {words.in_hundred(chances.usual)}, as far as records show."
    )
