"""A small invented force's state with releases of the contract's shape: enough to see every page, made in a second or two."""

from __future__ import annotations

from datetime import date, timedelta
from pathlib import Path

import numpy as np
import polars as pl
from bench.out_of_shadow import bring_out
from tests.web import invented_audits

from harmcast import tables
from harmcast.oversight.log import Event
from harmcast.oversight.register import Status
from harmcast.publish import release_files as publishing
from harmcast.publish.release_files import PlacesPart, UnitShape
from harmcast.settings import PlacesTool
from harmcast.store import state as states
from harmcast.store import users
from harmcast.store.operations import Operations
from harmcast.store.releases import NewTool
from harmcast.store.state import State
from harmcast.web.passwords import hashed
from harmcast.weeks import Week

SETTINGS = """
[force]
name = "Aldermark Constabulary"
invented = true

[[tools]]
name = "knife_injury"
kind = "places"
title = "Knife crime causing injury"
cell_area_km2 = 1.0
where = { weapon = ["knife"], injury = ["minor", "serious", "fatal"] }

[[tools]]
name = "serious_violence"
kind = "places"
title = "Serious violence"
cell_area_km2 = 0.5
where = { offence_code = ["001", "008/01"] }

[[tools]]
name = "iom"
kind = "people"
title = "Integrated Offender Management"
harm_index = "default"
"""
AREAS = ("Aldermark North", "Brede Valley", "Castle Quarter", "Dunmere", "Eastwold", "Fennick")
NEWEST = Week(date(2026, 11, 16))
SYSTEM = Event("system", "operator", "run", "release_made")


