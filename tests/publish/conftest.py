"""Facts of an invented force, written by hand: every key that a template may name, for two places tools and one of people."""

from __future__ import annotations

from dataclasses import replace
from datetime import date
from typing import Any

import pytest

from harmcast.documents.facts import Fact, Facts, Value
from harmcast.publish.answers.pieces import facts_of_design

AS_OF = date(2026, 11, 22)
TOOLS = {"knife_injury": "places", "serious_violence": "places", "iom": "people"}


def paper(outcome: str = "approved", dated: date = date(2026, 3, 2), by: str = "Data Protection Officer") -> tuple[dict[str, Any], ...]:
    return ({"title": "Of all three tools", "dated": dated, "by": by, "reference": "DP/12", "conditions": None, "review_by": date(2027, 3, 2), "outcome": outcome},)


def groups(**values: Any) -> tuple[dict[str, Any], ...]:
    """Rows by group that add up: `values` of everyone, a fifth of it female."""
    fifth = {k: v // 25 * 5 for k, v in values.items()}
    return (
        {"attribute": "Everyone", "group": "All", **values},
        {"attribute": "Gender (sex as recorded)", "group": "Female", **fifth},
        {"attribute": "Gender (sex as recorded)", "group": "Male", **{k: v - fifth[k] for k, v in values.items()}},
    )


FORCE: dict[str, Any] = {
    "answer.as_of": AS_OF,
    "answer.known_on": AS_OF,
    "answer.is_looking_back": False,
    "answer.begun": date(2026, 1, 5),
    "since.withdrawn": (),
    "force.name": "Mercia Vale Police",
    "force.invented": True,
    "software.version": "0.1.0+abc",
    "software.records": "ab" * 32,
    "network.outside": (),
    "record.views": 950,
    "record.exports": 4,
    "record.named_exports": 1,
    "rule.export_rows": 500,
    "rule.override_from": 20,
    "rule.override_low": (0.05, "share"),
    "rule.override_high": (0.6, "share"),
    "retention.release_weeks": 156,
    "retention.backup_days": 28,
    "retention.export_days": 29,
    "retention.reviews": ({"group": "1", "years": 10.0},),
}
ANY: dict[str, Any] = {
    "status": "in use",
    "status_since": date(2026, 6, 1),
    "stages": ({"status": "trial", "from": date(2026, 4, 6), "reason": "ethics committee"}, {"status": "in use", "from": date(2026, 6, 1), "reason": "none given"}),
    "deployment": "running",
    "first_deployed": date(2026, 4, 6),
    "ended": date(2026, 11, 20),
    "is_older_than_releases": True,
    "purpose": "To show where help is needed.",
    "policy_purpose": "Fewer people hurt.",
    "owner": "Head of Intelligence",
    "made_by": "In-house, Data Analytics Lab",
    "users": "The intelligence team",
    "decisions_supported": "Which places are recommended.",
    "website": "force.invalid/tools",
    "contact": "tools@force.invalid",
    "previous_process": "Maps drawn by hand.",
    "objections_to": "dpo@force.invalid",
    "cost": "Two analysts.",
    "releases": 25,
    "releases_from": date(2026, 6, 1),
    "releases_to": date(2026, 11, 16),
    "standings": ({"standing": "published", "releases": 25},),
    "model": "Place model",
    "release": "2026-W47",
    "variables": ({"name": "Harm share", "says": "Harm today.", "unit": "share"}, {"name": "Events", "says": "Events charged.", "unit": "events"}),
    "access": ({"role": "Intelligence analyst", "sees": "Area forecasts.", "people": 3, "trained": 2},),
    "trained": ({"kind": "Methodology", "trainer": "Lab", "contact": "lab@force.invalid", "people": 9, "first": date(2026, 3, 1), "last": date(2026, 10, 1)},),
    "trained_people": 9,
    "trainers": ("Lab",),
    "feed": ({"table": "crimes", "received": 1000, "loaded": 900, "unchanged": 50, "superseded": 20, "quarantined": 30, "left_out": 0},),
    "feed_from": date(2026, 1, 5),
    "feed_to": date(2026, 11, 16),
    "feed_source": "a folder of files that the records system fills",
    "audit_week": "2026-W47",
    "audit_verdict": "concern",
    "audit_judged": 18,
    "audit_too_few": 7,
    "audit_findings": ("Concern: Selected more often than the reference group.",),
    "audit_notes": ("Rehearsal.",),
    "audit_limits": ("Conduct that was never recorded.",),
}
PLACES: dict[str, Any] = {
    "cell": "square cells of 1 square kilometre, sides 1,000 m",
    "horizon_weeks": 4,
    "definition": "weapon knife, injury minor, serious or fatal",
    "leading": ("weapon knife, injury none",),
    "range_level": (0.9, "share"),
    "listed": 20,
    "list_expected": 16.4,
    "list_best": 34.4,
    "fell_back": False,
    "windows": 6,
    "hits": ({"model": "Place model (as released)", "windows": 6, "hits": 69, "offences": 201}, {"model": "Plain count, 24 months", "windows": 6, "hits": 63, "offences": 201}),
    "our_hits": 69,
    "plain_hits": 63,
    "offences": 201,
    "verdict": "Better than a plain count",
    "ranges_held": 4680,
    "ranges_judged": 4800,
    "tasking": ({"what": "Recommendations", "times": 14},),
    "by_deprivation": ({"fifth": "1", "residents": 556001, "recorded": 26, "per_thousand": 0.07, "flagged_share": 0.23, "ratio": 0.8, "ratio_low": 0.6, "ratio_high": 1.2, "verdict": "too few to say"},),
}
PEOPLE: dict[str, Any] = {
    "explored": date(2026, 10, 5),
    "explored_findings": ("Correlation was measured. Largest: harm_share and Black (ethnicity (self-defined)), AUC 0.540.",),
    "units": ("Lye LOMU", "Northfield LOMU"),
    "harm_unit": "days",
    "harm_index": "Cambridge Crime Harm Index, edition 2026",
    "coarse_share": (0.98, "share"),
    "decay": "OGRS4",
    "cuts": ({"band": "low", "from": 0.0}, {"band": "low-medium", "from": 30.0}, {"band": "high-medium", "from": 180.0}, {"band": "high", "from": 365.0}, {"band": "super high", "from": 1825.0}),
    "cuts_date": date(2026, 9, 21),
    "horizons": ("12", "24"),
    "look_back": 24,
    "is_plain": False,
    "verdict": "Too early to say",
    "why_model": "it foretold better than harm alone",
    "scored": 9300,
    "without_chance": 5200,
    "left_out": ({"reason": "No charge stands", "people": 1250},),
    "without_charge": 0,
    "tracked": groups(with_conviction=6050, without_conviction=3950, people=10000),
    "tracked_people": 10000,
    "tracked_convicted": 6050,
    "tracked_at": date(2026, 9, 30),
    "considered": groups(people=90),
    "decisions": ({"decision": "Refer", "reason": "Escalating", "decisions": 30}, {"decision": "Not adopted", "reason": "Record wrong", "decisions": 15}),
    "decisions_made": 105,
    "set_aside": 15,
    "referred": 30,
    "not_closed": (),
    "charges_police_found": ({"attribute": "Everyone", "group": "All", "police_found": 2000, "others": 6000},),
    "charges_fell_away": ({"attribute": "Everyone", "group": "All", "fell_away": 1000, "held_up": 4000},),
    "bands_by_group": ({"attribute": "Everyone", "group": "All", "band": "low", "people": 7000},),
    "sign_offs": ({"outcome": "agreed", "times": 25},),
    "follow_ups": ({"step": "Support offered", "times": 30},),
    "representations": ({"kind": "Objection", "outcome": "open", "received": 5},),
    "bands": ({"horizon_months": 12, "band": "low", "people": 5300, "followed": 65}, {"horizon_months": 12, "band": "high", "people": 40, "followed": 5}),
    "confusion": ({"attribute": "Everyone", "group": "All", "period": "1 November 2025 to 1 November 2026", "model": "Card", "tp": 110, "fp": 140, "fn": 90, "tn": 4610},),
    "confusion_note": "Who is judged: everyone not yet high harm on the first day of each period.",
    "confusion_period": "1 November 2025 to 1 November 2026",
    "flagged_right": 110,
    "flagged": 250,
    "became": 200,
    "judged": 4950,
    "proxies": ({"variable": "Harm share", "attribute": "Age", "group": "18 to 24", "auc": 0.54, "low": 0.5, "high": 0.57, "people": 2850, "verdict": "printed"},),
    "proxy_variable": "Harm share",
    "proxy_group": "Age: 18 to 24",
    "proxy_auc": 0.54,
    "proxy_low": 0.5,
    "proxy_high": 0.57,
    "proxies_none": False,
    "equality.age": ({"group": "18 to 24", "measure": "Picked out", "value": 0.06, "low": 0.05, "high": 0.08, "verdict": "printed"},),
    "equality.sex": ({"group": "Female", "measure": "Picked out", "value": 0.04, "low": 0.03, "high": 0.06, "verdict": "printed"},),
    "equality.race": ({"group": "Black", "measure": "Picked out", "value": 0.05, "low": 0.04, "high": 0.07, "verdict": "printed"},),
}  # fmt: skip
PAPERS = ("dpia", "legal", "ethics", "eia", "policy", "appropriate_policy", "contract", "technical_paper", "test_for_bias", "training_material")
STATISTICS = frozenset({"tracked", "considered", "decisions", "follow_ups", "representations", "bands", "confusion", "flagged_right", "flagged", "became", "judged", "set_aside", "decisions_made"})
TITLES = {"knife_injury": "Knife crime causing injury", "serious_violence": "Serious violence", "iom": "Integrated Offender Management"}


def fact(key: str, value: Any) -> Fact:
    unit = ""
    if isinstance(value, tuple) and len(value) == 2 and value[1] == "share":
        value, unit = value
    source = "statistics:2026-Q3/x" if key.rpartition(".")[2] in STATISTICS else "hand:written"
    return Fact(key, value, unit, source, date(2026, 1, 1), date(2026, 1, 1))


def without(facts: Facts, key: str) -> Facts:
    """The same facts but for one."""
    return replace(facts, held={k: f for k, f in facts.held.items() if k != key})


def put(facts: Facts, key: str, value: Value) -> Facts:
    """The same facts but for one value."""
    return replace(facts, held={**facts.held, key: replace(facts.held[key], value=value)})


def with_design(facts: Facts) -> Facts:
    """The same facts with their design facts drawn anew."""
    own = [f for f in facts.held.values() if not f.key.startswith("design.")]
    bare = Facts.of(facts.as_of, facts.known_on, own)
    return Facts.of(facts.as_of, facts.known_on, [*own, *facts_of_design(bare, TOOLS)])


def invented_facts() -> Facts:
    found = [fact(key, value) for key, value in FORCE.items()]
    for tool, kind in TOOLS.items():
        own = {"kind": kind, "title": TITLES[tool], **ANY, **(PLACES if kind == "places" else PEOPLE)}
        found += [fact(f"{tool}.{key}", value) for key, value in own.items()]
        found += [fact(f"{tool}.paper.{name}", paper("none made" if name == "eia" else "approved")) for name in PAPERS]
    return with_design(Facts.of(AS_OF, AS_OF, found))


def bare_facts_of(facts: Facts) -> Facts:
    """A force on its first day: a register nobody has written in, no delivery, no release, nothing counted."""
    kept = {"answer.as_of", "answer.known_on", "answer.is_looking_back", "force.name", "force.invented", "network.outside", "since.withdrawn"}
    own = [f for f in facts.held.values() if f.key in kept or f.key.partition(".")[0] in ("rule", "retention") or f.key.partition(".")[2] in ("kind", "title")]
    own += [fact(f"{tool}.status", "shadow") for tool in TOOLS] + [fact(f"{tool}.deployment", "never deployed") for tool in TOOLS]
    return with_design(Facts.of(AS_OF, AS_OF, own))


@pytest.fixture
def facts() -> Facts:
    return invented_facts()


@pytest.fixture
def bare_facts() -> Facts:
    return bare_facts_of(invented_facts())
