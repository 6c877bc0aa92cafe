"""Who runs each command, and how many people it takes, written out: a change of the table is a change here."""

from __future__ import annotations

import pytest

from harmcast.oversight.commands import BY_SETTINGS, CODE_MINUTES, COMMANDS, PERSONS, second_hint

OPERATORS = {
    "init", "ground", "check", "profile", "load", "effects", "week", "backtest", "findings", "reload", "rebuild", "serve", "status", "backup", "restore", "fleet", "invent",
    "demo", "settings", "forget --dry-run", "forget --left-source", "users list", "register list", "report foi", "report atrs", "report dpia", "report eia",
    "report algocare", "report modelcard", "report public", "report eda", "log verify", "log check-code", "qlik write", "qlik accept",
}  # fmt: skip
OPEN = {
    "accept", "reject", "cuts", "refit", "publish", "lift", "settings --set", "forget", "report subject", "answer publish", "log export", "log declare-restore",
    "register describe", "register enter", "register enter approval", "register status", "qlik access", "users add", "users invite", "users role", "users confirm",
    "users training",
}  # fmt: skip
SHUT = {"withdraw", "lift --end", "register status stopped", "users role --end", "users disable"}
SECONDS = {
    "cuts": ("supervisor", "ethics_reviewer"),
    "forget": ("supervisor", "ethics_reviewer"),
    "report subject": ("supervisor", "ethics_reviewer"),
    "log export": ("supervisor", "ethics_reviewer"),
    "settings --set": ("supervisor", "ethics_reviewer", "data_protection_officer"),
    "log declare-restore": ("supervisor", "data_protection_officer"),
    "register enter approval": ("data_protection_officer", "ethics_reviewer"),
    "register status": ("data_protection_officer", "ethics_reviewer"),
    "qlik access": ("supervisor", "data_protection_officer", "administrator"),
    "users invite": ("supervisor", "administrator"),
}


def test_who_runs_what() -> None:
    assert set(COMMANDS) == OPERATORS | OPEN | SHUT
    assert set(PERSONS) == OPEN | SHUT
    assert {name for name, one in COMMANDS.items() if one.opens} == OPEN


def test_whose_code_stands_beside_the_first() -> None:
    assert {name: one.second for name, one in COMMANDS.items() if one.second} == SECONDS
    in_turn = {name for name, one in COMMANDS.items() if one.in_turn}
    assert in_turn == {"accept", "refit", "publish", "lift", "answer publish", "users add", "users role"}
    at_set_up = {name for name, one in COMMANDS.items() if one.at_set_up}
    assert at_set_up == {"users add", "users invite", "users role", "users role --end", "users training"}


def test_what_does_not_run_with_settings_changed_by_hand() -> None:
    operators = {"week", "load", "fleet", "ground", "reload", "qlik write", "forget --left-source"}
    assert operators | (OPEN - {"settings --set"}) == BY_SETTINGS


@pytest.mark.parametrize(
    ("name", "who"),
    [("users invite", "supervisor or administrator"), ("qlik access", "supervisor or data protection officer or administrator")],
)
def test_a_form_says_who_the_second_may_be(name: str, who: str) -> None:
    assert CODE_MINUTES == 10
    assert second_hint(name) == (
        f"It takes two people. Somebody else ({who}) draws a code under Your account, for “{COMMANDS[name].says}”. It opens once, within 10 minutes."
    )
