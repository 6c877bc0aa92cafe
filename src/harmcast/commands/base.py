"""What every command shares: the groups, `--json`, the state it opens and who runs it."""

from __future__ import annotations

import json as json_text
from collections.abc import Callable
from contextvars import ContextVar
from datetime import date
from functools import wraps
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any

from cyclopts import App, Parameter

from harmcast import __version__
from harmcast.documents.command_result import CommandResult
from harmcast.oversight.commands import COMMANDS

if TYPE_CHECKING:
    from harmcast.store.state import State

app = App(
    name="harmcast",
    version=__version__,
    result_action="return_value",
    help="Weekly forecasts of serious violence by place, and of harm by people already charged, for a police force "
    "that has to answer for them. Decision support: a person decides.",
)
users = App(name="users", help="People who use the system: accounts, roles, units, training.")
register = App(name="register", help="The register of tools: status, owner, approvals with dates and review-by dates.")
report = App(name="report", help="Answers from the records as known at the end of a day: drafts as HTML, JSON and CSV.")
answer = App(name="answer", help="Published answers: a draft signed by two people, kept as it was handed out.")
log = App(name="log", help="The log of who looked, who changed and who decided.")
qlik = App(name="qlik", help="The dashboards for Qlik: its folder, who may see whom there, and whether it shows what harmcast shows.")
for group in (users, register, report, answer, log, qlik):
    app.command(group)

StateFolder = Annotated[Path, Parameter(help="Folder of the force's state.")]
Json = Annotated[bool, Parameter(name="--json", negative="", help="Print one JSON document instead of text.")]
AsOf = Annotated[date | None, Parameter(help="What was known at the end of this day (YYYY-MM-DD); default today.")]
_running: ContextVar[str] = ContextVar("command that runs")


def command(group: App, name: str | None = None) -> Callable[[Callable[..., CommandResult]], Callable[..., CommandResult]]:
    """Register a function as a command of `group`, with `--json` added. It stands in `oversight.commands`, whole or by its forms."""

    def register_it(function: Callable[..., CommandResult]) -> Callable[..., CommandResult]:
        called = f"{'' if group is app else f'{group.name[0]} '}{name or function.__name__}"
        if called not in COMMANDS:
            raise KeyError(f"`{called}` stands in no line of harmcast.oversight.commands")

        @wraps(function)
        def run(*args: Any, json: Json = False, **kwargs: Any) -> CommandResult:
            _running.set(called)
            said = function(*args, **kwargs)
            if json:
                print(json_text.dumps({"ok": said.exit_code == 0, **said.document}, default=str, ensure_ascii=False))
            else:
                print("\n".join(said.lines))
            return said

        import inspect

        signature = inspect.signature(function, eval_str=True)
        parameters = [*signature.parameters.values(), inspect.Parameter("json", inspect.Parameter.KEYWORD_ONLY, default=False, annotation=Json)]
        run.__signature__ = signature.replace(parameters=parameters)  # type: ignore[attr-defined]
        run.__annotations__ = {p.name: p.annotation for p in parameters}
        group.command(run, name=name)
        return run

    return register_it


def opened(state: Path) -> State:
    from harmcast.store.state import open_state

    return open_state(state)


Reason = Annotated[str, Parameter(help="The reason, in words; kept in the log.")]
Code = Annotated[str | None, Parameter(help="One-time code for this command, drawn under Your account on the dashboards by whoever acts.")]
SecondCode = Annotated[str | None, Parameter(help="One-time code for this command, drawn by a second person: it takes two.")]


def actor(state: State, code: str | None = None, second_code: str | None = None, form: str = "") -> Any:
    """Who runs the command that is under way, as `oversight.commands` says of it, or of that form of it: the operator or a person."""
    return state.actor(f"{_running.get()} {form}".strip(), code, second_code)


def and_copies(state: State, who: Any, lines: list[str], *, erased: bool = False) -> list[str]:
    """The lines, and what became of the copies outside the pages: brought to what may be shown after the command."""
    from harmcast.operate import copies

    return [*lines, *copies.refresh(state, who.account, who.roles[0][0], erased=erased)]


def day(as_of: date | None) -> date:
    return as_of or date.today()
