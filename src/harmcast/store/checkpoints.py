"""The log's signed lines outside: written to two places or more and by a command, and read again before anything is run.

A line says: so many entries, the last with this hash. It is signed with the state's key and appended to every place that
`[log] witnesses` names (and to `checkpoints.jsonl` in `[log] checkpoint_dir`), with the public key in a file beside it. A place
should lie on another machine, in other hands. All places are read before a line is signed; nothing outside is ever rewritten.

| refusal | what is wrong |
|---|---|
| witness_ahead | the log is older than what was seen outside |
| witness_fork | an entry is not the one seen outside, two places disagree, or a line is missing within a place |
| witness_short | the log knows of more lines than a place has |
| witness_missing | no place is there, or one has been away for too long |
| witness_key, witness_foreign | a line is not signed by our key, or is another state's |

A place that is away (its file or folder is not there) gets the lines it lacks when it is back. The code of a line is 125 bits of
its SHA-256: what was printed or mailed of it covers the log even where every place was rewritten.
"""

from __future__ import annotations

import json
import os
import subprocess
from collections.abc import Iterable, Sequence
from dataclasses import dataclass, replace
from datetime import timedelta
from pathlib import Path

import sqlalchemy as sa

from harmcast.errors import RunStopped
from harmcast.oversight import log
from harmcast.oversight.log import Checkpoint, Event, LogFault
from harmcast.store import files, schema
from harmcast.store.reads import witness_lines
from harmcast.store.reads.witness_lines import RESTORED, SIGNED
from harmcast.store.state import State
from harmcast.store.users import Actor

FILE = "checkpoints.jsonl"
KEY_FILE = "checkpoint-key.pub"
OF_FOLDER = "checkpoint_dir"
COMMAND = "witness_command"
COMMAND_SECONDS = 60
DAYS_AWAY = 14
REFUSALS = {
    "checkpoint_foreign": "witness_foreign",
    "checkpoint_signature": "witness_key",
    "checkpoint_order": "witness_fork",
    "checkpoint_clock": "witness_fork",
    "tail_cut": "witness_ahead",
    "rewritten": "witness_fork",
}


@dataclass(frozen=True)
class WitnessPlace:
    """One file outside. `points` is None where it is not there; `name`: as the log names it."""

    name: str
    path: Path
    points: tuple[Checkpoint, ...] | None = None
    torn: int = 0

    @property
    def last(self) -> int:
        return self.points[-1].number if self.points else 0


@dataclass(frozen=True)
class Outside:
    """What stands outside, read: every place, the longest line of checkpoints, what is wrong, and what is only said."""

    places: tuple[WitnessPlace, ...] = ()
    points: tuple[Checkpoint, ...] = ()
    faults: tuple[LogFault, ...] = ()
    notes: tuple[str, ...] = ()


def places_of(state: State) -> list[WitnessPlace]:
    """Where lines go, by the settings; none read yet."""
    settings = state.settings.log
    named = [(str(path), path) for path in settings.witnesses]
    if settings.checkpoint_dir is not None:
        named.insert(0, (OF_FOLDER, settings.checkpoint_dir / FILE))
    return [WitnessPlace(name, path if path.is_absolute() else state.root / path) for name, path in named]


# -- writing -------------------------------------------------------------------------------------


