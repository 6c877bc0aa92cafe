"""Facts of an invented force, written by hand: enough of everything for every answer, with gaps left in on purpose."""

from __future__ import annotations

from dataclasses import replace
from datetime import date

import polars as pl
import pytest

from harmcast import tables
from harmcast.oversight.access import ROLES
from harmcast.oversight.register import RegisterEntry, Tool
from harmcast.publish.answers.facts import Counted, Facts, ReleaseThen, ToolFacts, Trained, WorkCounts

AS_OF = date(2026, 11, 22)
GROUPS = {
    "age_band": {"18 to 24": 0.3, "25 to 34": 0.4, "35 to 49": 0.2, "50 and over": 0.0995, "not recorded": 0.0005},
    "sex": {"female": 0.15, "male": 0.8495, "not recorded": 0.0005},
    "ethnicity_self": {"Asian": 0.2, "Black": 0.2, "Mixed": 0.05, "White": 0.5495, "not recorded": 0.0005},
    "ethnicity_officer": {"Asian": 0.2, "Black": 0.25, "White": 0.55},
}


def split(total: int, shares: dict[str, float]) -> dict[str, int]:
    """Whole numbers that add up, the last group taking the rest."""
    names = list(shares)
    found = {name: int(total * shares[name]) for name in names[:-1]}
    return found | {names[-1]: total - sum(found.values())}


def tracked(with_conviction: int = 6_040, without: int = 3_960) -> pl.DataFrame:
    rows = []
    for flag, total in ((True, with_conviction), (False, without)):
        rows.append(("everyone", "all", flag, total))
        rows += [(a, g, flag, n) for a, shares in GROUPS.items() for g, n in split(total, shares).items()]
    return pl.DataFrame(rows, schema=["attribute", "group", "has_conviction", "people"], orient="row")


def confusion() -> pl.DataFrame:
    rows = []
    for model, (tp, fp) in {"monotone_additive": (110, 140), "plain_harm": (96, 154)}.items():
        cells = {"tp": tp, "fp": fp, "fn": 200 - tp, "tn": 4_750 - fp}
        by_group = {name: {a: split(n, shares) for a, shares in GROUPS.items()} for name, n in cells.items()}
        rows.append(("iom", model, "2025", "everyone", "all", *cells.values()))
        for a, shares in GROUPS.items():
            rows += [("iom", model, "2025", a, g, *(by_group[name][a][g] for name in cells)) for g in shares]
    return pl.DataFrame(
        rows, schema=["tool", "model", "year", "attribute", "group", "tp", "fp", "fn", "tn"], orient="row"
    )


def scores(tool: str) -> pl.DataFrame:
    rows = []
    for k in range(6):
        origin = date(2026, 6, 1 + 4 * k)
        for model, hits in {"empirical_bayes": 9 + k, "count_24m": 8 + k, "foresight": 17 + k}.items():
            rows += [
                (tool, model, "hits_top20", origin, float(hits), 31 + k, "count"),
                (tool, model, "hit_rate_top20", origin, hits / (31 + k), 31 + k, "share"),
            ]
        rows.append((tool, "empirical_bayes", "inside_printed_range", origin, 0.975, 800, "share"))
        rows.append((tool, "empirical_bayes", "expected_inside_printed_range", origin, 0.971, 800, "share"))
    frame = pl.DataFrame(rows, schema=["tool", "model", "figure", "origin", "value", "n", "unit"], orient="row")
    return frame.with_columns(
        group=pl.lit(None, dtype=pl.String),
        low=pl.lit(None, dtype=pl.Float64),
        high=pl.lit(None, dtype=pl.Float64),
        better=pl.lit("higher"),
        reason=pl.lit(None, dtype=pl.String),
        week=pl.lit("2026-W40"),
    ).select(*tables.SCORES.names, "week")


def entries(tool: str) -> tuple[RegisterEntry, ...]:
    return (
        RegisterEntry(tool, "dpia", date(2026, 3, 2), "Data Protection Officer", "DP/12", "DPIA of all three tools", None, date(2027, 3, 2)),
        RegisterEntry(tool, "legal", date(2026, 3, 9), "Legal Services", "L/7"),
        RegisterEntry(tool, "ethics", date(2026, 4, 1), "Data Ethics Committee", "Minutes, April", None, "Report again after six months", date(2026, 10, 1)),
        RegisterEntry(tool, "eia", date(2026, 4, 1), "Policy team", made=False),
        RegisterEntry(tool, "policy", date(2026, 5, 1), "Head of Intelligence", "POL/3"),
    )  # fmt: skip


def audit() -> dict[str, object]:
    return {
        "verdict": "concern",
        "judged": 18,
        "too_few_to_say": 7,
        "findings": [{"name": "selection:black", "verdict": "concern", "says": "Selected more often than the reference group."}],
        "cannot_see": ["Conduct that was never recorded."],
        "notes": [],
    }


