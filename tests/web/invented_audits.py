"""Audits of the invented releases: real ones of small invented forces, as a weekly run writes them."""

from __future__ import annotations

import zlib
from datetime import date

import numpy as np
import polars as pl
from tests.fairness import charging
from tests.fairness.test_exposure import world

from harmcast.fairness.audit import audit_people, audit_places
from harmcast.fairness.groups import read_groups
from harmcast.fairness.thresholds import Thresholds
from harmcast.fairness.verdicts import Audit
from harmcast.publish import group_impact
from harmcast.publish.release_files import document


def _files(tool: str, found: Audit, title: str, week: str, origin: date) -> dict[str, bytes]:
    said = found.document()
    return {f"{tool}_audit.json": document(said), f"{tool}_audit.html": group_impact.file(said, title, week, origin)}


def of_places(tool: str, title: str, week: str, origin: date, wrong: float = 1.0) -> dict[str, bytes]:
    """Five fifths, of the most deprived of which the map says `wrong` times too little."""
    forecast, outcomes, where = world(3, wrong)
    return _files(tool, audit_places(forecast, outcomes, where, None, Thresholds()), title, week, origin)


def of_people(tool: str, title: str, week: str, origin: date) -> dict[str, bytes]:
    """Chances that hold alike in every group, of which some are too few to say."""
    rng, people = np.random.default_rng(1), 12_000
    persons = charging.protected(rng, people)
    chance = rng.beta(1, 12, people)
    scored = persons.select("person_ref", chance=pl.Series(chance), selected=pl.Series(chance >= np.quantile(chance, 0.95)))
    outcomes = persons.select("person_ref", became=pl.Series(rng.random(people) < chance))
    groups = read_groups(persons, charging.ORIGIN)
    return _files(tool, audit_people(scored, None, groups, outcomes, None, Thresholds(), drawn=lambda key: zlib.crc32(repr(key).encode()) / 2**32), title, week, origin)
