"""The commands. Each prints for people, prints one JSON document with --json, and exits with the codes of errors.py."""

from __future__ import annotations

import errno
import json as json_text
import os
import sys
from collections.abc import Sequence
from datetime import date
from pathlib import Path
from typing import Annotated, Literal

from cyclopts import Parameter

from harmcast.commands.base import (
    AsOf,
    Code,
    Reason,
    SecondCode,
    StateFolder,
    actor,
    and_copies,
    app,
    command,
    day,
    opened,
)
from harmcast.documents.command_result import CommandResult
from harmcast.errors import HarmcastError, NotFit, RunStopped, traced
from harmcast.progress import shown

# --- a state and its feed --------------------------------------------------------------------------------------


@command(app)
def init(
    state: StateFolder,
    *,
    settings: Annotated[Path, Parameter(help="Settings file; the files it names are copied with it.")] = Path("settings.toml"),
) -> CommandResult:
    """Make an empty state from a settings file."""
    from harmcast.store.checkpoints import key_code
    from harmcast.store.state import create

    made = create(state, settings)
    lines = [
        f"Made an empty state for {made.settings.force.name} in {state}.",
        f"Code of its signing key, for paper kept elsewhere: {key_code(made)} (harmcast log verify {state} --key CODE).",
    ]
    if made.settings.map.ground is not None:
        from harmcast.runs.ground import compile_ground

        with shown() as progress:
            lines += compile_ground(made, "system", progress).lines()
    lines.append(f"Next: harmcast check {state}, then harmcast load {state} DELIVERY.")
    return CommandResult({"state": str(state), "tools": [tool.name for tool in made.settings.tools], "key": key_code(made)}, lines)


@command(app)
def ground(state: StateFolder) -> CommandResult:
    """Read the map files that the settings name: what lies near the force is kept in the state, the names of cells follow from it."""
    from harmcast.runs.ground import compile_ground

    opened_state = opened(state)
    with shown() as progress:
        result = compile_ground(opened_state, actor(opened_state).account, progress)
    return CommandResult(result.document(), result.lines())


@command(app)
def check(state: StateFolder) -> CommandResult:
    """Check settings, mapping and source; say every fault at once."""
    from harmcast.runs.check import check_state

    found = check_state(state)
    if found.faults:
        lines = [f"{len(found.faults)} fault(s):", *(f"  - {fault}" for fault in found.faults)]
    else:
        head = f"No fault found, but not everything was tried: {', '.join(found.not_tried)}." if found.not_tried else "No fault found."
        lines = [head, *(f"  {line}" for line in found.seen)]
    return CommandResult(found.document(), lines, exit_code=found.exit_code)


@command(app)
def settings(
    state: StateFolder,
    *,
    set_: Annotated[Path | None, Parameter(name="--set", help="Settings file to put in place, with the files it names.")] = None,
    code: Code = None,
    second_code: SecondCode = None,
) -> CommandResult:
    """Show the settings of a state, or change them whole: the difference, what it will mean, validated and logged."""
    from harmcast.runs import change_settings

    opened_state = opened(state)
    return change_settings.shown(opened_state) if set_ is None else change_settings.change(opened_state, set_, actor(opened_state, code, second_code, "--set"))


@command(app)
def profile(
    delivery: Annotated[Path, Parameter(help="Folder of raw files, with or without a manifest.")],
    *,
    out: Annotated[Path | None, Parameter(help="File to write a first SQL mapping to, its guesses marked; never over one that is there.")] = None,
) -> CommandResult:
    """What the columns of a raw delivery look like: types, empty cells, null words, shapes, short code lists, ranges."""
    from harmcast.feed import profile as profiles

    seen = profiles.of_delivery(delivery)
    lines = seen.lines()
    if out is not None:
        if out.exists():
            raise RunStopped("The file for the mapping is there already.", code="file_exists", next_step="Name another, or move it away.")
        try:
            out.write_text(profiles.first_mapping(seen), encoding="utf-8")
        except OSError:
            raise RunStopped("The mapping cannot be written there.", code="write_failed", next_step="Name a file in a folder that is there.") from None
        lines += ["", f"A first mapping is in {out}: look at every guess, then name it in [feed] mapping."]
    return CommandResult(seen.document(), lines)


