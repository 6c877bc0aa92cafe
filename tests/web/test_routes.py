"""Every route with every role: who is let in is written here by hand, and a route that is not here fails."""

from __future__ import annotations

import re

import pytest
import sqlalchemy as sa
from fastapi import FastAPI
from fastapi.testclient import TestClient
from starlette.routing import compile_path
from tests.web.conftest import SignIn, carried, csrf_of

from harmcast.oversight.access import Action, Role
from harmcast.store import schema
from harmcast.web import app as apps
from harmcast.web.guard import ABOUT_PEOPLE
from harmcast.web.security import HEADERS

LETTERS = dict(zip("AMSDEPU", Role, strict=True))
ALL = "AMSDEPU"
OPEN = "open"
MACHINE = ""  # no role and no session: the force's own collector, known by its address or token
# Address, with what stands in its place, and who is let in; OPEN: anyone, signed in or not.
GETS = {
    "/static/{name:path}": ("/static/harmcast.css", OPEN),
    "/healthz": ("/healthz", OPEN),
    "/metrics": ("/metrics", MACHINE),
    "/": ("/", ALL),
    "/home": ("/home", ALL),
    "/recommendations/{number}": ("/recommendations/1", "A"),
    "/sign-in": ("/sign-in", OPEN),
    "/sign-in/force": ("/sign-in/force", OPEN),
    "/sign-in/force/back": ("/sign-in/force/back", OPEN),
    "/invitation": ("/invitation", OPEN),
    "/account": ("/account", ALL),
    "/about": ("/about", OPEN),
    "/accessibility": ("/accessibility", OPEN),
    "/areas": ("/areas", "AD"),
    "/areas/{tool}": ("/areas/knife_injury", "AD"),
    "/areas/{tool}/briefing": ("/areas/knife_injury/briefing", "AD"),
    "/areas/{tool}/columns.csv": ("/areas/knife_injury/columns.csv", "AD"),
    "/areas/{tool}/recommendations.csv": ("/areas/knife_injury/recommendations.csv", "AD"),
    "/areas/{tool}/activity.csv": ("/areas/knife_injury/activity.csv", "AD"),
    "/areas/{tool}/download.csv": ("/areas/knife_injury/download.csv", "AD"),
    "/areas/{tool}/download.geojson": ("/areas/knife_injury/download.geojson", "AD"),
    "/areas/{tool}/download.gpkg": ("/areas/knife_injury/download.gpkg", "AD"),
    "/areas/{tool}/find": ("/areas/knife_injury/find?q=zz", "AD"),
    "/map-service/{z}/{x}/{y}": ("/map-service/-2/0/0?aaaa", "AD"),
    "/ground/{name}/{z}/{x}/{y}.svg": ("/ground/aaaaaaaaaaaa/-2/0/0.svg", "AD"),
    "/areas/{tool}/cells/{cell}": ("/areas/knife_injury/cells/CELL", "AD"),
    "/track-record": ("/track-record", "AMSDEP"),
    "/track-record/{tool}": ("/track-record/knife_injury", "AMSDEP"),
    "/training": ("/training", ALL),
    "/training/{tool}/tour": ("/training/knife_injury/tour", ALL),
    "/users": ("/users", "U"),
    "/users/{account}": ("/users/untrained", "U"),
    "/roles": ("/roles", "SPU"),
    "/looks": ("/looks", "SP"),
    "/people": ("/people", "MS"),
    "/kept": ("/kept", ALL),
    "/people/{key}": ("/people/aaaaaaaaaaaaaaaaaaaaaaaa", "MS"),
    "/pseudonymised": ("/pseudonymised", "DE"),
    "/pseudonymised/{key}": ("/pseudonymised/aaaaaaaaaaaaaaaaaaaaaaaa", "DE"),
    "/case-reviews": ("/case-reviews", "DEP"),
    "/unit-work": ("/unit-work", "S"),
    "/exports": ("/exports", "MS"),
    "/audit": ("/audit", "SDEP"),
    "/audit/{tool}": ("/audit/knife_injury", "SDEP"),
    "/register": ("/register", ALL),
    "/releases": ("/releases", "SDEP"),
    "/answers": ("/answers", "SDEP"),
    "/answers/{number}/{form}": ("/answers/1/html", "SDEP"),
    "/data-quality": ("/data-quality", "ASDEP"),
    "/log": ("/log", "P"),
    "/retention": ("/retention", "P"),
    "/releases/{name}": ("/releases/iom-model-2026-W40", "SDEP"),
    "/findings/{finding}": ("/findings/concern-0123456789", "SDEP"),
    "/subject": ("/subject", "P"),
    "/forget": ("/forget", "PE"),
    "/log/verify": ("/log/verify", "P"),
    "/corrections": ("/corrections", "DP"),
    "/representations": ("/representations", "P"),
}
POSTS = {
    "/training/{tool}/tour": ("/training/knife_injury/tour", ALL),
    "/training/{tool}/material": ("/training/knife_injury/material", "U"),
    "/sign-in": ("/sign-in", OPEN),
    "/invitation": ("/invitation", OPEN),
    "/sign-out": ("/sign-out", ALL),
    "/account/codes": ("/account/codes", ALL),
    "/account/role": ("/account/role", ""),  # nobody holds the role that the test asks for
    "/account/password": ("/account/password", ALL),
    "/areas/{tool}/cells/{cell}/notes": ("/areas/knife_injury/cells/CELL/notes", "A"),
    "/areas/{tool}/cells/{cell}/recommendations": ("/areas/knife_injury/cells/CELL/recommendations", "A"),
    "/recommendations/{number}": ("/recommendations/1", "A"),
    "/areas/{tool}/cells/{cell}/strikes": ("/areas/knife_injury/cells/CELL/strikes", "A"),
    "/areas/{tool}/cells/{cell}/activity": ("/areas/knife_injury/cells/CELL/activity", "A"),
    "/users": ("/users", "U"),
    "/users/{account}/roles": ("/users/untrained/roles", "U"),
    "/users/{account}/standing": ("/users/untrained/standing", "U"),
    "/users/{account}/invitation": ("/users/untrained/invitation", "U"),
    "/users/{account}/unbind": ("/users/untrained/unbind", "U"),
    "/roles/proposals/{number}": ("/roles/proposals/1", "SU"),
    "/roles/end": ("/roles/end", "PU"),
    "/looks/{account}": ("/looks/offender_manager", "SP"),
    "/users/{account}/training": ("/users/untrained/training", "U"),
    "/people/search": ("/people/search", "MS"),
    "/pseudonymised/{key}/open": ("/pseudonymised/aaaaaaaaaaaaaaaaaaaaaaaa/open", "DE"),
    "/people/{key}/open": ("/people/aaaaaaaaaaaaaaaaaaaaaaaa/open", "MS"),
    "/people/{key}/judgement": ("/people/aaaaaaaaaaaaaaaaaaaaaaaa/judgement", "MS"),
    "/people/noted": ("/people/noted", "MS"),
    "/people/{key}/decisions": ("/people/aaaaaaaaaaaaaaaaaaaaaaaa/decisions", "MS"),
    "/people/{key}/decisions/{number}/sign-off": ("/people/aaaaaaaaaaaaaaaaaaaaaaaa/decisions/1/sign-off", "S"),
    "/people/{key}/decisions/{number}/follow-ups": ("/people/aaaaaaaaaaaaaaaaaaaaaaaa/decisions/1/follow-ups", "MS"),
    "/people/{key}/data-errors": ("/people/aaaaaaaaaaaaaaaaaaaaaaaa/data-errors", "MS"),
    "/exports": ("/exports", "MS"),
    "/case-reviews": ("/case-reviews", "DE"),
    "/case-reviews/{number}/decision": ("/case-reviews/1/decision", "P"),
    "/exports/{number}/decision": ("/exports/1/decision", "S"),
    "/exports/{number}/download": ("/exports/1/download", "MS"),
    "/register": ("/register", "PE"),
    "/releases/{name}/publish": ("/releases/2020-W01/publish", "SD"),
    "/releases/{name}/withdraw": ("/releases/2020-W01/withdraw", "SD"),
    "/releases/{name}/findings/{finding}": ("/releases/2020-W01/findings/concern-0123456789", "SDEP"),
    "/log/person": ("/log/person", "P"),
    "/kept/{number}/drop": ("/kept/1/drop", ALL),
    "/account/stay": ("/account/stay", ALL),
    "/log/verify": ("/log/verify", "P"),
    "/subject": ("/subject", "P"),
    "/forget": ("/forget", "P"),
    "/forget/{number}": ("/forget/1", "PE"),
    "/corrections/{number}": ("/corrections/1", "DP"),
    "/tools/{name}/refuse": ("/tools/nope/refuse", "PE"),
    "/representations": ("/representations", "P"),
    "/representations/{number}/steps": ("/representations/1/steps", "P"),
}
DOORS = {("GET", path): door for path, door in GETS.items()} | {("POST", path): door for path, door in POSTS.items()}


