"""Every page that the router has, and the states that pages can be in, in a real Chromium: axe, 1,280 and 320 px, no other host.

The pages come from the table of doors that `test_routes` holds against the router, so that a new page is looked at or fails.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pytest
from tests.web import invented_people as invented
from tests.web.conftest import NOW, Site, granted, served
from tests.web.test_browser import axe, follow, visit
from tests.web.test_oversight_browser import refer
from tests.web.test_routes import GETS, LETTERS, OPEN

from harmcast.oversight.findings import Finding
from harmcast.oversight.log import Event
from harmcast.store import cell_records, desk, erasure_requests, proposals, representations
from harmcast.store.operations import Operations
from harmcast.store.releases import NewTool
from harmcast.store.state import State, open_state
from harmcast.store.users import Actor

pytestmark = [pytest.mark.browser, pytest.mark.slow]
NO_PAGE = ("/static/{name:path}", "/healthz", "/metrics", "/", "/areas", "/track-record", "/audit", "/sign-in/force", "/sign-in/force/back",
           "/areas/{tool}/download.csv", "/areas/{tool}/columns.csv", "/areas/{tool}/recommendations.csv", "/areas/{tool}/activity.csv", "/areas/{tool}/download.geojson", "/areas/{tool}/download.gpkg", "/ground/{name}/{z}/{x}/{y}.svg", "/map-service/{z}/{x}/{y}", "/answers/{number}/{form}")  # fmt: skip
WIDTHS = {1280: (768, 1024, 1100, 1366), 320: ()}  # at which axe looks, and at which a page is only asked whether it runs over
CONCERN = Finding("concern", "serious_violence", "false_high/deprivation/1/over", "Too often wrong in the poorest fifth.", 4.1, 2.0, 2.1)
HELD = "2026-W48"
# Words that analysts, managers or a lay panel did not know.
JARGON = re.compile(r"pooled and followed|robust deviation|credible rank|superseded|high cut|log odds|came against predicted|\bstretch\b|printed (?:range|not)|\bcells?\b", re.I)


def furnish(state: State) -> None:
    """What the small state lacks, so that no page of a route is missing: something open of most kinds."""
    key, officer = invented.key(state, 1), ("data_protection_officer", "data_protection_officer")
    granted(state, key)
    state.releases.keep(
        HELD, {"manifest.json": b'{"files": {}}'}, [NewTool("serious_violence", "held", [CONCERN])],
        origin=NOW.date(), as_of=NOW.date(), sequence=1, event=Event("system", "operator", "run", "week_made"),
    )  # fmt: skip
    asked = cell_records.Recommendation("The precinct, north door", "Friday, 20 to 02", "Late turns.", "Two officers on foot.")
    cell = state.releases.published("knife_injury").frame("knife_injury")["cell"][0]  # type: ignore[union-attr]
    with state.operations.writing(Event(*officer, "alteration", "received")) as tx:
        cell_records.recommend(tx, "knife_injury", cell, "2026-W47", asked, "intelligence_analyst", "intelligence_analyst")
        for kind in ("objection", "data_error"):
            number = representations.receive(tx, key, "iom", kind, NOW.date(), "person", "Not my charge.", *officer)
        representations.add_step(tx, number, key, "outcome", "upheld", None, "It was another's.", *officer)
        erasure_requests.ask(tx, "0" * 16, {"review_overdue": 1}, "Past their time.", *officer)
    administrator = Actor("administrator", "Administrator", (("administrator", None),))
    proposals.propose(state.users, "intelligence_analyst", "ethics_reviewer", None, administrator)


@pytest.fixture(scope="module")
def site(made_state: Path, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Site]:
    with served(made_state, tmp_path_factory.mktemp("furnished") / "state", furnish) as found:
        yield found


def faults(page: Any, site: Site, what: str, width: int) -> None:
    """Fails where axe finds anything, a word is nobody's, the page runs over, a script failed, or another host was asked."""
    page.evaluate("for (const d of document.querySelectorAll('details')) d.open = true")
    assert axe(page) == [], (what, width)
    if "log" not in what:  # the log says what it kept
        page.unknown += [(what, found) for found in JARGON.findall(page.inner_text("main"))]
    for wide in (*WIDTHS[width], width):
        page.set_viewport_size({"width": wide, "height": 900})
        assert page.evaluate("document.documentElement.scrollWidth") <= wide, (what, wide)
    assert [f for f in page.faults if "status of 5" not in f] == [], what
    assert all(url.startswith((site.address, "data:")) for url in page.asked), what


