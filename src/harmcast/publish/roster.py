"""The people of a unit as pages and Qlik read them: one release's people of one unit, with what the unit does with them and what is due.

What was read of a release is kept until another release, load, erasure or decision comes. A key or a reference is only ever
looked up among the asker's own people, so that one of another unit and one that does not exist are the same miss.
"""

from __future__ import annotations

import json
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from datetime import date
from functools import cached_property
from typing import TypedDict, cast

import polars as pl

from harmcast.documents.person import PersonReasons, PersonRow
from harmcast.documents.person_model import KeptModel
from harmcast.oversight.access import Ask, may_see_names
from harmcast.publish import released
from harmcast.publish.released import ReadCache, T
from harmcast.settings import Settings
from harmcast.store import desk, ledger, merges
from harmcast.store.reads import open_work
from harmcast.store.releases import Release
from harmcast.store.state import State
from harmcast.tables import BANDS
from harmcast.weeks import Quarter

CHANGE_RELEASES = 13
PAGE_ROWS = 25
EVERY_UNIT = "\0every unit"  # the scope of all of them together; no unit is called so
SCORES = [
    "person_key",
    "unit",
    "harm",
    "harm_unit",
    "band",
    "band_last_week",
    "chance_high_harm_12m",
    "chance_high_harm_12m_low",
    "chance_high_harm_12m_high",
    "chance_high_harm_24m",
    "chance_high_harm_24m_low",
    "chance_high_harm_24m_high",
]
CHANCE_BANDS: tuple[tuple[float, str], ...] = (  # chances within one of them stand by reference, not by chance
    (0.10, "10 in 100 or more"),
    (0.05, "5 to 10 in 100"),
    (0.02, "2 to 5 in 100"),
    (0.0, "under 2 in 100"),
)
PARTS: dict[int, str] = {
    0: "Moved up, not reviewed yet",
    1: "Review overdue",
    2: "Moved down, not noted yet",
    3: "High and super high",
    **{4 + i: f"Became high harm within 12 months: {says}" for i, (_, says) in enumerate(CHANCE_BANDS)},
    8: "Under management, or no chance given",
    9: "Restricted access",
}
HIGH = ("high", "super high")
_everyone = ReadCache(most=2)
_unit = ReadCache(most=40)
_lists = ReadCache(most=320)
small = ReadCache(most=120)
_names = ReadCache(most=2)


def records_mark(state: State) -> tuple[int, int]:
    """What changes with every load and every erasure."""
    return ledger.mark(state.operations)


def changes(release: Release, tool: str) -> pl.DataFrame:
    """People whose band a release changed: person_key, changed_from, changed_week, changed_at."""

    def make() -> pl.DataFrame:
        return open_work.band_changes(release, tool).select(
            "person_key",
            changed_from="was",
            changed_week=pl.lit(release.name),
            changed_at=pl.lit(release.published_at or release.made_at),
        )

    return small.get((release.manifest_sha256, release.published_at, "changes"), make)


def recent_changes(history: list[Release], tool: str) -> pl.DataFrame:
    """Every change of band in the last 13 releases, oldest first: `changes`."""
    return pl.concat([changes(release, tool) for release in history[-CHANGE_RELEASES:]])


def changes_of(history: list[Release], tool: str, keys: pl.Series) -> pl.DataFrame:
    """Those of these people."""
    return recent_changes(history, tool).join(keys.to_frame("person_key"), on="person_key", how="semi", maintain_order="left")


def circumstances(state: State) -> pl.DataFrame:
    """What units say of people now: person_ref, kind, value, from_on, to_on, source, each person's newest last; read once a load."""
    return small.get(
        (state.root, records_mark(state), "circumstances"), lambda: state.records.circumstances().sort("person_ref", "from_on")
    )


class HeldCircumstance(TypedDict, total=False):
    """What a unit says of one circumstance of a person: its kind and value, from when until when, and who says so."""

    person_ref: str
    kind: str
    value: str | None
    from_on: date | None
    to_on: date | None
    source: str | None


def circumstances_of(state: State, reference: str) -> list[HeldCircumstance]:
    """What units say of one person, the newest last."""
    frame = circumstances(state)

    def make() -> dict[str, tuple[int, int]]:
        counted = frame.group_by("person_ref", maintain_order=True).len().with_columns(first=pl.col("len").cum_sum() - pl.col("len"))
        return {ref: (first, count) for ref, count, first in counted.iter_rows()}

    first, count = small.get((state.root, records_mark(state), "circumstances by person"), make).get(reference, (0, 0))
    return cast(list[HeldCircumstance], frame.slice(first, count).rows(named=True))


