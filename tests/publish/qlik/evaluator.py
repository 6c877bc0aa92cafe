"""What Qlik would show: associations and set expressions of an app, worked out over its QVDs in DuckDB.

Tables are read as the app's own script names them. A selection in one table leaves, in every table it is linked to by a field of
the same name, the rows whose key is still there; rows with a null key go with it. A set changes the selection that an aggregation
sees. The values of a dimension part the rows, whatever a set clears.
"""

from __future__ import annotations

import io
import json
from collections.abc import Mapping, Sequence
from datetime import date
from pathlib import Path
from typing import Any

import duckdb
import polars as pl
from pyqvd import QvdTable
from tests.publish.qlik import checker, expressions
from tests.publish.qlik.expressions import Agg, Call, FieldName, Node, Operation, SetOf

Chosen = Mapping[str, Sequence[Any]]
Key = tuple[Any, ...]
KEPT = 24


def columns_of(content: bytes) -> list[str]:
    """Fields of a QVD, by its header."""
    import re

    head = content[: content.index(b"</QvdTableHeader>")].decode()
    return re.findall(r"<FieldName>([^<]+)</FieldName>", head)


def read_qvd(content: bytes) -> pl.DataFrame:
    """A QVD by another reader than the writer."""
    table = QvdTable.from_stream(io.BytesIO(content))
    rows = [[None if cell is None else cell.calculation_value for cell in row] for row in table.data]
    return pl.DataFrame(rows, schema=list(table.columns), orient="row", infer_schema_length=None)


class App:
    """One app: its data, its master items, and what they come to under a selection."""

    def __init__(self, app: str, folder: Path, today: date) -> None:
        """`folder`: that of the app, with `latest.qvs`, a version and `app/`."""
        self.name, self.today = app, today
        self._kept: dict[tuple[str, str], str] = {}
        self._answers: dict[tuple[str, ...], dict[Key, Any]] = {}
        self._number = 0
        version = (folder / "latest.qvs").read_text().split("'")[1]
        files = {path.stem: path.read_bytes() for path in (folder / version).glob("*.qvd")}
        text = (folder / "app" / "script.qvs").read_bytes().decode()
        self.fields, faults = checker.script(app, text, {name: columns_of(content) for name, content in files.items()})
        assert not faults, faults
        self.db = duckdb.connect(config={"threads": 1})  # the tables are small: a query is done before a second thread is awake
        dates = set(checker.re.findall(r"Date#\((\w+),", text))
        for name, names in self.fields.items():
            frame = read_qvd(files[name]).select(names)
            frame = frame.with_columns(pl.col(field).cast(pl.String).str.to_date("%Y-%m-%d") for field in names if field in dates)
            self.db.register("read_now", frame.to_arrow())
            self.db.execute(f"create table {name} as select * from read_now")
            self.db.unregister("read_now")
        held = folder / "app"
        self.measures = {one["qMetaDef"]["tags"][0]: expressions.read(one["qMeasure"]["qDef"]) for one in json.loads((held / "measures.json").read_text())}
        self.variables = {one["qName"]: expressions.read(one["qDefinition"]) for one in json.loads((held / "variables.json").read_text())}
        self.home = {field: name for name, names in self.fields.items() for field in names if not checker.LINKED.search(field)}

    # -- rows ----------------------------------------------------------------------------------------

    def _table_of(self, field: str) -> str:
        if field in self.home:
            return self.home[field]
        return next(name for name, names in self.fields.items() if field in names)  # a key: facts come first

    def _own(self, table: str, chosen: Chosen) -> list[str]:
        found = []
        for field in self.fields[table]:
            if field in chosen:
                texts = ", ".join("'" + str(value).replace("'", "''") + "'" for value in chosen[field]) or "null"
                found.append(f"cast({field} as varchar) in ({texts})")
        return found

    def _is_narrowed(self, table: str, came_from: frozenset[str], chosen: Chosen) -> bool:
        return bool(self._own(table, chosen)) or any(
            self._is_narrowed(other, came_from | {table}, chosen) for other, _ in self._linked(table, came_from)
        )

    def _linked(self, table: str, came_from: frozenset[str]) -> list[tuple[str, str]]:
        return [
            (other, key)
            for other, names in self.fields.items()
            if other != table and other not in came_from
            for key in names
            if key in self.fields[table]
        ]

    def _where(self, table: str, chosen: Chosen, came_from: frozenset[str] = frozenset()) -> str:
        said = self._own(table, chosen)
        for other, key in self._linked(table, came_from):
            # tables that share one key with this one all lie behind that key, not behind each other
            beside = came_from | {table} | {name for name, same in self._linked(table, came_from) if same == key}
            # a value chosen of the key itself is asked of each table by its own rows: another need not have it
            rest = {field: values for field, values in chosen.items() if field != key}
            if self._is_narrowed(other, beside - {other}, rest):
                said.append(f"{key} in (select {key} from {other} where {self._where(other, rest, beside - {other})})")
        return " and ".join(said) or "true"

    def _seen(self, table: str, where: str) -> str:
        """The rows that a selection leaves of a table, kept: many measures look at the same."""
        if where == "true":
            return table
        if (table, where) not in self._kept:
            if len(self._kept) >= KEPT:
                self.db.execute(f"drop table {self._kept.pop(next(iter(self._kept)))}")
            self._number += 1
            self._kept[table, where] = f"seen_{self._number}"
            self.db.execute(f"create temp table seen_{self._number} as select * from {table} where {where}")
        return self._kept[table, where]

    # -- aggregations --------------------------------------------------------------------------------

    def _chosen_by(self, rows: SetOf, chosen: Chosen) -> dict[str, Sequence[Any]]:
        found: dict[str, Sequence[Any]] = {} if rows.from_all else dict(chosen)
        for field, values in rows.changes:
            found.pop(field, None)
            if values is not None:
                found[field] = [self._expanded(value, chosen) for value in values]
        return found

    def _expanded(self, value: str, chosen: Chosen) -> str:
        if value.startswith("$(="):
            found = self.value(self.variables[value[3:-1]], chosen)
            return "" if found is None else str(found)
        return value

    def _aggregate(self, one: Agg, chosen: Chosen, by: Sequence[str]) -> dict[Key, Any]:
        table = self._table_of(one.field)
        seen = self._chosen_by(one.rows, chosen)
        field = f"t.{one.field}"
        what = {
            "Sum": f"coalesce(sum({field}), 0)",
            "Count": f"count({'distinct ' if one.distinct else ''}{field})",
            "Only": f"case when count(distinct {field}) = 1 then min({field}) end",
            "Min": f"min({field})",
            "Max": f"max({field})",
        }[one.name]
        joins, named = "", []
        for number, dim in enumerate(by):
            if dim in self.fields[table]:
                named.append(f"t.{dim}")
                continue
            other = self._table_of(dim)
            (key,) = set(self.fields[other]) & set(self.fields[table])
            joins += f" join {other} d{number} on d{number}.{key} = t.{key}"
            named.append(f"d{number}.{dim}")
        held = " and ".join(f"{name} is not null" for name in named) or "true"
        where = self._where(table, seen)
        asked = (*named, what, table, where, joins)  # many measures under many selections ask the same
        if asked not in self._answers:
            query = f"select {', '.join([*named, what])} from {self._seen(table, where)} t{joins} where {held}"
            if named:
                query += f" group by {', '.join(named)}"
            self._answers[asked] = {tuple(row[:-1]): row[-1] for row in self.db.execute(query).fetchall()}
        return self._answers[asked]

    # -- expressions ---------------------------------------------------------------------------------

    def value(self, node: Node, chosen: Chosen) -> Any:
        """What an expression comes to under a selection."""
        return self._worked_out(node, chosen, (), {one: self._aggregate(one, chosen, ()) for one in expressions.aggregations(node)})

    def by(self, measure: str, dims: Sequence[str], chosen: Chosen) -> dict[Key, Any]:
        """What a master measure comes to for each value of dimensions; rows that would be all nothing are left out."""
        node = self.measures[measure]
        made = {one: self._aggregate(one, chosen, dims) for one in expressions.aggregations(node)}
        keys = {key for found in made.values() for key in found}
        worked = {key: self._worked_out(node, chosen, key, made) for key in keys}
        return {key: value for key, value in worked.items() if value is not None}

    def measure(self, name: str, chosen: Chosen) -> Any:
        return self.value(self.measures[name], chosen)

    def _worked_out(self, node: Node, chosen: Chosen, key: Key, made: Mapping[Agg, dict[Key, Any]]) -> Any:
        if isinstance(node, (float, str)):
            return node
        if isinstance(node, Agg):
            return made[node].get(key, 0 if node.name in ("Sum", "Count") else None)
        if isinstance(node, FieldName):
            raise AssertionError("a field stands alone")
        if isinstance(node, Call):
            if node.name == "Today":
                return self.today
            if node.name == "GetSelectedCount":
                return float(len(chosen.get(_field(node), ())))
            if node.name == "GetFieldSelections":
                return ", ".join(str(value) for value in chosen.get(_field(node), ()))
            args = [self._worked_out(arg, chosen, key, made) for arg in node.args]
            return args[1] if args[0] else args[2] if len(args) > 2 else None
        return _operated(node, self._worked_out(node.left, chosen, key, made), self._worked_out(node.right, chosen, key, made))


