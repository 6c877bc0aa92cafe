"""Every command as it is typed, against the table that says who runs it: none opens, lets out or destroys for one person."""

from __future__ import annotations

import hashlib
import inspect
import json
import re
from collections.abc import Callable, Iterator
from datetime import date
from pathlib import Path

import pytest
import sqlalchemy as sa
from cyclopts import App

from harmcast.cli import load_commands, main
from harmcast.commands.base import app, command
from harmcast.oversight.access import Role
from harmcast.oversight.commands import COMMANDS, PERSONS
from harmcast.oversight.findings import Finding
from harmcast.oversight.log import Event
from harmcast.runs.answer import write_answer
from harmcast.runs.load import load_delivery
from harmcast.store import codes, reports, schema, users
from harmcast.store.releases import NewTool
from harmcast.store.state import State
from harmcast.store.users import Actor

BY = Event("setup", "operator", "administration", "user_added")
TYPED = {
    "accept": "STATE --load 1 --reason seen",
    "reject": "STATE --load 1 --reason wrong",
    "cuts": "STATE --reason anew",
    "refit": "STATE",
    "publish": "STATE 2026-W47",
    "withdraw": "STATE 2026-W47 --reason wrong",
    "lift": "STATE 2026-W47 F1 --reason small",
    "lift --end": "STATE 2026-W47 F1 --reason grown --end",
    "settings --set": "STATE --set OTHER",
    "forget": "STATE",
    "report subject": "STATE --person P1 --out OUT",
    "answer publish": "STATE OUT --reference R1",
    "log export": "STATE --out OUT",
    "log declare-restore": "STATE --reason restored",
    "register describe": "STATE knife_injury --purpose words",
    "register enter": "STATE contract --by somebody",
    "register enter approval": "STATE dpia --by somebody",
    "register status": "STATE knife_injury trial",
    "register status stopped": "STATE knife_injury stopped",
    "qlik access": "STATE --admin eve --out OUT",
    "users add": "STATE mallory --name M --role administrator",
    "users invite": "STATE bob",
    "users role": "STATE bob administrator",
    "users role --end": "STATE bob supervisor --end",
    "users confirm": "STATE 1",
    "users training": "STATE eve knife_injury",
    "users disable": "STATE bob",
}
ROLES = {"users": "administrator", "settings --set": "administrator", "cuts": "data_scientist"}
OPERATORS_FORMS = {"forget --dry-run", "forget --left-source", "settings"}  # of commands that a person runs otherwise


@pytest.fixture
def state(make_state: Callable[..., State]) -> State:
    """A state with two administrators, a supervisor, an officer and a reviewer: whoever acts, somebody else could have."""
    made = make_state()
    for account, role in (
        ("ada", "administrator"), ("ann", "administrator"), ("bob", "supervisor"), ("pat", "data_protection_officer"), ("eve", "ethics_reviewer"), ("dan", "data_scientist"),
    ):  # fmt: skip
        made.users.add(account, account, BY)
        made.users.give_role(account, role, "North" if role == "supervisor" else None, BY)
    assert not made.users.in_set_up()
    return made


def commands_of(group: App, before: str = "") -> Iterator[tuple[str, Callable[..., object]]]:
    load_commands()
    for name in group:
        if name.startswith("-"):
            continue
        one = group[name]
        if one.default_command is None:
            yield from commands_of(one, f"{before}{name} ")
        else:
            yield f"{before}{name}", one.default_command


def form_of(name: str, of: str) -> bool:
    return name == of or name.startswith(f"{of} ")


def test_each_command_stands_in_the_table_and_each_line_of_it_is_a_commands() -> None:
    there = dict(commands_of(app))
    assert set(there) <= set(COMMANDS)
    assert all(any(form_of(name, one) for one in there) for name in COMMANDS)
    assert set(TYPED) == set(PERSONS)


def test_a_command_that_stands_in_no_line_does_not_start() -> None:
    with pytest.raises(KeyError, match="let_out_all"):

        @command(app)
        def let_out_all() -> None:
            """Nothing."""


@pytest.mark.parametrize(("name", "function"), sorted(commands_of(app)))
def test_a_command_takes_as_many_codes_as_people(name: str, function: Callable[..., object]) -> None:
    forms = [one for form, one in COMMANDS.items() if form_of(form, name)]
    takes = inspect.signature(function).parameters
    if name == "log check-code":  # a witness code, from paper
        return
    assert ("code" in takes) == any(one.person for one in forms)
    assert ("second_code" in takes) == any(one.second for one in forms)


