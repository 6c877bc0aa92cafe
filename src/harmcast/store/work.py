"""Open work: what is recorded and not yet closed, who must move it on, and by when. Derived from records; there is no table.

Pure: one function a kind takes the records that stand (`store.reads.open_work` reads them) and gives items. An item's state moves
on only because somebody recorded something. Nobody ticks an item away: what closes it is the next record, or that the person, the
release or the tool it is about is gone.

| kind | open states, and who moves on | closed by |
|---|---|---|
| recommendation | waits, deferred, adopted: intelligence analyst | not adopted, or what was done |
| referral | waits: supervisor; not agreed, agreed, support: offender manager | support declined or ended; a later decision |
| moved_up, review | offender manager | a decision |
| objection, data_error, complaint | officer; upheld: data scientist | the answer; scored again |
| release, model | the second of two people | published, approved or refused |
| finding | ethics reviewer, or whoever the release rules name | a signed reason of two people, a refusal, or that it is gone |
| approval | officer or ethics reviewer | a new entry |
| delivery | data scientist | a later good delivery |
| download | supervisor | granted or refused |
| erasure | a second person | let go or refused |
| case_review | officer | granted or refused |
| role | supervisor of the unit, or whoever else may confirm it | confirmed or refused |

A person who was merged is worked on under the surviving record. Restricted people, and people whose unit is gone or has no
offender manager, are the supervisor's. What was erased closes everything about it. Noting together that bands moved down is no
decision here: it closes nothing.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, replace
from datetime import date, timedelta
from itertools import zip_longest
from typing import Any

from harmcast.oversight import register, release_rules
from harmcast.oversight.access import Role
from harmcast.oversight.findings import Finding
from harmcast.oversight.register import Tool
from harmcast.oversight.release_rules import Lift
from harmcast.settings import WorkSettings
from harmcast.store.cell_records import DONE
from harmcast.store.desk import DECISIONS
from harmcast.tables import BANDS
from harmcast.weeks import add_months

A, M, S, D, E, P, U = Role
KINDS: dict[str, str] = {
    "recommendation": "Recommendation to tasking",
    "referral": "Referral",
    "moved_up": "Band moved up",
    "review": "Review",
    "objection": "Objection",
    "data_error": "Data error",
    "complaint": "Complaint",
    "release": "Release",
    "model": "Model",
    "finding": "Finding",
    "approval": "Approval",
    "delivery": "Delivery",
    "download": "Download with names",
    "erasure": "Erasure",
    "case_review": "Case review",
    "role": "Role proposed",
}
ABOUT_PEOPLE = frozenset({"referral", "moved_up", "review", "objection", "data_error", "complaint"})
RECEIVED = frozenset({"objection", "data_error", "complaint"})
OF_TOOL = frozenset({"recommendation", "referral", "moved_up", "review"})  # closed where the tool is refused or stopped


@dataclass(frozen=True)
class WorkState:
    """A state in the words that are printed, who moves it on (None: it is closed), and what they do next."""

    words: str
    owner: Role | None = None
    next: str = ""


STATES: dict[str, dict[str, WorkState]] = {
    "recommendation": {
        "waits": WorkState("Waits for tasking", A, "Record the decision"),
        "deferred": WorkState("Deferred by tasking", A, "Record the decision"),
        "adopted": WorkState("Adopted", A, "Record what was done"),
        "adopted_in_part": WorkState("Adopted in part", A, "Record what was done"),
        "not_adopted": WorkState("Not adopted"),
        **{key: WorkState(words) for key, words in DONE.items()},
    },
    "referral": {
        "waits": WorkState("Waits for supervisor", S, "Sign off"),
        "not_agreed": WorkState("Referral not agreed", M, "Decide again"),
        "agreed": WorkState("Referral agreed", M, "Record support"),
        "offered": WorkState("Support offered", M, "Record support"),
        "taken_up": WorkState("Support taken up", M, "Record support"),
        "declined": WorkState("Support declined"),
        "ended": WorkState("Support ended"),
        "decided": WorkState("Decided again"),
    },
    "moved_up": {
        "waits": WorkState("Not reviewed", M, "Review"),
        "decided": WorkState("Reviewed"),
        "fell": WorkState("Band fell again"),
    },
    "review": {
        "due": WorkState("Review due", M, "Review and decide"),
        "overdue": WorkState("Review overdue", M, "Review and decide"),
        "decided": WorkState("Reviewed"),
    },
    **{
        kind: {
            "received": WorkState("Received", P, "Answer it"),
            "looked_at": WorkState("Being looked at", P, "Answer it"),
            "upheld": WorkState("Upheld, to be corrected", D, "Record the correction"),
            "not_upheld": WorkState("Not upheld"),
            "withdrawn": WorkState("Withdrawn"),
            "rescored": WorkState("Corrected and scored again"),
        }
        for kind in ("objection", "data_error", "complaint")
    },
    "release": {
        "draft": WorkState("Draft", D, "Look through it"),
        "held": WorkState("Held", D, "Look at what was found"),
        "reviewed": WorkState("Reviewed, waits for a second person", S, "Publish or refuse"),
        "published": WorkState("Published"),
        "withdrawn": WorkState("Withdrawn"),
        "overtaken": WorkState("Overtaken by a later week"),
    },
    "model": {
        "candidate": WorkState("Waits for approval", D, "Compare, then approve or refuse"),
        "approved": WorkState("Approved"),
        "withdrawn": WorkState("Refused"),
        "overtaken": WorkState("Overtaken by a later model"),
    },
    "finding": {
        "open": WorkState("To be answered", E, "Answer it"),
        "proposed": WorkState("Reason signed, waits for a second person", S, "Agree or refuse"),
        "stands": WorkState("Stops publication, nobody may lift it", D, "Mend the cause"),
        "lifted": WorkState("Lifted for a time"),
        "gone": WorkState("No longer found"),
        "refused": WorkState("Tool refused"),
    },
    "approval": {
        "missing": WorkState("Missing", P, "Enter it"),
        "review_due": WorkState("Review due", P, "Enter a new one"),
        "lapsed": WorkState("Lapsed", P, "Enter a new one"),
        "refused": WorkState("Refused", P, "Enter a new one"),
        "entered": WorkState("Entered"),
    },
    "delivery": {
        "refused": WorkState("Refused", D, "Look at what was wrong"),
        "late": WorkState("Late", D, "Ask why none came"),
        "waiting": WorkState("Waits to be accepted", D, "Look at its effects, then accept or reject"),
        "loaded": WorkState("A later one was good"),
        "rejected": WorkState("Rejected"),
    },
    "erasure": {
        "waits": WorkState("Waits for a second person", E, "Let it go or refuse"),
        "erased": WorkState("Erased"),
        "refused": WorkState("Refused"),
    },
    "download": {
        "waits": WorkState("Waits for supervisor", S, "Grant or refuse"),
        "granted": WorkState("Granted"),
        "refused": WorkState("Refused"),
    },
    "case_review": {
        "waits": WorkState("Waits for data protection officer", P, "Grant or refuse"),
        "granted": WorkState("Granted"),
        "refused": WorkState("Refused"),
    },
    "role": {
        "waits": WorkState("Waits for a second person", S, "Confirm or refuse"),
        "confirmed": WorkState("Given"),
        "refused": WorkState("Refused"),
    },
}
GONE: dict[str, WorkState] = {
    "erased": WorkState("Erased"),
    "died": WorkState("Died"),
    "not_scored": WorkState("No longer scored"),
    "tool_refused": WorkState("Tool refused or stopped"),
}


@dataclass(frozen=True)
class Item:
    """One piece of work.

    Attributes:
        kind: key of KINDS; number: of the record it is about, unique within kind and about.
        about: what it is about: cell, person's key, name of release or model, id of a finding, kind of approval, delivery.
        tool: short name; None where it is about no tool.
        state: in words, as every page prints it; since: day that state began.
        owner, unit: whose it is; no unit: everybody of the role. A closed item keeps its last owner.
        opened_by: role that opened it; None where the system did.
        source: release it was written on, such as `2026-W44`; for a merged person the key of the record it was written on.
        next: what its owner does next, in words; empty where it is closed.
        href: the page where it is done; empty where there is none.
        says: what more stands in the record, in words.
        closed_on: None while it is open.
    """

    kind: str
    number: int
    about: str
    tool: str | None
    state: str
    key: str
    since: date
    owner: Role
    unit: str | None
    opened_on: date
    due_on: date | None
    opened_by: Role | None
    source: str
    next: str
    href: str
    says: str = ""
    closed_on: date | None = None

    @property
    def is_open(self) -> bool:
        return self.closed_on is None

    @property
    def title(self) -> str:
        return KINDS[self.kind]

    @property
    def stands(self) -> str:
        """The state in words, with the kind before it where "Received" alone would not say of what."""
        return f"{self.title}: {self.state.lower()}" if self.kind in RECEIVED else self.state

    def is_overdue(self, today: date) -> bool:
        """From the day after it was due."""
        return self.is_open and self.due_on is not None and today > self.due_on


# -- what stands in the records --------------------------------------------------------------------


@dataclass(frozen=True)
class PersonNow:
    """Where a record about a person stands today. `key`: of the surviving record; `gone`: "", or a key of GONE with its day."""

    key: str
    unit: str | None
    restricted: bool
    gone: str = ""
    gone_on: date | None = None


@dataclass(frozen=True)
class Recorded:
    """Something recorded on an item: which step, when by its own date, when it was written, what it chose."""

    key: str
    on: date
    written: date
    until: date | None = None
    words: str = ""


@dataclass(frozen=True)
class Recommended:
    """A recommendation to tasking with what was recorded on it, oldest first. `withdrawn`: the release it was written on was."""

    number: int
    tool: str
    cell: str
    week: str
    on: date
    role: Role | None
    steps: tuple[Recorded, ...]
    withdrawn: bool = False


@dataclass(frozen=True)
class Decided:
    """A decision about a person with what followed. `at`: instant, as the database writes it.

    `noted`: a band that moved down, noted together with others (`desk.NOTED`): it answers no referral and no review.
    """

    number: int
    person_key: str
    week: str
    decision: str
    on: date
    at: str
    review_on: date | None
    role: Role | None
    signed: Recorded | None = None
    follow_ups: tuple[Recorded, ...] = ()
    noted: bool = False


@dataclass(frozen=True)
class BandMoved:
    """The newest change of a person's band, in the release numbered `release`; both bands, and when it was published."""

    person_key: str
    release: int
    week: str
    was: str
    now: str
    on: date
    at: str