@command(app)
def load(
    state: StateFolder,
    delivery: Annotated[Path | None, Parameter(help="Folder of the delivery, with its manifest.json; none: read the database that the settings name.")] = None,
    *,
    dry_run: Annotated[bool, Parameter(negative="", help="Say what the load would do, its effects too, and write nothing.")] = False,
) -> CommandResult:
    """Load one delivery; every row is accounted for, or nothing is loaded. The first load, and one with effects that are held, waits to be accepted."""
    from harmcast.runs import inbox, source
    from harmcast.runs.load import load_delivery, try_delivery

    opened_state = opened(state)
    who = actor(opened_state)
    with shown() as progress:
        if dry_run:
            result = try_delivery(opened_state, _named(delivery), progress)
        elif delivery is not None or opened_state.settings.feed.source != "sql":
            result = load_delivery(opened_state, _named(delivery), who.account, progress=progress)
        else:
            result = source.load_from_database(opened_state, who, progress)[-1]
    lines = inbox.lines(result)
    return CommandResult({**result.document(), "dry_run": dry_run}, lines if dry_run else and_copies(opened_state, who, lines))


def _named(delivery: Path | None) -> Path:
    if delivery is None:
        raise RunStopped("No delivery is named.", code="delivery_not_named", next_step="Name its folder: harmcast load STATE DELIVERY.")
    return delivery


# --- the week ---------------------------------------------------------------------------------------------------


@command(app)
def week(
    state: StateFolder,
    *,
    as_of: AsOf = None,
    from_: Annotated[Path | None, Parameter(name="--from", help="A delivery to load first.")] = None,
    again: Annotated[bool, Parameter(negative="", help="Make a week that stands again, as a revision beside it, of the records held now.")] = False,
    reason: Annotated[str, Parameter(help="Why it is made again; kept in the log.")] = "",
) -> CommandResult:
    """The weekly run: load what is due, forecast, score, audit, release. Without --as-of, weeks that were missed come first."""
    from harmcast.operate import service

    if again and not reason.strip():
        raise NotFit("No reason is given.", code="reason_needed", next_step="Say why the week is made again, with --reason.")
    opened_state = service.opened(state)
    with shown() as progress:
        result = service.run_due(opened_state, day(as_of), actor(opened_state), from_, catch_up=as_of is None, again=reason if again else None, progress=progress)
    return CommandResult(result.document(), result.lines())


@command(app)
def backtest(
    state: StateFolder,
    *,
    tool: Annotated[str, Parameter(help="Name of a tool in the settings.")],
    origins: Annotated[int, Parameter(help="How many non-overlapping windows are forecast and judged.")] = 39,
    to: Annotated[date | None, Parameter(help="Last day observed; default the last complete week.")] = None,
    models: Annotated[Literal["shipped", "all"], Parameter(help="The shipped procedure and plain counts, or every method in the package.")] = "shipped",
    out: Annotated[Path | None, Parameter(help="Folder for the report page, its pictures and the JSON document.")] = None,
) -> CommandResult:
    """Judge a tool out of time: rolling origins, plain counts as the floor, perfect foresight as the ceiling."""
    from harmcast.runs.backtest import backtest_tool

    opened_state = opened(state)
    with shown() as progress:
        return backtest_tool(opened_state, tool, origins=origins, to=to, models=models, out=out, progress=progress)


@command(app)
def refit(
    state: StateFolder, *,
    tool: Annotated[str, Parameter(help="Name of the tool about people.")] = "iom",
    as_of: AsOf = None,
    level_only: Annotated[bool, Parameter(help="Keep the card in use and take its level anew: each quarter. Without it the card is fitted anew: each year.")] = False,
    code: Code = None,
) -> CommandResult:  # fmt: skip
    """A new person model as a release of its own: old and new side by side, band changes counted; a second person approves it."""
    from harmcast.runs.refit import refit_people

    opened_state = opened(state)
    who = actor(opened_state, code)
    with shown() as progress:
        return refit_people(opened_state, tool, day(as_of), who, progress, level_only)


