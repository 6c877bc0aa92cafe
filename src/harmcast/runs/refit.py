"""A new person model: refitted by the frozen procedure, kept as a candidate, approved by a second person."""

from __future__ import annotations

from dataclasses import dataclass, field
from datetime import date
from typing import Any

from harmcast.errors import NotFit, SettingsRefused
from harmcast.evaluate import people_choose
from harmcast.oversight.log import Event
from harmcast.people import bands
from harmcast.progress import Progress, part, quiet
from harmcast.runs import people
from harmcast.settings import PeopleTool
from harmcast.store.state import State
from harmcast.store.users import Actor
from harmcast.transitions import refit
from harmcast.transitions.weekly import score_people
from harmcast.weeks import Week


@dataclass
class Refitted:
    document: dict[str, Any]
    lines: list[str] = field(default_factory=list)


def people_tool(state: State, name: str) -> PeopleTool:
    tool = state.settings.tool(name)
    if not isinstance(tool, PeopleTool):
        raise SettingsRefused(
            f"{name} is a places tool; its model is refitted each week by itself.",
            code="tool_not_people",
            next_step="Name the tool about people.",
        )
    return tool


def refit_people(state: State, name: str, as_of: date, actor: Actor, progress: Progress = quiet) -> Refitted:
    """Fits a person model on what was known at `as_of`, sets it beside the model in use, and keeps it as a candidate.

    Scores do not move until a second person approves it with `publish`.
    Raises: NotFit (`too_little_history`) where nothing can be fitted.
    """
    tool = people_tool(state, name)
    with state.run_lock("a refit", actor.account):
        sequence = state.records.latest()
        known = people.known_people(state, sequence)
        number = state.settings.tools.index(tool)
        index, digest = people.index_of(state, f"tools.{number}.harm_index", tool.harm_index)
        cuts = people.cuts_of(state, tool, digest)
        rules = people.rules_of(state.settings, index, bands.high_cut(cuts.values))
        held = people.history_of(state, tool, known, as_of)
        births = people.under_18(
            state, refit.all_days(held), as_of, sequence, actor, "Refit: nobody under 18 on a landmark is learnt from"
        )
        progress("Fitting", 0.1)
        fitted = refit.refit(
            known.persons, known.charge_versions, births, held, rules, people_choose.choose, tool.horizons_months
        )
        if not fitted.get("chosen"):
            raise NotFit(
                f"No model can be fitted: {fitted['because']}.",
                code="too_little_history",
                next_step="Harm and bands go on without chances; try again when more is held.",
            )
        in_use = state.models.approved(tool.name)
        progress("Setting old and new side by side", 0.8)

        def scored(model: dict[str, Any] | None) -> Any:
            return score_people(
                known.persons, known.charge_versions, births, as_of, model, rules, cuts.values, tool.horizons_months
            ).people

        beside: dict[str, Any] = {"chosen": fitted["chosen"], "because": fitted.get("because")}
        if in_use is not None:
            beside["old"] = in_use.name
            beside["side_by_side"] = refit.side_by_side(scored(in_use.content()), scored(fitted), tool.horizons_months[0])
        week = str(Week.of(as_of))
        model_name = state.models.fresh_name(tool.name, week)
        event = Event(
            actor.account, "operator", "combination", "model_refitted", object=f"model:{model_name}", detail={"sequence": sequence}
        )
        kept = state.models.keep(tool.name, model_name, week, fitted, beside, event)
    part(progress, 0.9, 1.0)("Done", 1.0)
    lines = [f"{kept.name}: {fitted['chosen']}, because {fitted.get('because')}."]
    if "side_by_side" in beside:
        lines.append(f"Beside {beside['old']}: {beside['side_by_side']}")
    lines.append(f"It is a candidate: scores do not move until a second person approves it with harmcast publish STATE {kept.name}.")
    return Refitted({"model": kept.name, **beside}, lines)
