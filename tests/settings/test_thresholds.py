"""The bars a force may set are the ones the audit and the monitor use: same names, same defaults, each with its sentence and unit."""

from __future__ import annotations

import re
from dataclasses import fields
from datetime import date
from types import SimpleNamespace

import polars as pl
import pytest

from harmcast import settings as house
from harmcast.errors import SettingsRefused
from harmcast.evaluate.monitor_thresholds import MonitorThresholds
from harmcast.fairness import groups
from harmcast.fairness.groups import GroupRules, read_groups
from harmcast.fairness.thresholds import Thresholds
from harmcast.runs import audit, watch
from harmcast.settings.section import SettingsSection
from harmcast.settings.thresholds import ATTRIBUTES, AuditSettings, Fairness, MonitorSettings
from harmcast.tables import PERSONS_PROTECTED
from harmcast.weeks import Week

UNITS = r"(share|ratio|AUC|people|weeks|periods|alarms|count|years)\.$"
TOOL = '[force]\nname = "F"\n[[tools]]\nname = "t"\nkind = "places"\ncell_side_m = 500\nwhere = { weapon = ["knife"] }\n'


def state(text: str = "") -> SimpleNamespace:
    return SimpleNamespace(settings=house.parse(TOOL + text))


@pytest.mark.parametrize(("section", "used"), [(Fairness, Thresholds), (MonitorSettings, MonitorThresholds), (AuditSettings, GroupRules)])
def test_what_may_be_set_is_what_is_used(section: type[SettingsSection], used: type) -> None:
    assert set(section.model_fields) == {f.name for f in fields(used)}
    assert used.chosen(section().model_dump()) == used()  # type: ignore[attr-defined]


@pytest.mark.parametrize("section", [Fairness, MonitorSettings, AuditSettings])
def test_each_bar_has_a_sentence_and_each_number_a_unit(section: type[SettingsSection]) -> None:
    for name, field in section.model_fields.items():
        says = field.description or ""
        assert len(says.split()) >= 4, name
        if field.annotation in (int, float):
            assert re.search(UNITS, says), name


def test_attributes_are_those_of_the_audit() -> None:
    assert ATTRIBUTES == groups.ATTRIBUTES


def test_a_force_sets_its_groups_and_its_words() -> None:
    own = state('[audit]\nage_edges = [18, 21, 30]\nsexes = { "X9" = "female" }\nethnicities = { "Q" = "White" }\nreferences = { sex = "female" }\n')
    rules = audit.group_rules(own)  # type: ignore[arg-type]
    row = {"person_ref": "p", "born_on": date(2000, 1, 1), "sex": "X9", "ethnicity_self": "Q", "ethnicity_officer": None}
    other = row | {"person_ref": "q", "sex": "M", "born_on": date(2006, 1, 1)}
    frame = pl.DataFrame([row, other, other | {"person_ref": "r"}], schema={name: dtype for name, dtype in PERSONS_PROTECTED.schema().items() if name in row})
    found = read_groups(frame, date(2026, 1, 1), rules=rules)
    assert found.labels["age_band"].to_list() == ["21 to 29", "18 to 20", "18 to 20"]
    assert found.labels["sex"].to_list() == ["female", "male", "male"]
    assert found.labels["ethnicity_self"][0] == "White"
    assert found.references["sex"] == "female"
    assert read_groups(frame, date(2026, 1, 1)).references["sex"] == "male"


def test_a_force_sets_what_the_monitor_holds_against() -> None:
    rows = [pl.DataFrame(schema={"week": pl.Date, "kind": pl.String, "name": pl.String, "bin": pl.String, "value": pl.Float64, "expected": pl.Float64})]
    week = Week(date(2026, 11, 16))
    assert watch._monitored(state(), rows, week).thresholds == MonitorThresholds()  # type: ignore[arg-type]
    own = watch._monitored(state("[monitor]\nrecent_weeks = 4\nfalse_alarms = 0.5\n"), rows, week)  # type: ignore[arg-type]
    assert (own.thresholds.recent_weeks, own.thresholds.false_alarms) == (4, 0.5)
    assert {t["name"]: t["value"] for t in own.document()["thresholds"]}["recent_weeks"] == 4


@pytest.mark.parametrize(
    "broken",
    [
        "[fairness]\nratio_stop = 0.9\n",
        "[fairness]\nlike_for_like = ['height']\n",
        "[audit]\nage_edges = [25, 18]\n",
        "[audit]\nreferences = { height = 'tall' }\n",
        "[monitor]\ncalibration_low = 3\n",
        "[monitor]\nnonsense = 1\n",
    ],
)
def test_a_bar_that_makes_no_sense_is_refused(broken: str) -> None:
    with pytest.raises(SettingsRefused):
        state(broken)