@dataclass(frozen=True)
class Received:
    """An objection, data error or complaint with its steps, oldest first."""

    number: int
    kind: str
    person_key: str
    received_on: date
    role: Role | None
    steps: tuple[Recorded, ...]


@dataclass(frozen=True)
class ReleaseStood:
    """A tool's release of a week and where it stands. `waited`: it was not published by the run itself; `reviewer`: their role."""

    number: int
    name: str
    tool: str
    standing: str
    on: date
    since: date
    waited: bool
    reviewer: Role | None
    makers: frozenset[str]
    findings: tuple[Finding, ...]


@dataclass(frozen=True)
class ModelKept:
    """A model of a tool. `since`: day of its standing; `maker`: role of whoever refitted it."""

    number: int
    name: str
    tool: str
    standing: str
    on: date
    since: date
    maker: Role | None


@dataclass(frozen=True)
class EnteredApproval:
    """An entry of the register as a row; `tool` None: every tool."""

    number: int
    tool: str | None
    kind: str
    outcome: str | None
    dated: date
    entered_on: date
    review_by: date | None


@dataclass(frozen=True)
class Delivered:
    """A delivery as a row, wherever it stands."""

    number: int
    delivery_id: str
    standing: str
    on: date
    made_on: date | None
    first_by: str | None = None


