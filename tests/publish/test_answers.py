"""Every answer over a full and an empty force: questions found, rates worked out again, small counts kept, bytes the same."""

from __future__ import annotations

import json
import re
from collections.abc import Callable
from dataclasses import replace
from datetime import date, timedelta
from html.parser import HTMLParser

import polars as pl
import pytest

from harmcast.oversight.register import ENTRY_KINDS, Tool
from harmcast.publish import disclosure
from harmcast.publish.answers import algocare, atrs, checking, foi, impact, modelcard, public, render
from harmcast.publish.answers.document import Document, Words
from harmcast.publish.answers.facts import Facts
from harmcast.publish.disclosure import MARK
from harmcast.publish.release_files import NOTICE

from .conftest import tracked

MAKERS: dict[str, Callable[[Facts], Document]] = {
    "foi": foi.answer,
    "atrs": atrs.answer,
    "dpia": impact.dpia,
    "eia": impact.eia,
    "algocare": algocare.answer,
    "modelcard": modelcard.answer,
    "public": public.answer,
}
ASKED = {
    "places": "A1 A1a A1b A1c A1d A1e A1f A1g A1h",
    "people": "A2 A2a A2b A2c A2d A2e A2f A2g A2h A2i",
    "any": "B1 B2 B3 B4 B5 B6 B7 B8 C1 C2 C3 C4",
}


def made(kind: str, facts: Facts) -> dict:
    return json.loads(render.json_text(MAKERS[kind](facts)))


@pytest.fixture(params=["full", "bare"])
def any_facts(request, facts, bare_facts) -> Facts:
    return facts if request.param == "full" else bare_facts


def test_every_question_of_the_public_requests_has_its_answer_or_its_not_held(any_facts):
    document = made("foi", any_facts)
    for part in document["parts"]:
        kind = next(t for t in any_facts.tools if t.name == part["tool"]).tool.kind
        wanted = {*ASKED[kind].split(), *ASKED["any"].split()}
        found = {s["number"]: s for s in part["sections"]}
        assert set(found) == wanted
        for number, section in found.items():
            assert section["blocks"], number
            for block in section["blocks"]:
                if block["type"] == "not held":
                    assert all((block["why"], block["who"])), number
                if block["type"] == "table":
                    assert block["rows"], number


def test_each_question_with_its_answer_or_its_gap_is_listed(any_facts):
    """`pytest -s` prints the list: number, tool, what kind of answer, and what is missing."""
    document = made("foi", any_facts)
    listed = foi.index(document)
    for tool, number, standing in listed:
        print(f"{number:<4} {tool:<18} {standing}")
    assert {number for _, number, _ in listed} == {q["number"] for q in foi.questions()}
    for section in (s for part in document["parts"] for s in part["sections"]):
        gaps = [b for b in section["blocks"] if b["type"] in ("not held", "none was made", "empty")]
        assert (section["standing"] == "answered") == (not gaps)
        for block in section["blocks"]:
            assert all(block[name] for name in ("text", "rows", "items", "what", "field") if name in block), section["number"]


def test_a_reference_leads_to_an_answer_and_not_to_another_reference(any_facts):
    for part in made("foi", any_facts)["parts"]:
        sections = {s["number"]: s["blocks"] for s in part["sections"]}
        named = {b["number"] for blocks in sections.values() for b in blocks if b["type"] == "see"}
        assert named
        assert all(any(b["type"] != "see" for b in sections[number]) for number in named)


@pytest.mark.parametrize("kind", MAKERS)
def test_nothing_reads_like_a_programme_s_output(kind, any_facts):
    html = render.html(MAKERS[kind](any_facts)).decode()
    text = re.sub(r"<style>.*?</style>", "", html, flags=re.S)
    text = re.sub(r"<[^>]+>", " ", text)
    assert re.findall(r".{0,40}\w\(e?s\)", text) == []
    for ugly in (">None<", ">True<", ">False<", ">nan<", "{'", "{&#39;", "[]", " | "):
        assert ugly not in html.split("</style>")[1], ugly
    assert not re.search(r"\b1 (windows|weeks|releases|people|comparisons)\b", text)


def test_the_list_of_questions_holds_each_number_once():
    numbers = [q["number"] for q in foi.questions()]
    assert sorted(numbers) == sorted(" ".join(ASKED.values()).split())