@pytest.fixture
def cell(web: FastAPI) -> str:
    return str(web.state.harmcast.releases.published("knife_injury").frame("knife_injury")["cell"][0])


def test_every_route_stands_in_the_table(web: FastAPI) -> None:
    assert {(r["method"], r["path"]) for r in apps.routes(web)} == set(DOORS)
    assert len(web.routes) == len(DOORS)


def _asked(client: TestClient, method: str, address: str) -> int:
    if method == "GET":
        response = client.get(address, follow_redirects=False)
    else:
        form = {**carried(client), "role": "none", "form_token": "x"}
        response = client.post(address, data=form, follow_redirects=False)
    if response.status_code == 303 and response.headers["location"].startswith("/sign-in?"):
        return 401
    for name, value in HEADERS.items():
        assert response.headers[name] == value, (address, name)
    return response.status_code


@pytest.mark.parametrize("role", list(Role), ids=lambda r: r.value)
def test_every_route_with_a_role(role: Role, sign_in: SignIn, cell: str) -> None:
    for (method, path), (address, letters) in DOORS.items():
        client = sign_in(role.value)
        status = _asked(client, method, address.replace("CELL", cell))
        let_in = letters == OPEN or role in {LETTERS[x] for x in letters}
        if path in ("/sign-in", "/invitation", "/account/role") and method == "POST":
            assert status == 403  # the form's own token is wrong; the role is not held
        elif let_in:
            assert status not in (401, 403), (role, method, path, status)
            assert status < 500
        else:
            assert status == 403, (role, method, path, status)


