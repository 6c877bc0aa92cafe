"""The folder `qlik/` that releases held before 0.2, written so that those weeks can still be made again byte for byte.

A star of facts and dimensions as Parquet and QVD, a load script, a dictionary, a note. New releases hold none. Views inside Qlik are not in our log. So files about people are left out unless the setting and the register say who
controls and logs access there; then there is one set a unit, by random key only, without reasons, names or the
force's references.
"""

from __future__ import annotations

import hashlib
import io
import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import timedelta

import polars as pl

from harmcast.publish.qlik.qvd import qvd
from harmcast.publish.release_files import NOTICE, document, parquet

FOLDER = "qlik"
NO_UNIT = "supervisors only"


@dataclass(frozen=True)
class Star:
    """One table of the star: what it says, and what each column says (name -> sentence)."""

    says: str
    columns: Mapping[str, str]
    about_people: bool = False


_KEYS = {
    "release": "Release the row belongs to.",
    "week": "ISO week of the release.",
    "tool": "Short name of the tool.",
}
STAR: dict[str, Star] = {
    "fact_forecast": Star(
        "A row a cell and week: what was forecast for the window.",
        {
            **_KEYS,
            "cell_key": "Tool and cell.",
            "expected": "Expected number of offences in the window.",
            "lower": "Lower end of the printed range, offences.",
            "upper": "Upper end of the printed range, offences.",
            "range_level": "Share of such ranges that should hold what comes, at least.",
            "chance_any": "Chance of at least one offence.",
            "chance_top20": "Chance to be among the 20 cells with most offences in the window; ties share the places.",
            "chance_top20_year": "The same for the coming 52 weeks; null where too few past years can be judged.",
            "list_group": "Cells of one group cannot be told apart; 1 is the highest.",
            "model": "What made the numbers.",
            "baseline_4w": "Count in the last 4 weeks.",
            "baseline_last_year": "Count in the same 4 weeks last year; null before that is held.",
            "baseline_52w": "Mean 4-week count over 52 weeks.",
            "baseline_24m": "Mean 4-week count over 24 months.",
            "baseline_weeks_seen_52w": "Weeks with records among the last 52: what the mean rests on.",
        },
    ),
    "dim_cell": Star(
        "A row a cell of a tool.",
        {
            "cell_key": "Tool and cell.",
            "cell": "Cell of the grid (its lower left corner) or key of the unit layer.",
            "place": "Where the cell lies: settlement and roads, else its grid reference. Never where offences happened.",
            "area_key": "Area of most of the cell.",
            "easting_m": "Centre, m.",
            "northing_m": "Centre, m.",
        },
    ),
    "dim_area": Star("A row a policing area.", {"area_key": "Key of the area.", "area": "Its name; null: none named."}),
    "dim_tool": Star("A row a tool.", {"tool": "Short name of the tool.", "tool_kind": "places or people."}),
    "dim_week": Star(
        "A row a week of release.",
        {
            "week": "ISO week of the release.",
            "origin": "First day forecast: the week's Monday.",
            "window_last_day": "Last day of the four-week window.",
        },
    ),
    "dim_release": Star(
        "A row a release.", {"release": "Name of the release.", "notice": "What it must not be used for."}
    ),
    "fact_score": Star(
        "A row a person and week: the score as released.",
        {
            **_KEYS,
            "person_key": "Random key of the person; means nothing outside the state.",
            "harm": "Decayed sum of harm weights; null: harm incomplete.",
            "harm_unit": "Unit of the harm index.",
            "band": "Band of harm; null: harm incomplete.",
            "band_last_week": "Band in the release before; null: not scored then.",
            "chance_high_harm_12m": "Chance of reaching high harm at a charge within 12 months; null: high now or before.",
            "chance_high_harm_12m_low": "Lower end of its range.",
            "chance_high_harm_12m_high": "Upper end of its range.",
            "chance_high_harm_24m": "The same within 24 months.",
            "chance_high_harm_24m_low": "Lower end of its range.",
            "chance_high_harm_24m_high": "Upper end of its range.",
        },
        about_people=True,
    ),
    "dim_person": Star(
        "A row a person of one unit.",
        {"person_key": "Random key of the person.", "UNIT": "Unit in capitals: what section access parts people by."},
        about_people=True,
    ),
    "fact_decision": Star(
        "A row a decision recorded about a person, without its words.",
        {
            **_KEYS,
            "person_key": "Random key of the person.",
            "decided_on": "Day of the decision.",
            "decision": "What was decided.",
            "reason_code": "Why, by code.",
            "own_judgement": "The officer's own judgement: higher, same, lower.",
            "review_on": "Day of the next review.",
        },
        about_people=True,
    ),
}


