"""Which commands a person runs, and not the operator: what each does, and whether it opens, lets out or destroys.

Pure. The service's account runs what keeps the system going (`init, week, load, backup, restore, verify, status`). What stands here is done by
a person, who is known by a one-time code drawn on a signed-in page: nobody is two people by an environment variable or an account
on the machine. What only shuts needs no code from somebody whose own account on the machine is entered.
"""

from __future__ import annotations

from dataclasses import dataclass

CODE_MINUTES = 10


@dataclass(frozen=True)
class PersonsCommand:
    """`says`: what it does, as the page offers it. `opens`: it gives access, lets out or destroys."""

    says: str
    opens: bool = True


COMMANDS: dict[str, PersonsCommand] = {
    "accept": PersonsCommand("Let a load that waits count"),
    "reject": PersonsCommand("Drop a load that waits"),
    "cuts": PersonsCommand("Take the cuts of the bands again"),
    "refit": PersonsCommand("Fit a new person model"),
    "publish": PersonsCommand("Let a release or a model out"),
    "withdraw": PersonsCommand("Take a release back", opens=False),
    "lift": PersonsCommand("Lift a finding"),
    "lift --end": PersonsCommand("End a lift", opens=False),
    "settings": PersonsCommand("Change the settings"),
    "forget": PersonsCommand("Forget people"),
    "report subject": PersonsCommand("Write what is held about one person"),
    "answer publish": PersonsCommand("Propose or sign a published answer"),
    "log export": PersonsCommand("Export the log"),
    "log declare-restore": PersonsCommand("Declare that a backup was restored"),
    "register": PersonsCommand("Write in the register of tools"),
    "qlik access": PersonsCommand("Write who may see which unit in Qlik"),
    "users add": PersonsCommand("Enter an account"),
    "users invite": PersonsCommand("Make an invitation code"),
    "users role": PersonsCommand("Propose a role"),
    "users confirm": PersonsCommand("Confirm a role that was proposed"),
    "users training": PersonsCommand("Record a training"),
    "users disable": PersonsCommand("Shut an account out", opens=False),
    "users role --end": PersonsCommand("End a role", opens=False),
}
