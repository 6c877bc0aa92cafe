"""Counts that an answer needs and only the middle may make: people by protected group, and who was rightly flagged."""

from __future__ import annotations

import json
from collections.abc import Sequence
from datetime import date

import polars as pl

from harmcast.fairness import groups
from harmcast.fairness.groups import Groups
from harmcast.oversight.log import Event
from harmcast.people import charges as charge_rules
from harmcast.people.features import FEATURES
from harmcast.publish.answers.facts import Counted
from harmcast.publish.disclosure import Published
from harmcast.runs import people
from harmcast.runs.people_results import FLAGGED_SHARE
from harmcast.settings import PeopleTool
from harmcast.store import desk
from harmcast.store.releases import Release
from harmcast.store.state import State
from harmcast.store.users import Actor
from harmcast.transitions import landmarks
from harmcast.transitions.landmarks import People
from harmcast.transitions.model import gives_chances, lines_of, look_back_of, points_of
from harmcast.weeks import add_months

YEARS_JUDGED = 3
FLOOR = "plain_harm"


def counted(state: State, as_of: date, kind: str, actor: Actor) -> Counted:
    """Everything an answer counts about people, as known at the end of `as_of`; nulls where no release holds people."""
    tool = state.settings.people_tool
    release = _newest(state, tool, as_of) if tool is not None else None
    if tool is None or release is None or release.sequence is None:
        return Counted(features=_features(state), earlier=earlier(state))
    keys = state.person_keys()
    scored = release.frame(tool.name).select("person_key", "band").join(keys, on="person_key", how="inner")
    known = people.known_people(state, release.sequence)
    standing = charge_rules.last_versions(known.charge_versions, "charge_ref", as_of)
    now = charge_rules.survivors(charge_rules.last_versions(known.persons, "person_ref", as_of))
    charged = standing.join(now, on="person_ref", how="left").with_columns(person_ref=pl.coalesce("survivor", "person_ref"))
    convicted = charged.filter(pl.col("outcome") == "convicted")["person_ref"].unique().implode()
    scored = scored.with_columns(has_conviction=pl.col("person_ref").is_in(convicted))
    labels = _labels(state, as_of, release.sequence, actor, kind)
    decided = desk.last_by(state.operations, as_of).join(keys, on="person_key", how="inner")
    return Counted(
        tracked=groups.count_people(labels, scored, ["has_conviction"]),
        considered=groups.count_people(labels, decided, ["decision"]),
        confusion=_confusion(state, tool, release, as_of, known, labels, actor),
        judged=(
            "Who is judged: everyone who was not yet high harm on the first day of each period. "
            f"Flagged: the {100 * FLAGGED_SHARE:g} in 100 of them with the highest chance of becoming so, as the model now in use would have said from what was known that day. "
            f"It came: the person reached high harm at a charge within the next {tool.horizons_months[0]} months."
        ),
        features=_features(state),
        without_charge=scored.filter(~pl.col("person_ref").is_in(charged["person_ref"].unique().implode())).height,
        earlier=earlier(state),
    )


def _newest(state: State, tool: PeopleTool, as_of: date) -> Release | None:
    found = [r for r in state.releases.history(tool.name, None) if r.as_of is not None and r.as_of <= as_of and r.standing != "withdrawn"]
    return found[-1] if found else None


def _labels(state: State, on: date, sequence: int, actor: Actor, kind: str) -> Groups:
    event = Event(actor.account, "operator", "consultation", "protected_read", purpose=f"Counts for report {kind}", object="persons_protected")
    rules = groups.GroupRules.chosen(state.settings.audit.model_dump())
    return groups.read_groups(state.records.protected("fairness.groups", event, on, sequence), on, rules=rules)


