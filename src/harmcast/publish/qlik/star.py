"""The tables of the three apps: which fields each has, of which kind, and what each says.

Keys end in `_key`, and `tool` is one; any other field stands in one table of its app, so that Qlik links tables by keys alone.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from functools import partial
from typing import Literal

import polars as pl

from harmcast.documents.plain import PlainRecord
from harmcast.errors import NotFit

StarRow = PlainRecord  # a row by field of a table
Kind = Literal["text", "whole", "number", "date"]
TYPES: dict[Kind, type[pl.DataType]] = {"text": pl.String, "whole": pl.Int64, "number": pl.Float64, "date": pl.Date}


@dataclass(frozen=True)
class FieldSpec:
    """A field of a table for Qlik.

    Attributes:
        order: a text that Qlik sorts by this number field of the same table, loaded as one dual value; empty: none.
    """

    kind: Kind
    name: str
    says: str
    order: str = ""

    @property
    def is_key(self) -> bool:
        """Whether it links tables."""
        return self.name.endswith("_key") or self.name == "tool"


@dataclass(frozen=True)
class StarTable:
    """A table of an app: what a row is, its fields, and its keys that may be null in some rows."""

    says: str
    fields: tuple[FieldSpec, ...]
    open_keys: frozenset[str] = frozenset()

    @property
    def schema(self) -> dict[str, type[pl.DataType]]:
        return {field.name: TYPES[field.kind] for field in self.fields}


_text, _whole, _number, _day = (partial(FieldSpec, kind) for kind in TYPES)

TOOL = _text("tool", "Short name of the tool.")
DIM_TOOL = StarTable("A row a tool.", (TOOL, _text("tool_title", "Its name as people see it.")))
DIM_RELEASE = StarTable(
    "A row a week of a tool: published, held or withdrawn. Only published ones have facts.",
    (
        _text("release_key", "Tool and week."),
        _text("release_tool", "Tool of the release."),
        _text("week", "ISO week of the release."),
        _day("origin", "First day forecast: the week's Monday."),
        _day("window_last_day", "Last day of the window."),
        _text("standing", "published, held or withdrawn."),
        _whole("is_newest", "1: the newest published of its tool."),
        _text("model", "What made the numbers."),
        _text("release_says", "What is shown and what is held, in words; of the newest published release of each tool."),
    ),
)
_BASELINES = {
    "4w": "the last 4 weeks",
    "last_year": "the same 4 weeks last year",
    "52w": "52 weeks, a 4-week mean",
    "24m": "24 months, a 4-week mean",
}

AREAS: Mapping[str, StarTable] = {
    "facts": StarTable(
        "A row a cell, an area or the force of a published release (grain cell, area, force), and a row a cell and week recorded (grain recorded).",
        (
            _text("grain", "What a row is: cell, area, force, recorded. Measures name one; rows of two are never added."),
            TOOL,
            _text("release_key", "Tool and week."),
            _text("cell_key", "Tool and cell; null in rows of areas and of the force."),
            _text("area_key", "Area of most of the cell, `none named` where there is none; null in rows of the force."),
            _number("expected", "Expected number of offences in the window."),
            _whole("lower", "Lower end of the printed range, of this row alone: ends of ranges are never added."),
            _whole("upper", "Upper end of the printed range, of this row alone."),
            _text("range_text", "The printed range, as the pages say it."),
            _number("chance_any", "Chance of at least one offence."),
            _number("chance_top20", "Chance to be among the 20 cells with most offences in the window."),
            _number("chance_top20_year", "The same for the coming 52 weeks; null where too few past years can be judged."),
            _whole("list_group", "Cells of one group cannot be told apart; 1 is the highest."),
            _text("place", "Where the cell lies by the force's map. Never where offences happened."),
            *(_number(f"baseline_{name}", f"Count in {words}; null where nothing is held.") for name, words in _BASELINES.items()),
            *(
                _whole(f"baseline_weeks_seen_{name}", f"Weeks with records that the count of {words} rests on.")
                for name, words in _BASELINES.items()
            ),
            _whole("came", "Offences that came in the window; null until its four weeks are held."),
            _day("recorded_week", "Monday of a week recorded, in rows of grain recorded."),
            _whole("recorded", "Offences recorded in that week and cell."),
        ),
        frozenset({"cell_key", "area_key"}),
    ),
    "dim_cell": StarTable(
        "A row a cell of a tool.",
        (
            _text("cell_key", "Tool and cell."),
            _text("cell", "Cell of the grid (its lower left corner) or key of the unit layer."),
            _text("cell_polygon", "Its outline: GeoJSON coordinates, longitude first (WGS84)."),
            _text("cell_link", "Address of its page in harmcast; null where the settings name no address."),
        ),
    ),
    "dim_area": StarTable("A row a policing area.", (_text("area_key", "Key of the area."), _text("area", "Its name; `none named` for cells in none."))),
    "dim_tool": DIM_TOOL,
    "dim_release": DIM_RELEASE,
}

PEOPLE: Mapping[str, StarTable] = {
    "facts": StarTable(
        "A row a person on their unit's list and published release (grain score), and a row a decision about one of them (grain decision).",
        (
            _text("grain", "What a row is: score or decision."),
            _text("release_key", "Tool and week; of a decision the newest."),
            _text("person_key", "Random key of the person; means nothing outside the state."),
            _number("harm", "Decayed sum of harm weights; null: harm incomplete."),
            _text("harm_unit", "Unit of the harm index."),
            _text("band", "Band of harm, or `harm incomplete`.", order="band_order"),
            _whole("band_order", "0 harm incomplete, 1 low to 5 super high."),
            _text("band_last_week", "Band in the release before; null: not scored then."),
            _number("chance_high_harm_12m", "Chance of reaching high harm at a charge within 12 months; null for the reason in no_chance."),
            _text("chance_band", "Band of that chance, or `no chance given`.", order="chance_band_order"),
            _whole("chance_band_order", "1 the highest; 9 no chance given."),
            _text("no_chance", "Why there is no chance; null where there is one."),
            _whole("incomplete", "1: harm could not be worked out whole."),
            _text("list_part", "Part of the unit's list the person stands in now, in every row of theirs.", order="list_part_order"),
            _whole("list_part_order", "Order of the parts."),
            _whole("list_place", "Place in the unit's list. Inside a part by chance it is no order of chance."),
            _day("decided_on", "Day of a decision."),
            _text("decision", "What was decided."),
            _text("reason_code", "Why, by code."),
            _text("own_judgement", "The officer's own judgement: higher, same, lower."),
            _day("review_on", "Day of the next review."),
        ),
    ),
    "dim_person": StarTable(
        "A row a person, under today's unit alone.",
        (
            _text("person_key", "Random key of the person."),
            _text("UNIT", "Unit in capitals: what section access parts people by."),
            _text("person_link", "Address of the person's page in harmcast, which asks why and logs the look."),
        ),
    ),
    "dim_release": DIM_RELEASE,
    "about": StarTable(
        "One row, linked to nothing, so that no unit's reduction takes it away.",
        (_text("about_newest", "The newest published week."), _text("about_says", "What is shown and what is held, in words.")),
    ),
}

CHECKS: Mapping[str, StarTable] = {
    "scores": StarTable(
        "What was forecast against what came: a row a release and method, a pooled row a method, a row an area.",
        (
            TOOL,
            _text("score_grain", "What a row is: release, pooled or area. Measures name one."),
            _day("score_origin", "First day of the period; null in pooled rows and rows of areas."),
            _text("score_name", "The method: this tool, the plain count, the best possible; or the area's name."),
            _number("score_hits", "Offences in the 20 places the method put highest; places that tie for the last share it, hence tenths."),
            _whole("score_crimes", "Offences that came."),
            _number("score_expected", "Expected number of offences, in rows of areas."),
            _text("score_range", "The range that the release printed for the force."),
            _text("score_held", "Whether it held what came: held, more came, fewer came."),
            _text("score_verdict", "The verdict on the tool, in its pooled row."),
            _text("score_says", "The verdict in sentences."),
            _whole("score_inside", "Windows in which the area's count lay inside its printed range."),
            _whole("score_windows", "Windows the row rests on."),
        ),
    ),
    "audit": StarTable(
        "Who bears it: a row a tool and measure of a group, as the audit page prints it. Counts stay on that page.",
        (
            TOOL,
            _text("audit_week", "Release the audit is of."),
            _text("audit_verdict", "Verdict on the tool."),
            _text("audit_scope", "Whom the measure is about."),
            _text("audit_attribute", "What the groups are of."),
            _text("audit_group", "The group."),
            _text("audit_measure", "The measure, in words."),
            _number("audit_value", "The share, to a tenth in 100; null where hidden."),
            _number("audit_low", "Lower end of its 95% range."),
            _number("audit_high", "Upper end of its 95% range."),
            _number("audit_ratio", "Ratio to what it is held against; null where it is held against nothing."),
            _number("audit_ratio_low", "Lower end of the ratio's 95% range."),
            _number("audit_ratio_high", "Upper end of the ratio's 95% range."),
            _text("audit_row_verdict", "met, concern, stop, too few to say, or printed."),
            _text("audit_text", "The figure as printed; `[c]` where it is hidden."),
        ),
    ),
    "deliveries": StarTable(
        "A row a table of a delivery: how its rows add up.",
        (
            _text("delivery_key", "Number of the delivery here."),
            _text("delivery", "The force's name of the delivery; null where it was refused unread."),
            _text("delivery_day", "Day it was loaded or refused."),
            _text("delivery_standing", "What became of it."),
            _text("delivery_table", "Table of the delivery; null where it was refused unread."),
            *(
                _whole(f"rows_{name}", words)
                for name, words in {
                    "received": "Rows received.",
                    "loaded": "Rows loaded.",
                    "unchanged": "Rows held already.",
                    "superseded": "Rows older than what is held.",
                    "quarantined": "Rows set aside.",
                    "left_out": "Rows of people without a charge.",
                }.items()
            ),
        ),
    ),
    "rules": StarTable(
        "A row a rule that set rows of a delivery aside.",
        (
            _text("delivery_key", "Number of the delivery here."),
            _text("rule", "Name of the rule, as in the runbook."),
            _text("rule_column", "Column it looks at; null: the whole row."),
            _whole("rule_rows", "Rows set aside by it."),
        ),
    ),
    "dim_tool": DIM_TOOL,
    "about_checks": StarTable("One row, linked to nothing.", (_text("about_says", "What the app shows and what is held, in words."),)),
}

APPS: Mapping[str, Mapping[str, StarTable]] = {"areas": AREAS, "people": PEOPLE, "checks": CHECKS}


def frame(app: str, name: str, rows: pl.DataFrame) -> pl.DataFrame:
    """A table as the app has it: its fields alone, in their order and types; what `rows` lacks is null."""
    schema = APPS[app][name].schema
    return rows.select(
        (pl.col(field) if field in rows.columns else pl.lit(None)).cast(kind).alias(field) for field, kind in schema.items()
    )


def of_rows(app: str, name: str, rows: Sequence[StarRow]) -> pl.DataFrame:
    """Rows by field as the table says; what a row lacks is null. Raises ValueError for a field the table does not have."""
    schema = APPS[app][name].schema
    if unknown := {field for row in rows for field in row} - set(schema):
        raise ValueError(f"{app}.{name} has no field {', '.join(sorted(unknown))}")
    return pl.DataFrame(rows, schema=schema)


def require_whole(app: str, tables: Mapping[str, pl.DataFrame]) -> None:
    """Refuses tables that Qlik would read as something else. Raises NotFit (`qlik_tables_unfit`) with the first fault, without a value."""
    for name, spec in APPS[app].items():
        table = tables[name]
        for field in spec.fields:
            if field.is_key and field.name not in spec.open_keys and table[field.name].null_count():
                raise unfit(app, name, field.name, "a key is null", table[field.name].null_count())
        keys = [field.name for field in spec.fields if field.is_key]
        if name.startswith("dim_") and (twice := table.height - table[keys[0]].n_unique()):
            raise unfit(app, name, keys[0], "a key stands twice", twice)
    for name, key in ((name, field.name) for name, spec in APPS[app].items() for field in spec.fields if field.is_key):
        for other in (dim for dim in tables if dim.startswith("dim_") and dim != name and key in tables[dim].columns):
            missing = tables[name].select(pl.col(key).drop_nulls().unique()).join(tables[other].select(key), on=key, how="anti")
            if missing.height and name == "facts":
                raise unfit(app, name, key, f"a key has no row in {other}", missing.height)
    if app == "areas" and (bad := tables["dim_cell"].filter(~pl.col("cell_polygon").fill_null("").str.starts_with("[")).height):
        raise unfit(app, "dim_cell", "cell_polygon", "a cell has no outline", bad)
    if app == "people":
        units = tables["dim_person"].select(pl.col("UNIT").unique())
        if units.filter(pl.col("UNIT").is_null() | (pl.col("UNIT") != pl.col("UNIT").str.to_uppercase())).height:
            raise unfit(app, "dim_person", "UNIT", "a unit is not in capitals", units.height)


def unfit(app: str, table: str, field: str, what: str, rows: int) -> NotFit:
    return NotFit(
        f"The app {app} for Qlik is not written: {what} ({table}.{field}, {rows:,} row(s)). The version before stays.",
        code="qlik_tables_unfit",
        next_step="Look at the map and area files and the units of the settings; then `harmcast qlik write STATE`.",
    )