@pytest.mark.parametrize("kind", MAKERS)
def test_every_published_rate_follows_from_its_counts(kind, any_facts):
    document = made(kind, any_facts)
    assert checking.faults(document) == []


def test_the_checker_finds_a_rate_that_is_off_by_a_millionth(facts):
    document = made("foi", facts)
    found = list(checking.rates(document))
    assert len(found) > 60
    text = json.dumps(document)
    value = next(v for _, v, _, _ in found if isinstance(v, float) and 0 < v < 1)
    spoilt = json.loads(text.replace(json.dumps(value), json.dumps(value + 1e-6)))
    assert checking.faults(spoilt)


def test_a_rate_beside_a_hidden_count_is_a_fault(facts):
    document = made("foi", facts)
    for part in document["parts"]:
        for section in part["sections"]:
            for block in section["blocks"]:
                if block["type"] == "table" and any(c["kind"] == "rate" for c in block["columns"]):
                    block["rows"][0][next(c for c in block["columns"] if c["kind"] == "rate")["numerator"][0]] = MARK
    assert checking.faults(document)


@pytest.mark.parametrize("kind", MAKERS)
def test_the_same_facts_give_the_same_bytes(kind, facts):
    assert render.files(MAKERS[kind](facts)) == render.files(MAKERS[kind](facts))


class Page(HTMLParser):
    def __init__(self) -> None:
        super().__init__()
        self.ids: list[str] = []
        self.links: list[str] = []
        self.fetched: list[str] = []
        self.open: list[str] = []

    def handle_starttag(self, tag, attrs):
        given = dict(attrs)
        if "id" in given:
            self.ids.append(given["id"])
        if tag == "a":
            self.links.append(given["href"])
        if tag in ("script", "img", "link", "iframe") or "src" in given:
            self.fetched.append(tag)


@pytest.mark.parametrize("kind", MAKERS)
def test_a_page_stands_alone_bears_the_notice_and_its_links_lead_somewhere(kind, any_facts):
    html = render.html(MAKERS[kind](any_facts)).decode()
    page = Page()
    page.feed(html)
    assert page.fetched == []
    assert "url(" not in html
    assert "http" not in html
    assert NOTICE in html
    assert len(page.ids) == len(set(page.ids))
    assert all(link.removeprefix("#") in page.ids for link in page.links)
    assert "22 November 2026" in html


def test_words_of_a_record_are_escaped(facts):
    payload = "<script>alert(1)</script>{{ 7*7 }}"
    tool = facts.tools[0]
    evil = replace(facts, force=payload, tools=(replace(tool, tool=replace(tool.tool, purpose=payload, title=payload)),))
    for maker in MAKERS.values():
        html = render.html(maker(evil)).decode()
        assert "<script>alert" not in html
        assert "&lt;script&gt;" in html
        assert "{{ 7*7 }}" in html


@pytest.mark.parametrize("kind", MAKERS)
def test_an_empty_register_is_named_and_nothing_is_invented(kind, bare_facts):
    document = made(kind, bare_facts)
    assert document["gaps"]
    text = json.dumps(document)
    for invented in ("Data Analytics Lab", "DP/12", "POL/3"):
        assert invented not in text


def test_every_kind_of_document_that_is_missing_is_said_to_be(bare_facts):
    words = json.dumps(made("foi", bare_facts)["gaps"])
    for kind in ("dpia", "eia", "legal", "ethics", "policy", "technical_paper", "test_for_bias", "contract", "training_material"):
        assert ENTRY_KINDS[kind] in words


def test_an_entry_that_none_was_made_is_printed_with_its_date(facts):
    section = next(s for p in made("foi", facts)["parts"] for s in p["sections"] if s["number"] == "A2h")
    says = [b["says"] for b in section["blocks"] if b["type"] == "none was made" and b["what"] == ENTRY_KINDS["eia"]]
    assert len(says) == 1
    assert says[0] == "none was made (entered on 1 April 2026 by Policy team)"


def test_an_entry_that_was_refused_is_said_to_be(facts):
    tool = facts.tools[0]
    entries = tuple(replace(e, refused=True) if not e.made else e for e in tool.entries)
    document = made("foi", replace(facts, tools=(replace(tool, entries=entries),)))
    section = next(s for p in document["parts"] for s in p["sections"] if s["number"] == "A1g")
    assert "it was refused (entered on 1 April 2026 by Policy team)" in [b.get("says") for b in section["blocks"]]


