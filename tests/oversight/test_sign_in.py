"""Lanes of guesses: the tenth and the hundredth miss, the end of a quarter, what a right password takes back."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta

from harmcast.oversight.sign_in import Lane, guessed, missed, was_right

NOW = datetime(2026, 11, 16, 9, 0, tzinfo=UTC)
QUARTER = timedelta(minutes=15)


def after(guesses: int, lane: Lane, now: datetime, is_known: bool = False) -> tuple[Lane, list[str]]:
    said = []
    for _ in range(guesses):
        lane, one = guessed(lane, now, is_known)
        said.append(one)
    return lane, said


def test_ten_a_quarter_and_the_next_quarter_begins_when_the_first_is_over() -> None:
    lane, said = after(12, Lane(), NOW)
    assert said == ["go on"] * 10 + ["wait"] * 2
    assert guessed(lane, NOW + QUARTER - timedelta(seconds=1), False)[1] == "wait"
    assert guessed(lane, NOW + QUARTER, False)[1] == "go on"


def test_after_a_hundred_in_a_row_strangers_need_an_invitation_and_a_known_device_does_not() -> None:
    for is_known, last in ((False, "invitation"), (True, "go on")):
        lane, all_said = Lane(), []
        for quarter in range(10):
            lane, said = after(10, lane, NOW + quarter * QUARTER, is_known)
            all_said += said
        assert all_said == ["go on"] * 100
        assert guessed(lane, NOW + 10 * QUARTER, is_known)[1] == last


def test_a_day_of_a_guess_a_second_looks_at_a_hundred() -> None:
    lane, looked_at = Lane(), 0
    for second in range(0, 86_400, 7):
        lane, said = guessed(lane, NOW + timedelta(seconds=second), False)
        looked_at += said == "go on"
    assert looked_at == 100


def test_a_right_password_empties_the_lane() -> None:
    lane, _ = after(9, Lane(told_at=NOW), NOW)
    assert was_right(lane) == Lane(told_at=NOW)


def test_an_entry_is_due_once_a_quarter_and_says_how_many_it_speaks_of() -> None:
    lane, dues = Lane(), []
    for minute in (0, 1, 2, 14, 15, 16, 30):
        lane, due = missed(lane, NOW + timedelta(minutes=minute))
        dues.append(due)
    assert dues == [1, 0, 0, 0, 4, 0, 2]
