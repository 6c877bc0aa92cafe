"""The commands of oversight: users, the register, answers from the records, the log."""

from __future__ import annotations

from datetime import date
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Literal

from cyclopts import Parameter

from harmcast.commands.base import (
    AsOf,
    Code,
    SecondCode,
    StateFolder,
    actor,
    answer,
    command,
    day,
    log,
    opened,
    register,
    report,
    users,
)
from harmcast.documents.command_result import CommandResult
from harmcast.errors import AccessDenied, RunStopped, SettingsRefused
from harmcast.oversight.log import Event, as_code
from harmcast.oversight.register import ENTRY_KINDS, NO_LONGER_ENTERED, may_enter, opens, standing

if TYPE_CHECKING:
    from harmcast.store.state import State
    from harmcast.store.users import Actor

Account = Annotated[str, Parameter(help="Account name.")]
Unit = Annotated[str | None, Parameter(help="Unit the role is for.")]
Tool = Annotated[str, Parameter(help="Name of a tool in the settings.")]


def _event(state: State, who: Actor, action: str, *roles: str) -> Event:
    """An administration event by whoever runs the command; roles are asked once the state has users."""
    role = "operator" if state.users.before_first() else who.acting(*roles)
    return Event(who.account, role, "administration", action)


# --- users ---------------------------------------------------------------------------------------------------------


@command(users, "list")
def users_list(state: StateFolder) -> CommandResult:
    """Everyone with an account: roles, units, training."""
    from harmcast.store.proposals import all_of

    made = opened(state)
    found, waiting = made.users.all(), all_of(made.operations, waiting=True)
    lines = [
        f"{u['account']:<16} {u['standing']:<9} {', '.join(r['role'] + (' ' + r['unit'] if r['unit'] else '') for r in u['roles'])}"
        f"  trained: {', '.join(u['trained']) or 'on nothing'}"
        for u in found
    ]
    lines += [f"proposal {one.id}: {one.role}{' ' + one.unit if one.unit else ''} for {one.account}, by {one.by}" for one in waiting]
    proposed = [{"number": one.id, "account": one.account, "role": one.role.value, "unit": one.unit, "by": one.by} for one in waiting]
    return CommandResult({"users": found, "proposed": proposed}, lines or ["Nobody yet. Next: harmcast users add STATE ACCOUNT --name ... --role administrator"])


@command(users, "add")
def users_add(
    state: StateFolder,
    account: Account,
    *,
    name: Annotated[str, Parameter(help="The person's name.")],
    role: Annotated[str | None, Parameter(help="A first role: proposed, and held once a second person confirms it.")] = None,
    unit: Unit = None,
    os_account: Annotated[str | None, Parameter(help="Operating-system account of the person, for commands.")] = None,
    oidc_subject: Annotated[str | None, Parameter(help="The person's stable id at the force's own log-in: binds it at once.")] = None,
    code: Code = None,
) -> CommandResult:
    """Enter a person. While the state is set up (the first is an administrator) roles are given at once; afterwards a second person confirms them."""
    from harmcast.runs.accounts import enter

    made = opened(state)
    return enter(made, actor(made, code), account, name, role, unit, os_account=os_account, oidc_subject=oidc_subject)


@command(users, "invite")
def users_invite(state: StateFolder, account: Account, *, code: Code = None, second_code: SecondCode = None) -> CommandResult:
    """A code with which the person chooses a password, or binds the force's own log-in, within 24 hours."""
    from harmcast.runs.accounts import invite

    made = opened(state)
    return invite(made, actor(made, code, second_code), account)


@command(users, "role")
def users_role(
    state: StateFolder,
    account: Account,
    role: Annotated[str, Parameter(help="Role, e.g. offender_manager.")],
    *,
    unit: Unit = None,
    end: Annotated[bool, Parameter(negative="", help="End the role instead; one person is enough.")] = False,
    code: Code = None,
) -> CommandResult:
    """Propose a role, which a second person confirms; or end one."""
    from harmcast.runs.accounts import end_role, give_or_propose

    made = opened(state)
    who = actor(made, code, form="--end" if end else "")
    return end_role(made, who, account, role) if end else give_or_propose(made, who, account, role, unit)


