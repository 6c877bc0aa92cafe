"""What people decided about people: decisions, sign-offs and follow-ups, each added and never changed.

Words and the page as it was shown are sealed under the person's content key: forgetting the key leaves a decision that
says when, by whom and what, and no word of whom. A decision names the one it was made in view of (`after`); where
somebody else decided in between, it is refused and nothing is lost.
"""

from __future__ import annotations

import json
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import UTC, date, datetime, time
from typing import Any, TypedDict, cast
from zoneinfo import ZoneInfo

import polars as pl
import sqlalchemy as sa

from harmcast.documents.person import PersonDocument
from harmcast.oversight import log
from harmcast.store import keys, schema
from harmcast.store.operations import Operations, Writing

DECISIONS: dict[str, str] = {
    "refer": "Refer for support",
    "no_change": "No change",
    "not_adopted_data": "Not adopted: the data is wrong",
    "not_adopted_local": "Not adopted: local knowledge",
    "defer": "Defer",
}
OVERRIDES = ("not_adopted_data", "not_adopted_local")
REASONS: dict[str, str] = {
    "escalating": "Offending is getting more serious or more frequent",
    "recent_charge": "A new or recent charge",
    "known_support": "Support or management is already in place",
    "circumstances": "Circumstances have changed (housing, work, health, family)",
    "in_custody": "In custody or away from the area",
    "record_wrong": "A record is wrong, missing or about somebody else",
    "old_record": "The record is old and does not reflect the person now",
    "more_needed": "More information is needed first",
    "other": "Another reason, in words below",
}
NOTED = "moved_down"  # a band that moved down, looked through with others: no judgement of one person against the score
CHECKS: dict[str, str] = {
    "connect": "CONNECT",
    "pnc": "Police National Computer (PNC)",
    "probation": "Probation",
    "neighbourhood_team": "Neighbourhood team",
    "partner": "A partner agency",
}
JUDGEMENTS: dict[str, str] = {"higher": "Higher", "same": "About the same", "lower": "Lower"}
TIME_BANDS = ((60, "under 1 minute"), (180, "1 to 3 minutes"), (600, "3 to 10 minutes"), (None, "over 10 minutes"))
NOT_MEASURED = "not measured"
SIGN_OFFS: dict[str, str] = {"agreed": "Agreed", "not_agreed": "Not agreed"}
STEPS: dict[str, str] = {
    "offered": "Support offered",
    "taken_up": "Support taken up",
    "declined": "Support declined",
    "ended": "Support ended",
}


def is_against(decision: str, own_judgement: str | None) -> bool:
    """Whether a decision went against the score: not adopted, or nothing changed by somebody who judged otherwise."""
    return decision in OVERRIDES or (decision == "no_change" and own_judgement in ("higher", "lower"))


BEFORE = {
    "person_key": pl.String(), "unit": pl.String(), "decided_on": pl.Date(), "decision": pl.String(), "reason_code": pl.String(),
    "own_judgement": pl.String(), "review_on": pl.Date(),
}  # fmt: skip


class SignOff(TypedDict):
    """A supervisor's answer to a referral, a key of SIGN_OFFS."""

    decision: int
    outcome: str
    words: str | None
    by_name: str
    role: str
    at: str


class FollowUp(TypedDict):
    """A step on a referral after it was agreed, a key of STEPS."""

    decision: int
    step: str
    happened_on: date
    words: str | None
    by_name: str
    role: str
    at: str


class DecisionWithoutWords(TypedDict):
    """A decision without words."""

    id: int
    person_key: str
    unit: str | None
    band: str | None
    decision: str
    reason_code: str
    own_judgement: str | None
    review_on: date | None
    time_band: str | None
    by: str
    role: str
    at: str


class Waiting(TypedDict):
    """A referral nobody has signed off yet."""

    id: int
    person_key: str
    unit: str | None
    at: str
    by: str


class Overtaken(Exception):
    """Somebody decided about the person after this page was opened; nothing was saved."""


