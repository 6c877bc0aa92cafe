"""What one request reads of the records again and again, read once: forgotten when it ends, and when it writes.

A page asks for the releases ten times and for the newest load seven times; outside `reading_once` each question reads anew.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator
from contextlib import contextmanager
from contextvars import ContextVar
from typing import Any, TypeVar

T = TypeVar("T")
_read: ContextVar[dict[object, Any] | None] = ContextVar("read once", default=None)


@contextmanager
def reading_once() -> Iterator[None]:
    """The life of one request."""
    token = _read.set({})
    try:
        yield
    finally:
        _read.reset(token)


def once(key: object, read: Callable[[], T]) -> T:
    """What `read` gives, kept under a key until the request ends or writes."""
    held = _read.get()
    if held is None:
        return read()
    if key not in held:
        held[key] = read()
    found: T = held[key]
    return found


def forget() -> None:
    """What was read may have changed: this request has written."""
    held = _read.get()
    if held is not None:
        held.clear()
