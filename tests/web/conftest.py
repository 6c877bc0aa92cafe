"""A state, its application and signed-in clients, shared by the tests of the web."""

from __future__ import annotations

import re
import shutil
import socket
import threading
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass, replace
from datetime import UTC, datetime, timedelta
from pathlib import Path

import pytest
import uvicorn
from fastapi import FastAPI
from fastapi.testclient import TestClient
from tests.web import invented_releases as invented

from harmcast.oversight.access import Role
from harmcast.oversight.log import Event
from harmcast.store import case_reviews, codes, sessions
from harmcast.store.operations import Operations
from harmcast.store.state import State, open_state
from harmcast.web import app as apps
from harmcast.web import assets

ROOT = Path(__file__).parents[2]
PASSWORD = "three plain words"
UNIT = "Brede Unit"
TOOLS = ("knife_injury", "serious_violence", "iom")
NOW = datetime(2026, 11, 16, 9, 0, tzinfo=UTC)


CHROMIUM = next((path for name in ("chromium", "chromium-browser") if (path := shutil.which(name))), None)
ARGUMENTS = [
    "--headless", "--no-sandbox", "--disable-gpu", "--disable-quic", "--no-first-run",
    "--disable-background-networking", "--disable-component-update", "--disable-sync",
]  # fmt: skip


class Clock:
    """A clock that tests move."""

    def __init__(self) -> None:
        self.at = NOW

    def __call__(self) -> datetime:
        self.at += timedelta(milliseconds=1)
        return self.at

    def on(self, **ahead: float) -> None:
        self.at += timedelta(**ahead)


@pytest.fixture(scope="session", autouse=True)
def _styles() -> None:
    if not apps.VENDOR_NEEDED.is_file():
        if not (ROOT / "node_modules" / "govuk-frontend").is_dir():
            pytest.skip("SKIPPED: style sheets are not built; run `make install`")
        assets.build(ROOT / "node_modules")


