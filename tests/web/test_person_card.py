"""A person's figures redone by hand from the page's printed text alone, by the points card.

The people are scored by the person model itself (`refit`, `score_people`), so the page, the reasons and the model agree for real.
"""

from __future__ import annotations

import re
from datetime import date, datetime
from html.parser import HTMLParser
from typing import Any

import polars as pl
import pytest
from fastapi.testclient import TestClient
from tests.people.invented_careers import careers
from tests.web import invented_people as invented
from tests.web.conftest import csrf_of

from harmcast import tables
from harmcast.charts import people as people_charts
from harmcast.evaluate import people_choose
from harmcast.people import harm, minors
from harmcast.publish import release_files as publishing
from harmcast.store.releases import NewTool
from harmcast.store.state import State
from harmcast.transitions import refit
from harmcast.transitions.history import history
from harmcast.transitions.landmarks import Rules
from harmcast.transitions.weekly import score_people
from harmcast.weeks import add_months
from harmcast.words import hundred_span, in_hundred
from harmcast.words import people as people_words

AS_OF = date(2025, 12, 29)
CUTS = [5.0, 60.0, 300.0, 900.0]
RESTRICTED = (7, 8)


class Tables(HTMLParser):
    """Every table of a page by its caption: rows of cell texts, headers left out."""

    def __init__(self, html: str) -> None:
        super().__init__()
        self.found: dict[str, list[list[str]]] = {}
        self._rows: list[list[str]] = []
        self._caption: list[str] = []
        self._into: list[str] | None = None
        self.feed(html)

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        if tag == "table":
            self._rows, self._caption = [], []
        elif tag == "tr":
            self._rows.append([])
        elif tag in ("td", "th"):
            self._into = []
        elif tag == "caption":
            self._into = self._caption

    def handle_endtag(self, tag: str) -> None:
        if tag in ("td", "th") and self._rows and self._into is not None:
            self._rows[-1].append("".join(self._into).strip())
            self._into = None
        elif tag == "caption":
            self._into = None
        elif tag == "table":
            self.found["".join(self._caption).strip()] = self._rows[1:]

    def handle_data(self, data: str) -> None:
        if self._into is not None:
            self._into.append(data)


@pytest.fixture(scope="module")
def fitted() -> tuple[dict[str, Any], tuple[pl.DataFrame, ...], Rules]:
    made = careers(2500, 11, unknown_code=False)
    persons, charges, births = made
    rules = Rules(harm.default_index(), harm.decay_from(), CUTS[2])
    held = history(date(2020, 12, 30), AS_OF)
    flags = minors.flags(births, refit.all_days(held))
    return refit.refit(persons, charges, flags, held, rules, people_choose.choose), made, rules


def _released(state: State, fitted: Any) -> pl.DataFrame:
    """A release of the unit's people under the fitted model; the scored rows with a chance."""
    shipped, (persons, charges, births), rules = fitted
    kept = state.models.keep("iom", "iom-model-fitted", "2026-W40", shipped, {"chosen": shipped["chosen"], "because": shipped["because"]}, invented.SYSTEM)
    state.models.approve(kept, invented.SYSTEM)
    scored = score_people(persons, charges, minors.flags(births, [AS_OF]), AS_OF, shipped, rules, CUTS).people
    key = dict(state.person_keys().iter_rows())
    refs = [invented.reference(n) for n in range(invented.EACH) if n not in RESTRICTED]
    inside = scored.filter(pl.col("person_ref").is_in(refs)).with_columns(
        person_key=pl.col("person_ref").replace_strict(key, default=None), unit=pl.lit(invented.UNIT)
    )
    frame = inside.select(c.name for c in tables.SCORED_PEOPLE.columns).sort("person_key")
    week = invented.NEWEST.plus(1)
    about = {"cuts": CUTS, "cuts_reference_date": "2025-11-16", "harm_unit": "days", "weights": {"coarse_index": True, "index": {"source": "Cambridge", "edition": "2026"}}, "left_out": {}}
    files = {"iom.parquet": publishing.parquet(frame), "iom_about.json": publishing.document(about)}
    manifest = {"week": str(week), "origin": week.origin.isoformat(), "as_of": week.origin.isoformat(), "tools": {"iom": {"warnings": []}}}
    state.releases.keep(
        str(week), publishing.with_manifest(files, manifest), [NewTool("iom", "published", model=kept.name)],
        origin=week.origin, as_of=week.origin, sequence=1, event=invented.SYSTEM,
    )  # fmt: skip
    return inside.drop_nulls("chance_high_harm_12m")


def _page(manager: TestClient, key: str) -> str:
    page = manager.get(f"/people/{key}?view=record")
    if "Why are you opening this person?" in page.text:
        page = manager.post(f"/people/{key}/open", data={"csrf": csrf_of(manager), "purpose": "review"})
        page = manager.get(f"{page.url}&view=record")
    assert page.status_code == 200
    return page.text


def _in_hundred(text: str) -> float:
    """A printed number of 100 people; "under 0.5" is read as its bound."""
    found = re.search(r"([\d.]+)", text)
    assert found, text
    return float(found[1])


def _printed_chances(html: str) -> tuple[float, float]:
    first = re.search(r"About ([^<]+?) in 100 people with a record like this", html)
    second = re.search(r"Within 24 months: about (.+?) in 100", html)
    assert first
    assert second
    return _in_hundred(first[1]), _in_hundred(second[1])


