"""What stands on the home of each role: its open work, and a few cards about what it watches. At most seven things."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from datetime import date
from typing import Any, cast

from markupsafe import Markup

from harmcast import words
from harmcast.documents.audit import AuditDocument
from harmcast.documents.changed import AreaTotal
from harmcast.oversight import findings, register
from harmcast.oversight.access import ROLES, Action, Role
from harmcast.publish import released
from harmcast.publish.panel import panel
from harmcast.settings import PeopleTool, PlacesTool
from harmcast.store import alerts, retention, sign_in_lanes
from harmcast.store.reads import data_quality, health, units
from harmcast.store.releases import Release
from harmcast.store.work import ABOUT_PEOPLE, KINDS, Desk, Item
from harmcast.web import areas, force_map, open_work
from harmcast.web.shell import beside
from harmcast.web.visit import Visit
from harmcast.words.tools import tool_title

SHOWN = 12
SHORT = {"dpia": "Data protection impact assessment", "legal": "Legal advice", "ethics": "Ethics committee's advice"}
COLOURS = {
    **dict.fromkeys(("waits", "received", "draft", "candidate", "open", "waiting", "due", "review_due", "missing"), "yellow"),
    **dict.fromkeys(("deferred", "looked_at", "proposed", "reviewed"), "purple"),
    **dict.fromkeys(("adopted", "adopted_in_part", "upheld", "offered", "taken_up"), "light-blue"),
    **dict.fromkeys(("not_agreed", "overdue", "held", "stands", "lapsed", "refused", "late"), "red"),
    "agreed": "green",
}


@dataclass(frozen=True)
class WorkRow:
    """An item as a row of a table. `late`: it is overdue; `beneath`: what stands under its name."""

    item: Item
    name: str
    beneath: str
    colour: str
    late: bool


@dataclass(frozen=True)
class CardLine:
    """One line of a card: what, its figure or word, and the page about it."""

    text: str
    value: str = ""
    href: str = ""
    alarm: bool = False


@dataclass(frozen=True)
class HomeCard:
    """A box of the home; `note` stands under its lines."""

    title: str
    lines: tuple[CardLine, ...]
    note: str = ""
    href: str = ""
    more: str = ""


def rows(visit: Visit, items: Iterable[Item], names: Mapping[str, tuple[str, str]] | None = None) -> list[WorkRow]:
    """Items as rows. `names`: name and reference of people, by key, for whoever may see them."""
    titles = {tool.name: tool_title(tool) for tool in visit.settings.tools}
    found = []
    for item in items:
        name, beneath = _named(visit, item, titles, names or {})
        colour = COLOURS.get(item.key, "grey") if item.is_open else "grey"
        found.append(WorkRow(item, name, beneath, colour, item.is_overdue(visit.today)))
    return found


def _named(visit: Visit, item: Item, titles: Mapping[str, str], names: Mapping[str, tuple[str, str]]) -> tuple[str, str]:
    tool = titles.get(item.tool or "", "Every tool" if item.kind == "approval" else "")
    if item.kind == "recommendation":
        return place_of(visit, item), " · ".join(filter(None, (f"R{item.number}", tool, item.says)))
    if item.kind in ABOUT_PEOPLE:
        name, reference = names.get(item.about, (f"Person {item.about[:6]}", ""))
        merged = f"from {names[item.source][1] if item.source in names else item.source[:6]}" if len(item.source) > 20 else ""
        return name, " · ".join(filter(None, (reference, KINDS[item.kind], item.says, merged)))
    if item.kind == "finding":
        return findings.KINDS.get(item.about.split("-")[0], KINDS["finding"]), " · ".join(filter(None, (tool, item.says)))
    if item.kind == "approval":
        return SHORT.get(item.about, register.ENTRY_KINDS.get(item.about, item.about)), tool
    if item.kind == "delivery":
        return (f"Delivery {item.about}" if item.about != "none came" else "No delivery came"), ""
    if item.about == "people":
        return KINDS[item.kind], ""
    return item.about, " · ".join(filter(None, (KINDS[item.kind], tool, item.says)))


def place_of(visit: Visit, item: Item) -> str:
    """Name of the place that a recommendation is about, as the newest release has it."""
    history = released.history(visit.state, item.tool or "")
    if history:
        frame = released.frame(history[-1], str(item.tool))
        places: dict[str, str] = (
            released.kept.get((history[-1].manifest_sha256, item.tool, "places"), lambda: dict(frame.select("cell", "place").drop_nulls().iter_rows()))
            if "place" in frame.columns
            else {}
        )
        if item.about in places:
            return places[item.about]
    return words.cell(item.about)


# -- cards -------------------------------------------------------------------------------------------


def cards(visit: Visit) -> list[HomeCard]:
    """The cards of a role's home, in their order."""
    made = {
        Role.INTELLIGENCE_ANALYST: (_changed,),
        Role.DATA_SCIENTIST: (_deliveries, _releases, _drift, _models),
        Role.ETHICS_REVIEWER: (_findings, _approvals, _verdicts),
        Role.DATA_PROTECTION_OFFICER: (_alarms, _log, _erasure, _approvals),
        Role.ADMINISTRATOR: (_locked, _accounts, _units),
    }
    found = [make(visit) for make in made.get(visit.role, ())]
    return [card for card in found if card is not None]


