"""Facts that the files of a tool's releases say: its audit, its verdict, what was judged, its model and its variables."""

from __future__ import annotations

import json
from collections import Counter
from collections.abc import Iterator
from datetime import date
from typing import Any

import polars as pl

from harmcast import tables, words
from harmcast.documents.audit import AuditDocument, FifthRow, PeopleRow, ProxyRow, fifth_rows, people_rows, proxy_rows
from harmcast.documents.closed_tables import today as nearest
from harmcast.documents.facts import Fact, Value
from harmcast.documents.person_model import KeptModel
from harmcast.documents.places_model import PlacesModel
from harmcast.publish.answers import closed_facts
from harmcast.publish.answers.area_words import cell_words, where_words
from harmcast.publish.answers.as_stood import AsStood, sentence
from harmcast.publish.verdicts import of_tool as verdict_of
from harmcast.settings import PeopleTool, PlacesTool
from harmcast.store import cell_records
from harmcast.store.work import STATES

LEFT_OUT = {
    "merged_away": "Reference merged into another",
    "no_charge_stands": "No charge stands",
    "dead": "Dead",
    "review_overdue": "Record overdue for review",
    "under_18": "Under age",
    "birth_unknown": "No usable date of birth",
}
CLOSE_TO_CHANCE = (0.45, 0.55)
MEASURES = {"selection": "Picked out", "fnr": "Missed, of those who became high harm", "ppv": "Rightly picked out", "base_rate": "Became high harm"}
CHARACTERISTICS = {"age": ("age_band",), "sex": ("sex",), "race": ("ethnicity_self", "ethnicity_officer")}


def of_tool(stood: AsStood, tool: PlacesTool | PeopleTool) -> Iterator[Fact]:
    """What the releases of a tool say; of the people tool no counts of its verdict, which come from closed tables alone."""
    yield from _audit(stood, tool)
    published = [r for r in stood.of(tool.name) if r.standing == "published"]
    if published:
        said = verdict_of(tool, published, stood.settings)
        yield from stood.facts(tool.name, stood.read_from(published[-1]), ("verdict", said.headline, ""))
    yield from _places(stood, tool) if isinstance(tool, PlacesTool) else _people(stood, tool)


# -- the audit -----------------------------------------------------------------------------------------------------


def _audit(stood: AsStood, tool: PlacesTool | PeopleTool) -> Iterator[Fact]:
    name, file = tool.name, f"{tool.name}_audit.json"
    held = next((r for r in reversed(stood.of(name)) if r.has(file)), None)
    if held is None:
        return
    document: AuditDocument = json.loads(held.read(file))
    measured: list[tuple[str, Value | None, str]]
    if isinstance(tool, PlacesTool):
        measured = [("by_deprivation", _by_deprivation(fifth_rows(document)) or None, "")]
    else:
        measured = [*_equality(people_rows(document)), *_proxies(proxy_rows(document), _variables_of_people(_model(stood, name)))]
    yield from stood.facts(
        name,
        stood.read_from(held, file),
        ("audit_week", held.week, ""),
        ("audit_verdict", document["verdict"], ""),
        ("audit_judged", int(document["judged"]), ""),
        ("audit_too_few", int(document["too_few_to_say"]), ""),
        ("audit_findings", tuple(f"{sentence(f['verdict'])}: {f['says']}" for f in document.get("findings", ())), ""),
        ("audit_notes", tuple(document.get("notes", ())), ""),
        ("audit_limits", tuple(document.get("cannot_see", ())), ""),
        *measured,
    )


def _by_deprivation(measured: list[FifthRow]) -> tuple[dict[str, Any], ...]:
    return tuple(
        {
            "fifth": r["fifth"],
            "residents": round(r["residents"]),
            "recorded": round(r["recorded"]),
            "per_thousand": r["per_1000"],
            "flagged_share": r["flagged_share"],
            "ratio": r["ratio"],
            "ratio_low": r["ratio_low"],
            "ratio_high": r["ratio_high"],
            "verdict": r["verdict"],
        }
        for r in measured
    )