def everyone(state: State, history: list[Release], tool: str) -> pl.DataFrame:
    """Everyone of the newest release, whether restricted, and the newest change of band; without name and reference."""
    release = history[-1]

    def make() -> pl.DataFrame:
        people = state.records.known("persons", columns=["person_ref", "restricted", "died_on", "merged_into"])
        into = merges.survivors(people)
        closed = {into[ref] for ref in people.filter("restricted")["person_ref"] if ref in into}  # as restricted as what was merged into it
        people = people.filter(pl.col("died_on").is_null()).with_columns(pl.col("restricted") | pl.col("person_ref").is_in(sorted(closed)))
        held = people.join(state.person_keys(), on="person_ref", how="inner").drop("died_on", "merged_into", "person_ref")
        newest = recent_changes(history, tool).unique("person_key", keep="last", maintain_order=True)  # back in its old band or not
        return (
            release.frame(tool, SCORES)
            .sort("person_key")
            .join(held, on="person_key", how="inner", maintain_order="left")
            .join(newest, on="person_key", how="left", maintain_order="left")
            .with_columns(pl.col("restricted").fill_null(False))
        )

    return _everyone.get((state.root, release.manifest_sha256, release.published_at, records_mark(state)), make)


def names_of(state: State, ask: Ask) -> pl.DataFrame:
    """person_key, person_ref, name of everyone held, for whoever may see them. Raises AccessDenied."""
    if not may_see_names(ask):
        return state.records.names(ask)  # which refuses
    mark = (state.root, records_mark(state))
    return _names.get(mark, lambda: state.records.names(ask).join(state.person_keys(), on="person_ref", how="inner"))


def model_of(state: State, release: Release) -> KeptModel | None:
    """The model that scored a release, as kept; None where it was scored without one."""
    if not release.model:
        return None

    def read() -> KeptModel | None:
        model = state.models.named(str(release.model))
        return model.content() if model else None

    return released.kept.get((state.root, release.model, "model"), read)


def usual_chances(model: KeptModel | None) -> tuple[float | None, list[float]]:
    """The force's usual rate within 12 months, and the card's chances whose group range holds it: no different from usual."""
    base = model.get("base_rate", {}).get("12m") if model else None
    card = model.get("cards", {}).get(model.get("chosen") or "") if model else None
    if base is None or not card:
        return base, []
    lines = [line for line in card["table"] if line.get("p12_group_low") is not None]
    return base, [round(line["p12"], 9) for line in lines if line["p12_group_low"] <= base <= line["p12_group_high"]]


def reasons(release: Release, tool: str, key: str) -> PersonReasons:
    """Why one person was scored as they were, as the release says it; empty if it says nothing."""
    row = release.row_of(tool, key, ("reasons",))
    return cast(PersonReasons, json.loads(row["reasons"])) if row and row["reasons"] else {}


def managed_now(circumstances: pl.DataFrame, today: date) -> pl.DataFrame:
    """person_ref with `managed` (its value), `managed_on`, `managed_source` and `custody`: what holds today."""
    holds = circumstances.filter(
        (pl.col("from_on") <= today) & (pl.col("to_on").is_null() | (pl.col("to_on") >= today))
    )
    managed = holds.filter(pl.col("kind") == "managed").group_by("person_ref").last()
    custody = holds.filter(pl.col("kind") == "custody").group_by("person_ref").last()
    return managed.select(
        "person_ref", managed=pl.col("value").fill_null("yes"), managed_on="from_on", managed_source="source"
    ).join(
        custody.select("person_ref", custody=pl.col("value").fill_null("in custody"), custody_source="source"),
        on="person_ref",
        how="full",
        coalesce=True,
    )


@dataclass(frozen=True)
class Roster:
    """One scope's people in one release. `by_key`, `by_ref`: row of each; nobody else can be looked up.

    Attributes:
        scope: the unit, and whether people without one belong too.
        records: `records_mark` when it was read.
        older: name and reference of records that were merged into one of them, by key.
    """

    release: Release
    frame: pl.DataFrame
    by_key: dict[str, int]
    by_ref: dict[str, int]
    scope: tuple[str | None, bool] = (None, False)
    records: tuple[int, int] = (0, 0)
    older: Mapping[str, tuple[str, str]] = field(default_factory=dict)

    def person(self, key: str) -> PersonRow | None:
        """The row of a key; None for anyone else, known elsewhere or not."""
        place = self.by_key.get(key)
        return None if place is None else cast(PersonRow, self.frame.row(place, named=True))

    @cached_property
    def names(self) -> dict[str, tuple[str, str]]:
        """Name and reference of each, by key, and of the records merged into them."""
        return {**self.older, **_named(self.frame)}

    def key_of(self, reference: str) -> str | None:
        """The key of a reference as the force writes it; None for anyone else, known elsewhere or not."""
        place = self.by_ref.get(reference.strip().upper())
        return None if place is None else str(self.frame["person_key"][place])


