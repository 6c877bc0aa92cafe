"""Who: harm, band and the chance of becoming high harm, for people who were charged."""

from __future__ import annotations

import hashlib
import io
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, field
from datetime import date
from typing import Literal, cast, get_args

import polars as pl

from harmcast.documents.person import ReleaseAbout, ReleasedWeights
from harmcast.documents.person_model import KeptModel
from harmcast.errors import Fault, NotFit, SettingsRefused
from harmcast.oversight import findings
from harmcast.oversight.findings import Finding
from harmcast.oversight.log import Event
from harmcast.oversight.review import with_review_dates
from harmcast.people import bands, coarse, harm, minors, outcome
from harmcast.people import charges as charge_rules
from harmcast.progress import Progress, quiet
from harmcast.publish import release_files
from harmcast.settings import Bands, PeopleTool, Settings
from harmcast.store import cuts as kept_cuts
from harmcast.store.cuts import Cuts
from harmcast.store.models import Model
from harmcast.store.state import State
from harmcast.store.users import Actor
from harmcast.transitions import followed, refit
from harmcast.transitions.changes import LastWeek
from harmcast.transitions.history import RecordsHeld
from harmcast.transitions.landmarks import Rules
from harmcast.transitions.model import FORM, of_outcome, overdue
from harmcast.transitions.weekly import ScoredPeople, score_people
from harmcast.weeks import Week, add_months


@dataclass(frozen=True)
class Known:
    """What was known about people at the end of a day and up to a load: versions, and nothing protected."""

    persons: pl.DataFrame
    charge_versions: pl.DataFrame


@dataclass
class PeopleMade:
    """The person tool's share of a week."""

    tool: PeopleTool
    scored: ScoredPeople
    known: Known
    model: KeptModel | None
    model_name: str | None
    keys: pl.DataFrame
    files: dict[str, bytes]
    about: ReleaseAbout
    found: list[Finding] = field(default_factory=list)


def known_people(state: State, sequence: int) -> Known:
    """Every version of persons (unprotected, with the day the record's review is due) and charges held up to a load."""
    columns = ["person_ref", "unit", "merged_into", "died_on", "restricted", "review_group", "review_due_on", "changed_at", "known_on", "deleted"]
    persons = with_review_dates(state.records.versions("persons", sequence, columns), state.settings.retention.group_years)
    return Known(persons.drop("changed_at"), state.records.charge_versions(sequence))


def under_18(state: State, days: Sequence[date], as_of: date, sequence: int, actor: Actor, why: str) -> pl.DataFrame:
    """Whether people were under 18 on each day; the reading of birth dates is an event of its own."""
    return minors.flags(protected(state, "people.minors", as_of, sequence, actor, why), days)


def births_of_load(state: State, new_people: pl.DataFrame, day: date, actor: Actor) -> tuple[pl.DataFrame, minors.BirthsChanged]:
    """Whether people held were under 18 on a day, and how many births a load changes, by one reading of the birth dates held, logged."""
    why = "Whether a load changes births, and who is under 18"
    births = protected(state, "people.minors", day, state.records.latest(), actor, why)
    return minors.flags(births, [day]), minors.changed(births, new_people)


def protected(state: State, reader: Literal["fairness.groups", "people.minors"], as_of: date, sequence: int, actor: Actor, why: str) -> pl.DataFrame:
    """The protected columns that a reader may have, as known on a day; the reading is an event of its own, with its reason."""
    event = Event(actor.account, "operator", "consultation", "protected_read", purpose=why, object="persons_protected")
    return state.records.protected(reader, event, as_of, sequence)


Index = Literal["harm_index", "second_index"]


def index_of(state: State, tool: PeopleTool, key: Index = "harm_index") -> tuple[harm.HarmIndex, str]:
    """The harm index that a setting of a tool names, and its SHA-256. Raises SettingsRefused naming the rule it breaks."""
    setting = f"tools.{state.settings.tools.index(tool)}.{key}"
    if (tool.harm_index if key == "harm_index" else tool.second_index) == "default":
        index = harm.default_index()
        return index, hashlib.sha256(index.table.write_csv().encode()).hexdigest()
    path = state.file(setting)
    content = path.read_bytes() if path is not None else b""
    try:
        header = content.split(b"\n", 1)[0]
        separator = ";" if b";" in header and b"," not in header else ","
        table = pl.read_csv(io.BytesIO(content), infer_schema=False, separator=separator)
        return harm.index_from(table, state.settings.force.offence_codes == "home_office"), hashlib.sha256(content).hexdigest()
    except (ValueError, pl.exceptions.PolarsError) as error:
        says = str(error) if isinstance(error, ValueError) else "harm index: not a CSV file"
        raise SettingsRefused(
            "The harm index cannot be used.",
            code="harm_index_unusable",
            faults=(Fault(says, setting),),
            next_step="Its columns are offence_code, weight, unit, edition, source.",
        ) from None


