"""The files of deploy/: units that systemd takes as they are, hardened, and every command of theirs one that harmcast has."""

from __future__ import annotations

import re
import shutil
import subprocess
from pathlib import Path

import pytest

DEPLOY = Path(__file__).parents[1] / "deploy"
SERVICES = sorted(DEPLOY.glob("*.service"))
MOST_EXPOSED = 2.0  # of 10, as `systemd-analyze security` reckons it


@pytest.fixture
def analyse() -> str:
    found = shutil.which("systemd-analyze")
    if found is None:
        pytest.skip("systemd-analyze is not installed")
    return found


def test_there_is_a_unit_for_each_thing_that_runs() -> None:
    assert [path.stem for path in SERVICES] == ["harmcast-backup", "harmcast-forget", "harmcast-serve", "harmcast-week", "harmcast-witness"]
    assert [path.stem for path in sorted(DEPLOY.glob("*.timer"))] == ["harmcast-backup", "harmcast-forget", "harmcast-week", "harmcast-witness"]


def test_systemd_takes_them(analyse: str, tmp_path: Path) -> None:
    for path in DEPLOY.glob("harmcast-*"):
        (tmp_path / path.name).write_text(path.read_text().replace("/opt/harmcast/bin/harmcast", "/bin/true"))
    run = subprocess.run([analyse, "verify", "--man=no", *sorted(map(str, tmp_path.glob("harmcast-*")))], capture_output=True, text=True)
    assert [line for line in run.stderr.splitlines() if "harmcast" in line] == []


@pytest.mark.parametrize("path", SERVICES, ids=lambda p: p.stem)
def test_they_are_hardened(analyse: str, path: Path) -> None:
    run = subprocess.run([analyse, "security", "--offline=yes", "--no-pager", str(path)], capture_output=True, text=True)
    (exposed,) = re.findall(r"Overall exposure level for \S+: ([\d.]+)", run.stdout)
    assert float(exposed) <= MOST_EXPOSED


@pytest.mark.parametrize("path", SERVICES, ids=lambda p: p.stem)
def test_their_commands_are_there(path: Path) -> None:
    import harmcast.commands.oversight  # noqa: F401
    from harmcast.cli import app

    (words,) = re.findall(r"/opt/harmcast/bin/harmcast ([a-z ]+?) /srv", path.read_text())
    found = app
    for word in words.split():
        found = found[word]
    assert found.help


def test_a_missed_week_is_caught_up() -> None:
    assert "Persistent=true" in (DEPLOY / "harmcast-week.timer").read_text()