def _named(frame: pl.DataFrame) -> dict[str, tuple[str, str]]:
    rows = frame.select("person_key", pl.col("name").fill_null("Name not held"), "person_ref").iter_rows()
    return {key: (name, ref) for key, name, ref in rows}


def roster(
    state: State, history: list[Release], tool: str, unit: str | None, unassigned: bool, today: date, ask: Ask
) -> Roster:
    """The people of one unit, with their names: for whoever may see them.

    Args:
        ask: what is asked for; where it may not hold names, AccessDenied.
        history: published releases, oldest first; the last one is shown.
        unassigned: whether people without a unit belong too: a supervisor's do.
    """
    release, names = history[-1], names_of(state, ask)

    def make() -> Roster:
        own = (pl.col("unit") == unit) if unit is not None else pl.lit(False)
        if unassigned:
            own = own | pl.col("unit").is_null()
        frame = everyone(state, history, tool).filter(own.fill_null(False))
        frame = frame.join(names, on="person_key", how="inner", maintain_order="left")
        frame = frame.join(managed_now(circumstances(state), today), on="person_ref", how="left", maintain_order="left")
        by_key = {key: i for i, key in enumerate(frame["person_key"].to_list())}
        by_ref = {ref.upper(): i for i, ref in enumerate(frame["person_ref"].to_list())}
        older = [key for key, now in merged(state).into.items() if now in by_key]
        return Roster(release, frame, by_key, by_ref, (unit, unassigned), records, _named(names.filter(pl.col("person_key").is_in(older))))

    records = records_mark(state)
    key = (state.root, release.manifest_sha256, release.published_at, records, unit, unassigned, today)
    return _unit.get(key, make)


def pseudonymised(state: State, history: list[Release], tool: str) -> Roster:
    """Everyone, without names, references or anything that a unit says of them."""
    release = history[-1]

    def make() -> Roster:
        frame = everyone(state, history, tool).drop("restricted")
        return Roster(release, frame, {key: i for i, key in enumerate(frame["person_key"].to_list())}, {})

    return _unit.get(
        (state.root, release.manifest_sha256, release.published_at, records_mark(state), "pseudonymised"), make
    )


def in_classes(state: State, history: list[Release], tool: str, reader: str, today: date) -> pl.DataFrame | None:
    """Everyone in classes that many share, in the order of the reader's own keys of the quarter: person_key, row_key, `CLASSES`.

    None where the release holds no classes. Two readers, or one in two quarters, cannot tell which of their rows are one person's.
    """
    release, quarter = history[-1], str(Quarter.of(today))

    def make() -> pl.DataFrame | None:
        if not release.has(f"{tool}_coarse.parquet"):
            return None
        held = everyone(state, history, tool).select("person_key")
        rows = release.frame(f"{tool}_coarse").join(held, on="person_key", how="semi")
        keys = [state.operations.keyed("row without a name", f"{reader} {quarter} {key}")[:24] for key in rows["person_key"]]
        return rows.with_columns(row_key=pl.Series(keys, dtype=pl.String)).sort("row_key")

    return _unit.get((state.root, release.manifest_sha256, release.published_at, records_mark(state), "classes", reader, quarter), make)


def key_of_row(state: State, history: list[Release], tool: str, reader: str, today: date, row: str) -> str | None:
    """Whom one of the reader's own rows of this quarter is about; None for any other key."""
    rows = in_classes(state, history, tool, reader, today)
    found = [] if rows is None else rows.filter(pl.col("row_key") == row)["person_key"].to_list()
    return str(found[0]) if found else None


def of_every_unit(state: State, history: list[Release], tool: str, today: date) -> Roster:
    """Everyone of some unit, with what units say of them, without names: whose lists leave for Qlik."""
    release, records = history[-1], records_mark(state)

    def make() -> Roster:
        frame = everyone(state, history, tool).filter(pl.col("unit").is_not_null())
        frame = frame.join(state.person_keys(), on="person_key", how="inner", maintain_order="left")
        frame = frame.join(managed_now(circumstances(state), today), on="person_ref", how="left", maintain_order="left")
        return Roster(release, frame, {}, {}, (EVERY_UNIT, False), records)

    return _unit.get((state.root, release.manifest_sha256, release.published_at, records, EVERY_UNIT, today), make)