def test_every_route_without_a_session(web: FastAPI, cell: str) -> None:
    for (method, path), (address, letters) in DOORS.items():
        client = TestClient(web)
        at = address.replace("CELL", cell)
        response = client.request(method, at, follow_redirects=False)
        for name, value in HEADERS.items():
            assert response.headers[name] == value
        if letters == OPEN:
            assert response.status_code < 500
            assert "location" not in response.headers
        elif path == "/metrics":
            assert response.status_code == 403
        else:
            assert response.status_code == 303, (method, path)
            assert response.headers["location"].startswith("/sign-in?next=")


def test_an_untrained_analyst_sees_no_tool(sign_in: SignIn, cell: str) -> None:
    client = sign_in("untrained")
    for address in (
        "/areas",
        "/areas/knife_injury",
        "/areas/knife_injury/download.csv",
        f"/areas/knife_injury/cells/{cell}",
    ):
        response = client.get(address)
        assert response.status_code == 403
        assert "training" in response.text
        assert cell not in response.text.replace(address, "")
    assert client.get("/", follow_redirects=False).headers["location"] == "/training"


def test_a_tool_in_shadow_is_for_those_who_judge_it(web: FastAPI, sign_in: SignIn) -> None:
    from tests.web.invented_releases import register

    register(web.state.harmcast, "knife_injury", "shadow")
    assert sign_in("intelligence_analyst").get("/areas/knife_injury").status_code == 403
    assert sign_in("data_scientist").get("/areas/knife_injury").status_code == 200
    assert "Knife crime" not in sign_in("intelligence_analyst").get("/areas/serious_violence").text