class Ground:
    """Cells of one tool over an oval county, with a mean weekly count each."""

    def __init__(self, side_m: float, total: float, seed: int, across_m: float = 34_000.0) -> None:
        rng = np.random.default_rng(seed)
        steps = int(across_m // side_m)
        east, north = np.meshgrid(np.arange(steps), np.arange(steps))
        e, n = (400_000 + (east.ravel() + 0.5) * side_m), (280_000 + (north.ravel() + 0.5) * side_m)
        middle = (400_000 + across_m / 2, 280_000 + across_m / 2)
        inside = ((e - middle[0]) / (across_m / 2)) ** 2 + ((n - middle[1]) / (across_m / 2.3)) ** 2 <= 1
        self.e, self.n, self.side_m = e[inside], n[inside], side_m
        far = np.full(len(self.e), 1e-3)
        for de, dn, size, weight in (
            (0, 0, 3500, 1.0),
            (6500, 3500, 2200, 0.6),
            (-7500, -3000, 2500, 0.5),
            (2500, -8000, 1800, 0.35),
        ):
            far += weight * np.exp(-(((self.e - middle[0] - de) ** 2 + (self.n - middle[1] - dn) ** 2) / (2 * size**2)))
        weights = far * rng.gamma(0.8, 1.0, len(far))
        self.rate = total / 4 * weights / weights.sum()
        self.cells = [f"E{int(x - side_m / 2)}N{int(y - side_m / 2)}" for x, y in zip(self.e, self.n, strict=True)]
        slice_of = (np.arctan2(self.n - middle[1], self.e - middle[0]) + np.pi) / (2 * np.pi) * len(AREAS)
        self.area = [AREAS[int(k) % len(AREAS)] for k in slice_of]
        self.middle, self.across_m = middle, across_m

    def shape(self) -> UnitShape:
        around = np.linspace(0, 2 * np.pi, 90)
        outline = [
            [
                [self.middle[0] + self.across_m / 2 * np.cos(t), self.middle[1] + self.across_m / 2.3 * np.sin(t)]
                for t in around
            ]
        ]
        spokes = {}
        for k, name in enumerate(AREAS):
            turn = np.linspace(-np.pi + 2 * np.pi * k / len(AREAS), -np.pi + 2 * np.pi * (k + 1) / len(AREAS), 16)
            arc = [
                [self.middle[0] + self.across_m / 2 * np.cos(t), self.middle[1] + self.across_m / 2.3 * np.sin(t)]
                for t in turn
            ]
            spokes[name] = [[list(self.middle), *arc, list(self.middle)]]
        degrees = {
            cell: [
                [
                    [-1.9 + (e - 400_000) / 68_000, 52.4 + (n - 280_000) / 111_000]
                    for e, n in ((x, y), (x + self.side_m, y), (x + self.side_m, y + self.side_m), (x, y))
                ]
            ]
            for cell, x, y in zip(self.cells, self.e - self.side_m / 2, self.n - self.side_m / 2, strict=True)
        }
        return UnitShape("EPSG:27700", self.side_m, outline, spokes, degrees)


def _poisson_range(mean: np.ndarray, level: float = 0.8) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
    from scipy.stats import poisson

    return (
        poisson.ppf((1 - level) / 2, mean).astype(int),
        poisson.ppf((1 + level) / 2, mean).astype(int),
        1 - np.exp(-mean),
    )


def _cells(ground: Ground, tool: PlacesTool, weekly: np.ndarray, at: int, origin: date) -> pl.DataFrame:
    """The forecast at week `at` of the panel: the last 26 windows' mean, a little smoothed."""
    mean = 4 * (weekly[at - 104 : at].mean(axis=0) * 0.8 + 0.2 * ground.rate)
    lower, upper, any_ = _poisson_range(mean)
    order = np.argsort(np.argsort(-mean, kind="stable"), kind="stable") + 1
    return (
        pl.DataFrame(
            {
                "cell": ground.cells,
                "place": [f"{area} {k}: Mill Lane / Northcroft Road (A442)" for k, area in enumerate(ground.area)],
                "area": ground.area,
                "easting_m": ground.e,
                "northing_m": ground.n,
                "origin": [origin] * len(mean),
                "horizon_weeks": [4] * len(mean),
                "expected": mean,
                "lower": lower,
                "upper": upper,
                "dispersion": [0.1] * len(mean),
                "range_level": [0.8] * len(mean),
                "chance_any": any_,
                "chance_top20": np.clip(1.2 - order / 30, 0.001, 0.98),
                "chance_top20_year": np.clip(1.1 - order / 30, 0.001, 0.99),
                "list_group": (np.asarray(order, dtype=int) - 1) // 4 + 1,
                "model": ["count_24m" if origin < date(2026, 9, 1) else "mixture"] * len(mean),
                "baseline_4w": weekly[at - 4 : at].sum(axis=0).astype(float),
                "baseline_last_year": weekly[at - 52 : at - 48].sum(axis=0).astype(float),
                "baseline_52w": weekly[at - 52 : at].sum(axis=0) / 13,
                "baseline_24m": weekly[at - 104 : at].sum(axis=0) / 26,
                "baseline_weeks_seen_4w": [4] * len(mean),
                "baseline_weeks_seen_last_year": [4] * len(mean),
                "baseline_weeks_seen_52w": [52] * len(mean),
                "baseline_weeks_seen_24m": [104] * len(mean),
            }
        )
        .select(tables.FORECAST.names)
        .cast(dict(tables.FORECAST.schema()))
    )


def _areas(cells: pl.DataFrame) -> pl.DataFrame:
    def summed(frame: pl.DataFrame, area: str | None) -> dict[str, object]:
        mean = float(frame["expected"].sum())
        lower, upper, _ = _poisson_range(np.array([mean]))
        sums = {c: float(frame[c].sum()) for c in ("baseline_4w", "baseline_last_year", "baseline_52w", "baseline_24m")}
        return {"area": area, "cells": frame.height, "origin": frame["origin"][0], "horizon_weeks": 4, "expected": mean,
                "lower": int(lower[0]), "upper": int(upper[0]), "range_level": 0.8, **sums}  # fmt: skip

    rows = [summed(cells.filter(pl.col("area") == a), a) for a in AREAS] + [summed(cells, None)]
    return pl.DataFrame(rows, schema=tables.FORECAST_AREAS.schema())


def _weeks(ground: Ground, weekly: np.ndarray, at: int, origin: date) -> pl.DataFrame:
    week, cell = np.nonzero(weekly[at - 156 : at])
    mondays = [origin - timedelta(days=7 * (156 - int(w))) for w in week]
    counts = weekly[at - 156 : at][week, cell]
    return pl.DataFrame(
        {"cell": [ground.cells[c] for c in cell], "week": mondays, "recorded": counts.astype(np.int64)},
        schema=tables.FORECAST_WEEKS.schema(),
    )


def _hits(score: np.ndarray, seen: np.ndarray) -> int:
    return int(seen[np.argsort(-score, kind="stable")[:20]].sum())


def _scores(
    tool: str, ground: Ground, weekly: np.ndarray, at: int, cells: pl.DataFrame, origin: date
) -> list[dict[str, object]]:
    """What came of the window forecast at week `at`: the rows a release of eight weeks later holds."""
    seen = weekly[at : at + 4].sum(axis=0)
    model = str(cells["model"][0])
    inside = float(((seen >= cells["lower"].to_numpy()) & (seen <= cells["upper"].to_numpy())).mean())
    best = int(np.sort(seen)[::-1][:20].sum())
    picks = {model: cells["expected"].to_numpy()}
    for name, column in (
        ("count_4w", "baseline_4w"),
        ("count_last_year", "baseline_last_year"),
        ("count_12m", "baseline_52w"),
        ("count_24m", "baseline_24m"),
    ):
        picks.setdefault(name, cells[column].to_numpy())
    rows = [(name, "hits_top20", float(_hits(score, seen)), "count", "higher") for name, score in picks.items()]
    rows += [
        ("foresight", "hits_top20", float(best), "count", "higher"),
        (model, "total", float(seen.sum()), "offences", "none"),
        (model, "expected_total", float(cells["expected"].sum()), "offences", "none"),
        (model, "inside_printed_range", inside, "share", "none"),
        (model, "expected_inside_printed_range", 0.985, "share", "none"),
    ]
    return [
        {"tool": tool, "model": m, "figure": f, "group": None, "origin": origin, "value": v, "low": None, "high": None,
         "n": int(seen.sum()), "unit": u, "better": b, "reason": None}
        for m, f, v, u, b in rows
    ]  # fmt: skip


def make_state(
    folder: Path,
    releases: int = 22,
    across_m: float = 34_000.0,
    warnings: tuple[str, ...] = ("12 crimes without a place were counted for the force alone.",),
) -> State:
    """A state with `releases` weekly releases of both places tools up to NEWEST, published, registered in use."""
    folder.parent.mkdir(parents=True, exist_ok=True)
    settings = folder.parent / "settings.toml"
    settings.write_text(SETTINGS, encoding="utf-8")
    made = states.create(folder, settings)
    rng = np.random.default_rng(7)
    grounds, panels = {}, {}
    for tool in made.settings.places_tools:
        ground = Ground(tool.side_m or 0, {"knife_injury": 36.0, "serious_violence": 120.0}[tool.name], 3, across_m)
        grounds[tool.name] = ground
        panels[tool.name] = rng.poisson(ground.rate, (104 + 160 + releases, len(ground.rate)))
        register(made, tool.name)
    for k in range(releases):
        week = NEWEST.plus(k - releases + 1)
        at = 104 + 160 + k
        files: dict[str, bytes] = {}
        scores: list[dict[str, object]] = []
        for tool in made.settings.places_tools:
            ground, weekly = grounds[tool.name], panels[tool.name]
            cells = _cells(ground, tool, weekly, at, week.origin)
            fell_back = week.origin < date(2026, 9, 1)
            record = {
                "model": cells["model"][0],
                "fell_back": fell_back,
                "reason": "Over the last 13 windows the 24-month count was better."
                if fell_back
                else "Ours was better over the last 13 windows.",
            }
            part = PlacesPart(tool.name, cells, _areas(cells), ground.shape(), record)
            files |= publishing.places_files(part, _weeks(ground, weekly, at, week.origin))
            if k >= 8:
                then = week.plus(-8)
                before = _cells(ground, tool, weekly, at - 8, then.origin)
                scores += _scores(tool.name, ground, weekly, at - 8, before, then.origin)
        if k == releases - 1:
            for tool in made.settings.places_tools:
                files |= invented_audits.of_places(tool.name, tool.title, str(week), week.origin, {"knife_injury": 1.0}.get(tool.name, 2.5))
        files["scores.parquet"] = publishing.parquet(pl.DataFrame(scores, schema=tables.SCORES.schema()))
        about = {
            "week": str(week),
            "origin": week.origin.isoformat(),
            "as_of": (week.origin - timedelta(days=1)).isoformat(),
            "warnings": list(warnings),
        }
        made.releases.keep(
            str(week),
            publishing.with_manifest(files, about),
            [NewTool(t.name, "published", model="mixture") for t in made.settings.places_tools],
            origin=week.origin,
            as_of=week.origin - timedelta(days=1),
            sequence=1,
            event=SYSTEM,
        )
    return made


def register(state: State, tool: str, status: Status = "in use") -> None:
    bring_out(state, tool, status, date(2025, 1, 6))


def user(
    operations: Operations,
    account: str,
    role: object,
    unit: str | None,
    tools: tuple[str, ...],
    password: str | None = None,
) -> None:
    """An account with one role, trained on `tools`."""
    with operations.writing(Event("system", "administrator", "administration", "user_made")) as tx:
        users.enter(tx, account, account.title(), password_hash=hashed(password) if password else None)
        users.give(tx, account, str(role), unit, "system")
        for tool in tools:
            users.train(
                tx, account, tool, kind="methodology", passed_on=date(2026, 1, 5), by="system", trainer="T. Rainer"
            )
