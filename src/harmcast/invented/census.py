"""The census table of an invented force: residents by group, for the exploratory analysis to set the charged beside."""

from __future__ import annotations

import csv
from pathlib import Path

FILE = "neutral.csv"
SOURCE, YEAR = "Invented census", 2021
ETHNICITY = {"White": 0.73, "Asian": 0.15, "Black": 0.06, "Mixed": 0.04, "Other": 0.02}
SHARES = {
    "age_band": {"under 18": 0.22, "18 to 24": 0.09, "25 to 34": 0.14, "35 to 49": 0.19, "50 and over": 0.36},
    "sex": {"female": 0.51, "male": 0.49},
    "ethnicity_self": ETHNICITY,
    "ethnicity_officer": ETHNICITY,
}


def write(residents: int, folder: Path) -> None:
    """neutral.csv into `folder`. Args: `residents`: people who live in the county."""
    with (folder / FILE).open("w", encoding="utf-8", newline="") as file:
        lines = csv.writer(file, lineterminator="\n")
        lines.writerow(["attribute", "group", "residents", "source", "year"])
        lines.writerows([name, group, round(share * residents), SOURCE, YEAR] for name, groups in SHARES.items() for group, share in groups.items())
