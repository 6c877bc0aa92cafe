"""What the web pages say, figure by figure, under a selection in Qlik: read by the functions that the pages read by."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from datetime import date, timedelta
from typing import Any

import polars as pl

from harmcast import words
from harmcast.documents.verdict import PlacesVerdict
from harmcast.oversight.access import Action, Ask, Role
from harmcast.publish import group_impact, released, roster
from harmcast.settings import PlacesTool
from harmcast.store import desk
from harmcast.store.reads import data_quality
from harmcast.store.releases import Release
from harmcast.store.state import State
from harmcast.web import areas, old_data
from harmcast.web.pages import area as area_page
from harmcast.web.pages import quality as quality_page
from harmcast.web.pages import track_record as track_page
from harmcast.words.tools import tool_title

Chosen = Mapping[str, Sequence[Any]]
Key = tuple[Any, ...]
NONE_NAMED = "none named"
DECIDED = ("decision", "decided_on", "reason_code", "own_judgement", "review_on")
ADDED = ("area_expected", "area_recorded", "area_caught", "audit_rows")
OLD = "These figures are over 8 days old. Ask the data team why no newer release is out before acting on them."
COUNTS = {"expected", "baseline_4w", "baseline_last_year", "baseline_52w", "baseline_24m", "came"}


def only(values: Sequence[Any]) -> Any:
    """The value, where all that are known are one."""
    known = {value for value in values if value is not None}
    return known.pop() if len(known) == 1 else None


def total(values: Sequence[Any]) -> Any:
    """Their sum, where each is known."""
    return None if not values or any(value is None for value in values) else sum(values)


def says(history: Sequence[Release]) -> str:
    """What stands over the figures of a tool whose every week is published."""
    return f"Shown: {history[-1].week}, first day {words.day(history[-1].origin)}."


class AreasPages:
    """My area of each tool and week."""

    def __init__(self, state: State, tool: PlacesTool, today: date) -> None:
        self.state, self.tool, self.today = state, tool, today
        self.history = released.history(state, tool.name)
        self.newest = self.history[-1]
        self.past = released.outcomes(self.newest, self.history, tool.name, tool.horizon_weeks)
        self.weeks = released.frame(self.newest, f"{tool.name}_weeks")
        self._rows: dict[str, list[dict[str, Any]]] = {}

    def release(self, chosen: Chosen) -> Release | None:
        weeks = chosen.get("week", ())
        if len(weeks) != 1:
            return self.newest
        return next((r for r in self.history if r.week == weeks[0]), None)

    def rows(self, release: Release) -> list[dict[str, Any]]:
        """The table of cells of a release, with what came of it."""
        if release.name not in self._rows:
            came = {cell: {o.origin: o.recorded for o in past}.get(release.origin) for cell, past in self.past.items()}
            frame = released.frame(release, self.tool.name)
            seen = {r["cell"]: r for r in frame.iter_rows(named=True)}
            found = []
            for row in areas.rows(frame, {}):
                one = {name: getattr(row, name) for name in ("cell", "place", "expected", "lower", "upper", "chance_any", "chance_top20", "chance_top20_year", *COUNTS - {"expected", "came"})}
                others = {f"baseline_weeks_seen_{n}": seen[row.cell].get(f"baseline_weeks_seen_{n}") for n in ("4w", "last_year", "24m")}
                others["baseline_weeks_seen_52w"] = row.weeks_seen
                range_ = words.span(row.lower, row.upper)
                found.append({**one, **others, "area": row.area or NONE_NAMED, "list_group": row.group, "range": range_, "came": came.get(row.cell)})
            self._rows[release.name] = found
        return self._rows[release.name]

    def cells(self, chosen: Chosen) -> list[dict[str, Any]]:
        release = self.release(chosen)
        rows = [] if release is None else self.rows(release)
        return [r for r in rows if r["area"] in chosen.get("area", [r["area"]]) and r["cell"] in chosen.get("cell", [r["cell"]])]

    def printed(self, chosen: Chosen) -> list[dict[str, Any]]:
        """The printed rows of areas, the force's among them."""
        release = self.release(chosen)
        if release is None:
            return []
        found = []
        for row in area_page.area_rows(release, self.tool.name):
            inside = [r["came"] for r in self.rows(release) if row["area"] in (None, r["area"])]
            found.append({**row, "range": words.span(row["lower"], row["upper"]), "came": total(inside) if inside else None})
        return found

    def figure(self, name: str, chosen: Chosen) -> Any:
        if name == "recorded":
            return self.recorded(chosen)["recorded"].sum()
        if name == "week":
            release = self.release(chosen)
            return release.week if release else None
        if name == "says":
            return says(self.history)
        if name == "stale":
            shown = self.newest
            data_to = min(shown.as_of or shown.origin, shown.origin - timedelta(days=1))
            is_old = old_data.first_cause("", shown.name, data_to, self.today, None, None, None) is not None
            return OLD if is_old else None
        return self.by(name, (), chosen).get(())

    def by(self, name: str, dims: Sequence[str], chosen: Chosen) -> dict[Key, Any]:
        grain, _, field = name.partition("_")
        if name == "recorded":
            rows = self.recorded(chosen).group_by(recorded_week="week").agg(pl.col("recorded").sum()).to_dicts()
            return _parted(rows, dims, "recorded", total)
        rows = self.cells(chosen) if grain == "cell" else [r for r in self.printed(chosen) if (r["area"] is None) == (grain == "force")]
        if grain == "area":
            rows = [r for r in rows if r["area"] in chosen.get("area", [r["area"]])]
        return _parted(rows, dims, field, total if field in COUNTS else only)

    def recorded(self, chosen: Chosen) -> pl.DataFrame:
        of = released.frame(self.newest, self.tool.name).select("cell", pl.col("area").fill_null(NONE_NAMED))
        rows = self.weeks.join(of, on="cell")
        for field, column in (("area", "area"), ("cell", "cell")):
            if field in chosen:
                rows = rows.filter(pl.col(column).is_in(list(chosen[field])))
        if "recorded_week" in chosen:
            rows = rows.filter(pl.col("week").cast(pl.String).is_in([str(day) for day in chosen["recorded_week"]]))
        return rows


