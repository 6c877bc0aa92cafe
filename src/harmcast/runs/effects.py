"""The effects of a load: what it does to the meaning of what is held, counted before anything is named in the ledger.

    after           each table as it would be once the load counts      after
    counted         weeks, codes, links, people, deletions              _matched ... _deletions
    judged          pure functions over those counts                    feed.effects
    as before       what a person accepted with the load before         carried_over

A refusal stops the load; what is held makes it wait for a person.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Sequence
from dataclasses import replace
from datetime import date, datetime, timedelta
from zoneinfo import ZoneInfo

import polars as pl

from harmcast.documents.command_result import CommandResult
from harmcast.documents.comparison import lines as comparison_lines
from harmcast.documents.effects import Effect, lines
from harmcast.documents.plain import PlainRecord
from harmcast.errors import Fault, FeedRefused, RunStopped
from harmcast.feed.effects import codes, counted, dates, people, places, references
from harmcast.gaps import missing
from harmcast.people import charges as people_charges
from harmcast.people import harm, offences
from harmcast.places.counts import matches
from harmcast.runs import moves
from harmcast.runs import people as people_run
from harmcast.runs.received import Work, is_whole
from harmcast.settings import PeopleTool, PlacesTool
from harmcast.store import deliveries, loads
from harmcast.store.state import State
from harmcast.store.users import Actor
from harmcast.tables import CHARGES, CIRCUMSTANCES_TABLE, CRIMES, PERSONS

WEEKS = 57  # the last week, and the 56 that it and the last four are compared with
RECORDED = {CRIMES.name: "recorded_at", CHARGES.name: "charged_on"}
FOUR_WEEKS = timedelta(days=28)
ANOTHER_DAYS = 31  # no correction moves a crime by more, and its place too
VALUE_EXTRA = 0.5  # a value of a definition is one of many: its bound is this much wider than that of a whole definition
LOADING = Actor("system", "The load", (("operator", None),))
GROWN = 1.25  # a held effect that a person accepted is noted again until it has grown by so much


# -- the whole ---------------------------------------------------------------------------------------


def effects_of(state: State, work: Work, actor: Actor = LOADING) -> list[Effect]:
    """Every effect of a delivery that was read and compared, and is not named yet. `actor`: who loads it, for the log."""
    return carried_over(looked_at(Seen(state, work, actor)), loads.newest_accepted(state.operations))


def looked_at(seen: Seen) -> list[Effect]:
    """Every check of what is seen."""
    state, work = seen.state, seen.work
    found = [*_time(seen), *_without_rows(seen)]
    for look in (_keys, _older, _links, _copied, _deletions, _resolution, _placeholders, _bare_codes):
        found += look(seen)
    if CRIMES.name in work.new:
        for look in (_matched, _gaps, _incident, _one_point, _off_area):
            found += look(seen)
    tool = state.settings.people_tool
    if tool is not None and (CHARGES.name in work.new or PERSONS.name in work.new):
        found += [*_weights(seen, tool), *_people(seen, tool), *_births(seen)]
    for table in RECORDED:
        if table in work.new:
            found += _unknown_codes(seen, table)
            found += _classes(seen, table)
            found.append(counted.volume(table, seen.weekly(table), seen.deviations))
    return found


def refuse(effects: Sequence[Effect]) -> None:
    """Raises FeedRefused (`effects_refused`) with every effect that refuses a delivery."""
    found = [effect for effect in effects if effect.verdict == "refuse"]
    if not found:
        return
    raise FeedRefused(
        f"The delivery was not understood: {len(found)} effect(s) refuse it.",
        code="effects_refused",
        faults=tuple(Fault(f"effect_{e.check}", e.scope, next_step=f"{e.says} {e.next_step}") for e in found),
        next_step="Nothing was loaded; the last good week stands. Mend the extract or the mapping and load again.",
        more={"effects": [effect.document() for effect in effects]},
    )


def carried_over(effects: Sequence[Effect], before: loads.Load | None) -> list[Effect]:
    """Effects that a person has accepted with the load before are noted, not held again, until they grow."""
    accepted = {} if before is None else {(e.check, e.scope): e for e in before.effects if e.verdict == "hold" or e.next_step == ACCEPTED}
    found = []
    for effect in effects:
        was = accepted.get((effect.check, effect.scope))
        if effect.verdict == "hold" and effect.people == 1 and was is not None and _beyond(effect) <= GROWN * max(_beyond(was), 1e-9):
            effect = replace(effect, verdict="note", next_step=ACCEPTED)
        found.append(effect)
    return found


ACCEPTED = "None: accepted with an earlier load, and no further out since."


def _beyond(effect: Effect) -> float:
    """How far a value lies outside its bounds."""
    under = effect.low - effect.value if effect.low is not None else 0.0
    over = effect.value - effect.high if effect.high is not None else 0.0
    return max(under, over, 0.0)


# -- what is seen --------------------------------------------------------------------------------------


class Seen:
    """What is held, and what would be once the load counts; each table read once."""

    def __init__(self, state: State, work: Work, actor: Actor = LOADING) -> None:
        self.state, self.work, self.actor = state, work, actor
        self.made_at = work.manifest.made_at
        self.made_on = self.made_at.date()
        self.deviations = state.settings.feed.volume_deviations
        self._before: dict[str, pl.DataFrame] = {}
        self._after: dict[str, pl.DataFrame] = {}
        self._recent: dict[str, pl.DataFrame] = {}

    def before(self, table: str) -> pl.DataFrame:
        """What is held of a table."""
        if table not in self._before:
            self._before[table] = self.state.records.known(table, columns=_wanted(self.state, table))
        return self._before[table]

    def new(self, table: str) -> pl.DataFrame:
        """New versions that the delivery brings, with the columns looked at."""
        if table not in self.work.new:
            return self.before(table).clear()
        rows = self.work.new[table]
        return rows.select([name for name in _wanted(self.state, table) if name in rows.columns])

    def after(self, table: str) -> pl.DataFrame:
        """What would be held of a table once the load counts."""
        if table not in self._after:
            key = [_wanted(self.state, table)[0]]
            going = [self.new(table).select(key), *(gone.select(key) for gone in self.work.tombstones.get(table, []))]
            goes = self.before(table)[key[0]].is_in(pl.concat(going)[key[0]].implode())
            stays = self.before(table).filter(~goes) if goes.any() else self.before(table)  # millions of rows: copied only where some go
            self._after[table] = pl.concat([stays, self.new(table)], how="diagonal_relaxed")
        return self._after[table]

    def recent(self, table: str) -> pl.DataFrame:
        """The table once the load counts, rows recorded in the last 57 weeks, with `back`: how many weeks ago (0: the last)."""
        if table not in self._recent:
            column = pl.col(RECORDED[table])
            day = column.dt.date() if table == CRIMES.name else column
            rows = self.after(table).filter(column >= self.made_on - timedelta(weeks=WEEKS), column < self.made_on)
            if table == CRIMES.name:
                rows = rows.filter(pl.col("status") == "recorded")
            self._recent[table] = rows.with_columns(back=((pl.lit(self.made_on) - day).dt.total_days() - 1) // 7)
        return self._recent[table]

    def weeks_held(self, table: str) -> int:
        """Whole weeks from the first record to the delivery, at most 57."""
        first = self.after(table)[RECORDED[table]].min()
        if first is None:
            return 0
        day = first.date() if isinstance(first, datetime) else first
        return min(WEEKS, (self.made_on - day).days // 7) if isinstance(day, date) else 0

    def weekly(self, table: str) -> list[int]:
        """Rows a week, the newest week first, declared gaps left out."""
        return self.without_gaps(dict(self.recent(table).group_by("back").len().iter_rows()), self.weeks_held(table))

    def by_code(self, table: str) -> dict[str, dict[int, int]]:
        """Rows of the last 57 weeks by offence code and by how many weeks ago."""
        found: dict[str, dict[int, int]] = {}
        for code, back, n in self.recent(table).group_by("offence_code", "back").len().iter_rows():
            found.setdefault(code, {})[back] = n
        return found

    def without_gaps(self, by_back: dict[int, int], weeks: int) -> list[int]:
        starts = [self.made_on - timedelta(weeks=back + 1) for back in range(weeks)]
        gone = missing(self.state.settings.gap_days, starts)
        return [int(by_back.get(back, 0)) for back in range(weeks) if not gone[back]]


def _wanted(state: State, table: str) -> list[str]:
    """The columns looked at of a table, its key first: nothing protected."""
    if table == CRIMES.name:
        named = {key for tool in state.settings.places_tools for where in (tool.where, *tool.leading) for key in where}
        always = ["crime_ref", "offence_code", "happened_from", "recorded_at", "status", "easting_m", "northing_m"]
        return [*always, *sorted(named - set(always))]
    return {
        CHARGES.name: ["charge_ref", "person_ref", "crime_ref", "offence_code", "happened_on", "charged_on", "outcome"],
        PERSONS.name: ["person_ref", "merged_into", "died_on", "review_group", "review_due_on", "changed_at", "unit"],
        CIRCUMSTANCES_TABLE.name: ["person_ref", "kind", "from_on"],
    }[table]


# -- each check's counts ---------------------------------------------------------------------------------


def _time(seen: Seen) -> list[Effect]:
    now = datetime.fromisoformat(seen.state.operations.now()).astimezone(ZoneInfo(seen.state.settings.force.timezone)).replace(tzinfo=None)
    newest = seen.new(CRIMES.name)["recorded_at"].max()
    return dates.time(seen.made_at, now, newest if isinstance(newest, datetime) else None)


HELD_TABLES = (CRIMES.name, CHARGES.name, PERSONS.name, CIRCUMSTANCES_TABLE.name)


def _without_rows(seen: Seen) -> list[Effect]:
    empty = [count.table for count in seen.work.counts.values() if count.received == 0 and count.table in HELD_TABLES]
    past = loads.rows_received(seen.state.operations) if empty else {}
    return [
        counted.without_rows(table, held, _deletes_absent(seen, table), past.get(table, ()), seen.deviations)
        for table in empty
        if (held := seen.before(table).height)
    ]


def _deletes_absent(seen: Seen, table: str) -> bool:
    """Whether what is absent counts as deleted: never of an extract older than one that is held, which changes nothing."""
    return is_whole(seen.work, table) and seen.work.manifest.made_at >= (deliveries.newest_made_at(seen.state.operations, table) or datetime.min)


def _keys(seen: Seen) -> list[Effect]:
    found = []
    most = seen.state.settings.feed.repeated_max_share
    for table, differ in ((CRIMES.name, _crime_is_another), (CHARGES.name, _charge_is_another)):
        if table in seen.work.counts:
            count = seen.work.counts[table]
            key = _wanted(seen.state, table)[0]
            both = seen.new(table).join(seen.before(table), on=key, how="inner", suffix=" held")
            replaced = both.filter(differ()).height
            is_meant = table in seen.work.checked and seen.work.checked[table].keep == "first"
            repeated = count.notes.get("key_repeated", 0)
            found += references.keys(table, count.rows, repeated, replaced, most, is_meant=is_meant)
    return found + [_noughts(seen, table) for table in (CRIMES.name, CHARGES.name, PERSONS.name) if table in seen.work.counts]


def _noughts(seen: Seen, table: str) -> Effect:
    key, held = _wanted(seen.state, table)[0], seen.before(table)
    bare = pl.col(key).str.replace(r"^0+(\d)", "$1")
    fresh = seen.new(table).select(key).join(held, on=key, how="anti").select(bare)
    led = held.filter(pl.col(key).str.starts_with("0")).select(bare)  # often none of millions
    found = pl.concat([fresh.join(rows, on=key, how="semi") for rows in (held, led)]) if fresh.height else fresh
    return references.noughts(table, found.height, seen.new(table).height)


def _older(seen: Seen) -> list[Effect]:
    counts = [seen.work.counts[table] for table in (CRIMES.name, CHARGES.name, PERSONS.name) if table in seen.work.counts]
    return [references.older(count.table, count.notes.get("changed_at_older", 0), count.rows) for count in counts]


def _crime_is_another() -> pl.Expr:
    days = (pl.col("happened_from").dt.date() - pl.col("happened_from held").dt.date()).dt.total_days().abs()
    place = ((pl.col("easting_m") - pl.col("easting_m held")).abs() > 1) | ((pl.col("northing_m") - pl.col("northing_m held")).abs() > 1)
    is_another = (pl.col("offence_code") != pl.col("offence_code held")) | (days > ANOTHER_DAYS)  # a force may know one code alone
    return (days > 0) & place.fill_null(True) & is_another


def _charge_is_another() -> pl.Expr:
    return (
        (pl.col("happened_on") != pl.col("happened_on held"))
        & (pl.col("person_ref") != pl.col("person_ref held"))
        & (pl.col("offence_code") != pl.col("offence_code held"))
    )


LINKS = (
    (CHARGES.name, "crime_ref", CRIMES.name, "crime_ref"),
    (CHARGES.name, "person_ref", PERSONS.name, "person_ref"),
    (PERSONS.name, "merged_into", PERSONS.name, "person_ref"),
)


def _links(seen: Seen) -> list[Effect]:
    found = []
    for table, column, other, key in LINKS:
        if table not in seen.work.new or (other == CRIMES.name and not seen.state.settings.places_tools):
            continue
        news, held = (rows.select(column).drop_nulls() for rows in (seen.new(table), seen.before(table)))
        named = pl.concat([news.with_columns(is_new=pl.lit(True)), held.with_columns(is_new=pl.lit(False))])
        there = seen.after(other).select(pl.col(key).alias(column)).join(named, on=column, how="semi")  # few of millions
        is_new = named.join(there, on=column, how="anti")["is_new"]
        missing = [int(is_new.sum()), int((~is_new).sum())]
        scope = f"{table} {column}"
        found.append(references.links(scope, missing[0], news.height, missing[1], held.height, seen.deviations))
        if column == "crime_ref":
            refs = seen.after(table)[column].drop_nulls()
            most = [*refs.value_counts()["count"].top_k(2).sort(descending=True), 0, 0]
            found.append(references.gathered(scope, most[0], most[1], len(refs)))
    return found


def _copied(seen: Seen) -> list[Effect]:
    if CHARGES.name not in seen.work.new or seen.state.settings.harm.one_event != "crime_or_day":
        return []
    alike, news = ["person_ref", *people_charges.ALIKE], seen.new(CHARGES.name)
    unlinked = news.filter(pl.col("crime_ref").is_null())
    linked = seen.after(CHARGES.name).drop_nulls("crime_ref").join(unlinked, on=alike, how="semi")
    linked = linked.group_by(alike).agg(pl.col("crime_ref").n_unique()).filter(pl.col("crime_ref") == 1)
    return [references.copied(unlinked.join(linked, on=alike, how="semi").height, news.height)]


def _resolution(seen: Seen) -> list[Effect]:
    rows = seen.new(CRIMES.name)
    if rows.is_empty():
        return []

    def by_day(column: str) -> list[int]:
        return rows[column].dt.day().value_counts()["count"].to_list()

    times = rows["happened_from"].dt.time().value_counts(sort=True)["count"].head(2).to_list()
    return dates.resolution(CRIMES.name, by_day("happened_from"), by_day("recorded_at"), times)


WORDS = {
    "birth_placeholder": ("persons born_on", "births of {n} rows read are dates that systems write for none (1 January 1900, 31 December 9999 and the like) and count as unknown"),
    "birth_shared": ("persons born_on shared", "births of {n} rows read are a day that far more people share than any usual day and count as unknown; births are personal, so the day is not told"),
    "birth_unlikely": ("persons age at a charge", "births of {n} rows read lie after a charge, or make an age under 10 or over 100 at one, and count as unknown"),
    "happened_placeholder": ("charges happened_on", "offence dates of {n} rows read stand for unknown; the day of the charge stands in"),
}


def _placeholders(seen: Seen) -> list[Effect]:
    found = []
    for count in seen.work.counts.values():
        for note, (scope, words) in WORDS.items():
            if scope.startswith(count.table):
                found.append(dates.placeholders(scope, count.notes.get(note, 0), count.rows - count.quarantined, words))
    return found


def _bare_codes(seen: Seen) -> list[Effect]:
    return [codes.undecided(table, each.codes.get("undecided", {}), each.received) for table, each in seen.work.checked.items() if table in RECORDED]


def _unknown_codes(seen: Seen, table: str) -> list[Effect]:
    """Of the Home Office's codes alone: another system's are known to nobody here."""
    if seen.state.settings.force.offence_codes != "home_office":
        return []
    news, held = seen.new(table)["offence_code"], seen.before(table)["offence_code"]
    rows = held.value_counts()
    before = int(rows.filter(pl.col("offence_code").is_in([*offences.unknown(rows["offence_code"])]))["count"].sum())
    return [codes.unknown(table, offences.unknown(news), len(news), before, len(held), seen.deviations)]


def _matched(seen: Seen) -> list[Effect]:
    """Weekly counts of each definition, of each of its values and of each leading series."""
    tools = seen.state.settings.places_tools
    recent = seen.recent(CRIMES.name)
    columns = recent.columns
    series = [one for tool in tools for one in _series(tool) if all(key in columns for key in one[1])]
    lacking = [
        Effect("matched", f"{tool.name} {key}", 0, None, None, "hold", "Map the column, or change the tool's `where`.", "no crime has this column.")
        for tool in tools for key in tool.where if key not in columns
    ]  # fmt: skip
    weeks = seen.weeks_held(CRIMES.name)
    used = {key for _, where, _ in series for key in where}
    alike = recent.group_by("back", *sorted(used)).len("in all")  # few rows of many crimes
    effects = lacking
    for scope, where, whole in series:
        by_back = dict(alike.filter(matches(where, columns)).group_by("back").agg(pl.col("in all").sum()).iter_rows())
        deviations = seen.deviations + (0 if whole else VALUE_EXTRA)
        weekly, in_all = seen.without_gaps(by_back, weeks), sum(by_back.values())
        effects.append(counted.matched(scope, weekly, deviations, whole_tool=whole, in_all=in_all))
    for tool in tools:
        wanted = tool.where.get("offence_code", [])
        classes = {value.split("/")[0] for value in wanted}
        if wanted:
            weekly_of = {name: seen.without_gaps(backs, weeks) for name, backs in seen.by_code(CRIMES.name).items() if name.split("/")[0] in classes}
            effects += codes.recoded(tool.name, wanted, weekly_of, seen.deviations)
    return effects


def _classes(seen: Seen, table: str) -> list[Effect]:
    """Offence classes, the first part of a code, of which the newest weeks hold none at all."""
    by_class: dict[str, Counter[int]] = {}
    for code, backs in seen.by_code(table).items():
        by_class.setdefault(code.split("/")[0], Counter()).update(backs)
    weeks, deviations = seen.weeks_held(table), seen.deviations + VALUE_EXTRA
    weekly = {name: seen.without_gaps(backs, weeks) for name, backs in by_class.items()}
    since = {name: seen.made_on - timedelta(weeks=min(backs)) for name, backs in by_class.items()}
    return codes.gone(table, weekly, since, deviations)


def _series(tool: PlacesTool) -> list[tuple[str, dict[str, list[str]], bool]]:
    """Scope, filter and whether it is the whole definition."""
    values = [
        (f"{tool.name} {key} {value}", {**tool.where, key: [value]}, False) for key, listed in tool.where.items() if len(listed) > 1 for value in listed
    ]
    leading = [(f"{tool.name} leading {number}", where, False) for number, where in enumerate(tool.leading, 1)]
    return [(tool.name, tool.where, True), *values, *leading]


def _gaps(seen: Seen) -> list[Effect]:
    days = seen.after(CRIMES.name).group_by(day=pl.col("recorded_at").dt.date()).len()
    first = days["day"].min()
    if not isinstance(first, date):
        return []
    monday = first + timedelta(days=(7 - first.weekday()) % 7)
    end = seen.made_on - timedelta(days=seen.made_on.weekday())
    mondays = [monday + timedelta(weeks=k) for k in range(max(0, (end - monday).days // 7))]
    by_week = dict(days.group_by(pl.col("day").dt.truncate("1w")).agg(pl.col("len").sum()).iter_rows())
    return dates.gaps(mondays, [by_week.get(day, 0) for day in mondays], seen.state.settings.gap_days)


def _incident(seen: Seen) -> list[Effect]:
    def largest(rows: pl.DataFrame, where: dict[str, list[str]]) -> int:
        if any(key not in rows.columns for key in where):
            return 0
        placed = rows.filter(matches(where, rows.columns)).drop_nulls("easting_m")
        metre = [pl.col(axis).round(mode="half_away_from_zero") for axis in ("easting_m", "northing_m")]
        return int(placed.group_by(*metre, pl.col("happened_from").dt.date()).len().select(pl.col("len").max()).item() or 0)

    since = seen.made_on - timedelta(weeks=WEEKS)
    held = seen.before(CRIMES.name).filter(pl.col("recorded_at") >= since)
    return [places.incident(tool.name, largest(seen.new(CRIMES.name), tool.where), largest(held, tool.where)) for tool in seen.state.settings.places_tools]


def _one_point(seen: Seen) -> list[Effect]:
    placed = seen.recent(CRIMES.name).drop_nulls(["easting_m", "northing_m"]).select("easting_m", "northing_m")
    if placed.is_empty():
        return []
    most = placed.group_by("easting_m", "northing_m").len().filter(pl.col("len") == pl.col("len").max()).sort("easting_m", "northing_m", descending=True).row(0)
    square = " ".join(f"{axis}{int(metres // 1000) * 1000}" for axis, metres in zip("EN", most[:2], strict=True))
    return [places.one_point(most[2], placed.height, square)]


def _off_area(seen: Seen) -> list[Effect]:
    if seen.state.file("force.boundary") is None:
        return []
    off = seen.work.counts[CRIMES.name].notes.get("off_area", 0)
    return [places.off_area(off, seen.work.checked[CRIMES.name].placed, seen.state.settings.feed.off_area_max_share)]


def _weights(seen: Seen, tool: PeopleTool) -> list[Effect]:
    index, _ = people_run.index_of(seen.state, tool)
    is_late = pl.col("charged_on") >= seen.made_on - FOUR_WEEKS
    charges = seen.after(CHARGES.name).group_by("offence_code").agg(charges=pl.len(), lately=is_late.sum())
    found = charges.join(harm.weights_of(charges["offence_code"], index).select("offence_code", "filled"), on="offence_code", how="left")
    by_code = dict(found.filter(pl.col("filled") == "missing").select("offence_code", "charges").iter_rows())
    return codes.weights(tool.name, _by_fill(found, "charges"), _by_fill(found, "lately"), by_code, seen.deviations)


def _by_fill(codes: pl.DataFrame, count: str) -> dict[str, int]:
    return dict(codes.group_by("filled").agg(pl.col(count).sum()).iter_rows())


def _people(seen: Seen, tool: PeopleTool) -> list[Effect]:
    counts, inside = moves.joined_and_left(seen.before, seen.after, seen.made_on, seen.state.settings.retention.group_years)
    was_in = len(inside)
    counts["changed"] = moves.rewritten(seen.new(CHARGES.name), seen.before(CHARGES.name))
    judged_by = moves.rules_and_cuts(seen.state, tool) if was_in else None
    if judged_by is not None:
        counts |= moves.bands_moved(seen.before, seen.after, _touched(seen), seen.made_on, *judged_by)
    found = []
    new_people = seen.work.new.get(PERSONS.name)
    if was_in and new_people is not None and "born_on" in new_people.columns:
        ages, births = moves.births_moved(seen.state, new_people, inside, seen.made_on, seen.actor)
        counts |= ages
        known = new_people.select("person_ref").join(seen.before(PERSONS.name), on="person_ref", how="semi").height
        found = people.births_changed(births.changed, births.exchanged, known + seen.work.counts[PERSONS.name].unchanged)
    past = loads.past_values(seen.state.operations, "people")
    return found + [people.people(tool.name, move, count, was_in, past.get(f"{tool.name} {move}", ()), seen.deviations) for move, count in counts.items()]


def _births(seen: Seen) -> list[Effect]:
    """How many of the people that a load brings have a known date of birth; the dates themselves are not looked at."""
    rows = seen.work.new.get(PERSONS.name)
    if rows is None or rows.is_empty():
        return []
    known = rows.height - rows["born_on"].null_count()
    past = loads.past_values(seen.state.operations, "births")
    return [people.births(known, rows.height, past.get("persons born_on", ()), seen.deviations)]


def _touched(seen: Seen) -> pl.Series:
    """References a row of whose comes, goes or is another by the load."""
    charges = seen.before(CHARGES.name)
    going = [gone.select("charge_ref") for gone in seen.work.tombstones.get(CHARGES.name, [])] + [seen.new(CHARGES.name).select("charge_ref")]
    found = [
        charges.join(pl.concat(going), on="charge_ref", how="semi")["person_ref"], seen.new(CHARGES.name)["person_ref"],
        seen.new(PERSONS.name)["person_ref"], seen.new(PERSONS.name)["merged_into"].alias("person_ref").drop_nulls(),
        *(gone["person_ref"] for gone in seen.work.tombstones.get(PERSONS.name, [])),
    ]  # fmt: skip
    return pl.concat(found).unique()


def _deletions(seen: Seen) -> list[Effect]:
    found = []
    before = loads.deleted_since(seen.state.operations, (seen.made_at - FOUR_WEEKS).isoformat())
    for table in (CRIMES.name, PERSONS.name, CHARGES.name):
        gone = sum(frame.height for frame in seen.work.tombstones.get(table, []))
        held = seen.before(table).height
        if gone or held:
            most = seen.state.settings.feed.deleted_max_share
            found.append(people.deletions(table, gone, gone + before.get(table, 0), held, most))
        if table in seen.work.listed:
            found.append(people.listed(table, seen.work.unfound[table], seen.work.listed[table]))
    return found


# -- kept and told ------------------------------------------------------------------------------------------


def effects_of_load(state: State, number: int | None = None) -> CommandResult:
    """The effects kept with a load, and of the one before it: the one named, else the one that waits, else the newest.

    Raises: RunStopped (`load_unknown`, `nothing_loaded`).
    """
    load = loads.numbered(state.operations, number) if number is not None else loads.waiting(state.operations) or loads.newest(state.operations)
    if load is None:
        raise RunStopped("Nothing was ever loaded.", code="nothing_loaded", next_step="harmcast load STATE DELIVERY")
    before = {(e.check, e.scope): e.value for e in loads.effects_before(state.operations, load.number)}
    document: PlainRecord = {
        "load": load.number,
        "delivery_id": load.delivery_id,
        "standing": load.standing,
        "waiting": load.standing == loads.WAITING,
        "why_waits": list(load.why_waits),
        "people_needed": load.needs,
        "effects": [{**effect.document(), "before": before.get((effect.check, effect.scope))} for effect in load.effects],
        "comparison": [table.document() for table in load.comparison],
        "accepted_by": load.accepted_by,
        "accepted_at": load.accepted_at,
        "reason": load.reason,
    }
    said = [f"Load {load.number} ({load.delivery_id}): {load.standing}.", *lines(load.effects)]
    if load.comparison:
        said += ["", "Compare with the force's own published figures:", *comparison_lines(load.comparison)]
    return CommandResult(document, said)