def _field(node: Call) -> str:
    (arg,) = node.args
    assert isinstance(arg, FieldName)
    return arg.name


def _operated(node: Operation, left: Any, right: Any) -> Any:
    if node.mark == "&":
        return f"{'' if left is None else left}{'' if right is None else right}"
    if node.mark == "and":
        return bool(left) and bool(right)
    if left is None or right is None:
        return None
    if isinstance(left, date) and isinstance(right, date):
        left, right = float((left - right).days), 0.0
    match node.mark:
        case "+":
            return left + right
        case "-":
            return left - right
        case "/":
            return left / right if right else None
        case "=":
            return left == right
        case "<>":
            return left != right
        case "<":
            return left < right
        case ">":
            return left > right
        case "<=":
            return left <= right
        case _:
            return left >= right


def folder_of(app: Path) -> tuple[dict[str, bytes], dict[str, list[str]], dict[str, set[str]]]:
    """What the checker asks: the app's files, the fields of its QVDs, and the values of the fields whose values measures name."""
    version = app / (app / "latest.qvs").read_text().split("'")[1]
    files = {path.relative_to(app / "app").as_posix(): path.read_bytes() for path in (app / "app").rglob("*") if path.is_file()}
    qvds = {path.stem: path.read_bytes() for path in version.glob("*.qvd")}
    words = {"standing": "published held withdrawn", "grain": "cell area force recorded score decision", "score_grain": "release pooled area"}
    values = {field: set(text.split()) for field, text in words.items()}
    for content in qvds.values():
        for field in set(columns_of(content)) & {"tool", "release_tool"}:
            values[field] = values.get(field, set()) | {str(value) for value in read_qvd(content)[field].drop_nulls().unique().to_list()}
    return files, {name: columns_of(content) for name, content in qvds.items()}, values


def values_of(app: Path) -> dict[str, set[str]]:
    return folder_of(app)[2]
