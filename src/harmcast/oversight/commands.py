"""Every command: who runs it, and how many people it takes. The path of each command goes by this table; one that is not in it does not start.

Pure. The service's account is the operator and runs what keeps the system going. What opens, lets out or destroys is done by a person, who is
known by a one-time code drawn on a signed-in page: nobody is two people by an environment variable or an account on the machine. Two
people are two codes: given together, or one after the other where the first's half waits to be looked at. What only shuts takes one person.
"""

from __future__ import annotations

from dataclasses import dataclass, replace

from harmcast.oversight.access import ROLES, Role

CODE_MINUTES = 10

_, _, S, D, E, P, U = Role


@dataclass(frozen=True)
class Command:
    """One command, or one form of it that is another matter (`settings` shows, `settings --set` changes).

    Attributes:
        says: what it does, as the page of codes offers it.
        person: a person's, who gives a code; else the operator's.
        opens: it gives access, lets out, destroys, or changes what people see; what does not needs no code from a person's own account.
        second: roles, one of which a second person holds whose code stands beside the first's; empty: nobody's stands beside it.
        in_turn: where the rules ask for a second person, she answers later, by a command or page of her own.
        at_set_up: the operator's until somebody could confirm a role.
    """

    says: str
    person: bool = True
    opens: bool = True
    second: tuple[Role, ...] = ()
    in_turn: bool = False
    at_set_up: bool = False


def _operators(says: str) -> Command:
    return Command(says, person=False, opens=False)


def _shuts(says: str) -> Command:
    return Command(says, opens=False)


DRAFT = _operators("Writes a draft: counts out of closed tables; two people sign what is handed out")

COMMANDS: dict[str, Command] = {
    # the operator's: they look, or keep the system going by rules and settings that people decided
    "init": _operators("Makes an empty state"),
    "ground": _operators("Reads the map files that the settings name"),
    "check": _operators("Looks for faults"),
    "profile": _operators("Looks at a delivery"),
    "load": _operators("Loads a delivery, which people accept"),
    "effects": _operators("Says what a load does"),
    "week": _operators("Makes a week's release, which people let out"),
    "backtest": _operators("Judges a tool out of time"),
    "findings": _operators("Says what was found about a release"),
    "reload": _operators("Has Qlik read its folder again"),
    "rebuild": _operators("Makes a past week again, to compare"),
    "serve": _operators("Serves the pages"),
    "status": _operators("Says how the system is"),
    "backup": _operators("Keeps the state"),
    "restore": _operators("Makes a state of a backup; where entries are lost nothing is signed before people declare it"),
    "fleet": _operators("Makes the week of many forces"),
    "invent": _operators("Invents a force"),
    "demo": _operators("Makes an invented force's state"),
    "settings": _operators("Shows the settings"),
    "forget --dry-run": _operators("Says who is due to be forgotten"),
    "forget --left-source": _operators("Forgets whom the force itself deleted, 14 days after, up to the cap"),
    "users list": _operators("Lists accounts"),
    "register list": _operators("Lists the register"),
    "report foi": DRAFT, "report atrs": DRAFT, "report dpia": DRAFT, "report eia": DRAFT, "report algocare": DRAFT, "report modelcard": DRAFT,
    "report public": DRAFT, "report eda": DRAFT,
    "log verify": _operators("Looks for tampering"),
    "log check-code": _operators("Looks up a witness code"),
    "qlik write": _operators("Writes what Qlik may show of what was let out"),
    "qlik accept": _operators("Compares Qlik's figures with ours"),
    # a person's
    "accept": Command("Let a load that waits count", in_turn=True),
    "reject": Command("Drop a load that waits"),
    "cuts": Command("Take the cuts of the bands again", second=(S, E)),
    "refit": Command("Fit a new person model", in_turn=True),
    "publish": Command("Let a release or a model out", in_turn=True),
    "withdraw": _shuts("Take a release back"),
    "lift": Command("Lift a finding", in_turn=True),
    "lift --end": _shuts("End a lift"),
    "settings --set": Command("Change the settings", second=(S, E, P)),
    "forget": Command("Forget people", second=(S, E)),
    "report subject": Command("Write what is held about one person", second=(S, E)),
    "answer publish": Command("Propose or sign a published answer", in_turn=True),
    "log export": Command("Export the log", second=(S, E)),
    "log declare-restore": Command("Declare that a backup was restored", second=(S, P)),
    "register describe": Command("Write what the register says of a tool"),
    "register enter": Command("Enter a document in the register"),
    "register enter approval": Command("Enter an approval in the register", second=(P, E)),
    "register status": Command("Set the status of a tool", second=(P, E)),
    "register status stopped": _shuts("Stop a tool"),
    "qlik access": Command("Write who may see which unit in Qlik", second=(S, P, U)),
    "users add": Command("Enter an account; a role is proposed", in_turn=True, at_set_up=True),
    "users invite": Command("Make an invitation code", second=(S, U), at_set_up=True),
    "users role": Command("Propose a role", in_turn=True, at_set_up=True),
    "users role --end": replace(_shuts("End a role"), at_set_up=True),
    "users confirm": Command("Confirm a role that was proposed"),
    "users training": Command("Record a training, of somebody else", at_set_up=True),
    "users disable": _shuts("Shut an account out"),
}  # fmt: skip

def second_hint(name: str) -> str:
    """Who the second person of a command may be, and where the code comes from, as a form says it."""
    roles = " or ".join(ROLES[role][0].lower() for role in COMMANDS[name].second)
    return f"It takes two people. Somebody else ({roles}) draws a code under Your account, for “{COMMANDS[name].says}”. It opens once, within {CODE_MINUTES} minutes."


PERSONS = {name: command for name, command in COMMANDS.items() if command.person}

# What goes by the settings does not run where they were changed by hand; what looks, shuts, keeps the state or mends them does.
BY_SETTINGS = frozenset(
    {"week", "load", "fleet", "ground", "reload", "qlik write", "forget --left-source"}
    | {name for name, one in PERSONS.items() if one.opens and name != "settings --set"}
)
