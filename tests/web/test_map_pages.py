"""The force's map on pages: tiles, a cell in its streets, the overview, finding a cell; nothing off the host, no script needed."""

from __future__ import annotations

import json
import re
from pathlib import Path

import pytest
import shapely
import sqlalchemy as sa
from fastapi import FastAPI
from tests.web.conftest import SignIn

from harmcast.ground import compiled
from harmcast.ground.geopackage import Layers, Shape
from harmcast.ground.kinds import Kind
from harmcast.ground.open_names import Place
from harmcast.oversight.log import Event
from harmcast.store import schema
from harmcast.store.releases import Release
from harmcast.web.security import CONTENT_POLICY

TOOL = "knife_injury"
E, N = 406_000.0, 286_000.0
CACHED = "private, max-age=604800, immutable"


@pytest.fixture
def release(web: FastAPI) -> Release:
    return web.state.harmcast.releases.published(TOOL)


@pytest.fixture
def ground(web: FastAPI) -> str:
    """A small ground under the invented cells: one main road, one lane, one town, one postcode."""
    roads = [
        Shape(Kind.A_ROAD, shapely.linestrings([[E - 4000, N + 300], [E + 4000, N + 300]]), "Northcroft Road", "A442"),
        Shape(Kind.LOCAL, shapely.linestrings([[E + 200, N - 400], [E + 200, N + 900]]), "Birchton <Lane>"),
    ]
    places = [
        Place("Karrastow", "Town", E + 500, N + 500, (E, N, E + 1000, N + 1000), "Karrastow"),
        Place("Birchton <Lane>", "Named Road", E + 200, N + 200, (E + 200, N - 400, E + 200, N + 900), "Karrastow"),
        Place("ZY1 2AB", "Postcode", E + 450, N + 450, (E + 450, N + 450, E + 450, N + 450), ""),
    ]
    near = shapely.box(E - 9000, N - 9000, E + 12_000, N + 12_000)

    def write(path: Path) -> None:
        compiled.write(path, Layers(roads, [], ["roads_local"]), places, near, "EPSG:27700")

    grounds = web.state.harmcast.grounds
    return grounds.keep(write, Event("operator", "operator", "administration", "ground_compiled", object="ground"), set()).stem.removeprefix("ground-")


def events(web: FastAPI) -> list[str]:
    return [row["action"] for row in web.state.harmcast.operations.rows(sa.select(schema.events.c.action))]


def tile_at(name: str, zoom: int) -> str:
    side = 512 / 2.0**zoom
    return f"/ground/{name}/{zoom}/{int((E + 300) // side)}/{int(-(N + 300) // side)}.svg"


def test_a_tile_needs_a_session_and_writes_no_row(web: FastAPI, sign_in: SignIn, ground: str) -> None:
    analyst = sign_in("intelligence_analyst")
    before = events(web)
    sent = analyst.get(tile_at(ground, -2))
    assert (sent.status_code, sent.headers["content-type"]) == (200, "image/svg+xml")
    assert "Northcroft Road" in sent.text
    assert "Birchton &lt;Lane&gt;" in sent.text
    assert sent.headers["cache-control"] == CACHED
    assert sent.headers["content-security-policy"] == CONTENT_POLICY
    assert events(web) == before
    analyst.cookies.clear()
    assert analyst.get(tile_at(ground, -2), follow_redirects=False).status_code == 303
    assert sign_in("offender_manager").get(tile_at(ground, -2)).status_code == 403


def test_a_tile_is_the_same_with_and_without_gzip(sign_in: SignIn, ground: str) -> None:
    analyst = sign_in("intelligence_analyst")
    packed = analyst.get(tile_at(ground, -2), headers={"accept-encoding": "gzip"})
    plain = analyst.get(tile_at(ground, -2), headers={"accept-encoding": "identity"})
    assert packed.headers["content-encoding"] == "gzip"
    assert "content-encoding" not in plain.headers
    assert packed.text == plain.text


@pytest.mark.parametrize(
    "address",
    ["/ground/{}/1/0/0.svg", "/ground/{}/-8/0/0.svg", "/ground/000000000000/-2/0/0.svg", "/ground/..%2F..%2Fsecret/-2/0/0.svg", "/ground/{}/-2/a/0.svg"],
)
def test_what_is_no_tile_is_refused_and_never_cached(sign_in: SignIn, ground: str, address: str) -> None:
    sent = sign_in("intelligence_analyst").get(address.format(ground))
    assert sent.status_code in (400, 404)
    assert sent.headers["cache-control"] == "no-store"


def test_off_the_ground_a_tile_is_empty(sign_in: SignIn, ground: str) -> None:
    assert "<path" not in sign_in("intelligence_analyst").get(f"/ground/{ground}/0/0/0.svg").text


def test_a_page_is_never_cached(sign_in: SignIn, ground: str) -> None:
    assert sign_in("intelligence_analyst").get(f"/areas/{TOOL}").headers["cache-control"] == "no-store"


def test_my_area_holds_the_overview_before_any_script(sign_in: SignIn, ground: str) -> None:
    html = sign_in("intelligence_analyst").get(f"/areas/{TOOL}").text
    box = html[html.index('id="overview"') : html.index('id="map"')]
    assert box.count("<svg") == 2  # wide and narrow
    assert "Karrastow" in box
    assert f"/ground/{ground}/{{z}}/{{x}}/{{y}}.svg" in html
    assert "Invented force: no place is real." in html
    assert "style=" not in box
    assert not re.findall(r'(?:src|href)="(?:https?:)?//', html)