@dataclass(frozen=True)
class Decision:
    """One decision with what followed it. `words` and `shown` are None where none were written or the person was forgotten."""

    id: int
    person_key: str
    week: str
    unit: str | None
    model: str | None
    band: str | None
    decision: str
    reason_code: str
    checks: tuple[str, ...]
    own_judgement: str | None
    review_on: date | None
    time_band: str | None
    judged_first: bool
    by: str
    by_name: str
    role: str
    at: str
    words: str | None
    shown: PersonDocument | None
    sign_offs: tuple[SignOff, ...]
    follow_ups: tuple[FollowUp, ...]

    @property
    def is_referral(self) -> bool:
        return self.decision == "refer"

    @property
    def agreed_at(self) -> str | None:
        """When a supervisor agreed to the referral; None where nobody has."""
        return next((s["at"] for s in self.sign_offs if s["outcome"] == "agreed"), None)

@dataclass(frozen=True)
class NewDecision:
    """A decision about to be kept. `after`: number of the newest decision its maker saw, 0 if there was none.

    `older_keys`: of records that were merged into this one, whose decisions count as seen or not like its own.
    """

    person_key: str
    week: str
    release: int
    unit: str | None
    model: str | None
    band: str | None
    decision: str
    reason_code: str
    checks: Sequence[str]
    own_judgement: str | None
    review_on: date | None
    time_band: str
    judged_first: bool
    words: str
    shown: Mapping[str, Any]
    after: int
    older_keys: Sequence[str] = ()


def time_band(seconds: float) -> str:
    """The band in which time spent on a page is kept; never the time itself."""
    return next(words for limit, words in TIME_BANDS if limit is None or seconds < limit)


def newest_number(connection: sa.Connection, *person_keys: str) -> int:
    """Number of the newest decision about a person, with those on older records merged since; 0 if there is none."""
    table = schema.decisions
    found = connection.execute(sa.select(sa.func.max(table.c.id)).where(table.c.person_key.in_(person_keys))).scalar()
    return int(found or 0)


def decide(tx: Writing, new: NewDecision, by: str, role: str) -> int:
    """Keeps a decision and gives its number; its date is the transaction's, never the asker's.

    Raises: Overtaken if there is a newer decision than the one named by `after`; KeyError if the person was forgotten.
    """
    if newest_number(tx.connection, new.person_key, *new.older_keys) != new.after:
        raise Overtaken
    return tx.insert(
        schema.decisions,
        person_key=new.person_key,
        week=new.week,
        release=new.release,
        unit=new.unit,
        model=new.model,
        band=new.band,
        decision=new.decision,
        reason_code=new.reason_code,
        checks=json.dumps(sorted(new.checks)),
        own_judgement=new.own_judgement,
        review_on=new.review_on,
        time_band=new.time_band,
        judged_first=new.judged_first,
        shown_enc=keys.sealed(tx.connection, new.person_key, json.dumps(new.shown, sort_keys=True, ensure_ascii=False)),
        words_enc=keys.sealed(tx.connection, new.person_key, new.words) if new.words else None,
        after=new.after,
        by=by,
        role=role,
        at=tx.at,
    )


def sign_off(tx: Writing, person_key: str, decision: int, outcome: str, words: str, by: str, role: str) -> int:
    """Keeps a supervisor's sign-off of a referral.

    Raises: Overtaken if it is signed off already; PermissionError if the referral is the supervisor's own.
    """
    table, signed = schema.decisions, schema.sign_offs
    row = tx.execute(sa.select(table.c.by).where(table.c.id == decision, table.c.person_key == person_key)).one()
    if row.by == by:
        raise PermissionError("one's own referral")
    if tx.execute(sa.select(signed.c.id).where(signed.c.decision == decision)).first():
        raise Overtaken
    return tx.insert(
        signed, decision=decision, outcome=outcome, words_enc=_sealed(tx, person_key, words), by=by, role=role, at=tx.at
    )


def follow_up(
    tx: Writing, person_key: str, decision: int, step: str, happened_on: date, words: str, by: str, role: str
) -> int:
    """Keeps a step of what came of a referral: support offered, taken up, declined, ended."""
    return tx.insert(
        schema.follow_ups,
        decision=decision,
        step=step,
        happened_on=happened_on,
        words_enc=_sealed(tx, person_key, words),
        by=by,
        role=role,
        at=tx.at,
    )


def _sealed(tx: Writing, person_key: str, words: str) -> bytes | None:
    return keys.sealed(tx.connection, person_key, words) if words else None