def indices_of(state: State, tool: PeopleTool) -> Iterator[tuple[harm.HarmIndex, str]]:
    """The one or two harm indices of a tool, each with its SHA-256, read as they are asked for. Raises as `index_of` does."""
    for key in get_args(Index):
        if getattr(tool, key) != "none":
            yield index_of(state, tool, key)


def history_of(state: State, tool: PeopleTool, known: Known, as_of: date) -> RecordsHeld:
    """How far back the records go that the force vouches for. Raises NotFit where nobody was charged by then."""
    held = refit.history_of(known.charge_versions, as_of, tool.horizons_months, state.settings.people.records_from)
    if held is None:
        raise NotFit("No charge is held to go by.", code="too_little_history", next_step="Load a delivery with charges first.")
    return held


def rules_of(settings: Settings, index: harm.HarmIndex, high_cut: float) -> Rules:
    """What harm means here, from the settings."""
    decay = harm.decay_from(settings.harm.decay, settings.harm.half_life_months)
    return Rules(
        index,
        decay,
        high_cut,
        settings.people.unknown_birth,
        tuple(settings.people.weapon_classes),
        one_event=settings.harm.one_event,
    )


def cuts_of(state: State, tool: PeopleTool, digest: str, made_at: str | None = None) -> Cuts:
    """The cuts of the bands under an index, as they hold now, or held when a release was made.

    Raises: NotFit (`cuts_not_taken`): they are taken when a load with charges is first accepted, and by `harmcast cuts`.
    """
    found = kept_cuts.frozen(state.operations, tool.name, digest, made_at)
    if found is None:
        raise NotFit(
            "The cuts of the bands were never taken under this harm index.",
            code="cuts_not_taken",
            next_step="A data scientist takes them with `harmcast cuts STATE --reason TEXT`.",
        )
    if made_at is None and not _are_as_wanted(found, state.settings.bands):
        raise SettingsRefused(
            "The cuts that hold are others than [bands] says: the setting has no effect.",
            code="bands_without_effect",
            faults=(Fault("bands_without_effect", "bands", next_step="take the cuts again, or take the setting back"),),
            next_step="A data scientist takes them again with `harmcast cuts STATE --reason TEXT`, or the setting goes back to what it was.",
        )
    return found


def harm_of(state: State, tool: PeopleTool, key: Index = "harm_index", made_at: str | None = None) -> tuple[str, Cuts, Rules]:
    """SHA-256 of an index of a tool, the cuts of the bands under it, and what harm means by both. Raises as `index_of` and `cuts_of` do."""
    index, digest = index_of(state, tool, key)
    cuts = cuts_of(state, tool, digest, made_at)
    return digest, cuts, rules_of(state.settings, index, bands.high_cut(cuts.values))


def _are_as_wanted(found: Cuts, wanted: Bands) -> bool:
    """Whether cuts that hold are those the settings would take, as far as the settings fix them."""
    same_cuts = wanted.cuts is None or tuple(wanted.cuts) == found.values
    return same_cuts and (wanted.reference_date is None or wanted.reference_date == found.reference_date)


def taken_cuts(
    state: State, tool: PeopleTool, index: harm.HarmIndex, digest: str, known: Known, as_of: date, sequence: int, actor: Actor
) -> Cuts:
    """The cuts of the bands as the settings want them, of the harm of the charged at `[bands] reference_date` (default: `as_of`).

    Raises: SettingsRefused (`cuts_not_taken`, `cuts_needed`, `percentile_cuts_refused`; see `people.outcome.taken`).
    """
    wanted = state.settings.bands
    day = wanted.reference_date or as_of
    rules = rules_of(state.settings, index, float("inf"))
    if wanted.cuts is not None or wanted.percentiles is None:
        nobody = pl.Series([], dtype=pl.Float64)
        return Cuts(outcome.taken(nobody, pl.DataFrame(), rules.decay, index.unit, wanted.cuts, None), day, index.unit, digest, None)
    births = under_18(state, [day], as_of, sequence, actor, "Cuts of the bands: nobody under 18 is counted")
    scored = score_people(known.persons, known.charge_versions, births, day, None, rules, [float("inf")] * 4, tool.horizons_months)
    harms = scored.people["harm"].drop_nulls()
    values = outcome.taken(harms, scored.source.weighed(day), rules.decay, index.unit, None, wanted.percentiles)
    return Cuts(values, day, index.unit, digest, len(harms))