@dataclass(frozen=True)
class ListAsked:
    """A request for a list with names, for people to be erased, for a case review, or for a role that `about` is to hold.

    `owner`: who answers it, where the kind alone does not say.
    """

    number: int
    unit: str | None
    role: Role | None
    on: date
    decision: str | None
    decided_on: date | None
    about: str = "people"
    owner: Role | None = None
    says: str = ""


@dataclass(frozen=True)
class WorkRules:
    """What every kind reads besides its records.

    Attributes:
        managed_units: units that have an offender manager.
        horizon_days: of each places tool, days.
        reviewed_days: within how many days a change of band is looked at.
        stopped: tools that nothing may be shown of, with the day that began.
        people_tool: short name of the tool about people.
    """

    today: date
    days: WorkSettings
    managed_units: frozenset[str]
    horizon_days: Mapping[str, int]
    reviewed_days: int
    stopped: Mapping[str, date]
    people_tool: str | None


# -- one function a kind ---------------------------------------------------------------------------


def recommendations(found: Iterable[Recommended], rules: WorkRules) -> list[Item]:
    """Recommendations to tasking: the newest of what was recorded on one is its state."""
    items = []
    for one in found:
        last = one.steps[-1] if one.steps else None
        key = last.key if last else "waits"
        since = last.on if last else one.on
        meeting = timedelta(days=rules.days.tasking_days)
        due = (
            since + timedelta(days=rules.horizon_days.get(one.tool, 28))
            if key.startswith("adopted")
            else last.until or since + meeting
            if last
            else since + meeting
        )
        says = f"Written on {one.week}, which was withdrawn since." if one.withdrawn else ""
        href = f"/recommendations/{one.number}"
        items.append(
            _item("recommendation", key, rules, number=one.number, about_what=one.cell, tool=one.tool, since=since, opened_on=one.on,
                  due_on=due, opened_by=one.role, source=one.week, href=href, says=says, closed_on=last.written if last else None)
        )  # fmt: skip
    return items


