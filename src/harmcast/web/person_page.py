"""One person's page as a document: what the release says, in the order an officer needs it, ready to show and to store.

Made from the release's row, its reasons, the model that the release names and the released cuts. Every figure on the page is
here, so that what is sealed with a decision is what was seen. Pseudonymised readers get one without references.
"""

from __future__ import annotations

import math
from collections.abc import Sequence
from typing import Any

from harmcast.store.releases import Release
from harmcast.store.state import State
from harmcast.tables import BANDS
from harmcast.web import frequencies, people_words, released, roster, words
from harmcast.web.past_scores import Past

HORIZONS = (12, 24)
CARD_RANGE = 4


def _round(value: float | None, digits: int = 6) -> float | None:
    return None if value is None or not math.isfinite(value) else round(value, digits)


def model_of(state: State, release: Release) -> dict[str, Any] | None:
    """The model that scored a release, as kept; None where it was scored without one."""
    if not release.model:
        return None

    def read() -> dict[str, Any] | None:
        model = state.models.named(str(release.model))
        return model.content() if model else None

    return released.kept.get((state.root, release.model, "model"), read)


def earlier_change(history: Sequence[Release], row: dict[str, Any]) -> Release | None:
    """The release that last changed the person's band, where that is not the newest one."""
    week = row.get("changed_week")
    return next((release for release in history[:-1] if release.name == week), None) if week else None


def sheet(
    state: State, history: Sequence[Release], tool: str, row: dict[str, Any], past: list[Past], named: bool = True
) -> dict[str, Any]:
    """The page of one person.

    Args:
        history: published releases, oldest first; the last one is shown.
        row: the person's row of `roster.everyone`.
        past: `past_scores.of_person`.
        named: whether the reader may have references of charges and whole dates; a pseudonymised reader may not.
    """
    release = history[-1]
    about = released.document(release, f"{tool}_about")
    why = roster.reasons(release, tool, row["person_key"])
    model = model_of(state, release)
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
        **_compared([_chance(row, why, about, model, months) for months in HORIZONS], card),
        "no_chance": _no_chance(row, why, release),
        "changed": _changed(why, unit),
        "changed_then": _changed_then(history, tool, row),
        "charges": _charges(why.get("charges"), named),
        "others": _others(why, named),
        "card": card,
        "counted_to": (release.as_of or release.origin).isoformat(),
        "sum": _sum(why, model),
        "gaps": _gaps(why),
        "quality": _quality(why, about, named),
        "past": [_point(p) for p in past],
    }


def _point(past: Past) -> dict[str, Any]:
    return {
        "week": past.week,
        "origin": past.origin.isoformat(),
        "harm": _round(past.harm, 3),
        "band": past.band,
        "chance": _round(past.chance),
        "model": past.model,
    }


def _chance(
    row: dict[str, Any], why: dict[str, Any], about: dict[str, Any], model: dict[str, Any] | None, months: int
) -> dict[str, Any]:
    chance, low, high = (row[f"chance_high_harm_{months}m{end}"] for end in ("", "_low", "_high"))
    base = (model or {}).get("base_rate", {}).get(f"{months}m")
    told = (why.get("told") or {}).get(f"told_{months}m")
    venn = why.get("venn") or {}
    return {
        "months": months,
        "chance": _round(chance),
        "low": _round(low),
        "high": _round(high),
        "likely": frequencies.likely(low, high),
        "base": _round(base),
        "base_n": (model or {}).get("rows"),
        "base_people": (model or {}).get("people"),
        "told": people_words.TOLD.get(told or "", "") if chance is not None else "",
        "venn_low": _round(venn.get(f"venn_low_{months}m")),
        "venn_high": _round(venn.get(f"venn_high_{months}m")),
    }


def _compared(chances: list[dict[str, Any]], card: dict[str, Any] | None) -> dict[str, Any]:
    """The chances with their words, all of one group of people, and what the card says where it lies outside a range."""
    apart = _card_apart(chances, card)
    figures = [c[name] for c in chances for name in ("chance", "base")]
    said = frequencies.together([*figures, *apart.values()])
    for k, chance in enumerate(chances):
        chance["frequency"] = said[2 * k]
        chance["base_frequency"] = said[2 * k + 1] if chance["base"] is not None else None
    return {
        "chances": chances,
        "card_apart": people_words.card_apart(
            [(months, text, value) for (months, value), text in zip(apart.items(), said[len(figures) :], strict=True)]
        ),
    }


def _card_apart(chances: list[dict[str, Any]], card: dict[str, Any] | None) -> dict[int, float]:
    """Months -> the card's chance, where another model's chance is printed and the card's lies outside its printed range."""
    if card is None or card["is_printed"]:
        return {}
    here = next(row["chances"] for row in card["table"] if row["here"])
    found = {}
    for chance, value in zip(chances, here, strict=False):
        low, high = chance["low"], chance["high"]
        if None not in (low, high) and not round(low, 2) <= round(value, 2) <= round(high, 2):
            found[chance["months"]] = value
    return found


