"""Counts of recorded crimes by unit and week, zeros included, from crimes as known.

One pass of DuckDB over the crimes; what could not be counted is counted apart, so that everything adds up.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field, replace
from datetime import date, timedelta
from functools import cached_property
from typing import Any

import numpy as np
import polars as pl
from numpy.typing import NDArray

from harmcast.errors import SettingsRefused
from harmcast.gaps import Gap, missing
from harmcast.places.grid import Units
from harmcast.places.spreading import spread

Filter = Mapping[str, Sequence[str]]
Counts = NDArray[np.int32]
DAYS_A_WEEK = 7
NEAR_M = (150.0, 300.0, 600.0)
NEAR_AT_MOST = 1000
MOST_VICTIMS = 15
SNAPPED_SHARE, SNAPPED_LEAST = 0.02, 20
_DELAY_WEEKS = 26


@dataclass(frozen=True, eq=False)
class Panel:
    """What a places forecast sees: weekly counts of every unit, all of them before the origin.

    Attributes:
        units: the places.
        origin: first day forecast; week -1 of `weekly` is the seven days before it.
        horizon_weeks: length of a window, weeks.
        weekly: (weeks, units) crimes of the tool, oldest week first, zeros included.
        leading: the same for each other kind of recorded crime, by name; never holds a crime of the tool itself.
        known_share: (weeks,) share of a week's crimes that should be known by now, from the delays seen so far; 1 where
            nothing is ever recorded late.
        account: where every crime of the tool went: counted, without a place, off the area, before the first week.
        near: (weeks, units) by width in metres: the crimes of `weekly`, each spread by a Gaussian around the place where it
            happened (`spreading.spread`). Empty for polygons, whose crimes count as at the unit's centre, and where units hold
            over 1,000 crimes each on average: then their counts say it all.
        incidents: (weeks, units) incidents: crimes of one hour at one point are one (`incidents`); None where each crime is its own.
        sizes: (weeks, 15) incidents of 1 to 15 victims, more counted as 15; empty likewise.
        seen: (weeks, units) whether records are held; None where no week is missing. Counts are 0 where they are not.
    """

    units: Units
    origin: date
    horizon_weeks: int
    weekly: Counts
    leading: dict[str, Counts] = field(default_factory=dict)
    known_share: NDArray[np.float64] = field(default_factory=lambda: np.ones(0))
    account: dict[str, int] = field(default_factory=dict)
    near: dict[float, NDArray[np.float32]] = field(default_factory=dict)
    incidents: Counts | None = None
    sizes: NDArray[np.int64] = field(default_factory=lambda: np.zeros((0, MOST_VICTIMS), dtype=np.int64))
    seen: NDArray[np.bool_] | None = None

    @property
    def events(self) -> Counts:
        """(weeks, units) what tells where and how often crime comes: incidents, or crimes where each is its own."""
        return self.weekly if self.incidents is None else self.incidents

    @property
    def first_day(self) -> date:
        return self.origin - timedelta(days=DAYS_A_WEEK * len(self.weekly))

    @cached_property
    def windows(self) -> Counts:
        """(windows, units) counts of whole windows of `horizon_weeks` that end at the origin, oldest first."""
        return in_windows(self.weekly, self.horizon_weeks)

    @property
    def weekly_total(self) -> NDArray[np.int64]:
        """Crimes of the whole force in each week, oldest first."""
        return np.asarray(self.weekly.sum(axis=1, dtype=np.int64))

    def before(self, origin: date) -> Panel:
        """The panel as it would be at an earlier origin, whole weeks before; takes later knowledge of earlier crimes as it is.

        Raises: ValueError unless the origins are whole weeks apart, the asked one being the earlier.
        """
        days = (self.origin - origin).days
        if days < 0 or days % DAYS_A_WEEK:
            raise ValueError("an earlier origin lies whole weeks before the panel's own")
        weeks = len(self.weekly) - days // DAYS_A_WEEK
        return Panel(
            self.units,
            origin,
            self.horizon_weeks,
            self.weekly[:weeks],
            {name: counts[:weeks] for name, counts in self.leading.items()},
            self.known_share[len(self.known_share) - weeks :] if len(self.known_share) else self.known_share,
            self.account,
            {width: one[:weeks] for width, one in self.near.items()},
            None if self.incidents is None else self.incidents[:weeks],
            self.sizes[:weeks],
            None if self.seen is None else self.seen[:weeks],
        )


def in_windows(weekly: Counts, weeks: int) -> Counts:
    """Sums of `weeks` rows at a time, counted back from the last; a remainder at the start is left out."""
    whole = len(weekly) // weeks
    kept = weekly[len(weekly) - whole * weeks :]
    return np.asarray(kept.reshape(whole, weeks, -1).sum(axis=1, dtype=np.int32))


def matching(where: Filter, columns: Sequence[str]) -> str:
    """SQL condition of a filter: every key must hold, any value of a key will do; an offence class covers its subclasses.

    Raises: SettingsRefused for a key that is no column of the crimes, or has no values.
    """
    parts = []
    for key, values in where.items():
        if key not in columns:
            raise SettingsRefused(f"A filter names the column {key}, which the crimes do not have.", code="where_column")
        if not values:
            raise SettingsRefused(f"A filter gives no values for {key}.", code="where_values")
        column = f'CAST("{key}" AS VARCHAR)'
        exact = ", ".join(_text(value) for value in values)
        condition = f"{column} IN ({exact})"
        classes = [value for value in values if key == "offence_code" and "/" not in value]
        if classes:
            own_class, wanted = f"split_part({column}, '/', 1)", ", ".join(_text(value) for value in classes)
            condition += f" OR {own_class} IN ({wanted})"
            letter = f"length({own_class}) = 4 AND right({own_class}, 1) BETWEEN 'A' AND 'Z'"  # 008N is of class 008
            condition += f" OR ({letter} AND left({own_class}, 3) IN ({wanted}))"
        parts.append(f"({condition})")
    return " AND ".join(parts) if parts else "TRUE"


def matches(where: Filter) -> pl.Expr:
    """`matching` as an expression over a frame of crimes: the same crimes."""
    parts = [pl.lit(True)]
    for key, values in where.items():
        column = pl.col(key).cast(pl.String)
        hit = column.is_in(list(values))
        if key == "offence_code":
            own_class, classes = column.str.split("/").list.first(), [value for value in values if "/" not in value]
            hit |= own_class.is_in(classes) | (own_class.str.contains(r"^...[A-Z]$") & own_class.str.head(3).is_in(classes))
        parts.append(hit.fill_null(False))
    return pl.all_horizontal(parts)


def panel(
    crimes: Any,
    units: Units,
    where: Filter,
    leading: Sequence[Filter] | Mapping[str, Filter],
    origin: date,
    horizon_weeks: int = 4,
    *,
    known_at: date | None = None,
    first_day: date | None = None,
    gaps: Sequence[Gap] = (),
) -> Panel:
    """Weekly counts of each unit before the origin, from crimes as known.

    A crime counts in the week of its `happened_from`, if it is not cancelled. A crime in both the tool and a leading kind
    counts in the tool alone.

    Args:
        crimes: Polars frame, Arrow table or DuckDB relation with the columns of tables.CRIMES that the filters name, and
            happened_from, easting_m, northing_m; status, recorded_at and known_on are used where present.
        units: the places.
        where, leading: filters (keys AND, values OR); leading ones in a list are named by what they say.
        origin: first day forecast; nothing that happened on it or later is read.
        horizon_weeks: length of a window, weeks.
        known_at: count only what was known at the end of that day (`known_on` at most it); None: all of it.
        first_day: first day of the history; None: the day the records begin (the first `recorded_at` or happening).
        gaps: days without records, by area: weeks they touch are missing, never zero.
    Returns: the panel; `account` says where every crime of the tool went.
    Raises: SettingsRefused for a filter that names no column, or a history shorter than one window.
    """
    relation, columns = _relation(crimes)
    named = _named(leading)
    own = matching(where, columns)
    kinds = [f"CASE WHEN {own} THEN 1 ELSE 0 END"]
    kinds += [
        f"CASE WHEN ({matching(one, columns)}) AND NOT coalesce({own}, FALSE) THEN {2 << k} ELSE 0 END"
        for k, one in enumerate(named.values())
    ]
    begins = first_day or _first_day(relation, columns, origin, known_at)
    weeks = (origin - begins).days // DAYS_A_WEEK
    if weeks < horizon_weeks:
        raise SettingsRefused("The history before the origin is shorter than one window.", code="history_too_short")
    keep = ["happened_from < DATE " + _text(origin.isoformat())]
    if "status" in columns:
        keep.append("coalesce(status, 'recorded') <> 'cancelled'")
    if known_at is not None:
        keep.append("known_on <= DATE " + _text(known_at.isoformat()))
    place = (
        f"CAST(floor(easting_m / {units.side_m!r}) AS BIGINT) AS a, CAST(floor(northing_m / {units.side_m!r}) AS BIGINT) AS b"
        if units.side_m is not None
        else "CAST(easting_m AS DOUBLE) AS a, CAST(northing_m AS DOUBLE) AS b"
    )
    back = f"CAST((DATE {_text(origin.isoformat())} - CAST(happened_from AS DATE) - 1) // {DAYS_A_WEEK} AS INTEGER)"
    sql = (
        f"SELECT a, b, back, kind, count(*)::INTEGER AS n FROM (SELECT {place}, {back} AS back, "
        f"({' + '.join(kinds)})::INTEGER AS kind FROM crimes WHERE {' AND '.join(keep)}) WHERE kind > 0 GROUP BY ALL"
    )
    found = relation.query("crimes", sql).pl()
    counts, account = _spread(found, units, weeks, len(named))
    shares = _known_share(relation, columns, own, keep, origin, weeks, known_at)
    chosen = f"({own}) AND {' AND '.join(keep)}"
    seen = _seen(gaps, units, origin - timedelta(days=DAYS_A_WEEK * weeks), weeks)
    if seen is not None:
        counts = [one * seen for one in counts]
    made = Panel(units, origin, horizon_weeks, counts[0], dict(zip(named, counts[1:], strict=True)), shares, account, seen=seen)
    if int(counts[0].sum(dtype=np.int64)) > NEAR_AT_MOST * len(units):
        return made
    return _with_incidents(made, incidents(relation.query("crimes", f"SELECT *, {back} AS back FROM crimes WHERE {chosen}")))


def incidents(crimes: Any) -> pl.DataFrame:
    """Incidents of one tool's crimes: those of the same hour (day, where no hour is given) at the same point to the metre.

    At a point with over 2% of all incidents, to which places were snapped, only crimes with an hour are taken together. The Home
    Office counts one crime a victim, so the crimes of an incident are its victims.

    Args:
        crimes: DuckDB relation with happened_from, easting_m, northing_m and `back`, the weeks before the last.
    Returns: easting_m, northing_m, back, victims, copies (how many incidents the row stands for); without a place left out; in order of
        back (oldest first) and place.
    """
    sql = (
        "SELECT easting_m::DOUBLE AS easting_m, northing_m::DOUBLE AS northing_m, back, date_trunc('hour', happened_from::TIMESTAMP) AS hour, "
        "count(*) AS n, count(*) FILTER (happened_from::TIMESTAMP = date_trunc('day', happened_from::TIMESTAMP)) AS timeless "
        "FROM crimes WHERE easting_m IS NOT NULL AND northing_m IS NOT NULL GROUP BY easting_m, northing_m, back, hour "
        "ORDER BY back DESC, easting_m, northing_m, hour"
    )
    found: pl.DataFrame = crimes.query("crimes", sql).pl()
    is_snapped = (pl.len().over("easting_m", "northing_m") > SNAPPED_SHARE * len(found)) & (pl.len().over("easting_m", "northing_m") >= SNAPPED_LEAST)
    alone = pl.when(is_snapped & (pl.col("timeless") == pl.col("n")))
    return found.select("easting_m", "northing_m", "back", victims=alone.then(1).otherwise("n"), copies=alone.then("n").otherwise(1))


def _with_incidents(panel: Panel, found: pl.DataFrame) -> Panel:
    """The panel with its incidents, and for squares with each spread around the place where it happened, by each width."""
    units, weeks = panel.units, len(panel.weekly)
    easting, northing = found["easting_m"].to_numpy(), found["northing_m"].to_numpy()
    week = weeks - 1 - found["back"].to_numpy().astype(np.int64)
    at = np.where(week >= 0, units.place(easting, northing), -1)
    some = at >= 0
    if panel.seen is not None:
        some[some] = panel.seen[week[some], at[some]]
    easting, northing, week, at = easting[some], northing[some], week[some], at[some]
    victims, copies = (found[name].to_numpy().astype(np.int64)[some] for name in ("victims", "copies"))
    near = {width: spread(units, easting, northing, week, copies, weeks, width) for width in NEAR_M} if units.is_square else {}
    if (victims == 1).all():
        return replace(panel, near=near)
    dense = np.bincount(week * len(units) + at, weights=copies, minlength=weeks * len(units)).reshape(weeks, len(units))
    code = week * MOST_VICTIMS + np.minimum(victims, MOST_VICTIMS) - 1
    sizes = np.bincount(code, weights=copies, minlength=weeks * MOST_VICTIMS).reshape(weeks, MOST_VICTIMS)
    return replace(panel, near=near, incidents=dense.astype(np.int32), sizes=sizes.astype(np.int64))


def _seen(gaps: Sequence[Gap], units: Units, first: date, weeks: int) -> NDArray[np.bool_] | None:
    """(weeks, units) whether records are held of a unit's area in a week; None where all are."""
    starts = [first + timedelta(days=DAYS_A_WEEK * k) for k in range(weeks)]
    by_area = {area: ~np.array(missing(gaps, starts, area)) for area in set(units.areas)} if gaps else {}
    seen = np.stack([by_area[area] for area in units.areas], axis=1) if by_area else np.ones((0, 0), dtype=bool)
    return None if seen.all() else seen