def _equality(measured: list[PeopleRow]) -> Iterator[tuple[str, Value | None, str]]:
    """What the audit measured of each characteristic that the records hold, group by group, where it judged it or has an interval."""
    for key, attributes in CHARACTERISTICS.items():
        rows = tuple(
            {"group": sentence(r["group"]), "measure": MEASURES[r["measure"]], "value": r["value"], "low": r["low"], "high": r["high"], "verdict": r["verdict"]}
            for r in measured
            if r["attribute"] in attributes and r["measure"] in MEASURES and r["scope"] == "not managed" and r["value"] is not None
        )
        yield f"equality.{key}", rows or None, ""


def _proxies(measured: list[ProxyRow], variables: list[dict[str, str]]) -> Iterator[tuple[str, Value | None, str]]:
    """How far each variable of the model tells each protected group, and which tells one most."""
    used = {v["key"]: v["name"] for v in variables}
    rows = [r for r in measured if r["feature"] in used and r["kind"] == "value" and r["auc"] is not None]
    if not rows:
        return
    table = tuple(
        {
            "variable": used[r["feature"]],
            "attribute": closed_facts.ATTRIBUTES.get(r["attribute"], r["attribute"]),
            "group": sentence(r["group"]),
            "auc": r["auc"],
            "low": r["auc_low"],
            "high": r["auc_high"],
            "people": nearest(r["n"]),
            "verdict": r["verdict"],
        }
        for r in rows
    )
    most, told = max(zip(table, rows, strict=True), key=lambda pair: abs((pair[1]["auc"] or 0.0) - 0.5))
    low, high = CLOSE_TO_CHANCE
    yield "proxies", table, ""
    yield "proxies_none", all(low <= (r["auc_low"] or 0.0) and (r["auc_high"] or 1.0) <= high for r in rows), ""
    yield "proxy_variable", str(most["variable"]), ""
    yield "proxy_group", f"{most['attribute']}: {most['group']}", ""
    for key, value in (("auc", told["auc"]), ("low", told["auc_low"]), ("high", told["auc_high"])):
        yield f"proxy_{key}", value if value is None else float(value), "AUC"


# -- places --------------------------------------------------------------------------------------------------------


def _places(stood: AsStood, tool: PlacesTool) -> Iterator[Fact]:
    name, own, newest = tool.name, tool.model_dump(mode="json"), stood.newest(tool.name)
    yield from stood.facts(
        name,
        stood.of_settings,
        ("cell", cell_words(tool), ""),
        ("definition", where_words(own["where"]), ""),
        ("leading", tuple(where_words(where) for where in own["leading"]), ""),
    )
    tasking = tuple({"what": k, "times": v} for k, v in sorted(_written_on_places(stood, name).items()))
    yield from stood.facts(name, stood.asked("log:tasking"), ("tasking", tasking, ""))
    if newest is None:
        return
    model: PlacesModel = json.loads(newest.read(f"{name}_model.json"))
    listed: Any = model.get("list") or {}
    yield from stood.facts(
        name,
        stood.read_from(newest, f"{name}_model.json"),
        ("model", sentence(words.model_name(model["name"])), ""),
        ("variables", tuple(variables_of_places(model)), ""),
        ("horizon_weeks", int(model["horizon_weeks"]), "weeks"),
        ("range_level", float(newest.frame(name)["range_level"][0]), "share"),
        ("fell_back", bool(model["fell_back"]) if "fell_back" in model else None, ""),
        ("listed", int(listed["cells"]) if listed else None, "cells"),
        ("list_expected", float(listed["expected"]) if listed else None, "offences"),
        ("list_best", float(listed["best_possible"]) if listed else None, "offences"),
    )
    yield from _hits(stood, name)