@dataclass(frozen=True)
class AreasAtOnce:
    """What an analyst sees of the places tools at once: each tool's range of the whole force, the first one's map with the open work on it.

    `briefings`: the tools whose briefing has places recommended, with their names; the first one where none has.
    """

    ranges: list[tuple[str, PlacesTool, AreaTotal]]
    briefings: list[tuple[str, PlacesTool]]
    overview: Markup
    first: PlacesTool
    about: released.ReleaseLine
    attribution: str


def areas_at_once(visit: Visit, mine: Sequence[Item]) -> AreasAtOnce | None:
    """None where no release of a places tool is open to the visitor."""
    ranges: list[tuple[str, PlacesTool, AreaTotal]] = []
    shown = None
    for tool in visit.settings.places_tools:
        history = released.history(visit.state, tool.name) if visit.may(Action.VIEW_AREAS, tool.name) else []
        if not history:
            continue
        total = released.total(history[-1], tool.name)
        if total is not None:
            ranges.append((tool_title(tool), tool, total))
        shown = shown or (tool, history[-1], history)
    if shown is None:
        return None
    tool, newest, history = shown
    every = areas.of_release(newest, tool, history)
    keys = {item.about: str(item.number) for item in mine if item.kind == "recommendation" and item.tool == tool.name}
    overview = force_map.overviews(
        visit.state, newest, tool, every, every, keys, set(keys), whole_force=True, label="Map of the force: places by expected offences, numbers are open recommendations",
    )  # fmt: skip
    about = released.about(newest, tool, visit.settings.force.timezone)
    open_tools = {item.tool for item in open_work.seen(visit) if item.kind == "recommendation" and item.key in open_work.ON_BRIEFING}
    briefings = [(title, one) for title, one, _ in ranges if one.name in open_tools] or [(tool_title(tool), tool)]
    return AreasAtOnce(ranges, briefings, overview, tool, about, force_map.attribution(visit.state))


def _changed(visit: Visit) -> HomeCard | None:
    lines, before = [], None
    for tool in visit.settings.places_tools:
        history = released.history(visit.state, tool.name)
        if not history or not visit.may(Action.VIEW_AREAS, tool.name):
            continue
        found = released.what_changed(tool.name, history)
        before = before or found.before
        new, ended, still = (words.plural(len(cells), "place") for cells in (found.new, found.ended, found.still))
        lines.append(CardLine(tool_title(tool), f"{new} newly above usual, {ended} back, {still} still", f"/areas/{tool.name}?sort=change"))
        lines.append(CardLine("Were we right?", released.verdict_on(visit.state, tool, history).headline, f"/track-record/{tool.name}"))
    return HomeCard(f"What changed since {before}" if before else "What is above its usual", tuple(lines)) if lines else None