def doors() -> list[tuple[str, str, str]]:
    """(account, route, address): each page once, with the first role that it lets in."""
    found = []
    for route, (address, letters) in GETS.items():
        if route not in NO_PAGE:
            account = "intelligence_analyst" if letters == OPEN else LETTERS[letters[0]].value
            found.append((account, route, address))
    return found


@pytest.mark.parametrize("width", WIDTHS)
def test_every_page_of_the_router(browser: object, site: Site, width: int) -> None:
    state = open_state(site.folder)
    key = invented.key(state, 1)
    state.close()
    pages: dict[str, Any] = {}
    for account, route, address in doors():
        if account not in pages:
            pages[account] = visit(browser, site, account, width)
            pages[account].unknown = []
        page = pages[account]
        page.goto(site.address + address.replace("CELL", site.cell).replace("a" * 24, key).replace("concern-0123456789", CONCERN.id))
        assert page.query_selector("h1"), route
        assert "not found" not in page.title().lower(), route
        assert "No such" not in page.title(), route
        faults(page, site, route, width)
    end(pages)


def end(pages: dict[str, Any]) -> None:
    """Closes the pages; fails on every word that they said and nobody knows."""
    for page in pages.values():
        page.context.close()
    unknown = sorted({one for page in pages.values() for one in page.unknown})
    assert not unknown, unknown


Bring = Callable[[Any, Site, State], None]


def _opened_without_a_name(page: Any, site: Site, state: State) -> None:
    page.goto(f"{site.address}/pseudonymised/{invented.key(state, 1)}")
    page.check("input[name=purpose][value=audit]", force=True)
    follow(page, "main button[type=submit]")
    assert "Person without name" in page.title()



def _sent(address: str, button: str, **fields: str) -> Bring:
    """A form sent as it should not be: the page with its faults."""

    def bring(page: Any, site: Site, state: State) -> None:
        page.goto(site.address + address.replace("CELL", site.cell).replace("KEY", invented.key(state, 14)))
        page.evaluate("for (const d of document.querySelectorAll('details')) d.open = true")
        for selector, value in fields.items():
            page.fill(f"#{selector}", value)
        with page.expect_navigation():
            page.click(button)

    return bring


def _at(address: str) -> Bring:
    def bring(page: Any, site: Site, state: State) -> None:
        page.goto(site.address + address.replace("CELL", site.cell).replace("KEY", invented.key(state, 14)).replace("RESTRICTED", invented.key(state, 7)))

    return bring


def _referred(page: Any, site: Site, state: State) -> None:
    key = invented.key(state, 16)
    if not desk.of_person(state.operations, key):
        refer(state, key)
    page.goto(f"{site.address}/people/{key}")
    assert "Sign off the referral" in page.content()


def _held(page: Any, site: Site, state: State) -> None:
    newest = state.releases.history("knife_injury")[-1]
    event = Event("system", "operator", "run", "release_held")
    state.releases.move(newest, "held", event)
    try:
        page.goto(f"{site.address}/areas/knife_injury")
        assert "is held" in page.content()
    finally:
        state.releases.move(newest, "published", event)


def _log_down(page: Any, site: Site, state: State) -> None:
    usual = Operations._append
    Operations._append = _no_log  # type: ignore[assignment, method-assign]
    try:
        page.goto(f"{site.address}/people")
        assert "not available" in page.content()
    finally:
        Operations._append = usual  # type: ignore[method-assign]


def _areas_without_log(page: Any, site: Site, state: State) -> None:
    usual = Operations._append
    Operations._append = _no_log  # type: ignore[assignment, method-assign]
    try:
        page.goto(f"{site.address}/areas/knife_injury")
        assert "The log cannot be written" in page.content()
    finally:
        Operations._append = usual  # type: ignore[method-assign]


def _no_log(*_: object, **__: object) -> None:
    from harmcast.errors import RunStopped

    raise RunStopped("The log cannot be written.", code="log_unavailable")


