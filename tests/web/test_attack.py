"""Small runs of what `bench/attack.py` does at full size: payloads through feed and forms, and generated requests."""

from __future__ import annotations

from pathlib import Path

import pytest
from bench.attacks import fuzz, looking, site
from bench.attacks.injection import inject
from bench.attacks.payloads import KINDS, payloads

from harmcast.web.templating import straight


def test_payloads_bring_about_nothing(tmp_path: Path) -> None:
    """Promise 23: names, words and areas that attack are shown as words, and exports are neutral in a spreadsheet."""
    sent = payloads(96)
    assert {payload.kind for payload in sent} == set(KINDS)
    found = inject(tmp_path, sent)
    assert found.faults == []
    assert (found.by_form, found.by_feed) == (96, 96)
    assert found.pages > 150
    assert found.exports == 3


@pytest.mark.slow
def test_generated_requests_never_break_a_page(tmp_path: Path) -> None:
    """Promise 24: no answer of 500 or above, no stack trace, every header, whatever is sent."""
    state = site.make(tmp_path)
    found = fuzz.fuzz(site.application(state), 400)
    state.close()
    assert found.faults == []
    assert found.requests > 200
    assert found.statuses[200] > 10


@pytest.mark.parametrize(
    ("html", "fault"),
    [
        ("<p onclick=x()>a</p>", "attribute onclick of p"), ("<script>x()</script>", "a script of no file"),
        ("<a href='javascript:x()'>a</a>", "address in href of a"), ("<iframe></iframe>", "tag iframe"),
        (f"<p>{7919 * 7907}</p>", "a template was run"), ("<p>\u202ea</p>", "direction marks"),
        ("<img src=x>", "tag img"), ("<a href='//evil.example'>a</a>", "address in href of a"),
    ],
)  # fmt: skip
def test_the_looking_sees_what_it_looks_for(html: str, fault: str) -> None:
    assert fault in looking.page_faults(html)


@pytest.mark.parametrize("cell", ["=1+1", "+1+x", "-2+3+x", "@SUM(1)", " =1", "\t=1", "\uff1d1"])
def test_the_looking_sees_formulas(cell: str) -> None:
    assert looking.csv_faults(f'a,"{cell}"\r\n'.encode()) == ["a formula"]


def test_numbers_and_words_are_no_formulas() -> None:
    assert looking.csv_faults(b"-1.5,+2,'=1+1,plain - words\r\n") == []


def test_direction_marks_leave_a_page_and_nothing_else_does() -> None:
    assert straight("a\u202eb\u2066c") == "abc"
    assert straight("Zoë ‘x’ 3 km²") == "Zoë ‘x’ 3 km²"
    assert straight(7) == 7
