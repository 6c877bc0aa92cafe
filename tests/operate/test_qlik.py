from __future__ import annotations

import json
import shutil
from dataclasses import replace
from datetime import date
from pathlib import Path

import polars as pl
import pytest
from tests.publish.qlik import equality
from tests.publish.qlik.by_hand import WRITTEN, in_use, with_people

from harmcast.errors import NotFit
from harmcast.operate import qlik, qlik_data
from harmcast.operate.health import status_of
from harmcast.oversight.log import Event
from harmcast.publish.qlik import star
from harmcast.settings import Qlik
from harmcast.store.state import State
from harmcast.store.users import Actor

TODAY = date(2026, 11, 10)


@pytest.fixture
def shown(own_weeks: State) -> State:
    return in_use(own_weeks, TODAY)


@pytest.fixture
def with_list(shown: State) -> State:
    return with_people(shown, TODAY)


def published(state: State, app: str) -> set[str]:
    rows = qlik.table(state, app, "dim_release")
    assert rows is not None
    return {f"{key}:{standing}" for key, standing in rows.select("release_key", "standing").iter_rows()}


def test_the_folder_names_the_version_that_holds_every_table_twice(shown: State) -> None:
    found = qlik.refresh(shown, "operator", "operator", TODAY)
    assert found.failed == {}
    assert sorted(found.versions) == ["areas", "checks"]
    for app, version in found.versions.items():
        folder = shown.root / "qlik" / app
        assert (folder / "latest.qvs").read_text() == f"SET vVersion='{version}';\n"
        wanted = {f"{name}.{kind}" for name in star.APPS[app] for kind in ("qvd", "parquet")}
        assert {p.name for p in (folder / version).iterdir()} == wanted | {"dictionary.json", "manifest.json"}
        assert (folder / "app" / "script.qvs").is_file()


def test_only_a_force_that_has_qlik_is_told_that_its_apps_are_written(shown: State) -> None:
    assert [line for line in qlik.refresh_and_reload(shown, "operator", "operator", TODAY) if "is written" in line] == []
    shutil.rmtree(shown.root / "qlik")
    with_qlik = replace(shown, settings=shown.settings.model_copy(update={"qlik": Qlik(user_directory="FORCE")}))
    said = qlik.refresh_and_reload(with_qlik, "operator", "operator", TODAY)
    assert [line.split(" for ")[0] for line in said if "is written" in line] == ["The app areas", "The app checks"]


def test_writing_again_changes_nothing(shown: State) -> None:
    first = qlik.refresh(shown, "operator", "operator", TODAY)
    again = qlik.refresh(shown, "operator", "operator", TODAY)
    assert (again.versions, again.changed, again.lines) == (first.versions, [], [])


def test_a_tool_in_shadow_is_nowhere(own_weeks: State) -> None:
    found = qlik.refresh(own_weeks, "operator", "operator", TODAY)
    assert sorted(found.versions) == ["checks"]
    tools = qlik.table(own_weeks, "checks", "dim_tool")
    assert tools is not None
    assert tools.is_empty()


def test_what_is_withdrawn_has_no_facts_and_is_said(shown: State) -> None:
    qlik.refresh(shown, "operator", "operator", TODAY)
    release = shown.releases.published("knife_injury")
    assert release is not None
    shown.releases.move(release, "withdrawn", Event("sam", "supervisor", "alteration", "release_withdrawn"))
    assert qlik.refresh(shown, "operator", "operator", TODAY).changed == ["areas", "checks"]
    facts = qlik.table(shown, "areas", "facts")
    assert facts is not None
    assert f"knife_injury|{release.week}" not in facts["release_key"].to_list()
    assert f"knife_injury|{release.week}:withdrawn" in published(shown, "areas")
    says = qlik.table(shown, "areas", "dim_release").filter(pl.col("release_tool") == "knife_injury")["release_says"].drop_nulls().to_list()
    assert len(says) == 1
    assert says[0].startswith(f"{release.week} is withdrawn. Shown: ")


def test_a_held_week_lies_beside_no_facts_and_says_why(shown: State) -> None:
    release = shown.releases.published("knife_injury")
    assert release is not None
    finding = qlik_data.findings.of_register("lapsed", "knife_injury", "dpia", "It lapsed.")
    held = replace(release, standing="held", findings=(finding,))
    (said,) = qlik_data.standings([held], 4)
    assert (said.standing, said.says) == ("held", "An approval has lapsed")


