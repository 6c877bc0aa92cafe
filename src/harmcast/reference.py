"""The reference pages, generated from the code: settings, tables, errors, commands. `make docs` writes them; a test compares."""

from __future__ import annotations

import subprocess
import sys
import typing
from pathlib import Path
from types import UnionType
from typing import Any

from pydantic import BaseModel
from pydantic.fields import FieldInfo
from pydantic_core import PydanticUndefined

from harmcast import errors, tables
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
    return "none" if field.default is None else f"`{field.default}`".replace("True", "true").replace("False", "false")


def _section(name: str, model: type[BaseModel]) -> list[str]:
    lines = [f"## {name}", "", "| key | type | default | says |", "|---|---|---|---|"]
    for key, field in model.model_fields.items():
        says = (field.description or "").replace("|", "\\|")
        lines.append(f"| `{key}` | {_type_name(field.annotation).replace('|', chr(92) + '|')} | {_default(field)} | {says} |")
    return [*lines, ""]


def settings_page() -> str:
    lines = ["# Settings", "", "One TOML file. Unknown keys are refused. Paths are relative to the file.", ""]
    for key, field in Settings.model_fields.items():
        annotation = field.annotation
        if key == "tools":
            lines += _section('[[tools]] with kind = "places"', PlacesTool)
            lines += _section('[[tools]] with kind = "people"', PeopleTool)
        elif isinstance(annotation, type) and issubclass(annotation, BaseModel):
            lines += _section(f"[{key}]", annotation)
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
    """`--help` of every command, as a person would see it."""

    def said(*words: str) -> str:
        run = subprocess.run(
            [sys.executable, "-c", "from harmcast.cli import main; main()", *words, "--help"],
            capture_output=True, text=True, check=True, env={"COLUMNS": "110", "TERM": "dumb", "PATH": "/usr/bin:/bin"},
        )
        return "\n".join(line.rstrip() for line in run.stdout.strip().splitlines())

    import harmcast.cli as cli
    import harmcast.cli_oversight  # noqa: F401

    lines = ["# Commands", "", "```text", said(), "```", ""]
    for name in cli.app:
        if name.startswith("-"):
            continue
        group = cli.app[name]
        subcommands = [word for word in group if not word.startswith("-")]
        every: list[tuple[str, ...]] = [(name, word) for word in subcommands]
        for words in every or [(name,)]:
            lines += [f"## harmcast {' '.join(words)}", "", "```text", said(*words), "```", ""]
    return HEAD + "\n".join(lines)


PAGES = {"settings.md": settings_page, "tables.md": tables_page, "errors.md": errors_page, "commands.md": commands_page}


def write(folder: Path) -> None:
    folder.mkdir(parents=True, exist_ok=True)
    for name, page in PAGES.items():
        (folder / name).write_text(page(), encoding="utf-8")


if __name__ == "__main__":
    write(Path(sys.argv[1] if len(sys.argv) > 1 else "docs/reference"))
