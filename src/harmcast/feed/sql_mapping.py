"""The force's columns -> ours, in SQL: one `CREATE VIEW <table> AS SELECT ...` for each table of the contract.

The delivered files stand as tables of text under their stem (`CRIMES.txt` is `CRIMES`, and `CRIMES_txt`), each with
`source_row`, the row's number in its file, and `source_file`. A mapped row carries `source_row`, so that quarantine and
accounts name the row that the force can look up; a view over several files by UNION carries `source_file` too. A source row
may give no row, one, or several. Views of other names are steps on the way. The macros are in `macros.sql`.

DuckDB runs it in a locked connection: no file, no network, no setting can be reached. What a mapping makes may depend on
nothing but the rows: one that reads a clock, a random number or a file, or whose result changes with the order of the rows,
is refused.
"""

from __future__ import annotations

import json
import re
import threading
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass, field
from importlib import resources
from typing import Any

import duckdb
import polars as pl
import polars.selectors as cs

from harmcast import offence_codes
from harmcast.errors import Fault, FeedRefused, SettingsRefused
from harmcast.feed import values
from harmcast.feed.extract import PUT, RawFile, refused
from harmcast.feed.mapping import COORDINATES, TABLES
from harmcast.tables import FILE, ROW, Table

SOURCE_ROW, SOURCE_FILE = "source_row", "source_file"
TRIED_ROWS = 20_000
CLOCK_WORDS = {"current_date", "current_time", "current_timestamp", "localtime", "localtimestamp"}
BY_ORDER = {"first", "last", "any_value", "arbitrary", "string_agg", "group_concat", "listagg"}
WINDOWS_BY_ORDER = {"row_number", "first_value", "last_value", "nth_value", "lag", "lead", "ntile", "fill"}
ROW_MAKERS = {"unnest", "range", "generate_series"}
_VIEW = re.compile(
    r'\s*CREATE\s+(?:OR\s+REPLACE\s+)?(?:TEMP(?:ORARY)?\s+)?VIEW\s+(?:IF\s+NOT\s+EXISTS\s+)?("(?:[^"]|"")+"|\w+)\s+AS\s+(.*?);?\s*$',
    re.IGNORECASE | re.DOTALL,
)
_LINE = re.compile(r"^LINE (\d+): *(?:CREATE TABLE made\.\S+ AS )?(.*)$", re.MULTILINE)
_COMMENTS = re.compile(r"^(\s|--[^\n]*(\n|$)|/\*.*?\*/)*", re.DOTALL)
HOW = "docs/mapping.md shows how"


@dataclass(frozen=True)
class MappingView:
    """One view of the mapping. `reads` are the tables it names, the one its rows come from first. `line`: of the mapping, on which `select` begins."""

    name: str
    select: str
    reads: tuple[str, ...]
    rows_from: tuple[str, ...]
    columns: tuple[str, ...] | None
    line: int = 1


@dataclass(frozen=True)
class SqlMapping:
    """A mapping in SQL, read and not yet run. `views` in the order they stand."""

    name: str
    views: tuple[MappingView, ...]

    @property
    def tables(self) -> list[str]:
        return [view.name for view in self.views if view.name in TABLES]


@dataclass(frozen=True)
class Limits:
    """What one run of a mapping may take: memory, MB, and time, seconds."""

    memory_mb: int = 4096
    seconds: int = 600


@dataclass
class Made:
    """The rows that a mapping made for one table. `rows` carries `ROW`, and `FILE` where they come from several files.

    Attributes:
        files: the files whose rows they are.
        unused: rows of those files that gave none.
    """

    table: str
    rows: pl.DataFrame
    files: list[str]
    unused: int = 0
    extra: list[str] = field(default_factory=list)


# -- reading a mapping ---------------------------------------------------------------------------


