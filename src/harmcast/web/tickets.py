"""Small facts that go out with a page and come back with its form, signed so that nobody can change them on the way.

A ticket says what was shown, to whom and since when: the release, the newest decision seen, the own judgement given first.
"""

from __future__ import annotations

import base64
import hashlib
import hmac
import json
from typing import Any


def issue(secret: bytes, kind: str, facts: dict[str, Any]) -> str:
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


def _signature(secret: bytes, kind: str, body: str) -> str:
    return hmac.new(secret, f"ticket {kind} {body}".encode(), hashlib.sha256).hexdigest()[:40]
