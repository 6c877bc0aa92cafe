"""One person's page as a document: what the release says, in the order an officer needs it, ready to show and to store.

Made from the release's row, its reasons, the model that the release names and the released cuts. Every figure on the page is
here, so that what is sealed with a decision is what was seen. Pseudonymised readers get one without references.
"""

from __future__ import annotations

import math
from collections.abc import Sequence
from datetime import date
from typing import cast

from harmcast import words
from harmcast.documents.person import (
    AnsweredLine,
    CountedEvent,
    EarlierChange,
    PastPoint,
    PersonDocument,
    PersonReasons,
    PersonRow,
    RecordQuality,
    ReleaseAbout,
    ShownCard,
    ShownChance,
    ShownChange,
    ShownEvent,
    ShownOthers,
    ShownPart,
    TableLine,
)
from harmcast.documents.person_model import KeptModel, LatelyFigure
from harmcast.publish import released, roster
from harmcast.store.releases import Release
from harmcast.store.state import State
from harmcast.tables import BANDS
from harmcast.web.past_scores import Past
from harmcast.words import people as people_words

HORIZONS = (12, 24)
CARD_RANGE = 4


def _round(value: float | None, digits: int = 6) -> float | None:
    return None if value is None or not math.isfinite(value) else round(value, digits)


def earlier_change(history: Sequence[Release], row: PersonRow) -> Release | None:
    """The release that last changed the person's band, where that is not the newest one."""
    week = row.get("changed_week")
    return next((release for release in history[:-1] if release.name == week), None) if week else None


def person_document(
    state: State, history: Sequence[Release], tool: str, row: PersonRow, past: list[Past], named: bool = True
) -> PersonDocument:
    """The page of one person.

    Args:
        history: published releases, oldest first; the last one is shown.
        row: the person's row of `roster.everyone`.
        past: `past_scores.of_person`.
        named: whether the reader may have references of charges and whole dates; a pseudonymised reader may not.
    """
    release = history[-1]
    about = cast(ReleaseAbout, released.document(release, f"{tool}_about"))
    why = roster.reasons(release, tool, row["person_key"])
    model = roster.model_of(state, release) or {}
    unit = row["harm_unit"]
    card = _card(why, model, named)
    return {
        "release": release.name,
        "model": release.model,
        "harm": _round(row["harm"]),
        "harm_unit": unit,
        "band": row["band"],
        "band_last_week": row["band_last_week"],
        "edges": people_words.band_edges(about["cuts"], unit) if about.get("cuts") else [],
        "cuts": about.get("cuts") or [],
        "cuts_on": about.get("cuts_reference_date"),
        "other_band": why.get("other_band"),
        "chances": [_chance(row, why, model, months) for months in HORIZONS],
        "outcome": people_words.outcome(model.get("outcome")),
        "no_chance": _no_chance(row, why, about, model),
        "changed": _changed(why, unit),
        "changed_then": _changed_then(history, tool, row),
        "charges": _charges(why.get("charges"), named),
        "others": _others(why, named),
        "card": card,
        "counted_to": (release.as_of or release.origin).isoformat(),
        "gaps": _gaps(why),
        "quality": _quality(why, about, named),
        "past": [_point(p) for p in past],
    }


def _point(past: Past) -> PastPoint:
    return {
        "week": past.week,
        "origin": past.origin.isoformat(),
        "harm": _round(past.harm, 3),
        "band": past.band,
        "chance": _round(past.chance),
        "model": past.model,
    }


def _chance(row: PersonRow, why: PersonReasons, model: KeptModel, months: int) -> ShownChance:
    given = cast("dict[str, float | None]", row)
    chance, low, high = (given[f"chance_high_harm_{months}m{end}"] for end in ("", "_low", "_high"))
    base = model.get("base_rate", {}).get(f"{months}m")
    group = why.get("group") or {}
    low_end, high_end = (group.get(f"group_{end}_{months}m") for end in ("low", "high"))
    usual = low_end is not None and high_end is not None and base is not None and low_end <= base <= high_end
    return {
        "months": months,
        "chance": _round(chance),
        "low": _round(low),
        "high": _round(high),
        "base": _round(base),
        "base_n": model.get("rows"),
        "base_people": model.get("people"),
        "group": people_words.of_hundred(low_end, high_end),
        "usual": people_words.USUAL if usual else "",
    }


def _no_chance(row: PersonRow, why: PersonReasons, about: ReleaseAbout, model: KeptModel) -> str | None:
    """Why no chance is given, and from when one will be where that is known; None where one is given."""
    if row["chance_high_harm_12m"] is not None:
        return None
    code = why.get("no_chance") or ("high_now" if row["band"] in BANDS[3:] else "high_before" if why.get("high_before") else None)
    if code == "high_now":
        return f"This person is in the band {row['band']} today. A chance of becoming high harm is given only to people who are not."
    if code == "not_charged_lately":
        figure: LatelyFigure = (model.get("not_charged_lately") or {}).get("12m") or {}
        months = (model.get("history") or {}).get("look_back_months")
        return people_words.not_charged_lately(months, figure.get("people"), figure.get("became"))
    if code == "history_short":
        return people_words.NO_CHANCE[code].format(day=words.day(_date((about.get("history") or {}).get("chances_from"))))
    return people_words.NO_CHANCE.get(code or "", "The model gives no chance for this record.")


def _date(text: str | None) -> date | None:
    return date.fromisoformat(text) if text else None


