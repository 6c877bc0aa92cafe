"""One form of a Home Office offence code: class and subclass, `008/06`.

Forces print the same code as `8/6`, `008/06`, `00806`, `8/06`, `8.06`, and where a spreadsheet took the leading zeros `806`.
`home_office_codes.csv` (the codes of the Home Office's list, with its edition) says which of the short forms can only be
one code; a form that could be two is never guessed: `8.6` may be 008/06, or 008/60 as a number without its last nought. `home_office_letters.csv` says which codes a letter of a class (`8F`)
stands for. A code that is not in the list, but in a form that says class and subclass, is taken: lists grow each April.

In data a code is one offence, and a class alone is counted apart. In settings and harm indices a bare class stands for its
subclasses.
"""

from __future__ import annotations

import csv
import re
from dataclasses import dataclass, field
from functools import cache
from importlib import resources
from typing import Literal

import polars as pl

How = Literal["code", "class", "undecided", "other", "damaged"]
"""`code`: class and subclass; `class`: a class alone, or a letter of several codes; `undecided`: a bare number that could be
two codes; `other`: of another system; `damaged`: what a spreadsheet makes of a code, a date or a power of ten."""

_SLASH = re.compile(r"0{0,2}(\d{1,3})([A-Z]?)\s*/\s*0?(\d{1,2})")
_DOT = re.compile(r"0{0,2}(\d{1,3})([A-Z]?)\s*\.\s*(\d{2})")
_DOT_SHORT = re.compile(r"0{0,2}(\d{1,3})\.(\d)")
_FIVE = re.compile(r"(\d{3})(\d{2})")
_LETTER = re.compile(r"0{0,2}(\d{1,3})([A-Z])")
_BARE = re.compile(r"\d{1,4}")
_MONTH = "jan|feb|mar|apr|may|jun|jul|aug|sep|sept|oct|nov|dec"
_DAMAGED = re.compile(
    rf"\d{{1,2}}[-\s/]({_MONTH})[a-z]*([-\s/]\d{{2,4}})?|({_MONTH})[a-z]*[-\s/]\d{{1,4}}"
    r"|\d{4}-\d{1,2}-\d{1,2}([t\s].*)?|\d{1,2}[/.-]\d{1,2}[/.-](\d{4}|\d{2})([t\s].*)?|\d(\.\d+)?e\+?\d+",
    re.IGNORECASE,
)


def _table(name: str) -> list[dict[str, str]]:
    text = resources.files("harmcast").joinpath(name).read_text(encoding="utf-8")
    return list(csv.DictReader(text.splitlines()))


@cache
def listed() -> dict[str, frozenset[str]]:
    """Class -> its subclasses in the Home Office's list."""
    return {row["offence_class"]: frozenset(row["subclasses"].split()) for row in _table("home_office_codes.csv")}


@cache
def letters() -> dict[str, tuple[str, ...]]:
    """Class letter, `008F` -> the codes that it stands for."""
    return {row["printed"].zfill(4): tuple(row["codes"].split()) for row in _table("home_office_letters.csv")}


def _is_listed(offence_class: str, subclass: str) -> bool:
    return subclass in listed().get(offence_class, frozenset())


def _bare(digits: str) -> tuple[str, How]:
    """A number without a slash: what it can be by the list, where only one thing."""
    could: list[tuple[str, How]] = []
    if len(digits) <= 3 and digits.zfill(3) in listed():
        could.append((digits.zfill(3), "class"))
    if len(digits) == 4 or (len(digits) == 3 and digits[0] != "0"):
        offence_class, subclass = digits[:-2].zfill(3), digits[-2:]
        if _is_listed(offence_class, subclass):
            could.append((f"{offence_class}/{subclass}", "code"))
    return could[0] if len(could) == 1 else (digits, "undecided" if could or len(digits) == 3 else "other")


def _short_dot(printed: str, offence_class: str, figure: str) -> tuple[str, How]:
    """`8.6`: subclass 06, or 60 where a number lost its last nought; by the list, where only one is there."""
    could = sorted({subclass for subclass in ("0" + figure, figure + "0") if _is_listed(offence_class, subclass)})
    if len(could) == 1:
        return f"{offence_class}/{could[0]}", "code"
    return printed, "undecided" if could else "other"


@cache
def read(printed: str) -> tuple[str, How]:
    """A code of the data in its one form, and what it is; a code that is not read stands as printed."""
    text = printed.strip().upper()
    text = text.removesuffix(".0") if re.fullmatch(r"\d{3,5}\.0", text) else text
    if _DAMAGED.fullmatch(text):
        return printed, "damaged"
    if found := _SLASH.fullmatch(text) or _DOT.fullmatch(text):
        return f"{found[1].zfill(3)}{found[2]}/{found[3].zfill(2)}", "code"
    if found := _FIVE.fullmatch(text):
        return f"{found[1]}/{found[2]}", "code"
    if found := _DOT_SHORT.fullmatch(text):
        return _short_dot(printed, found[1].zfill(3), found[2])
    if found := _LETTER.fullmatch(text):
        letter = found[1].zfill(3) + found[2]
        codes = letters().get(letter, ())
        return (codes[0], "code") if len(codes) == 1 else (letter, "class") if letter[:3] in listed() else (printed, "other")
    return _bare(text) if _BARE.fullmatch(text) else (printed, "other")


@cache
def short_forms() -> dict[str, str]:
    """Every form without a slash, of fewer than five figures, that can only be one thing -> that code or class."""
    numbers = {f"{n:0{width}d}" for width in (1, 2, 3, 4) for n in range(10**width)}
    forms = {number: read(number) for number in numbers}
    forms |= {letter.lstrip("0"): read(letter) for letter in letters()}
    forms |= {dotted: read(dotted) for offence_class in listed() for figure in range(10) for dotted in [f"{int(offence_class)}.{figure}"]}
    return {printed: code for printed, (code, how) in sorted(forms.items()) if how in ("code", "class")}


def of_settings(printed: str) -> list[str]:
    """The codes that one code of the settings or of a harm index means; a bare number of up to three figures is a class."""
    text = printed.strip().upper()
    if re.fullmatch(r"\d{1,3}", text) and (text.zfill(3) in listed() or _bare(text)[1] != "code"):
        return [text.zfill(3)]
    code, how = read(printed)
    if how == "class" and code in letters():
        return [*letters()[code], code]
    return [code if how in ("code", "class") else printed]


@dataclass(frozen=True)
class Codes:
    """The codes of a column in their one form.

    Attributes:
        codes: one for each row; null stays null.
        how: what each row's code is (`How`); null where the code is.
        count: by `class`, `undecided`, `other` and `damaged`, each code as printed and how many rows hold it.
    """

    codes: pl.Series
    how: pl.Series
    count: dict[How, dict[str, int]] = field(default_factory=dict)


def in_data(printed: pl.Series) -> Codes:
    """Every code of a column in its one form. Each distinct code is read once."""
    tally = printed.drop_nulls().value_counts(sort=True, name="rows")
    found = [read(code) for code in tally[printed.name]]
    count: dict[How, dict[str, int]] = {}
    for (_, how), code, rows in zip(found, tally[printed.name], tally["rows"], strict=True):
        if how != "code":
            count.setdefault(how, {})[code] = rows
    old = tally[printed.name]
    codes = printed.replace_strict(old, [code for code, _ in found], default=None, return_dtype=pl.String)
    hows = printed.replace_strict(old, [how for _, how in found], default=None, return_dtype=pl.String)
    return Codes(codes, hows, count)