# -- people by group ------------------------------------------------------------------------------------------------


def shown_counts(document: dict, title: str) -> dict[str, dict]:
    for part in document["parts"]:
        for section in part["sections"]:
            for block in section["blocks"]:
                if block["type"] == "table" and block["title"] == title:
                    return {row["group"]: row for row in block["rows"]}
    raise AssertionError(title)


def test_people_tracked_are_counted_by_age_gender_and_race_with_and_without_a_conviction(facts):
    document = made("foi", facts)
    everyone = shown_counts(document, "Everyone")["Everyone"]
    assert (everyone["True"], everyone["False"], everyone["all"]) == (6040, 3960, 10000)
    assert everyone["share"] == pytest.approx(0.604, abs=1e-12)
    for title in ("Age", "Gender (sex as recorded)", "Race (self-defined ethnicity)", "Race (officer-defined ethnicity)"):
        assert shown_counts(document, title)


def test_no_small_count_of_people_is_printed_or_can_be_worked_out(facts):
    published = foi.answer(facts).published
    assert {"tracked", "confusion_iom", "decisions", "left_out"} <= set(published)
    attacked = 0
    for name, table in published.items():
        for key, value in table.shown.items():
            if value is None:
                _, most = disclosure.bounds(table.shown, table.sums, key)
                assert most >= 5, (name, key)
                attacked += 1
            else:
                assert value >= 5, (name, key)
    assert attacked > 20


def test_the_next_report_holds_a_table_that_has_hardly_changed_and_says_so(facts):
    first = foi.answer(facts)
    week = replace(
        facts,
        as_of=facts.as_of + timedelta(days=7),
        counted=replace(facts.counted, tracked=tracked(6_042, 3_960), earlier={k: [v] for k, v in first.published.items()}),
    )
    document = json.loads(render.json_text(foi.answer(week)))
    assert shown_counts(document, "Everyone")["Everyone"]["True"] == 6040
    section = next(s for p in document["parts"] for s in p["sections"] if s["number"] == "A2f")
    assert any("22 November 2026" in b.get("text", "") for b in section["blocks"])


def test_the_same_day_again_with_what_was_printed_kept_gives_the_same_bytes(facts):
    first = foi.answer(facts)
    again = replace(facts, counted=replace(facts.counted, earlier={k: [v] for k, v in first.published.items()}))
    assert render.files(foi.answer(again)) == render.files(first)


def test_true_and_false_positives_stand_beside_the_base_rate_and_a_plain_baseline(facts):
    document = made("foi", facts)
    section = next(s for p in document["parts"] if p["tool"] == "iom" for s in p["sections"] if s["number"] == "C1")
    everyone = next(b for b in section["blocks"] if b["type"] == "table" and b["title"] == "Everyone")
    assert {r["model"] for r in everyone["rows"]} == {"Monotone additive", "Plain harm score"}
    row = next(r for r in everyone["rows"] if r["model"] == "Monotone additive")
    assert (row["tp"], row["fp"], row["fn"], row["tn"], row["n"]) == (110, 140, 90, 4610, 4950)
    assert row["base_rate"] == pytest.approx(200 / 4950, abs=1e-12)
    assert row["precision"] == pytest.approx(110 / 250, abs=1e-12)
    assert row["precision_low"] < row["precision"] < row["precision_high"]


def test_place_hits_are_pooled_over_windows_beside_plain_counts(facts):
    document = made("foi", facts)
    section = next(s for p in document["parts"] if p["tool"] == "knife_injury" for s in p["sections"] if s["number"] == "C1")
    rows = next(b for b in section["blocks"] if b["type"] == "table")["rows"]
    ours = rows[0]
    assert ours["hits"] == sum(range(9, 15))
    assert ours["offences"] == sum(range(31, 37))
    assert ours["hit_rate"] == pytest.approx(69 / 201, abs=1e-12)
    assert {"Plain count, 24 months", "Perfect foresight"} <= {r["model"] for r in rows}


# -- each document's own form -----------------------------------------------------------------------------------------


