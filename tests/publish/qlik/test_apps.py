"""The three apps against Qlik's property facts, their script's closed form and their tables; and whether a fault would be found."""

from __future__ import annotations

import json

import pytest
from tests.publish.qlik import checker, evaluator, expressions, seeded
from tests.publish.qlik.conftest import Written

APPS = ("areas", "people", "checks")


@pytest.mark.parametrize("app", APPS)
def test_an_app_has_no_fault(written: Written, app: str) -> None:
    assert checker.faults(app, *evaluator.folder_of(written.folder / app)) == []


@pytest.mark.parametrize("app", APPS)
def test_every_fault_put_in_is_found(written: Written, app: str) -> None:
    counted, missed = seeded.missed(app, *evaluator.folder_of(written.folder / app))
    assert missed == []
    assert len(counted) >= 50, sorted(counted)
    assert sum(counted.values()) >= 200


@pytest.mark.parametrize("kind", seeded.bad_models())
def test_a_model_that_qlik_would_link_wrongly_is_found(kind: str) -> None:
    assert checker.model(seeded.bad_models()[kind])


def test_the_facts_name_their_sources_and_hold_no_sentence_of_them() -> None:
    assert set(checker.FACTS["sources"]) == {"engine", "map", "table", "build"}
    assert len(checker.FACTS["types"]) >= 30
    assert "description" not in json.dumps(checker.FACTS["types"])


@pytest.mark.parametrize(
    "text",
    ["Sum(n", "Sum({<tool={'a'}>} n) extra", "Average(n)", "{<a=>} n", "Sum({<a==>} n)", "If(Sum(n), 1)", "n", "Sum({<a={b}>} n)", "Today"],
)
def test_an_expression_outside_the_grammar_is_refused(text: str) -> None:
    with pytest.raises(expressions.Unreadable):
        expressions.read(text)


def test_an_app_built_again_is_the_same_to_the_byte(written: Written) -> None:
    from harmcast.operate.qlik import table
    from harmcast.publish.qlik import build, star

    for app in APPS:
        tables = {name: frame for name in star.APPS[app] if (frame := table(written.state, app, name)) is not None}
        again = build.app_files(app, tables)
        assert again == {path.relative_to(written.folder / app / "app").as_posix(): path.read_bytes() for path in (written.folder / app / "app").rglob("*") if path.is_file()}


def test_only_people_are_parted_by_unit_and_nothing_holds_a_name(written: Written) -> None:
    scripts = {app: (written.folder / app / "app" / "script.qvs").read_text() for app in APPS}
    assert [app for app in APPS if "Section Access" in scripts[app]] == ["people"]
    names = [name for name in written.state.records.persons()["person_ref"].to_list()]
    whole = b"".join(path.read_bytes() for path in written.folder.rglob("*") if path.is_file())
    assert not [name for name in names if name.encode() in whole]
