"""My people as a page reads it: one release's people of one unit, with what the unit does with them and what is due.

What was read of a release is kept until another release, load, erasure or decision comes. A key or a reference is only ever
looked up among the asker's own people, so that one of another unit and one that does not exist are the same miss.
"""

from __future__ import annotations

import io
import json
from dataclasses import dataclass
from datetime import date
from typing import Any

import polars as pl

from harmcast.oversight.access import Ask, may_see_names
from harmcast.settings import Settings
from harmcast.store import desk, ledger
from harmcast.store.releases import Release
from harmcast.store.state import State
from harmcast.tables import BANDS
from harmcast.web import frequencies
from harmcast.web.released import ReadCache
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
CHANGED, OVERDUE, UNMANAGED, BY_CHANCE, OTHERS, CLOSED = 0, 1, 2, 3, 8, 9
_everyone = ReadCache(most=2)
_unit = ReadCache(most=40)
_lists = ReadCache(most=80)
small = ReadCache(most=120)
_names = ReadCache(most=2)


def records_mark(state: State) -> tuple[int, int]:
    """What changes with every load and every erasure."""
    return ledger.mark(state.operations)


def columns(release: Release, tool: str, names: list[str]) -> pl.DataFrame:
    return pl.read_parquet(io.BytesIO(release.read(f"{tool}.parquet")), columns=names)


def changes(release: Release, tool: str) -> pl.DataFrame:
    """People whose band a release changed: person_key, changed_from, changed_week, changed_at."""

    def make() -> pl.DataFrame:
        frame = columns(release, tool, ["person_key", "band", "band_last_week"])
        moved = frame.filter(
            pl.col("band").is_not_null()
            & pl.col("band_last_week").is_not_null()
            & (pl.col("band") != pl.col("band_last_week"))
        )
        return moved.select(
            "person_key",
            changed_from="band_last_week",
            changed_to="band",
            changed_week=pl.lit(release.name),
            changed_at=pl.lit(release.published_at or release.made_at),
        )

    return small.get((release.manifest_sha256, release.published_at, "changes"), make)


def recent_changes(history: list[Release], tool: str) -> pl.DataFrame:
    """The newest change of band of each person over the last releases, back in its old band or not."""
    found = [changes(release, tool) for release in history[-CHANGE_RELEASES:]]
    return pl.concat(found).unique("person_key", keep="last", maintain_order=True)


def circumstances(state: State) -> pl.DataFrame:
    """What units say of people now: person_ref, kind, value, from_on, to_on, source, the newest last; read once a load."""
    return small.get(
        (state.root, records_mark(state), "circumstances"), lambda: state.records.circumstances().sort("from_on")
    )


def everyone(state: State, history: list[Release], tool: str) -> pl.DataFrame:
    """Everyone of the newest release, whether restricted, and the newest change of band; without name and reference."""
    release = history[-1]

    def make() -> pl.DataFrame:
        people = state.records.known("persons", columns=["person_ref", "restricted", "died_on"])
        people = people.filter(pl.col("died_on").is_null())
        held = people.join(state.person_keys(), on="person_ref", how="inner").drop("died_on", "person_ref")
        return (
            columns(release, tool, SCORES)
            .sort("person_key")
            .join(held, on="person_key", how="inner", maintain_order="left")
            .join(recent_changes(history, tool), on="person_key", how="left", maintain_order="left")
            .with_columns(pl.col("restricted").fill_null(False))
        )

    return _everyone.get((state.root, release.manifest_sha256, release.published_at, records_mark(state)), make)


def names_of(state: State, ask: Ask) -> pl.DataFrame:
    """person_key, person_ref, name of everyone held, for whoever may see them. Raises AccessDenied."""
    if not may_see_names(ask):
        return state.records.names(ask)  # which refuses
    mark = (state.root, records_mark(state))
    found: pl.DataFrame = _names.get(mark, lambda: state.records.names(ask).join(state.person_keys(), on="person_ref", how="inner"))
    return found