def referrals(found: Iterable[Decided], people: Mapping[str, PersonNow], rules: WorkRules) -> list[Item]:
    """Referrals that are the newest decision about a person; one that a later decision overtook is closed by it."""
    items = []
    for one, later in _with_later(found, people):
        if one.decision != "refer":
            continue
        key, since, closed_on = "waits", one.on, None
        due: date | None = one.on + timedelta(days=rules.days.sign_off_days)
        signed = one.signed
        if later is not None:
            key, since, closed_on = "decided", later.on, later.on
        elif signed is not None and signed.key == "not_agreed":
            key, since, due = "not_agreed", signed.on, signed.on + timedelta(days=rules.days.decide_again_days)
        elif signed is not None:
            last = one.follow_ups[-1] if one.follow_ups else None
            key, since, due = (last.key, last.on, one.review_on) if last else ("agreed", signed.on, one.review_on)
            closed_on = last.written if last else None
        items.append(
            _of_person("referral", key, rules, people, one.person_key, number=one.number, since=since, opened_on=one.on, due_on=due,
                       opened_by=one.role, source=one.week, closed_on=closed_on, anchor=f"#referral-{one.number}")
        )  # fmt: skip
    return items


def moved_up(found: Iterable[BandMoved], decided: Iterable[Decided], people: Mapping[str, PersonNow], rules: WorkRules) -> list[Item]:
    """People whose band moved up, until somebody decides about them after that was published, or the band fell again.

    Args: `found`: every change of band of the releases looked at, oldest first.
    """
    newest: dict[str, Decided] = {}
    for decision in sorted((d for d in decided if not d.noted), key=lambda d: d.number):
        newest[_surviving(decision.person_key, people)] = decision
    changes: dict[str, list[BandMoved]] = {}
    for one in found:
        changes.setdefault(_surviving(one.person_key, people), []).append(one)
    items = []
    for person, own in changes.items():
        ups = [one for one in own if BANDS.index(one.now) > BANDS.index(one.was)]
        if not ups:
            continue
        up, last, decision_after = ups[-1], own[-1], newest.get(person)
        key, since, says = "waits", up.on, f"{up.now}, was {up.was}"
        if decision_after is not None and decision_after.at >= up.at:
            key, since, says = "decided", decision_after.on, DECISIONS.get(decision_after.decision, "")
        elif BANDS.index(last.now) <= BANDS.index(up.was):
            key, since = "fell", last.on
        items.append(
            _of_person("moved_up", key, rules, people, up.person_key, number=up.release, since=since, opened_on=up.on,
                       due_on=up.on + timedelta(days=rules.reviewed_days), opened_by=None, source=up.week, closed_on=since, says=says)
        )  # fmt: skip
    return items