def _no_chance(row: dict[str, Any], why: dict[str, Any], release: Release) -> str | None:
    """Why no chance is given; None where one is."""
    if row["chance_high_harm_12m"] is not None:
        return None
    if why.get("harm_incomplete"):
        return "A charge that stands has no harm weight, so neither harm, band nor chance is given. Ask the data team to weigh the offence."
    if row["band"] in BANDS[3:]:
        return f"This person is in the band {row['band']} today. A chance of becoming high harm is given only to people who are not."
    if why.get("high_before"):
        return "This person has been high harm before. A chance of becoming so for the first time is not given."
    if not release.model:
        return "No model for chances is approved yet: harm and band stand without one."
    return "The model gives no chance for this record."


def _changed(why: dict[str, Any], unit: str) -> dict[str, Any] | None:
    """What changed since last week, in three that add up; None for someone not scored last week."""
    changed = why.get("changed")
    if not changed:
        return None
    harm = changed.get("harm") or {}
    chance = changed.get("chance_12m") or {}
    rows = [
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


def _changed_then(history: Sequence[Release], tool: str, row: dict[str, Any]) -> dict[str, Any] | None:
    """The three parts of the week in which the band last changed, where that was an earlier one whose release still tells."""
    release = earlier_change(history, row)
    if release is None:
        return None
    changed = _changed(roster.reasons(release, tool, row["person_key"]), row["harm_unit"])
    return changed and {**changed, "week": release.name, "from": row["changed_from"]}


def _others(why: dict[str, Any], named: bool) -> dict[str, Any]:
    """The events that count less: how many, their effect, and each; a release made before they were listed has none."""
    others = why.get("others") or {"count": 0, "effect": 0.0}
    return {"count": others["count"], "effect": others["effect"], "events": _charges(others.get("events"), named)}


def _charges(charges: list[dict[str, Any]] | None, named: bool) -> list[dict[str, Any]]:
    found = []
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


def _card(why: dict[str, Any], model: dict[str, Any] | None, named: bool) -> dict[str, Any] | None:
    """The points card with this person's answers, and the table from points to chances; None where no chance is given.

    What the record holds stands beside each line; not months to a reader without names, for they would tell a day.
    """
    given = why.get("card")
    if not given or not given.get("lines") or model is None:
        return None
    stretches = model["models"]["card"]["stretches"]
    lines = stretches[0].get("card") or []
    says = {f["name"]: f["says"] for f in model["features"]}
    values = why.get("values") or [None] * len(model["features"])
    held = {
        f["name"]: people_words.value(f, v, finer=1)
        for f, v in zip(model["features"], values, strict=True)
        if named or f["unit"] != "months"
    }
    answered = [
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
    table = [
        {"points": p, "here": p == total, "chances": _card_chances(stretches, p)}
        for p in range(max(0, total - CARD_RANGE), min(most, total + CARD_RANGE) + 1)
    ]
    return {"lines": answered, "points": total, "most": most, "table": table, "is_printed": model["chosen"] == "card"}


def _card_chances(stretches: list[dict[str, Any]], points: int) -> list[float]:
    none_yet, found = 1.0, []
    for stretch in stretches:
        none_yet *= 1.0 - 1.0 / (1.0 + math.exp(-(stretch["intercept"] + stretch["slope"] * points)))
        found.append(round(1.0 - none_yet, 6))
    return found


def _sum(why: dict[str, Any], model: dict[str, Any] | None) -> dict[str, Any] | None:
    """How the printed chance adds up: a start, what each fact adds or takes, and the two steps to the chance."""
    effects, values = why.get("effects"), why.get("values")
    if not effects or not values or model is None:
        return None
    features = model["features"]
    lines = [
        {
            "says": feature["says"],
            "value": people_words.value(feature, values[k]),
            "adds": [round(stretch["effects"][k], 3) for stretch in effects],
        }
        for k, feature in enumerate(features)
        if any(abs(stretch["effects"][k]) >= 0.0005 for stretch in effects)
    ]
    lines.sort(key=lambda line: -abs(line["adds"][0]))
    starts = [stretch["intercept"] for stretch in effects]
    totals = [stretch["intercept"] + sum(stretch["effects"]) for stretch in effects]
    return {
        "name": words.model_name(model["chosen"]),
        "because": model.get("because"),
        "starts": [round(s, 3) for s in starts],
        "totals": [round(t, 3) for t in totals],
        "steps": [round(1.0 / (1.0 + math.exp(-t)), 6) for t in totals],
        "lines": lines,
    }


def _gaps(why: dict[str, Any]) -> list[str]:
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


def _quality(why: dict[str, Any], about: dict[str, Any], named: bool) -> dict[str, Any]:
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
