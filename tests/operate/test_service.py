"""The weekly service: missed weeks in order, alerts, what is tried again, what an operator is shown."""

from __future__ import annotations

import http.server
import json
import shutil
import threading
from collections.abc import Callable, Iterator
from datetime import date, timedelta
from pathlib import Path

import pytest
from bench.out_of_shadow import bring_out, enter
from tests.conftest import take_settings
from tests.force import OPERATOR, InventedForce

from harmcast.errors import FeedRefused, RunStopped
from harmcast.operate import metrics, service
from harmcast.operate.health import status_of
from harmcast.store import backup, checkpoints
from harmcast.store import state as states
from harmcast.store.state import State, open_state
from harmcast.weeks import Week


def with_settings(state: State, section: str, line: str) -> State:
    """The state with one more line in a section of its settings."""
    path = state.root / "settings" / "settings.toml"
    text = path.read_text()
    path.write_text(text.replace(f"[{section}]\n", f"[{section}]\n{line}\n") if f"[{section}]\n" in text else f"{text}\n[{section}]\n{line}\n")
    take_settings(state)
    state.close()
    return open_state(state.root)


@pytest.fixture
def inbox(own_weeks: State, tmp_path: Path) -> tuple[State, Path]:
    folder = tmp_path / "inbox"
    folder.mkdir()
    return with_settings(own_weeks, "feed", f'inbox = "{folder}"'), folder


def log_lines(state: State) -> list[dict[str, object]]:
    return [json.loads(line) for path in sorted((state.root / "logs").iterdir()) for line in path.read_text().splitlines()]


def test_missed_weeks_are_made_in_order_and_leave_nothing_out(inbox: tuple[State, Path], invented_force: InventedForce, tmp_path: Path) -> None:
    state, folder = inbox
    for delivery in invented_force.deliveries[3:5]:
        shutil.copytree(delivery, folder / delivery.name)
    elsewhere = tmp_path / "elsewhere"
    state = with_settings(state, "log", f'checkpoint_dir = "{elsewhere}"')
    served = service.run_due(state, invented_force.mondays[3], OPERATOR)
    assert [week.week for week in served.weeks] == [str(Week.of(day)) for day in invented_force.mondays[2:4]]
    assert [len(week.loads) for week in served.weeks] == [1, 1]
    first = state.releases.of_week(served.weeks[0].week)[0]
    assert first.as_of == invented_force.mondays[2]
    assert served.document()["caught_up"][0]["week"] == served.weeks[0].week
    assert service.missed_weeks(state, invented_force.mondays[3]) == []
    assert checkpoints.verify(state, elsewhere).faults == ()
    assert len((elsewhere / checkpoints.FILE).read_text().splitlines()) == 2
    assert log_lines(state)[0]["event"] == "run_begun"
    assert {"run_ended"} <= {line["event"] for line in log_lines(state)}
    refs = set(state.records.known("persons")["person_ref"]) | set(state.person_keys()["person_key"])
    text = "".join(path.read_text() for path in (state.root / "logs").iterdir())
    assert not any(ref in text for ref in refs)


def test_a_week_nobody_sent_anything_for_is_not_made(inbox: tuple[State, Path], invented_force: InventedForce) -> None:
    state, folder = inbox
    shutil.copytree(invented_force.deliveries[4], folder / "later")
    days = dict(service.missed_weeks(state, invented_force.mondays[3] + timedelta(days=14)))
    assert list(days.values())[:2] == [None, invented_force.mondays[3]]
    assert list(days.values())[2:] == [None]