def files_of(
    files: Mapping[str, bytes],
    week: str,
    *,
    people: bool = False,
    decisions: pl.DataFrame | None = None,
) -> dict[str, bytes]:
    """Qlik's files of one release, made from the release's own Parquet files.

    Args:
        files: name -> content of the release; places tools are those with `<tool>_areas.parquet`.
        people: whether files about people leave too; the caller has asked the setting and the register.
        decisions: person_key, unit, decided_on, decision, reason_code, own_judgement, review_on; only with `people`.
    """
    tables = _places_tables(files, week)
    found: dict[str, bytes] = {}
    for name, frame in tables.items():
        found |= _both(f"{FOLDER}/{name}", name, frame)
    units: list[str] = []
    if people:
        for unit, unit_tables in _people_tables(files, week, decisions).items():
            units.append(unit)
            for name, frame in unit_tables.items():
                found |= _both(f"{FOLDER}/people/{unit_folder(unit)}/{name}", name, frame)
    found[f"{FOLDER}/load.qvs"] = load_script(units).encode()
    found[f"{FOLDER}/dictionary.json"] = dictionary(people)
    found[f"{FOLDER}/README.txt"] = note(people).encode()
    return found


def unit_folder(unit: str) -> str:
    """A folder name for a unit that no other unit shares: letters and digits, with eight digits of its SHA-256."""
    plain = re.sub(r"[^a-z0-9]+", "-", unit.lower()).strip("-")[:40]
    return f"{plain or 'unit'}-{hashlib.sha256(unit.encode()).hexdigest()[:8]}"


def _both(path: str, name: str, frame: pl.DataFrame) -> dict[str, bytes]:
    return {f"{path}.parquet": parquet(frame), f"{path}.qvd": qvd(frame, name)}


def _frame(files: Mapping[str, bytes], name: str) -> pl.DataFrame:
    return pl.read_parquet(io.BytesIO(files[name]))


def _keyed(frame: pl.DataFrame, tool: str, week: str) -> pl.DataFrame:
    return frame.with_columns(release=pl.lit(week), week=pl.lit(week), tool=pl.lit(tool))


def _places_tables(files: Mapping[str, bytes], week: str) -> dict[str, pl.DataFrame]:
    tools = sorted(
        name.removesuffix("_areas.parquet") for name in files if name.endswith("_areas.parquet") and "/" not in name
    )
    facts, cells = [], []
    for tool in tools:
        frame = _frame(files, f"{tool}.parquet").sort("cell").with_columns(cell_key=pl.lit(f"{tool}|") + pl.col("cell"))
        facts.append(_keyed(frame, tool, week).select(*STAR["fact_forecast"].columns))
        cells.append(
            frame.select("cell_key", "cell", "place", pl.col("area").fill_null("").alias("area_key"), "easting_m", "northing_m")
        )
    people_tools = [name.removesuffix(".parquet") for name in sorted(_people_files(files))]
    origins = [_frame(files, f"{tool}.parquet").select("origin", "horizon_weeks").row(0) for tool in tools]
    weeks = [
        {"week": week, "origin": origin, "window_last_day": origin + timedelta(days=7 * int(horizon) - 1)}
        for origin, horizon in origins[:1]
    ] or [{"week": week, "origin": None, "window_last_day": None}]
    found = {
        "dim_tool": pl.DataFrame(
            [(t, "places") for t in tools] + [(t, "people") for t in people_tools],
            schema={"tool": pl.String, "tool_kind": pl.String},
            orient="row",
        ),
        "dim_week": pl.DataFrame(weeks, schema={"week": pl.String, "origin": pl.Date, "window_last_day": pl.Date}),
        "dim_release": pl.DataFrame({"release": [week], "notice": [NOTICE]}),
    }
    if tools:
        dim_cell = pl.concat(cells)
        areas = dim_cell.select("area_key").unique().sort("area_key")
        found |= {
            "fact_forecast": pl.concat(facts),
            "dim_cell": dim_cell,
            "dim_area": areas.with_columns(area=pl.when(pl.col("area_key") != "").then("area_key")),
        }
    return found


def _people_files(files: Mapping[str, bytes]) -> list[str]:
    whole = [name for name in files if name.endswith(".parquet") and "/" not in name]
    return [name for name in whole if {"person_key", "band", "harm_unit"} <= set(pl.read_parquet_schema(io.BytesIO(files[name])))]


