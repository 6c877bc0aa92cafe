"""Commands about the apps for Qlik: written, who may see whom there, and whether Qlik shows what harmcast shows."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated

from cyclopts import Parameter

from harmcast.commands.base import Code, SecondCode, StateFolder, actor, command, opened, qlik
from harmcast.documents.command_result import CommandResult

Figures = Annotated[Path, Parameter(help="File of figures: app, reader, measure, selection, value.")]


@command(qlik, "write")
def qlik_write(state: StateFolder) -> CommandResult:
    """Write the folder that Qlik loads from, as far as something in it changed, and ask for a reload where the settings say so."""
    from harmcast.operate import qlik as written_for_qlik
    from harmcast.operate.reload import after_release

    made = opened(state)
    who = actor(made)
    written = written_for_qlik.refresh(made, who.account, who.roles[0][0])
    said = after_release(made, who.account, who.roles[0][0], bool(written.changed))
    lines = [*written.written, *written.lines, *said] or ["Nothing changed."]
    document = {"versions": written.versions, "changed": written.changed, "failed": written.failed}
    return CommandResult(document, lines, exit_code=25 if written.failed else 0)


@command(qlik, "access")
def qlik_access(
    state: StateFolder,
    *,
    admin: Annotated[str, Parameter(help="Account in Qlik that may always open and reload the app about people; sees every unit.")],
    out: Annotated[Path | None, Parameter(help="File to write; default STATE/qlik-access/section_access.csv.")] = None,
    code: Code = None,
    second_code: SecondCode = None,
) -> CommandResult:
    """Write who may see which unit in Qlik, from the users here: role in force, training recorded. It counts after a reload."""
    from harmcast.operate import qlik as written_for_qlik

    made = opened(state)
    path, readers = written_for_qlik.write_access(made, admin, out, actor(made, code, second_code))
    lines = [f"Wrote {path}: {readers} reader(s), 2 administrators. It counts after the next reload of the app about people."]
    return CommandResult({"file": str(path), "readers": readers}, lines)


@command(qlik, "accept")
def qlik_accept(
    state: StateFolder,
    figures: Figures,
    *,
    make: Annotated[bool, Parameter(negative="", help="Write the file to fill in from Qlik instead of comparing a filled one.")] = False,
) -> CommandResult:
    """Compare figures filled in from Qlik with ours: every measure under many selections, and each reader's units."""
    from harmcast.operate import qlik as written_for_qlik

    made = opened(state)
    if make:
        count = written_for_qlik.make_sheet(made, figures)
        return CommandResult({"file": str(figures), "figures": count}, [f"Wrote {figures}: {count:,} figures to fill in from Qlik."])
    found = written_for_qlik.compare_sheet(made, figures, actor(made))
    document = {"equal": found.equal, "unlike": list(found.unlike), "missing": found.missing, "accepted": found.is_accepted}
    lines = [f"{found.equal:,} figures equal, {len(found.unlike):,} not, {found.missing:,} not in the file.", *found.unlike[:20]]
    return CommandResult(document, [*lines, "Accepted." if found.is_accepted else "Not accepted."], exit_code=0 if found.is_accepted else 23)