class PeoplePages:
    """My people of every unit, as an offender manager of each sees the list."""

    def __init__(self, state: State, today: date) -> None:
        tool = state.settings.people_tool
        assert tool is not None
        self.state, self.tool = state, tool
        self.history = released.history(state, tool.name)
        ask = Ask(
            role=Role.OFFENDER_MANAGER, action=Action.LIST_PEOPLE, about_tool=True, tool_status="in use", tool_shown=True, trained=True,
            about_person=False, own_unit=True, restricted=False, on_list=False, purpose=None, ask_purpose=True,
        )  # fmt: skip
        self.list: dict[str, dict[str, Any]] = {}
        for unit in sorted(state.records.persons()["unit"].drop_nulls().unique().to_list()):
            people = roster.roster(state, self.history, tool.name, unit, False, today, ask)
            rows = roster.listed(state, people, state.settings, today, False)
            for place, row in enumerate(rows.iter_rows(named=True), start=1):
                if not row["closed"]:
                    self.list[row["person_key"]] = {**row, "UNIT": unit.upper(), "list_part": roster.PARTS[row["part"]], "list_place": place}
        self.scores = {
            r.week: {row["person_key"]: row for row in released.frame(r, tool.name).iter_rows(named=True) if row["person_key"] in self.list} for r in self.history
        }
        zone = state.settings.force.timezone
        self.decided: dict[str, dict[str, Any]] = {}
        for key in self.list.keys() & set(desk.latest(state.operations)["person_key"].to_list()):
            newest = desk.of_person(state.operations, key)[0]
            self.decided[key] = {**vars(newest), "person_key": key, "UNIT": self.list[key]["UNIT"], "decided_on": released.local(newest.at, zone).date()}

    def week(self, chosen: Chosen) -> str:
        weeks = chosen.get("week", ())
        return str(weeks[0]) if len(weeks) == 1 else self.history[-1].week

    def rows(self, chosen: Chosen) -> list[dict[str, Any]]:
        found = []
        for key, score in self.scores.get(self.week(chosen), {}).items():
            held, chance = self.list[key], score["chance_high_harm_12m"]
            row = {
                **{name: score.get(name) for name in ("harm", "harm_unit", "band_last_week", "chance_high_harm_12m", "no_chance", "incomplete")},
                "person_key": key,
                "UNIT": held["UNIT"],
                "band": score["band"] or "harm incomplete",
                "chance_band": "no chance given" if chance is None else next(says for least, says in roster.CHANCE_BANDS if chance >= least),
                "list_part": held["list_part"],
                "list_place": held["list_place"],
                "link": f"https://harmcast.force.example/people/{key}",
            }
            if all(row[field] in chosen[field] for field in ("UNIT", "band", "chance_band", "list_part", "person_key") if field in chosen):
                found.append(row)
        return found

    def figure(self, name: str, chosen: Chosen) -> Any:
        if name == "about_says":
            return says(self.history)
        return self.week(chosen) if name == "people_week" else self.by(name, (), chosen).get((), 0)

    def by(self, name: str, dims: Sequence[str], chosen: Chosen) -> dict[Key, Any]:
        field = name.removeprefix("person_")
        if field in DECIDED:
            rows = [row for row in self.decided.values() if _is_in(row, ("UNIT", "person_key"), chosen)]
        elif field == name:
            rows = [{**row, name: counted(name, row)} for row in self.rows(chosen)]
        else:
            rows = self.rows(chosen)
        return _parted(rows, dims, field, total if field == name else only)


