"""Figures with what was asked of them, as rows of `bench/results.py`."""

from __future__ import annotations

from bench.results import Row


def at_least(promise: int | str, what: str, got: float, asked: float, form: str, more: str = "") -> Row:
    """Met where the figure is not below what was asked; `more` is said behind it."""
    return Row(promise, what, f"at least {asked:{form}}", _told(got, form, more), got >= asked)


def at_most(promise: int | str, what: str, got: float, asked: float, form: str, more: str = "") -> Row:
    """Met where the figure, as printed, is not above what was asked."""
    return Row(promise, what, f"at most {asked:{form}}", _told(got, form, more), float(f"{got:{form}}") <= asked)


def within(promise: int | str, what: str, got: float, asked: tuple[float, float], form: str, more: str = "") -> Row:
    """Met where the figure lies between the two, both included."""
    return Row(promise, what, f"{asked[0]:{form}} to {asked[1]:{form}}", _told(got, form, more), asked[0] <= got <= asked[1])


def _told(got: float, form: str, more: str) -> str:
    return f"{got:{form}}{' ' + more if more else ''}"