def test_every_field_of_the_transparency_template_is_filled_or_named_as_empty(any_facts):
    document = made("atrs", any_facts)
    fields = atrs.template()["fields"]
    for part in document["parts"]:
        tier = int(part["title"][-1])
        assert [s["number"] for s in part["sections"]] == [f["number"] for f in fields if f["tier"] == tier]
        assert all(s["blocks"] for s in part["sections"])


def test_nine_characteristics_and_three_aims_with_marriage_for_the_first_alone(facts):
    assert len(impact.CHARACTERISTICS) == 9
    assert len(impact.AIMS) == 3
    for part in made("eia", facts)["parts"]:
        table = next(b for s in part["sections"] for b in s["blocks"] if b["type"] == "table" and "aim" in b["title"])
        rows = {r["characteristic"]: r for r in table["rows"]}
        assert set(rows) == set(impact.CHARACTERISTICS)
        marriage = rows["Marriage and civil partnership"]
        assert "Not relevant" in marriage["second"]
        assert "Not relevant" in marriage["third"]
        assert "Not relevant" not in marriage["first"]
        assert not any("Not relevant" in r[a] for n, r in rows.items() if n != impact.FIRST_AIM_ONLY for a in impact.AIMS)


def test_algo_care_spells_its_name_with_live_numbers(facts):
    for part in made("algocare", facts)["parts"]:
        assert "".join(s["number"] for s in part["sections"]) == "ALGOCARE"
    accuracy = [s for p in made("algocare", facts)["parts"] for s in p["sections"] if s["title"] == "Accuracy"]
    assert all(any(b["type"] == "table" for b in s["blocks"]) for s in accuracy)


def test_the_page_for_everyone_reads_at_about_twelve(any_facts):
    words = public.own_words(public.answer(any_facts))
    from harmcast.publish.answers.reading import reading_age

    assert len(words) > 20
    age = reading_age(words)
    print(f"reading age of the page for everyone: {age:.1f} years, {len(words)} paragraphs")
    assert 8 <= age <= public.OLDEST_READER  # easier than twelve is no fault; harder is


def test_the_page_for_everyone_answers_five_things_for_each_tool(any_facts):
    document = made("public", any_facts)
    titles = ["What it is", "What it is not", "How good is it?", "Who may it treat worse?", "How to object"]
    for part in document["parts"][:-1]:
        assert [s["title"] for s in part["sections"]] == titles


def test_no_percentage_is_written_into_a_paragraph(facts):
    allowed = re.compile(r"at least 90%|under 5%|over 60%|The model itself expected")
    for maker in MAKERS.values():
        document = maker(facts)
        for part in document.parts:
            for section in part.sections:
                for block in section.blocks:
                    if isinstance(block, Words) and "%" in block.text:
                        assert allowed.search(block.text), block.text


def test_a_stopped_tool_says_when_it_ended(facts):
    tool = facts.tools[0]
    stopped = replace(
        tool,
        tool=Tool(tool.name, "places", tool.tool.title, "stopped", date(2026, 11, 1)),
        statuses=(*tool.statuses, ("stopped", date(2026, 11, 1), "no better than a plain count")),
    )
    document = made("foi", replace(facts, tools=(stopped,)))
    section = next(s for s in document["parts"][0]["sections"] if s["number"] == "B8")
    assert [b["text"] for b in section["blocks"]] == ["First deployed: 6 April 2026 (trial).", "Ended: 1 November 2026."]


def test_every_row_received_is_accounted_for_in_the_inputs(facts):
    rows = [
        r
        for p in made("foi", facts)["parts"]
        for s in p["sections"]
        for b in s["blocks"]
        if b["type"] == "table" and b["title"] == "Every row received"
        for r in b["rows"]
    ]
    assert {r["table"] for r in rows} == {"crimes", "persons", "charges"}
    parts = ("loaded", "unchanged", "superseded", "quarantined", "left_out")
    assert all(r["received"] == sum(r[p] for p in parts) for r in rows)


def test_counts_handed_in_for_another_tool_are_not_printed_for_this_one(facts):
    other = facts.counted.confusion.with_columns(tool=pl.lit("another"))
    document = made("foi", replace(facts, counted=replace(facts.counted, confusion=other)))
    section = next(s for p in document["parts"] if p["tool"] == "iom" for s in p["sections"] if s["number"] == "C1")
    assert section["standing"] == "not held"