def test_the_timer_makes_no_week_that_nobody_sent_anything_for_and_says_so(
    inbox: tuple[State, Path], invented_force: InventedForce, webhook: tuple[str, list[dict[str, object]]]
) -> None:
    address, heard = webhook
    state = with_settings(inbox[0], "alerts", f'webhook = "{address}"')
    monday, before = invented_force.mondays[2], state.releases.names()
    with pytest.raises(RunStopped) as stopped:
        service.run_due(state, monday, OPERATOR)  # the newest delivery is of the Monday before
    assert (stopped.value.code, stopped.value.who_acts) == ("no_delivery", "the force's data team")
    assert str(monday - timedelta(days=7)) in stopped.value.message
    assert state.releases.names() == before
    assert [(alert["kind"], alert["who_acts"]) for alert in heard] == [("no_delivery", "the force's data team")]
    assert any(words.startswith(f"no delivery came for {Week.of(monday)}") for words in status_of(state, monday).health.concerns)
    service.run_due(state, monday, OPERATOR, catch_up=False)  # a person's choice: --as-of
    assert len(state.releases.names()) == len(before) + 1


@pytest.mark.parametrize(("days_before", "comes"), [(7, False), (6, True), (0, True), (-1, False)])
def test_a_delivery_made_after_the_last_timers_monday_is_this_weeks(
    days_before: int, comes: bool, inbox: tuple[State, Path], invented_force: InventedForce
) -> None:
    state, folder = inbox
    monday = invented_force.mondays[2] + timedelta(days=7)  # nothing else lies near
    shutil.copytree(invented_force.deliveries[3], folder / "one")
    manifest = json.loads((folder / "one" / "manifest.json").read_text())
    (folder / "one" / "manifest.json").write_text(json.dumps({**manifest, "made_at": f"{monday - timedelta(days=days_before)}T05:00:00"}))
    if comes:
        service.stop_if_nothing_came(state, monday)
        return
    with pytest.raises(RunStopped):
        service.stop_if_nothing_came(state, monday)


def test_a_late_delivery_of_a_missed_week_counts_on_its_day(inbox: tuple[State, Path], invented_force: InventedForce) -> None:
    state, folder = inbox
    shutil.copytree(invented_force.deliveries[3], folder / "late")
    manifest = json.loads((folder / "late" / "manifest.json").read_text())
    wednesday = invented_force.mondays[2] + timedelta(days=2)
    (folder / "late" / "manifest.json").write_text(json.dumps({**manifest, "made_at": f"{wednesday}T05:00:00"}))
    assert service.missed_weeks(state, invented_force.mondays[3])[0] == (Week.of(wednesday), wednesday)


@pytest.fixture
def webhook() -> Iterator[tuple[str, list[dict[str, object]]]]:
    heard: list[dict[str, object]] = []

    class Ear(http.server.BaseHTTPRequestHandler):
        def do_POST(self) -> None:
            heard.append(json.loads(self.rfile.read(int(self.headers["content-length"]))))
            self.send_response(204)
            self.end_headers()

        def log_message(self, format: str, *args: object) -> None:
            pass

    server = http.server.HTTPServer(("127.0.0.1", 0), Ear)
    threading.Thread(target=server.serve_forever, daemon=True).start()
    yield f"http://127.0.0.1:{server.server_address[1]}/alert", heard
    server.shutdown()


def test_a_refused_feed_a_held_week_and_silence_are_told(
    inbox: tuple[State, Path], invented_force: InventedForce, webhook: tuple[str, list[dict[str, object]]]
) -> None:
    address, heard = webhook
    state = with_settings(inbox[0], "alerts", f'webhook = "{address}"\ncommand = ["/nowhere/mail"]')
    broken = inbox[1] / "broken"
    shutil.copytree(invented_force.deliveries[3], broken)
    (broken / "crimes.parquet" if (broken / "crimes.parquet").exists() else broken / "crimes.csv").write_bytes(b"torn")
    with pytest.raises(FeedRefused):
        service.run_due(state, invented_force.mondays[2], OPERATOR)
    assert heard[-1]["kind"] == "feed_refused"
    assert heard[-1]["next_step"]
    assert any(line["event"] == "alert_failed" and line["way"] == "command" for line in log_lines(state))
    assert "harmcast_last_run_ok 0" in metrics.text(state, invented_force.mondays[2])
    shutil.rmtree(broken)
    bring_out(state, "knife_injury", "in use", invented_force.mondays[0])
    enter(state, "knife_injury", "legal", invented_force.mondays[1], "none made")  # so that the week is held
    long_after = invented_force.mondays[1] + timedelta(days=28)
    service.run_due(state, long_after, OPERATOR, catch_up=False)
    assert [alert["kind"] for alert in heard[1:]] == ["week_held", "delivery_late"]
    assert "knife_injury" in heard[1]["tools"]  # type: ignore[operator]


