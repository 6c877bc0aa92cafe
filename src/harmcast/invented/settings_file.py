"""The settings of an invented force, ready for `harmcast init`."""

from __future__ import annotations

from pathlib import Path

import tomli_w

from harmcast.invented import census, ground
from harmcast.invented.county import County
from harmcast.invented.offences import SERIOUS_VIOLENCE

_KNIFE = {"weapon": ["knife"], "injury": ["minor", "serious", "fatal"]}


def document(county: County, with_ground: bool = True) -> dict[str, object]:
    """The three tools over the county, as TOML sections."""
    of_map = {"ground": ground.GEOPACKAGE, "names": ground.NAMES, "attribution": ground.ATTRIBUTION}
    return {
        "force": {
            "name": f"{county.name} Police (invented)",
            "timezone": "Europe/London",
            "crs": "EPSG:27700",
            "boundary": "boundary.geojson",
            "areas": "areas.geojson",
            "neighbourhoods": "neighbourhoods.geojson",
            "neutral": census.FILE,
            "invented": True,
        },
        "feed": {"source": "folder"},
        "tools": [
            {
                "name": "knife_injury",
                "kind": "places",
                "title": "Knife crime causing injury",
                "cell_area_km2": 1.0,
                "horizon_weeks": 4,
                "where": _KNIFE,
                "leading": [
                    {"weapon": ["knife"], "injury": ["none"]},
                    {"offence_code": ["034"]},
                    {"offence_code": ["005", "008/01"]},
                ],
            },
            {
                "name": "serious_violence",
                "kind": "places",
                "title": "Serious violence",
                "cell_area_km2": 0.5,
                "horizon_weeks": 4,
                "where": {"offence_code": list(SERIOUS_VIOLENCE)},
                "leading": [{"offence_code": ["008/06"]}, {"offence_code": ["034"]}, {"weapon": ["knife"]}],
            },
            {
                "name": "iom",
                "kind": "people",
                "title": "Integrated Offender Management",
                "harm_index": "default",
                "horizons_months": [12, 24],
            },
        ],
        "people": {"capacity": 40, "useful_share": 0.1},
        **({"map": of_map} if with_ground else {}),
    }


def write(county: County, folder: Path, with_ground: bool = True) -> None:
    """settings.toml into `folder`."""
    text = "# Settings of an invented force: no real place, no real person.\n" + tomli_w.dumps(
        document(county, with_ground)
    )
    (folder / "settings.toml").write_text(text, encoding="utf-8")
