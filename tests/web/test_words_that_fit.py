"""Small things that a reader tripped over: words that did not fit the state, links to nothing, labels cut off."""

from __future__ import annotations

import re

from tests.web.conftest import SignIn, carried


def refuse(sign_in: SignIn, tool: str) -> None:
    eve = sign_in("ethics_reviewer")
    form = {**carried(eve), "finding": "", "refuse": "Poor areas bear it.", "refused-by": "The committee", "sure": "yes"}
    assert eve.post(f"/tools/{tool}/refuse", data=form, follow_redirects=False).status_code == 303


def test_a_refused_tool_is_nowhere_in_use_and_no_home_leads_to_its_closed_pages(sign_in: SignIn) -> None:
    refuse(sign_in, "knife_injury")
    register = sign_in("ethics_reviewer").get("/register").text
    assert "has left every user’s pages" in register
    assert register.count(">refused</strong>") == 1
    for role in ("ethics_reviewer", "data_scientist"):
        home = sign_in(role).get("/home").text
        assert "Off every page" in home
        assert not re.search(r'href="/(?:audit|track-record)/knife_injury', home)


def test_who_may_not_see_the_verdict_is_not_told_that_nobody_entered_it(sign_in: SignIn) -> None:
    assert "were we right" not in sign_in("administrator").get("/register").text.lower()