Release = Annotated[str, Parameter(help="Name of a release, e.g. 2026-W47, or of a model release.")]


@command(app)
def publish(state: StateFolder, release: Release, *, reason: Reason = "", code: Code = None) -> CommandResult:
    """Move a release on: reviewed, then published by a second person where the rule says so."""
    from harmcast.runs.release_moves import publish_release

    opened_state = opened(state)
    who = actor(opened_state, code)
    result = publish_release(opened_state, release, who, reason)
    return CommandResult(result.document, and_copies(opened_state, who, result.lines))


@command(app)
def findings(state: StateFolder, release: Release) -> CommandResult:
    """What was found about a release, by name: what each finding stops, who may lift it, and until when it is lifted."""
    from harmcast.runs.lift import findings_of

    return findings_of(opened(state), release, date.today())


@command(app)
def lift(
    state: StateFolder,
    release: Release,
    finding: Annotated[str, Parameter(help="Id of the finding, as `harmcast findings` lists it.")],
    *,
    reason: Reason,
    until: Annotated[date | None, Parameter(help="Last day it is lifted, said by the first person; default as long as the rule allows.")] = None,
    end: Annotated[bool, Parameter(negative="", help="End the lift instead, from today on.")] = False,
    code: Code = None,
) -> CommandResult:
    """Lift one finding for a time: one person proposes it with a reason and a last day, another agrees; neither made the release."""
    from harmcast.runs.lift import end_lift, lift_finding

    opened_state = opened(state)
    who = actor(opened_state, code, form="--end" if end else "")
    result = end_lift(opened_state, finding, who, reason) if end else lift_finding(opened_state, release, finding, who, reason, until)
    return CommandResult(result.document, and_copies(opened_state, who, result.lines))


@command(app, name="reload")
def qlik_reload(state: StateFolder) -> CommandResult:
    """Ask Qlik to reload now: the task that the settings name, started and not waited for."""
    from harmcast.operate.reload import reload_qlik

    opened_state = opened(state)
    who = actor(opened_state)
    session = reload_qlik(opened_state, who.account, who.roles[0][0])
    return CommandResult({"session": session}, [f"Qlik reloads: run {session}."])


@command(app)
def withdraw(state: StateFolder, release: Release, *, reason: Reason, code: Code = None) -> CommandResult:
    """Take a release back; pages fall back to the last good one and say so."""
    from harmcast.runs.release_moves import withdraw_release

    opened_state = opened(state)
    who = actor(opened_state, code)
    result = withdraw_release(opened_state, release, who, reason)
    return CommandResult(result.document, and_copies(opened_state, who, result.lines))


@command(app)
def rebuild(
    state: StateFolder,
    *,
    week: Annotated[str, Parameter(help="Week of the release, e.g. 2026-W47.")],
    out: Annotated[Path, Parameter(help="Folder to write it into.")],
) -> CommandResult:
    """Make any past week again, byte for byte, with that week's stored model."""
    from harmcast.weekly import rebuild_week

    opened_state = opened(state)
    with shown() as progress:
        return rebuild_week(opened_state, week, out, actor(opened_state), progress)


# --- what people see ---------------------------------------------------------------------------------------------


@command(app)
def serve(
    state: StateFolder,
    *,
    host: Annotated[str, Parameter(help="Address to listen on.")] = "127.0.0.1",
    port: Annotated[int, Parameter(help="Port to listen on.")] = 8000,
) -> CommandResult:
    """Serve the dashboards."""
    from harmcast.web.app import serve as serve_pages

    serve_pages(opened(state), host, port)
    return CommandResult({"served": True}, ["Stopped."])