def merged(state: State) -> merges.Merges:
    """The keys of merged people, read once a load."""
    return small.get((state.root, records_mark(state), "merges"), lambda: merges.of(state))


def decided(state: State) -> pl.DataFrame:
    """The newest decision about each person (desk.LATEST) with those on merged records, read again only when somebody decided."""

    def make() -> pl.DataFrame:
        found = merged(state).followed(desk.latest(state.operations))
        return found.sort("decision_id").unique("person_key", keep="last", maintain_order=True)

    return small.get((state.root, records_mark(state), "latest"), make, desk.mark(state.operations))


def listed(state: State, people: Roster, settings: Settings, today: date, restricted_open: bool) -> pl.DataFrame:
    """Who stands on the list: people under management, and everyone whose band is in `list_bands`.

    Added: `changed` (band changed, nobody has decided since) and `moved` (up or down, null: no such change), `overdue`, `same` (its
    chance is no different from the force's usual, as far as records show), `closed` (a restricted person's row says nothing, unless
    `restricted_open`). In the order of bands, then of chances in steps where most of them differ from the usual, then of references.
    """

    def make() -> pl.DataFrame:
        frame = _in_order(state, people, settings, today, restricted_open).join(decided(state), on="person_key", how="left", maintain_order="left")
        reviewed = pl.col("decided_at").is_not_null() & (pl.col("decided_at") >= pl.col("changed_at"))
        frame = frame.with_columns(
            changed=(pl.col("changed_at").is_not_null() & ~reviewed.fill_null(False)),
            overdue=(pl.col("review_on") < today).fill_null(False),
        )
        up, down = _rank("band") > _rank("changed_from"), _rank("band") < _rank("changed_from")
        frame = frame.with_columns(
            moved=pl.when(pl.col("changed") & up).then(pl.lit("up")).when(pl.col("changed") & down).then(pl.lit("down"))
        )
        return frame.with_columns(part=_part())

    return _of_list(people, state, today, restricted_open, "rows", make, _own_decisions(state, people))


def _in_order(state: State, people: Roster, settings: Settings, today: date, restricted_open: bool) -> pl.DataFrame:
    """The rows of `listed` in their order, which no decision changes."""

    def make() -> pl.DataFrame:
        on_list = pl.col("band").is_in(settings.bands.list_bands).fill_null(False) | pl.col("managed").is_not_null()
        _, usual = usual_chances(model_of(state, people.release))
        frame = people.frame.filter(on_list).with_columns(
            same=pl.col("chance_high_harm_12m").round(9).is_in(usual),
            rank=_rank("band"),
            closed=pl.lit(False) if restricted_open else pl.col("restricted"),
        )
        frame = frame.with_columns(step=_step() if chances_said(frame, None).ordered else pl.lit(0))
        high = pl.col("band").is_in(HIGH).fill_null(False)
        within = pl.when(high).then(-pl.col("rank").fill_null(0)).otherwise(0)
        return frame.with_columns(within=within).sort("closed", "within", "step", "person_ref", nulls_last=True)

    return _of_list(people, state, today, restricted_open, "order", make)


def places_on_list(state: State, people: Roster, settings: Settings, today: date, restricted_open: bool) -> Mapping[str, int]:
    """Which row of `listed` each person has, by key."""
    rows = _in_order(state, people, settings, today, restricted_open)
    return _of_list(people, state, today, restricted_open, "places", lambda: {k: n for n, k in enumerate(rows["person_key"].to_list())})


@dataclass(frozen=True)
class ListCounts:
    """A list's rows that are not closed: chances, how many of the high are not managed, and how many in each group of `filtered`."""

    chances: ChancesSaid
    unmanaged: int
    groups: Mapping[str, int]


def counts_of_list(state: State, people: Roster, settings: Settings, today: date, restricted_open: bool) -> ListCounts:
    """What the head of the page says of a list, counted when it or a decision about its people is new."""
    frame = listed(state, people, settings, today, restricted_open)

    def make() -> ListCounts:
        open_rows, (usual, _) = frame.filter(~pl.col("closed")), usual_chances(model_of(state, people.release))
        unmanaged = open_rows.filter(pl.col("band").is_in(HIGH))["managed"].is_null().sum()
        return ListCounts(chances_said(open_rows, usual), int(unmanaged), {name: filtered(frame, group=name).height for name in ("down", "high", "rest")})

    return _of_list(people, state, today, restricted_open, "counts", make, _own_decisions(state, people))


def _of_list(people: Roster, state: State, today: date, restricted_open: bool, what: str, make: Callable[[], T], more: object = None) -> T:
    """What is made of a list, kept until its release, its people or the day changes, or `more`."""
    mark = (people.release.manifest_sha256, people.release.published_at, people.records, today, more)
    return _lists.get((state.root, people.scope, restricted_open, what), make, mark)