def test_a_new_model_is_held_with_the_table_printed_before_not_blanked_out(facts):
    first = foi.answer(facts)
    renamed = facts.counted.confusion.with_columns(model=pl.col("model") + "_2", tp=pl.col("tp") + 1, fn=pl.col("fn") + 1)
    week = replace(
        facts,
        as_of=facts.as_of + timedelta(days=7),
        counted=replace(facts.counted, confusion=renamed, earlier={k: [v] for k, v in first.published.items()}),
    )
    document = json.loads(render.json_text(foi.answer(week)))
    section = next(s for p in document["parts"] if p["tool"] == "iom" for s in p["sections"] if s["number"] == "C1")
    everyone = next(b for b in section["blocks"] if b["type"] == "table" and b["title"] == "Everyone")
    assert everyone["as_of"] == "2026-11-22"
    assert all(isinstance(r["tp"], int) for r in everyone["rows"])
    assert checking.faults(document) == []


def test_groups_are_judged_over_all_periods_together_and_everyone_by_period(facts):
    one = facts.counted.confusion
    document = made("foi", replace(facts, counted=replace(facts.counted, confusion=pl.concat([one, one.with_columns(year=pl.lit("2024"))]))))
    section = next(s for p in document["parts"] if p["tool"] == "iom" for s in p["sections"] if s["number"] == "C1")
    tables = {b["title"]: b["rows"] for b in section["blocks"] if b["type"] == "table"}
    ours = {r["year"]: r for r in tables["Everyone"] if r["model"] == "Monotone additive"}
    assert {y: r["tp"] for y, r in ours.items()} == {"2024": 110, "2025": 110, "all periods together": 220}
    assert {r["year"] for r in tables["Age"]} == {"all periods together"}
    assert checking.faults(document) == []


def texts(document: dict) -> str:
    """Every paragraph of a document, in one string."""
    return "\n".join(b["text"] for p in document["parts"] for s in p["sections"] for b in s["blocks"] if b["type"] == "words")


def with_audit(facts: Facts, **said: object) -> Facts:
    """The facts with every tool's newest audit saying other things."""
    told = {"verdict": "met", "judged": 96, "too_few_to_say": 167, "findings": [], "cannot_see": [], "notes": [], **said}
    return replace(facts, tools=tuple(replace(t, audit=told, audit_week="2026-W47") for t in facts.tools))


def test_a_check_that_could_judge_nothing_is_not_said_to_have_found_a_concern(facts):
    silent = with_audit(facts, verdict="concern", judged=0, too_few_to_say=5)
    for kind in ("public", "eia", "foi"):
        words = texts(made(kind, silent))
        assert "cause for concern" not in words, kind
        assert "raised a concern" not in words, kind
        assert "not as good news" in words, kind
    assert "could judge nothing yet: 5 comparisons rest on too few to say" in texts(made("eia", silent))
    assert "Judged each week by the audit" not in json.dumps(made("eia", silent))


def test_a_check_that_found_nothing_says_how_much_it_could_not_say(facts):
    met = with_audit(facts)
    assert "Of the 263 things it compared, 167 had too few cases to say." in texts(made("public", met))
    assert "96 comparisons could be judged; 167 rest on too few to say" in texts(made("eia", met))
    assert "too few" not in texts(made("public", with_audit(facts, too_few_to_say=0)))


def test_an_interval_of_a_share_is_not_said_to_be_made_by_chance(facts):
    html = render.html(public.answer(facts)).decode()
    assert "Chance alone could have made it" not in html
    assert "With so few cases the true share may lie anywhere from 28 to 41 in 100." in html


def section_texts(document: dict, tool: str, title: str) -> str:
    part = next(p for p in document["parts"] if p["tool"] == tool)
    blocks = next(s["blocks"] for s in part["sections"] if s["title"] == title)
    return "\n".join(b["text"] for b in blocks if b["type"] == "words")


