from datetime import date
from xml.dom.minidom import parseString

import numpy as np
import polars as pl
import pytest

from harmcast.evaluate.landmarks import backtest_people
from harmcast.evaluate.people_page import people_page


@pytest.fixture(scope="module")
def page():
    rng = np.random.default_rng(3)
    n, rows = 400, []
    for day in (date(2024, 6, 30), date(2025, 6, 30)):
        logit = rng.normal(-2.0, 1.2, n)
        chance = 1 / (1 + np.exp(-logit))
        rows.append(
            pl.DataFrame(
                {
                    "landmark": [day] * n,
                    "person_ref": [f"P{k}" for k in range(n)],
                    "became_12m": rng.random(n) < chance,
                    "plain_harm_12m": 1 / (1 + np.exp(-(0.5 * logit - 1 + rng.normal(0, 0.5, n)))),
                    "card_plain_12m": 1 / (1 + np.exp(-(0.5 * logit - 1))),
                    "card_three_12m": chance,
                    "card_twelve_12m": chance * 0.99,
                }
            )
        )
    found = backtest_people("serious <harm>", pl.concat(rows), [12], ["plain_harm", "card_plain", "card_three", "card_twelve"])
    return found, people_page(found)


def test_the_page_stands_alone_and_is_well_formed(page):
    _, html = page
    parseString(html[html.index("<body>") : html.index("</body>") + 7])
    assert "<script" not in html
    assert "http" not in html
    assert "serious &lt;harm&gt;" in html


def test_it_shows_every_model_and_no_person(page):
    found, html = page
    assert html.count("<svg") == html.count('role="img" aria-label=') == 2
    for name, one in found["horizon"]["12m"].items():
        assert f'<th scope="row">{name}</th>' in html
        assert f"{one['auc']:.3f} [{one['auc_low']:.3f}, {one['auc_high']:.3f}]" in html
    assert not any(f"P{k}<" in html for k in range(400))