def of_person(operations: Operations, *person_keys: str) -> list[Decision]:
    """Every decision about a person, under one key or several, the newest first, with words opened. The caller has logged the view."""
    table, names = schema.decisions, Decision.__dataclass_fields__
    with operations.reading() as connection:
        whose = {row["id"]: row["person_key"] for row in operations.checked(table, table.c.person_key.in_(person_keys), connection=connection)}
        for beside in (schema.sign_offs, schema.follow_ups):
            operations.checked(beside, beside.c.decision.in_(list(whose)), connection=connection)
        signed = keys.written(connection, schema.sign_offs, "decision", whose)
        followed = keys.written(connection, schema.follow_ups, "decision", whose)
        found = []
        for row in reversed(keys.written(connection, table, "id", whose)):
            shown = keys.opened(connection, row["person_key"], row["shown_enc"])
            held: dict[str, Any] = {
                **row,
                "checks": tuple(json.loads(row["checks"])),
                "judged_first": bool(row["judged_first"]),
                "shown": json.loads(shown) if shown else None,
                "sign_offs": tuple(step for step in signed if step["decision"] == row["id"]),
                "follow_ups": tuple(step for step in followed if step["decision"] == row["id"]),
            }
            found.append(Decision(**{name: held[name] for name in names}))
        return found


LATEST = pl.Schema(
    {
        "person_key": pl.String(),
        "decision_id": pl.Int64(),
        "decided_at": pl.String(),
        "decision": pl.String(),
        "review_on": pl.Date(),
        "signed_off": pl.Boolean(),
    }
)


def mark(operations: Operations) -> tuple[int, int]:
    """What changes when anybody decides or signs off: numbers of the newest decision and sign-off."""
    decision, sign_off = (operations.number(sa.select(sa.func.max(table.c.id))) for table in (schema.decisions, schema.sign_offs))
    return decision, sign_off


def latest(operations: Operations) -> pl.DataFrame:
    """The newest decision about each person who has one: LATEST, without words. One that only noted a band leaves the review it found."""
    signed = {row["decision"] for row in operations.added(schema.sign_offs)}
    everything = operations.added(schema.decisions)
    newest = {row["person_key"]: row for row in everything}
    review = {row["person_key"]: row["review_on"] for row in everything if row["reason_code"] != NOTED}
    rows = [(key, row["id"], row["at"], row["decision"], review.get(key), row["id"] in signed) for key, row in newest.items()]
    return pl.DataFrame(rows, schema=LATEST, orient="row")


def since(operations: Operations, first: str, before: str | None = None) -> list[DecisionWithoutWords]:
    """Decisions made at or after an instant (and before another), oldest first, without words: for rates, workload and closed tables."""
    table = schema.decisions
    by_then = sa.true() if before is None else table.c.at < before
    query = sa.select(*(table.c[name] for name in DecisionWithoutWords.__annotations__)).where(table.c.at >= first, by_then).order_by(table.c.id)
    return cast("list[DecisionWithoutWords]", operations.rows(query))


def before(operations: Operations, day: date, timezone: str) -> pl.DataFrame:
    """Decisions made before a day in the force's zone, oldest first, without words: BEFORE.

    What is made later changes nothing of it, so that a week made again holds the same.
    """
    zone = ZoneInfo(timezone)
    first = log.instant(datetime.combine(day, time(), zone).astimezone(UTC))
    table = schema.decisions
    names = ("person_key", "unit", "decision", "reason_code", "own_judgement", "review_on", "at")
    rows = operations.rows(sa.select(*(table.c[name] for name in names)).where(table.c.at < first).order_by(table.c.id))
    local = [log.moment(row["at"]).astimezone(zone).date() for row in rows]
    return pl.DataFrame([{**row, "decided_on": on} for row, on in zip(rows, local, strict=True)], schema=BEFORE)


def waiting_for_sign_off(operations: Operations) -> list[Waiting]:
    """Referrals nobody has signed off yet, oldest first: id, person_key, at, by."""
    table = schema.decisions
    signed = sa.exists().where(schema.sign_offs.c.decision == table.c.id)
    query = sa.select(table.c.id, table.c.person_key, table.c.unit, table.c.at, table.c.by)
    return cast("list[Waiting]", operations.rows(query.where(table.c.decision == "refer", ~signed).order_by(table.c.id)))
