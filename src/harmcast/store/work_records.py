"""What open work is derived from: one record a kind, as it stands, and the rules that every kind reads. Shapes only."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import date

from harmcast.oversight.access import Role
from harmcast.oversight.findings import Finding
from harmcast.settings import WorkSettings


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
    """Something recorded on an item: which step, when by its own date, when it was written, until when it was put off."""

    key: str
    on: date
    written: date
    until: date | None = None


@dataclass(frozen=True)
class Recommended:
    """A recommendation to tasking with what was last recorded on it. `withdrawn`: the release it was written on was."""

    number: int
    tool: str
    cell: str
    week: str
    on: date
    role: Role | None
    last: Recorded | None = None
    withdrawn: bool = False


@dataclass(frozen=True)
class Decided:
    """A decision about a person, its newest signature and the newest step of support. `at`: instant, as the database writes it.

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
    followed: Recorded | None = None
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
    """An objection, data error or complaint with the last step that counts."""

    number: int
    kind: str
    person_key: str
    received_on: date
    role: Role | None
    last: Recorded | None = None


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