def _spread(found: pl.DataFrame, units: Units, weeks: int, kinds: int) -> tuple[list[Counts], dict[str, int]]:
    """Dense weekly counts of the tool and of each leading kind, and the account of the tool's crimes."""
    bits, n = found["kind"].to_numpy(), found["n"].to_numpy()
    placed = found.select((pl.col("a").is_not_null() & pl.col("b").is_not_null()).alias("p"))["p"].to_numpy()
    at = np.full(len(found), -1, dtype=np.int64)
    some = found.filter(pl.Series(placed))
    where = units.place_lattice if units.is_square else units.place
    if len(some):
        at[placed] = where(some["a"].to_numpy(), some["b"].to_numpy())
    week = weeks - 1 - found["back"].to_numpy().astype(np.int64)
    early = week < 0
    dense = []
    for k in range(kinds + 1):
        one = ((bits >> k) & 1).astype(bool) & (at >= 0) & ~early
        flat = np.bincount(week[one] * len(units) + at[one], weights=n[one], minlength=weeks * len(units))
        dense.append(flat.reshape(weeks, len(units)).astype(np.int32))
    own = (bits & 1).astype(bool)
    account = {
        "matching": int(n[own].sum()),
        "counted": int(n[own & (at >= 0) & ~early].sum()),
        "without_place": int(n[own & ~placed].sum()),
        "off_the_area": int(n[own & placed & (at < 0)].sum()),
        "before_first_week": int(n[own & (at >= 0) & early].sum()),
    }
    return dense, account