def test_a_recommended_cell_is_marked_on_map_and_briefing(web: FastAPI, sign_in: SignIn, ground: str, release: Release) -> None:
    from harmcast.store import cell_records

    cell = release.frame(TOOL).sort("expected", descending=True)["cell"][2]
    with web.state.harmcast.operations.writing(Event("a", "intelligence_analyst", "alteration", "tasking_recommended")) as tx:
        cell_records.recommend(tx, TOOL, cell, release.week, cell_records.Recommendation("Town centre", "Friday night", "Because.", "Walk."), "a", "intelligence_analyst")
    analyst = sign_in("intelligence_analyst")
    html = analyst.get(f"/areas/{TOOL}").text
    assert json.loads(re.search(r'id="map-layers-data">(.*?)</script>', html)[1])["recommended"] == [cell]  # type: ignore[index]
    assert "Outlined in black: recommended to tasking" in html
    briefing = analyst.get(f"/areas/{TOOL}/briefing").text
    assert "<strong>Town centre</strong>" in briefing
    assert briefing.count('app-key-letter app-key-letter--marked">A<') == 1


def test_a_cell_page_shows_its_streets_and_names(sign_in: SignIn, ground: str, release: Release) -> None:
    row = release.frame(TOOL).row(0, named=True)
    html = sign_in("intelligence_analyst").get(f"/areas/{TOOL}/cells/{row['cell']}").text
    first, second = row["place"].split(": ")
    assert f"<h1 class=\"govuk-heading-l app-title__heading\">{first}</h1>" in html
    assert second.replace("&", "&amp;") in html
    assert "app-locator__map" in html
    assert "The name says where the place lies, not where offences happened." in html


def test_without_a_ground_pages_still_stand(sign_in: SignIn, release: Release) -> None:
    analyst = sign_in("intelligence_analyst")
    html = analyst.get(f"/areas/{TOOL}").text
    assert '"tiles":null' in html
    assert '<div class="app-overview__wide"><svg' in html
    cell = release.frame(TOOL)["cell"][0]
    assert "app-locator__map" not in analyst.get(f"/areas/{TOOL}/cells/{cell}").text
    assert "No map is installed here" in analyst.get(f"/areas/{TOOL}/find?q=karrastow").text


def cell_at(release: Release, e: float, n: float) -> str:
    frame = release.frame(TOOL)
    return next(c for c, x, y in frame.select("cell", "easting_m", "northing_m").iter_rows() if abs(x - e) <= 500 and abs(y - n) <= 500)


@pytest.mark.parametrize("asked", ["Karrastow", "karra", "ZY1 2AB", "406450 286450", "SP 064 864", "E406000N286000"])
def test_one_hit_in_one_cell_opens_it(web: FastAPI, sign_in: SignIn, ground: str, release: Release, asked: str) -> None:
    sent = sign_in("intelligence_analyst").get(f"/areas/{TOOL}/find", params={"q": asked}, follow_redirects=False)
    assert sent.status_code == 303
    assert sent.headers["location"] == f"/areas/{TOOL}/cells/{cell_at(release, E + 500, N + 500)}"


def test_a_street_in_two_cells_is_a_list(sign_in: SignIn, ground: str, release: Release) -> None:
    html = sign_in("intelligence_analyst").get(f"/areas/{TOOL}/find", params={"q": "birchton"}).text
    assert "Birchton &lt;Lane&gt;, Karrastow" in html
    for n in (N - 200, N + 500):
        assert f"/areas/{TOOL}/cells/{cell_at(release, E + 200, n)}" in html


def test_a_place_is_found_as_it_is_printed(sign_in: SignIn, ground: str, release: Release) -> None:
    """What no ground knows, such as a compass point with a name, is looked for among the places of the tool."""
    row = release.frame(TOOL).row(0, named=True)
    sent = sign_in("intelligence_analyst").get(f"/areas/{TOOL}/find", params={"q": row["place"]}, follow_redirects=False)
    assert sent.status_code == 303
    assert sent.headers["location"] == f"/areas/{TOOL}/cells/{row['cell']}"


def test_the_log_keeps_the_kind_of_question_never_its_words(web: FastAPI, sign_in: SignIn, ground: str) -> None:
    sign_in("intelligence_analyst").get(f"/areas/{TOOL}/find", params={"q": "zanzibar street 41"})
    rows = web.state.harmcast.operations.rows(sa.select(schema.events).where(schema.events.c.action == "place_found"))
    assert len(rows) == 1
    assert "name" in str(rows[0])
    assert "zanzibar" not in str(rows[0]).lower()


def test_finding_needs_the_tools_training(sign_in: SignIn, ground: str) -> None:
    assert sign_in("untrained").get(f"/areas/{TOOL}/find?q=karrastow").status_code == 403


def test_words_of_a_search_are_escaped(sign_in: SignIn, ground: str) -> None:
    html = sign_in("intelligence_analyst").get(f"/areas/{TOOL}/find", params={"q": '"><script>alert(1)</script>'}).text
    assert "<script>alert" not in html


def test_a_geopackage_of_the_release_is_the_same_twice_and_logged(web: FastAPI, sign_in: SignIn, release: Release) -> None:
    analyst = sign_in("intelligence_analyst")
    one, two = (analyst.get(f"/areas/{TOOL}/download.gpkg") for _ in range(2))
    assert one.status_code == 200
    assert one.headers["content-disposition"] == f'attachment; filename="{TOOL}-{release.name}-cells.gpkg"'
    assert one.content == two.content
    assert one.content[68:72] == b"GPKG"
    assert events(web).count("areas_downloaded") == 2
    smaller = analyst.get(f"/areas/{TOOL}/download.gpkg", params={"area": release.frame(TOOL)["area"][0]})
    assert len(smaller.content) < len(one.content)