@command(users, "confirm")
def users_confirm(
    state: StateFolder,
    number: Annotated[int, Parameter(help="Number of the proposal, as `users list` names it.")],
    *,
    refuse: Annotated[bool, Parameter(negative="", help="Refuse it instead.")] = False,
    code: Code = None,
) -> CommandResult:
    """Confirm a role that somebody else proposed for a third person, or refuse it."""
    from harmcast.store.proposals import answer

    made = opened(state)
    one = answer(made.users, number, actor(made, code), not refuse)
    said = "is not given" if refuse else "is held from now on"
    return CommandResult({"account": one.account, "role": one.role.value, "unit": one.unit, "given": not refuse}, [f"{one.account}: {one.role} {said}."])


@command(users, "disable")
def users_disable(state: StateFolder, account: Account, *, code: Code = None) -> CommandResult:
    """Shut an account out; its sessions end at once."""
    made = opened(state)
    event = _event(made, actor(made, code), "user_disabled", "administrator", "data_protection_officer")
    made.users.set_standing(account, "disabled", event)
    return CommandResult({"account": account, "standing": "disabled"}, [f"{account} is shut out."])


@command(users, "training")
def users_training(
    state: StateFolder,
    account: Account,
    tool: Tool,
    *,
    kind: Annotated[str, Parameter(help="What it consisted of, e.g. methodology and demonstration.")] = "methodology and demonstration",
    trainer: Annotated[str | None, Parameter(help="Who gave it.")] = None,
    contact: Annotated[str | None, Parameter(help="How to reach the trainer.")] = None,
    on: Annotated[date | None, Parameter(help="Day of the training; default today.")] = None,
    code: Code = None,
) -> CommandResult:
    """Record that a person was trained on a tool; nobody sees a tool before."""
    made = opened(state)
    made.settings.tool(tool)
    who = actor(made, code)
    role = "operator" if made.users.in_set_up() and who.has("operator") else who.acting("administrator", "supervisor")
    event = Event(who.account, role, "administration", "training_recorded")
    made.users.record_training(account, tool, kind, day(on), event, trainer=trainer, contact=contact)
    return CommandResult({"account": account, "tool": tool}, [f"Recorded: {account} was trained on {tool}."])


# --- the register ----------------------------------------------------------------------------------------------------


@command(register, "list")
def register_list(state: StateFolder, *, as_of: AsOf = None) -> CommandResult:
    """Every tool: status, owner, approvals with dates and review-by dates, and whether it may be published."""
    from harmcast.store.register import Register

    made = opened(state)
    said = Register(made.operations, made.settings, as_of)
    entries = said.entries(as_of)
    rows, lines = [], []
    for tool in said.tools(as_of):
        found = standing(tool, entries, day(as_of))
        rows.append(
            {"tool": tool, "may_publish": found.may_publish, "may_show": found.may_show, "holds": found.holds, "warnings": found.warnings}
        )
        may = "may be published" if found.may_publish else "may not be published" if found.may_show else "is not shown to anybody"
        lines.append(f"{tool.name}: {tool.status} since {tool.status_since}; {may}")
        lines += [f"  - {words}" for words in (*found.holds, *found.warnings)]
        lines += [
            f"    {e.dated} {e.kind}: {'none made' if not e.made else e.reference or 'no reference'} ({e.by})"
            + (f", review by {e.review_by}" if e.review_by else "")
            for e in entries
            if e.tool == tool.name
        ]
    return CommandResult({"tools": [{**r, "tool": vars(r["tool"])} for r in rows]}, lines)