@command(app)
def status(
    state: StateFolder,
    *,
    metrics: Annotated[bool, Parameter(negative="", help="Print the figures in Prometheus' text format instead.")] = False,
) -> CommandResult:
    """Health for an operator: data, runs, releases, log, disk."""
    from harmcast.operate.health import status_of

    if metrics:
        from harmcast.operate.metrics import text

        said = text(opened(state), date.today())
        return CommandResult({"metrics": said}, [said.rstrip()])
    found = status_of(opened(state), date.today())
    return CommandResult(found.health.document(), found.lines, exit_code=found.exit_code)


# --- keeping, forgetting, moving ---------------------------------------------------------------------------------


@command(app)
def forget(
    state: StateFolder,
    *,
    dry_run: Annotated[bool, Parameter(negative="", help="List who is due and change nothing.")] = False,
    approve: Annotated[str | None, Parameter(help="Hash of the list, as the refusal printed it: needed where more are due than one run erases.")] = None,
    left_source: Annotated[
        bool, Parameter(negative="", help="Only people the force itself deleted, or left without a charge: for a timer, weekly.")
    ] = False,
    as_of: AsOf = None,
    code: Code = None,
    second_code: SecondCode = None,
) -> CommandResult:
    """Remove people past their review date or erased at source from everything held, and what is past its time; that it was done is recorded."""
    from harmcast.publish.qlik.qvd import qvd
    from harmcast.store.retention import forget_due

    opened_state = opened(state)
    form = "--dry-run" if dry_run else "--left-source" if left_source and approve is None else ""
    who = actor(opened_state, code, second_code, form)
    with shown() as progress:
        result = forget_due(
            opened_state, day(as_of), who, dry_run=dry_run, left_source=left_source, approve=approve, second=who.second, qvd=qvd, progress=progress
        )
    lines = result.lines()
    return CommandResult(result.document(), lines if result.dry_run else and_copies(opened_state, who, lines, erased=True))


@command(app)
def backup(state: StateFolder, file: Annotated[Path, Parameter(help="File to write.")]) -> CommandResult:
    """Write the whole state into one file, with digests."""
    from harmcast.store.backup import back_up

    opened_state = opened(state)
    result = back_up(opened_state, file, actor(opened_state))
    return CommandResult(result.document(), result.lines())


@command(app)
def restore(
    file: Annotated[Path, Parameter(help="A backup.")], state: Annotated[Path, Parameter(help="Folder to restore into; must not exist.")]
) -> CommandResult:
    """Restore a state from a backup after checking every digest."""
    from harmcast.store.backup import restore as restore_backup

    result = restore_backup(file, state)
    return CommandResult(result.document(), result.lines())


@command(app)
def fleet(
    forces: Annotated[Path, Parameter(help="TOML file that lists the forces' states, or a folder of states.")],
    *,
    master: Annotated[str, Parameter(help="Spark master, local[2] or spark://host:port.")] = "local[2]",
    as_of: AsOf = None,
    out: Annotated[Path | None, Parameter(help="Folder for fleet.parquet: one line a force, no record of anybody.")] = None,
) -> CommandResult:
    """The weekly run of many forces on Spark, one task a force."""
    from harmcast.fleet.run import run_fleet

    with shown() as progress:
        result = run_fleet(forces, master, day(as_of), out, progress)
    return CommandResult(result.document(), result.lines(), exit_code=result.exit_code)


@command(app)
def invent(
    folder: Annotated[Path, Parameter(help="Folder to write deliveries, settings, layers and truth into.")],
    *,
    people: Annotated[int, Parameter(help="People ever charged, about.")] = 12_000,
    years: Annotated[float, Parameter(help="Years of history.")] = 4.0,
    seed: Annotated[int, Parameter(help="The same seed gives the same bytes.")] = 1,
    to: Annotated[date | None, Parameter(help="Last day; default the last Sunday.")] = None,
    weeks: Annotated[int, Parameter(help="Weekly deliveries after the history.")] = 8,
    over_policing: Annotated[float, Parameter(help="Extra log odds of a charge for one group given the same behaviour.")] = 0.0,
    patrol_feedback: Annotated[float, Parameter(help="How far records follow patrols, 0 to 1.")] = 0.0,
    sql: Annotated[str | None, Parameter(help="Write the tables into this database as well (SQLAlchemy URL).")] = None,
) -> CommandResult:
    """An invented force's deliveries, with its truth beside them."""
    from harmcast.invented.making import invent as make
    from harmcast.weeks import last_complete_week

    with shown() as progress:
        summary = make(
            folder,
            people=people,
            years=years,
            seed=seed,
            to=to or last_complete_week(date.today()).sunday,
            weeks=weeks,
            over_policing=over_policing,
            patrol_feedback=patrol_feedback,
            sql=sql,
            progress=progress,
        )
    return CommandResult(summary.document(), summary.lines())