def test_what_a_person_alone_may_open_is_named() -> None:
    """A load dropped can be sent again; words; an entry that is no approval; a second half; somebody else's training."""
    alone = {name for name, one in PERSONS.items() if one.opens and not one.second and not one.in_turn}
    assert alone == {"reject", "register describe", "register enter", "users confirm", "users training"}


def run(state: State, name: str, folder: Path, capsys: pytest.CaptureFixture[str], *codes_given: str) -> str:
    """What stderr says of a command that was typed."""
    other = folder / "other.toml"
    other.write_text(state.settings_folder.joinpath("settings.toml").read_text().replace("[force]", "[web]\nidle_minutes = 60\n\n[force]", 1))
    words = TYPED[name].replace("STATE", str(state.root)).replace("OTHER", str(other)).replace("OUT", str(folder / "out")).split()
    group = [word for word in name.split() if not word.startswith("--")]
    group = group[:2] if group[0] in ("report", "answer", "log", "register", "qlik", "users") else group[:1]
    with pytest.raises(SystemExit) as ended:
        main([*group, *words, *codes_given])
    said = capsys.readouterr().err
    assert ended.value.code, said
    return said


def held(state: State) -> tuple[int, str]:
    """How many entries the log holds, and what lies in the state beside its database."""
    files = sorted(path for path in state.root.rglob("*") if path.is_file() and not path.name.startswith(("operations.db", "run.lock")))
    return len(state.operations.entries()), hashlib.sha256(b"".join(str(path).encode() + path.read_bytes() for path in files)).hexdigest()


def drawn(state: State, account: str, name: str) -> str:
    with state.operations.writing(BY) as tx:
        return codes.draw(tx, account, name)


@pytest.mark.parametrize("name", sorted(PERSONS))
def test_the_services_account_alone_brings_nothing_about(state: State, name: str, tmp_path: Path, capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch) -> None:
    """Root types each command, with every variable of the environment naming somebody who may."""
    for variable in ("LOGNAME", "USER", "USERNAME", "SUDO_USER", "SUDO_UID"):
        monkeypatch.setenv(variable, "pat")
    before = held(state)
    assert "[code_needed]" in run(state, name, tmp_path, capsys)
    assert held(state) == before
    assert not (tmp_path / "out").exists()


