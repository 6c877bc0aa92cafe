"""Open work: what is recorded and not yet closed, who must move it on, and by when. Derived from records; there is no table.

Pure: `store.work_kinds` has one function a kind, which takes the records that stand (`store.work_records`; `store.reads.open_work`
reads them) and gives items. Here is what an item is, its states, and whose it is. An item's state moves on only because somebody
recorded something. Nobody ticks an item away: what closes it is the next record, or that the person, the release or the tool it is
about is gone.

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

from collections.abc import Iterable
from dataclasses import dataclass
from datetime import date, timedelta

from harmcast.oversight.access import Role
from harmcast.store.cell_records import DONE
from harmcast.store.work_records import WorkRules

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
RECEIVED = frozenset({"objection", "data_error", "complaint"})
ABOUT_PEOPLE = RECEIVED | {"referral", "moved_up", "review"}
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
        for kind in sorted(RECEIVED)
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
    opened_on: date
    due_on: date | None
    next: str
    unit: str | None = None
    opened_by: Role | None = None
    source: str = ""
    href: str = ""
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
