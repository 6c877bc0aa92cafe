"""Counts of recorded crimes by unit and week, zeros included, from crimes as known.

What could not be counted is counted apart, so that everything adds up.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field, replace
from datetime import date, timedelta
from functools import cached_property

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
        """(windows, units) counts of whole windows of `horizon_weeks` that end at the origin, oldest first; a remainder at the start is left out."""
        whole = len(self.weekly) // self.horizon_weeks
        kept = self.weekly[len(self.weekly) - whole * self.horizon_weeks :]
        return np.asarray(kept.reshape(whole, self.horizon_weeks, -1).sum(axis=1, dtype=np.int32))

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


def matches(where: Filter, columns: Sequence[str]) -> pl.Expr:
    """Whether a crime passes a filter: every key must hold, any value of a key will do; an offence class covers its subclasses.

    Raises: SettingsRefused for a key that is none of the crimes' columns, or has no values.
    """
    parts = [pl.lit(True)]
    for key, values in where.items():
        if key not in columns:
            raise SettingsRefused(f"A filter names the column {key}, which the crimes do not have.", code="where_column")
        if not values:
            raise SettingsRefused(f"A filter gives no values for {key}.", code="where_values")
        column = pl.col(key).cast(pl.String)
        hit = column.is_in(list(values))
        if key == "offence_code":
            own_class, classes = column.str.split("/").list.first(), [value for value in values if "/" not in value]
            of_letter = own_class.str.contains(r"^...[A-Z]$")  # 008N is of class 008
            hit |= own_class.is_in(classes) | (of_letter & own_class.str.head(3).is_in(classes))
        parts.append(hit.fill_null(False))
    return pl.all_horizontal(parts)


def panel(
    crimes: pl.DataFrame,
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
        crimes: columns of tables.CRIMES that the filters name, and happened_from, easting_m, northing_m; status, recorded_at and
            known_on are used where present.
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
    named = _named(leading)
    own = matches(where, crimes.columns)
    known = crimes.lazy() if known_at is None else crimes.lazy().filter(pl.col("known_on") <= known_at)
    begins = first_day or _first_day(known, origin)
    weeks = (origin - begins).days // DAYS_A_WEEK
    if weeks < horizon_weeks:
        raise SettingsRefused("The history before the origin is shorter than one window.", code="history_too_short")
    days = (origin - pl.col("happened_from").cast(pl.Date)).dt.total_days()
    before = known.filter(days > 0).with_columns(back=(days - 1) // DAYS_A_WEEK)
    if "status" in crimes.columns:
        before = before.filter(pl.col("status").fill_null("recorded") != "cancelled")
    kinds = [own, *(matches(one, crimes.columns) & ~own for one in named.values())]
    place = [pl.col(axis) if units.side_m is None else (pl.col(axis) / units.side_m).floor().cast(pl.Int64) for axis in ("easting_m", "northing_m")]
    kind = pl.sum_horizontal(one.cast(pl.Int32) * (1 << k) for k, one in enumerate(kinds))
    found = before.select(*place, "back", kind=kind).filter(pl.col("kind") > 0).group_by(pl.all()).agg(n=pl.len()).collect()
    counts, account = _spread(found, units, weeks, len(named))
    of_tool = before.filter(own)
    seen = _seen(gaps, units, origin - timedelta(days=DAYS_A_WEEK * weeks), weeks)
    if seen is not None:
        counts = [one * seen for one in counts]
    shares = _known_share(of_tool, origin, weeks)
    made = Panel(units, origin, horizon_weeks, counts[0], dict(zip(named, counts[1:], strict=True)), shares, account, seen=seen)
    if int(counts[0].sum(dtype=np.int64)) > NEAR_AT_MOST * len(units):
        return made
    return _with_incidents(made, incidents(of_tool))


def incidents(crimes: pl.LazyFrame) -> pl.DataFrame:
    """Incidents of one tool's crimes: those of the same hour (day, where no hour is given) at the same point to the metre.

    At a point with over 2% of all incidents, to which places were snapped, only crimes with an hour are taken together. The Home
    Office counts one crime a victim, so the crimes of an incident are its victims.

    Args:
        crimes: happened_from, easting_m, northing_m and `back`, the weeks before the last.
    Returns: easting_m, northing_m, back, victims, copies (how many incidents the row stands for); without a place left out; in order of
        back (oldest first) and place.
    """
    moment = pl.col("happened_from").cast(pl.Datetime("us"))
    keys = [pl.col("back"), pl.col("easting_m").cast(pl.Float64), pl.col("northing_m").cast(pl.Float64), moment.dt.truncate("1h").alias("hour")]
    placed = crimes.drop_nulls(["easting_m", "northing_m"])
    found = placed.group_by(keys).agg(n=pl.len(), timeless=(moment == moment.dt.truncate("1d")).sum()).collect()
    found = found.sort("back", "easting_m", "northing_m", "hour", descending=[True, False, False, False])
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
    placed = (found["easting_m"].is_not_null() & found["northing_m"].is_not_null()).to_numpy()
    at = np.full(len(found), -1, dtype=np.int64)
    some = found.filter(placed)
    where = units.place_lattice if units.is_square else units.place
    if len(some):
        at[placed] = where(some["easting_m"].to_numpy(), some["northing_m"].to_numpy())
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


def _known_share(own: pl.LazyFrame, origin: date, weeks: int) -> NDArray[np.float64]:
    """Share of each week's crimes that is known by the origin, from the delays of crimes half a year to two and a half years old.

    Source: reverse-time hazards of the delay as in Lawless (1994), Canadian Journal of Statistics 22, 15-31, in its
    simplest form: delays of crimes old enough that nearly all are known.
    """
    shares = np.ones(weeks)
    if "recorded_at" not in own.collect_schema():
        return shares
    settled = _DELAY_WEEKS * DAYS_A_WEEK
    happened = pl.col("happened_from").cast(pl.Date)
    old = own.filter((origin - happened).dt.total_days().is_between(settled, settled + 730))
    delay = (pl.col("recorded_at").cast(pl.Date) - happened).dt.total_days().clip(0, settled).fill_null(0)
    delays = old.select(delay).collect().to_series()
    if len(delays) < 50:
        return shares
    known = np.cumsum(np.bincount(delays.to_numpy(), minlength=settled + 1)) / len(delays)
    for back in range(min(weeks, _DELAY_WEEKS)):
        days = np.arange(back * DAYS_A_WEEK, (back + 1) * DAYS_A_WEEK)
        shares[weeks - 1 - back] = known[days].mean()
    return shares


def _first_day(known: pl.LazyFrame, origin: date) -> date:
    column = "recorded_at" if "recorded_at" in known.collect_schema() else "happened_from"
    first = known.select(pl.col(column).cast(pl.Date).min()).collect().item()
    return first if isinstance(first, date) else origin


def _named(leading: Sequence[Filter] | Mapping[str, Filter]) -> dict[str, Filter]:
    if isinstance(leading, Mapping):
        return dict(leading)
    return {"; ".join(f"{key} {' or '.join(one[key])}" for key in sorted(one)): one for one in leading}


def rolling_panels(
    crimes: pl.DataFrame,
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
    named = _named(leading)
    small = crimes.filter(pl.any_horizontal(matches(one, crimes.columns) for one in [where, *named.values()]))
    begins = first_day or _first_day(crimes.lazy(), origins[0])
    days = horizon_weeks * DAYS_A_WEEK
    panels = []
    for origin in origins:
        known = small.filter(pl.col("known_on") < origin) if "known_on" in crimes.columns else small
        panels.append(panel(known, units, where, named, origin, horizon_weeks, first_day=begins, gaps=gaps))
    came = [
        panel(small, units, where, {}, origin + timedelta(days=days), horizon_weeks, first_day=origin).windows[0]
        for origin in origins
    ]
    return panels, np.stack(came)