def parse(text: str, name: str = "mapping.sql") -> SqlMapping:
    """A mapping of its SQL text. Raises SettingsRefused with every fault at once."""
    with _connection(Limits()) as con:
        try:
            statements = [_COMMENTS.sub("", statement.query) for statement in con.extract_statements(text)]
        except duckdb.Error as error:
            raise _invalid([Fault("mapping_not_sql", name, next_step=_said(error))]) from None
        unstable = _unstable(con)
        views: list[MappingView] = []
        faults: list[Fault] = []
        for statement in statements:
            found = _VIEW.match(statement)
            if found is None:
                faults.append(Fault("mapping_statement", name, next_step="only CREATE VIEW <table> AS SELECT ... stands in a mapping"))
                continue
            view_name = found[1].strip('"').lower()
            tree = json.loads(con.execute("SELECT json_serialize_sql(?)", [found[2]]).fetchall()[0][0])
            if tree["error"]:
                faults.append(Fault("mapping_not_sql", name, column=view_name, next_step=str(tree.get("error_message", ""))[:200]))
                continue
            node = tree["statements"][0]["node"]
            faults += [Fault(rule, name, column=view_name, next_step=step) for rule, step in _forbidden(node, unstable)]
            faults += [Fault("mapping_names_unknown", name, column=view_name, next_step=f"no function is named {one}; {HOW}") for one in _unknown_functions(con, node)]
            reads = tuple(dict.fromkeys(_reads(node)))
            line = text.count("\n", 0, max(text.find(found[2]), 0)) + 1
            views.append(MappingView(view_name, found[2], reads, tuple(dict.fromkeys(_rows_from(node))), _columns(node), line))
    faults += _shape_faults(views, name)
    if faults:
        raise _invalid(list(dict.fromkeys(faults)))
    return SqlMapping(name, tuple(views))


def _invalid(faults: list[Fault]) -> SettingsRefused:
    return SettingsRefused(
        f"The mapping has {len(faults)} fault(s).", code="mapping_invalid", faults=tuple(faults), next_step=f"Edit the mapping; {HOW}. {PUT}"
    )


def _said(error: Exception, begins: int = 1) -> str:
    """What DuckDB says is wrong, and the line of the mapping that it points at. Args: `begins`: the line on which its SQL begins."""
    found = _LINE.search(str(error))
    where = f" Line {begins + int(found[1]) - 1}: {found[2][:200]}" if found else ""
    return str(error).splitlines()[0][:200] + where


def _unstable(con: duckdb.DuckDBPyConnection) -> set[str]:
    """Functions whose result is not of their arguments alone: clocks, chance, settings."""
    found = con.execute("SELECT DISTINCT function_name FROM duckdb_functions() WHERE stability <> 'CONSISTENT'").fetchall()
    return {row[0] for row in found} | CLOCK_WORDS


def _unknown_functions(con: duckdb.DuckDBPyConnection, tree: Any) -> list[str]:
    """Functions called that DuckDB does not know: it is asked for each without a row, for no list of it holds every one."""
    called = {node["function_name"] for node in _nodes(tree) if node.get("class") == "FUNCTION" and not node.get("is_operator") and not node.get("schema")}
    found = []
    for name in sorted(called):
        quoted = name.replace('"', '""')
        try:
            con.execute(f'EXPLAIN SELECT "{quoted}"(NULL)')
        except duckdb.CatalogException:
            found.append(name)
        except duckdb.Error:  # known, and not to be called so
            continue
    return found


def _nodes(tree: Any) -> Iterator[dict[str, Any]]:
    if isinstance(tree, dict):
        yield tree
        for value in tree.values():
            yield from _nodes(value)
    elif isinstance(tree, list):
        for value in tree:
            yield from _nodes(value)