def write(state: State, lost: tuple[int, int] | None = None, by: Event | None = None, backup: str | None = None) -> Checkpoint | None:
    """Signs a line of the log as it is, appends it to each place outside and hands it to the command; None if the settings name neither.

    What stands outside is read first and must agree with the log; outside is written before the log. Only under the run lock.

    Raises: RunStopped (`witness_...`) if they do not agree; (`disk_full`, `write_failed`) if no place can be written.
    """
    command = state.settings.log.witness_command
    if not places_of(state) and not command:
        return None
    outside = read(state)
    if lost is None:
        _refuse(outside)
    key = (state.root / "signing.key").read_bytes()
    last = outside.points[-1] if outside.points else None
    known = witness_lines.known(state.operations, OF_FOLDER)
    entry = state.operations.rows(sa.select(schema.events).order_by(schema.events.c.seq.desc()).limit(1))[0]
    point = log.signed(
        Checkpoint(
            number=last.number + 1 if last else 1 if places_of(state) else known.number + 1,
            state_id=str(state.operations.fact("state_id")),
            seq=entry["seq"],
            hash=entry["hash"],
            at=entry["at"],
            previous=last.digest() if last else log.GENESIS,
            lost=lost,
            backup=backup,
        ),
        key,
    )
    written, problem = [], None
    for place in outside.places:
        if place.points is None and known.of_place.get(place.name):
            continue  # away: it gets what it lacks when it is back
        try:
            _append(place, [*outside.points[len(place.points or ()) :], point], log.public_key(key))
            written.append(place.name)
        except OSError as error:
            problem = error
    if problem is not None and not written:
        raise files.stopped(problem, "The checkpoint") from problem
    if command and _handed_over(command, state, point):
        written.append(COMMAND)
    event = by or Event("system", "operator", "run", SIGNED)
    with state.operations.writing(event.with_detail(number=point.number, seq=point.seq, code=point.code, line=point.line(), places=written)):
        pass
    return point


def _append(place: WitnessPlace, points: Iterable[Checkpoint], public_key: bytes) -> None:
    """Adds lines in one write, after whatever is there; a line torn by a crash stays and is passed over."""
    folder = place.path.parent
    folder.mkdir(parents=True, exist_ok=True)
    key_file = folder / KEY_FILE
    if not key_file.exists():
        files.write_bytes(key_file, public_key.hex().encode(), 0o644)
    text = "".join(f"{point.line()}\n" for point in points).encode()
    is_torn = place.path.exists() and place.path.stat().st_size > 0 and not place.path.read_bytes().endswith(b"\n")
    handle = os.open(place.path, os.O_WRONLY | os.O_CREAT | os.O_APPEND, 0o644)
    try:
        os.fchmod(handle, 0o644)  # hashes alone, for whoever watches to read
        os.write(handle, (b"\n" if is_torn else b"") + text)
        os.fsync(handle)
    finally:
        os.close(handle)
    files.sync(folder)


def _handed_over(command: Sequence[str], state: State, point: Checkpoint) -> bool:
    """Whether the command took the line and its code; one that failed is a place that was away."""
    said = {"kind": "witness", "force": state.settings.force.name, "number": point.number, "at": point.at, "code": point.code, "line": point.line()}
    try:
        text = json.dumps(said, ensure_ascii=False).encode()
        subprocess.run(list(command), input=text, check=True, timeout=COMMAND_SECONDS, capture_output=True)
    except (OSError, subprocess.SubprocessError):
        return False
    return True


# -- reading -------------------------------------------------------------------------------------


def must_agree(state: State) -> None:
    """What stands outside agrees with the log, or nothing is run. Raises RunStopped, named for what is wrong."""
    if places_of(state) or state.settings.log.witness_command:
        _refuse(read(state))


def _refuse(outside: Outside) -> None:
    if outside.faults:
        raise RunStopped(
            f"What was signed outside does not agree with the log: {outside.faults[0].says}.",
            code=outside.faults[0].rule,
            next_step="Sign nothing. Restore the newest backup, or declare the restore (`harmcast log declare-restore`).",
        )


def read(state: State, keys: Sequence[bytes] | None = None) -> Outside:
    """Every place of the settings against the log. `keys`: those a line may be signed with; default the state's own."""
    places = tuple(_read(place) for place in places_of(state))
    longest = max(places, key=lambda place: place.last, default=None)
    points = longest.points or () if longest is not None else ()
    keys = [_own_key(state)] if keys is None else keys
    faults: list[LogFault] = []
    for place in places:
        faults += [fault for fault in against_log(state, place.points or (), keys) if fault not in faults]
    faults += _disagreements(places, points)
    away, notes = _away(state, places)
    return Outside(places, points, tuple(faults + away), tuple(notes))