@command(register, "status")
def register_status(
    state: StateFolder,
    tool: Tool,
    status: Annotated[Literal["shadow", "trial", "in use", "stopped"], Parameter(help="The new status.")],
    *,
    from_on: Annotated[date | None, Parameter(name="--from", help="First day it holds; default today.")] = None,
    reason: Annotated[str | None, Parameter(help="Why.")] = None,
    code: Code = None,
    second_code: SecondCode = None,
) -> CommandResult:
    """Set a tool's status from a day on."""
    from harmcast.operate import copies

    made = opened(state)
    who = actor(made, code, second_code, "stopped" if status == "stopped" else "")
    event = _event(made, who, "status_set", "data_protection_officer", "ethics_reviewer")
    made.register.set_status(tool, status, day(from_on), reason, event)
    return CommandResult({"tool": tool, "status": status}, [f"{tool}: {status} from {day(from_on)}.", *copies.refresh(made, event.actor, event.role)])


@command(register, "describe")
def register_describe(
    state: StateFolder,
    tool: Tool,
    *,
    purpose: Annotated[str | None, Parameter(help="What the tool is for.")] = None,
    policy_purpose: Annotated[str | None, Parameter(help="Why it was developed.")] = None,
    owner: Annotated[str | None, Parameter(help="Senior responsible owner.")] = None,
    made_by: Annotated[str | None, Parameter(help="Who made it, in-house or a product.")] = None,
    users: Annotated[str | None, Parameter(help="Intended users.")] = None,
    decisions_supported: Annotated[str | None, Parameter(help="Decisions it supports.")] = None,
    cost: Annotated[str | None, Parameter(help="Cost of using it: staff and machines.")] = None,
    website: Annotated[str | None, Parameter(help="Address of the force's page about the tool.")] = None,
    contact: Annotated[str | None, Parameter(help="Where to write with questions about the tool.")] = None,
    previous_process: Annotated[str | None, Parameter(help="How it was done before the tool.")] = None,
    objections_to: Annotated[str | None, Parameter(help="Where somebody writes to object.")] = None,
    from_on: Annotated[date | None, Parameter(name="--from", help="First day the words hold; default today.")] = None,
    code: Code = None,
) -> CommandResult:
    """Write what the register says of a tool; what is not named stays as it is, and earlier words stay held."""
    given = {
        "purpose": purpose,
        "policy_purpose": policy_purpose,
        "owner": owner,
        "made_by": made_by,
        "users": users,
        "decisions_supported": decisions_supported,
        "cost": cost,
        "website": website,
        "contact": contact,
        "previous_process": previous_process,
        "objections_to": objections_to,
    }
    fields = {name: words for name, words in given.items() if words is not None}
    made = opened(state)
    event = _event(made, actor(made, code), "tool_described", "data_protection_officer", "ethics_reviewer", "administrator")
    made.register.describe(tool, fields, event, from_on)
    return CommandResult({"tool": tool, "fields": sorted(fields)}, [f"Written: {', '.join(sorted(fields)) or 'nothing'}."])


@command(register, "enter")
def register_enter(
    state: StateFolder,
    kind: Annotated[str, Parameter(help="Kind of entry: dpia, legal, ethics, eia, policy, contract, standing_approval, ...")],
    *,
    tool: Annotated[str | None, Parameter(help="Tool it is about; default every tool.")] = None,
    by: Annotated[str, Parameter(help="Who approved or wrote it.")],
    dated: Annotated[date | None, Parameter(help="Its date; default today.")] = None,
    outcome: Annotated[
        Literal["approved", "approved with conditions", "refused", "none made"], Parameter(help="What it came to.")
    ] = "approved",
    title: Annotated[str | None, Parameter(help="Title, or the reason in words.")] = None,
    reference: Annotated[str | None, Parameter(help="Where the document is.")] = None,
    conditions: Annotated[str | None, Parameter(help="Conditions attached.")] = None,
    review_by: Annotated[date | None, Parameter(help="When it is due for review.")] = None,
    code: Code = None,
    second_code: SecondCode = None,
) -> CommandResult:
    """Enter an approval, a document, or that none was made."""
    from harmcast.operate import copies

    if kind not in ENTRY_KINDS:
        raise SettingsRefused(
            "There is no such kind of entry.", code="entry_kind_unknown", next_step="One of: " + ", ".join(ENTRY_KINDS) + "."
        )
    if kind in NO_LONGER_ENTERED:
        raise SettingsRefused(
            "That kind is entered no more: a finding is lifted by its own name, for a time, by two people.",
            code="entry_kind_gone",
            next_step="harmcast findings STATE RELEASE, then harmcast lift STATE RELEASE FINDING.",
        )
    made = opened(state)
    if review_by is not None and review_by < day(dated):
        raise SettingsRefused(
            "The review is due before the day of the document.", code="review_before_document", next_step="Name a later day with --review-by; nothing was entered."
        )
    who = actor(made, code, second_code, "approval" if opens(kind, outcome) else "")
    event = _event(made, who, "register_entry", "data_protection_officer", "ethics_reviewer")
    if event.role != "operator" and not may_enter(kind, event.role):
        raise AccessDenied("That role does not enter this kind.", code="role_needed", next_step="See docs/reference.")
    made.register.enter(
        {
            "tool": tool,
            "kind": kind,
            "title": title,
            "outcome": outcome,
            "dated": day(dated),
            "by_whom": by,
            "document_ref": reference,
            "conditions": conditions,
            "review_by": review_by,
        },
        event,
    )
    return CommandResult({"kind": kind, "tool": tool}, [f"Entered: {ENTRY_KINDS[kind]}.", *copies.refresh(made, event.actor, event.role)])


