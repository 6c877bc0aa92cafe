"""Every route with generated requests: schemathesis from the router's own description, as every role and as nobody.

Asked: no answer of 500 or above, no stack trace, every header, whatever is sent.
"""

from __future__ import annotations

import inspect
import itertools
import re
from collections import Counter
from collections.abc import Callable
from dataclasses import dataclass, field
from typing import Any

import schemathesis
from fastapi import FastAPI
from fastapi.openapi.utils import get_openapi
from hypothesis import HealthCheck, Phase, given, seed, settings

from bench.attacks import site
from harmcast.oversight.access import RULES, Action, Role
from harmcast.web import pages
from harmcast.web.guard import ACCESS
from harmcast.web.security import HEADERS

_DAY = re.compile(r'form\.day\(\s*"([a-z_]+)"')
_FIELD = re.compile(r'(?:form\.(?:value|words|choice|whole)|visit\.form\.get|form\.get)\(\s*"([a-z_]+)"')
WORDS = ["review", "yes", "no", "active", "knife_injury", "iom", "offender_manager", "granted", "refer", "same", "2026", "1", "12", "high", "approved"]


@dataclass
class Fuzzed:
    """What came of the requests: how many, by status, and each fault with its route."""

    requests: int = 0
    statuses: Counter[int] = field(default_factory=Counter)
    faults: list[str] = field(default_factory=list)


def fields() -> list[str]:
    """Names of every field that some form of the service reads."""
    found: set[str] = set()
    for routes in pages.all_pages():
        for module in {inspect.getmodule(route.endpoint) for route in routes.router.routes}:
            source = inspect.getsource(module) if module else ""
            found |= set(_FIELD.findall(source))
            found |= {f"{name}-{part}" for name in _DAY.findall(source) for part in ("day", "month", "year")}
    return sorted(found - {"csrf"})


def described(app: FastAPI) -> dict[str, Any]:
    """The routes as an OpenAPI document: paths and queries as the router reads them, forms of every known field."""
    document = get_openapi(title="harmcast", version="1", routes=app.routes)
    word = {"anyOf": [{"type": "string", "maxLength": 60}, {"enum": WORDS}]}
    form = {"type": "object", "properties": dict.fromkeys(fields(), word), "additionalProperties": {"type": "string", "maxLength": 20}}
    for methods in document["paths"].values():
        for method, operation in methods.items():
            if method == "post":
                operation["requestBody"] = {"content": {"application/x-www-form-urlencoded": {"schema": form}}}
    return document


def fuzz(app: FastAPI, requests: int, first: int = 1, told: Callable[[int], None] | None = None) -> Fuzzed:
    """Sends `requests` generated requests, as many to each route; the same for the same `first`.

    A route that has little to vary is soon exhausted; what it leaves goes to the others.
    """
    found = Fuzzed()
    schema = schemathesis.openapi.from_dict(described(app))
    left = [result.ok() for result in schema.get_all_operations()]
    known = _known(app)
    while left and found.requests < requests:
        each = -(-(requests - found.requests) // len(left))
        varied = []
        for operation in left:
            if _fuzz_one(app, operation, each, first, found, known) == each:
                varied.append(operation)
            if told:
                told(found.requests)
        left, first = varied, first + 1000
    return found


def _fuzz_one(app: FastAPI, operation: Any, each: int, first: int, found: Fuzzed, known: dict[str, str]) -> int:
    """Up to `each` requests to one route, mostly as those who may use it; how many there were."""
    everyone = {role: site.client(app, role.value) for role in Role}
    allowed = [everyone[role] for role in Role if role in RULES[Action(operation.definition.raw[ACCESS])].roles]
    clients = itertools.cycle([*everyone.values(), None, *((len(Role) + 1) * 2 // max(len(allowed), 1) * allowed)])
    tokens: dict[int, str] = {}
    before = found.requests

    @seed(first)
    @settings(max_examples=each, database=None, deadline=None, phases=[Phase.generate], suppress_health_check=list(HealthCheck))
    @given(case=operation.as_strategy())
    def one(case: Any) -> None:
        _send(app, found, case, next(clients), tokens, operation.label, known)

    one()
    return found.requests - before


def _known(app: FastAPI) -> dict[str, str]:
    """Values that stand in an address for something that is there, so that half of the requests get past a lookup."""
    state = app.state.harmcast
    cell = state.releases.published("knife_injury").frame("knife_injury")["cell"][0]
    keys = state.person_keys()["person_key"]
    return {"tool": "knife_injury", "cell": str(cell), "key": str(keys[3]), "account": "ethics_reviewer", "number": "1", "name": "harmcast.css"}


def _send(app: FastAPI, found: Fuzzed, case: Any, client: Any, tokens: dict[int, str], label: str, known: dict[str, str]) -> None:
    from starlette.testclient import TestClient

    client = client or TestClient(app, raise_server_exceptions=False)
    path = case.formatted_path
    if found.requests % 2:
        path = re.sub(r"\{(\w+)(?::path)?\}", lambda m: known.get(m[1], m[0]), case.operation.path)
    body = dict(case.body) if isinstance(case.body, dict) else {}
    if case.method.upper() == "POST" and not path.startswith(("/sign-out", "/users")) and found.requests % 4 != 3:
        if id(client) not in tokens:
            tokens[id(client)] = site.csrf(client)
        body["csrf"] = tokens[id(client)]
    found.requests += 1
    try:
        answer = client.request(case.method.upper(), path, params=case.query or None, data=_encodable(body) or None, follow_redirects=False)
    except (ValueError, UnicodeError):
        return  # no client can put this on a wire
    found.statuses[answer.status_code] += 1
    if answer.status_code >= 500:
        found.faults.append(f"{label}: status {answer.status_code}")
    if "Traceback (most recent" in answer.text:
        found.faults.append(f"{label}: a stack trace")
    if any(answer.headers.get(name) != value for name, value in HEADERS.items()):
        found.faults.append(f"{label}: a header is missing")


def _encodable(body: dict[str, Any]) -> dict[str, str]:
    return {str(k).encode("utf-8", "replace").decode(): str(v).encode("utf-8", "replace").decode() for k, v in body.items()}