def make_people(
    state: State,
    tool: PeopleTool,
    week: Week,
    as_of: date,
    sequence: int,
    actor: Actor,
    progress: Progress = quiet,
    made_at: str | None = None,
) -> PeopleMade:
    """Everyone of the cohort scored with the last approved model, from records as known at `as_of`.

    Args:
        made_at: when the release was made, if it is made again: its cuts are those of then.
    """
    settings = state.settings
    progress("Reading charges", 0.0)
    known = known_people(state, sequence)
    digest, cuts, rules = harm_of(state, tool, made_at=made_at)
    second = None
    if tool.second_index != "none":
        _, other_cuts, other_rules = harm_of(state, tool, "second_index", made_at)
        second = (other_rules, other_cuts.values)
    keys = state.person_keys()
    model = model_of_week(state, tool, week)
    content = of_outcome(model.content(), rules) if model else None
    held = refit.history_of(known.charge_versions, as_of, tool.horizons_months, settings.people.records_from)
    looked_back = [add_months(as_of, -months) for months in tool.horizons_months]
    births = under_18(state, [as_of, *looked_back], as_of, sequence, actor, "Nobody under 18 is scored, or counted a horizon ago")

    progress("Scoring", 0.3)
    scored = score_people(
        known.persons,
        known.charge_versions,
        births,
        as_of,
        content or too_short(held),
        rules,
        cuts.values,
        tool.horizons_months,
        last_week_of(state, tool, week, keys, rules),
        second,
    )
    progress("Counting what followed in each band", 0.8)
    what_followed = followed.what_followed(scored.source, as_of, tool.horizons_months, cuts.values)
    progress("Writing scores", 0.9)
    keyed = scored.people.join(keys, on="person_ref", how="inner")
    table = keyed.drop("person_ref").select("person_key", pl.exclude("person_key")).sort("person_key")
    shown = keyed.select("person_ref", "person_key", "band", chance=f"chance_high_harm_{tool.horizons_months[0]}m")
    classes = coarse.coarse(shown, standing_charges(known, as_of), as_of)  # what those see who judge the tool
    found = [] if model else ["No person model is approved yet, so harm and bands stand without chances."]
    if content is not None and content.get("other_outcome"):
        found.append("The model in use speaks of another harm index, decay or high cut than today's: no chance is given until a refit is approved.")
    found += [*(held.says() if held else []), *overdue(content, as_of)]
    about: ReleaseAbout = {
        "model": model.name if model else None,
        "model_sha256": model.sha256 if model else None,
        "scored": table.height,
        "left_out": scored.left_out_counts,
        "weights": cast(ReleasedWeights, scored.weight_report),
        "cuts": list(cuts.values),
        "cuts_reference_date": cuts.reference_date.isoformat(),
        "index_sha256": digest,
        "harm_unit": rules.index.unit,
        "decay": rules.decay.document(),
        "figures": scored.scores,
        "history": held.document() if held else None,
        "warnings": found,
    }
    holding = []
    if scored.weight_report["concern"] and not settings.force.invented:
        says = "More than a tenth of the charges rest on a filled or coarse harm weight."
        share = float(scored.weight_report["filled_or_coarse_share"] or 0.0)
        holding.append(Finding(findings.CONCERN, tool.name, "harm_weights", says, share, 0.1, findings.severity_of(share, 0.1)))
        found.append(says)
    return PeopleMade(
        tool,
        scored,
        known,
        content,
        model.name if model else None,
        keys,
        {
            f"{tool.name}.parquet": release_files.parquet(table),
            f"{tool.name}_bands.parquet": release_files.parquet(what_followed),
            f"{tool.name}_coarse.parquet": release_files.parquet(classes),
            f"{tool.name}_about.json": release_files.document(about),
        },
        about,
        holding,
    )


def standing_charges(known: Known, day: date) -> pl.DataFrame:
    """Charges as known at the end of a day, under the reference their person now has; those that fell away among them."""
    standing = charge_rules.last_versions(known.charge_versions, "charge_ref", day)
    into = charge_rules.survivors(charge_rules.last_versions(known.persons, "person_ref", day))
    joined = standing.join(into, on="person_ref", how="left")
    return joined.with_columns(person_ref=pl.coalesce("survivor", "person_ref")).drop("survivor")


def too_short(held: RecordsHeld | None) -> KeptModel | None:
    """Stands where no model is approved and none could be yet: it says that the records are too short, and from when they will do."""
    return {"form": FORM, "chosen": None, "history": held.document()} if held is not None and held.look_back is None else None


def model_of_week(state: State, tool: PeopleTool, week: Week) -> Model | None:
    """The model that scores a week: the one the week was made with if it was, else the newest approved."""
    made = [r for r in state.releases.of_week(str(week)) if r.tool == tool.name]
    if made:
        return state.models.named(made[0].model) if made[0].model else None
    return state.models.approved(tool.name)


def last_week_of(state: State, tool: PeopleTool, week: Week, keys: pl.DataFrame, rules: Rules) -> LastWeek | None:
    """The release before this one, by the force's references, for what changed since."""
    before = state.releases.before(tool.name, str(week))
    if before is None or before.as_of is None:
        return None
    people = before.frame(tool.name).join(keys, on="person_key", how="inner").drop("person_key", "reasons")
    model = state.models.named(before.model) if before.model else None
    return LastWeek(people, before.as_of, model.content() if model else None, rules)