# --- answers and the log ---------------------------------------------------------------------------------------------


Out = Annotated[Path, Parameter(help="Folder to write the HTML, the JSON and the tables as CSV into.")]
KnownOn = Annotated[date | None, Parameter(help="Say what is known at the end of this day of --as-of; default that day itself.")]


def _report(
    kind: str, state: Path, as_of: date | None, out: Path, person: str | None = None, known_on: date | None = None, questions: Path | None = None,
    code: str | None = None, second_code: str | None = None,
) -> CommandResult:  # fmt: skip
    from harmcast.runs.answer import write_answer

    made = opened(state)
    written = write_answer(made, kind, day(as_of), out, actor(made, code, second_code), person=person, known_on=known_on, questions=questions)
    document = {"report": kind, "standing": "draft", "files": [str(p) for p in written.paths], "sha256": written.sha256}
    return CommandResult(document, [f"Wrote {p}" for p in written.paths if p.suffix in (".html", ".json") and not p.name.endswith("-metadata.json")])


def _report_command(kind: str, says: str) -> None:
    def run(state: StateFolder, *, out: Out, as_of: AsOf = None, known_on: KnownOn = None) -> CommandResult:
        return _report(kind, state, as_of, out, known_on=known_on)

    run.__doc__ = says
    command(report, kind)(run)


@command(report, "foi")
def report_foi(
    state: StateFolder,
    *,
    out: Out,
    as_of: AsOf = None,
    known_on: KnownOn = None,
    questions: Annotated[Path | None, Parameter(help="File of the numbers asked for, one a line, each with the asker's own words.")] = None,
) -> CommandResult:
    """Every question of the published requests, question first, with a summary of two pages; a draft."""
    return _report("foi", state, as_of, out, known_on=known_on, questions=questions)


for _kind, _says in {
    "atrs": "Algorithmic Transparency Recording Standard record, tier 1 and 2; a draft.",
    "dpia": "Data protection impact assessment, filled from the records.",
    "eia": "Equality impact assessment, filled from the records.",
    "algocare": "ALGO-CARE record with live numbers.",
    "modelcard": "Model card of each tool.",
    "public": "A plain-language page for the public.",
}.items():
    _report_command(_kind, _says)


@command(report, "eda")
def report_eda(state: StateFolder, *, out: Out = Path("eda-report"), as_of: AsOf = None) -> CommandResult:
    """Exploratory analysis of the whole history: quality, delays, trends, who is charged, places by deprivation, variables and groups."""
    from harmcast.runs import explore

    made = opened(state)
    written = explore.write(made, day(as_of), out, actor(made))
    document = {"report": "eda", "files": [str(path) for path in written.paths], "findings": list(written.exploration.findings)}
    return CommandResult(document, [*written.exploration.findings, *(f"Wrote {path}" for path in written.paths)])