def _changed(why: PersonReasons, unit: str) -> ShownChange | None:
    """What changed since last week, in three that add up; None for someone not scored last week."""
    changed = why.get("changed")
    if not changed:
        return None
    harm, chance = changed.get("harm") or {}, changed.get("chance_12m") or {}
    rows: list[ShownPart] = [
        {"name": name, "key": key, "harm": _round(harm.get(key)), "chance": _round(chance.get(key))}
        for key, name in people_words.CHANGES
    ]
    return {
        "rows": rows,
        "harm_last": _round(harm.get("last")),
        "harm_now": _round(harm.get("now")),
        "chance_last": _round(chance.get("last")),
        "chance_now": _round(chance.get("now")),
    }


def _changed_then(history: Sequence[Release], tool: str, row: PersonRow) -> EarlierChange | None:
    """The three parts of the week in which the band last changed, where that was an earlier one whose release still tells."""
    release = earlier_change(history, row)
    if release is None:
        return None
    changed = _changed(roster.reasons(release, tool, row["person_key"]), row["harm_unit"])
    return None if changed is None else {**changed, "week": release.name, "changed_from": row["changed_from"]}


def _others(why: PersonReasons, named: bool) -> ShownOthers:
    """The events that count less: how many, their effect, and each; a release made before they were listed has none."""
    others = why.get("others") or {"count": 0, "effect": 0.0}
    return {"count": others["count"], "effect": others["effect"], "events": _charges(others.get("events"), named)}


def _charges(charges: list[CountedEvent] | None, named: bool) -> list[ShownEvent]:
    found: list[ShownEvent] = []
    for charge in charges or []:
        charged = charge.get("charged_on")
        marks = [f"{mark} charge" for mark in ("violent", "weapon") if charge.get(mark)]
        found.append(
            {
                "reference": charge["charge_ref"] if named else None,
                "happened": charge["happened_on"] if named else charge["happened_on"][:7],
                "charged": charged if named or not charged else charged[:7],
                "marks": ", ".join(marks),
                "code": charge["offence_code"],
                "kind": charge["kind"],
                "outcome": charge["outcome"],
                "outcome_words": people_words.OUTCOMES.get(charge["outcome"], charge["outcome"]),
                "charges": charge["charges"],
                "weight": _round(charge["weight"]),
                "left": _round(charge["left"]),
                "effect": _round(charge["effect"]),
            }
        )
    return found


def _card(why: PersonReasons, model: KeptModel, named: bool) -> ShownCard | None:
    """The points card with this person's answers, and the table from points to chances; None where no chance is given.

    What the record holds stands beside each line; not months to a reader without names, for they would tell a day.
    """
    given, own = why.get("card"), model.get("cards", {}).get(model.get("chosen") or "")
    if not given or not given.get("lines") or not own:
        return None
    lines = own["lines"]
    says = {f["name"]: f["says"] for f in model["features"]}
    values = why.get("values") or [None] * len(model["features"])
    held = {
        f["name"]: people_words.value(f, v, finer=1)
        for f, v in zip(model["features"], values, strict=True)
        if named or f["unit"] != "months"
    }
    answered: list[AnsweredLine] = [
        {
            "says": people_words.question(
                line["feature"], line["threshold"], line["below"], says.get(line["feature"], "")
            ),
            "held": held.get(line["feature"]),
            "worth": line["points"],
            "points": points,
        }
        for line, points in zip(lines, given["lines"], strict=True)
    ]
    total, most = given["points"], sum(line["points"] for line in lines)
    months = [m for m in HORIZONS if f"p{m}" in own["table"][0]]
    table: list[TableLine] = [
        {"points": line["points"], "here": line["points"] == total, "chances": [_round(line[f"p{m}"]) for m in months]}
        for line in own["table"][max(0, total - CARD_RANGE) : min(most, total + CARD_RANGE) + 1]
    ]
    return {"lines": answered, "points": total, "most": most, "table": table, "months": months, "because": model.get("because"),
            "look_back": model["history"]["look_back_months"]}  # fmt: skip


def _gaps(why: PersonReasons) -> list[str]:
    """What the score does not know, this person's own gaps first."""
    known = why.get("not_known") or {}
    own = []
    if known.get("awaiting_result"):
        own.append(
            f"What comes of {words.plural(known['awaiting_result'], 'charge')} that still {'waits' if known['awaiting_result'] == 1 else 'wait'} for a result."
        )
    if known.get("without_weight"):
        own.append(f"How heavy {words.plural(known['without_weight'], 'charge')} without a harm weight would be.")
    if (known.get("events") or 0) <= 2:
        own.append(f"Much: it rests on {words.plural(known.get('events') or 0, 'event')} only.")
    return [*own, *people_words.GENERAL_GAPS]


def _quality(why: PersonReasons, about: ReleaseAbout, named: bool) -> RecordQuality:
    known = why.get("not_known") or {}
    weights = about.get("weights") or {}
    first = known.get("first_charged_on")
    return {
        "standing": known.get("charges_standing"),
        "events": known.get("events"),
        "convicted": known.get("convicted"),
        "awaiting": known.get("awaiting_result"),
        "without_weight": known.get("without_weight"),
        "first_charged": (first if named else first[:7]) if first else None,
        "coarse": bool(weights.get("coarse_index")),
        "index": (weights.get("index") or {}).get("source"),
        "edition": (weights.get("index") or {}).get("edition"),
    }
