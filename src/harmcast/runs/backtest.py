"""Judging a tool out of time on the force's own records: the `backtest` command."""

from __future__ import annotations

import json
from datetime import date, timedelta
from functools import partial
from pathlib import Path

from harmcast.charts import report
from harmcast.documents.backtest import PeopleBacktest, PlacesBacktest
from harmcast.documents.command_result import CommandResult
from harmcast.errors import NotFit, SettingsRefused
from harmcast.evaluate import backtest, landmarks, page, people_page
from harmcast.forecast import shipped
from harmcast.places import counts
from harmcast.places.grid import Units
from harmcast.progress import Progress, part, quiet
from harmcast.runs import people, places
from harmcast.runs.force_area import force_area_of
from harmcast.settings import PeopleTool, PlacesTool
from harmcast.store.state import State
from harmcast.store.users import Actor
from harmcast.transitions import refit
from harmcast.transitions.history import LONG_MONTHS
from harmcast.transitions.landmarks import People
from harmcast.transitions.model import SIMPLEST_FIRST
from harmcast.weeks import last_complete_week, origins_back

WORKERS = 2
_share, _number = partial(report.share, none="-"), partial(report.number, none="-")
MOST_JUDGED = 4
JUDGE = Actor("backtest", "Backtest", (("operator", None),))


def backtest_tool(
    state: State,
    name: str,
    *,
    origins: int = 39,
    to: date | None = None,
    models: str = "shipped",
    out: Path | None = None,
    progress: Progress = quiet,
) -> CommandResult:
    """Every method at every origin, from what was known then.

    Args:
        to: last day observed; default the last complete week's Sunday before the newest record.
        models: `shipped`: the procedure in use and the plain counts; `all`: every method of the package.
        out: folder for `backtest.json` and the report page.
    Raises: SettingsRefused for a tool that is not in the settings; NotFit where too little history is held.
    """
    tool = state.settings.tool(name)
    last = to or _last_day(state)
    if isinstance(tool, PlacesTool):
        of_places, units = _places(state, tool, origins, last, models, progress)
        document: PlacesBacktest | PeopleBacktest = of_places
        lines, html = _places_lines(of_places), page.backtest_page(of_places, units)
    else:
        document = of_people = _people(state, tool, origins, last, progress)
        lines, html = _people_lines(of_people), people_page.people_page(of_people)
    if out is not None:
        out.mkdir(parents=True, exist_ok=True)
        (out / "backtest.json").write_text(json.dumps(document, indent=1, default=str), encoding="utf-8")
        (out / "backtest.html").write_text(html, encoding="utf-8")
        lines.append(f"Report: {out / 'backtest.html'}")
    return CommandResult(document, lines)


def _last_day(state: State) -> date:
    """The Sunday of the last week that was complete when the newest delivery was made."""
    made = [part.made_on for part in state.records.parts()]
    if not made:
        raise NotFit("Nothing is held to judge on.", code="nothing_held", next_step="Load a delivery first.")
    return last_complete_week(max(made) - timedelta(days=1)).sunday


def _places(state: State, tool: PlacesTool, origins: int, last: date, models: str, progress: Progress) -> tuple[PlacesBacktest, Units]:
    progress("Reading what was known", 0.0)
    crimes = state.records.crimes(last + timedelta(days=36500), places.crime_columns([tool]))
    inside_force = force_area_of(state.settings, state.named_bytes)
    units = inside_force.units(tool, lambda: crimes)
    gaps, length = state.settings.gap_days, 7 * tool.horizon_weeks
    days = [day for day in origins_back(last, origins, length) if not any(gap.touches(day, length) for gap in gaps)]
    try:
        panels, came = counts.rolling_panels(crimes, units, tool.where, tool.leading, days, tool.horizon_weeks, gaps=gaps)
    except SettingsRefused as error:
        if error.code != "history_too_short":
            raise
        raise NotFit(
            f"The history held is too short to judge {origins} windows.", code="history_too_short", next_step="Ask for fewer with --origins."
        ) from None
    found = shipped.models(panels[0])
    if models == "shipped":
        found = {key: model for key, model in found.items() if key != "empirical_bayes"}
    done = {"share": 0.0}

    def told(method: str, now: int, whole: int) -> None:
        done["share"] = min(0.95, done["share"] + 1 / (whole * len(found)))
        progress(f"{method}: window {now} of {whole}", 0.1 + 0.85 * done["share"])

    document = backtest.backtest_places(
        panels,
        came,
        found,
        tool=tool.name,
        chosen=shipped.CHOSEN,
        level=shipped.level,
        in_turn=shipped.IN_TURN,
        workers=WORKERS,
        progress=told,
    )
    return document, units