def _deliveries(visit: Visit) -> HomeCard:
    held = data_quality.deliveries(visit.operations, 3)
    lines = [CardLine(one.delivery_id, one.standing, f"/data-quality?delivery={one.id}", one.standing == "refused") for one in held]
    aside = health.quarantined_rows(visit.operations)
    lines.append(CardLine("Rows set aside in the newest", words.count(aside), "/data-quality", aside > 0))
    return HomeCard("Deliveries", tuple(lines))


def _newest(visit: Visit) -> list[tuple[PlacesTool | PeopleTool, Release | None]]:
    """Each tool with its newest release, whatever its standing."""
    return [(tool, visit.state.releases.newest(tool.name)) for tool in visit.settings.tools]


def _releases(visit: Visit) -> HomeCard:
    lines = []
    for tool, newest in _newest(visit):
        words_ = f"{newest.name}, {newest.standing}" if newest else "none yet"
        lines.append(CardLine(tool_title(tool), words_, f"/releases/{newest.name}" if newest else "", newest is not None and newest.standing == "held"))
    return HomeCard("Releases", tuple(lines))


def _taken_off(visit: Visit, tool: PlacesTool | PeopleTool) -> CardLine | None:
    """The line of a tool whose pages nobody is shown, to where it is said why; None of any other."""
    return None if tool.name in visit.shown else CardLine(tool_title(tool), "Off every page", "/register", True)


def _drift(visit: Visit) -> HomeCard:
    lines = []
    for tool, newest in _newest(visit):
        said = released.document(newest, f"{tool.name}_monitor") if newest else {}
        state = str(said.get("state", "not watched yet"))
        lines.append(_taken_off(visit, tool) or CardLine(tool_title(tool), state, f"/track-record/{tool.name}?view=monitor", state in ("watch", "suspend")))
    return HomeCard("Drift", tuple(lines), note="What the monitor says of the newest release.")


def _models(visit: Visit) -> HomeCard | None:
    tool = visit.settings.people_tool
    if tool is None:
        return None
    found = visit.state.models.all(tool.name)
    if not found:
        return HomeCard("Person models", (CardLine("None was fitted yet"),))
    return HomeCard("Person models", tuple(CardLine(m.name, m.standing, f"/releases/{m.name}") for m in reversed(found[-4:])))


def _findings(visit: Visit) -> HomeCard:
    lines = []
    for tool, newest in _newest(visit):
        for finding in newest.findings if newest else ():
            lines.append(CardLine(f"{tool_title(tool)}: {finding.title.lower()}", finding.says, f"/findings/{finding.id}", finding.kind in ("stop", "suspension")))
    return HomeCard("Found about the newest releases", tuple(lines[:6]), note="" if lines else "Nothing was found about the newest release of any tool.")


def _approvals(visit: Visit) -> HomeCard:
    entries = visit.state.register.entries(visit.today)
    lines = []
    for tool in visit.state.register.tools(visit.today):
        own = [e for e in entries if e.tool == tool.name]
        standing = register.standing(tool, own, visit.today)
        until = min((e.review_by for kind in register.REQUIRED_ENTRIES if (e := register.latest(own, kind)) and e.review_by), default=None)
        value = standing.findings[0].title if standing.findings else f"{tool.status}; next review {words.short_day(until)}" if until else tool.status
        lines.append(CardLine(tool.title, value, "/register", bool(standing.findings)))
    return HomeCard("Approvals", tuple(lines), href="/register", more="Enter one")