def _forbidden(tree: Any, unstable: set[str]) -> Iterator[tuple[str, str]]:
    """What a mapping may not do, as (rule, what to do instead)."""
    for node in _nodes(tree):
        kind, called = node.get("type"), str(node.get("function_name", "")).lower()
        if kind == "TABLE_FUNCTION":
            maker = str(node["function"].get("function_name", "")).lower()
            if maker not in ROW_MAKERS:
                yield "mapping_reads_outside", f"{maker} reads what was not delivered: name the delivered file instead"
        elif kind == "BASE_TABLE" and re.search(r"[/\\*?]", node["table_name"]):
            yield "mapping_reads_outside", "a path is no delivered file: name the file alone"
        elif node.get("class") == "COLUMN_REF" and len(node.get("column_names", [])) == 1 and node["column_names"][0].lower() in CLOCK_WORDS:
            yield "mapping_reads_clock", f"{node['column_names'][0].lower()} gives another result tomorrow: leave it out"
        elif called in unstable:
            yield "mapping_reads_clock", f"{called} gives another result each time: leave it out"
        elif kind == "FUNCTION" and called in BY_ORDER and not (node.get("order_bys") or {}).get("orders"):
            yield "mapping_row_order", f"{called} depends on the order of the rows: use min, max or worst_of, or say ORDER BY in it"
        elif str(kind).startswith("WINDOW_") and called in WINDOWS_BY_ORDER and not node.get("orders"):
            yield "mapping_row_order", f"{called} without ORDER BY depends on the order of the rows"
        if node.get("sample"):
            yield "mapping_reads_clock", "a sample is another each time: leave it out"
        kinds = {one["type"]: one for one in node.get("modifiers") or [] if isinstance(one, dict)}
        takes_some = "LIMIT_MODIFIER" in kinds or kinds.get("DISTINCT_MODIFIER", {}).get("distinct_on_targets")
        if takes_some and "ORDER_MODIFIER" not in kinds:
            yield "mapping_row_order", "LIMIT and DISTINCT ON without ORDER BY depend on the order of the rows"


def _with_names(node: dict[str, Any]) -> dict[str, Any]:
    return {str(one["key"]).lower(): one["value"]["query"]["node"] for one in (node.get("cte_map") or {}).get("map", [])}


def _reads(tree: Any) -> Iterator[str]:
    """Tables named anywhere in a query, steps of WITH left out."""
    steps = {name for node in _nodes(tree) for name in _with_names(node)}
    for node in _nodes(tree):
        if node.get("type") == "BASE_TABLE" and node["table_name"].lower() not in steps:
            yield node["table_name"].lower()


def _rows_from(node: dict[str, Any], known: Mapping[str, Any] | None = None) -> Iterator[str]:
    """The tables whose rows a query gives: of a join the first one named, of a UNION that of each part."""
    known = {**(known or {}), **_with_names(node)}
    if node.get("type") == "SET_OPERATION_NODE":
        for part in node.get("children") or [node.get("left"), node.get("right")]:
            if part:
                yield from _rows_from(part, known)
        return
    source = node.get("from_table") or {}
    while source.get("type") == "JOIN":
        source = source["left"]
    if source.get("type") == "SUBQUERY":
        yield from _rows_from(source["subquery"]["node"], known)
    elif source.get("type") == "BASE_TABLE":
        name = source["table_name"].lower()
        if name in known:
            yield from _rows_from(known[name], {key: value for key, value in known.items() if key != name})
        else:
            yield name


def _columns(node: dict[str, Any]) -> tuple[str, ...] | None:
    """Names of the columns a query gives; None where a star hides them."""
    while node.get("type") == "SET_OPERATION_NODE":
        node = (node.get("children") or [node.get("left")])[0]
    names = []
    for one in node.get("select_list", []):
        name = one.get("alias") or (one.get("column_names") or [""])[-1]
        if one.get("class") == "STAR" or not name:
            return None
        names.append(name.lower())
    return tuple(names)


