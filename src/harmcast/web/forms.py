"""Reading forms: each fault is one line for the error summary and one for its field; nothing typed is lost."""

from __future__ import annotations

import unicodedata
from collections.abc import Collection, Mapping
from dataclasses import dataclass, field
from datetime import date

MOST_WORDS = 2000
YEAR_FIGURES = 4
DAY_PARTS = ("day", "month", "year")
FIRST_DAY = date(2000, 1, 1)  # nothing that is dated in a form is older
KEPT = "Nothing was saved. This is what you typed: read it, then save it"
LETTERS_OF_WORDS = 20  # a value longer than this, or with a space, was written rather than chosen
UNSHOWN = frozenset({"csrf", "form_token", "ticket", "kept", "seen", "password", "old", "new", "code", "second-code", "judged"})


def typed(sent: Mapping[str, str]) -> list[tuple[str, str]]:
    """What somebody wrote into a form, field by field, to be given back where it could not be saved; never a password."""
    written = ((name, value.strip()) for name, value in sent.items() if name not in UNSHOWN)
    return [(name.replace("-", " ").capitalize(), value) for name, value in written if " " in value or len(value) > LETTERS_OF_WORDS]


def plain(text: str) -> str:
    """The text without control and direction marks, line ends as one kind, spaces at the ends gone."""
    text = unicodedata.normalize("NFC", text.replace("\r\n", "\n").replace("\r", "\n"))
    return "".join(c for c in text if c in "\n\t" or unicodedata.category(c)[0] != "C").strip()


@dataclass
class Form:
    """A form that was sent, its faults gathered as its fields are read.

    form = visit.fields; words = form.words("words", "Write the note"); if form.errors: return the_page(visit), which shows it.
    A form that was kept while its sender was signed out (`kept`) always has a fault, so that it is shown filled and saves nothing.
    """

    sent: Mapping[str, str]
    errors: list[dict[str, str]] = field(default_factory=list)
    status: int = 200

    def __post_init__(self) -> None:
        if self.is_kept and not self.errors:
            self.fault("main-content", KEPT)

    @property
    def is_kept(self) -> bool:
        return bool(self.sent.get("kept"))

    def fault(self, name: str, text: str, status: int = 400) -> None:
        """What is wrong with a field; the page that shows it again has this status."""
        self.status = status
        self.errors.append({"text": text, "href": f"#{name}"})

    def words(self, name: str, missing: str | None, most: int = MOST_WORDS) -> str:
        """A text; `missing` is the fault said when it is empty, None when it may be."""
        text = plain(self.sent.get(name, ""))
        if not text and missing:
            self.fault(name, missing)
        if len(text) > most:
            self.fault(name, f"Use {most:,} characters or fewer")
        return text

    def choice(self, name: str, choices: Collection[str], missing: str) -> str:
        """One of the choices."""
        value = self.sent.get(name, "")
        if value not in choices:
            self.fault(name, missing)
        return value

    def has_day(self, name: str) -> bool:
        """Whether anything of a date was sent."""
        return any(self.sent.get(f"{name}-{part}", "").strip() for part in DAY_PARTS)

    def with_day(self, name: str, day: date) -> Form:
        """The same form with a date filled in where none was sent."""
        filled = zip(DAY_PARTS, (day.day, day.month, day.year), strict=True)
        return self if self.has_day(name) else Form({**self.sent, **{f"{name}-{part}": str(figure) for part, figure in filled}}, self.errors, self.status)

    def day(self, name: str, missing: str, *, first: date, last: date | None = None) -> date | None:
        """A date of three fields, name-day, name-month, name-year; the year in four figures, not before `first`."""
        parts = [self.sent.get(f"{name}-{part}", "").strip() for part in DAY_PARTS]
        if not any(parts):
            self.fault(f"{name}-day", missing)
            return None
        if len(parts[2]) != YEAR_FIGURES or not (parts[2].isascii() and parts[2].isdigit()):
            self.fault(f"{name}-day", "Enter the year in four figures, for example 2026")
            return None
        try:
            value = date(int(parts[2]), int(parts[1]), int(parts[0]))
        except (ValueError, OverflowError):
            self.fault(f"{name}-day", "Enter a real date")
            return None
        if value < first:
            self.fault(f"{name}-day", f"The date must be {first.day} {first:%B %Y} or later")
        if last and value > last:
            self.fault(f"{name}-day", f"The date must be {last.day} {last:%B %Y} or earlier")
        return value

    def whole(self, name: str, low: int, high: int, words: str) -> int | None:
        """A whole number from low to high; None if left empty."""
        text = self.sent.get(name, "").strip()
        if not text:
            return None
        if not (text.isascii() and text.isdigit() and len(text) < 9 and low <= int(text) <= high):
            self.fault(name, words)
            return None
        return int(text)

    def error(self, name: str) -> dict[str, str] | None:
        """The fault of one field, as GOV.UK's macros take it."""
        return next(({"text": fault["text"]} for fault in self.errors if fault["href"] == f"#{name}"), None)

    def value(self, name: str) -> str:
        return self.sent.get(name, "")
