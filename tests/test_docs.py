"""The manual cannot drift: what is generated is compared, what is named exists."""

from __future__ import annotations

import re
import types
import typing
from pathlib import Path

import pytest
from pydantic import BaseModel

import harmcast
from harmcast import cli, reference
from harmcast.commands import loads, oversight  # noqa: F401 - they add their commands
from harmcast.settings import Settings

ROOT = Path(__file__).parents[1]
PAGES = sorted([*ROOT.glob("*.md"), *ROOT.glob("docs/**/*.md")])
MAKEFILE = (ROOT / "Makefile").read_text(encoding="utf-8")


def named(page: Path) -> str:
    return str(page.relative_to(ROOT))


@pytest.mark.parametrize("name", reference.PAGES)
def test_the_reference_is_what_the_code_says(name: str) -> None:
    held = ROOT / "docs" / "reference" / name
    assert held.read_text(encoding="utf-8") == reference.PAGES[name](), "run `make docs` and commit docs/reference"


def models(annotation: object) -> list[type[BaseModel]]:
    if isinstance(annotation, type) and issubclass(annotation, BaseModel):
        return [annotation, *(m for field in annotation.model_fields.values() for m in models(field.annotation))]
    if isinstance(annotation, types.UnionType) or typing.get_origin(annotation) is not None:
        return [m for inner in typing.get_args(annotation) for m in models(inner)]
    return []


def test_every_setting_has_its_sentence_in_the_reference() -> None:
    page = (ROOT / "docs" / "reference" / "settings.md").read_text(encoding="utf-8")
    keys = {field.alias or key: field for model in models(Settings) if model is not Settings for key, field in model.model_fields.items()}
    assert len(keys) > 40
    absent = sorted(key for key, field in keys.items() if f"| `{key}` |" not in page or not field.description)
    assert absent == []


def commands() -> set[str]:
    return {name for name in cli.app if not name.startswith("-")}


def sheets(page: Path) -> list[str]:
    """Lines of the shell blocks of a page."""
    text = page.read_text(encoding="utf-8")
    return [line for block in re.findall(r"```(?:sh|bash|console)\n(.*?)```", text, re.S) for line in block.splitlines()]


@pytest.mark.parametrize("manual", PAGES, ids=named)
def test_commands_named_in_the_manual_exist(manual: Path) -> None:
    text = manual.read_text(encoding="utf-8")
    said = [*sheets(manual), *re.findall(r"`([^`\n]+)`", text)]
    asked = [match for line in said for match in re.findall(r"(?:^|[/$ ])harmcast ([a-z]+)", line)]
    assert sorted(set(asked) - commands()) == []
    targets = {match for line in said for match in re.findall(r"^make ([a-z-]+)", line)}
    absent = {t for t in targets if not t.startswith("bench-") and not re.search(rf"^{re.escape(t)}:", MAKEFILE, re.M)}
    absent |= {t for t in targets if t.startswith("bench-") and t != "bench-" and not measurement(t.removeprefix("bench-"))}
    assert absent == set()


def measurement(name: str) -> bool:
    """Whether `make bench-NAME` starts something: a module of bench/, or a package with a __main__."""
    return any((ROOT / "bench" / path).is_file() for path in (f"{name}.py", f"{name}/__main__.py"))


def test_measurements_named_in_the_code_exist() -> None:
    files = [*ROOT.glob("src/**/*.py"), *ROOT.glob("bench/**/*.py"), ROOT / "Makefile"]
    asked = {name for file in files for name in re.findall(r"make bench-([a-z_]+)", file.read_text(encoding="utf-8"))}
    assert asked
    assert sorted(name for name in asked if not measurement(name)) == []


@pytest.mark.parametrize("manual", PAGES, ids=named)
def test_links_lead_somewhere(manual: Path) -> None:
    text = re.sub(r"```.*?```", "", manual.read_text(encoding="utf-8"), flags=re.S)
    links = [link.split("#")[0] for link in re.findall(r"\]\(([^)\s]+)\)", text) if "://" not in link and not link.startswith(("#", "mailto:"))]
    assert [link for link in links if not (manual.parent / link).exists()] == []


def test_the_changelog_speaks_of_this_version() -> None:
    assert re.search(rf"^## {re.escape(harmcast.__version__)}\b", (ROOT / "CHANGELOG.md").read_text(encoding="utf-8"), re.M)


def test_help_names_every_target() -> None:
    phony = re.search(r"^\.PHONY: (.*)$", MAKEFILE, re.M)
    assert phony
    silent = {t for t in phony[1].split() if not re.search(rf"^{t}:.*## \S", MAKEFILE, re.M)}
    assert silent == set()