def _shape_faults(views: list[MappingView], name: str) -> list[Fault]:
    faults = []
    names = [view.name for view in views]
    for view_name in sorted({n for n in names if names.count(n) > 1}):
        faults.append(Fault("mapping_view_twice", name, column=view_name, next_step="each view once"))
    if not set(names) & set(TABLES):
        faults.append(Fault("mapping_without_table", name, next_step="make a view for a table of the contract: " + ", ".join(TABLES)))
    for view in views:
        if view.name in TABLES and view.columns is not None:
            faults += _lacking(TABLES[view.name], set(view.columns), name)
    return faults


def _lacking(table: Table, has: set[str], where: str) -> list[Fault]:
    wanted = {SOURCE_ROW, *(column.name for column in table.columns if column.required)}
    if set(COORDINATES) <= has:
        wanted -= {"easting_m", "northing_m"}
    return [Fault("column_lost", where, column=f"{table.name}.{one}", next_step=f"the view must give it; {HOW}") for one in sorted(wanted - has)]


# -- running it ----------------------------------------------------------------------------------


def macros() -> str:
    """The macros, with the lists that they share with the checks."""

    def words(some: list[str]) -> str:
        return ", ".join("'" + word.replace("'", "''") + "'" for word in some)

    short = ", ".join(f"'{printed}': '{code}'" for printed, code in offence_codes.short_forms().items())
    text = resources.files("harmcast.feed").joinpath("macros.sql").read_text(encoding="utf-8")
    lists = {"null_words": words(values.NULL_WORDS), "true": words(values.TRUE), "false": words(values.FALSE), "short_codes": "{" + short + "}"}
    for key, filled in lists.items():
        text = text.replace("{" + key + "}", filled)
    return text


@contextmanager
def _connection(limits: Limits, files: Mapping[str, pl.DataFrame] | None = None) -> Iterator[duckdb.DuckDBPyConnection]:
    """A DuckDB that reaches nothing but the files given, locked; it is cut off when its time is over."""
    shut: dict[str, str | bool | int | float | list[str]] = {"enable_external_access": False, "python_enable_replacements": False, "autoload_known_extensions": False, "autoinstall_known_extensions": False}
    with duckdb.connect(config=shut) as con:
        con.execute(f"SET memory_limit = '{limits.memory_mb}MB'")
        con.execute(macros())
        con.execute("CREATE SCHEMA delivered; CREATE SCHEMA made; SET search_path = 'made,delivered,main'")
        for name, rows in (files or {}).items():
            con.register("one_file", rows)
            con.execute(f'CREATE TABLE delivered."{name}" AS SELECT * FROM one_file')
            con.unregister("one_file")
        con.execute("SET lock_configuration = true")
        timer = threading.Timer(limits.seconds, con.interrupt)
        timer.daemon = True
        timer.start()
        try:
            yield con
        finally:
            timer.cancel()


def source_names(file: str) -> list[str]:
    """What a mapping may call a delivered file: its stem, its name, and its name with the dot as `_`."""
    stem = file.rsplit(".", 1)[0]
    return list(dict.fromkeys([stem.lower(), file.lower(), re.sub(r"\W", "_", stem).lower(), re.sub(r"\W", "_", file).lower()]))


def _as_text(raw: RawFile) -> pl.DataFrame:
    """A file's rows as text, with the number of each and the file's name."""
    columns = [name for name in raw.rows.columns if name != ROW]
    low = [name.lower() for name in columns]
    if len({*low, SOURCE_ROW, SOURCE_FILE}) != len(low) + 2:
        raise refused([Fault("column_repeated", raw.name, next_step="each column once, and none named source_row or source_file")])
    text = [values.as_text(raw.rows[name]) for name in columns]
    return pl.DataFrame([*text, raw.rows[ROW].alias(SOURCE_ROW)]).with_columns(pl.lit(raw.name).alias(SOURCE_FILE))


