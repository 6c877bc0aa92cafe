"""A new person model: refitted by the frozen procedure, kept as a candidate, approved by a second person."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import date
from typing import Any

from harmcast.documents.command_result import CommandResult
from harmcast.documents.person_model import BesideModel, KeptModel
from harmcast.errors import NotFit, SettingsRefused
from harmcast.evaluate import people_choose
from harmcast.fairness import groups
from harmcast.oversight.log import Event
from harmcast.progress import Progress, part, quiet
from harmcast.runs import explore, people
from harmcast.runs.audit import group_rules
from harmcast.settings import PeopleTool
from harmcast.store.state import State
from harmcast.store.users import Actor
from harmcast.transitions import followed, refit
from harmcast.transitions.history import RecordsHeld
from harmcast.transitions.landmarks import People, Rules
from harmcast.transitions.model import gives_chances, speaks_of
from harmcast.transitions.weekly import score_people
from harmcast.weeks import Week


def people_tool(state: State, name: str) -> PeopleTool:
    tool = state.settings.tool(name)
    if not isinstance(tool, PeopleTool):
        raise SettingsRefused(
            f"{name} is a places tool; its model is refitted each week by itself.",
            code="tool_not_people",
            next_step="Name the tool about people.",
        )
    return tool


def refit_people(state: State, name: str, as_of: date, actor: Actor, progress: Progress = quiet, level_only: bool = False) -> CommandResult:
    """Fits a person model on what was known at `as_of`, sets it beside the model in use, and keeps it as a candidate.

    Args: `level_only`: keep the card in use and take its level anew, as each quarter; else the whole procedure, as each year.
    Scores do not move until a second person approves it with `publish`.
    Raises: NotFit (`too_little_history`, `no_model_in_use`, `outcome_changed`) where nothing can be fitted.
    """
    tool = people_tool(state, name)
    with state.run_lock("a refit", actor.account):
        sequence = state.records.latest()
        known = people.known_people(state, sequence)
        _, cuts, rules = people.harm_of(state, tool)
        held = people.history_of(state, tool, known, as_of)
        in_use = state.models.approved(tool.name)
        card = card_in_use(in_use.content() if in_use else None, rules) if level_only else None
        days = refit.all_days(held) if card is None else refit.level_days(refit.held_for_level(card, held))
        births = people.under_18(state, days, as_of, sequence, actor, "Refit: nobody under 18 on a landmark is learnt from")
        progress("Fitting", 0.1)
        if card is not None:
            fitted = _releveled(card, People(known.persons, known.charge_versions, births, rules), held)
        else:
            fitted = refit.refit(known.persons, known.charge_versions, births, held, rules, people_choose.choose, tool.horizons_months)
        if not fitted.get("chosen"):
            raise NotFit(
                f"No model can be fitted: {fitted['because']}.",
                code="too_little_history",
                next_step="Harm and bands go on without chances; try again when more is held.",
            )
        progress("Setting old and new side by side", 0.8)

        def scored(model: KeptModel | None) -> Any:
            return score_people(
                known.persons, known.charge_versions, births, as_of, model, rules, cuts.values, tool.horizons_months
            ).people

        beside: BesideModel = {"chosen": fitted["chosen"], "because": fitted.get("because"), "level_only": level_only}
        if in_use is not None:
            beside["old"] = in_use.name
            beside["side_by_side"] = refit.side_by_side(scored(in_use.content()), scored(fitted), tool.horizons_months[0])
        week = str(Week.of(as_of))
        model_name = state.models.fresh_name(tool.name, week)
        what = "model_level_taken" if level_only else "model_refitted"
        event = Event(actor.account, "operator", "combination", what, object=f"model:{model_name}", detail={"sequence": sequence})
        kept = state.models.keep(tool.name, model_name, week, fitted, beside, event)
        progress("Exploring what its variables tell", 0.9)
        _explored(state, kept.name, fitted, People(known.persons, known.charge_versions, births, rules), cuts.values, as_of, sequence, actor)
    part(progress, 0.95, 1.0)("Done", 1.0)
    lines = [f"{kept.name}: {fitted['chosen']}, because {fitted.get('because')}." if not level_only else f"{kept.name}: {fitted['because']}."]
    if "side_by_side" in beside:
        lines.append(f"Beside {beside['old']}: {beside['side_by_side']}")
    lines += [f"Note: {line}" for line in held.says()]
    lines.append(f"It is a candidate: scores do not move until a second person approves it with harmcast publish STATE {kept.name}.")
    return CommandResult({"model": kept.name, **beside}, lines)


def card_in_use(content: KeptModel | None, rules: Rules) -> KeptModel:
    """The model in use, if its card may have its level taken anew.

    Raises: NotFit: `no_model_in_use`, or `outcome_changed` where it speaks of another harm than today's.
    """
    next_step = "Run `harmcast refit STATE` without --level-only."
    if content is None or not gives_chances(content):
        raise NotFit("There is no card in use whose level could be taken anew.", code="no_model_in_use", next_step=next_step)
    if not speaks_of(content, rules):
        raise NotFit(
            "The card in use was made under another harm index, decay or high cut: its chances speak of another outcome.",
            code="outcome_changed",
            next_step=next_step,
        )
    return content


def _releveled(card: KeptModel, who: People, held: RecordsHeld) -> KeptModel:
    """The card with its level of today. Raises NotFit (`too_little_history`) where too few people became."""
    try:
        return refit.relevel(card, who, held)
    except ValueError as error:
        raise NotFit(
            f"The level cannot be taken: {error}.", code="too_little_history", next_step="The model in use stands; try again when more is held."
        ) from None


def _explored(
    state: State, name: str, fitted: KeptModel, held: People, cuts: Sequence[float], as_of: date, sequence: int, actor: Actor
) -> None:
    """What the new model's variables tell of groups, measured once and kept beside the closed tables."""
    protected = people.protected(state, "fairness.groups", as_of, sequence, actor, f"Refit {name}: exploratory analysis")
    labels = groups.read_groups(protected, as_of, rules=group_rules(state))
    scored = followed.banded(held, as_of, cuts)["person_ref"]
    charges = people.standing_charges(people.Known(held.persons, held.charge_versions), as_of)
    explore.keep_groups(state, explore.of_groups(state, name, as_of, as_of, labels, held, scored, charges, (name, fitted)), actor)