def _card_redone(found: dict[str, list[list[str]]]) -> tuple[int, float, float]:
    """Worth of the lines answered yes, added up; the printed sum agrees; and what the table gives for that sum."""
    lines = found["Points card with this person's answers"]
    asked = [row for row in lines if len(row) == 4]
    total = sum(int(worth) for _, answer, worth, _ in asked if answer == "yes")
    assert int(lines[-1][-1]) == total
    assert all(int(points) == (int(worth) if answer == "yes" else 0) for _, answer, worth, points in asked)
    row = next(row for row in found["Chance by sum of points, around this person's"] if "this person" in row[0])
    assert int(row[0].split()[0]) == total
    return total, _in_hundred(row[1]), _in_hundred(row[2])


def test_the_points_card_is_redone_from_the_pages_text_to_the_printed_figure(manager: TestClient, state: State, fitted: Any) -> None:
    people = _released(state, fitted)
    assert people.height > 15
    sums = set()
    for row in people.iter_rows(named=True):
        html = _page(manager, row["person_key"])
        found = Tables(html).found
        total, first, second = _card_redone(found)
        sums.add(total)
        assert first == pytest.approx(100 * row["chance_high_harm_12m"], abs=0.1)
        assert second == pytest.approx(100 * row["chance_high_harm_24m"], abs=0.1)
        printed = _printed_chances(html)  # whole people of 100, from 1 on
        assert printed[0] == pytest.approx(max(first, 0.5), abs=0.56)
        assert printed[1] == pytest.approx(max(second, 0.5), abs=0.56)
        if row["chance_high_harm_12m"] < 0.005:
            assert "About under 0.5 in 100 people" in html
        base = fitted[0]["base_rate"]["12m"]
        at = fitted[0]["cards"][fitted[0]["chosen"]]["table"][total]
        assert ("No different from usual" in html) == (at["p12_group_low"] <= base <= at["p12_group_high"])
    assert len(sums) > 3


def _events(found: dict[str, list[list[str]]]) -> list[tuple[date, date, float]]:
    """Every event of the page: happened, charged, harm weight."""
    tables_of_events = ("Events charged, the one with the greatest effect first", "The other events, the one with the greatest effect first")
    rows = [row for name in tables_of_events for row in found.get(name, []) if len(row) == 7]
    return [(_day(row[0]), _day(row[1]), float(row[4].replace(",", ""))) for row in rows]


def _day(text: str) -> date:
    return datetime.strptime(text, "%d %B %Y").date()


def test_the_cards_lines_about_charges_are_answered_from_the_events_on_the_page(manager: TestClient, state: State, fitted: Any) -> None:
    """Counts and months of the card from the printed days of charge alone, everybody's every event being there."""
    people = _released(state, fitted)
    checked, hidden = 0, 0
    month = 365.25 / 12
    looked_back_to = add_months(AS_OF, -fitted[0]["history"]["look_back_months"])
    for row in people.iter_rows(named=True):
        html = _page(manager, row["person_key"])
        found = Tables(html).found
        events = _events(found)
        hidden += "The other events" in html
        assert ">Counts from</th>" in html  # charged, or first held if that was later: never printed as the day charged
        assert ">Charged</th>" not in html
        assert "Events are counted from the day under “Counts from” to" in html
        ages = sorted((AS_OF - charged).days / month for _, charged, _ in events if charged > looked_back_to)
        true = [(rf"Charged with (\d+) or more events in the last {n} months", float(sum(age < n for age in ages)), 1) for n in (6, 12, 24)]
        true.append((r"Charged with (\d+) or more events in all the months looked back on", float(len(ages)), 1))
        true.append((r"The latest charge is under (\d+) months? old", ages[0], -1))
        true.append((r"On average under (\d+) months? for each event", ages[-1] / len(ages), -1))
        for asked, answer, _, _ in (line for line in found["Points card with this person's answers"] if len(line) == 4):
            for says, value, direction in true:
                if line := re.match(says, asked):
                    is_true = value >= float(line[1]) if direction > 0 else value < float(line[1])
                    assert is_true == (answer == "yes"), asked
                    checked += 1
    assert checked > 30
    assert hidden > 0


def test_a_line_says_one_month_and_what_an_average_is_of() -> None:
    assert people_words.question("months_since_last", 1.0, True) == "The latest charge is under 1 month old"
    assert people_words.question("months_since_last", 3.0, False) == "The latest charge is 3 months old or older"
    assert people_words.question("mean_gap_months", 9.0, True).startswith("On average under 9 months for each event: ")


@pytest.mark.parametrize(
    ("chance", "says"),
    [(None, "no chance given"), (0.00499, "under 0.5"), (0.005, "0.5"), (0.0094, "0.9"), (0.00994, "1.0"), (0.00996, "1"), (0.014, "1"), (0.05, "5"),
     (0.9949, "99"), (0.995, "over 99"), (1.0, "over 99")],
)  # fmt: skip
def test_a_chance_is_so_many_of_a_hundred(chance: float | None, says: str) -> None:
    assert in_hundred(chance) == says


def test_a_range_of_chances_is_of_a_hundred() -> None:
    assert hundred_span(0.01, 0.18) == "1 to 18"
    assert hundred_span(0.001, 0.004) == "under 0.5"
    assert hundred_span(None, 0.2) == "no range"


def test_the_scale_of_bands_names_all_five_in_rows_where_they_would_touch() -> None:
    cuts = [30.0, 180.0, 365.0, 1825.0]
    for width, heights in ((760, {78}), (340, {78, 93, 108})):
        drawn = str(people_charts.band_scale(354.7, "high-medium", cuts, "days", width))
        names = re.findall(r'<text[^>]*y="(\d+)"[^>]*>(low|low-medium|high-medium|high|super high)</text>', drawn)
        assert [name for _, name in names] == ["low", "low-medium", "high-medium", "high", "super high"]
        assert {int(y) for y, _ in names} == heights