def _sources(raws: Mapping[str, RawFile], names: Mapping[str, str]) -> tuple[dict[str, pl.DataFrame], dict[str, str]]:
    """Tables for DuckDB by name, and the file of each name. `names`: file -> what its settings call it."""
    frames: dict[str, pl.DataFrame] = {}
    files: dict[str, str] = {}
    faults = []
    for file, raw in raws.items():
        rows = _as_text(raw)
        for name in source_names(names.get(file, file)):
            if name in files and files[name] != file:
                faults.append(Fault("source_twice", file, next_step="another file bears this name too: give it one in [feed.files]"))
            files[name], frames[name] = file, rows
    if faults:
        raise refused(faults)
    return frames, files


def run(mapping: SqlMapping, raws: Mapping[str, RawFile], names: Mapping[str, str] | None = None, limits: Limits | None = None) -> list[Made]:
    """The rows of every table that a mapping makes of the files delivered.

    Args: names: file -> the name its settings give it.
    Raises: FeedRefused with every fault of the mapping on these files, never with a value of them.
    """
    limits = limits or Limits()
    frames, files = _sources(raws, names or {})
    made = _made(mapping, frames, files, limits)
    faults = _order_faults(mapping, frames, files, limits)
    if faults:
        raise _refused(faults, mapping)
    return made


def _refused(faults: list[Fault], mapping: SqlMapping) -> FeedRefused:
    return refused(faults, "The mapping's work on the delivery", f"Mend the mapping, {mapping.name}, as named, or send the export as it was before. {PUT} Then load again.")


def _made(mapping: SqlMapping, frames: Mapping[str, pl.DataFrame], files: Mapping[str, str], limits: Limits) -> list[Made]:
    found: list[Made] = []
    faults: list[Fault] = []
    of_view: dict[str, list[str]] = {}
    needed = {name for view in mapping.views for name in view.reads} & set(files)
    with _connection(limits, {name: frames[name] for name in needed}) as con:
        for view in mapping.views:
            try:
                con.execute(f'CREATE TABLE made."{view.name}" AS {view.select}')
            except duckdb.Error as error:
                faults.append(_failed(mapping.name, view, error, list({file: name for name, file in list(files.items())[::-1]}.values())))
                continue
            of_view[view.name] = list(dict.fromkeys(f for n in view.rows_from for f in of_view.get(n, [files[n]] if n in files else [])))
            if view.name in TABLES:
                rows = con.sql(f'SELECT * FROM made."{view.name}"').pl()
                rows = rows.rename({name: name.lower() for name in rows.columns})
                own = _table_faults(mapping.name, view, rows, of_view[view.name])
                faults += own
                if not own:
                    found.append(_tidy(view.name, rows, of_view[view.name], frames, files))
    if faults:
        raise _refused(faults, mapping)
    return found


def _failed(where: str, of: MappingView, error: duckdb.Error, delivered: list[str]) -> Fault:
    """What DuckDB says of names may be told; what it says of values may not. Args: `delivered`: names of the tables there are."""
    view = of.name
    if isinstance(error, duckdb.CatalogException):
        return Fault("mapping_names_unknown", where, column=view, next_step=f"{_said(error, of.line)}. The delivery has: {', '.join(sorted(delivered))}")
    if isinstance(error, duckdb.BinderException | duckdb.ParserException):
        if "lambda arrow" in str(error):
            return Fault("mapping_lambda", where, column=view, next_step=f"where it says w -> ... write lambda w: ...; {HOW}")
        return Fault("mapping_names_unknown", where, column=view, next_step=_said(error, of.line))
    if isinstance(error, duckdb.InterruptException):
        return Fault("mapping_takes_long", where, column=view, next_step="simplify it, or raise feed.mapping_seconds")
    if isinstance(error, duckdb.OutOfMemoryException):
        return Fault("mapping_takes_memory", where, column=view, next_step="simplify it, or raise feed.mapping_memory_mb")
    if isinstance(error, duckdb.PermissionException):
        return Fault("mapping_reads_outside", where, column=view, next_step="a mapping reads the delivered files alone")
    return Fault("mapping_failed", where, column=view, next_step="a value does not fit: use the macros or TRY_CAST, which leave it to the checks")