def against_log(state: State, points: Sequence[Checkpoint], keys: Sequence[bytes]) -> list[LogFault]:
    """What is wrong with one place's lines, by the names of the refusals; none of `keys` fits: all are somebody else's."""
    numbers = sorted({point.seq for point in points})
    table = schema.events
    hashes: dict[int, str] = {}
    with state.operations.reading() as connection:
        for first in range(0, len(numbers), 500):
            some = table.c.seq.in_(numbers[first : first + 500])
            hashes |= {seq: hashed for seq, hashed in connection.execute(sa.select(table.c.seq, table.c.hash).where(some))}
    key = next((one for one in keys if points and log.is_signed(points[-1], one)), keys[0] if keys else b"")
    found = log.checkpoint_faults(points, hashes, key, str(state.operations.fact("state_id")))
    return [replace(fault, rule=REFUSALS[fault.rule]) for fault in found]


def _disagreements(places: Sequence[WitnessPlace], points: Sequence[Checkpoint]) -> list[LogFault]:
    found = []
    for place in places:
        for ours, theirs in zip(place.points or (), points, strict=False):
            if ours.line() != theirs.line():
                found.append(LogFault("witness_fork", ours.seq, f"the places outside disagree on line {ours.number}: {place.name} has another"))
                break
    return found


def _away(state: State, places: Sequence[WitnessPlace]) -> tuple[list[LogFault], list[str]]:
    """Places that lack lines they were given, or were away for longer than is let pass; and what is said of those away for less."""
    known = witness_lines.known(state.operations, OF_FOLDER)
    faults: list[LogFault] = []
    notes: list[str] = []
    if places and known.number and all(place.points is None for place in places):
        return [LogFault("witness_missing", None, f"the log knows {known.number} checkpoints, and no place outside is there")], []
    too_long = log.instant(log.moment(state.operations.now()) - timedelta(days=DAYS_AWAY))
    for place in places:
        given, since = known.of_place.get(place.name, 0), known.last_at.get(place.name, "")
        if place.points is None:
            if given and since < too_long:
                faults.append(LogFault("witness_missing", None, f"{place.name} has been away for more than {DAYS_AWAY} days"))
            elif given:
                notes.append(f"{place.name} is away since after {since}: it gets the lines it lacks when it is back.")
        elif place.last < given:
            faults.append(LogFault("witness_short", None, f"the log knows {given} checkpoints of {place.name}, and {place.last} are there"))
        if place.torn:
            notes.append(f"{place.name} has {place.torn} torn line(s), passed over.")
    if places and max(place.last for place in places) < known.number and not faults:
        faults.append(LogFault("witness_short", None, f"the log knows {known.number} checkpoints, and {max(p.last for p in places)} are there"))
    if state.settings.log.witness_command and (known.of_place.get(COMMAND, 0) or known.number) and known.of_place.get(COMMAND, 0) < known.number:
        first_missed = known.first_missed(COMMAND)
        if first_missed and first_missed < too_long:
            faults.append(LogFault("witness_missing", None, f"the witness command has failed for more than {DAYS_AWAY} days"))
        else:
            notes.append("The witness command failed the last time.")
    return faults, notes


def _own_key(state: State) -> bytes:
    return log.public_key((state.root / "signing.key").read_bytes())


def key_code(state: State) -> str:
    """The code of the key that lines are signed with: for paper, on the day the state is made."""
    return log.code_of(_own_key(state))


def _read(place: WitnessPlace) -> WitnessPlace:
    try:
        points, torn = _points(place.path)
    except OSError:
        return place
    return replace(place, points=tuple(points), torn=torn)


def _points(file: Path) -> tuple[list[Checkpoint], int]:
    """Checkpoints of a file and how many lines are none. Raises OSError, RunStopped (`checkpoints_unreadable`)."""
    try:
        lines = [line for line in file.read_text(encoding="utf-8").splitlines() if line]
    except UnicodeDecodeError:
        lines = ["?"]
    points = [point for line in lines if (point := _whole_line(line)) is not None]
    if lines and not points:
        raise RunStopped(
            "The checkpoints are not what was written.",
            code="checkpoints_unreadable",
            next_step="Take them from another copy; if every copy is so, tell the data owner.",
        )
    return points, len(lines) - len(points)


def _whole_line(line: str) -> Checkpoint | None:
    """A checkpoint of its line; None for one that a crash tore. A line taken away breaks the numbers of those after it."""
    try:
        return Checkpoint.of_line(line)
    except ValueError:
        return None