@pytest.mark.parametrize("token", ["none", "stale", "foreign"])
def test_every_unsafe_route_refuses_a_form_that_is_not_its_own(token: str, sign_in: SignIn, cell: str) -> None:
    """No token, one of an ended session, one of another user: refused, and nothing is written."""
    roles = {"A": "intelligence_analyst", "U": "administrator"}
    for path, (address, letters) in POSTS.items():
        if path == "/sign-in":
            continue
        account = roles.get(letters, "supervisor")
        client = sign_in(account)
        sent = {"none": "", "stale": csrf_of(sign_in(account)), "foreign": csrf_of(sign_in("ethics_reviewer"))}[token]
        before = _written(client.app)
        form = {"csrf": sent, "note": "x", "recommendation": "x", "standing": "disabled", "password": "x" * 20}
        response = client.post(address.replace("CELL", cell), data=form, follow_redirects=False)
        assert response.status_code == 403, path
        assert "expired" in response.text
        assert _written(client.app) == before


def _written(app: FastAPI) -> list[int]:
    tables = (schema.cell_notes, schema.tasking, schema.cell_activity, schema.users, schema.user_roles, schema.training)
    rows = [app.state.harmcast.operations.rows(sa.select(sa.func.count()).select_from(t)) for t in tables]
    return [next(iter(row[0].values())) for row in rows]


def test_each_view_is_one_event_written_before_the_page(web: FastAPI, sign_in: SignIn, cell: str) -> None:
    """Every page to look at writes exactly one event, which names who looked and at what."""
    state = web.state.harmcast
    for route in apps.routes(web):
        if route["method"] != "GET":
            continue
        address, letters = GETS[route["path"]]
        if letters == MACHINE:
            continue
        account = "intelligence_analyst" if letters in (OPEN, ALL) else LETTERS[letters[0]].value
        client = sign_in(account)
        before = len(state.operations.entries())
        status = client.get(address.replace("CELL", cell), follow_redirects=False).status_code
        assert status in ((404,) if "aaaa" in address or "/force" in address or address in ("/recommendations/1", "/findings/concern-0123456789", "/answers/1/html") else (200, 303)), address
        new = state.operations.entries()[before:]
        if route["view"]:
            assert [e.action for e in new] == [route["view"]]
            assert new[0].actor == account
            assert new[0].kind == "consultation"
        elif route["path"].endswith("/find"):
            assert [(e.kind, e.action) for e in new] == [("consultation", "place_found")]
        elif "download" in route["path"] or route["path"].endswith(".csv"):
            assert [(e.kind, e.action) for e in new] == [("disclosure", "areas_downloaded")]
        elif route["action"] in ABOUT_PEOPLE | {Action.VIEW_RETENTION}:
            assert [e.kind for e in new] == ["consultation"]
            assert new[0].actor == account
        else:
            assert new == []


def test_a_page_never_names_another_host(sign_in: SignIn, cell: str) -> None:
    for address in (
        "/areas/knife_injury",
        f"/areas/knife_injury/cells/{cell}",
        "/track-record/knife_injury",
        "/training",
        "/account",
    ):
        html = sign_in("intelligence_analyst").get(address).text
        assert not re.findall(r'(?:src|href|action)="(?:https?:)?//', html)
        assert not re.search(r"\sstyle=|\son\w+=|<script(?![^>]*(?:src=|application/json))", html)


def test_no_address_fits_two_routes(web: FastAPI) -> None:
    """Modules of pages are served in the order of their names: none may shadow another."""
    pairs = [(r["method"], r["path"]) for r in apps.routes(web)]
    asked = [(method, path, re.sub(r"\{[^}]*\}", "x1", path)) for method, path in pairs]
    fits = [(path, other) for method, path, address in asked for kind, other in pairs if other != path and kind == method and compile_path(other)[0].match(address)]
    assert len(pairs) == 109
    assert fits == []
