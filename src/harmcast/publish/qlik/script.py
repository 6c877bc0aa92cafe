"""The load script of an app, in one closed form: what a machine without Qlik can check is all that it holds.

No `LOAD *`, no join, no clock: a line a table, dates and ordered texts made of fields of that table, section access first.
"""

from __future__ import annotations

from harmcast.publish.qlik.star import APPS, FieldSpec
from harmcast.publish.release_files import NOTICE

LIBRARY = "lib://harmcast"
ACCESS_LIBRARY = "lib://harmcast_access"
ACCESS_FILE = "section_access.csv"


def script(app: str) -> str:
    """The script of an app. Only people are parted by unit: section access reduces each reader to the rows of their own."""
    lines = [f"// {NOTICE}", "SET ErrorMode=1;", "SET DateFormat='YYYY-MM-DD';", f"$(Must_Include=[{LIBRARY}/{app}/latest.qvs])"]
    if app == "people":
        lines += [
            "Section Access;",
            f"LOAD Upper(ACCESS) AS ACCESS, Upper(USERID) AS USERID, Upper(UNIT) AS UNIT FROM [{ACCESS_LIBRARY}/{ACCESS_FILE}] (txt, utf8, embedded labels, delimiter is ',');",
            "Section Application;",
        ]
    for name, table in APPS[app].items():
        ordered = {field.order for field in table.fields if field.order}
        loaded = ", ".join(_loaded(field) for field in table.fields if field.name not in ordered)
        lines += [f"{name}:", f"LOAD {loaded} FROM [{LIBRARY}/{app}/$(vVersion)/{name}.qvd] (qvd);"]
    return "\r\n".join(lines) + "\r\n"


def _loaded(field: FieldSpec) -> str:
    if field.kind == "date":
        return f"Date(Date#({field.name},'YYYY-MM-DD')) AS {field.name}"
    if field.order:
        return f"Dual({field.name},{field.order}) AS {field.name}"
    return field.name
