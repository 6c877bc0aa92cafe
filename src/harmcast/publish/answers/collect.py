"""Reads from a state every fact that an answer of a day may say: what held by that day and was known by the day of knowing.

The operational database is read through `then.rows` alone. What a tool is comes from its newest release of that day (its
model, its ranges, the settings it was made with), what is written of it from the register, people in counts from the closed
tables. What is not there gives no fact, and the answer says so.
"""

from __future__ import annotations

import io
import json
from collections import Counter
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from datetime import date
from functools import cached_property
from typing import TYPE_CHECKING, Any

import polars as pl

from harmcast import tables, words
from harmcast.documents.audit import AuditDocument, FifthRow, PeopleRow, ProxyRow, fifth_rows, people_rows, proxy_rows
from harmcast.documents.closed_tables import today as nearest
from harmcast.documents.facts import Fact, Facts, Value
from harmcast.documents.person_model import KeptModel
from harmcast.documents.places_model import PlacesModel
from harmcast.oversight.access import ROLES, RULES, Action
from harmcast.oversight.register import ENTRY_KINDS
from harmcast.publish.answers import closed_facts
from harmcast.publish.answers.area_words import cell_words, where_words
from harmcast.publish.answers.pieces import facts_of_design, library
from harmcast.publish.verdicts import of_tool
from harmcast.settings import PeopleTool, PlacesTool, Settings
from harmcast.store import cell_records, kept_settings, statistics
from harmcast.store.reads import then
from harmcast.store.work import STATES
from harmcast.words.tools import tool_title

if TYPE_CHECKING:
    from harmcast.store.releases import Release
    from harmcast.store.state import State

COUNTS = {"crimes": "places", "persons": "people", "charges": "people", "circumstances": "people"}
PARTS = ("received", "loaded", "unchanged", "superseded", "quarantined", "left_out")
STANDINGS = {"published": "published", "held": "held back", "draft": "not yet looked at", "reviewed": "looked at by one person", "withdrawn": "withdrawn"}
LEFT_OUT = {
    "merged_away": "Reference merged into another",
    "no_charge_stands": "No charge stands",
    "dead": "Dead",
    "review_overdue": "Record overdue for review",
    "under_18": "Under age",
    "birth_unknown": "No usable date of birth",
}
CLOSE_TO_CHANCE = (0.45, 0.55)
OUTSIDE = ("store.url", "alerts.webhook", "map.wms_url", "qlik.reload_server", "web.oidc_issuer", "feed.url")


def collect(state: State, as_of: date, known_on: date, without_charge: int | None = None) -> Facts:
    """Every fact of a day. `without_charge`: people without a charge among those scored, counted from the records; null: nobody counted."""
    found = _Collector(state, as_of, known_on)
    facts = list(found.of_force())
    for tool in found.settings.tools:
        own = list(found.of_tool(tool))
        facts += own
        if isinstance(tool, PeopleTool):
            closing = statistics.closed_by(state.root, state.operations, as_of, known_on)
            facts += found.explored(tool)
            facts += closed_facts.of_tool(tool.name, closing)
            missing = tuple(one.quarter for one in closing.not_closed) if closing else ()
            facts.append(found.fact(f"{tool.name}.not_closed", missing, "statistics:names"))
            if without_charge is not None and (release := found.newest(tool.name)) is not None:
                facts.append(found.fact(f"{tool.name}.without_charge", without_charge, f"release:{release.now.name}/{tool.name}.parquet", "people"))
    held = Facts.of(as_of, known_on, facts)
    design = facts_of_design(held, {t.name: t.kind for t in found.settings.tools})
    return Facts.of(as_of, known_on, [*facts, *design])


@dataclass(frozen=True)
class ReleaseThen:
    """A release as it stood by the day of knowing, with its files."""

    row: Mapping[str, Any]
    now: Release

    @property
    def source(self) -> str:
        return f"release:{self.now.name}"