@command(app)
def demo(
    state: Annotated[Path, Parameter(help="Folder of the demo's state.")] = Path("demo-state"),
    *,
    deliveries: Annotated[Path, Parameter(help="Folder of the invented deliveries.")] = Path("demo-deliveries"),
    serve: Annotated[bool, Parameter(help="Serve the dashboards when the weeks are made.")] = True,
    host: Annotated[str, Parameter(help="Address to listen on.")] = "127.0.0.1",
    port: Annotated[int, Parameter(help="Port to listen on.")] = 8000,
) -> CommandResult:
    """An invented force from its first delivery to the dashboards."""
    from harmcast.invented.demo import make_demo, welcome

    ready = make_demo(state, deliveries)
    lines = welcome(ready, host, port, serve)
    if serve:
        from harmcast.web.app import serve as serve_pages

        print("\n".join(lines), flush=True)
        serve_pages(ready, host, port)
        return CommandResult({"served": True}, ["Stopped."])
    return CommandResult({"state": str(state), "releases": [str(r) for r in ready.releases.names()]}, lines)


# --- the command line itself --------------------------------------------------------------------------------------


OWN_FILES = 0o077  # what a command writes is its own account's alone, inside the state and outside; what is for others says so itself


def _refused_by_machine(error: OSError) -> RunStopped:
    """The stop that an error of the machine is, with the file it names."""
    what = os.strerror(error.errno) if error.errno else type(error).__name__
    mend = "Put that file back" if isinstance(error, FileNotFoundError) else "Free space or mend the folder's permissions"
    return RunStopped(
        f"The machine refused: {what}{f' ({os.fsdecode(error.filename)})' if isinstance(error.filename, str | bytes) else ''}.",
        code="disk_full" if error.errno == errno.ENOSPC else "machine_refused",
        next_step=f"{mend}, then run the same command again: nothing is lost or doubled.",
    )


def load_commands() -> None:
    """Adds the commands of the other modules."""
    from harmcast.commands import loads, oversight, qlik  # noqa: F401 - they add their commands


def main(words: Sequence[str] | None = None) -> None:
    """Run one command; exit 0, a code of errors.py, or 2 for words that do not fit."""
    words = list(sys.argv[1:] if words is None else words)
    wants_json = "--json" in words
    os.umask(OWN_FILES)
    load_commands()
    try:
        said = app(words)
    except BrokenPipeError:
        os.dup2(os.open(os.devnull, os.O_WRONLY), sys.stdout.fileno())
        sys.exit(0)
    except (HarmcastError, OSError) as error:
        told = error if isinstance(error, HarmcastError) else _refused_by_machine(error)
        if wants_json:  # the name of a file may hold bytes that are no text
            print(json_text.dumps({"ok": False, **told.document()}, ensure_ascii=isinstance(error, OSError)))
        print(f"{type(told).__name__} [{told.code}]: {told}", file=sys.stderr)
        sys.exit(told.exit_code)
    except Exception as error:
        print(f"A bug in harmcast: nothing half written stands. Tell its keepers, with these lines; they hold no record.\n{traced(error)}", file=sys.stderr)
        if wants_json:
            print(json_text.dumps({"ok": False, "error": "Bug", "code": "bug", "message": type(error).__name__}))
        sys.exit(1)
    except KeyboardInterrupt:
        print("Stopped by you; run the same command again, nothing is lost or doubled.", file=sys.stderr)
        sys.exit(130)
    sys.exit(said.exit_code if isinstance(said, CommandResult) else 0)
