"""Who bears it? The audit of a week: protected columns are opened for it alone, and each reading is an event."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, field
from datetime import date
from typing import Any

import polars as pl

from harmcast import tables
from harmcast.fairness import audit, groups
from harmcast.fairness.thresholds import Thresholds
from harmcast.fairness.verdicts import Audit, hide_small
from harmcast.oversight.log import Event
from harmcast.people import charges as charge_rules
from harmcast.people.features import FEATURES
from harmcast.publish import release
from harmcast.stages import people
from harmcast.stages.ground import Ground
from harmcast.stages.people import PeopleMade
from harmcast.stages.places import PlacesMade
from harmcast.store.state import State
from harmcast.store.users import Actor
from harmcast.transitions import landmarks
from harmcast.transitions.model import chances, matrix
from harmcast.weeks import Week, add_months

FLAGGED_SHARE = 0.05
SEED = 2010  # Equality Act


@dataclass
class AuditMade:
    """The audit's share of a week: documents, what holds a tool, and the monitor's history rows."""

    files: dict[str, bytes] = field(default_factory=dict)
    scores: pl.DataFrame = field(default_factory=lambda: pl.DataFrame(schema=tables.SCORES.schema()))
    found: dict[str, list[str]] = field(default_factory=dict)
    about: dict[str, Any] = field(default_factory=dict)
    history: list[dict[str, Any]] = field(default_factory=list)


def make_audit(
    state: State,
    week: Week,
    as_of: date,
    sequence: int,
    actor: Actor,
    places: Sequence[PlacesMade],
    who: PeopleMade | None,
    land: Ground,
) -> AuditMade:
    """Audits each tool of the week; a concern or a stop is a reason the release is held."""
    made = AuditMade()
    thresholds = Thresholds.chosen(state.settings.fairness.model_dump())
    if who is not None:
        found = audit_of_people(state, as_of, sequence, actor, who, thresholds)
        _add(made, who.tool.name, found)
    return made


def audit_of_people(
    state: State, as_of: date, sequence: int, actor: Actor, who: PeopleMade, thresholds: Thresholds
) -> Audit | str:
    """The audit of the person tool, or why none could be made.

    Judged on the day a first horizon before `as_of`: what the model says of what was known then, against what came since. The
    flagged are the twentieth with the highest chances.
    """
    months = who.tool.horizons_months[0]
    day = add_months(as_of, -months)
    if who.model is None or not who.model.get("chosen"):
        return "No person model is approved yet, so there is nothing to audit."
    births = people.under_18(state, [day], as_of, sequence, actor, "Audit: nobody under 18 is counted")
    then = landmarks.panel(people.people_of(who, births), [day], [months], as_of)
    if then.is_empty():
        return f"Nobody was held and not yet high harm on {day.isoformat()}, {months} months ago."
    event = Event(actor.account, "operator", "consultation", "protected_read", purpose="Fairness audit", object="persons_protected")
    labels = groups.read_groups(state.records.protected("fairness.groups", event, as_of, sequence), day)
    chance = chances(who.model["models"][who.model["chosen"]], matrix(then))[:, 0]
    scored = then.select("person_ref").with_columns(chance=pl.Series(chance))
    cut = scored["chance"].quantile(1 - FLAGGED_SHARE, "higher")
    scored = scored.with_columns(selected=pl.col("chance") >= cut)
    managed = state.records.circumstances(day, sequence).filter(pl.col("kind") == "managed").select("person_ref")
    return audit.audit_people(
        scored,
        then.select("person_ref", *(f.name for f in FEATURES)),
        labels,
        then.select("person_ref", became=pl.col(f"became_{months}m")),
        managed,
        thresholds,
        charges=charge_rules.last_versions(who.known.charge_versions, "charge_ref", as_of),
        seed=SEED,
    )


def _add(made: AuditMade, tool: str, found: Audit | str) -> None:
    """Adds one tool's audit to the week: its document, its table, and the reasons that hold the release."""
    if isinstance(found, str):
        made.about[tool] = {"verdict": "not made", "reason": found}
        return
    made.files[f"{tool}_audit.json"] = release.document(found.document())
    made.files[f"{tool}_audit.parquet"] = release.parquet(hide_small(found.table))
    made.about[tool] = {
        "verdict": found.verdict,
        "judged": found.judged,
        "too_few_to_say": found.too_few,
        "findings": [{"name": f.name, "verdict": f.verdict, "says": f.says} for f in found.findings],
    }
    made.found[tool] = [f"audit_{f.verdict}: {f.says}" for f in found.findings]