def _confusion(
    state: State, tool: PeopleTool, release: Release, as_of: date, known: people.Known, labels: Groups, actor: Actor
) -> pl.DataFrame | None:
    """TP, FP, FN, TN by year and group of the model in use and the plain harm score, the same number flagged by each."""
    model = state.models.named(release.model) if release.model else None
    if model is None or release.sequence is None:
        return None
    content = model.content()
    if not gives_chances(content):
        return None
    months = tool.horizons_months[0]
    days = [add_months(as_of, -12 * k) for k in range(1, YEARS_JUDGED + 1)]
    births = people.under_18(state, days, as_of, release.sequence, actor, "Counts for an answer: nobody under 18 is counted")
    number = state.settings.tools.index(tool)
    index, _ = people.index_of(state, f"tools.{number}.harm_index", tool.harm_index)
    rules = people.rules_of(state.settings, index, float(content["high_cut"]))
    held = People(known.persons, known.charge_versions, births, rules)
    parts = []
    for day in days:
        then = landmarks.panel(held, [day], [months], as_of, look_back_of(content))
        became = pl.col(f"became_{months}m")
        if then.is_empty() or then[f"became_{months}m"].null_count() == then.height:
            continue
        scores = {content["chosen"]: points_of(content, then).astype(float), FLOOR: then["harm"].to_numpy()}
        flagged_n = max(1, round(FLAGGED_SHARE * then.height))
        for name, score in scores.items():
            ranked = then.with_columns(score=pl.Series(score)).sort(["score", "harm", "person_ref"], descending=[True, True, False]).with_row_index("rank")
            flagged = pl.col("rank") < flagged_n
            cells = ranked.select(
                "person_ref",
                cell=pl.when(flagged & became).then(pl.lit("tp")).when(flagged).then(pl.lit("fp")).when(became).then(pl.lit("fn")).otherwise(pl.lit("tn")),
            )
            counts = groups.count_people(labels, cells, ["cell"])
            wide = counts.pivot("cell", index=["attribute", "group"], values="people", sort_columns=True)
            missing = [pl.lit(0, pl.Int64).alias(c) for c in ("tp", "fp", "fn", "tn") if c not in wide.columns]
            parts.append(
                wide.with_columns(*missing)
                .with_columns(pl.col("tp", "fp", "fn", "tn").fill_null(0))
                .select(
                    pl.lit(tool.name).alias("tool"),
                    pl.lit(name).alias("model"),
                    pl.lit(f"{day.isoformat()} to {add_months(day, months).isoformat()}").alias("year"),
                    "attribute",
                    "group",
                    "tp",
                    "fp",
                    "fn",
                    "tn",
                )
            )
    return pl.concat(parts) if parts else None


def _features(state: State) -> dict[str, list[dict[str, str]]]:
    """The variables each tool uses, in words."""
    found: dict[str, list[dict[str, str]]] = {}
    for tool in state.settings.tools:
        if isinstance(tool, PeopleTool):
            asked = _asked(state, tool)
            found[tool.name] = [{"name": f.name, "says": f.says, "unit": f.unit} for f in FEATURES if asked is None or f.name in asked]
            continue
        found[tool.name] = [
            {"name": "own counts", "says": "Recorded crimes of the tool's definition in each cell and week, long and short memory.", "unit": "offences"},
            {"name": "neighbours", "says": "The same in cells nearby, by distance.", "unit": "offences"},
            {"name": "force total", "says": "The force's weekly total, for the level and the season.", "unit": "offences"},
            {"name": "land", "says": "Land of the cell inside the force.", "unit": "m2"},
            *(
                {"name": f"leading crime {k}", "says": "Other recorded crime: " + "; ".join(f"{key} {', '.join(v)}" for key, v in where.items()), "unit": "offences"}
                for k, where in enumerate(tool.leading, 1)
            ),
        ]
    return found


def _asked(state: State, tool: PeopleTool) -> set[str] | None:
    """The variables that the card in use asks about; None before one is approved: then every one it may ask about."""
    model = state.models.approved(tool.name)
    content = model.content() if model else None
    return {line["feature"] for line in lines_of(content)} if content and gives_chances(content) else None


def earlier(state: State) -> dict[str, Sequence[Published]]:
    """What reports printed before, by family, so that a difference between two gives nobody away."""
    found: dict[str, list[Published]] = {}
    folder = state.root / "answers"
    for path in sorted(folder.glob("*.json")) if folder.is_dir() else []:
        document = json.loads(path.read_text(encoding="utf-8"))
        for name, families in document.items():
            found.setdefault(name, []).append(Published.read(families))
    return dict(found)
