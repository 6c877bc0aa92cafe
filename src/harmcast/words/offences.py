"""Offence codes in words: the subgroup of each code, by the written crosswalk."""

from __future__ import annotations

import csv
from functools import cache
from importlib import resources


@cache
def subgroups() -> dict[str, str]:
    """Subgroup of each offence code, a class standing for its subclasses: `people/offence_subgroups.csv`."""
    text = resources.files("harmcast").joinpath("people", "offence_subgroups.csv").read_text(encoding="utf-8")
    return {row["offence_code"]: row["subgroup"] for row in csv.DictReader(text.splitlines())}
