"""No record of a rule, a finding or a person is changed by whoever it was handed to."""

from __future__ import annotations

from tests.frozen import changeable


def test_records_stand_as_they_were_made() -> None:
    assert changeable("fairness") == set()
