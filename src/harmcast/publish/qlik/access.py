"""Section access of the app about people: who may see which unit in Qlik, written from the users of harmcast and read back.

Qlik reduces a reader to rows whose UNIT is named beside the user. A file without a row that lets somebody reload shuts
everybody out, a star means only the values listed, and values count as they are written: so all are raised, and checked.
"""

from __future__ import annotations

import csv
import io
from collections.abc import Collection, Iterable
from dataclasses import dataclass

from harmcast.publish.spreadsheet import csv_of

HEADER = ("ACCESS", "USERID", "UNIT")
SCHEDULER = "INTERNAL\\SA_SCHEDULER"


@dataclass(frozen=True)
class Reader:
    """Somebody who may see the people of a unit: role in force, training recorded."""

    account: str
    unit: str


def section_access(readers: Iterable[Reader], admin: str, directory: str | None) -> bytes:
    """The file: the scheduler and one named administrator, then a row a reader and unit, everything in capitals."""
    rows = {("USER", user_id(one.account, directory), one.unit.upper()) for one in readers}
    return csv_of([HEADER, ("ADMIN", SCHEDULER, ""), ("ADMIN", user_id(admin, directory), ""), *sorted(rows)])


def user_id(account: str, directory: str | None) -> str:
    return (f"{directory}\\{account}" if directory else account).upper()


def faults(content: bytes, units: Collection[str]) -> list[str]:
    """What is wrong with a section access file, for people; empty if nothing. Values of accounts are named: they are no record's.

    Args:
        units: the units of the app's `dim_person`, in capitals.
    """
    rows = list(csv.reader(io.StringIO(content.decode("utf-8-sig"))))
    if not rows or tuple(rows[0]) != HEADER:
        return [f"the first line is not {','.join(HEADER)}"]
    found = []
    admins, users = set(), set()
    for number, row in enumerate(rows[1:], start=2):
        if len(row) != len(HEADER):
            found.append(f"line {number} has {len(row)} fields, not 3")
            continue
        kind, user, unit = row
        if any(value != value.upper() or value != value.strip() for value in row):
            found.append(f"line {number}: a value is not in capitals, or has a space at its end")
        if "*" in row:
            found.append(f"line {number}: a star means the values listed, not all")
        if not user:
            found.append(f"line {number} names nobody")
        if kind == "ADMIN":
            admins.add(user)
            if unit:
                found.append(f"line {number}: an ADMIN has a unit")
        elif kind == "USER":
            users.add(user)
            if unit not in units:
                found.append(f"line {number}: the unit is not one of the app's")
        else:
            found.append(f"line {number}: ACCESS is neither ADMIN nor USER")
    if SCHEDULER not in admins:
        found.append(f"{SCHEDULER} is no ADMIN: the app would never reload")
    if not admins - {SCHEDULER}:
        found.append("no person is ADMIN: nobody could open the app to mend it")
    found += [f"{user} is ADMIN and USER: as ADMIN every unit is seen" for user in sorted(admins & users)]
    return found