@pytest.mark.parametrize(
    ("hits", "says"),
    [
        (14, "In these spans the simple count did better than the tool: 84 crimes against 69. That is too small a gap"),
        (8, "In these spans the tool did better than the simple count: 69 crimes against 48. That is too small a gap"),
        (2, "In these spans the tool did better than the simple count: 69 crimes against 12."),
    ],
)
def test_the_page_for_everyone_says_which_did_better_the_tool_or_the_simple_count(facts, hits, says):
    tool = facts.tools[0]
    scores = tool.scores.with_columns(
        value=pl.when((pl.col("model") == "count_24m") & (pl.col("figure") == "hits_top20")).then(float(hits)).otherwise("value")
    )
    document = made("public", replace(facts, tools=(replace(tool, scores=scores), *facts.tools[1:])))
    words = section_texts(document, tool.name, "How good is it?")
    assert says in words
    assert ("too small a gap" in words) is (hits != 2)


def bands_frame(low_came: int = 82) -> pl.DataFrame:
    came = {"low": (3_707, low_came), "low-medium": (1_443, 70), "high-medium": (1_202, 77), "high": (392, 81), "super high": (220, 89)}
    rows = [(months, date(2025, 11, 16), "reached_high", band, n, k) for months in (12, 24) for band, (n, k) in came.items()]
    return pl.DataFrame(rows, schema=["horizon_months", "day", "what", "band", "people", "followed"], orient="row")


def with_people_tool(facts: Facts, **changed: object) -> Facts:
    return replace(facts, tools=tuple(t if t.is_places else replace(t, **changed) for t in facts.tools))


def test_a_young_tool_is_judged_from_old_records_and_says_so(facts):
    young = with_people_tool(facts, bands=bands_frame(), model={"chosen": "monotone_additive"})
    renamed = replace(young.people.releases[0], model="iom-model-2026-W38")
    document = made("public", with_people_tool(young, releases=(renamed,)))
    words = section_texts(document, "iom", "How good is it?")
    assert "The first list that we hold was made for the week of 16 November 2026. That is less than 12 months ago" in words
    assert "We must wait a year" not in words
    assert "We looked back over 2025." in words
    shown = [r for p in document["parts"] for s in p["sections"] for b in s["blocks"] for r in b.get("rates", ())]
    low = next(r for r in shown if r["says"] == "People in the group 'low'")
    assert (low["numerator"]["count"], low["denominator"]["count"]) == (82, 3_707)


def test_a_small_number_of_a_group_is_not_printed(facts):
    answered = public.answer(with_people_tool(facts, bands=bands_frame(low_came=3)))
    assert answered.published["bands_iom"].shown["low", "followed"] is None
    assert "3 of 3,707" not in render.html(answered).decode()


def test_a_young_tool_without_any_count_says_that_nothing_is_known_yet(facts):
    without = with_people_tool(replace(facts, counted=replace(facts.counted, confusion=None)))
    words = section_texts(made("public", without), "iom", "How good is it?")
    assert "less than 12 months ago, so we cannot say yet what came of it. So we do not know yet how good it is." in words
    old = replace(without.people.releases[0], origin=date(2025, 11, 10))
    assert "less than" not in section_texts(made("public", with_people_tool(without, releases=(old,))), "iom", "How good is it?")


def test_a_status_older_than_the_first_release_held_is_said_beside_it(facts):
    foi_words = texts(made("foi", facts))
    assert "The register has it on trial from 6 April 2026. First release held here: the week of 1 June 2026." in foi_words
    assert "The first result that we hold here is for the week of 1 June 2026." in texts(made("public", facts))
    later = replace(facts.tools[0], statuses=(("in use", date(2026, 6, 1), None),))
    assert "First release held here" not in texts(made("foi", replace(facts, tools=(later,))))


def test_decisions_are_printed_in_the_words_that_officers_saw(facts):
    document = made("foi", facts)
    text = json.dumps(document)
    for code in ("no_change", "No_change", "not_adopted", "taken_up", "known_support", "record_wrong"):
        assert f'"{code}' not in text, code
    assert "Not adopted: local knowledge" in text
    assert "Support or management is already in place" in text
    assert "Support taken up" in text


def test_a_decision_that_set_the_score_aside_is_counted_as_one(facts):
    shown = foi.answer(facts).published["decisions"].shown
    assert shown["", "made"] == 104
    rates = [r for p in made("foi", facts)["parts"] for s in p["sections"] for b in s["blocks"] for r in b.get("rates", ())]
    aside = next(r for r in rates if r["says"] == "Decisions that set the score aside")
    assert aside["numerator"]["count"] == 15