A, M, S, E, P, U = "intelligence_analyst", "offender_manager", "supervisor", "ethics_reviewer", "data_protection_officer", "administrator"
SUBMIT = "main form[action$='{}'] button[type=submit]"
STATES: dict[str, tuple[str, Bring]] = {
    "monitor of places": (E, _at("/track-record/knife_injury?view=monitor")),
    "monitor of people": (E, _at("/track-record/iom?view=monitor")),
    "shadow of places": (E, _at("/track-record/knife_injury?view=shadow")),
    "shadow of people": (E, _at("/track-record/iom?view=shadow")),
    "audit of people": (E, _at("/audit/iom")),
    "audit of people, all": (E, _at("/audit/iom?view=all")),
    "audit of places with a difference": (E, _at("/audit/serious_violence")),
    "audit of places, all": (E, _at("/audit/serious_violence?view=all")),
    "a case review": (E, _opened_without_a_name),
    "a held release": (E, _at(f"/releases/{HELD}")),
    "earlier release": (A, _at("/areas/knife_injury?week=2026-W45")),
    "one area": (A, _at("/areas/serious_violence?area=Brede+Valley&sort=area")),
    "later page by change": (A, _at("/areas/serious_violence?sort=change&at=2")),
    "briefing of an area": (A, _at("/areas/knife_injury/briefing?area=Brede+Valley")),
    "cell saved": (A, _at("/areas/knife_injury/cells/CELL?saved=note")),
    "note without words": (A, _sent("/areas/knife_injury/cells/CELL", SUBMIT.format("notes"))),
    "activity without facts": (A, _sent("/areas/knife_injury/cells/CELL", SUBMIT.format("activity"))),
    "no such page": (A, _at("/nothing-here")),
    "not this role": (A, _at("/people")),
    "not trained": ("untrained", _at("/areas/knife_injury")),
    "nobody by that name": (M, _sent("/people", SUBMIT.format("search"), find="Nobody At All")),
    "search too short": (M, _sent("/people", SUBMIT.format("search"), find="x")),
    "somebody off the list": (M, _sent("/people", SUBMIT.format("search"), find="P00005")),
    "nobody fits": (M, _at("/people?band=low&custody=yes&overdue=yes")),
    "restricted": (M, _at("/people/RESTRICTED")),
    "unknown person": (M, _at("/people/aaaaaaaaaaaaaaaaaaaaaaaa")),
    "decision with faults": (M, _sent("/people/KEY", SUBMIT.format("decisions"))),
    "data error without words": (M, _sent("/people/KEY", SUBMIT.format("data-errors"))),
    "referral that waits": (S, _referred),
    "export without reason": (M, _sent("/exports", SUBMIT.format("exports"))),
    "last step of the tour": (M, _at("/training/iom/tour?step=8")),
    "questions": (M, _at("/training/iom/tour?step=9")),
    "questions unanswered": (M, _sent("/training/iom/tour?step=9", SUBMIT.format("tour"))),
    "handout": (U, _at("/training/iom/tour?step=all")),
    "training arranged": (U, _at("/training")),
    "recording without facts": (U, _sent("/training", SUBMIT.format("iom/material"))),
    "register with faults": (E, _sent("/register", SUBMIT.format("register"))),
    "log of one day": (P, _at("/log?kind=consultation&from=2026-01-01&to=2026-12-31")),
    "log of an unknown reference": (P, _sent("/log", SUBMIT.format("person"), reference="P99999")),
    "objection with faults": (P, _sent("/representations", SUBMIT.format("representations"))),
    "user saved": (U, _at("/users?saved=user")),
    "user with faults": (U, _sent("/users", SUBMIT.format("users"))),
    "training with faults": (U, _sent("/users/untrained", SUBMIT.format("training"))),
    "a held week": (A, _held),
    "people without a log": (M, _log_down),
    "areas without a log": (A, _areas_without_log),
}


@pytest.mark.parametrize("width", WIDTHS)
def test_every_state_of_a_page(browser: object, site: Site, width: int) -> None:
    state = open_state(site.folder)
    pages: dict[str, Any] = {}
    for name, (account, bring) in STATES.items():
        if account not in pages:
            pages[account] = visit(browser, site, account, width)
            pages[account].unknown = []
        page = pages[account]
        page.faults.clear()
        bring(page, site, state)
        if "faults" in name or ("without" in name and "log" not in name):
            assert re.search("There is a problem", page.content()), name
        faults(page, site, name, width)
    state.close()
    end(pages)
