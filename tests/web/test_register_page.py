"""The register's page: which entries a tool needs is said by their full names, and why an entry stands for nothing."""

from __future__ import annotations

import html
from datetime import date

from tests.web.conftest import SignIn

from harmcast.oversight import register
from harmcast.oversight.log import Event
from harmcast.store.state import State


def test_the_page_names_the_entries_that_the_rule_asks_for(sign_in: SignIn) -> None:
    page = sign_in("ethics_reviewer").get("/register").text
    assert register.REQUIRED_ENTRIES == ("dpia", "legal", "ethics")
    assert "Without its data protection impact assessment, legal advice and advice of the ethics committee" in page


def test_the_page_says_refused_of_a_refused_entry_and_none_made_of_another(state: State, sign_in: SignIn) -> None:
    for kind, outcome in (("eia", "none made"), ("contract", "refused")):
        entry = {"tool": "iom", "kind": kind, "title": "T", "outcome": outcome, "dated": date(2026, 4, 1), "by_whom": "Somebody"}
        rest = {"document_ref": None, "conditions": None, "review_by": None}
        state.register.enter(entry | rest, Event("system", "operator", "administration", "register_entered"))
    page = sign_in("ethics_reviewer").get("/register").text
    assert "<strong>none was made</strong>" in page
    assert "<strong>it was refused</strong>" in page


def test_the_register_says_whether_a_tool_was_right_to_whoever_may_see_it(sign_in: SignIn) -> None:
    says = "Too early to say whether it beats a plain count: in the 3 four-week periods that are over and do not overlap"
    assert says in html.unescape(sign_in("ethics_reviewer").get("/register").text)
    assert says not in html.unescape(sign_in("administrator").get("/register").text)