def _known_share(
    relation: Any, columns: Sequence[str], own: str, keep: list[str], origin: date, weeks: int, known_at: date | None
) -> NDArray[np.float64]:
    """Share of each week's crimes that is known by the origin, from the delays of crimes half a year to two and a half years old.

    Source: reverse-time hazards of the delay as in Lawless (1994), Canadian Journal of Statistics 22, 15-31, in its
    simplest form: delays of crimes old enough that nearly all are known.
    """
    shares = np.ones(weeks)
    if "recorded_at" not in columns:
        return shares
    settled = _DELAY_WEEKS * DAYS_A_WEEK
    delay = "(CAST(recorded_at AS DATE) - CAST(happened_from AS DATE))"
    day = "DATE " + _text(origin.isoformat())
    age = f"({day} - CAST(happened_from AS DATE))"
    sql = (
        f"SELECT least(greatest({delay}, 0), {settled})::INTEGER AS delay, count(*)::INTEGER AS n FROM crimes WHERE {own} "
        f"AND {' AND '.join(keep)} AND {age} BETWEEN {settled} AND {settled + 730} GROUP BY ALL"
    )
    found = relation.query("crimes", sql).pl()
    total = int(found["n"].sum() or 0)
    if total < 50:
        return shares
    by_delay = np.zeros(settled + 1)
    by_delay[found["delay"].to_numpy()] = found["n"].to_numpy()
    known = np.cumsum(by_delay) / total
    for back in range(min(weeks, _DELAY_WEEKS)):
        days = np.arange(back * DAYS_A_WEEK, (back + 1) * DAYS_A_WEEK)
        shares[weeks - 1 - back] = known[days].mean()
    return shares