def reviews(found: Iterable[Decided], people: Mapping[str, PersonNow], rules: WorkRules) -> list[Item]:
    """Reviews that are due soon or overdue: a new decision closes one. A referral that is agreed stands for its own review."""
    items = []
    for one, later in _with_later(found, people):
        if one.review_on is None:
            continue
        opens = one.review_on - timedelta(days=rules.days.review_ahead_days)
        until = later.on if later else rules.today
        stands_as_referral = one.decision == "refer" and one.signed is not None and not (one.follow_ups and one.follow_ups[-1].key in ("declined", "ended"))
        if until < opens or (stands_as_referral and later is None):
            continue
        key = "decided" if later else "overdue" if rules.today > one.review_on else "due"
        since = later.on if later else opens
        items.append(
            _of_person("review", key, rules, people, one.person_key, number=one.number, since=since, opened_on=opens, due_on=one.review_on,
                       opened_by=one.role, source=one.week, closed_on=later.on if later else None)
        )  # fmt: skip
    return items


def representations(found: Iterable[Received], people: Mapping[str, PersonNow], rules: WorkRules) -> list[Item]:
    """Objections, data errors and complaints: answered within a month; an upheld one goes on until the person was scored again."""
    items = []
    for one in found:
        last = one.steps[-1] if one.steps else None
        key = last.key if last else "received"
        since = last.on if last else one.received_on
        due = since + timedelta(days=rules.days.correction_days) if key == "upheld" else add_months(one.received_on, rules.days.answer_months)
        where = "/corrections" if key == "upheld" else "/representations"
        item = _of_person(one.kind, key, rules, people, one.person_key, number=one.number, since=since, opened_on=one.received_on, due_on=due,
                          opened_by=one.role, source="", closed_on=last.written if last else None, href=f"{where}#number-{one.number}")  # fmt: skip
        state = STATES[one.kind][key]
        items.append(replace(item, owner=state.owner or P, unit=None))
    return items


def releases(found: Sequence[ReleaseStood], rules: WorkRules) -> list[Item]:
    """Releases that wait for people; of a tool only the newest, since a later week overtakes it."""
    items = []
    for one in found:
        is_open = one.standing in ("draft", "held", "reviewed")
        if not is_open and not one.waited:
            continue
        later = next((r for r in found if r.tool == one.tool and r.number > one.number), None)
        key = "overtaken" if is_open and later else one.standing
        since = later.on if key == "overtaken" and later else one.since
        item = _item("release", key, rules, number=one.number, about_what=one.name, tool=one.tool, since=since, opened_on=one.on,
                     due_on=one.since + timedelta(days=rules.days.release_days), opened_by=None, source=one.name,
                     href=f"/releases/{one.name}", closed_on=since)  # fmt: skip
        items.append(replace(item, owner=D if one.reviewer is S else S) if key == "reviewed" else item)
    return items


def models(found: Sequence[ModelKept], rules: WorkRules) -> list[Item]:
    """Refitted models until a second person approves or refuses them."""
    items = []
    for one in found:
        later = next((m for m in found if m.tool == one.tool and m.number > one.number), None)
        key = "overtaken" if one.standing == "candidate" and later else one.standing
        item = _item("model", key, rules, number=one.number, about_what=one.name, tool=one.tool, since=one.since, opened_on=one.on,
                     due_on=one.on + timedelta(days=rules.days.release_days), opened_by=one.maker, source=one.name,
                     href=f"/releases/{one.name}", closed_on=later.on if key == "overtaken" and later else one.since)  # fmt: skip
        items.append(replace(item, owner=S) if one.maker is D else item)
    return items


