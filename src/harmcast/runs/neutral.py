"""The census table that a force brings: residents by group, each line with its source and year."""

from __future__ import annotations

import csv
import io

from harmcast.documents.exploration import CensusLine
from harmcast.errors import Fault, SettingsRefused
from harmcast.fairness import groups
from harmcast.fairness.groups import GroupRules
from harmcast.store.state import State

SETTING = "force.neutral"
COLUMNS = ("attribute", "group", "residents", "source", "year")


def neutral_of(state: State) -> list[CensusLine]:
    """Rows of the census table; empty where the settings name none. Raises: SettingsRefused with every line that cannot be used."""
    path = state.file("force.neutral")
    return [] if path is None else read(path.read_bytes(), GroupRules.chosen(state.settings.audit.model_dump()))


def read(content: bytes, rules: GroupRules) -> list[CensusLine]:
    """The same of its bytes.

    Raises: SettingsRefused (`neutral_unusable`): not a table of these columns, an attribute or group that the audit does not know,
        residents that are no whole number, a line without source or year, a group named twice. Each names its line.
    """
    try:
        lines = list(csv.DictReader(io.StringIO(content.decode("utf-8-sig")), strict=True))
        header = set(lines[0]) if lines else set()
    except (UnicodeDecodeError, csv.Error):
        lines, header = [], set()
    if not set(COLUMNS) <= header:
        raise _refused([Fault("neutral_columns", SETTING, next_step=f"its columns are {', '.join(COLUMNS)}")])
    known = groups.known_labels(rules)
    faults, found, seen = [], [], set()
    for number, line in enumerate(lines, start=2):
        values = {name: (line[name] or "").strip() for name in COLUMNS}
        key = values["attribute"], values["group"]
        wrong = [
            ("neutral_attribute", "attribute", values["attribute"] not in known, f"one of {', '.join(known)}"),
            ("neutral_group", "group", values["attribute"] in known and values["group"] not in known[values["attribute"]], "a group as the audit names it"),
            ("neutral_residents", "residents", not values["residents"].isdigit(), "a whole number of people"),
            ("neutral_source", "source", not values["source"], "name the census"),
            ("neutral_year", "year", not (values["year"].isdigit() and len(values["year"]) == 4), "the year it counts, four digits"),
            ("neutral_twice", "group", key in seen, "each group once"),
        ]
        faults += [Fault(rule, SETTING, row=number, column=column, next_step=step) for rule, column, is_wrong, step in wrong if is_wrong]
        seen.add(key)
        found.append(values)
    if faults:
        raise _refused(faults)
    return [
        {"attribute": v["attribute"], "group": v["group"], "residents": int(v["residents"]), "source": v["source"], "year": int(v["year"])} for v in found
    ]


def _refused(faults: list[Fault]) -> SettingsRefused:
    return SettingsRefused(
        f"The census table cannot be used: {len(faults)} fault(s).",
        code="neutral_unusable",
        faults=tuple(faults),
        next_step="Mend the lines named in the file that [force] neutral names, then put it in place with harmcast settings.",
    )
