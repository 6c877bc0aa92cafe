from xml.dom.minidom import parseString

import pytest
from bench.rolling import rolling
from tests.forecast.conftest import invent, lattice

from harmcast.evaluate import backtest
from harmcast.evaluate.page import backtest_page
from harmcast.forecast import shipped


@pytest.fixture(scope="module")
def page():
    panel = invent(weeks=120, units=lattice(6))[0]
    panels, came = rolling(panel, 4)
    models = {name: shipped.models(panels[0])[name] for name in ("count_24m", shipped.CHOSEN)}
    found = backtest.backtest_places(panels, came, models, tool="knife <injury>", chosen=shipped.CHOSEN, level=shipped.level)
    return found, backtest_page(found, panel.units)


def test_the_page_stands_alone_and_is_well_formed(page):
    _, html = page
    body = html[html.index("<body>") : html.index("</body>") + 7]
    parseString(body)
    assert "<script" not in html
    assert "http" not in html
    assert "knife &lt;injury&gt;" in html


def test_every_picture_says_in_words_what_it_shows(page):
    found, html = page
    assert html.count("<svg") == html.count('role="img" aria-label=') == 5
    assert html.count("<polygon") == found["units"]
    assert f"{found['models']['count_24m']['hits_top20']} of {found['crimes']}" in html
