"""Weeks that are odd, corrected, or long past: held for two people, equal to a full rebuild, made again byte for byte."""

from __future__ import annotations

import random
import shutil
from collections.abc import Callable
from datetime import timedelta
from pathlib import Path

import polars as pl

from bench.faults.force import DAN, OPERATOR, SUE, Force, Tables, approve, lifted
from harmcast.errors import HarmcastError

TOOL = "knife_injury"


# -- promise 7: odd volume -----------------------------------------------------------------------


def _fewer(share: float) -> Callable[[Tables, Force, int], Tables]:
    def change(tables: Tables, force: Force, number: int) -> Tables:
        crimes = tables["crimes"]
        return {**tables, "crimes": crimes.sort("crime_ref").head(round(share * crimes.height))}

    return change


def _more(tables: Tables, force: Force, number: int) -> Tables:
    crimes = tables["crimes"]
    copies = [crimes.with_columns((pl.col("crime_ref") + f"-{i}").alias("crime_ref")) for i in range(4)]
    return {**tables, "crimes": pl.concat([crimes, *copies])}


def _silent(tables: Tables, force: Force, number: int) -> Tables:
    """One area sends nothing; the others make up for it, so that the force's total is as usual."""
    crimes = tables["crimes"]
    week_begins = force.sends[number].made_at - timedelta(days=7)
    early = set(force.tables(number - 1)["crimes"].filter(pl.col("recorded_at").dt.date() >= week_begins.date())["area"])
    sizes = crimes.drop_nulls("area").group_by("area").len().sort("len", "area", descending=True)["area"].to_list()
    area = next(name for name in sizes if name not in early)
    elsewhere = next(name for name in sizes if name != area)
    moved = pl.when(pl.col("area") == area).then(pl.lit(elsewhere)).otherwise("area").alias("area")
    return {**tables, "crimes": crimes.with_columns(moved)}


ODD: dict[str, Callable[[Tables, Force, int], Tables]] = {
    "nothing came": _fewer(0.0),
    "a third came": _fewer(0.33),
    "five times as much came": _more,
    "an area fell silent": _silent,
}


def odd_volume(folder: Path, force: Force, made: Path) -> tuple[int, list[str]]:
    """Weeks of odd volume after `made` (one week made): (how many, which were not held or let out too easily)."""
    usual = _week(folder / "usual", force, made, force.tables(2))
    wrong = [f"a usual week is held for its volume: {usual[1]}"] if "volume" in usual[1] else []
    for number, (name, change) in enumerate(ODD.items()):
        standing, kinds, moves = _week(folder / f"odd-{number}", force, made, change(force.tables(2), force, 2))
        if standing != "held" or "volume" not in kinds:
            wrong.append(f"{name}: {standing}, {kinds}")
        elif moves != ["finding_open", "reason_needed", "reviewed", "second_person_needed", "published"]:
            wrong.append(f"{name}: let out by {moves}")
    return len(ODD), wrong


def _week(copy: Path, force: Force, made: Path, tables: Tables) -> tuple[str, tuple[str, ...], list[str]]:
    """A week made of these tables: how its tool stands, the kinds found, and what people's attempts to let it out come to.

    A load that waits for its effects is accepted first: that lets the records in, and nothing out.
    After the first attempt the finding is lifted by the two people whom the table names.
    """
    from bench.accepted import load_accepted
    from harmcast.runs.release_moves import publish_release
    from harmcast.store.state import open_state
    from harmcast.weekly import run_week

    shutil.copytree(made, copy)
    state = open_state(copy)
    day = force.day(2)
    approve(state, day - timedelta(days=60))
    load_accepted(state, force.write(2, tables, name=f"for-{copy.name}"))
    result = run_week(state, day, OPERATOR)
    standing, found = result.standings[TOOL]
    moves: list[str] = []
    before = state.releases.published(TOOL)
    for actor, reason in ((DAN, "looked into"), (DAN, ""), (DAN, "looked into"), (DAN, "looked into"), (SUE, "looked into")):
        if standing == "held":
            now = state.releases.published(TOOL)
            assert (now and now.week) == (before and before.week)
        try:
            said = publish_release(state, result.name, actor, reason, day).document
            moves.append(str(said["moved"].get(TOOL) or said["stayed"][TOOL]["code"]))  # other tools may move while this one stays
        except HarmcastError as error:
            moves.append(error.code)
        if len(moves) == 1:
            lifted(state, result.name, day)
    state.close()
    shutil.rmtree(copy)
    return standing, tuple(finding.kind for finding in found), moves


# -- promise 8: corrections ----------------------------------------------------------------------

Change = tuple[str, Tables]