def places_tool(name: str, title: str) -> ToolFacts:
    return ToolFacts(
        tool=Tool(name, "places", title, "in use", date(2026, 6, 1), purpose="To show where knife injuries may come.", made_by="In-house, Data Analytics Lab"),
        settings={
            "name": name, "kind": "places", "cell_area_km2": 1.0, "cell_side_m": None, "horizon_weeks": 4,
            "where": {"weapon": ["knife"], "injury": ["minor", "serious", "fatal"]}, "leading": [{"weapon": ["knife"], "injury": ["none"]}],
        },
        entries=entries(name),
        statuses=(("shadow", date(2026, 1, 5), None), ("trial", date(2026, 4, 6), "ethics committee"), ("in use", date(2026, 6, 1), None)),
        cost=None,
        releases=tuple(ReleaseThen(f"2026-W{w}", date.fromisocalendar(2026, w, 1), "published", date.fromisocalendar(2026, w, 1), "empirical_bayes", ()) for w in range(23, 48)),
        scores=scores(name),
        trained=(Trained("methodology and demonstration", "Data Analytics Lab", "lab@force.invalid", 9, date(2026, 3, 1), date(2026, 10, 1)),),
        tasking={"recommendations": 14, "outcome: accepted": 9, "notes": 31},
    )  # fmt: skip


def people_tool() -> ToolFacts:
    return ToolFacts(
        tool=Tool("iom", "people", "Integrated Offender Management", "trial", date(2026, 6, 1), purpose="To find people who may need support."),
        settings={"name": "iom", "kind": "people", "horizons_months": [12, 24]},
        entries=entries("iom"),
        statuses=(("shadow", date(2026, 1, 5), None), ("trial", date(2026, 6, 1), None)),
        cost="Two analysts' time; no licence.",
        releases=(ReleaseThen("2026-W47", date(2026, 11, 16), "published", date(2026, 11, 16), "monotone_additive", ()),),
        scores=scores("iom").clear(),
        trained=(),
        tasking={"recommendations": 0, "notes": 0},
        about={"left_out": {"merged_away": 12, "no_charge_stands": 40, "dead": 8, "review_overdue": 3, "under_18": 120, "birth_unknown": 2}, "harm_unit": "days"},
        audit=audit(),
        audit_week="2026-W47",
    )  # fmt: skip


def invented_facts() -> Facts:
    return Facts(
        force="Mercia Vale Police",
        invented=True,
        as_of=AS_OF,
        settings={
            "feed": {"source": "folder"},
            "fairness": {"small_number": 5},
            "bands": {"percentiles": [50, 75, 90, 97.5], "list_bands": ["high", "super high"]},
            "retention": {"group_years": {"1": 10}, "release_weeks": 156, "backup_days": 28, "export_days": 28},
            "log": {"ask_purpose": True},
            "web": {"export_rows": 500},
            "decisions": {"review_weeks": 12, "override_low": 0.05, "override_high": 0.6, "override_from": 20},
            "release": {"second_person": True},
        },
        tools=(places_tool("knife_injury", "Knife crime causing injury"), people_tool()),
        roles=tuple((says, sees, 3) for says, sees in ROLES.values()),
        units=("Lye LOMU", "Northfield LOMU"),
        work=WorkCounts(
            decisions=pl.DataFrame(
                {
                    "decision": ["refer", "no_change", "not_adopted_data", "not_adopted_local"],
                    "reason_code": ["escalating", "old_record", "record_wrong", "known_support"],
                    "decisions": [31, 58, 3, 12],
                }
            ),
            people_considered=88,
            override=(15, 104),
            sign_offs={"agreed": 29},
            follow_ups={"offered": 28, "taken_up": 19, "ended": 6},
            representations=pl.DataFrame({"kind": ["data error", "objection"], "outcome": ["rescored", "open"], "received": [6, 2]}),
            exports=(4, 1),
            views=950,
        ),
        deliveries=pl.DataFrame(
            {
                "table": ["crimes", "persons", "charges"],
                "made_on": [date(2026, 11, 16)] * 3,
                "received": [1000, 300, 700], "loaded": [900, 200, 690], "unchanged": [50, 50, 0], "superseded": [20, 0, 5], "quarantined": [30, 0, 5], "left_out": [0, 50, 0],
            }
        ),
        first_delivery=date(2026, 1, 5),
        last_delivery=date(2026, 11, 16),
        code_version="0.1.0+abc",
        data_hash="0" * 64,
        counted=Counted(
            tracked=tracked(),
            confusion=confusion(),
            judged="Everyone scored and not yet high harm a year before the day of the answer; flagged: the twentieth with the highest chances.",
            features={"iom": [{"name": "events_12m", "says": "Events charged in the last 12 months.", "unit": "events"}]},
            without_charge=0,
        ),
    )  # fmt: skip


@pytest.fixture
def facts() -> Facts:
    return invented_facts()


@pytest.fixture
def bare_facts() -> Facts:
    """A force on its first day: a register nobody has written in, no delivery, no release, nothing counted."""
    full = invented_facts()
    empty_scores = full.tools[0].scores.clear()

    def bare(tool: ToolFacts) -> ToolFacts:
        return replace(
            tool,
            tool=Tool(tool.name, tool.tool.kind, tool.tool.title, "shadow", date(2026, 11, 1)),
            entries=(), statuses=(), cost=None, releases=(), scores=empty_scores, trained=(), tasking={"recommendations": 0, "notes": 0}, about={}, audit=None, audit_week=None,
        )  # fmt: skip

    return replace(
        full,
        tools=tuple(bare(t) for t in full.tools),
        work=WorkCounts(full.work.decisions.clear(), 0, (0, 0), {}, {}, full.work.representations.clear(), (0, 0), 0),
        deliveries=full.deliveries.clear(), first_delivery=None, last_delivery=None, code_version=None, data_hash=None,
        roles=tuple((r, w, 0) for r, w, _ in full.roles), units=(), counted=Counted(),
    )  # fmt: skip
