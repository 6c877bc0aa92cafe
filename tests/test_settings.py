from pathlib import Path

import pytest

from harmcast import settings
from harmcast.errors import SettingsRefused

EXAMPLE = Path(__file__).parents[1] / "settings.example.toml"
SECRET = "Xyzzy-4711"


def test_the_example_is_valid_and_names_its_files():
    found = settings.read(EXAMPLE)
    assert [tool.name for tool in found.tools] == ["knife_injury", "serious_violence", "iom"]
    assert found.places_tools[1].side_m == pytest.approx(707.1, abs=0.05)
    assert set(settings.named_files(found)) == {"force.boundary", "force.areas", "force.neighbourhoods"}


@pytest.mark.parametrize(("size", "side_m"), [("cell_area_km2 = 0.5", 707.1), ("cell_side_m = 500", 500), ("cell_area_km2 = 1.0\ncell_side_m = 500", None), ("cell_side_m = 0", None)])
def test_half_a_square_kilometre_has_a_side_of_707_metres(size: str, side_m: float | None):
    text = f'[force]\nname = "F"\n[[tools]]\nname = "t"\nkind = "places"\nwhere = {{ weapon = ["knife"] }}\n{size}\n'
    if side_m is not None:
        assert settings.parse(text).places_tools[0].side_m == side_m
    else:
        with pytest.raises(SettingsRefused):
            settings.parse(text)


def test_every_fault_is_named_at_once_and_no_value_is_said():
    text = f"""
    [force]
    name = 3
    timezone = "{SECRET}"
    nonsense = "{SECRET}"
    [[tools]]
    name = "{SECRET}"
    kind = "places"
    where = {{}}
    cell_side_m = 500
    cell_area_km2 = 1
    """
    with pytest.raises(SettingsRefused) as refused:
        settings.parse(text)
    said = str(refused.value)
    assert SECRET not in said
    for name in ("force.name", "force.timezone", "force.nonsense", "tools.0.places.name"):
        assert name in said
    assert refused.value.exit_code == 21


@pytest.mark.parametrize("broken", ["[force", "force = ", "[[tools]]\nname = 'a'\nkind='other'\n"])
def test_what_is_no_settings_file_is_refused(broken):
    with pytest.raises(SettingsRefused):
        settings.parse(broken)


def test_a_missing_file_says_where_to_put_one(tmp_path):
    with pytest.raises(SettingsRefused, match="cannot be read"):
        settings.read(tmp_path / "settings.toml")


def test_every_setting_has_a_sentence():
    from harmcast.reference import settings_page

    for line in settings_page().splitlines():
        if line.startswith("| `"):
            assert line.rstrip("| ").count("|") >= 4, line


def test_percentiles_must_rise():
    base = EXAMPLE.read_text()
    with pytest.raises(SettingsRefused, match="rising"):
        settings.parse(base.replace("cuts = [30, 180, 365, 1825]", "percentiles = [50, 75, 75, 97.5]"))
