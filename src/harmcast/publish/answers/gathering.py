"""Reads from the store everything that an answer may say, as known at the end of a day."""

from __future__ import annotations

import io
import json
from collections.abc import Iterable, Sequence
from dataclasses import replace
from datetime import date
from typing import TYPE_CHECKING, Any

import polars as pl

from harmcast import tables
from harmcast.oversight.access import ROLES, Role
from harmcast.oversight.register import Tool
from harmcast.publish.answers import wording
from harmcast.publish.answers.facts import Counted, Facts, ReleaseThen, ToolFacts, Trained, WorkCounts
from harmcast.store import desk
from harmcast.store.reads import data_quality, training, work
from harmcast.store.reads.training import TrainingGiven
from harmcast.store.reads.work import RoleHeld

if TYPE_CHECKING:
    from harmcast.store.releases import Release
    from harmcast.store.state import State


def gather(state: State, as_of: date, counted: Counted | None = None) -> Facts:
    """Everything the store holds that an answer may say, as known at the end of `as_of`."""
    end = f"{as_of.isoformat()}T99"
    deliveries = data_quality.loaded_by_table(state.operations, end)
    releases = {t.name: _releases(state, t.name, end) for t in state.settings.tools}
    newest = max((r for found in releases.values() for r, _ in found), key=lambda r: (r.week, r.revision), default=None)
    manifest = newest.manifest() if newest else {}
    scores = _scores([r for found in releases.values() for r, _ in found])
    counted = counted or Counted()
    roles = work.roles_held(state.operations, end)
    people = state.settings.people_tool
    if counted.confusion is None and people is not None:
        counted = _with_audited(counted, people.name, people.horizons_months[0], releases[people.name])
    return Facts(
        force=state.settings.force.name,
        invented=state.settings.force.invented,
        as_of=as_of,
        settings=state.settings.model_dump(mode="json", exclude={"store", "alerts"}),
        tools=tuple(
            _tool(state, tool, as_of, end, releases[tool.name], scores) for tool in state.register.tools(as_of)
        ),
        roles=_roles(roles),
        units=tuple(sorted({held.unit for held in roles if held.unit})),
        work=_work(state, end),
        deliveries=deliveries,
        first_delivery=deliveries.select(pl.col("made_on").min()).item(),
        last_delivery=deliveries.select(pl.col("made_on").max()).item(),
        code_version=manifest.get("code_version"),
        data_hash=(manifest.get("records") or {}).get("data_hash"),
        counted=counted,
    )


def _with_audited(counted: Counted, tool: str, months: int, releases: list[tuple[Release, str]]) -> Counted:
    """The judged counts of the newest audit kept with a release, where the command hands in none of its own.

    An attribute of which the audit hid a group is left out: what is hidden there cannot be protected here.
    """
    held = next((r for r, _ in reversed(releases) if r.has(f"{tool}_audit.parquet")), None)
    if held is None:
        return counted
    cells = ("tp", "fp", "fn", "tn")
    table = held.frame(f"{tool}_audit")
    if not {"scope", "attribute", "group", *cells} <= set(table.columns):
        return counted
    single = table.filter(~pl.col("attribute").str.contains(" + ", literal=True), pl.col("measure") == "selection")
    scope = "all" if "all" in single["scope"].unique() else "not managed"
    judged = single.filter(pl.col("scope") == scope).select("attribute", "group", *cells).unique(["attribute", "group"])
    hidden = judged.filter(pl.any_horizontal(pl.col(c).is_null() for c in cells))["attribute"].unique().to_list()
    whole = judged.filter(~pl.col("attribute").is_in(hidden))
    if whole.is_empty():
        return counted
    everyone = whole.group_by("attribute").agg(pl.col(c).sum() for c in cells).sort("attribute").head(1)
    rows = pl.concat(
        [everyone.with_columns(attribute=pl.lit("everyone"), group=pl.lit("all")).select(judged.columns), whole]
    )
    year = str(held.as_of.year if held.as_of else held.origin.year)
    frame = rows.sort("attribute", "group").with_columns(
        tool=pl.lit(tool), model=pl.lit(held.model or "model"), year=pl.lit(year)
    )
    words = (
        f"From the audit of release {held.week}: people not yet high harm {months} months before"
        f"{'' if scope == 'all' else ' and not under management'}; what the model says of what was known then, against what has come since. "
        "Flagged: those at or above the audit's operating point."
    )
    return replace(counted, confusion=frame, judged=words)


def _day(instant: str) -> date:
    return date.fromisoformat(instant[:10])


def _releases(state: State, tool: str, end: str) -> list[tuple[Release, str]]:
    """Releases of a tool made from what was known by then, each with where it stood then.

    A week made later for an earlier day (`week --as-of`) belongs to that day, with the moves made since.
    """
    found = []
    for release in state.releases.history(tool, None):
        day = release.as_of or _day(release.made_at)
        if day.isoformat() < end:
            found.append((release, state.releases.standing_at(release, end if release.made_at < end else None)))
    return found