def corrections(force: Force) -> tuple[Tables, Tables]:
    """Week 2 as the source sends what changed, and as it sends all over again, with the same things put right by hand.

    A withdrawn charge, a person merged into another, one split in two, a crime dated anew, a crime and a charge deleted.
    """
    changed, everything = force.tables(2), force.tables(2, everything=True)
    made_at = force.sends[2].made_at
    touched = {name: set(changed[name].to_series(0)) for name in ("crimes", "persons", "charges")}

    def quiet(name: str) -> pl.DataFrame:
        column = everything[name].columns[0]
        frame = everything[name].filter(~pl.col(column).is_in(list(touched[name]))).sort(column)
        return frame.filter(pl.col("merged_into").is_null() & pl.col("died_on").is_null()) if name == "persons" else frame

    charges = quiet("charges").filter(pl.col("outcome") == "convicted")
    charged = set(everything["charges"]["person_ref"])
    people = quiet("persons").filter(pl.col("person_ref").is_in(list(charged)))
    crimes = quiet("crimes")
    at = pl.lit(made_at - timedelta(hours=5), pl.Datetime("us")).alias("changed_at")
    day = pl.lit(made_at.date() - timedelta(days=1)).alias("outcome_on")
    whose = everything["charges"].group_by("person_ref").len().filter(pl.col("len") > 1)["person_ref"].sort()
    split_from = next(ref for ref in people["person_ref"] if ref in set(whose))
    of_split = everything["charges"].filter(pl.col("person_ref") == split_from).sort("charge_ref").head(1)
    others = people.filter(pl.col("person_ref") != split_from)
    new = {
        "charges": pl.concat([
            charges.filter(pl.col("person_ref") != split_from).head(2).with_columns(pl.lit("withdrawn").alias("outcome"), day, at),
            of_split.with_columns((pl.col("person_ref") + "-B").alias("person_ref"), at),
        ]),
        "persons": pl.concat([
            others.head(1).with_columns(pl.lit(others["person_ref"][1]).alias("merged_into"), at),
            people.filter(pl.col("person_ref") == split_from).with_columns((pl.col("person_ref") + "-B").alias("person_ref"), at),
        ]),
        "crimes": crimes.head(3).with_columns(pl.col("happened_from") - timedelta(days=40), pl.lit(None, pl.Datetime("us")).alias("happened_to"), at),
    }  # fmt: skip
    gone = {"crimes": crimes["crime_ref"].tail(2).to_list(), "charges": charges["charge_ref"].tail(1).to_list()}
    listed = pl.DataFrame(
        [(name, ref, made_at, "deleted") for name, refs in gone.items() for ref in refs],
        schema=dict(zip(("table", "ref", "deleted_at", "reason"), changed["deletions"].dtypes, strict=True)), orient="row",
    )  # fmt: skip

    def put_right(tables: Tables) -> Tables:
        found = dict(tables)
        for name, rows in new.items():
            key = rows.columns[0]
            left = tables[name].filter(~pl.col(key).is_in([*rows[key], *gone.get(name, [])]))
            found[name] = pl.concat([left, rows.select(left.columns).cast(dict(left.schema))])  # type: ignore[arg-type]
        return found

    return {**put_right(changed), "deletions": pl.concat([changed["deletions"], listed])}, put_right(everything)


def corrected(folder: Path, force: Force, made: Path) -> tuple[int, list[str]]:
    """The week after corrections, beside one made of the whole source sent again with nothing kept for speed."""
    from harmcast.store.state import open_state
    from harmcast.weekly import run_week

    changed, everything = corrections(force)
    releases = {}
    for name, tables, complete in (("changed", changed, False), ("whole", everything, True)):
        copy = folder / f"corrected-{name}"
        shutil.copytree(made, copy)
        if complete:
            shutil.rmtree(copy / "kept", ignore_errors=True)
        state = open_state(copy)
        result = run_week(state, force.day(2), OPERATOR, force.write(2, tables, complete, name=f"corrections-{name}"))
        files = {path.relative_to(copy / "releases" / result.name).as_posix(): path.read_bytes() for path in sorted((copy / "releases" / result.name).rglob("*")) if path.is_file()}
        held = {table: state.records.known(table).sort(pl.first()) for table in ("crimes", "charges", "persons")}
        releases[name] = (files, held, {count.table: count for count in result.loads[-1].files})
        state.close()
        shutil.rmtree(copy)
    (one, held, counts), (other, held_whole, _) = releases["changed"], releases["whole"]
    wrong = [f"{name} of the release differs" for name in sorted({*one, *other}) if one.get(name) != other.get(name) and name != "manifest.json"]
    wrong += [f"{name} held differ" for name in held if not held[name].equals(held_whole[name])]
    wrong += [] if counts["deletions"].deleted >= 3 else ["the deletions did not reach the records"]
    return len(one), wrong