def _people(state: State, tool: PeopleTool, origins: int, last: date, progress: Progress) -> PeopleBacktest:
    sequence = state.records.latest()
    months = tool.horizons_months
    progress("Reading charges", 0.0)
    known = people.known_people(state, sequence)
    _, _, rules = people.harm_of(state, tool)
    held = people.history_of(state, tool, known, last)
    days = refit.judged_days(held, MOST_JUDGED)[-origins:]
    births = people.under_18(state, refit.all_days(held, MOST_JUDGED), last, sequence, JUDGE, "Backtest: nobody under 18 on a landmark is judged")
    progress("Fitting and judging", 0.1)
    judged = refit.out_of_time(People(known.persons, known.charge_versions, births, rules), days, held.first_day, months, last)
    if judged.is_empty():
        raise NotFit(
            f"The records are vouched for over {held.months} months: too short to judge the person model out of time.",
            code="history_too_short",
            next_step=f"{LONG_MONTHS} months are needed; harm and bands need none.",
        )
    part(progress, 0.7, 0.9)("Choosing", 0.0)
    return landmarks.backtest_people(tool.name, judged, months, list(SIMPLEST_FIRST), held.document())


def _places_lines(document: PlacesBacktest) -> list[str]:
    said = [
        f"{document['tool']}: {document['units']} units, {len(document['origins'])} windows of {document['horizon_weeks']} weeks, "
        f"{document['crimes']:,} offences",
        f"{'':22}{'hits in top 20':>16}{'PAI at 5%':>11}{'log score':>11}{'90% range holds':>17}{'total error':>13}",
    ]
    rows = {**document["models"], "oracle (cheats)": document["oracle"]}
    for name, one in rows.items():
        error = one.get("total_mape")
        said.append(
            f"{name:<22}{_share(one['hit_rate_top20']):>16}{_number(one['pai_5pct'], 2):>11}{_number(one['log_score'], 4):>11}"
            f"{_share(one.get('coverage_90')):>17}{_share(error):>13}"
            + (" <- chosen" if name == document["chosen"] else "")
        )
    fallback, incidents = document["fallback"], document["incidents"]
    ours = document["models"][document["chosen"]]
    if fallback is not None:
        said.append(f"Of the gain on count_24m {_share(fallback['from_where_share'])} is from where, the rest from level and spread; evidence that the count places "
                    f"better {fallback['detector']:.1f} (it steps in at 260).")  # fmt: skip
    said.append(f"Chance of the top 20, said against true: {_number(ours['top20_gap'], 3)} apart, over 52 weeks {_number(ours['top20_year_gap'], 3)}; "
                f"the list's range held {_share(ours['list_coverage'])}. {incidents['n']:,} incidents of {incidents['victims_per_incident']:.2f} victims.")  # fmt: skip
    said.append(f"{'perfect foresight':<22}{_share(document['foresight']['hit_rate_top20']):>16}")
    return said


def _people_lines(document: PeopleBacktest) -> list[str]:
    said = []
    for horizon, models in document["horizon"].items():
        if not models:
            said.append(f"Within {horizon}: the records are too short to judge it out of time.")
            continue
        any_model = next(iter(models.values()))
        said.append(f"Within {horizon}: {any_model['n']:,} people, base rate {_share(any_model['base_rate'])}")
        said.append(f"{'':14}{'AUC':>24}{'said / came':>22}{'Brier':>9}{'slope':>8}{'ECE':>8}{'precision, top 5%':>19}{'recall, top 5%':>16}")
        for name, one in models.items():
            auc = f"{_number(one['auc'], 3)} [{_number(one['auc_low'], 3)}, {_number(one['auc_high'], 3)}]"
            said_came = f"{_number(one['said_over_came'], 2)} [{_number(one['said_over_came_low'], 2)}, {_number(one['said_over_came_high'], 2)}]"
            said.append(
                f"{name:<14}{auc:>24}{said_came:>22}{_number(one['brier'], 4):>9}{_number(one['calibration_slope'], 2):>8}{_number(one['ece'], 3):>8}"
                f"{_share(one['precision_top5']):>19}{_share(one['recall_top5']):>16}"
                + (" <- chosen" if name == document["chosen"][horizon] else "")
            )
    if document.get("because"):
        said.append(f"Chosen because {document['because']}.")
    return said