def _written_on_places(stood: AsStood, tool: str) -> Counter[str]:
    """How often what was written on a tool's places, in the words of its pages; what was struck is not counted."""
    struck = {(r["table_name"], r["row"]) for r in stood.rows("strikes") if r["known_on"] <= stood.as_of}

    def written(table: str) -> list[dict[str, Any]]:
        return [r for r in stood.rows(table) if r["tool"] == tool and r["known_on"] <= stood.as_of and (table, r["id"]) not in struck]

    steps, states = written("tasking"), STATES["recommendation"]
    counts = Counter({"Recommendations": sum(r["step"] == "recommendation" for r in steps), "Notes": len(written("cell_notes"))})
    counts.update(states[r["choice"]].words if r["choice"] in states else "Not said" for r in steps if r["step"] != "recommendation")
    counts.update(f"{cell_records.ACTIVITIES.get(r['kind'], r['kind'])} recorded" for r in written("cell_activity"))
    return counts


def _hits(stood: AsStood, tool: str) -> Iterator[Fact]:
    """What was judged of windows that are over, by the newest word of each; ours beside plain counts."""
    held = [r for r in stood.of(tool) if r.has("scores.parquet")]
    if not held:
        return
    parts = [r.frame("scores").with_columns(week=pl.lit(r.week)) for r in held]
    scores = pl.concat([pl.DataFrame(schema=pl.Schema({**tables.SCORES.schema(), "week": pl.String()})), *parts], how="diagonal_relaxed")
    known = scores.filter((pl.col("tool") == tool) & pl.col("group").is_null() & pl.col("value").is_not_null())
    last = known.sort("week").unique(["model", "figure", "origin"], keep="last", maintain_order=True)
    hits, released = last.filter(pl.col("figure") == "hits_top20"), {r.model for r in held}
    if hits.is_empty():
        return
    read = stood.read_from(held[-1], "scores.parquet")
    grouped = hits.group_by("model").agg(
        hits=pl.col("value").sum().round().cast(pl.Int64), offences=pl.col("n").sum().cast(pl.Int64), windows=pl.col("origin").n_unique().cast(pl.Int64)
    )
    rows = sorted(grouped.iter_rows(named=True), key=lambda r: (r["model"] not in released, r["model"]))
    named = {r["model"]: sentence(words.model_name(r["model"])) + (" (as released)" if r["model"] in released else "") for r in rows}
    yield from stood.facts(tool, read, ("hits", tuple({**r, "model": named[r["model"]]} for r in rows), ""))
    ours = hits.filter(pl.col("model").is_in(list(released)))
    if ours.is_empty():
        return
    plain = hits.filter((pl.col("model") == "count_24m") & pl.col("origin").is_in(ours["origin"].unique().implode()))
    is_alike = plain.height > 0 and int(plain["n"].sum()) == int(ours["n"].sum())
    inside = last.filter((pl.col("figure") == "inside_printed_range") & pl.col("model").is_in(list(released)))
    yield from stood.facts(
        tool,
        read,
        ("windows", ours["origin"].n_unique(), "windows"),
        ("our_hits", int(ours["value"].sum()), "offences"),
        ("offences", int(ours["n"].sum()), "offences"),
        ("plain_hits", int(plain["value"].sum()) if is_alike else None, "offences"),
        ("ranges_judged", int(inside["n"].sum()) if inside.height else None, "ranges"),
        ("ranges_held", round(float((inside["value"] * inside["n"]).sum())) if inside.height else None, "ranges"),
    )