def _own_decisions(state: State, people: Roster) -> tuple[int, int]:
    """What changes when somebody decides about one of these people, or signs it off: the newest number, and how many are signed off."""

    def make() -> tuple[int, int]:
        rows = decided(state).select("person_key", "decision_id", "signed_off").iter_rows()
        own = [(number, signed) for key, number, signed in rows if key in people.by_key]
        return max((number for number, _ in own), default=0), sum(signed for _, signed in own)

    mark = (people.release.manifest_sha256, people.release.published_at, people.records, desk.mark(state.operations))
    return small.get((state.root, people.scope, "own decisions"), make, mark)


def _part() -> pl.Expr:
    """Which of PARTS a row of the list belongs to, for a list that is shown in one piece."""
    high = pl.col("band").is_in(HIGH).fill_null(False)
    return (
        pl.when("closed").then(9)
        .when(pl.col("moved") == "up").then(0)
        .when("overdue").then(1)
        .when(pl.col("moved") == "down").then(2)
        .when(high).then(3)
        .otherwise(pl.coalesce(4 + _step(), pl.lit(8)))
        .cast(pl.Int64)
    )  # fmt: skip


def _rank(column: str) -> pl.Expr:
    return pl.col(column).replace_strict({band: i for i, band in enumerate(BANDS)}, default=None, return_dtype=pl.Int64)


def _step() -> pl.Expr:
    chance = pl.col("chance_high_harm_12m")
    step: pl.Expr = pl.lit(None, dtype=pl.Int64)
    for number, (least, _) in reversed(list(enumerate(CHANCE_BANDS))):
        step = pl.when(chance >= least).then(number).otherwise(step)
    return step


@dataclass(frozen=True)
class ChancesSaid:
    """Chances of a list: how many, from what to what, how many of them are no different from the usual, and the usual itself."""

    given: int
    low: float | None
    high: float | None
    same: int
    usual: float | None

    @property
    def ordered(self) -> bool:
        """Whether the list stands by chance: not where most chances are no different from the usual."""
        return self.given > 0 and 2 * self.same <= self.given


def chances_said(frame: pl.DataFrame, usual: float | None) -> ChancesSaid:
    """What the chances of a list are like. Args: `frame`: with chances and `same`."""
    given = frame.filter(pl.col("chance_high_harm_12m").is_not_null())
    least, most = given.select(least=pl.min("chance_high_harm_12m"), most=pl.max("chance_high_harm_12m")).row(0)
    return ChancesSaid(given.height, least, most, int(given["same"].sum()), usual)


def filtered(frame: pl.DataFrame, band: str = "", custody: str = "", group: str = "") -> pl.DataFrame:
    """The rows that fit; restricted rows, whose facts are closed, only where nothing is filtered.

    Args: `group`: `down` moved down and not noted yet; `high` high and super high; `rest` everyone else.
    """
    open_rows, high = ~pl.col("closed"), pl.col("band").is_in(HIGH).fill_null(False)
    if band:
        frame = frame.filter(open_rows & (pl.col("band") == band))
    if custody:
        frame = frame.filter(open_rows & (pl.col("custody").is_not_null() == (custody == "yes")))
    if group == "down":
        frame = frame.filter(open_rows & (pl.col("moved") == "down").fill_null(False))
    if group in ("high", "rest"):
        frame = frame.filter(open_rows & (high if group == "high" else ~high))
    return frame


def found(people: Roster, listed_rows: pl.DataFrame, text: str, of_charge: str | None) -> tuple[pl.DataFrame, PersonRow | None]:
    """The people on the list whose name holds each word of the text, in any order, or whose reference or charge it is; and the
    person of exactly this reference or charge who is not on it.

    Args: `of_charge`: reference of the person charged with it, where the text is a charge's reference.
    """
    wanted = text.strip().upper()
    upper = pl.col("name").fill_null("").str.to_uppercase()
    name = pl.all_horizontal(upper.str.contains(word, literal=True) for word in wanted.replace(",", " ").split()) if wanted else pl.lit(False)
    reference = pl.col("person_ref").str.to_uppercase()
    rows = listed_rows.filter(~pl.col("closed") & (name | reference.str.contains(wanted, literal=True) | (pl.col("person_ref") == (of_charge or ""))))
    key = people.key_of(text) or (people.key_of(of_charge) if of_charge else None)
    outside = key is not None and listed_rows.filter(pl.col("person_key") == key).is_empty()
    return rows, people.person(key) if outside and key else None