@command(report, "subject")
def report_subject(state: StateFolder, *, person: Annotated[str, Parameter(help="The force's reference of the person.")], out: Out = Path("subject-report"), as_of: AsOf = None, code: Code = None, second_code: SecondCode = None) -> CommandResult:
    """One person's inputs, scores, reasons, decisions, and who viewed them; for the data protection officer."""
    return _report("subject", state, as_of, out, person, code=code, second_code=second_code)


@command(answer, "publish")
def answer_publish(
    state: Annotated[Path, Parameter(help="Folder of the force's state; may be left out where the working folder is it.")],
    file: Annotated[Path | None, Parameter(help="HTML or JSON of a draft as `report` wrote it.")] = None,
    *,
    reference: Annotated[str, Parameter(help="Reference of the request it answers, e.g. 1353A/22.")],
    code: Code = None,
) -> CommandResult:
    """One person's half of publishing a draft: a data scientist, ethics reviewer or supervisor proposes it, the data protection officer signs."""
    from harmcast.runs.publish_answer import publish_answer

    folder, draft = (Path(), state) if file is None else (state, file)
    made = opened(folder)
    found = publish_answer(made, draft, reference, actor(made, code))
    waits = found.second is None
    said = "Proposed. It is published once the data protection officer runs the same." if waits else f"Published, number {found.id}."
    return CommandResult({"answer": found.id, "sha256": found.sha256, "waiting": waits, "supersedes": found.supersedes}, [said, f"SHA-256 {found.sha256}"])


@command(log, "verify")
def log_verify(
    state: StateFolder,
    *,
    checkpoint: Annotated[Path | None, Parameter(help="File or folder of lines kept elsewhere; default the places that the settings name.")] = None,
    key: Annotated[str | None, Parameter(help="Code of the signing key, from paper: no other key is believed.")] = None,
) -> CommandResult:
    """Check log, rows and files of record for tampering and say where; exit 25 where nothing outside could be looked at."""
    from harmcast.store.verify import verify

    try:
        wanted = None if key is None else as_code(key)
    except ValueError:
        raise RunStopped("That is not the code of a key.", code="code_unreadable", next_step="Five groups of five, as `harmcast init` printed them.") from None
    found = verify(opened(state), checkpoint, wanted)
    return CommandResult(found.document(), found.lines(), exit_code=found.exit_code)


@command(log, "check-code")
def log_check_code(state: StateFolder, code: Annotated[str, Parameter(help="Witness code from paper, mail or a printed answer.")]) -> CommandResult:
    """Say which signed line a witness code is of, and whether the log still holds what it covers; exit 24 if not."""
    from harmcast.store.checkpoints import check_code

    found = check_code(opened(state), code)
    return CommandResult(vars(found), [found.line()], exit_code=0 if found.held else 24)


@command(log, "declare-restore")
def log_declare_restore(state: StateFolder, *, reason: Annotated[str, Parameter(help="Why an older backup was restored; kept in the log.")], code: Code = None, second_code: SecondCode = None) -> CommandResult:
    """Say that an older backup was restored: the entries that were lost are signed outside, and every later verification says so."""
    from harmcast.store.checkpoints import declare_restore

    made = opened(state)
    point = declare_restore(made, actor(made, code, second_code), reason)
    lost = point.lost if point is not None else None
    return CommandResult({"lost": lost}, [f"Declared: entries {lost[0]} to {lost[1]} were lost." if lost else "Nothing was declared."])


@command(log, "export")
def log_export(
    state: StateFolder,
    *,
    out: Annotated[Path, Parameter(help="File to write, JSON lines.")] = Path("log-export.jsonl"),
    first: Annotated[date | None, Parameter(name="--from", help="First day.")] = None,
    last: Annotated[date | None, Parameter(name="--to", help="Last day.")] = None,
    code: Code = None,
    second_code: SecondCode = None,
) -> CommandResult:
    """Export the log for the Information Commissioner, with what is needed to read and check it; the export is logged."""
    from harmcast.store.log_export import export

    made = opened(state)
    found = export(made, out, actor(made, code, second_code), first, last)
    return CommandResult(found, [f"Wrote {found['entries']:,} entries to {out}.", f"What is needed to read and check them: {found['about']}."])