def counted(name: str, row: Mapping[str, Any]) -> int:
    """Whether a person of the list is one of those whom a measure counts."""
    has_chance = row["chance_high_harm_12m"] is not None
    return int({"people": True, "people_with_chance": has_chance, "people_without_chance": not has_chance, "people_incomplete": bool(row["incomplete"])}[name])


class ChecksPages:
    """Were we right? Who bears it? Data quality."""

    def __init__(self, state: State) -> None:
        self.state = state
        self.says = " ".join(f"{tool_title(tool)}: {says(released.history(state, tool.name))}" for tool in state.settings.tools)
        self.scores: list[dict[str, Any]] = []
        self.audit: list[dict[str, Any]] = []
        for tool in state.settings.tools:
            history = released.history(state, tool.name)
            if isinstance(tool, PlacesTool) and history:
                self.scores += self._track(tool, history)
            audited = [r for r in history if f"{tool.name}_audit.json" in released.manifest(r)["files"]]
            if audited:
                self.audit += self._audited(tool_title(tool), audited[-1], tool.name)
        self.deliveries = [
            {"number": str(held.id), "day": released.local(held.loaded_at, state.settings.force.timezone).date().isoformat(), "standing": held.standing, "file": file}
            for held in data_quality.deliveries(state.operations, quality_page.SHOWN)
            for file in data_quality.files(state.operations, held.id)
        ]
        self.rules = [(str(h.id), rule) for h in data_quality.deliveries(state.operations, quality_page.SHOWN) for rule in data_quality.set_aside(state.operations, h.id)]

    def _track(self, tool: PlacesTool, history: list[Release]) -> list[dict[str, Any]]:
        judged = released.verdict_on(self.state, tool, history)
        assert isinstance(judged, PlacesVerdict)
        title, page = tool_title(tool), track_page._record(tool, history, judged)
        found: list[dict[str, Any]] = []
        names = {"This tool": "ours", "The plain 24-month count": "plain", "Best possible": "best"}
        for row in judged.periods:
            for says, name in names.items():
                hits = getattr(row, name)
                share = hits / row.offences if hits is not None and row.offences else None
                ours = {}
                if name == "ours" and row.in_range is not None:
                    held = "held" if row.in_range else "more came" if row.offences > (row.high or 0) else "fewer came"
                    ours = {"release_range": words.span(row.low, row.high), "release_held": held}
                if hits is not None:
                    where = {"grain": "release", "tool_title": title, "score_name": says, "score_origin": row.origin}
                    found.append({**where, "release_hits": hits, "release_crimes": row.offences, "release_share": share, **ours})
        for says, name in names.items() if judged.compared else ():
            where = {"grain": "pooled", "tool_title": title, "score_name": says}
            said = {"pooled_verdict": judged.headline, "pooled_says": judged.says} if name == "ours" else {}
            counted = {"pooled_hits": judged.total(name), "pooled_crimes": judged.total("offences"), "pooled_windows": len(judged.compared)}  # type: ignore[arg-type]
            found.append({**where, **counted, **said})
        for row in page["areas"]:
            found.append(
                {"grain": "area", "tool_title": title, "score_name": row.area, "area_expected": row.expected, "area_recorded": row.recorded, "area_caught": row.caught,
                 "area_inside": row.inside, "area_windows": len(row.windows)}
            )  # fmt: skip
        return found

    def _audited(self, title: str, release: Release, tool: str) -> list[dict[str, Any]]:
        document = released.document(release, f"{tool}_audit")
        reading = group_impact.Reading(document)
        head = {"tool_title": title, "audit_verdict": document["verdict"], "audit_week": release.week}
        found = []
        for attribute in reading.attributes if reading.is_people else []:
            for scope, parts in reading.parts(attribute):
                for part in parts:
                    for row in part.rows:
                        printed = "[c]" if row["value"] is None else f"{100 * row['value']:.1f}%"
                        names = {"audit_scope": scope, "audit_attribute": group_impact.title_of(attribute), "audit_group": str(row["group"]), "audit_measure": part.title}
                        ends = {f"audit_{name}": in_print(row[name], 3) for name in ("value", "low", "high")}
                        is_shown = row["ratio"] is not None and not (row["is_reference"] and row["against"] == "reference")
                        ends |= {f"audit_{name}": in_print(row[name], 2) if is_shown else None for name in ("ratio", "ratio_low", "ratio_high")}
                        found.append({**head, **names, **ends, "audit_text": printed, "audit_row_verdict": row["verdict"] or "too few to say"})
        if not reading.is_people:
            for table in reading.tables():
                for line in table["rows"]:
                    if "fifth" in line["row"]:
                        names = {"audit_scope": "Residents by deprivation", "audit_attribute": group_impact.COLUMNS["fifth"], "audit_group": str(line["row"]["fifth"]), "audit_measure": group_impact.COLUMNS["ratio"]}
                        ratio = line["row"]["ratio"]
                        ends = {f"audit_{end}": in_print(line["row"][name], 2) for end, name in (("value", "ratio"), ("low", "ratio_low"), ("high", "ratio_high"))}
                        found.append({**head, **names, **ends, "audit_text": "[c]" if ratio is None else f"{ratio:.2f}", "audit_row_verdict": line["row"]["verdict"]})
        return found

    def by(self, name: str, dims: Sequence[str], chosen: Chosen) -> dict[Key, Any]:
        kind = name.partition("_")[0]
        if kind in ("rows", "delivery"):
            return self._delivered(name, dims, chosen)
        if kind == "rule":
            return self._ruled(dims, chosen)
        fields = {"release": ("tool_title", "score_name", "score_origin"), "audit": ("tool_title", "audit_scope", "audit_attribute", "audit_group", "audit_measure")}
        rows = self.audit if kind == "audit" else [r for r in self.scores if r["grain"] == kind]
        rows = [r for r in rows if _is_in(r, fields.get(kind, ("tool_title", "score_name")), chosen)]
        if name == "release_share":  # of one release of one tool
            shares = {key: only(values) for key, values in _grouped(rows, dims, lambda r: (r["tool_title"], r["release_share"])).items()}
            return {key: one[1] for key, one in shares.items() if one is not None and one[1] is not None}
        if name == "audit_rows":
            rows = [{**r, "audit_rows": 1} for r in rows]
        return _parted(rows, dims, name, total if name in ADDED else only)

    def _delivered(self, name: str, dims: Sequence[str], chosen: Chosen) -> dict[Key, Any]:
        rows = [
            {"delivery_key": d["number"], "delivery_day": d["day"], "delivery_table": d["file"].table_name, "delivery_standing": d["standing"],
             **{f"rows_{part}": getattr(d["file"], part) for part in ("received", *data_quality.PARTS)}}
            for d in self.deliveries
        ]  # fmt: skip
        rows = [r for r in rows if _is_in(r, ("delivery_key", "delivery_day", "delivery_table"), chosen)]
        return _parted(rows, dims, name, only if name == "delivery_standing" else total)

    def _ruled(self, dims: Sequence[str], chosen: Chosen) -> dict[Key, Any]:
        rows = [{"delivery_key": number, "rule": rule.rule, "rule_column": rule.column, "rule_rows": rule.count} for number, rule in self.rules]
        kept = {d["number"] for d in self.deliveries if d["day"] in chosen.get("delivery_day", [d["day"]])}
        return _parted([r for r in rows if r["delivery_key"] in kept and _is_in(r, ("delivery_key", "rule", "rule_column"), chosen)], dims, "rule_rows", total)


def in_print(value: float | None, decimals: int) -> float | None:
    """A figure as a page prints it: a share to a tenth in 100, a ratio to two places."""
    return None if value is None else float(f"{value:.{decimals}f}")


def _is_in(row: Mapping[str, Any], fields: Sequence[str], chosen: Chosen) -> bool:
    return all(str(row.get(field)) in [str(value) for value in chosen[field]] for field in fields if field in chosen)


def _grouped(rows: Sequence[Mapping[str, Any]], dims: Sequence[str], what: Callable[[Mapping[str, Any]], Any]) -> dict[Key, list[Any]]:
    groups: dict[Key, list[Any]] = {}
    for row in rows:
        key = tuple(row.get(dim) for dim in dims)
        if None not in key:
            groups.setdefault(key, []).append(what(row))
    return groups


def _parted(rows: Sequence[Mapping[str, Any]], dims: Sequence[str], name: str, how: Callable[[Sequence[Any]], Any]) -> dict[Key, Any]:
    worked = {key: how(values) for key, values in _grouped(rows, dims, lambda row: row.get(name)).items()}
    return {key: value for key, value in worked.items() if value is not None}
