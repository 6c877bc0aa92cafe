"""Protected columns -> groups: with `people/minors.py` the only reader of `persons_protected`.

Only a reference and the label of a group leave this module, in memory. What is missing is a group of its own.
Whoever hands the columns in has already written the reading into the log.
"""

from __future__ import annotations

import itertools
import re
from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass, field, fields
from datetime import date
from typing import Any

import polars as pl

from harmcast.weeks import age_on

MISSING = "not recorded"
BROAD_ETHNICITY = {"W": "White", "M": "Mixed", "A": "Asian", "B": "Black", "O": "Other"}
OFFICER_CODES = {
    "IC1": "White",
    "IC2": "White",
    "IC3": "Black",
    "IC4": "Asian",
    "IC5": "East Asian",
    "IC6": "Arab or North African",
}
SEXES = {"M": "male", "MALE": "male", "1": "male", "F": "female", "FEMALE": "female", "2": "female"}
UNKNOWN = {
    "",
    "NS",
    "N/S",
    "IC0",
    "IC7",
    "IC9",
    "U",
    "UNKNOWN",
    "NOT STATED",
    "NOT RECORDED",
    "NOT KNOWN",
    "PREFER NOT TO SAY",
}
_SUBGROUP = re.compile(r"^([WMABO])\d$")
ATTRIBUTES = ("age_band", "sex", "ethnicity_self", "ethnicity_officer")
PAIRS = (
    ("age_band", "sex"),
    ("age_band", "ethnicity_self"),
    ("sex", "ethnicity_self"),
    ("age_band", "ethnicity_officer"),
    ("sex", "ethnicity_officer"),
)


@dataclass(frozen=True)
class GroupRules:
    """How protected columns become groups; a force may set each.

    Attributes:
        age_edges: first age of each band after the youngest, years.
        sexes, ethnicities: the force's codes -> label, over the shipped ones (16+1 and IC codes to broad groups).
        references: attribute -> named reference group; others take their largest recorded group.
    """

    age_edges: tuple[int, ...] = (18, 25, 35, 50)
    sexes: Mapping[str, str] = field(default_factory=dict)
    ethnicities: Mapping[str, str] = field(default_factory=dict)
    references: Mapping[str, str] = field(default_factory=dict)

    @classmethod
    def chosen(cls, settings: Mapping[str, Any]) -> GroupRules:
        """The rules with those a force has set; names that mean nothing here are left alone."""
        named = {f.name: settings[f.name] for f in fields(cls) if f.name in settings}
        return cls(**(named | {"age_edges": tuple(named.get("age_edges", cls.age_edges))}))


@dataclass(frozen=True)
class Groups:
    """Who is in which group. `labels` holds `key` and one text column an attribute, intersections included.

    Attributes:
        key: `person_ref` or `person_key`.
        attributes: single attributes first, then pairs named `a + b`.
        references: attribute -> the group others are held against.
    """

    key: str
    labels: pl.DataFrame
    attributes: tuple[str, ...]
    references: Mapping[str, str]

    @property
    def single(self) -> tuple[str, ...]:
        return tuple(name for name in self.attributes if " + " not in name)


def age_band(born_on: date | None, on: date, edges: tuple[int, ...] = (18, 25, 35, 50)) -> str:
    """Label of the age band on a day; `not recorded` without a date of birth, or with one after that day."""
    if born_on is None or born_on > on:
        return MISSING
    age = age_on(born_on, on)
    if age < edges[0]:
        return f"under {edges[0]}"
    if age >= edges[-1]:
        return f"{edges[-1]} and over"
    low, above = next((a, b) for a, b in itertools.pairwise(edges) if a <= age < b)
    return f"{low} to {above - 1}"


def sex_label(code: str | None, sexes: Mapping[str, str]) -> str:
    """Label of a sex code; text that no code list knows stands as delivered, in lower case."""
    text = (code or "").strip()
    if text in sexes:
        return sexes[text]
    if text.upper() in UNKNOWN:
        return MISSING
    return SEXES.get(text.upper(), text.lower())


def ethnicity_label(code: str | None, ethnicities: Mapping[str, str]) -> str:
    """Broad group of a 16+1 or IC code; text that no code list knows stands as delivered."""
    text = (code or "").strip()
    if text in ethnicities:
        return ethnicities[text]
    upper = text.upper()
    if upper in UNKNOWN:
        return MISSING
    if match := _SUBGROUP.match(upper):
        return BROAD_ETHNICITY[match[1]]
    return OFFICER_CODES.get(upper, BROAD_ETHNICITY.get(upper, text))


def known_labels(rules: GroupRules) -> dict[str, frozenset[str]]:
    """Labels that codes can become, by attribute; what is not recorded is none of them. Text that no code list knows is not among them."""
    edges = rules.age_edges
    first, last = date(2000, 1, 1), [0, *edges]
    bands = {age_band(first, date(2000 + years, 1, 1), edges) for years in last}
    ethnicities = {*BROAD_ETHNICITY.values(), *OFFICER_CODES.values(), *rules.ethnicities.values()} - {MISSING}
    sexes = {*SEXES.values(), *rules.sexes.values()} - {MISSING}
    return dict(zip(ATTRIBUTES, map(frozenset, (bands, sexes, ethnicities, ethnicities)), strict=True))