# -- promise 10: past weeks ----------------------------------------------------------------------


def long_past(folder: Path, force: Force, weeks: int, chosen: int, is_refitted: bool = True, seed: int = 1) -> tuple[int, int, list[str]]:
    """Weeks made one after the other, then some of them again: (how many again, files compared, which differ).

    With `is_refitted` a person model is fitted and approved half way, so that weeks before and after it were scored by others; that
    needs a force of which enough people became high harm.
    """
    from bench.accepted import load_accepted
    from harmcast.runs.refit import refit_people
    from harmcast.runs.release_moves import publish_release
    from harmcast.store.state import create, open_state
    from harmcast.weekly import rebuild_week, run_week

    state = create(folder / "long", force.folder / "force" / "settings.toml")
    sent = sorted((force.folder / "force" / "deliveries").iterdir())
    load_accepted(state, sent[0])
    for number in range(1, weeks + 1):
        run_week(state, force.day(number), OPERATOR, sent[number])
        if is_refitted and number == weeks // 2:
            found = refit_people(state, "iom", force.day(number), DAN)
            publish_release(state, found.document["model"], SUE, "compared", force.day(number))
    state.close()
    state = open_state(folder / "long")
    names = random.Random(seed).sample(state.releases.names(), chosen)
    files, wrong = 0, []
    for name in names:
        rebuilt = rebuild_week(state, name, folder / "again" / name, OPERATOR)
        files += rebuilt.document["files"]
        wrong += [] if rebuilt.document["same"] else [f"{name}: {rebuilt.document['other'][:3]}"]
    state.close()
    return len(names), files, wrong


# -- promises 3 and 5: replays, every row accounted for ----------------------------------------------------


def replayed(folder: Path, force: Force, weeks: int) -> tuple[int, int, int, list[str]]:
    """Deliveries with bad rows, loaded, then again in other orders: (replays, files, rows accounted for, what is wrong)."""
    import json

    from bench.accepted import load_accepted
    from harmcast.store.state import create

    state = create(folder / "replays", force.folder / "force" / "settings.toml")
    sent = sorted((force.folder / "force" / "deliveries").iterdir())[: weeks + 1]
    files, rows, wrong = 0, 0, []
    for delivery in sent:
        said = {name: note["rows"] for name, note in json.loads((delivery / "manifest.json").read_text())["files"].items()}
        for count in load_accepted(state, delivery).files:
            files, rows = files + 1, rows + count.received
            wrong += [] if count.adds_up and count.received == said[count.file] else [f"{delivery.name} {count.file}: rows do not add up"]
    before, data_hash = _bytes(state.root / "records"), state.records.data_hash()
    r = random.Random(1)
    orders = [list(reversed(sent)), *(r.sample(sent, len(sent)) for _ in range(2))]
    for order in orders:
        for delivery in order:
            again = load_accepted(state, delivery)
            wrong += [] if again.changed_rows == 0 and again.sequence is None else [f"{delivery.name} again changed {again.changed_rows} rows"]
    wrong += [] if _bytes(state.root / "records") == before and state.records.data_hash() == data_hash else ["the records changed"]
    state.close()
    return sum(map(len, orders)), files, rows, wrong


def _bytes(folder: Path) -> dict[str, bytes]:
    return {path.name: path.read_bytes() for path in sorted(folder.iterdir())}


def new_code(folder: Path, force: Force, made: Path) -> list[str]:
    """An offence code never seen before is loaded and flagged, with any other of that week that is new."""
    from bench.accepted import load_accepted
    from harmcast.store.state import open_state

    shutil.copytree(made, folder / "new-code")
    state = open_state(folder / "new-code")
    tables = force.tables(2)
    first = tables["crimes"]["crime_ref"][0]
    code = pl.when(pl.col("crime_ref") == first).then(pl.lit("199/77")).otherwise("offence_code").alias("offence_code")
    crimes = tables["crimes"].with_columns(code)
    new = set(crimes["offence_code"]) - set(state.records.versions("crimes", columns=["offence_code"])["offence_code"])
    result = load_accepted(state, force.write(2, {**tables, "crimes": crimes}, name="new-code"))
    noted = next(count for count in result.files if count.table == "crimes").notes.get("offence_code_new")
    held = state.records.known("crimes", columns=["crime_ref", "offence_code"]).filter(pl.col("offence_code") == "199/77").height
    state.close()
    shutil.rmtree(folder / "new-code")
    return [] if (noted, held) == (len(new), 1) else [f"a new offence code: noted {noted}, held {held}"]