def variables_of_places(model: PlacesModel) -> Iterator[dict[str, str]]:
    """What the model of a release is made of: the terms of its own file, gathered by what they count."""
    if model.get("fell_back") or model.get("name") in ("count_24m",):
        yield {"name": "Plain count", "says": "The cell's own recorded offences of two years", "unit": "offences"}
        return
    terms = [*model.get("coefficients", {}), *model.get("correction", {}), *model.get("pool", {})]
    gathered: dict[str, set[str]] = {}
    for term in terms:
        lead, _, rest = term.rpartition(": ")
        what = rest or term
        if lead:
            name = f"Other recorded crime ({lead})"
        elif what.startswith("own") or what == "surprise":  # of the cell itself: what came against what was expected
            name = "The cell's own offences"
        elif "within" in what:
            name = "Offences in cells nearby"
        elif what in ("filter", "pool"):
            name = "Where offences lie, followed week by week"
        elif what == "exposure":
            name = "Land of the cell inside the force"
        else:
            name = f"Other recorded crime ({what})"
        gathered.setdefault(name, set()).add(what)
    for name, whats in sorted(gathered.items()):
        yield {"name": name, "says": "; ".join(sorted(whats)), "unit": "square metres" if name.startswith("Land") else "offences"}


# -- people --------------------------------------------------------------------------------------------------------


def _model(stood: AsStood, tool: str) -> KeptModel | None:
    """The person model of the newest release, as approved."""
    newest = stood.newest(tool)
    kept = stood.state.models.named(newest.model) if newest and newest.model else None
    return kept.content() if kept else None


def _variables_of_people(model: KeptModel | None) -> list[dict[str, str]]:
    """The variables that a model asks about: those of its card, or harm alone."""
    if model is None:
        return []
    listed = {f["name"]: f for f in model.get("features", []) if isinstance(f, dict)}
    card = model.get("cards", {}).get(model.get("chosen") or "")
    used = list(dict.fromkeys(line["feature"] for line in card["lines"])) if card and card["lines"] else ["harm_share"]
    return [
        {
            "key": key,
            "name": sentence(key.replace("_", " ").replace("6m", "6 months").replace("12m", "12 months").replace("24m", "24 months")),
            "says": listed[key]["says"] if key in listed else "",
            "unit": listed[key]["unit"] if key in listed else "",
        }
        for key in used
    ]


def _people(stood: AsStood, tool: PeopleTool) -> Iterator[Fact]:
    name, newest = tool.name, stood.newest(tool.name)
    if newest is None:
        return
    about, model = json.loads(newest.read(f"{name}_about.json")), _model(stood, name)
    weights, no_chance = about.get("weights", {}), about.get("figures", {}).get("no_chance")
    index = weights.get("index", {})
    months = tuple(str(m) for m in (model.get("months", tool.horizons_months) if model else tool.horizons_months))
    said: list[tuple[str, Value | None, str]] = [
        ("harm_unit", about.get("harm_unit"), ""),
        ("harm_index", ", ".join(filter(None, (index.get("source"), f"edition {index['edition']}" if index.get("edition") else ""))) or None, ""),
        ("coarse_share", weights.get("filled_or_coarse_share"), "share"),
        ("decay", (about.get("decay") or {}).get("name"), ""),
        ("cuts_date", date.fromisoformat(about["cuts_reference_date"]) if about.get("cuts_reference_date") else None, ""),
        ("horizons", months, "months"),
        ("look_back", (about.get("history") or {}).get("look_back_months"), "months"),
        ("scored", nearest(about["scored"]) if "scored" in about else None, "people"),
        ("without_chance", nearest(sum(no_chance.values())) if no_chance else None, "people"),
        ("left_out", tuple({"reason": LEFT_OUT.get(k, k), "people": nearest(n)} for k, n in about.get("left_out", {}).items()), ""),
    ]
    if cuts := about.get("cuts"):
        said.append(("cuts", tuple({"band": band, "from": start} for band, start in zip(tables.BANDS, [0.0, *cuts], strict=True)), ""))
    if model is not None:
        said += [
            ("model", f"{sentence(words.model_name(model['chosen']))}, approved as {newest.model}", ""),
            ("is_plain", model["chosen"] == "plain_harm", ""),
            ("why_model", model.get("because"), ""),
            ("variables", tuple({k: v[k] for k in ("name", "says", "unit")} for v in _variables_of_people(model)), ""),
        ]
    yield from stood.facts(name, stood.read_from(newest, f"{name}_about.json"), *said)
