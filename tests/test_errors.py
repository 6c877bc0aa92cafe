import json
import logging
import sys

import pytest

from harmcast import cli, errors


def test_each_error_has_an_exit_code_of_its_own_and_someone_who_acts():
    tree = errors.HarmcastError.__subclasses__()
    assert sorted(e.exit_code for e in tree) == [20, 21, 22, 23, 24, 25]
    assert all(e.who_acts and e.__name__ in (errors.__doc__ or "") for e in tree)


def test_an_error_says_where_and_what_next():
    fault = errors.Fault("date_unreadable", "crimes.csv", 17, "happened_from")
    refused = errors.FeedRefused("The delivery is refused.", code="rows", next_step="Send it again.", faults=(fault,))
    said = str(refused)
    assert "crimes.csv, row 17, column happened_from: date_unreadable" in said
    assert "Next: Send it again." in said
    assert json.loads(json.dumps(refused.document()))["faults"][0]["row"] == 17


def test_a_value_that_is_shown_moves_no_cursor_and_turns_no_line():
    fault = errors.Fault("value_new", "crimes.csv", column="injury", values=(("\x1b[2Jser\x00ious\u202e", 12), ("caf\u00e9", 3)))
    assert str(fault).endswith("\ufffd[2Jser\ufffdious\ufffd (12), caf\u00e9 (3)")


def test_many_faults_are_counted_not_poured():
    faults = tuple(errors.Fault("r", "f.csv", n) for n in range(1000))
    assert "and 980 more" in str(errors.FeedRefused("x", faults=faults))


def _fails_over_a_record() -> None:
    try:
        raise KeyError("Ann Example, 1990-05-01")
    except KeyError as error:
        raise ValueError("P00017 Ann Example") from error


def test_a_bug_is_told_by_kind_and_place_without_its_words():
    try:
        _fails_over_a_record()
    except ValueError as error:
        told = errors.traced(error)
    assert "builtins.ValueError" in told
    assert "because of builtins.KeyError" in told
    assert "_fails_over_a_record" in told
    assert "test_errors.py:" in told
    assert "Example" not in told
    assert "P00017" not in told


def test_a_bug_in_a_command_leaves_no_record_on_the_screen(monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]):
    monkeypatch.setattr(cli, "app", lambda words: _fails_over_a_record())
    with pytest.raises(SystemExit) as left:
        cli.main(["status", "nowhere", "--json"])
    said = capsys.readouterr()
    assert left.value.code == 1
    assert json.loads(said.out)["code"] == "bug"
    assert "A bug in harmcast" in said.err
    assert "_fails_over_a_record" in said.err
    assert "Example" not in said.err + said.out


@pytest.mark.parametrize(("error", "code", "mend"), [
    (FileNotFoundError(2, "x", "layers/boundary.geojson"), "machine_refused", "Put that file back"),
    (PermissionError(13, "x", b"layers/boundary.geojson"), "machine_refused", "Free space or mend the folder's permissions"),
    (OSError(28, "x", "layers/boundary.geojson"), "disk_full", "Free space or mend the folder's permissions"),
])  # fmt: skip
def test_a_refusal_of_the_machine_names_the_file_and_what_mends_it(monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str], error: OSError, code: str, mend: str):
    def refuses(words: list[str]) -> None:
        raise error

    monkeypatch.setattr(cli, "app", refuses)
    with pytest.raises(SystemExit) as left:
        cli.main(["status", "nowhere", "--json"])
    said = json.loads(capsys.readouterr().out)
    assert left.value.code == errors.RunStopped.exit_code
    assert (said["code"], "(layers/boundary.geojson)" in said["message"]) == (code, True)
    assert said["next_step"].startswith(mend)


def test_a_bug_in_a_page_leaves_no_record_in_the_log():
    from harmcast.web.app import LOGGING, LogLine

    assert LOGGING["formatters"]["lines"]["()"] == f"{LogLine.__module__}.{LogLine.__name__}"
    try:
        _fails_over_a_record()
    except ValueError:
        record = logging.LogRecord("uvicorn.error", logging.ERROR, __file__, 1, "Exception in the application", None, sys.exc_info())
    line = LogLine("%(message)s").format(record)
    assert "ValueError" in line
    assert "Example" not in line