def _key_beside(file: Path) -> bytes | None:
    try:
        return bytes.fromhex((file.parent / KEY_FILE).read_text(encoding="utf-8").strip())
    except (OSError, ValueError):
        return None


# -- verifying -----------------------------------------------------------------------------------


def verify(state: State, checkpoint: Path | None = None, key: str | None = None) -> Outside:
    """The log against the lines of the file or folder named, else against those of the settings' places.

    Args: `key`: code of the key on paper; no key file and no file of the state is believed that has another.
    Raises: RunStopped if a file named cannot be read.
    """
    file = checkpoint / FILE if checkpoint is not None and checkpoint.is_dir() else checkpoint
    found = [_key_beside(file)] if file is not None else [_own_key(state), *(_key_beside(place.path) for place in places_of(state))]
    keys = [one for one in found if one is not None]
    if key is not None:
        keys = [one for one in (*keys, _own_key(state)) if log.code_of(one) == key]
        if not keys:
            return Outside(faults=(LogFault("witness_key", None, "no key here is the one on paper"),))
    if file is None:
        return read(state, keys if key is not None else [_own_key(state)])
    try:
        points, torn = _points(file)
    except OSError:
        keys = []
    if not keys:
        raise RunStopped("The checkpoints cannot be read.", code="checkpoints_missing", next_step=f"Name {FILE}; {KEY_FILE} must lie beside it.")
    place = WitnessPlace(str(file), file, tuple(points), torn)
    return Outside((place,), place.points or (), tuple(against_log(state, points, keys)))


@dataclass(frozen=True)
class CodeFound:
    """What a code from paper covers: entries up to `seq`, as written at `at`; whether the log still holds them."""

    code: str
    number: int | None
    seq: int | None
    at: str | None
    held: bool

    def line(self) -> str:
        """The same for people."""
        if self.number is None:
            return f"{self.code}: no line outside and no entry of the log has this code. The log never had it, or has it no more."
        says = "the log still holds that entry" if self.held else "the log does not hold that entry any more"
        return f"{self.code}: line {self.number} of {self.at}, which saw entries 1 to {self.seq}; {says}."


def check_code(state: State, text: str) -> CodeFound:
    """Which line a code is of, and whether the log still holds what it saw. The log's chain is `verify`'s to check.

    Raises: RunStopped (`code_unreadable`) if it is no code.
    """
    try:
        code = log.as_code(text)
    except ValueError:
        raise RunStopped("That is not a witness code.", code="code_unreadable", next_step="Five groups of five, as printed: letters and digits.") from None
    outside = [point for place in places_of(state) for point in _read(place).points or ()]
    point = next((point for point in (*outside, *witness_lines.with_code(state.operations, code)) if point.code == code), None)
    if point is None:
        return CodeFound(code, None, None, None, False)
    hashes = state.operations.rows(sa.select(schema.events.c.hash).where(schema.events.c.seq == point.seq))
    return CodeFound(code, point.number, point.seq, point.at, bool(hashes) and point.hash == hashes[0]["hash"])


def declare_restore(state: State, actor: Actor, reason: str) -> Checkpoint | None:
    """Declares that an older backup was restored: which entries are lost is signed outside, and said by every later verification.

    Raises: AccessDenied unless the data protection officer or a supervisor declares it; RunStopped where nothing is to be declared, or
    where it is no restore: another state, another key, a checkpoint that was changed.
    """
    role = actor.acting("data_protection_officer", "supervisor")
    with state.run_lock("declare a restore", actor.account):
        outside = read(state)
        rules = {fault.rule for fault in outside.faults}
        disagree = _disagreements(outside.places, outside.points)
        if not outside.points or not rules or disagree or rules - {"witness_ahead", "witness_fork"}:
            raise RunStopped("There is no restore to declare.", code="no_restore", next_step="See `harmcast log verify`.")
        table = schema.events
        held = {row["seq"]: row["hash"] for row in state.operations.rows(sa.select(table.c.seq, table.c.hash))}
        shared = max((point.seq for point in outside.points if held.get(point.seq) == point.hash), default=0)
        lost = (shared + 1, max(point.seq for point in outside.points))
        event = Event(actor.account, role, "administration", RESTORED, reason, object="log", detail={"lost": list(lost)})
        return write(state, lost, event)
