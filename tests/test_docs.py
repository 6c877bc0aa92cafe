"""The manual cannot drift: what is generated is compared, what is named exists."""

from __future__ import annotations

import re
import subprocess
import sys
import types
import typing
from pathlib import Path

import pytest
from pydantic import BaseModel

import harmcast
from harmcast import cli, reference
from harmcast.commands import loads, oversight, qlik  # noqa: F401 - they add their commands
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
    targets = {match for line in said for match in re.findall(r"^make ([a-z_-]+)", line)}
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


def test_the_manual_is_built_into_a_site_whose_links_and_anchors_are_there_and_which_asks_no_other_host() -> None:
    if not (Path(sys.executable).parent / "zensical").is_file():
        pytest.skip("SKIPPED: the site's generator is not installed; run `make test-tools`")
    run = subprocess.run([sys.executable, str(ROOT / "scripts" / "site_pages.py")], capture_output=True, text=True)
    assert run.returncode == 0, run.stdout + run.stderr
    built = {str(path.relative_to(ROOT / ".site" / "html")) for path in (ROOT / ".site" / "html").rglob("*.html")}
    nav = set(re.findall(r'= "([^"]+)\.md"', (ROOT / "zensical.toml").read_text(encoding="utf-8")))
    pages = {str(page.relative_to(ROOT).with_suffix("")) for page in PAGES}
    assert pages - nav == set(), "name the page in zensical.toml"
    assert {"index.html", "docs/architecture.html", "search.json"} <= built | {path.name for path in (ROOT / ".site" / "html").iterdir()}


def test_links_that_lead_nowhere_and_other_hosts_are_found(tmp_path: Path) -> None:
    sys.path.insert(0, str(ROOT / "scripts"))
    try:
        import site_pages
    finally:
        sys.path.pop(0)
    (tmp_path / "a.html").write_text('<p id="here"><a href="b.html#there">b</a><a href="#here">h</a><a href="c.html">c</a><a href="b.html#gone">g</a><script src="https://host.example/x.js"></script>')
    (tmp_path / "b.html").write_text('<h2 id="there">b</h2>')
    assert site_pages.faults(tmp_path) == ["a.html: c.html is not there", "a.html: b.html#gone has no such anchor", "a.html: asks https://host.example/x.js"]


def test_the_changelog_speaks_of_this_version() -> None:
    assert re.search(rf"^## {re.escape(harmcast.__version__)}\b", (ROOT / "CHANGELOG.md").read_text(encoding="utf-8"), re.M)


def test_help_names_every_target() -> None:
    phony = re.search(r"^\.PHONY: (.*)$", MAKEFILE, re.M)
    assert phony
    silent = {t for t in phony[1].split() if not re.search(rf"^{t}:.*## \S", MAKEFILE, re.M)}
    assert silent == set()


def test_every_room_stands_in_the_architecture() -> None:
    text = (ROOT / "docs" / "architecture.md").read_text(encoding="utf-8")
    table = text.split("## The rooms")[1].split("## ")[0]
    rooms = {path.name for path in (ROOT / "src" / "harmcast").iterdir() if (path / "__init__.py").is_file()}
    named_rooms = set(re.findall(r"`([a-z]+)`", table))
    assert rooms - named_rooms == set()
    files = set(re.findall(r"`((?:[a-z_]+/)+[a-z_]+\.py)`", text)) - {"tests/test_walls.py"}
    assert {file for file in files if not (ROOT / "src" / "harmcast" / file).is_file()} == set()
