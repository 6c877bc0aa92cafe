"""The reference pages, generated from the code: settings, tables, errors, commands. `make docs` writes them; a test compares."""

from __future__ import annotations

import sys
import typing
from io import StringIO
from pathlib import Path
from types import UnionType
from typing import Any

from pydantic import BaseModel
from pydantic.fields import FieldInfo
from pydantic_core import PydanticUndefined

from harmcast import errors, tables
from harmcast.publish import data_package
from harmcast.settings import PeopleTool, PlacesTool, Settings

HEAD = "<!-- Generated from the code by `make docs`; edit the code, not this page. -->\n\n"


def _type_name(annotation: Any) -> str:
    origin = typing.get_origin(annotation)
    if origin is typing.Annotated:
        return _type_name(typing.get_args(annotation)[0])
    if origin is typing.Literal:
        return " or ".join(f"`{value}`" for value in typing.get_args(annotation))
    if origin in (typing.Union, UnionType):
        return " or ".join(_type_name(a) for a in typing.get_args(annotation) if a is not type(None))
    if origin is list:
        return f"list of {_type_name(typing.get_args(annotation)[0])}"
    if origin is dict:
        return "table"
    names = {str: "text", int: "whole number", float: "number", bool: "true or false", Path: "path"}
    return names.get(annotation, getattr(annotation, "__name__", str(annotation)))


def _default(field: FieldInfo) -> str:
    if field.default_factory is not None:
        return "empty"
    if field.default is PydanticUndefined:
        return "**needed**"
    if _sections_of(field, list) is not None:
        return "; ".join(str(getattr(entry, "says", entry)) for entry in field.default) or "empty"
    return "none" if field.default is None else f"`{field.default}`".replace("True", "true").replace("False", "false")


def _section(name: str, model: type[BaseModel]) -> list[str]:
    lines = [f"## {name}", "", "| key | type | default | says |", "|---|---|---|---|"]
    for key, field in model.model_fields.items():
        says = (field.description or "").replace("|", "\\|")
        lines.append(f"| `{field.alias or key}` | {_type_name(field.annotation).replace('|', chr(92) + '|')} | {_default(field)} | {says} |")
    lines.append("")
    for key, field in model.model_fields.items():
        for kind, head in ((list, f"[[{name.strip('[]')}.{key}]]"), (dict, f'[{name.strip("[]")}.{key}."NAME"]')):
            if (inner := _sections_of(field, kind)) is not None:
                lines += _section(head, inner)
    return lines


def _sections_of(field: FieldInfo, kind: type) -> type[BaseModel] | None:
    """The section that each entry of a list is, or each named entry of a table, if the setting is such a list or table."""
    inner = typing.get_args(field.annotation)[-1] if typing.get_origin(field.annotation) is kind else None
    return inner if isinstance(inner, type) and issubclass(inner, BaseModel) else None


def settings_page() -> str:
    lines = ["# Settings", "", "One TOML file. Unknown keys are refused. Paths are relative to the file.", ""]
    for key, field in Settings.model_fields.items():
        annotation = field.annotation
        if key == "tools":
            lines += _section('[[tools]] with kind = "places"', PlacesTool)
            lines += _section('[[tools]] with kind = "people"', PeopleTool)
        elif isinstance(annotation, type) and issubclass(annotation, BaseModel):
            lines += _section(f"[{key}]", annotation)
        elif (rows := _sections_of(field, list)) is not None:
            lines += _section(f"[[{key}]]", rows)
    return HEAD + "\n".join(lines)


def tables_page() -> str:
    lines = ["# Tables", ""]
    for title, specs in (("What a delivery holds", tables.DELIVERED), ("What a release holds", tables.PUBLISHED)):
        lines += [f"## {title}", ""]
        for spec in specs:
            lines += [f"### {spec.name}", "", f"{spec.says} Key: {', '.join(f'`{k}`' for k in spec.key)}.", ""]
            lines += ["| column | kind | unit | sensitivity | says |", "|---|---|---|---|---|"]
            for c in spec.columns:
                values = f" One of {', '.join(f'`{v}`' for v in c.closed)}." if c.closed else ""
                need = " Needed." if c.required else ""
                lines.append(f"| `{c.name}` | {c.kind} | {c.unit} | {c.sensitivity} | {c.says}{values}{need} |")
            lines.append("")
    return HEAD + "\n".join(lines)


def errors_page() -> str:
    lines = ["# Errors and exit codes", "", "| error | exit code | who acts |", "|---|---|---|"]
    for error in errors.HarmcastError.__subclasses__():
        lines.append(f"| `{error.__name__}` | {error.exit_code} | {error.who_acts} |")
    return HEAD + "\n".join([*lines, "", "The runbook (`docs/runbook.md`) has an entry for each named fault.", ""])


def commands_page() -> str:
    """`--help` of every command, as a person would see it on a terminal of 110 columns."""
    from rich.console import Console

    from harmcast.cli import load_commands
    from harmcast.commands.base import app

    load_commands()

    def said(*words: str) -> str:
        paper = Console(file=StringIO(), width=110, force_terminal=False, color_system=None)
        app.help_print([*words], console=paper)
        return "\n".join(line.rstrip() for line in paper.file.getvalue().strip().splitlines())  # type: ignore[attr-defined]

    lines = ["# Commands", "", "```text", said(), "```", ""]
    for name in app:
        if name.startswith("-"):
            continue
        group = app[name]
        subcommands = [word for word in group if not word.startswith("-")]
        every: list[tuple[str, ...]] = [(name, word) for word in subcommands]
        for words in every or [(name,)]:
            lines += [f"## harmcast {' '.join(words)}", "", "```text", said(*words), "```", ""]
    return HEAD + "\n".join(lines)


def row_schemas() -> str:
    """JSON Schema of a row of each table that a release publishes."""
    return data_package.row_schemas().decode()


PAGES = {
    "settings.md": settings_page,
    "tables.md": tables_page,
    "errors.md": errors_page,
    "commands.md": commands_page,
    "release.schema.json": row_schemas,
}


def write(folder: Path) -> None:
    folder.mkdir(parents=True, exist_ok=True)
    for name, page in PAGES.items():
        (folder / name).write_text(page(), encoding="utf-8")


if __name__ == "__main__":
    write(Path(sys.argv[1] if len(sys.argv) > 1 else "docs/reference"))