def test_older_versions_stay_a_day_and_go_at_once_after_an_erasure(shown: State) -> None:
    first = qlik.refresh(shown, "operator", "operator", TODAY).versions["areas"]
    release = shown.releases.published("knife_injury")
    assert release is not None
    shown.releases.move(release, "withdrawn", Event("sam", "supervisor", "alteration", "release_withdrawn"))
    second = qlik.refresh(shown, "operator", "operator", TODAY).versions["areas"]
    folder = shown.root / "qlik" / "areas"
    assert {p.name for p in folder.iterdir()} == {first, second, "app", "latest.qvs"}
    manifest = folder / first / "manifest.json"
    manifest.write_text(json.dumps({**json.loads(manifest.read_text()), "made_at": "2020-01-01T00:00:00.000000Z"}))
    qlik.refresh(shown, "operator", "operator", TODAY)
    assert {p.name for p in folder.iterdir()} == {second, "app", "latest.qvs"}
    shutil.copytree(folder / second, folder / "v000001-0123abcd")
    qlik.refresh(shown, "operator", "operator", TODAY, erased=True)
    assert {p.name for p in folder.iterdir()} == {second, "app", "latest.qvs"}


def test_people_leave_only_by_setting_and_register_and_go_at_once_when_not(with_list: State, shown: State) -> None:
    assert "people" not in qlik.refresh(shown, "operator", "operator", TODAY).versions
    assert "people" in qlik.refresh(with_list, "operator", "operator", TODAY).versions
    gone = qlik.refresh(shown, "operator", "operator", TODAY)
    assert "people" in gone.changed
    assert not (shown.root / "qlik" / "people").exists()


def test_the_list_in_qlik_holds_no_name_no_reference_no_restricted_person_and_nobody_without_a_unit(with_list: State) -> None:
    qlik.refresh(with_list, "operator", "operator", TODAY)
    people = with_list.records.persons()
    listed = qlik.table(with_list, "people", "dim_person")
    assert listed is not None
    assert listed.height > 20
    keys = with_list.person_keys().join(people, on="person_ref").filter(pl.col("person_key").is_in(listed["person_key"].to_list()))
    assert keys["restricted"].fill_null(False).sum() == 0
    assert keys["unit"].null_count() == 0
    content = b"".join(p.read_bytes() for p in (with_list.root / "qlik" / "people").rglob("*.qvd"))
    assert listed["person_key"][0].encode() in content
    for reference in people["person_ref"].to_list():
        assert reference.encode() not in content
    assert set(listed["person_link"].str.slice(0, 36)) == {"https://harmcast.force.example/peopl"}


def test_people_without_an_address_to_link_back_to_do_not_leave_and_the_rest_is_written(with_list: State) -> None:
    web = with_list.settings.web.model_copy(update={"base_url": None})
    state = replace(with_list, settings=with_list.settings.model_copy(update={"web": web}))
    found = qlik.refresh(state, "operator", "operator", TODAY)
    assert found.failed == {"people": "qlik_needs_address"}
    assert sorted(found.versions) == ["areas", "checks"]


def test_a_table_that_qlik_would_misread_leaves_the_version_before(shown: State, monkeypatch: pytest.MonkeyPatch) -> None:
    before = qlik.refresh(shown, "operator", "operator", TODAY).versions["areas"]
    monkeypatch.setattr(qlik_data, "_outlines", lambda release, tool: {})
    assert qlik.refresh(shown, "operator", "operator", TODAY).failed == {"areas": "qlik_tables_unfit"}
    assert qlik.latest(shown.root / "qlik" / "areas") == before


