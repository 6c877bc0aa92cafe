"""The unit and the definition of a places tool in words."""

from __future__ import annotations

import tomllib
from collections.abc import Mapping, Sequence
from functools import lru_cache
from importlib import resources

from harmcast.settings import PlacesTool


def cell_words(tool: PlacesTool) -> str:
    """square cells of 1 square kilometre, sides 1,000 m"""
    if side := tool.cell_side_m:
        return f"square cells of {side:,.0f} m by {side:,.0f} m"
    if area := tool.cell_area_km2:
        return f"square cells of {area:g} square kilometre{'' if area == 1 else 's'}, sides {(area * 1e6) ** 0.5:,.0f} m"
    return "the units of the force's own layer"


@lru_cache(maxsize=1)
def offences() -> dict[str, str]:
    """Titles of offences by Home Office code; a code that is not there is printed as it stands."""
    return dict(tomllib.loads(resources.files(__package__).joinpath("offences.toml").read_text(encoding="utf-8"))["titles"])


def offence(code: str) -> str:
    return f"{offences()[code]} ({code})" if code in offences() else f"offence {code}"


def where_words(where: Mapping[str, Sequence[str]]) -> str:
    """weapon knife, injury minor, serious or fatal: keys all hold, of the values of each one does."""
    parts = []
    for name, values in where.items():
        said = [offence(v) for v in values] if name == "offence_code" else list(values)
        listed = " or ".join(filter(None, [", ".join(said[:-1]), said[-1]]))
        parts.append(listed if name == "offence_code" else f"{name.replace('_', ' ')} {listed}")
    return ", ".join(parts)