def _relation(crimes: Any) -> tuple[Any, list[str]]:
    import duckdb

    if isinstance(crimes, duckdb.DuckDBPyRelation):
        return crimes, list(crimes.columns)
    connection = duckdb.connect()
    relation = connection.from_arrow(crimes.to_arrow() if isinstance(crimes, pl.DataFrame) else crimes)
    return relation, list(relation.columns)


def _first_day(relation: Any, columns: Sequence[str], origin: date, known_at: date | None) -> date:
    column = "recorded_at" if "recorded_at" in columns else "happened_from"
    asked = f"SELECT min(CAST({column} AS DATE)) FROM crimes"
    if known_at is not None:
        asked += " WHERE known_on <= DATE " + _text(known_at.isoformat())
    found = relation.query("crimes", asked).fetchall()
    return found[0][0] if found and found[0][0] is not None else origin


def _named(leading: Sequence[Filter] | Mapping[str, Filter]) -> dict[str, Filter]:
    if isinstance(leading, Mapping):
        return dict(leading)
    return {"; ".join(f"{key} {' or '.join(one[key])}" for key in sorted(one)): one for one in leading}


def _text(value: object) -> str:
    return "'" + str(value).replace("'", "''") + "'"


def rolling_panels(
    crimes: Any,
    units: Units,
    where: Filter,
    leading: Sequence[Filter] | Mapping[str, Filter],
    origins: Sequence[date],
    horizon_weeks: int = 4,
    *,
    first_day: date | None = None,
    gaps: Sequence[Gap] = (),
) -> tuple[list[Panel], Counts]:
    """What was known at each origin, and what came in the window after it as known now.

    A crime known only after an origin (`known_on` on or after it) is not in that origin's panel, however early it happened.

    Args: as for `panel`; origins oldest first.
    Returns: a panel an origin; (origins, units) crimes of the tool in the window after each.
    """
    relation, columns = _relation(crimes)
    named = _named(leading)
    wanted = " OR ".join(f"({matching(one, columns)})" for one in [where, *named.values()])
    small = relation.query("crimes", f"SELECT * FROM crimes WHERE {wanted}").pl()
    begins = first_day or _first_day(relation, columns, origins[0], None)
    days = horizon_weeks * DAYS_A_WEEK
    panels = []
    for origin in origins:
        known = small.filter(pl.col("known_on") < origin) if "known_on" in columns else small
        panels.append(panel(known, units, where, named, origin, horizon_weeks, first_day=begins, gaps=gaps))
    came = [
        panel(small, units, where, {}, origin + timedelta(days=days), horizon_weeks, first_day=origin).windows[0]
        for origin in origins
    ]
    return panels, np.stack(came)