@pytest.mark.parametrize(
    ("error", "kind"),
    [
        (RunStopped("", code="no_delivery"), "no_delivery"),
        (RunStopped("", code="load_waiting"), "load_waits"),
        (RunStopped("", code="disk_full"), "week_failed"),
        (FeedRefused("", code="columns_missing"), "feed_refused"),
    ],
)
def test_each_end_of_a_run_is_told_as_its_own_kind(error: RunStopped | FeedRefused, kind: str) -> None:
    assert service._kind(error) == kind


def test_what_may_pass_is_tried_again_and_what_may_not_is_not(own_weeks: State) -> None:
    def failing(codes: list[str]) -> Callable[[], str]:
        def work() -> str:
            if codes:
                raise RunStopped("Away.", code=codes.pop(0))
            return "done"

        return work

    assert service.patiently(failing(["log_unavailable", "source_unreachable"]), own_weeks, (0, 0)) == "done"
    with pytest.raises(RunStopped):
        service.patiently(failing(["disk_full"]), own_weeks, (0, 0))
    with pytest.raises(RunStopped):
        service.patiently(failing(["log_unavailable"] * 3), own_weeks, (0, 0))


def test_a_database_away_when_the_timer_fires_is_waited_for_and_then_told(
    own_weeks: State, webhook: tuple[str, list[dict[str, object]]], monkeypatch: pytest.MonkeyPatch
) -> None:
    address, heard = webhook
    state = with_settings(own_weeks, "alerts", f'webhook = "{address}"')
    state.close()
    away = [RunStopped("Away.", code="log_unavailable")] * 2
    brought_up = states.brought_up

    def sometimes(found: State) -> State:
        if away:
            raise away.pop()
        return brought_up(found)

    monkeypatch.setattr(states, "brought_up", sometimes)
    service.opened(state.root, (0, 0)).close()
    assert heard == []
    away += [RunStopped("Away.", code="log_unavailable", next_step="Start it.")] * 3
    with pytest.raises(RunStopped):
        service.opened(state.root, (0, 0))
    assert [(alert["kind"], alert["code"]) for alert in heard] == [("week_failed", "log_unavailable")]


def test_an_operator_sees_old_backups_and_figures(own_weeks: State, tmp_path: Path) -> None:
    backup.back_up(own_weeks, tmp_path / "old.backup", OPERATOR)
    day = date.fromisoformat(own_weeks.operations.now()[:10])
    assert not [c for c in status_of(own_weeks, day).health.concerns if "backup" in c]
    later = status_of(own_weeks, day + timedelta(days=29)).health.concerns
    assert any("old.backup" in concern for concern in later)
    (tmp_path / "old.backup").unlink()
    assert not any("old.backup" in c for c in status_of(own_weeks, day + timedelta(days=29)).health.concerns)
    lines = status_of(own_weeks, day).lines
    assert any(line.startswith("Newest delivery") and "loaded" in line for line in lines)
    assert not any("{" in line or "null" in line for line in lines)
    text = metrics.text(own_weeks, day)
    names = [line.split()[2] for line in text.splitlines() if line.startswith("# TYPE")]
    assert len(names) == len(set(names)) >= 8
    assert all(line.startswith("#") or line.rsplit(" ", 1)[0].startswith("harmcast_") for line in text.splitlines())
