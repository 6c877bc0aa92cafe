"""What to invent, and everything that was made up of it before it is cut into deliveries."""

from __future__ import annotations

import math
from dataclasses import dataclass
from datetime import date, timedelta

import numpy as np
import polars as pl

from harmcast.invented import careers, county, intensity, people


@dataclass(frozen=True)
class Plan:
    """What to invent. `crimes_a_year` defaults to one a person, at least 60,000, at most 300,000.

    `level_shifts`: small areas whose crime rises or falls from a day on; 0 where nothing should change.
    """

    people: int
    years: float
    seed: int
    to: date
    weeks: int = 8
    over_policing: float = 0.0
    patrol_feedback: float = 0.0
    bad_rows_share: float = 0.002
    crimes_a_year: float | None = None
    complete_last: bool = False
    county_share: float = 1.0
    known_people: int = 4000
    level_shifts: int = 12
    area_km2: float = county.AREA_KM2

    @property
    def steps(self) -> int:
        return math.ceil(self.years * 365.25 / intensity.STEP_DAYS)

    @property
    def days(self) -> int:
        return self.steps * intensity.STEP_DAYS

    @property
    def first_day(self) -> date:
        return self.to + timedelta(days=1 - self.days)

    @property
    def yearly(self) -> float:
        return self.crimes_a_year or float(min(300_000, max(60_000, self.people)))


@dataclass
class InventedForce:
    """Everything that was made up, before it is cut into deliveries."""

    plan: Plan
    county: county.County
    intensity: intensity.Intensity
    volume: np.ndarray
    crimes: pl.DataFrame
    activity: pl.DataFrame
    people: people.InventedPeople
    careers: careers.Careers
    charges: pl.DataFrame
    duplicates: pl.DataFrame
    mixed: pl.DataFrame
    circumstances: pl.DataFrame
    deletions: pl.DataFrame