@pytest.mark.parametrize("name", sorted(name for name, one in PERSONS.items() if one.second))
def test_one_person_brings_nothing_about_that_takes_two(state: State, name: str, tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    """Her code alone, twice, and beside one of hers that was drawn later: nothing is done, and only codes are written of."""
    role = next((role for of, role in ROLES.items() if form_of(name, of)), "data_protection_officer")
    who = next(user.account for user in state.users.everyone() if user.roles[0].role == role)
    code = drawn(state, who, name)
    before, users = held(state), state.users.all()
    assert "[second_code_needed]" in run(state, name, tmp_path, capsys, "--code", code)
    assert held(state) == before
    assert "[code_refused]" in run(state, name, tmp_path, capsys, "--code", code, "--second-code", code)
    code = drawn(state, who, name)
    assert "[code_refused]" in run(state, name, tmp_path, capsys, "--code", drawn(state, who, name), "--second-code", code)
    assert held(state)[1] == before[1]
    assert {entry.action for entry in state.operations.entries()[before[0] :]} == {"code_used", "code_refused", "user_added"}  # the last: codes drawn here
    assert state.users.all() == users
    assert not (tmp_path / "out").exists()


def test_an_entry_due_for_review_before_its_own_day_is_refused_and_uses_no_code(state: State, capsys: pytest.CaptureFixture[str]) -> None:
    pair = (drawn(state, "pat", "register enter approval"), drawn(state, "eve", "register enter approval"))
    entries = len(state.operations.entries())
    words = ["register", "enter", str(state.root), "dpia", "--by", "pat", "--dated", "2026-10-01", "--code", pair[0], "--second-code", pair[1], "--review-by"]
    with pytest.raises(SystemExit) as ended:
        main([*words, "2026-09-30"])
    assert ended.value.code == 21
    assert "[review_before_document]" in capsys.readouterr().err
    assert len(state.operations.entries()) == entries
    with pytest.raises(SystemExit) as ended:
        main([*words, "2026-10-01"])
    assert ended.value.code == 0, capsys.readouterr().err


def test_two_people_export_the_log_and_change_the_settings(state: State, tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    for name, first in (("log export", "pat"), ("settings --set", "ada")):
        with pytest.raises(AssertionError):  # it ended well
            run(state, name, tmp_path, capsys, "--code", drawn(state, first, name), "--second-code", drawn(state, "bob", name))
    assert (tmp_path / "out").exists()
    assert "settings_changed" in {entry.action for entry in state.operations.entries()}


# -- what is done in turn: the first's half waits for a second person ----------------------------------------------

CONCERN = Finding("concern", "iom", "selection/sex/male/higher", "Men are selected more.", 0.7, 0.8, 1.6)
TO_THE_END = {
    "accept": ["accept STATE --load 1 --reason seen", "accept STATE --load 1 --reason seen --second"],
    "refit": ["publish STATE hers --reason seen"],
    "publish": ["publish STATE 2026-W48 --reason seen"],
    "lift": [f"lift STATE 2026-W49 {CONCERN.id} --reason known"],
    "answer publish": ["answer publish STATE OUT/foi.html --reference R1"],
    "users add": ["users add STATE mallory3 --name M --role ethics_reviewer", "users confirm STATE 1"],
    "users role": ["users role STATE mallory2 ethics_reviewer", "users role STATE mallory ethics_reviewer --unit South", "users confirm STATE 1", "users confirm STATE 2"],
}


@pytest.fixture
def hers(state: State, deliver: Callable[..., Path], rows: dict[str, dict[str, str]], tmp_path: Path) -> State:
    """Mallory holds every role, and has a second account without any; of each thing that two let go in turn, one waits."""
    with state.operations.writing(BY) as tx:
        for account in ("mallory", "mallory2"):
            users.enter(tx, account, "Mallory")
        for role in Role:
            users.give(tx, "mallory", role.value, "North" if role in (Role.SUPERVISOR, Role.OFFENDER_MANAGER) else None, "setup")
    for kind in ("dpia", "legal", "ethics"):
        entry = {"tool": None, "kind": kind, "title": "t", "outcome": "approved", "dated": date(2026, 1, 1), "by_whom": "w"}
        state.register.enter({**entry, "document_ref": None, "conditions": None, "review_by": None}, BY)
    for week, found in (("2026-W48", []), ("2026-W49", [CONCERN])):
        tools = [NewTool("iom", "held", found)]
        state.releases.keep(week, {"manifest.json": b'{"files": {}}'}, tools, origin=date(2026, 11, 23), as_of=date(2026, 11, 22), sequence=1, event=BY)
    state.models.keep("iom", "hers", "2026-W48", {}, {}, Event("mallory", "data_scientist", "administration", "model_made"))
    write_answer(state, "foi", date(2026, 11, 1), tmp_path / "out", Actor("os:x", "x", (("operator", None),)), today=date(2026, 11, 1))
    load_delivery(state, deliver({table: [row] for table, row in rows.items()}, "2026-03-02T05:00:00"))
    table = schema.deliveries
    with state.operations.writing(BY) as tx:
        note = json.loads(tx.execute(sa.select(table.c.document)).scalar_one())
        tx.execute(sa.update(table).values(document=json.dumps({**note, "needs": 2})))
    return state


def is_open(state: State) -> dict[str, object]:
    """Everything that takes two, as it stands."""
    return {
        "load": state.records.latest(),
        "model": [model.standing for model in state.models.all("iom")],
        "published": [release.week for release in state.releases.history("iom")],
        "lifted": [lift.finding for lift in state.lifts.all() if lift.second],
        "answers": [answer.reference for answer in reports.answers(state.operations) if answer.second],
        "roles": {user.account: [(held.role, held.unit) for held in user.roles] for user in state.users.everyone() if user.roles},
    }


def test_every_command_that_is_done_in_turn_is_typed_to_the_end() -> None:
    assert set(TO_THE_END) == {name for name, one in COMMANDS.items() if one.in_turn}


@pytest.mark.parametrize("name", sorted(TO_THE_END))
def test_one_person_in_every_role_and_account_does_not_do_both_halves(hers: State, name: str, tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    before, did = is_open(hers), len(hers.operations.entries())
    for line in TO_THE_END[name] * 2:
        words = line.replace("STATE", str(hers.root)).replace("OUT", str(tmp_path / "out")).split()
        command = " ".join(words[:2]) if words[0] in ("answer", "users") else words[0]
        for account in ("mallory", "mallory2"):
            with pytest.raises(SystemExit):
                main([*words, "--code", drawn(hers, account, command)])
    said = capsys.readouterr().err
    assert is_open(hers) == before
    assert {"second_person_needed", "role_not_confirmed"} & set(re.findall(r"\[(\w+)\]", said)), said
    assert {entry.actor for entry in hers.operations.entries()[did:]} <= {"mallory", "mallory2", "setup", "system"}