def findings(found: Sequence[ReleaseStood], lifts: Sequence[Lift], entries: Sequence[EnteredApproval], rules: WorkRules) -> list[Item]:
    """What was found about the newest release of each tool, and not lifted; what the release before had and it has not is gone.

    Approvals that the register lacks are items of their own, so they are no findings here.
    """
    items: list[Item] = []
    for tool in sorted({one.tool for one in found}):
        own = sorted((one for one in found if one.tool == tool and one.standing != "withdrawn"), key=lambda r: r.number)
        if not own:
            continue
        newest, refused = own[-1], _refused_on(tool, entries)
        stand = {f.id: f for f in newest.findings if f.kind not in release_rules.OF_REGISTER}
        before = {f.id: f for f in own[-2].findings if f.kind not in release_rules.OF_REGISTER} if len(own) > 1 else {}
        for finding in [*stand.values(), *(f for key, f in before.items() if key not in stand)]:
            first = _found_since(own, finding.id)
            if finding.id not in stand:
                key, since = "gone", newest.on
            elif refused is not None and refused >= first:
                key, since = "refused", refused
            else:
                key, since = _lifted(finding, lifts, newest.makers, rules.today, first)
            rule = release_rules.rule_of(finding.kind)
            owners = rule.second if key == "proposed" else rule.first
            owner = S if S in owners else min(owners) if owners else D
            item = _item("finding", key, rules, number=newest.number if key != "gone" else own[-2].number, about_what=finding.id, tool=tool,
                         since=since, opened_on=since if key == "open" else first, due_on=max(first, since) + timedelta(days=rules.days.finding_days),
                         opened_by=min(rule.first) if key == "proposed" else None, source=newest.name, href=f"/findings/{finding.id}", says=finding.says,
                         closed_on=since)  # fmt: skip
            items.append(replace(item, owner=owner))
    return items


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


def _found_since(own: Sequence[ReleaseStood], finding: str) -> date:
    """The day from which every release up to the last that has it has it."""
    held = [any(f.id == finding for f in one.findings) for one in own]
    last = max(i for i, has in enumerate(held) if has)
    first = last
    while first > 0 and held[first - 1]:
        first -= 1
    return own[first].on


def _refused_on(tool: str, entries: Sequence[EnteredApproval]) -> date | None:
    """The day an approval of the tool was refused, where that is the newest entry of its kind."""
    newest = _newest_entries(tool, entries)
    days = [one.dated for kind, one in newest.items() if kind in register.REFUSABLE and one.outcome == "refused"]
    return min(days, default=None)


def _newest_entries(tool: str, entries: Sequence[EnteredApproval]) -> dict[str, EnteredApproval]:
    found: dict[str, EnteredApproval] = {}
    for one in sorted((e for e in entries if e.tool in (tool, None)), key=lambda e: (e.dated, e.number)):
        found[one.kind] = one
    return found


def approvals(tools: Sequence[Tool], entries: Sequence[EnteredApproval], rules: WorkRules) -> list[Item]:
    """Approvals that are missing, refused, past their review date or near it; whoever enters the kind enters a new one."""
    items: dict[tuple[str, int], Item] = {}
    soon = timedelta(days=rules.days.approval_days)
    for tool in tools:
        newest = _newest_entries(tool.name, [e for e in entries if e.dated <= rules.today])
        needed = register.REQUIRED_ENTRIES if tool.status in ("trial", "in use") else ()
        for kind in register.REFUSABLE:
            one = newest.get(kind)
            state = _approval_state(one, kind in needed, soon, rules.today)
            if state is None:
                before = _entry_before(one, tool.name, entries)
                if one is None or _approval_state(before, kind in needed, soon, one.dated) is None:
                    continue
                state = "entered"
            opened = (
                tool.status_since
                if one is None
                else one.entered_on
                if state in ("refused", "missing", "entered") or one.review_by is None
                else one.review_by - soon
                if state == "review_due"
                else one.review_by
            )
            due = one.review_by if one is not None and state in ("review_due", "lapsed") and one.review_by else opened + timedelta(days=rules.days.finding_days)
            number = one.number if one is not None else 0
            item = _item("approval", state, rules, number=number, about_what=kind, tool=tool.name if one is None else one.tool, since=opened,
                         opened_on=opened, due_on=due, opened_by=None, source="", href=f"/register?enter={kind}#enter", says=register.ENTRY_KINDS[kind],
                         closed_on=one.entered_on if one is not None else None)  # fmt: skip
            owner = E if kind == "ethics" else P
            items[kind if one is not None else f"{tool.name}/{kind}", number] = replace(item, owner=owner)
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