class _Collector:
    def __init__(self, state: State, as_of: date, known_on: date) -> None:
        self.state, self.as_of, self.known_on = state, as_of, known_on
        self.zone = state.settings.force.timezone

    def rows(self, table: str) -> list[dict[str, Any]]:
        return then.rows(self.state.operations, table, self.known_on, self.zone)

    def fact(self, key: str, value: Value, source: str, unit: str = "", valid_from: date | None = None, known_on: date | None = None) -> Fact:
        """A fact; without dates of its own it holds from the day asked, as known then."""
        return Fact(key, value, unit, source, valid_from or self.as_of, known_on or self.known_on)

    # -- what stood ------------------------------------------------------------------------------------------------

    @cached_property
    def releases(self) -> list[ReleaseThen]:
        """Releases made by the day of knowing of what was known by the day asked, whose files are still held; oldest first."""
        names = {tool.name for tool in self.state.settings.tools}
        now = {r.id: r for name in names for r in self.state.releases.history(name, None)}
        held = [r for r in self.rows("releases") if (r["as_of"] or r["origin"]) <= self.as_of and r["id"] in now]
        return [ReleaseThen(r, now[r["id"]]) for r in sorted(held, key=lambda r: (r["week"], r["revision"], r["tool"]))]

    def of(self, tool: str) -> list[ReleaseThen]:
        return [r for r in self.releases if r.row["tool"] == tool]

    def newest(self, tool: str) -> ReleaseThen | None:
        """The newest release of a tool that was not withdrawn by then."""
        return next((r for r in reversed(self.of(tool)) if r.row["standing"] != "withdrawn"), None)

    @cached_property
    def settings(self) -> Settings:
        """The settings that the newest release was made with; the state's own before the first."""
        newest = max(self.releases, key=lambda r: (r.row["week"], r.row["revision"]), default=None)
        sha256 = newest.row["settings_sha256"] if newest else None
        return kept_settings.read(kept_settings.kept(self.state.root, sha256))[0] if sha256 else self.state.settings

    @cached_property
    def settings_source(self) -> str:
        newest = max(self.releases, key=lambda r: (r.row["week"], r.row["revision"]), default=None)
        return f"settings:{newest.now.name}" if newest and newest.row["settings_sha256"] else "settings:as they stand"

    # -- the force ---------------------------------------------------------------------------------------------------

    def of_force(self) -> Iterator[Fact]:
        s, source = self.settings, self.settings_source
        yield self.fact("answer.as_of", self.as_of, "asked:as_of")
        yield self.fact("answer.known_on", self.known_on, "asked:known_on")
        yield self.fact("answer.is_looking_back", self.known_on != self.as_of, "asked:known_on")
        begun = then.begun(self.state.operations, self.zone)
        if begun is not None:
            yield self.fact("answer.begun", begun, "log:1")
        yield self.fact("force.name", s.force.name, source)
        yield self.fact("force.invented", s.force.invented, source)
        values = s.model_dump(mode="json")
        outside = tuple(key for key in OUTSIDE if _at(values, key))
        yield self.fact("network.outside", outside, source)
        yield self.fact("rule.export_rows", s.web.export_rows, source, "rows")
        yield self.fact("rule.override_from", s.decisions.override_from, source, "decisions")
        yield self.fact("rule.override_low", s.decisions.override_low, source, "share")
        yield self.fact("rule.override_high", s.decisions.override_high, source, "share")
        yield self.fact("retention.release_weeks", s.retention.release_weeks, source, "weeks")
        yield self.fact("retention.backup_days", s.retention.backup_days, source, "days")
        yield self.fact("retention.export_days", s.retention.export_days, source, "days")
        reviews = tuple({"group": group, "years": years} for group, years in sorted(values["retention"]["group_years"].items()))
        yield self.fact("retention.reviews", reviews, source)
        yield self.fact("record.views", then.looks(self.state.operations, min(self.as_of, self.known_on), self.zone), "log:consultation", "looks")
        exports = [r for r in self.rows("exports") if r["known_on"] <= self.as_of]
        yield self.fact("record.exports", len(exports), "log:exports", "exports")
        yield self.fact("record.named_exports", sum(bool(r["with_names"]) for r in exports), "log:exports", "exports")
        gone = [r for r in self.releases if r.now.standing == "withdrawn" and r.row["standing"] != "withdrawn"]
        titles = {t.name: tool_title(t) for t in s.tools}
        yield self.fact("since.withdrawn", tuple(f"{titles.get(r.row['tool'], r.row['tool'])}, {r.now.name}" for r in gone), "log:release_moves, today")
        if self.releases:
            manifest = self.releases[-1].now.manifest()
            yield self.fact("software.version", manifest["code_version"], f"{self.releases[-1].source}/manifest.json")
            if data := (manifest.get("records") or {}).get("data_hash"):
                yield self.fact("software.records", data, f"{self.releases[-1].source}/manifest.json")

    # -- every tool ---------------------------------------------------------------------------------------------------

    def of_tool(self, tool: PlacesTool | PeopleTool) -> Iterator[Fact]:
        name = tool.name
        yield self.fact(f"{name}.kind", tool.kind, self.settings_source)
        yield self.fact(f"{name}.title", tool_title(tool), self.settings_source)
        yield from self._status(name)
        yield from self._words(name)
        yield from self._papers(name)
        yield from self._released(name)
        yield from self._people_with_access(tool)
        yield from self._feed(tool)
        yield from self._audit(tool)
        yield from self._verdict(tool)
        if isinstance(tool, PlacesTool):
            yield from self._places(tool)
        else:
            yield from self._people(tool)

    def _status(self, tool: str) -> Iterator[Fact]:
        held = [r for r in self.rows("register_statuses") if r["tool"] == tool and r["from_on"] <= self.as_of]
        held.sort(key=lambda r: (r["from_on"], r["id"]))
        source = f"register:statuses/{tool}"
        live = [r for r in held if r["status"] in ("trial", "in use")]
        if not held:
            yield self.fact(f"{tool}.status", "shadow", source)
            yield self.fact(f"{tool}.deployment", "never deployed", source)
            return
        last = held[-1]
        yield self.fact(f"{tool}.status", last["status"], source, "", last["from_on"], last["known_on"])
        yield self.fact(f"{tool}.status_since", last["from_on"], source, "", last["from_on"], last["known_on"])
        yield self.fact(f"{tool}.stages", tuple({"status": r["status"], "from": r["from_on"], "reason": r["reason"] or "none given"} for r in held), source)
        yield self.fact(f"{tool}.deployment", "ended" if last["status"] == "stopped" and live else "running" if live else "never deployed", source)
        if live:
            yield self.fact(f"{tool}.first_deployed", live[0]["from_on"], source, "", live[0]["from_on"], live[0]["known_on"])
        if last["status"] == "stopped" and live:
            yield self.fact(f"{tool}.ended", last["from_on"], source, "", last["from_on"], last["known_on"])
        first = min((r.row["origin"] for r in self.of(tool)), default=None)
        if first is not None:
            yield self.fact(f"{tool}.is_older_than_releases", bool(live) and live[0]["from_on"] < first, f"{source} and release:{tool}")

    def _words(self, tool: str) -> Iterator[Fact]:
        """Each field of the register: of the words written by the day of knowing, those that had begun by the day asked."""
        row = next((r for r in self.rows("register_tools") if r["tool"] == tool), None)
        standing: dict[str, tuple[str, date, date]] = {}
        for one in sorted(json.loads(row["document"] or "{}").get("said", []) if row else [], key=lambda o: (o["from_on"], o["at"])):
            from_on, known = date.fromisoformat(one["from_on"]), then.day_of(one["at"], self.zone)
            if from_on <= self.as_of and known <= self.known_on and one["words"]:
                standing[one["field"]] = (one["words"], from_on, known)
        for field, (said, from_on, known) in standing.items():
            yield self.fact(f"{tool}.{field}", said, f"register:words/{tool}/{field}", "", from_on, known)

    def _papers(self, tool: str) -> Iterator[Fact]:
        held = [r for r in self.rows("register_entries") if r["tool"] in (tool, None) and r["dated"] <= self.as_of]
        for kind in (k for k in ENTRY_KINDS if f"tool.paper.{k}" in library().keys):
            own = sorted((r for r in held if r["kind"] == kind), key=lambda r: (r["dated"], r["id"]))
            if not own:
                continue
            rows = tuple(
                {
                    "title": r["title"],
                    "dated": r["dated"],
                    "by": r["by_whom"],
                    "reference": r["document_ref"],
                    "conditions": r["conditions"],
                    "review_by": r["review_by"],
                    "outcome": r["outcome"],
                }
                for r in own
            )
            source = "register:" + ",".join(str(r["id"]) for r in own)
            yield self.fact(f"{tool}.paper.{kind}", rows, source, "", own[0]["dated"], max(r["known_on"] for r in own))

    def _released(self, tool: str) -> Iterator[Fact]:
        held = self.of(tool)
        if not held:
            return
        source = f"release:{tool}"
        yield self.fact(f"{tool}.releases", len(held), source, "releases")
        yield self.fact(f"{tool}.releases_from", held[0].row["origin"], source)
        yield self.fact(f"{tool}.releases_to", held[-1].row["origin"], source)
        by = {s: sum(r.row["standing"] == s for r in held) for s in STANDINGS}
        yield self.fact(f"{tool}.standings", tuple({"standing": STANDINGS[s], "releases": n} for s, n in by.items() if n), source)
        newest = self.newest(tool)
        if newest is not None:
            yield self.fact(f"{tool}.release", newest.now.name, newest.source, "", newest.row["as_of"] or newest.row["origin"], newest.row["known_on"])

    def _people_with_access(self, tool: PlacesTool | PeopleTool) -> Iterator[Fact]:
        wanted = {Action.VIEW_AREAS} if isinstance(tool, PlacesTool) else {Action.LIST_PEOPLE, Action.OPEN_PERSON_PSEUDONYMISED}
        roles = [role for role in ROLES if any(role in RULES[action].roles for action in wanted)]
        held = [r for r in self.rows("user_roles") if r["known_on"] <= self.as_of and not (r["ended_at"] and then.day_of(r["ended_at"], self.zone) <= self.as_of)]
        given = [r for r in self.rows("training") if r["tool"] == tool.name and r["passed_on"] <= self.as_of]
        trained = {r["account"] for r in given}
        rows = []
        for role in roles:
            accounts = {r["account"] for r in held if r["role"] == role.value}
            rows.append({"role": ROLES[role][0], "sees": ROLES[role][1], "people": len(accounts), "trained": len(accounts & trained)})
        yield self.fact(f"{tool.name}.access", tuple(rows), "register:user_roles")
        units = tuple(sorted({r["unit"] for r in held if r["unit"]}))
        if units and isinstance(tool, PeopleTool):
            yield self.fact(f"{tool.name}.units", units, "register:user_roles")
        if not given:
            return
        kinds: dict[tuple[str, str, str], list[dict[str, Any]]] = {}
        for r in given:
            kinds.setdefault((r["kind"], r["trainer"] or "not recorded", r["trainer_contact"] or "not recorded"), []).append(r)
        trainings = tuple(
            {
                "kind": _sentence(kind.replace("_", " ")),
                "trainer": trainer,
                "contact": contact,
                "people": len({r["account"] for r in own}),
                "first": min(r["passed_on"] for r in own),
                "last": max(r["passed_on"] for r in own),
            }
            for (kind, trainer, contact), own in sorted(kinds.items())
        )
        first, known = min(r["passed_on"] for r in given), max(r["known_on"] for r in given)
        yield self.fact(f"{tool.name}.trained", trainings, "register:training", "", first, known)
        yield self.fact(f"{tool.name}.trainers", tuple(sorted({r["trainer"] or "not recorded" for r in given})), "register:training", "", first, known)
        yield self.fact(f"{tool.name}.trained_people", len(trained), "register:training", "people", first, known)

    def _feed(self, tool: PlacesTool | PeopleTool) -> Iterator[Fact]:
        how = {"folder": "a folder of files that the records system fills"}.get(self.settings.feed.source, "a database of the records system")
        yield self.fact(f"{tool.name}.feed_source", how, self.settings_source)
        held = {r["id"]: r for r in self.rows("deliveries") if r["standing"] == "loaded" and date.fromisoformat(r["made_at"][:10]) <= self.as_of}
        files = [f for f in self.rows("delivery_files") if f["delivery"] in held and COUNTS.get(f["table_name"]) == tool.kind]
        if not files:
            return
        sums: dict[str, dict[str, int]] = {}
        for f in files:
            received = f["received"] if f.get("made") is None else f["made"] + (f.get("unread") or 0)
            row = sums.setdefault(f["table_name"], dict.fromkeys(PARTS, 0))
            for part in PARTS:
                row[part] += received if part == "received" else f[part] or 0
        days = sorted(date.fromisoformat(held[f["delivery"]]["made_at"][:10]) for f in files)
        known = max(held[f["delivery"]]["known_on"] for f in files)
        rows = tuple({"table": table, **counts} for table, counts in sorted(sums.items()))
        yield self.fact(f"{tool.name}.feed", rows, "log:deliveries", "rows", days[0], known)
        yield self.fact(f"{tool.name}.feed_from", days[0], "log:deliveries", "", days[0], known)
        yield self.fact(f"{tool.name}.feed_to", days[-1], "log:deliveries", "", days[-1], known)

    def explored(self, tool: PeopleTool) -> Iterator[Fact]:
        """What the exploratory analysis says of groups, with the day it was measured on; of the model in use where that was looked at."""
        release = self.newest(tool.name)
        held = statistics.explored_by(self.state.root, self.state.operations, self.as_of, self.known_on, release.row["model"] if release else None)
        if held is not None:
            yield Fact(f"{tool.name}.explored", held.known_on, "", held.source, held.day, held.known_on)
            yield Fact(f"{tool.name}.explored_findings", held.findings, "", held.source, held.day, held.known_on)

    # -- the audit ----------------------------------------------------------------------------------------------------

    def _audit(self, tool: PlacesTool | PeopleTool) -> Iterator[Fact]:
        name = tool.name
        held = next((r for r in reversed(self.of(name)) if r.now.has(f"{name}_audit.json")), None)
        if held is None:
            return
        document: AuditDocument = json.loads(held.now.read(f"{name}_audit.json"))
        source, on, known = f"{held.source}/{name}_audit.json", held.row["as_of"] or held.row["origin"], held.row["known_on"]
        simple: dict[str, Value] = {
            "audit_week": held.now.week,
            "audit_verdict": document["verdict"],
            "audit_judged": int(document["judged"]),
            "audit_too_few": int(document["too_few_to_say"]),
            "audit_findings": tuple(f"{_sentence(f['verdict'])}: {f['says']}" for f in document.get("findings", ())),
            "audit_notes": tuple(document.get("notes", ())),
            "audit_limits": tuple(document.get("cannot_see", ())),
        }
        for key, value in simple.items():
            yield self.fact(f"{name}.{key}", value, source, "", on, known)
        if isinstance(tool, PlacesTool):
            yield from self._by_deprivation(name, fifth_rows(document), source, on, known)
            return
        yield from self._equality(name, people_rows(document), source, on, known)
        yield from self._proxies(name, proxy_rows(document), source, on, known)

    def _by_deprivation(self, tool: str, measured: list[FifthRow], source: str, on: date, known: date) -> Iterator[Fact]:
        rows = tuple(
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
        if rows:
            yield self.fact(f"{tool}.by_deprivation", rows, source, "", on, known)

    def _equality(self, tool: str, measured: list[PeopleRow], source: str, on: date, known: date) -> Iterator[Fact]:
        """What the audit measured of each characteristic that the records hold, group by group, where it judged it or has an interval."""
        for key, attributes in {"age": ("age_band",), "sex": ("sex",), "race": ("ethnicity_self", "ethnicity_officer")}.items():
            rows = tuple(
                {"group": _sentence(r["group"]), "measure": MEASURES[r["measure"]], "value": r["value"], "low": r["low"], "high": r["high"], "verdict": r["verdict"]}
                for r in measured
                if r["attribute"] in attributes and r["measure"] in MEASURES and r["scope"] == "not managed" and r["value"] is not None
            )
            if rows:
                yield self.fact(f"{tool}.equality.{key}", rows, source, "", on, known)

    def _proxies(self, tool: str, measured: list[ProxyRow], source: str, on: date, known: date) -> Iterator[Fact]:
        """How far each variable of the model tells each protected group, and which tells one most."""
        used = {v["key"]: v["name"] for v in self._variables_of_people(tool)}
        rows = [r for r in measured if r["feature"] in used and r["kind"] == "value" and r["auc"] is not None]
        if not rows:
            return
        table = tuple(
            {
                "variable": used[r["feature"]],
                "attribute": closed_facts.ATTRIBUTES.get(r["attribute"], r["attribute"]),
                "group": _sentence(r["group"]),
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
        yield self.fact(f"{tool}.proxies", table, source, "", on, known)
        yield self.fact(f"{tool}.proxies_none", all(low <= (r["auc_low"] or 0.0) and (r["auc_high"] or 1.0) <= high for r in rows), source, "", on, known)
        yield self.fact(f"{tool}.proxy_variable", str(most["variable"]), source, "", on, known)
        yield self.fact(f"{tool}.proxy_group", f"{most['attribute']}: {most['group']}", source, "", on, known)
        for key, value in (("auc", told["auc"]), ("low", told["auc_low"]), ("high", told["auc_high"])):
            if value is not None:
                yield self.fact(f"{tool}.proxy_{key}", float(value), source, "AUC", on, known)

    # -- places -------------------------------------------------------------------------------------------------------

    def _places(self, tool: PlacesTool) -> Iterator[Fact]:
        name, own = tool.name, tool.model_dump(mode="json")
        yield self.fact(f"{name}.cell", cell_words(tool), self.settings_source)
        yield self.fact(f"{name}.definition", where_words(own["where"]), self.settings_source)
        yield self.fact(f"{name}.leading", tuple(where_words(where) for where in own["leading"]), self.settings_source)
        yield self.fact(f"{name}.tasking", tuple({"what": k, "times": v} for k, v in sorted(self._of_places_work(name).items())), "log:tasking")
        newest = self.newest(name)
        if newest is None:
            return
        on, known, source = newest.row["as_of"] or newest.row["origin"], newest.row["known_on"], f"{newest.source}/{name}_model.json"
        model: PlacesModel = json.loads(newest.now.read(f"{name}_model.json"))
        cells = newest.now.frame(name)
        simple: dict[str, tuple[Value | None, str]] = {
            "model": (_sentence(words.model_name(model["name"])), ""),
            "variables": (tuple(_variables_of_places(model)), ""),
            "horizon_weeks": (int(model["horizon_weeks"]), "weeks"),
            "range_level": (float(cells["range_level"][0]), "share"),
            "fell_back": (bool(model["fell_back"]), "") if "fell_back" in model else (None, ""),
        }
        if listed := model.get("list"):
            simple |= {"listed": (int(listed["cells"]), "cells"), "list_expected": (float(listed["expected"]), "offences")}
            simple |= {"list_best": (float(listed["best_possible"]), "offences")}
        for key, (value, unit) in simple.items():
            if value is not None:
                yield self.fact(f"{name}.{key}", value, source, unit, on, known)
        yield from self._hits(name)

    def _of_places_work(self, tool: str) -> Counter[str]:
        """How often what was written on a tool's places, in the words of its pages; what was struck is not counted."""
        struck = {(r["table_name"], r["row"]) for r in self.rows("strikes") if r["known_on"] <= self.as_of}

        def written(table: str) -> list[dict[str, Any]]:
            return [r for r in self.rows(table) if r["tool"] == tool and r["known_on"] <= self.as_of and (table, r["id"]) not in struck]

        steps, states = written("tasking"), STATES["recommendation"]
        counts = Counter({"Recommendations": sum(r["step"] == "recommendation" for r in steps), "Notes": len(written("cell_notes"))})
        counts.update(states[r["choice"]].words if r["choice"] in states else "Not said" for r in steps if r["step"] != "recommendation")
        counts.update(f"{cell_records.ACTIVITIES.get(r['kind'], r['kind'])} recorded" for r in written("cell_activity"))
        return counts

    def _verdict(self, tool: PlacesTool | PeopleTool) -> Iterator[Fact]:
        """The verdict of the pages; of the people tool without its counts, which come from closed tables alone."""
        held = [r for r in self.of(tool.name) if r.row["standing"] == "published"]
        if held:
            said, newest = of_tool(tool, [r.now for r in held], self.settings), held[-1]
            yield self.fact(f"{tool.name}.verdict", said.headline, newest.source, "", newest.row["as_of"] or newest.row["origin"], newest.row["known_on"])

    def _hits(self, tool: str) -> Iterator[Fact]:
        """What was judged of windows that are over, by the newest word of each; ours beside plain counts."""
        held = [r for r in self.of(tool) if r.now.has("scores.parquet")]
        if not held:
            return
        parts = [pl.read_parquet(io.BytesIO(r.now.read("scores.parquet"))).with_columns(week=pl.lit(r.now.week)) for r in held]
        scores = pl.concat([pl.DataFrame(schema=pl.Schema({**tables.SCORES.schema(), "week": pl.String()})), *parts], how="diagonal_relaxed")
        known = scores.filter((pl.col("tool") == tool) & pl.col("group").is_null() & pl.col("value").is_not_null())
        last = known.sort("week").unique(["model", "figure", "origin"], keep="last", maintain_order=True)
        hits = last.filter(pl.col("figure") == "hits_top20")
        released = {r.row["model"] for r in held}
        if hits.is_empty():
            return
        source, on, seen = f"{held[-1].source}/scores.parquet", held[-1].row["as_of"] or held[-1].row["origin"], held[-1].row["known_on"]
        grouped = hits.group_by("model").agg(
            hits=pl.col("value").sum().round().cast(pl.Int64), offences=pl.col("n").sum().cast(pl.Int64), windows=pl.col("origin").n_unique().cast(pl.Int64)
        )
        rows = sorted(grouped.iter_rows(named=True), key=lambda r: (r["model"] not in released, r["model"]))
        named = {r["model"]: _sentence(words.model_name(r["model"])) + (" (as released)" if r["model"] in released else "") for r in rows}
        yield self.fact(f"{tool}.hits", tuple({**r, "model": named[r["model"]]} for r in rows), source, "", on, seen)
        ours = hits.filter(pl.col("model").is_in(list(released)))
        if ours.is_empty():
            return
        plain = hits.filter((pl.col("model") == "count_24m") & pl.col("origin").is_in(ours["origin"].unique().implode()))
        found, of = int(ours["value"].sum()), int(ours["n"].sum())
        yield self.fact(f"{tool}.windows", ours["origin"].n_unique(), source, "windows", on, seen)
        yield self.fact(f"{tool}.our_hits", found, source, "offences", on, seen)
        yield self.fact(f"{tool}.offences", of, source, "offences", on, seen)
        if plain.height and int(plain["n"].sum()) == of:
            theirs = int(plain["value"].sum())
            yield self.fact(f"{tool}.plain_hits", theirs, source, "offences", on, seen)
        inside = last.filter((pl.col("figure") == "inside_printed_range") & pl.col("model").is_in(list(released)))
        if inside.height:
            yield self.fact(f"{tool}.ranges_judged", int(inside["n"].sum()), source, "ranges", on, seen)
            yield self.fact(f"{tool}.ranges_held", round(float((inside["value"] * inside["n"]).sum())), source, "ranges", on, seen)

    # -- people -------------------------------------------------------------------------------------------------------

    def _model(self, tool: str) -> KeptModel | None:
        """The person model of the newest release, as approved."""
        newest = self.newest(tool)
        kept = self.state.models.named(newest.row["model"]) if newest and newest.row["model"] else None
        return kept.content() if kept else None

    def _variables_of_people(self, tool: str) -> list[dict[str, str]]:
        """The variables that the model of the newest release asks about: those of its card, or harm alone."""
        model = self._model(tool)
        if model is None:
            return []
        listed = {f["name"]: f for f in model.get("features", []) if isinstance(f, dict)}
        card = model.get("cards", {}).get(model.get("chosen") or "")
        used = list(dict.fromkeys(line["feature"] for line in card["lines"])) if card and card["lines"] else ["harm_share"]
        return [
            {
                "key": key,
                "name": _sentence(key.replace("_", " ").replace("6m", "6 months").replace("12m", "12 months").replace("24m", "24 months")),
                "says": listed[key]["says"] if key in listed else "",
                "unit": listed[key]["unit"] if key in listed else "",
            }
            for key in used
        ]

    def _people(self, tool: PeopleTool) -> Iterator[Fact]:
        name, newest = tool.name, self.newest(tool.name)
        if newest is None:
            return
        on, known, source = newest.row["as_of"] or newest.row["origin"], newest.row["known_on"], f"{newest.source}/{name}_about.json"
        about, model = json.loads(newest.now.read(f"{name}_about.json")), self._model(name)
        index, weights = about.get("weights", {}).get("index", {}), about.get("weights", {})
        figures = about.get("figures", {})
        months = tuple(str(m) for m in (model.get("months", tool.horizons_months) if model else tool.horizons_months))
        simple: dict[str, tuple[Value | None, str]] = {
            "harm_unit": (about.get("harm_unit"), ""),
            "harm_index": (", ".join(filter(None, (index.get("source"), f"edition {index['edition']}" if index.get("edition") else ""))) or None, ""),
            "coarse_share": (weights.get("filled_or_coarse_share"), "share"),
            "decay": ((about.get("decay") or {}).get("name"), ""),
            "cuts_date": (date.fromisoformat(about["cuts_reference_date"]) if about.get("cuts_reference_date") else None, ""),
            "horizons": (months, "months"),
            "look_back": ((about.get("history") or {}).get("look_back_months"), "months"),
            "scored": (nearest(about["scored"]) if "scored" in about else None, "people"),
            "without_chance": (nearest(sum(figures.get("no_chance", {}).values())) if figures.get("no_chance") else None, "people"),
            "left_out": (tuple({"reason": LEFT_OUT.get(k, k), "people": nearest(n)} for k, n in about.get("left_out", {}).items()), ""),
        }
        if cuts := about.get("cuts"):
            bands = tuple({"band": band, "from": start} for band, start in zip(tables.BANDS, [0.0, *cuts], strict=True))
            simple["cuts"] = (bands, "")
        if model is not None:
            simple |= {
                "model": (f"{_sentence(words.model_name(model['chosen']))}, approved as {newest.row['model']}", ""),
                "is_plain": (model["chosen"] == "plain_harm", ""),
                "why_model": (model.get("because"), ""),
                "variables": (tuple({k: v[k] for k in ("name", "says", "unit")} for v in self._variables_of_people(name)), ""),
            }
        for key, (value, unit) in simple.items():
            if value is not None:
                yield self.fact(f"{name}.{key}", value, source, unit, on, known)


MEASURES = {"selection": "Picked out", "fnr": "Missed, of those who became high harm", "ppv": "Rightly picked out", "base_rate": "Became high harm"}


def _variables_of_places(model: PlacesModel) -> Iterator[dict[str, str]]:
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


def _at(values: Mapping[str, Any], key: str) -> Any:
    for part in key.split("."):
        values = (values or {}).get(part)  # type: ignore[assignment]
    return values


def _sentence(text: str) -> str:
    return text[:1].upper() + text[1:]


def answer_day(state: State, as_of: date, known_on: date | None, today: date) -> date:
    """The day of knowing: as asked; else the day itself, or today where the log had not begun by then."""
    if known_on is not None:
        return known_on
    begun = then.begun(state.operations, state.settings.force.timezone)
    return as_of if begun is None or begun <= as_of else max(today, as_of)