def reasons(release: Release, tool: str, key: str) -> dict[str, Any]:
    """Why one person was scored as they were, as the release says it; empty if it says nothing."""
    row = release.row_of(tool, key, ("reasons",))
    return dict(json.loads(row["reasons"])) if row and row["reasons"] else {}


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
    """

    release: Release
    frame: pl.DataFrame
    by_key: dict[str, int]
    by_ref: dict[str, int]
    scope: tuple[str | None, bool] = (None, False)
    records: tuple[int, int] = (0, 0)

    def person(self, key: str) -> dict[str, Any] | None:
        """The row of a key; None for anyone else, known elsewhere or not."""
        place = self.by_key.get(key)
        return None if place is None else self.frame.row(place, named=True)

    def names(self) -> dict[str, tuple[str, str]]:
        """Name and reference of each, by key."""
        columns = self.frame.select("person_key", pl.col("name").fill_null("Name not held"), "person_ref")
        return {key: (name, ref) for key, name, ref in columns.iter_rows()}

    def key_of(self, reference: str) -> str | None:
        """The key of a reference as the force writes it; None for anyone else, known elsewhere or not."""
        place = self.by_ref.get(reference.strip().upper())
        return None if place is None else str(self.frame["person_key"][place])


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
        return Roster(release, frame, by_key, by_ref, (unit, unassigned), records)

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

    found: pl.DataFrame | None = _unit.get((state.root, release.manifest_sha256, release.published_at, records_mark(state), "classes", reader, quarter), make)
    return found


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


def decided(state: State) -> pl.DataFrame:
    """The newest decision about each person (desk.LATEST), read again only when somebody decided."""
    return small.get((state.root, "latest"), lambda: desk.latest(state.operations), desk.mark(state.operations))


def listed(state: State, people: Roster, settings: Settings, today: date, restricted_open: bool) -> pl.DataFrame:
    """Who stands on the list, in its order, with `part` (the group of the order) and what is due.

    On it: people under management, and everyone whose band is in `list_bands`. Parts: changed band and not yet reviewed;
    review overdue; high and super high not under management; the rest by chance of becoming high harm, in bands and by reference
    inside a band; everyone else; last the restricted people, whose band stays closed, unless `restricted_open`.
    """
    release = people.release
    key = (state.root, people.scope, restricted_open)
    mark = (release.manifest_sha256, release.published_at, people.records, desk.mark(state.operations), today)

    def make() -> pl.DataFrame:
        on_list = pl.col("band").is_in(settings.bands.list_bands).fill_null(False) | pl.col("managed").is_not_null()
        frame = people.frame.filter(on_list).join(decided(state), on="person_key", how="left")
        reviewed = pl.col("decided_at").is_not_null() & (pl.col("decided_at") >= pl.col("changed_at"))
        frame = frame.with_columns(
            changed=(pl.col("changed_at").is_not_null() & ~reviewed.fill_null(False)),
            overdue=(pl.col("review_on") < today).fill_null(False),
            chance_band=_chance_band(),
            rank=pl.col("band").replace_strict(
                {b: i for i, b in enumerate(BANDS)}, default=None, return_dtype=pl.Int64
            ),
            closed=pl.lit(False) if restricted_open else pl.col("restricted"),
        )
        high = pl.col("band").is_in(["high", "super high"]).fill_null(False)
        part = (
            pl.when("closed").then(CLOSED)
            .when("changed").then(CHANGED)
            .when("overdue").then(OVERDUE)
            .when(high & pl.col("managed").is_null()).then(UNMANAGED)
            .when(~high & pl.col("chance_band").is_not_null()).then(BY_CHANCE + pl.col("chance_band"))
            .otherwise(OTHERS)
        )  # fmt: skip
        frame = frame.with_columns(part=part.cast(pl.Int64))
        within = (
            pl.when(pl.col("part").is_in([CHANGED, OVERDUE, UNMANAGED])).then(-pl.col("rank").fill_null(0)).otherwise(0)
        )
        return frame.with_columns(within=within).sort("part", "within", "person_ref")

    return _lists.get(key, make, mark)


def _chance_band() -> pl.Expr:
    chance = pl.col("chance_high_harm_12m")
    band: pl.Expr = pl.lit(None, dtype=pl.Int64)
    for number, (least, _) in reversed(list(enumerate(frequencies.BANDS))):
        band = pl.when(chance >= least).then(number).otherwise(band)
    return band


PARTS: dict[int, str] = {
    CHANGED: "Changed band, not reviewed yet",
    OVERDUE: "Review overdue",
    UNMANAGED: "High and super high, not under management",
    **{
        BY_CHANCE + i: f"Chance of becoming high harm within 12 months: {words}"
        for i, (_, words) in enumerate(frequencies.BANDS)
    },
    OTHERS: "Under management, or no chance given, and nothing due",
    CLOSED: "Restricted access",
}


def filtered(
    frame: pl.DataFrame,
    band: str = "",
    changed: bool = False,
    overdue: bool = False,
    custody: str = "",
    unmanaged: bool = False,
) -> pl.DataFrame:
    """The rows that fit; restricted rows, whose facts are closed, only where nothing is filtered."""
    open_rows = ~pl.col("closed")
    if band:
        frame = frame.filter(open_rows & (pl.col("band") == band))
    if changed:
        frame = frame.filter(open_rows & pl.col("changed"))
    if overdue:
        frame = frame.filter(open_rows & pl.col("overdue"))
    if unmanaged:
        frame = frame.filter(open_rows & (pl.col("part") == UNMANAGED))
    if custody:
        frame = frame.filter(open_rows & (pl.col("custody").is_not_null() == (custody == "yes")))
    return frame


def found(people: Roster, listed_rows: pl.DataFrame, text: str) -> tuple[pl.DataFrame, dict[str, Any] | None]:
    """The people on the list whose name or reference holds the text, and the person of exactly this reference who is not on it."""
    wanted = text.strip().upper()
    name = pl.col("name").fill_null("").str.to_uppercase().str.contains(wanted, literal=True)
    reference = pl.col("person_ref").str.to_uppercase().str.contains(wanted, literal=True)
    rows = listed_rows.filter(~pl.col("closed") & (name | reference))
    key = people.key_of(text)
    outside = key is not None and listed_rows.filter(pl.col("person_key") == key).is_empty()
    return rows, people.person(key) if outside and key else None