def _people_tables(
    files: Mapping[str, bytes], week: str, decisions: pl.DataFrame | None
) -> dict[str, dict[str, pl.DataFrame]]:
    found: dict[str, dict[str, pl.DataFrame]] = {}
    for name in sorted(_people_files(files)):
        tool = name.removesuffix(".parquet")
        scored = _keyed(_frame(files, name), tool, week).with_columns(unit=pl.col("unit").fill_null(NO_UNIT))
        decided = None
        if decisions is not None:
            decided = _keyed(decisions, tool, week).with_columns(unit=pl.col("unit").fill_null(NO_UNIT))
        for (unit,), part in sorted(scored.group_by("unit"), key=lambda item: str(item[0])):
            part = part.sort("person_key")
            columns = [c for c in STAR["fact_score"].columns if c in part.columns]
            found[str(unit)] = {
                "fact_score": part.select(columns),
                "dim_person": part.select("person_key", pl.col("unit").str.to_uppercase().alias("UNIT")),
            }
            if decided is not None:
                own = decided.filter(pl.col("unit") == unit).sort("decided_on", "person_key")
                found[str(unit)]["fact_decision"] = own.select(*STAR["fact_decision"].columns)
    return found


def load_script(units: Sequence[str]) -> str:
    """The load script: one table of facts, so that no two tables share more than one field, and section access first."""
    names = [name for name, star in STAR.items() if not star.about_people]
    lines = [
        f"// {NOTICE}",
        "// One release. Set vFolder to the folder that holds these files, with a closing slash.",
        "SET vFolder = 'lib://harmcast/qlik/';",
        "",
    ]
    if units:
        lines += [
            "// People: who may see which unit. Keep section_access.csv outside the release, under the control of whoever the",
            "// register names: columns ACCESS, USERID, UNIT; every unit in capitals as in dim_person. Switch on strict exclusion.",
            "SECTION ACCESS;",
            "LOAD ACCESS, USERID, UNIT FROM [$(vFolder)section_access.csv] (txt, utf8, embedded labels, delimiter is ',');",
            "SECTION APPLICATION;",
            "",
        ]
    for name in names:
        if name.startswith("dim_"):
            lines += [f"{name}:", f"LOAD {', '.join(STAR[name].columns)} FROM [$(vFolder){name}.qvd] (qvd);", ""]
    lines += [
        "facts:",
        f"LOAD 'forecast' AS fact, {', '.join(STAR['fact_forecast'].columns)} FROM [$(vFolder)fact_forecast.qvd] (qvd);",
        "",
    ]
    for number, unit in enumerate(units):
        folder = f"$(vFolder)people/{unit_folder(unit)}/"
        joined = "dim_person:\n" if number == 0 else "CONCATENATE (dim_person)\n"
        lines += [
            f"// unit {number + 1} of {len(units)}",
            f"{joined}LOAD {', '.join(STAR['dim_person'].columns)} FROM [{folder}dim_person.qvd] (qvd);",
            f"CONCATENATE (facts)\nLOAD 'score' AS fact, * FROM [{folder}fact_score.qvd] (qvd);",
            f"IF FileSize('{folder}fact_decision.qvd') > 0 THEN",
            f"  CONCATENATE (facts)\n  LOAD 'decision' AS fact, * FROM [{folder}fact_decision.qvd] (qvd);",
            "END IF",
            "",
        ]
    return "\r\n".join("\n".join(lines).split("\n")) + "\r\n"


def dictionary(people: bool) -> bytes:
    """What every table and column of the star means; the tables about people only where they leave."""
    return document(
        {name: {"says": s.says, "columns": dict(s.columns)} for name, s in STAR.items() if people or not s.about_people}
    )


def note(people: bool) -> str:
    """What is in the folder, and what nobody has tried yet."""
    lines = [
        NOTICE,
        "",
        "One release as a star: facts and dimensions, each as Parquet and as QVD with the same rows; load.qvs loads them;",
        "dictionary.json says what each column means.",
        "",
        "Untried: these files have been read back by an independent reader of QVD, never by Qlik itself. Load them into a",
        "test application first and compare the row counts and the sums of `expected` with the CSV files of the release.",
        "Dates are text (YYYY-MM-DD); Date#(field, 'YYYY-MM-DD') makes them dates. A null is a missing value, never a zero.",
        "",
    ]
    if people:
        lines += [
            "People: one folder a unit, by random key. Views inside Qlik are not in this system's log: whoever the register",
            "names controls and logs access there. section_access.csv is theirs to keep and is not part of the release.",
        ]
    else:
        lines += [
            "No file about a person is here. They leave only with the setting web.qlik_people and an entry `qlik_control` in",
            "the register that names who controls and logs access in Qlik, because views there are not in this system's log.",
        ]
    return "\n".join(lines) + "\n"
