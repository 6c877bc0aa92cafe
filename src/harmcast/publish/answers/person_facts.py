"""Everything held about one person, read from the store as known at the end of a day; words are opened with their key."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from datetime import date, datetime, time, timedelta
from typing import TypedDict, cast
from zoneinfo import ZoneInfo

import polars as pl

from harmcast.oversight import log
from harmcast.oversight.review import with_review_dates
from harmcast.publish.answers.collect import answer_day
from harmcast.store import keys, merges
from harmcast.store.reads import looks, then
from harmcast.store.reads.looks import Look
from harmcast.store.reads.person import DecisionOfPerson, RepresentationOfPerson, kept_of
from harmcast.store.representations import RepresentationStep
from harmcast.store.state import State


class PersonHeld(TypedDict, total=False):
    """What is read of the person's record."""

    unit: str | None
    restricted: bool | None
    review_due_on: date | None


class RepresentationFollowed(RepresentationOfPerson):
    steps: list[RepresentationStep]


class StepSeen(TypedDict):
    """A step on what came of a referral, or a supervisor's sign-off."""

    on: date
    step: str
    words: str | None


@dataclass(frozen=True)
class PersonFacts:
    """Everything held about one person, as known at the end of a day.

    Attributes:
        person: the person's row without protected columns.
        charges, circumstances: rows as held.
        scores: week, tables.SCORED_PEOPLE columns, of every release that holds the person.
        decisions: rows as kept, words opened; followed: on, step, words of sign-offs and of what came of a referral.
        representations: rows as kept, words opened, each with its `steps`: looked at, outcome, rescored.
        views: at, role, action, purpose, of everyone who looked, at the person alone or in a list; accounts are not named.
        offences: name of the kind of offence, by code, of those held.
        older_refs: references of records that were merged into this one.
    """

    person_ref: str
    person_key: str
    force: str
    invented: bool
    as_of: date
    person: PersonHeld
    charges: pl.DataFrame
    circumstances: pl.DataFrame
    scores: pl.DataFrame
    decisions: Sequence[DecisionOfPerson]
    representations: Sequence[RepresentationFollowed]
    views: Sequence[Look]
    offences: Mapping[str, str] = field(default_factory=dict)
    followed: Sequence[StepSeen] = ()
    older_refs: Sequence[str] = ()


def gather(state: State, person_ref: str, as_of: date, kinds: Mapping[str, str] | None = None) -> PersonFacts | None:
    """Everything held about a person, under the surviving record and older ones merged into it; null if nobody of the reference is held.

    Args: `kinds`: offence code or class -> kind of offence.
    """
    everybody = with_review_dates(state.records.persons(as_of), state.settings.retention.group_years)
    merged = merges.survivors(everybody)
    person_ref = merged.get(person_ref, person_ref)
    persons = everybody.filter(pl.col("person_ref") == person_ref)
    refs = [person_ref, *sorted(old for old, now in merged.items() if now == person_ref != old)]  # of older records of the same person
    own = [key for ref in refs if (key := keys.key_of(state.operations, ref)) is not None]
    if persons.is_empty() or not own:
        return None
    key = own[0]
    tool, zone = state.settings.people_tool, state.settings.force.timezone
    end = log.instant(datetime.combine(as_of + timedelta(days=1), time(), ZoneInfo(zone)))
    scores = []
    for release in then.releases(state.releases, tool.name, as_of, answer_day(state, as_of, None, date.today()), zone) if tool else []:
        if release.has(f"{release.tool}.parquet"):
            row = release.frame(release.tool).filter(pl.col("person_key").is_in(own))
            if row.height:
                scores.append(row.with_columns(week=pl.lit(release.week)))
    versions = state.records.charge_versions().filter(
        pl.col("person_ref").is_in(refs) & (pl.col("known_on") <= as_of)
    )
    charges = versions.sort("known_on").unique("charge_ref", keep="last", maintain_order=True)
    if "deleted" in charges.columns:
        charges = charges.filter(~pl.col("deleted").fill_null(False))
    kept = kept_of(state.operations, own, end)
    followed: list[StepSeen] = [{"on": r["happened_on"], "step": r["step"], "words": r["words"]} for r in kept.follow_ups]
    followed += [{"on": date.fromisoformat(r["at"][:10]), "step": f"supervisor: {r['outcome']}", "words": r["words"]} for r in kept.sign_offs]
    return PersonFacts(
        person_ref=person_ref,
        older_refs=refs[1:],
        person_key=key,
        force=state.settings.force.name,
        invented=state.settings.force.invented,
        as_of=as_of,
        person=cast(PersonHeld, persons.row(0, named=True)),
        charges=charges.sort("charged_on", "charge_ref"),
        circumstances=state.records.circumstances(as_of).filter(pl.col("person_ref").is_in(refs)),
        scores=pl.concat(scores, how="diagonal_relaxed") if scores else pl.DataFrame(),
        decisions=kept.decisions,
        followed=followed,
        representations=[{**r, "steps": [s for s in kept.steps if s["representation"] == r["id"]]} for r in kept.representations],
        views=sorted((look for one in own for look in looks.of_person(state.operations, one, end)), key=lambda look: look.at),
        offences={c: (kinds or {}).get(c) or (kinds or {}).get(c.partition("/")[0], "") for c in charges["offence_code"].drop_nulls().unique()},
    )
