"""Open work, one function a kind: from the records that stand to items, each in its state, with its owner and the day it is due."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import replace
from datetime import date, timedelta
from itertools import dropwhile, takewhile, zip_longest
from typing import Any, TypeVar

from harmcast.oversight import register, release_rules
from harmcast.oversight.access import Role
from harmcast.oversight.findings import Finding
from harmcast.oversight.register import Tool
from harmcast.oversight.release_rules import Lift
from harmcast.store.desk import DECISIONS
from harmcast.store.work import GONE, OF_TOOL, RECEIVED, STATES, Item
from harmcast.store.work_records import (
    BandMoved,
    Decided,
    Delivered,
    EnteredApproval,
    ListAsked,
    ModelKept,
    PersonNow,
    Received,
    Recommended,
    Recorded,
    ReleaseStood,
    WorkRules,
)
from harmcast.tables import BANDS
from harmcast.weeks import add_months

ANSWERED_AT = {"download": "/exports#request-{}", "erasure": "/forget", "case_review": "/case-reviews#request-{}", "role": "/roles"}
OfPerson = TypeVar("OfPerson", Decided, BandMoved)


def recommendations(found: Iterable[Recommended], rules: WorkRules) -> Iterator[Item]:
    """Recommendations to tasking: the newest of what was recorded on one is its state."""
    for one in found:
        last = one.last or Recorded("waits", one.on, one.on)
        is_adopted = last.key.startswith("adopted")
        due = last.on + timedelta(days=rules.horizon_days.get(one.tool, 28) if is_adopted else rules.days.tasking_days)
        yield _item(
            "recommendation", last.key, rules, number=one.number, about=one.cell, tool=one.tool, since=last.on, opened_on=one.on,
            due_on=due if is_adopted else last.until or due, opened_by=one.role, source=one.week, href=f"/recommendations/{one.number}",
            says=f"Written on {one.week}, which was withdrawn since." if one.withdrawn else "", closed_on=last.written,
        )  # fmt: skip


# -- about people ----------------------------------------------------------------------------------


def referrals(found: Iterable[Decided], people: Mapping[str, PersonNow], rules: WorkRules) -> Iterator[Item]:
    """Referrals that are the newest decision about a person; one that a later decision overtook is closed by it."""
    for one, later in _with_later(found, people):
        if one.decision != "refer":
            continue
        last = one.signed or Recorded("waits", one.on, one.on)
        due: date | None = one.on + timedelta(days=rules.days.sign_off_days)
        if later is not None:
            last = Recorded("decided", later.on, later.on)
        elif last.key == "not_agreed":
            due = last.on + timedelta(days=rules.days.decide_again_days)
        elif one.signed is not None:
            last, due = one.followed or last, one.review_on
        yield _of_person("referral", last.key, rules, people, one.person_key, number=one.number, since=last.on, opened_on=one.on, due_on=due,
                         opened_by=one.role, source=one.week, closed_on=last.written, href=f"/people/{{key}}#referral-{one.number}")  # fmt: skip


def moved_up(found: Iterable[BandMoved], decided: Iterable[Decided], people: Mapping[str, PersonNow], rules: WorkRules) -> Iterator[Item]:
    """People whose band moved up, until somebody decides about them after that was published, or the band fell again.

    Args: `found`: every change of band of the releases looked at, oldest first.
    """
    decisions = _decisions(decided, people)
    for person, own in _by_person(found, people).items():
        ups = [one for one in own if BANDS.index(one.now) > BANDS.index(one.was)]
        if not ups:
            continue
        up, last, newest = ups[-1], own[-1], decisions.get(person, [None])[-1]
        key, since, says = "waits", up.on, f"{up.now}, was {up.was}"
        if newest is not None and newest.at >= up.at:
            key, since, says = "decided", newest.on, DECISIONS.get(newest.decision, "")
        elif BANDS.index(last.now) <= BANDS.index(up.was):
            key, since = "fell", last.on
        yield _of_person("moved_up", key, rules, people, up.person_key, number=up.release, since=since, opened_on=up.on,
                         due_on=up.on + timedelta(days=rules.reviewed_days), source=up.week, says=says)  # fmt: skip


def reviews(found: Iterable[Decided], people: Mapping[str, PersonNow], rules: WorkRules) -> Iterator[Item]:
    """Reviews that are due soon or overdue: a new decision closes one. A referral that is agreed stands for its own review."""
    for one, later in _with_later(found, people):
        if one.review_on is None:
            continue
        opens = one.review_on - timedelta(days=rules.days.review_ahead_days)
        is_over = one.followed is not None and one.followed.key in ("declined", "ended")
        stands_as_referral = one.decision == "refer" and one.signed is not None and not is_over
        if (later.on if later else rules.today) < opens or (stands_as_referral and later is None):
            continue
        key = "decided" if later else "overdue" if rules.today > one.review_on else "due"
        yield _of_person("review", key, rules, people, one.person_key, number=one.number, since=later.on if later else opens, opened_on=opens,
                         due_on=one.review_on, opened_by=one.role, source=one.week)  # fmt: skip


def representations(found: Iterable[Received], people: Mapping[str, PersonNow], rules: WorkRules) -> Iterator[Item]:
    """Objections, data errors and complaints: answered within a month; an upheld one goes on until the person was scored again."""
    for one in found:
        last = one.last or Recorded("received", one.received_on, one.received_on)
        due, where = add_months(one.received_on, rules.days.answer_months), "/representations"
        if last.key == "upheld":
            due, where = last.on + timedelta(days=rules.days.correction_days), "/corrections"
        yield _of_person(one.kind, last.key, rules, people, one.person_key, number=one.number, since=last.on, opened_on=one.received_on,
                         due_on=due, opened_by=one.role, closed_on=last.written, href=f"{where}#number-{one.number}")  # fmt: skip


def _of_person(
    kind: str, key: str, rules: WorkRules, people: Mapping[str, PersonNow], person: str, *, href: str = "/people/{key}", **given: Any
) -> Item:
    """An item about a person, under the record that survives, with whoever may open it today."""
    now = people.get(person) or PersonNow(person, None, False, "erased")
    item = _item(kind, key, rules, about=person, tool=rules.people_tool, **given)
    if now.gone:
        return _gone(item, now.gone, now.gone_on or item.since) if item.is_open else item
    is_supervisors = now.restricted or now.unit is None or now.unit not in rules.managed_units
    return replace(
        item,
        about=now.key,
        unit=None if kind in RECEIVED else now.unit,
        owner=Role.SUPERVISOR if item.owner is Role.OFFENDER_MANAGER and is_supervisors else item.owner,
        source=person if now.key != person else item.source,
        href=href.format(key=now.key),
    )


def _by_person(found: Iterable[OfPerson], people: Mapping[str, PersonNow]) -> dict[str, list[OfPerson]]:
    """What is recorded about each person, merged records taken together."""
    own: dict[str, list[OfPerson]] = {}
    for one in found:
        own.setdefault(people[one.person_key].key if one.person_key in people else one.person_key, []).append(one)
    return own


def _decisions(found: Iterable[Decided], people: Mapping[str, PersonNow]) -> dict[str, list[Decided]]:
    """The decisions about each person in their order; bands noted together answer nothing."""
    return _by_person(sorted((one for one in found if not one.noted), key=lambda one: one.number), people)


def _with_later(found: Iterable[Decided], people: Mapping[str, PersonNow]) -> Iterator[tuple[Decided, Decided | None]]:
    """Each decision with the next one about the same person."""
    for own in _decisions(found, people).values():
        yield from zip_longest(own, own[1:])


# -- about releases and tools ----------------------------------------------------------------------


def releases(found: Sequence[ReleaseStood], rules: WorkRules) -> Iterator[Item]:
    """Releases that wait for people; of a tool only the newest, since a later week overtakes it."""
    for one in found:
        is_open = one.standing in ("draft", "held", "reviewed")
        if not is_open and not one.waited:
            continue
        later = next((r for r in found if r.tool == one.tool and r.number > one.number), None) if is_open else None
        key, since = ("overtaken", later.on) if later else (one.standing, one.since)
        second = Role.DATA_SCIENTIST if one.reviewer is Role.SUPERVISOR else Role.SUPERVISOR
        yield _item("release", key, rules, number=one.number, about=one.name, tool=one.tool, since=since, opened_on=one.on,
                    due_on=one.since + timedelta(days=rules.days.release_days), source=one.name, href=f"/releases/{one.name}",
                    owner=second if key == "reviewed" else None)  # fmt: skip


def models(found: Sequence[ModelKept], rules: WorkRules) -> Iterator[Item]:
    """Refitted models until a second person approves or refuses them."""
    for one in found:
        later = next((m for m in found if m.tool == one.tool and m.number > one.number), None) if one.standing == "candidate" else None
        yield _item("model", "overtaken" if later else one.standing, rules, number=one.number, about=one.name, tool=one.tool, since=one.since,
                    opened_on=one.on, due_on=one.on + timedelta(days=rules.days.release_days), opened_by=one.maker, source=one.name,
                    href=f"/releases/{one.name}", closed_on=later.on if later else one.since,
                    owner=Role.SUPERVISOR if one.maker is Role.DATA_SCIENTIST else None)  # fmt: skip


def findings(found: Sequence[ReleaseStood], lifts: Sequence[Lift], entries: Sequence[EnteredApproval], rules: WorkRules) -> Iterator[Item]:
    """What was found about the newest release of each tool, and not lifted; what the release before had and it has not is gone.

    Approvals that the register lacks are items of their own, so they are no findings here.
    """
    for tool in sorted({one.tool for one in found}):
        own = sorted((one for one in found if one.tool == tool and one.standing != "withdrawn"), key=lambda r: r.number)
        if not own:
            continue
        newest, refused = own[-1], _refused_on(tool, entries)
        of_release = [{f.id: f for f in one.findings if f.kind not in release_rules.OF_REGISTER} for one in own[-2:]]
        before, stand = [{}, *of_release][-2:]
        for finding in [*stand.values(), *(f for key, f in before.items() if key not in stand)]:
            first = _found_since(own, finding)
            if finding.id not in stand:
                key, since = "gone", newest.on
            elif refused is not None and refused >= first:
                key, since = "refused", refused
            else:
                key, since = _lifted(finding, lifts, newest.makers, rules.today, first)
            rule = release_rules.rule_of(finding.kind)
            owners = rule.second if key == "proposed" else rule.first
            yield _item("finding", key, rules, number=own[-2 if key == "gone" else -1].number, about=finding.id, tool=tool, since=since,
                        opened_on=since if key == "open" else first, due_on=max(first, since) + timedelta(days=rules.days.finding_days),
                        opened_by=min(rule.first) if key == "proposed" else None, source=newest.name, href=f"/findings/{finding.id}", says=finding.says,
                        owner=Role.SUPERVISOR if Role.SUPERVISOR in owners else min(owners, default=Role.DATA_SCIENTIST))  # fmt: skip


def _lifted(finding: Finding, lifts: Sequence[Lift], makers: frozenset[str], today: date, first: date) -> tuple[str, date]:
    """The state of a finding that stands, and since when."""
    if not release_rules.rule_of(finding.kind).can_be_lifted:
        return "stands", first
    own = [lift for lift in lifts if lift.finding == finding.id]
    for lift in reversed(own):
        if release_rules.is_lifted(finding, lift, today, makers):
            return "lifted", lift.from_on
        grown = release_rules.has_grown(finding.severity, lift.severity)
        if lift.second is None and lift.ended_on is None and today <= lift.until and not grown:
            return "proposed", lift.from_on
    ended = [min(lift.ended_on or lift.until, lift.until) for lift in own if lift.second is not None]
    return "open", max([first, *(day + timedelta(days=1) for day in ended if day < today)])


def _found_since(own: Sequence[ReleaseStood], finding: Finding) -> date:
    """The day from which every release up to the last that has it has it."""

    def has(one: ReleaseStood) -> bool:
        return any(f.id == finding.id for f in one.findings)

    *_, first = takewhile(has, dropwhile(lambda one: not has(one), reversed(own)))
    return first.on


def _refused_on(tool: str, entries: Iterable[EnteredApproval]) -> date | None:
    """The day an approval of the tool was refused, where that is the newest entry of its kind."""
    newest = [own[-1] for own in (_entries(tool, kind, entries) for kind in register.REFUSABLE) if own]
    return min((one.dated for one in newest if one.outcome == "refused"), default=None)


def _entries(tool: str, kind: str, entries: Iterable[EnteredApproval]) -> list[EnteredApproval]:
    """The entries of a kind that hold for a tool, oldest first."""
    return sorted((one for one in entries if one.kind == kind and one.tool in (tool, None)), key=lambda one: (one.dated, one.number))


def approvals(tools: Iterable[Tool], entries: Iterable[EnteredApproval], rules: WorkRules) -> list[Item]:
    """Approvals that are missing, refused, past their review date or near it; whoever enters the kind enters a new one."""
    items: dict[tuple[str, int], Item] = {}  # an entry for every tool is one item
    soon, dated = timedelta(days=rules.days.approval_days), [one for one in entries if one.dated <= rules.today]
    for tool in tools:
        for kind in register.REFUSABLE:
            before, one = [None, None, *_entries(tool.name, kind, dated)][-2:]
            is_needed = kind in register.REQUIRED_ENTRIES and tool.status in ("trial", "in use")
            state = _approval_state(one, is_needed, soon, rules.today)
            if state is None and one is not None and _approval_state(before, is_needed, soon, one.dated) is not None:
                state = "entered"
            if state is None:
                continue
            opened = tool.status_since if one is None else one.entered_on
            due = opened + timedelta(days=rules.days.finding_days)
            if one is not None and one.review_by is not None and state in ("review_due", "lapsed"):
                opened, due = one.review_by - soon if state == "review_due" else one.review_by, one.review_by
            number, of, about = (0, tool.name, f"{tool.name}/{kind}") if one is None else (one.number, one.tool, kind)
            items[about, number] = _item("approval", state, rules, number=number, about=kind, tool=of, since=opened, opened_on=opened, due_on=due,
                                         href=f"/register?enter={kind}#enter", says=register.ENTRY_KINDS[kind],
                                         owner=Role.ETHICS_REVIEWER if kind == "ethics" else Role.DATA_PROTECTION_OFFICER)  # fmt: skip
    return list(items.values())


def _approval_state(one: EnteredApproval | None, needed: bool, soon: timedelta, today: date) -> str | None:
    if one is not None and one.outcome == "refused":
        return "refused"
    if not needed:
        return None
    if one is None or one.outcome == "none made":
        return "missing"
    if one.review_by is None or today < one.review_by - soon:
        return None
    return "review_due" if today <= one.review_by else "lapsed"


# -- what comes in and what is asked for -----------------------------------------------------------


def deliveries(found: Sequence[Delivered], late_days: int, rules: WorkRules) -> list[Item]:
    """Deliveries that were refused or wait, and that none came: a later good one closes each."""
    items, days = [], timedelta(days=rules.days.delivery_days)
    good = [one for one in found if one.standing in ("loaded", "again")]
    for one in found:
        if one.standing not in ("refused", "waiting", "rejected"):
            continue
        later = next((g for g in good if g.number > one.number), None) if one.standing != "rejected" else None
        items.append(
            _item("delivery", "loaded" if later else one.standing, rules, number=one.number, about=one.delivery_id, since=later.on if later else one.on,
                  opened_on=one.on, due_on=one.on + days, href="/data-quality",
                  owner=Role.SUPERVISOR if one.standing == "waiting" and not later and one.first_by is not None else None)
        )  # fmt: skip
    for one, later in zip_longest(good, good[1:]):
        since = (one.made_on or one.on) + timedelta(days=late_days + 1)
        came = later.on if later else None
        if (came or rules.today) < since or (later is None and any(item.is_open for item in items)):
            continue
        items.append(
            _item("delivery", "loaded" if came else "late", rules, number=one.number, about="none came", since=came or since, opened_on=since,
                  due_on=since + days, href="/data-quality")
        )  # fmt: skip
    return items


def asked(kind: str, found: Iterable[ListAsked], rules: WorkRules) -> Iterator[Item]:
    """What somebody asked for, until a second person answers: lists with names, people to be erased, case reviews, roles."""
    for one in found:
        yield _item(kind, one.decision or "waits", rules, number=one.number, about=one.about, since=one.decided_on or one.on, opened_on=one.on,
                    due_on=one.on + timedelta(days=rules.days.download_days), opened_by=one.role, says=one.says, unit=one.unit, owner=one.owner,
                    href=ANSWERED_AT[kind].format(one.number))  # fmt: skip


# -- what all kinds share --------------------------------------------------------------------------


def _item(
    kind: str, key: str, rules: WorkRules, *, since: date, tool: str | None = None, owner: Role | None = None, closed_on: date | None = None, **given: Any
) -> Item:
    """An item in a state, of the state's own owner unless another is named; `closed_on` counts only where the state is a closed one."""
    state = STATES[kind][key]
    last_owner = next(s.owner for s in STATES[kind].values() if s.owner is not None)
    item = Item(
        kind=kind, tool=tool, state=state.words, key=key, since=since, owner=owner or state.owner or last_owner, next=state.next,
        closed_on=(closed_on or since) if state.owner is None else None, **given,
    )  # fmt: skip
    stopped = rules.stopped.get(tool or "")
    if item.is_open and kind in OF_TOOL and stopped is not None:
        return _gone(item, "tool_refused", max(stopped, item.opened_on))
    return item


def _gone(item: Item, why: str, on: date) -> Item:
    return replace(item, state=GONE[why].words, key=why, since=on, next="", closed_on=on)