def _table_faults(where: str, view: MappingView, rows: pl.DataFrame, of_files: list[str]) -> list[Fault]:
    table = TABLES[view.name]
    faults = _lacking(table, set(rows.columns), where)
    if faults:
        return faults
    if not rows[SOURCE_ROW].dtype.is_integer() or rows[SOURCE_ROW].null_count():
        faults.append(Fault("source_row_unknown", where, column=view.name, next_step="carry source_row of the delivered file as it is"))
    if SOURCE_FILE not in rows.columns and len(of_files) != 1:
        faults.append(Fault("source_file_missing", where, column=view.name, next_step="its rows come from several files: carry source_file too"))
    for name, kind in rows.schema.items():
        if kind.is_nested() or kind in (pl.Time, pl.Duration, pl.Binary, pl.Object):
            faults.append(Fault("column_type", where, column=f"{view.name}.{name}", next_step="give text, a number, a date or a flag"))
    return faults


def _tidy(table: str, rows: pl.DataFrame, of_files: list[str], frames: Mapping[str, pl.DataFrame], files: Mapping[str, str]) -> Made:
    """The rows in an order that depends on nothing but their content."""
    odd = [name for name, kind in rows.schema.items() if kind in (pl.Categorical, pl.Enum) or isinstance(kind, pl.Decimal) or kind == pl.Null]
    rows = rows.with_columns([pl.col(name).cast(pl.Float64 if isinstance(rows.schema[name], pl.Decimal) else pl.String) for name in odd])
    rows = rows.with_columns(values.trimmed(rows[name]) for name, kind in rows.schema.items() if kind == pl.String)
    by_file = [SOURCE_FILE] if SOURCE_FILE in rows.columns else []
    if by_file:
        of_files = sorted(rows[SOURCE_FILE].unique().drop_nulls()) or of_files
    others = sorted(set(rows.columns) - {SOURCE_FILE, SOURCE_ROW})
    rows = rows.sort(*by_file, SOURCE_ROW, *others, nulls_last=True)
    total = sum({file: frames[name].height for name, file in files.items() if file in of_files}.values())
    unused = total - rows.select(*by_file, SOURCE_ROW).n_unique()
    extra = [name for name in others if name not in TABLES[table].names and name not in COORDINATES]
    rows = rows.rename({SOURCE_ROW: ROW, **({SOURCE_FILE: FILE} if by_file else {})}).with_columns(pl.col(ROW).cast(pl.Int64))
    return Made(table, rows if len(of_files) > 1 else rows.drop(FILE, strict=False), of_files, max(unused, 0), extra)


def _order_faults(mapping: SqlMapping, frames: Mapping[str, pl.DataFrame], files: Mapping[str, str], limits: Limits) -> list[Fault]:
    """Whether the result hangs on the order of the rows: tried on the first rows of each file, as they came and mixed."""
    first = {name: rows.head(TRIED_ROWS) for name, rows in frames.items()}
    mixed = {name: rows.sort(pl.col(SOURCE_ROW).hash(1)) for name, rows in first.items()}
    try:
        one, two = (_made(mapping, some, files, limits) for some in (first, mixed))
    except FeedRefused as error:
        return list(error.faults)
    return [
        Fault("mapping_row_order", mapping.name, column=a.table, next_step="its rows change with the order of the delivered rows: say ORDER BY where it takes one of several")
        for a, b in zip(one, two, strict=True)
        if not _rounded(a.rows).equals(_rounded(b.rows))
    ]  # fmt: skip


def _rounded(rows: pl.DataFrame) -> pl.DataFrame:
    """Sums of fractions differ in their last figures with the order; that is no fault."""
    return rows.with_columns(cs.float().round_sig_figs(9))