def test_section_access_names_who_is_trained_with_the_units_of_their_roles(with_list: State, tmp_path: Path) -> None:
    qlik.refresh(with_list, "operator", "operator", TODAY)
    unit = sorted(with_list.records.persons()["unit"].drop_nulls().to_list())[0]
    for account, trained, active in (("mo", True, True), ("untrained", False, True), ("gone", True, False)):
        with_list.users.add(account, account.title(), Event("x", "operator", "administration", "user_added"))
        with_list.users.give_role(account, "offender_manager", unit, Event("x", "operator", "administration", "role_given"))
        if trained:
            with_list.users.record_training(account, "iom", "by a person", TODAY, Event("x", "operator", "administration", "training_recorded"))
        if not active:
            with_list.users.set_standing(account, "disabled", Event("x", "operator", "administration", "user_disabled"))
    boss = Actor("boss", "Boss", (("administrator", None),))
    path, readers = qlik.write_access(with_list, "boss", tmp_path / "a" / "section_access.csv", boss)
    assert readers == 1
    assert path.read_text() == f"ACCESS,USERID,UNIT\nADMIN,INTERNAL\\SA_SCHEDULER,\nADMIN,BOSS,\nUSER,MO,{unit.upper()}\n"
    with pytest.raises(NotFit, match="ADMIN and USER"):
        qlik.write_access(with_list, "mo", tmp_path / "b.csv", boss)
    assert not (tmp_path / "b.csv").exists()


def test_a_sheet_filled_in_with_our_own_figures_is_accepted_and_one_wrong_figure_is_found(with_list: State, tmp_path: Path) -> None:
    qlik.refresh(with_list, "operator", "operator", TODAY)
    path = tmp_path / "figures.csv"
    count = qlik.make_sheet(with_list, path)
    assert count > 100
    figures = qlik._figures(with_list)
    lines = path.read_text().splitlines()
    filled = [lines[0], *(line + ("" if one.value is None else f"{one.value}") for line, one in zip(lines[1:], figures, strict=True))]
    path.write_text("\n".join(filled))
    found = qlik.compare_sheet(with_list, path, WRITTEN)
    assert (found.equal, found.unlike, found.missing, found.is_accepted) == (count, (), 0, True)
    at = next(n for n, one in enumerate(figures, start=1) if one.app == "people" and one.value == 0.0)
    filled[at] = lines[at] + "1"
    path.write_text("\n".join(filled[:-1]))
    found = qlik.compare_sheet(with_list, path, WRITTEN)
    assert (found.equal, len(found.unlike), found.missing, found.is_accepted) == (count - 2, 1, 1, False)


def test_weeks_between_two_revisions_are_shown_once(shown: State) -> None:
    release = shown.releases.published("knife_injury")
    assert release is not None
    second = replace(release, id=release.id + 100, revision=2)
    assert [r.revision for r in qlik_data.published_by_week([release, second])] == [2]
    assert [s.standing for s in qlik_data.standings([release, replace(second, standing="held")], 4)] == ["published"]
    assert [s.standing for s in qlik_data.standings([replace(release, standing="withdrawn"), second], 4)] == ["published"]
    assert [s.standing for s in qlik_data.standings([replace(release, standing="draft")], 4)] == []


def test_data_quality_and_audit_of_real_weeks_are_what_the_pages_say(shown: State) -> None:
    qlik.refresh(shown, "operator", "operator", TODAY)
    found = equality.checks(shown, shown.root / "qlik", TODAY)
    assert found.unlike == []
    assert not [name for name in found.silent() if name.startswith(("rows_", "rule_", "delivery_"))]
    audit = qlik.table(shown, "checks", "audit")
    assert audit is not None
    assert not [name for name in audit.columns if name.endswith(("_n", "count", "numerator"))]


def test_status_says_what_could_not_be_written_and_what_qlik_was_not_asked_to_load(with_list: State, monkeypatch: pytest.MonkeyPatch) -> None:
    asked = replace(with_list, settings=with_list.settings.model_copy(update={"qlik": Qlik(reload_server="qlik.force.example")}))

    def said() -> list[str]:
        return [line for line in status_of(asked, TODAY).lines if "Qlik" in line]

    qlik.refresh(asked, "operator", "operator", TODAY)
    assert [line for line in said() if "was not asked to reload" in line] == said() != []
    asked.operations.record(Event("operator", "operator", "disclosure", "qlik_reload_started", object="qlik"))
    assert said() == []
    without = asked.settings.model_copy(update={"web": asked.settings.web.model_copy(update={"base_url": None})})
    qlik.refresh(replace(asked, settings=without), "operator", "operator", TODAY)
    assert any("people (qlik_needs_address)" in line for line in said())
    qlik.refresh(asked, "operator", "operator", TODAY)
    assert not any("could not be written" in line for line in said())