def read_groups(
    protected: pl.DataFrame, on: date, keys: pl.DataFrame | None = None, rules: GroupRules | None = None
) -> Groups:
    """Groups of the people of `persons_protected` on a day: age band, sex, ethnicity self- and officer-defined, pairs.

    Self- with officer-defined ethnicity is no pair: it would set people apart by how two records differ.

    Args:
        protected: `tables.PERSONS_PROTECTED`.
        on: day of the age.
        keys: `person_ref, person_key`; given, labels come by key, for those people only.
    """
    rules = rules or GroupRules()
    frame, key = protected, "person_ref"
    if keys is not None:
        frame, key = (
            keys.select("person_ref", "person_key").join(protected, on="person_ref", how="left"),
            "person_key",
        )
    labels = frame.select(
        pl.col(key),
        _mapped("born_on", lambda v: age_band(v, on, rules.age_edges), frame).alias("age_band"),
        _mapped("sex", lambda v: sex_label(v, rules.sexes), frame),
        _mapped("ethnicity_self", lambda v: ethnicity_label(v, rules.ethnicities), frame),
        _mapped("ethnicity_officer", lambda v: ethnicity_label(v, rules.ethnicities), frame),
    ).sort(key)
    return groups_of(labels, key, ATTRIBUTES, PAIRS, rules.references)


def groups_of(
    labels: pl.DataFrame,
    key: str,
    attributes: Iterable[str],
    pairs: Iterable[tuple[str, str]] = (),
    references: Mapping[str, str] | None = None,
) -> Groups:
    """Groups from labels that already stand (a benchmark's, a test's): null becomes `not recorded`, pairs are added."""
    singles = tuple(attributes)
    frame = labels.select(key, *(pl.col(name).cast(pl.String).fill_null(MISSING) for name in singles))
    names = {f"{a} + {b}": (a, b) for a, b in pairs}
    frame = frame.with_columns(
        pl.concat_str(pl.col(a), pl.col(b), separator=", ").alias(name) for name, (a, b) in names.items()
    )
    chosen = {name: _reference(frame[name], (references or {}).get(name)) for name in singles}
    for name, (a, b) in names.items():
        pair = f"{chosen[a]}, {chosen[b]}"
        chosen[name] = (references or {}).get(name) or (
            pair if frame[name].eq(pair).any() else _reference(frame[name], None)
        )
    return Groups(key, frame, (*singles, *names), chosen)


def count_people(groups: Groups, of: pl.DataFrame, by: Iterable[str] = ()) -> pl.DataFrame:
    """How many people, by group, and by what else is asked: the counts that answers need (A1f, A2f, A2g).

    Args:
        of: a row a person counted: the key of `groups`, and the columns of `by` (`has_conviction`, say).
    Returns: attribute, group, the columns of `by`, people (count); one attribute `everyone` for the whole. People who
        are in `of` and not in `groups` are counted as `not recorded`.
    """
    by = list(by)
    people = (
        of.select(groups.key, *by)
        .unique(groups.key, keep="first")
        .join(groups.labels, on=groups.key, how="left")
    )
    parts = [
        people.group_by(by)
        .agg(pl.len().alias("people"))
        .with_columns(attribute=pl.lit("everyone"), group=pl.lit("all"))
        if by
        else pl.DataFrame({"people": [people.height], "attribute": ["everyone"], "group": ["all"]})
    ]
    for name in groups.single:
        parts.append(
            people.group_by(pl.col(name).fill_null(MISSING).alias("group"), *by)
            .agg(pl.len().alias("people"))
            .with_columns(attribute=pl.lit(name))
        )
    order = ["attribute", "group", *by]
    return pl.concat([part.select(*order, pl.col("people").cast(pl.Int64)) for part in parts]).sort(order)


def _mapped(column: str, label: Callable[[Any], str], frame: pl.DataFrame) -> pl.Expr:
    """The column with every distinct value labelled once: 300,000 people hold few distinct values."""
    values = frame[column].unique().to_list()
    table = {value: label(value) for value in values if value is not None}
    missing = label(None)
    if not table:
        return pl.lit(missing).alias(column)
    return pl.col(column).replace_strict(table, default=missing, return_dtype=pl.String).alias(column)


def _reference(labels: pl.Series, named: str | None) -> str:
    """The named reference group if anyone is in it, else the largest recorded group (ties: first by name)."""
    sizes = labels.value_counts().rows()
    recorded = [(-n, group) for group, n in sizes if MISSING not in group] or [
        (-n, group) for group, n in sizes
    ]
    if named is not None and any(group == named for group, _ in sizes):
        return named
    return min(recorded)[1] if recorded else MISSING