def _entry_before(one: EnteredApproval | None, tool: str, entries: Sequence[EnteredApproval]) -> EnteredApproval | None:
    if one is None:
        return None
    earlier = [e for e in entries if e.kind == one.kind and e.tool in (tool, None) and (e.dated, e.number) < (one.dated, one.number)]
    return max(earlier, key=lambda e: (e.dated, e.number), default=None)


def deliveries(found: Sequence[Delivered], late_days: int, rules: WorkRules) -> list[Item]:
    """Deliveries that were refused or wait, and that none came: a later good one closes each."""
    items = []
    good = [one for one in found if one.standing in ("loaded", "again")]
    for one in found:
        if one.standing not in ("refused", "waiting", "rejected"):
            continue
        later = next((g for g in good if g.number > one.number), None)
        key = "loaded" if later and one.standing != "rejected" else one.standing
        item = _item("delivery", key, rules, number=one.number, about_what=one.delivery_id, tool=None, since=later.on if later and key == "loaded" else one.on,
                     opened_on=one.on, due_on=one.on + timedelta(days=rules.days.delivery_days), opened_by=None, source="",
                     href="/data-quality", closed_on=None)  # fmt: skip
        items.append(replace(item, owner=S) if key == "waiting" and one.first_by is not None else item)
    for one, later in zip_longest(good, good[1:]):
        since = (one.made_on or one.on) + timedelta(days=late_days + 1)
        came = later.on if later else None
        if (came or rules.today) < since or (later is None and any(item.is_open for item in items)):
            continue
        items.append(
            _item("delivery", "loaded" if came else "late", rules, number=one.number, about_what="none came", tool=None, since=came or since,
                  opened_on=since, due_on=since + timedelta(days=rules.days.delivery_days), opened_by=None, source="",
                  href="/data-quality", closed_on=came)
        )  # fmt: skip
    return items


def downloads(found: Iterable[ListAsked], rules: WorkRules) -> list[Item]:
    """Lists with names that somebody asked for, until a supervisor of the unit grants or refuses."""
    return [_asked("download", one, rules, f"/exports#request-{one.number}") for one in found]


def erasures(found: Iterable[ListAsked], rules: WorkRules) -> list[Item]:
    """Lists of people that somebody asked to have erased, until a second person lets them go or refuses."""
    return [_asked("erasure", one, rules, "/forget") for one in found]


def case_reviews(found: Iterable[ListAsked], rules: WorkRules) -> list[Item]:
    """One person's page without a name, asked for until the officer grants or refuses."""
    return [_asked("case_review", one, rules, f"/case-reviews#request-{one.number}") for one in found]


def role_proposals(found: Iterable[ListAsked], rules: WorkRules) -> list[Item]:
    """Roles that an administrator proposed, until a second person confirms or refuses."""
    return [_asked("role", one, rules, "/roles") for one in found]


def _asked(kind: str, one: ListAsked, rules: WorkRules, href: str) -> Item:
    item = _item(kind, one.decision or "waits", rules, number=one.number, about_what=one.about, tool=None, since=one.decided_on or one.on,
                 opened_on=one.on, due_on=one.on + timedelta(days=rules.days.download_days), opened_by=one.role, source="",
                 href=href, says=one.says, closed_on=one.decided_on)  # fmt: skip
    return replace(item, unit=one.unit, owner=one.owner or item.owner)


# -- what all kinds share --------------------------------------------------------------------------


def _item(kind: str, key: str, rules: WorkRules, *, about_what: str, tool: str | None, closed_on: date | None, since: date, **given: Any) -> Item:
    """An item in a state; `closed_on` counts only where the state is a closed one."""
    state = STATES[kind][key]
    is_closed = state.owner is None
    last_owner = next(s.owner for s in STATES[kind].values() if s.owner is not None)
    values = {"says": "", **given}
    item = Item(
        kind=kind, about=about_what, tool=tool, state=state.words, key=key, since=since, owner=state.owner or last_owner, unit=None,
        next=state.next, closed_on=(closed_on or since) if is_closed else None, **values,
    )  # fmt: skip
    stopped = rules.stopped.get(tool or "")
    if item.is_open and kind in OF_TOOL and stopped is not None:
        return _gone(item, "tool_refused", max(stopped, item.opened_on))
    return item


