"""The manual as a static site: pages and what they link to are laid out beside, then built. `make site`.

    python scripts/site_pages.py [--check]

Links between pages keep their form; a link to a file of the code leads to that file, copied in as it is. `--check` looks at each link of the
built site, anchors too, and at each address of another host that a page would ask by itself.
"""

from __future__ import annotations

import re
import shutil
import subprocess
import sys
from html.parser import HTMLParser
from pathlib import Path
from urllib.parse import unquote, urlsplit

ROOT = Path(__file__).resolve().parents[1]
PAGES, HTML = ROOT / ".site" / "pages", ROOT / ".site" / "html"
LINK = re.compile(r"\]\(([^)\s]+)\)")


def sources() -> list[Path]:
    """The pages of the manual."""
    return [ROOT / "README.md", ROOT / "GLOSSARY.md", ROOT / "CHANGELOG.md", *sorted((ROOT / "docs").rglob("*.md"))]


def lay_out() -> None:
    """Pages, pictures and linked files of the code in one folder, each where its links expect it."""
    shutil.rmtree(PAGES.parent, ignore_errors=True)
    shutil.copytree(ROOT / "docs", PAGES / "docs", ignore=shutil.ignore_patterns("figures"))
    for page in sources():
        if page.parent == ROOT:
            shutil.copyfile(page, PAGES / page.name)
        for link in LINK.findall(page.read_text(encoding="utf-8")):
            target = (page.parent / unquote(link.split("#")[0])).resolve()
            kept = PAGES / target.relative_to(ROOT) if target.is_relative_to(ROOT) else None
            if kept is not None and target.is_file() and not kept.exists():
                kept.parent.mkdir(parents=True, exist_ok=True)
                shutil.copyfile(target, kept)
            elif kept is not None and target.is_dir() and not kept.exists():
                shutil.copytree(target, kept, ignore=shutil.ignore_patterns("__pycache__", "vendor"))


class _Links(HTMLParser):
    def __init__(self) -> None:
        super().__init__()
        self.to: list[str] = []
        self.asked: list[str] = []
        self.ids: set[str] = set()

    def handle_starttag(self, tag: str, attributes: list[tuple[str, str | None]]) -> None:
        held = {name: value or "" for name, value in attributes}
        self.ids |= {held["id"]} if "id" in held else set()
        if tag == "a" and "href" in held:
            self.to.append(held["href"])
        asked = held.get("src") or (held.get("href") if tag == "link" else None)
        if asked:
            self.asked.append(asked)


def faults(folder: Path = HTML) -> list[str]:
    """Links of a built site that lead nowhere, and what a page would ask of another host."""
    pages = {}
    for path in sorted(folder.rglob("*.html")):
        if path.name != "404.html":  # its links are from the root of wherever the site stands
            pages[path] = _Links()
            pages[path].feed(path.read_text(encoding="utf-8"))
    found = []
    for path, links in pages.items():
        name = path.relative_to(folder)
        for link in links.to:
            parts = urlsplit(link)
            if parts.scheme or parts.netloc:
                continue
            target = (path.parent / unquote(parts.path)).resolve() if parts.path else path
            target = target / "index.html" if target.is_dir() and (target / "index.html").is_file() else target
            if not target.exists():
                found.append(f"{name}: {link} is not there")
            elif parts.fragment and target in pages and unquote(parts.fragment) not in pages[target].ids:
                found.append(f"{name}: {link} has no such anchor")
        found += [f"{name}: asks {asked}" for asked in links.asked if urlsplit(asked).netloc]
    return found


def main() -> int:
    lay_out()
    built = subprocess.run([str(Path(sys.executable).parent / "zensical"), "build", "--clean"], cwd=ROOT, capture_output=True, text=True)
    if built.returncode:
        sys.exit(built.stdout + built.stderr)
    wrong = faults()
    for line in wrong:
        print(line)
    print(f"{len(list(HTML.rglob('*.html')))} pages in {HTML.relative_to(ROOT)}, {len(wrong)} links that lead nowhere.")
    return 1 if wrong else 0


if __name__ == "__main__":
    sys.exit(main())
