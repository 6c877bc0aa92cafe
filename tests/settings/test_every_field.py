"""Every setting has an effect: the code that runs reads it by its own name, or it stands in a short list of those that are only shown."""

from __future__ import annotations

import ast
import typing
from collections.abc import Iterator
from pathlib import Path

import pytest
from pydantic import BaseModel

from harmcast import settings
from harmcast.evaluate.monitor_thresholds import MonitorThresholds
from harmcast.fairness.groups import GroupRules
from harmcast.fairness.thresholds import Thresholds
from harmcast.settings import Settings

SRC = Path(__file__).parents[2] / "src" / "harmcast"
PASSED_ON_WHOLE = {"fairness": Thresholds, "audit": GroupRules, "monitor": MonitorThresholds}  # field by field into these, by name
# How the code names a part of the settings that it holds; the field must be read from one of these.
HOLDERS = {
    "tools": {"tool", "of", "places_tool", "people_tool", "t", "settings", "who", "self", "known", "chosen", "found", "made", "one"},
    "bands": {"wanted"},
    "work": {"days"},
    "gaps": {"gap", "one"},
    "feed": {"form", "first"},
    "shadow": {"shadow", "bar", "line", "one"},
    "retention": {"retention", "review"},
}
ONLY_SHOWN = {"gaps.reason"}  # by `harmcast settings`


def fields(model: type[BaseModel], trail: tuple[str, ...] = ()) -> Iterator[tuple[str, ...]]:
    for name, one in model.model_fields.items():
        inner = [part for part in _parts(one.annotation) if isinstance(part, type) and issubclass(part, BaseModel)]
        if inner:
            for part in inner:
                yield from fields(part, (*trail, name))
        else:
            yield (*trail, name)


def _parts(annotation: object) -> Iterator[object]:
    yield annotation
    for part in typing.get_args(annotation):
        yield from _parts(part)


def reads() -> set[tuple[str, str]]:
    """(what it is read from, attribute) over all sources; the list of settings that went is no reader."""
    found: set[tuple[str, str]] = set()
    for path in (p for p in SRC.rglob("*.py") if p.name != "gone.py"):
        text = path.read_text(encoding="utf-8")
        for node in ast.walk(ast.parse(text)):
            if isinstance(node, ast.Call) and isinstance(node.func, ast.Attribute) and node.func.attr == "file":
                for given in (a.value for a in node.args if isinstance(a, ast.Constant)):
                    section, _, name = str(given).partition(".")  # a file by its setting: state.file("feed.mapping")
                    found.add((section, name))
            if isinstance(node, ast.Attribute) and isinstance(node.ctx, ast.Load):
                held = node.value
                holder = held.attr if isinstance(held, ast.Attribute) else held.id if isinstance(held, ast.Name) else "call"
                found.add((holder, node.attr))
    return found


READS = reads()
FIELDS = sorted(set(fields(Settings)))


@pytest.mark.parametrize("field", FIELDS, ids=".".join)
def test_a_field_is_read_by_its_name(field: tuple[str, ...]) -> None:
    section, name = field[0], field[-1]
    if section in PASSED_ON_WHOLE:
        assert name in PASSED_ON_WHOLE[section].__dataclass_fields__
        assert any(attribute == name for _, attribute in READS - {(section, name)}), "the dataclass has it and nothing reads it"
        return
    holders = {section, section.rstrip("s"), "limits", "web", "settings", *HOLDERS.get(section, set())}
    is_read = any((holder, name) in READS for holder in holders)
    assert is_read or ".".join(field) in ONLY_SHOWN, "a setting without effect: give it one, or take it out"


def test_the_walk_sees_a_setting_that_nothing_reads() -> None:
    assert ("web", "wms") not in READS
    assert ("tools", "where") in FIELDS
    assert ("log", "ask_purpose") in FIELDS


GONE = {
    "small_number": ("fairness.small_number", "[people] small_number"),
    "range_level": ("tools.range_level", "printed ranges"),
    "top_cells": ("tools.top_cells", "20 cells"),
    "concern_needs_reason": ("release.concern_needs_reason", "two people"),
    "keep_places_weeks": ("release.keep_places_weeks", "kept"),
    "wms": ("web.wms", "[map]"),
    "gap_concern": ("fairness.gap_concern", "judged as ratios"),
    "records_judged_half_width": ("fairness.records_judged_half_width", "judged as ratios"),
}
TEXT = """# a force
[force]
name = "A"  # kept
[[tools]]
name = "knife"
kind = "places"
range_level = 0.8  # at least
top_cells = 20
cell_area_km2 = 1.0
where = { weapon = ["knife"] }
[fairness]
small_number = 10
gap_concern = 0.02
records_judged_half_width = 0.03  # as shipped
[release]
second_person = true
concern_needs_reason = false
keep_places_weeks = 520
[web]
wms = "https://map.invalid"
"""


def test_a_file_that_still_has_a_dead_setting_is_refused_by_its_name() -> None:
    from harmcast.errors import SettingsRefused

    with pytest.raises(SettingsRefused) as refused:
        settings.parse(TEXT)
    assert refused.value.code == "setting_gone"
    for name, (dotted, instead) in GONE.items():
        fault = next(f for f in refused.value.faults if str(f.column).endswith(name))
        assert fault.column == dotted
        assert instead in fault.next_step


def test_the_upgrade_takes_them_out_and_leaves_the_rest_as_it_stands() -> None:
    from harmcast.settings import gone

    text, went = gone.without(TEXT)
    assert went == sorted(dotted for dotted, _ in GONE.values())
    dropped = {"small_number = 10\n", "range_level = 0.8  # at least\n", "top_cells = 20\n", "concern_needs_reason = false\n", "keep_places_weeks = 520\n", 'wms = "https://map.invalid"\n', "gap_concern = 0.02\n", "records_judged_half_width = 0.03  # as shipped\n"}
    assert text == "".join(line for line in TEXT.splitlines(keepends=True) if line not in dropped)
    assert settings.parse(text).force.name == "A"
    assert gone.without(text) == (text, [])