def _gone(item: Item, why: str, on: date) -> Item:
    return replace(item, state=GONE[why].words, key=why, since=on, next="", closed_on=on)


def _of_person(
    kind: str, key: str, rules: WorkRules, people: Mapping[str, PersonNow], person: str, *, anchor: str = "", href: str | None = None, **given: Any
) -> Item:
    """An item about a person, under the record that survives, with whoever may open it today."""
    now = people.get(person)
    item = _item(kind, key, rules, about_what=person, tool=rules.people_tool, href="", **given)
    if now is None or now.gone:
        why, on = (now.gone, now.gone_on) if now else ("erased", None)
        return _gone(item, why, on or item.since) if item.is_open else item
    is_supervisors = now.restricted or now.unit is None or now.unit not in rules.managed_units
    return replace(
        item,
        about=now.key,
        unit=now.unit,
        owner=S if item.owner is M and is_supervisors else item.owner,
        source=person if now.key != person else item.source,
        href=href if href is not None else f"/people/{now.key}{anchor}",
    )


def _surviving(person: str, people: Mapping[str, PersonNow]) -> str:
    now = people.get(person)
    return now.key if now is not None else person


def _with_later(found: Iterable[Decided], people: Mapping[str, PersonNow]) -> list[tuple[Decided, Decided | None]]:
    """Each decision with the next one about the same person, merged records taken together; bands noted together answer nothing."""
    by_person: dict[str, list[Decided]] = {}
    for one in sorted((d for d in found if not d.noted), key=lambda d: d.number):
        by_person.setdefault(_surviving(one.person_key, people), []).append(one)
    return [(one, own[i + 1] if i + 1 < len(own) else None) for own in by_person.values() for i, one in enumerate(own)]


# -- whose, and in which order -----------------------------------------------------------------------


@dataclass(frozen=True)
class Desk:
    """What one person's home lists: theirs, what waits for others, and what was closed lately and how."""

    mine: tuple[Item, ...]
    waiting: tuple[Item, ...]
    closed: tuple[Item, ...]

    def overdue(self, today: date) -> int:
        return sum(item.is_overdue(today) for item in self.mine)


def is_of(item: Item, role: Role, unit: str | None) -> bool:
    """Whether an item is for somebody of a role and unit. A supervisor has also what has no unit."""
    return item.owner is role and (item.unit is None or item.unit == unit)


def desk_of(items: Iterable[Item], role: Role, unit: str | None, rules: WorkRules) -> Desk:
    """Open items of a role and unit by due date; those it opened and others must move on; those closed within `closed_days`."""
    seen = [item for item in items if item.unit is None or item.unit == unit or role not in (M, S)]
    is_own = [item for item in seen if item.owner is role or item.opened_by is role]
    mine = sorted((i for i in seen if i.is_open and is_of(i, role, unit)), key=_order)
    waiting = sorted((i for i in is_own if i.is_open and i.owner is not role), key=_order)
    since = rules.today - timedelta(days=rules.days.closed_days)
    closed = sorted((i for i in is_own if i.closed_on is not None and i.closed_on >= since), key=lambda i: (i.closed_on or since, i.number), reverse=True)
    return Desk(tuple(mine), tuple(waiting), tuple(closed))


def _order(item: Item) -> tuple[date, str, int, str]:
    return (item.due_on or date.max, item.kind, item.number, item.about)


def of_person(items: Iterable[Item], key: str) -> list[Item]:
    """Open items about one person, the most pressing first."""
    return sorted((item for item in items if item.is_open and item.kind in ABOUT_PEOPLE and item.about == key), key=_order)


def of_cell(items: Iterable[Item], tool: str, cell: str) -> list[Item]:
    """Recommendations on one cell, open ones first."""
    own = [item for item in items if item.kind == "recommendation" and item.tool == tool and item.about == cell]
    return sorted(own, key=lambda item: (not item.is_open, _order(item)))