@pytest.fixture(scope="session")
def made_state(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A state made once: small grounds, 14 releases, two units' people in 4, one user a role."""
    from tests.web.invented_people import add_people

    folder = tmp_path_factory.mktemp("web") / "state"
    state = invented.make_state(folder, releases=14, across_m=14_000.0)
    for role in Role:
        unit = UNIT if role in (Role.OFFENDER_MANAGER, Role.SUPERVISOR) else None
        invented.user(state.operations, role.value, role, unit, TOOLS, PASSWORD)
    invented.user(state.operations, "untrained", Role.INTELLIGENCE_ANALYST, None, (), PASSWORD)
    add_people(state)
    state.close()
    return folder


@pytest.fixture
def clock() -> Clock:
    return Clock()


@pytest.fixture
def state(made_state: Path, tmp_path: Path, clock: Clock) -> Iterator[State]:
    """The state with a database of its own and a clock that the test moves; releases are shared, nothing writes them."""
    for name in ("settings", "secret", "signing.key", "operations.db"):
        source = made_state / name
        (shutil.copytree if source.is_dir() else shutil.copyfile)(source, tmp_path / name)
    for name in ("releases", "records", "models"):
        (tmp_path / name).symlink_to(made_state / name)
    opened = open_state(tmp_path)
    timed = replace(opened, operations=Operations(opened.operations.engine, opened.secret, clock))
    yield timed
    timed.close()


@pytest.fixture
def web(state: State) -> FastAPI:
    return apps.create_app(state)


SignIn = Callable[..., TestClient]


def csrf_of(client: TestClient, path: str = "/account") -> str:
    """The token of the session's forms."""
    found = re.search(r'name="csrf" value="([0-9a-f]{64})"', client.get(path).text)
    assert found
    return found[1]


def carried(client: TestClient, path: str = "/account") -> dict[str, str]:
    """What every form carries: the session's token, and what the page had seen of the log."""
    text = client.get(path).text
    return {name: found[1] for name in ("csrf", "seen") if (found := re.search(rf'name="{name}" value="([^"]+)"', text))}


def form_of(client: TestClient, path: str) -> dict[str, str]:
    """What the forms of a page carry, with the page's own ticket."""
    text = client.get(path).text
    found = {name: re.search(rf'name="{name}" value="([^"]+)"', text) for name in ("csrf", "seen", "ticket")}
    assert all(found.values())
    return {name: match[1] for name, match in found.items() if match}


def try_password(client: TestClient, account: str, password: str, after: str = "/account") -> object:
    """Sends the sign-in form as a browser would."""
    found = re.search(r'name="form_token" value="([0-9a-f]{64})"', client.get("/sign-in").text)
    assert found
    form = {"form_token": found[1], "account": account, "password": password, "next": after}
    return client.post("/sign-in", data=form, follow_redirects=False)


@pytest.fixture
def sign_in(web: FastAPI) -> SignIn:
    """Gives a client signed in as the user of a role, without spending time on the password."""
    from harmcast.oversight.log import Event
    from harmcast.store import sessions

    def signed(account: str) -> TestClient:
        state: State = web.state.harmcast
        held = state.users.roles_of(account)[0]
        with state.operations.writing(Event(account, held.role.value, "administration", "signed_in")) as tx:
            token = sessions.begin(tx, account, held.role, held.unit, state.settings.web)
        client = TestClient(web, raise_server_exceptions=True)
        client.cookies.set("harmcast", token)
        return client

    return signed


@pytest.fixture
def manager(sign_in: SignIn) -> TestClient:
    return sign_in("offender_manager")


@pytest.fixture
def supervisor(sign_in: SignIn) -> TestClient:
    return sign_in("supervisor")


def code_of(state: State, account: str, command: str) -> str:
    """A one-time code, as somebody draws it on their page and gives it to whoever needs a second person."""
    with state.operations.writing(Event(account, "none", "administration", "code_drawn")) as tx:
        return codes.draw(tx, account, command)


def granted(state: State, key: str) -> None:
    """A case review of one person, granted to everyone who may open it."""
    for account in ("data_scientist", "ethics_reviewer"):
        with state.operations.writing(Event(account, account, "administration", "case_review_asked", subject=key)) as tx:
            number = case_reviews.ask(tx, key, "To see the method at work", account, account)
        with state.operations.writing(Event("data_protection_officer", "data_protection_officer", "administration", "case_review_granted")) as tx:
            assert case_reviews.decide(tx, number, "granted", "data_protection_officer")


def unnamed(client: TestClient, key: str) -> str:
    """Somebody's page without a name: a case review granted, opened for a purpose."""
    granted(client.app.state.harmcast, key)  # type: ignore[attr-defined]
    answer = client.post(f"/pseudonymised/{key}/open", data={"csrf": csrf_of(client), "purpose": "audit"})
    assert answer.status_code == 200
    return answer.text


@dataclass
class Site:
    address: str
    folder: Path
    cell: str
    tokens: dict[str, str]
    state: State | None = None


@pytest.fixture(scope="session")
def site(made_state: Path, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Site]:
    """The application served on a free port, with a session for each account."""
    with served(made_state, tmp_path_factory.mktemp("served") / "state") as found:
        yield found


@contextmanager
def served(made_state: Path, folder: Path, furnish: Callable[[State], None] = lambda state: None, clock: Clock | None = None) -> Iterator[Site]:
    """A copy of the state, furnished and served on a free port, with a session for each account; with a clock that the test moves."""
    shutil.copytree(made_state, folder)
    state = open_state(folder)
    if clock is not None:
        state = replace(state, operations=Operations(state.operations.engine, state.secret, clock))
    else:  # a suite on a busy machine is longer than a session that nobody uses
        web = state.settings.web.model_copy(update={"idle_minutes": 24 * 60, "absolute_hours": 48})
        state = replace(state, settings=state.settings.model_copy(update={"web": web}))
    furnish(state)
    with socket.socket() as listener:
        listener.bind(("127.0.0.1", 0))
        port = listener.getsockname()[1]
    server = uvicorn.Server(uvicorn.Config(apps.create_app(state), port=port, log_level="error", server_header=False))
    thread = threading.Thread(target=server.run, daemon=True)
    thread.start()
    while not server.started:
        time.sleep(0.05)
    tokens = {}
    for account in [*(role.value for role in Role), "untrained"]:
        held = state.users.roles_of(account)[0]
        with state.operations.writing(Event(account, held.role.value, "administration", "signed_in")) as tx:
            tokens[account] = sessions.begin(tx, account, held.role, held.unit, state.settings.web)
    cells = state.releases.published("knife_injury").frame("knife_injury").sort("expected", descending=True)
    yield Site(f"http://127.0.0.1:{port}", folder, cells["cell"][0], tokens, state)
    server.should_exit = True
    thread.join(timeout=10)
    state.close()


@pytest.fixture(scope="session")
def browser() -> Iterator[object]:
    if CHROMIUM is None:
        pytest.skip("SKIPPED: no Chromium here, so pages were not tried in a browser")
    playwright = pytest.importorskip("playwright.sync_api")
    with playwright.sync_playwright() as started:
        opened = started.chromium.launch(executable_path=CHROMIUM, args=ARGUMENTS)
        yield opened
        opened.close()