def _scores(releases: Iterable[Release]) -> pl.DataFrame:
    by_path = {release.path: release for release in releases}
    parts = [
        pl.read_parquet(io.BytesIO(r.read("scores.parquet"))).with_columns(week=pl.lit(r.week))
        for r in sorted(by_path.values(), key=lambda r: (r.week, r.revision))
        if r.has("scores.parquet")
    ]
    empty = pl.DataFrame(schema=pl.Schema({**tables.SCORES.schema(), "week": pl.String()}))
    return pl.concat([empty, *parts], how="diagonal_relaxed")


def _tool(
    state: State, tool: Tool, as_of: date, end: str, releases: list[tuple[Release, str]], scores: pl.DataFrame
) -> ToolFacts:
    about: dict[str, Any] = {}
    audit: dict[str, Any] | None = None
    audit_week: str | None = None
    model: dict[str, Any] | None = None
    for release, _ in reversed(releases):
        if not about and release.has(f"{tool.name}_about.json"):
            about = json.loads(release.read(f"{tool.name}_about.json"))
        if audit is None and release.has(f"{tool.name}_audit.json"):
            audit, audit_week = json.loads(release.read(f"{tool.name}_audit.json")), release.week
        if model is None and release.has(f"{tool.name}_model.json"):
            from harmcast.publish import release_files as release_files

            raw = release.read(f"{tool.name}_model.json")
            reader = getattr(release_files, "read_model", json.loads)
            model = dict(reader(raw))
    bands = next((r.frame(f"{tool.name}_bands") for r, _ in reversed(releases) if r.has(f"{tool.name}_bands.parquet")), None)
    own = state.settings.tool(tool.name)
    if model is None and releases and releases[-1][0].model and tool.kind == "people":
        kept = state.models.named(releases[-1][0].model)
        model = dict(kept.content()) if kept else None
    return ToolFacts(
        tool=tool,
        settings=own.model_dump(mode="json"),
        entries=tuple(e for e in state.register.entries(as_of) if e.tool == tool.name),
        statuses=tuple(
            (s["status"], s["from_on"], s["reason"])
            for s in state.register.statuses(tool.name)
            if s["from_on"] <= as_of
        ),
        cost=state.register.cost(tool.name, as_of),
        releases=tuple(
            ReleaseThen(r.week, r.origin, standing, _day(r.made_at), r.model, tuple(f.says for f in r.findings)) for r, standing in releases
        ),
        scores=scores.filter(pl.col("tool") == tool.name),
        trained=_trained(state, tool.name, as_of),
        tasking=work.tasking(state.operations, tool.name, end),
        about=about,
        audit=audit,
        audit_week=audit_week,
        model=model,
        bands=bands,
    )


def _trained(state: State, tool: str, as_of: date) -> tuple[Trained, ...]:
    kinds: dict[tuple[str, str | None, str | None], list[TrainingGiven]] = {}
    for each in training.given(state.operations, tool, as_of):
        kinds.setdefault((each.kind, each.trainer, each.trainer_contact), []).append(each)
    return tuple(
        Trained(
            kind,
            trainer,
            contact,
            len({each.account for each in found}),
            min(each.passed_on for each in found),
            max(each.passed_on for each in found),
        )
        for (kind, trainer, contact), found in sorted(kinds.items(), key=repr)
    )


def _roles(held: Sequence[RoleHeld]) -> tuple[tuple[str, str, int], ...]:
    return tuple((ROLES[role][0], ROLES[role][1], len({each.account for each in held if each.role == role})) for role in Role)


def _work(state: State, end: str) -> WorkCounts:
    operations = state.operations
    made = work.decisions(operations, end)
    frame = pl.DataFrame(
        [(_decided(each.decision, each.own_judgement), each.reason_code) for each in made],
        schema={"decision": pl.String, "reason_code": pl.String},
        orient="row",
    )
    grouped = frame.group_by("decision", "reason_code").agg(pl.len().cast(pl.Int64).alias("decisions"))
    return WorkCounts(
        decisions=grouped.sort("decision", "reason_code"),
        people_considered=len({each.person_key for each in made}),
        override=(sum(desk.is_against(each.decision, each.own_judgement) for each in made), len(made)),
        sign_offs=work.sign_offs(operations, end),
        follow_ups=work.follow_ups(operations, end),
        representations=work.representations(operations, end),
        exports=work.exports(operations, end),
        views=work.views(operations, end),
    )


def _decided(decision: str, own_judgement: str | None) -> str:
    """The code of a decision; one that changed nothing against the officer's own judgement is told apart."""
    if decision == "no_change" and desk.is_against(decision, own_judgement):
        return wording.NO_CHANGE_AGAINST
    return decision
