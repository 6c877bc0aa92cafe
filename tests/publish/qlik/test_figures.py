"""What Qlik would show, worked out over the QVDs, is what the pages say: every measure under sixty selections and more."""

from __future__ import annotations

import shutil
from datetime import timedelta
from pathlib import Path

import polars as pl
import pytest
from tests.publish.qlik import equality
from tests.publish.qlik.conftest import Written
from tests.publish.qlik.evaluator import App

from harmcast.publish.qlik import acceptance, star
from harmcast.publish.qlik.qvd import qvd


@pytest.mark.parametrize("app", equality.EVERY)
def test_every_measure_is_what_the_pages_say(written: Written, app: str) -> None:
    found = equality.EVERY[app](written.state, written.folder, written.today)
    assert found.unlike == []
    assert found.figures > 500
    assert set(found.measures) == {name for name in App(app, written.folder / app, written.today).measures}
    assert min(found.selections.values()) >= equality.LEAST
    assert {name for name in found.silent() if not name.endswith("_stale")} == set()


def test_a_measure_that_says_nothing_on_either_side_is_named(written: Written) -> None:
    assert {f"{tool}_stale" for tool in ("knife_injury", "serious_violence")} <= equality.areas(written.state, written.folder, written.today, most=1).silent()


def test_the_printed_range_of_an_area_is_its_own_and_never_the_sum_of_its_cells(written: Written) -> None:
    app = App("areas", written.folder / "areas", written.today)
    areas = app.by("knife_injury_area_range", ["area"], {})
    assert len(areas) > 3
    for (area,), said in areas.items():
        low, high = (int(end) for end in str(said).split(" to "))
        cells = app.db.execute("select sum(lower), sum(upper) from facts where grain='cell' and tool='knife_injury' and area_key=? and release_key=(select max(release_key) from facts where tool='knife_injury')", [area]).fetchone()
        assert cells is not None
        assert (low, high) != cells
        assert app.measure("knife_injury_cell_upper", {"area": [area]}) in (None, *app.by("knife_injury_cell_upper", ["cell"], {"area": [area]}).values())
        assert app.measure("knife_injury_cell_range", {"area": [area]}) is None


def test_a_week_that_a_tool_has_not_shows_nothing_rather_than_nought(written: Written) -> None:
    app = App("areas", written.folder / "areas", written.today)
    for name in ("knife_injury_force_expected", "knife_injury_cell_expected", "knife_injury_force_came", "knife_injury_week"):
        assert app.measure(name, {"week": ["1999-W01"]}) is None


def test_old_data_is_said_from_the_ninth_day_on(written: Written) -> None:
    newest = written.state.releases.published("knife_injury")
    assert newest is not None
    for days, says in ((7, False), (8, True)):
        app = App("areas", written.folder / "areas", newest.origin + timedelta(days=days))
        assert (app.measure("knife_injury_stale", {}) is not None) == says


def test_the_figures_to_accept_are_what_qlik_would_show(written: Written) -> None:
    app = App("areas", written.folder / "areas", written.today)
    tables = {name: frame for name in star.AREAS if (frame := _table(written, "areas", name)) is not None}
    figures = list(acceptance.areas_figures(tables))
    assert len(figures) > 200
    unlike = [one for one in figures if not equality.is_same(app.measure(one.measure, {field: [value] for field, value in one.selection}), one.value)]
    assert unlike == []


def test_a_changed_figure_in_a_table_is_seen(written: Written, tmp_path: Path) -> None:
    folder = tmp_path / "qlik"
    shutil.copytree(written.folder, folder)
    version = folder / "areas" / (folder / "areas" / "latest.qvs").read_text().split("'")[1]
    facts = pl.read_parquet(version / "facts.parquet")
    newest = facts.filter((pl.col("grain") == "cell") & (pl.col("tool") == "knife_injury"))["release_key"].max()
    first = facts.with_row_index().filter((pl.col("grain") == "cell") & (pl.col("release_key") == newest))["index"][0]
    facts = facts.with_row_index().with_columns(expected=pl.when(pl.col("index") == first).then(pl.col("expected") + 0.001).otherwise("expected")).drop("index")
    (version / "facts.qvd").write_bytes(qvd(facts, "facts"))
    found = equality.areas(written.state, folder, written.today, most=1)
    assert {line.split()[0] for line in found.unlike} == {"knife_injury_cell_expected"}


def _table(written: Written, app: str, name: str) -> pl.DataFrame | None:
    from harmcast.operate.qlik import table

    return table(written.state, app, name)
