"""Small facts that go out with a page and come back with its form, signed so that nobody can change them on the way.

A ticket says what was shown, to whom and since when: the release, the newest decision seen, the own judgement given first.
"""

from __future__ import annotations

import base64
import hashlib
import hmac
import json
from collections.abc import Mapping
from dataclasses import asdict, dataclass
from typing import Any


def issue(secret: bytes, kind: str, facts: Mapping[str, object]) -> str:
    """The facts as text with their signature."""
    body = (
        base64.urlsafe_b64encode(json.dumps(facts, sort_keys=True, separators=(",", ":")).encode()).decode().rstrip("=")
    )
    return f"{body}.{_signature(secret, kind, body)}"


def read(secret: bytes, kind: str, text: str) -> dict[str, Any] | None:
    """The facts of a ticket of that kind; None if it is none of ours."""
    body, _, signature = text.partition(".")
    if not hmac.compare_digest(_signature(secret, kind, body).encode(), signature.encode()):
        return None
    found: dict[str, Any] = json.loads(base64.urlsafe_b64decode(body + "=" * (-len(body) % 4)))
    return found


@dataclass(frozen=True)
class PageTicket:
    """What stood on the page that a form was written on.

    Attributes:
        about: what the page is about, e.g. `person:KEY`, `cell:TOOL:CELL`. account: who had it.
        release: number of the release shown; 0: none. after: newest record about it that was shown; 0: none.
        at: since when it is read; None where the form came back from being kept, and time spent is not measured.
        judged: the band expected before the score was shown; None where none was given first.
    """

    about: str
    account: str
    release: int
    after: int
    at: str | None = None
    judged: str | None = None

    def text(self, secret: bytes) -> str:
        """The ticket as a form carries it."""
        return issue(secret, "page", asdict(self))


def of_page(secret: bytes, text: str, about: str, account: str) -> PageTicket | None:
    """The ticket that a form carries; None if it is none of ours, of another page or another account's."""
    facts = read(secret, "page", text) if text else None
    return PageTicket(**facts) if facts and (facts["about"], facts["account"]) == (about, account) else None


def _signature(secret: bytes, kind: str, body: str) -> str:
    return hmac.new(secret, f"ticket {kind} {body}".encode(), hashlib.sha256).hexdigest()[:40]
