"""What a page or an export must not hold after payloads were sent."""

from __future__ import annotations

import csv
import io
import re
from html.parser import HTMLParser

from bench.attacks.payloads import MARK, PRODUCT

DIRECTION = re.compile("[\u200e\u200f\u061c\u202a-\u202e\u2066-\u2069]")
FORBIDDEN_TAGS = frozenset(
    ["iframe", "object", "embed", "base", "frame", "frameset", "applet", "style", "template", "math", "marquee", "audio", "video", "source", "track", "portal", "img"]
)
_FORMULA = re.compile(r"^[\s\ufeff]*[=+\-@\uff1d\uff0b\uff0d\uff20\t\r]")
_NUMBER = re.compile(r"^[+-]?\d+(\.\d+)?([eE][+-]?\d+)?$")


class Looking(HTMLParser):
    """Reads a page as a browser does and notes what a payload made of it."""

    def __init__(self) -> None:
        super().__init__(convert_charrefs=True)
        self.faults: list[str] = []
        self.text: list[str] = []
        self._script = False

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        named = {name: value or "" for name, value in attrs}
        if tag in FORBIDDEN_TAGS or MARK in tag:
            self.faults.append(f"tag {tag}")
        for name, value in named.items():
            if name.startswith("on") or name in ("srcdoc", "style", "http-equiv", "autofocus") or MARK in name:
                self.faults.append(f"attribute {name} of {tag}")
            if name in ("href", "src", "action", "formaction", "data") and not re.match(r"^(/(?!/)|#|\?|mailto:|$)", value):
                self.faults.append(f"address in {name} of {tag}")
        if tag == "script":
            self._script = named.get("type") != "application/json"
            if self._script and not named.get("src", "").startswith("/static/"):
                self.faults.append("a script of no file")

    def handle_endtag(self, tag: str) -> None:
        if tag == "script":
            self._script = False

    def handle_data(self, data: str) -> None:
        if self._script and data.strip():
            self.faults.append("words inside a script")
        self.text.append(data)


def page_faults(html: str) -> list[str]:
    """What payloads brought about in a page; empty if nothing."""
    looking = Looking()
    looking.feed(html)
    text = "".join(looking.text)
    if str(PRODUCT) in text:
        looking.faults.append("a template was run")
    if DIRECTION.search(html):
        looking.faults.append("direction marks")
    if "Traceback (most recent" in text or "sqlalchemy" in text.lower():
        looking.faults.append("a stack trace")
    return looking.faults


def csv_faults(content: bytes) -> list[str]:
    """Cells of an export that a spreadsheet would run, or that hold direction or control marks; empty if none."""
    faults = []
    for row in csv.reader(io.StringIO(content.decode("utf-8-sig"), newline="")):
        for cell in row:
            if _FORMULA.match(cell) and not cell.startswith("'") and not _NUMBER.match(cell):
                faults.append("a formula")
            if DIRECTION.search(cell) or re.search(r"[\x00-\x08\x0b\x0c\x0e-\x1f\x7f]", cell):
                faults.append("marks that are not seen")
    return faults
