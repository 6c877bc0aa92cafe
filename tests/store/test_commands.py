"""Every command as it is typed, against the table that says who runs it: none opens, lets out or destroys for one person."""

from __future__ import annotations

import hashlib
import inspect
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest
from cyclopts import App

from harmcast.cli import load_commands, main
from harmcast.commands.base import app, command
from harmcast.oversight.commands import COMMANDS, PERSONS
from harmcast.oversight.log import Event
from harmcast.store import codes
from harmcast.store.state import State

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


def test_two_people_export_the_log_and_change_the_settings(state: State, tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    for name, first in (("log export", "pat"), ("settings --set", "ada")):
        with pytest.raises(AssertionError):  # it ended well
            run(state, name, tmp_path, capsys, "--code", drawn(state, first, name), "--second-code", drawn(state, "bob", name))
    assert (tmp_path / "out").exists()
    assert "settings_changed" in {entry.action for entry in state.operations.entries()}