def _verdicts(visit: Visit) -> HomeCard:
    """What the newest audit of each tool found, in the words of its own page."""
    lines = []
    for tool in visit.settings.tools:
        audited = [r for r in visit.state.releases.history(tool.name, None) if f"{tool.name}_audit.json" in released.manifest(r).get("files", {})]
        screen = panel(cast(AuditDocument, released.document(audited[-1], f"{tool.name}_audit"))) if audited else None
        lines.append(_taken_off(visit, tool) or CardLine(tool_title(tool), screen.short if screen else "Not audited yet.", f"/audit/{tool.name}", screen is not None and screen.is_over))
    return HomeCard("Who bears it?", tuple(lines))


def _alarms(visit: Visit) -> HomeCard:
    found = alerts.newest(visit.operations, 3)
    return HomeCard("Alarms", tuple(CardLine(a.words, words.short_day(visit.local(a.at).date()), "/log", True) for a in found), note="" if found else "None was raised.", href="/log", more="The log")


def _log(visit: Visit) -> HomeCard:
    lines = (CardLine("Entries", words.count(health.log_entries(visit.operations)), "/log"),)
    return HomeCard("Log", lines, note="Verify recomputes every entry and asks whether any row stands that no entry wrote.", href="/log/verify", more="Verify the log")


def _erasure(visit: Visit) -> HomeCard:
    due = retention.due(visit.state, visit.today)
    lines = tuple(CardLine(reason.replace("_", " ").capitalize(), words.count(n), "/forget") for reason, n in due.group_by("reason").len().sort("reason").iter_rows())
    links = (*lines, CardLine("One person's report", "", "/subject"))
    return HomeCard("Erasure and requests", links, note="" if lines else "Nobody is due to be forgotten.", href="/forget", more="Look at what would go")


def _locked(visit: Visit) -> HomeCard:
    accounts = [user.account for user in visit.state.users.everyone() if user.is_active]
    locked = sign_in_lanes.guessed_at(visit.operations, accounts)
    lines = tuple(CardLine(account, "strangers guess at it", f"/users/{account}", True) for account in locked)
    return HomeCard("Wrong passwords", lines, note="Devices these people have used before go on; a new one needs an invitation." if lines else "None lately.")


def _accounts(visit: Visit) -> HomeCard:
    everyone = visit.state.users.everyone()
    active = [user for user in everyone if user.is_active]
    without = [user for user in active if not user.roles]
    untrained = [user for user in active if user.roles and not visit.state.users.tools_trained(user.account)]
    lines = (
        CardLine("Active accounts", words.count(len(active)), "/users"),
        CardLine("Shut out", words.count(len(everyone) - len(active)), "/users"),
        CardLine("Without a role", words.count(len(without)), "/users", bool(without)),
        CardLine("Not trained on any tool", words.count(len(untrained)), "/users", bool(untrained)),
    )
    return HomeCard("Accounts", lines)


def _units(visit: Visit) -> HomeCard:
    empty = units.without_manager(visit.state)
    lines = tuple(CardLine(unit, words.plural(people, "person", "people"), "/users", True) for unit, people in empty[:6])
    return HomeCard(
        f"Units without an {ROLES[Role.OFFENDER_MANAGER][0].lower()}", lines, note="Their people are the supervisor's." if lines else "Every unit has one.",
    )  # fmt: skip


def desk_shown(visit: Visit, desk: Desk, whole: bool, names: Mapping[str, tuple[str, str]] | None = None) -> dict[str, Any]:
    """What every home lists of a desk, its first rows or the `whole`; and the pages that its navigation does not name."""
    return {
        "mine": rows(visit, desk.mine if whole else desk.mine[:SHOWN], names),
        "count": len(desk.mine),
        "waiting": rows(visit, desk.waiting, names),
        "closed": rows(visit, desk.closed, names),
        "closed_days": visit.settings.work.closed_days,
        "unread": open_work.unread(visit),
        "beside": beside(visit),
    }


def days_left(item: Item, today: date) -> str:
    """How long there is, in words: for those who answer to a period of the law."""
    if item.due_on is None:
        return ""
    left = (item.due_on - today).days
    return f"{words.plural(left, 'day')} left" if left >= 0 else f"{words.plural(-left, 'day')} over"


