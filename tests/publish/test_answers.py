"""Every answer over a full and an empty force: questions in order, equal answers once, four standings, rates worked out again, bytes the same."""

from __future__ import annotations

import csv
import io
import json
import re
from datetime import date, datetime
from html.parser import HTMLParser
from typing import Any

import pytest

from harmcast.documents.facts import Fact, Facts
from harmcast.errors import SettingsRefused
from harmcast.publish.answers import render
from harmcast.publish.answers.compose import FORMS, compose
from harmcast.publish.answers.document import Words
from harmcast.publish.release_files import NOTICE

from . import rates_again
from .conftest import AS_OF, paper, put, without
from .reading import reading_age

A1 = ["A1", "A1a", "A1b", "A1c", "A1d", "A1e", "A1f", "A1g", "A1h"]
A2 = ["A2", "A2a", "A2b", "A2c", "A2d", "A2e", "A2f", "A2g", "A2h", "A2i"]
B = ["B1", "B2", "B3", "B4", "B5", "B6", "B7", "B8"]
C = ["C1", "C2", "C3", "C4"]


def made(kind: str, facts: Facts) -> dict:
    return json.loads(render.json_text(compose(kind, facts)))


def section(document: dict, number: str) -> dict:
    return next(s for p in document["parts"] for s in p["sections"] if s["number"] == number)


@pytest.fixture(params=["full", "bare"])
def any_facts(request, facts, bare_facts) -> Facts:
    return facts if request.param == "full" else bare_facts


def test_both_requests_stand_in_their_order_question_first(any_facts):
    document = made("foi", any_facts)
    assert [[s["number"] for s in p["sections"]] for p in document["parts"]] == [A1, A2, B, C]
    assert [line["number"] for line in document["summary"]] == [*A1, *A2, *B, *C]
    for part in document["parts"]:
        for one in part["sections"]:
            assert one["blocks"], one["number"]
    for line in document["summary"]:
        assert all(a["says"] for a in line["answers"]), line["number"]


def test_what_two_tools_answer_alike_stands_once(facts):
    document = made("foi", facts)
    cost = section(document, "A1d")["blocks"]
    assert all("tools" not in b for b in cost)
    assert sum("Two analysts" in json.dumps(b) for b in cost) == 1
    other = made("foi", put(facts, "serious_violence.cost", "Three analysts."))
    costs = section(other, "A1d")["blocks"]
    assert {tuple(b["tools"]) for b in costs} == {("Knife crime causing injury",), ("Serious violence",)}
    first = next(a for line in document["summary"] if line["number"] == "B6" for a in line["answers"])
    assert first["says"] == "The intelligence team"


def test_request_b_speaks_of_the_people_tool_first(facts):
    names = [a["says"] for line in made("foi", facts)["summary"] if line["number"] == "B1" for a in line["answers"]]
    assert names == ["Integrated Offender Management: in use.", "Knife crime causing injury: in use.", "Serious violence: in use."]


def test_questions_are_picked_in_the_askers_order_and_words(facts):
    document = json.loads(render.json_text(compose("foi", facts, [("A2f", "How many people?"), ("A1d", "")])))
    assert [(line["number"], line["title"]) for line in document["summary"]] == [("A2f", "How many people?"), ("A1d", "Cost of using it")]
    with pytest.raises(SettingsRefused, match="Question 2 of those asked: there is no question A9") as told:
        compose("foi", facts, [("A1", ""), ("A9", "")])
    assert told.value.code == "question_unknown"


# -- four standings ----------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("outcome", "standing", "says"),
    [
        ("none made", "none was made", "Equality impact assessment: none was made (entered on 9 November 2026 by Policy team)."),
        ("refused", "refused", "Equality impact assessment: refused (entered on 9 November 2026 by Policy team)."),
        (None, "not known", "Equality impact assessment: not known. The register names none. That is not to say that none was made. Ask the force's equality team."),
    ],
)
def test_a_paper_that_does_not_stand_is_said_to(facts, outcome, standing, says):
    key = "iom.paper.eia"
    changed = put(facts, key, paper(outcome, date(2026, 11, 9), "Policy team")) if outcome else without(facts, key)
    blocks = section(made("foi", changed), "A2h")["blocks"]
    assert [b["says"] for b in blocks if b["type"] == standing and b["what"] == "Equality impact assessment"] == [says]
    assert says in next(a["says"] for line in made("foi", changed)["summary"] if line["number"] == "A2h" for a in line["answers"])


def test_a_paper_that_was_made_stands_with_date_and_signatory(facts):
    document = made("foi", put(facts, "iom.paper.eia", paper("approved with conditions", date(2026, 11, 9), "Policy team")))
    row = next(r for b in section(document, "A2h")["blocks"] if b["type"] == "papers" for r in b["rows"] if r["what"] == "Equality impact assessment")
    assert (row["dated"], row["by"]) == ("2026-11-09", "Policy team")
    answer = next(a["says"] for line in document["summary"] if line["number"] == "A2h" for a in line["answers"])
    assert "Equality impact assessment: made, 9 November 2026, by Policy team." in answer


def test_an_empty_register_is_not_known_never_none_was_made(bare_facts):
    for kind in FORMS:
        text = json.dumps(made(kind, bare_facts))
        assert "none was made (" not in text
    assert "That is not to say that none was made" in json.dumps(made("foi", bare_facts))


def test_what_is_not_held_names_its_key_and_who_would_hold_it(bare_facts):
    gap = next(b for b in section(made("foi", bare_facts), "A2d")["blocks"] if b["type"] == "not held")
    assert (gap["key"], gap["who"]) == ("iom.cost", "The force's finance department would hold it.")
    assert gap["says"] == "Cost of staff and machines: the register holds no cost of this tool by that day. The force's finance department would hold it."


# -- facts -------------------------------------------------------------------------------------------------------


def test_a_fact_needs_a_source_and_a_value():
    with pytest.raises(ValueError, match="no source, no fact"):
        Fact("a.b", 1, "", "", AS_OF, AS_OF)
    with pytest.raises(ValueError, match="not held is no fact"):
        Fact("a.b", None, "", "x", AS_OF, AS_OF)  # type: ignore[arg-type]


@pytest.mark.parametrize(("valid_from", "known_on"), [(date(2026, 11, 23), AS_OF), (AS_OF, date(2026, 11, 23))])
def test_no_fact_of_a_later_day_is_seen(valid_from, known_on):
    with pytest.raises(ValueError, match="facts from after the day: a"):
        Facts.of(AS_OF, AS_OF, [Fact("a", 1, "", "x", valid_from, known_on)])
    Facts.of(AS_OF, AS_OF, [Fact("a", 1, "", "x", AS_OF, AS_OF)])


def test_a_failed_check_prints_the_opposite(facts):
    from .conftest import with_design

    text = json.dumps(made("foi", with_design(put(facts, "network.outside", ("map.wms_url",)))))
    assert "No supplier sees data" not in text
    assert "The settings name addresses outside the force's machine (map.wms_url)" in text
    assert "No supplier sees data" in json.dumps(made("foi", facts))


def test_the_json_holds_each_fact_that_is_said_with_its_source_and_both_clocks(facts):
    document = made("foi", facts)
    assert document["facts"]["iom.tracked_people"] == {
        "value": 10000, "unit": "", "source": "hand:written", "valid_from": "2026-01-01", "known_on": "2026-01-01",
    }  # fmt: skip
    assert (document["standing"], document["as_of"], document["known_on"]) == ("draft", "2026-11-22", "2026-11-22")


def test_what_was_withdrawn_since_is_one_line(facts):
    says = [b["text"] for b in made("foi", put(facts, "since.withdrawn", ("Serious violence, 2026-W47",)))["intro"]]
    assert "Withdrawn since that day: Serious violence, 2026-W47. What is said below stands as it was." in says
    assert not any("Withdrawn" in b["text"] for b in made("foi", facts)["intro"])


# -- counts and rates --------------------------------------------------------------------------------------------


@pytest.mark.parametrize("kind", FORMS)
def test_every_published_rate_follows_from_its_counts(kind, any_facts):
    assert rates_again.faults(made(kind, any_facts)) == []


def test_the_checker_finds_a_rate_that_is_off_by_a_millionth_or_of_too_few(facts):
    document = made("foi", facts)
    table = next(b for p in document["parts"] for s in p["sections"] for b in s["blocks"] if b.get("key") == "tool.tracked")
    assert (table["rows"][0]["with_conviction"], table["rows"][0]["share"]) == (6050, 0.605)
    table["rows"][0]["share"] += 1e-6
    assert len(rates_again.faults(document)) == 1
    few = next(b for p in document["parts"] for s in p["sections"] for b in s["blocks"] if b.get("key") == "tool.bands")
    assert [(r["people"], r["share"]) for r in few["rows"]] == [(5300, 65 / 5300), (40, None)]
    few["rows"][1]["share"] = 5 / 40
    assert len(rates_again.faults(document)) == 2


def test_true_and_false_positives_stand_beside_the_base_rate(facts):
    table = next(b for p in made("foi", facts)["parts"] for s in p["sections"] for b in s["blocks"] if b.get("key") == "tool.confusion")
    row = table["rows"][0]
    assert {k: row[k] for k in ("tp", "fp", "fn", "tn")} == {"tp": 110, "fp": 140, "fn": 90, "tn": 4610}
    assert row["base_rate"] == pytest.approx(200 / 4950)
    assert (row["precision"], row["specificity"]) == (pytest.approx(0.44), pytest.approx(4610 / 4750))


def test_html_json_and_csv_say_the_same(facts):
    files = render.files(compose("foi", facts))
    rows = list(csv.DictReader(io.StringIO(files["foi-iom.tracked.csv"].decode())))
    assert [(r["attribute"], r["group"], r["people"]) for r in rows] == [
        ("Everyone", "All", "10000"), ("Gender (sex as recorded)", "Female", "2000"), ("Gender (sex as recorded)", "Male", "8000"),
    ]  # fmt: skip
    described = json.loads(files["foi-iom.tracked.csv-metadata.json"])
    assert (described["@context"], described["url"]) == ("http://www.w3.org/ns/csvw", "foi-iom.tracked.csv")
    assert [c["name"] for c in described["tableSchema"]["columns"]] == list(rows[0])
    said = [r for p in json.loads(files["foi.json"])["parts"] for s in p["sections"] for b in s["blocks"] if b.get("key") == "tool.tracked" for r in b["rows"]]
    assert [str(r["people"]) for r in said] == [r["people"] for r in rows]
    assert b"10,000" in files["foi.html"]


class Tables(HTMLParser):
    """The tables of a page: rows of the text of their cells."""

    def __init__(self, html: bytes) -> None:
        super().__init__()
        self.tables: list[list[list[str]]] = []
        self.is_cell = False
        self.feed(html.decode())

    def handle_starttag(self, tag, attrs):
        if tag == "table":
            self.tables.append([])
        elif tag == "tr":
            self.tables[-1].append([])
        elif tag in ("td", "th"):
            self.tables[-1][-1].append("")
            self.is_cell = True

    def handle_endtag(self, tag):
        self.is_cell = self.is_cell and tag not in ("td", "th")

    def handle_data(self, data):
        if self.is_cell:
            self.tables[-1][-1][-1] += data


def is_read_as(text: str, value: Any, kind: str) -> bool:
    """Whether a cell of a page says a value of the JSON, read back by hand."""
    if value is None:
        return text in ("–", "not recorded")
    if kind in ("rate", "share"):
        percent = text.split("%")[0]
        return percent == "under 0.01" if value < 5e-5 else float(percent) == pytest.approx(100 * value, abs=0.0501)
    if kind in ("count", "number") and not isinstance(value, str):
        return float(text.replace(",", "")) == pytest.approx(value, abs=0.00501)
    if kind == "date":
        return datetime.strptime(text, "%d %B %Y").date().isoformat() == value
    return text == str(value)


@pytest.mark.parametrize("kind", FORMS)
def test_every_table_of_every_report_is_alike_in_html_json_and_csv(kind, facts):
    files = render.files(compose(kind, facts))
    document = json.loads(files[f"{kind}.json"])
    held = [b for p in document["parts"] for s in p["sections"] for b in s["blocks"] if b["type"] == "table"]
    page = iter(Tables(files[f"{kind}.html"]).tables)
    for table in held:
        titles = [c["title"] for c in table["columns"]]
        shown = next(t for t in page if t[0] == titles)
        assert len(shown) == 1 + len(table["rows"])
        for cells, row in zip(shown[1:], table["rows"], strict=True):
            for text, column in zip(cells, table["columns"], strict=True):
                assert is_read_as(text, row[column["name"]], column["kind"]), (table["title"], column["name"], text)
    lines = {name: list(csv.DictReader(io.StringIO(content.decode()))) for name, content in files.items() if name.endswith(".csv")}
    for name, rows in lines.items():
        described = json.loads(files[f"{name}-metadata.json"])
        assert [c["name"] for c in described["tableSchema"]["columns"]] == list(rows[0])
        key = name.removeprefix(f"{kind}-").removesuffix(".csv")
        own = [row for t in held if key in t["facts"] for row in t["rows"]]
        said = [{c: "" if v is None else str(v) for c, v in row.items()} for row in own]
        assert all(any(line.items() >= {c: v for c, v in one.items() if c in line}.items() for line in rows) for one in said), name
        assert len(rows) == len({json.dumps(one, sort_keys=True) for one in said}), name
    assert bool(lines) == bool(held)


def test_a_cell_that_a_spreadsheet_would_run_is_defused(facts):
    evil = put(facts, "iom.stages", ({"status": "trial", "from": AS_OF, "reason": "=cmd|' /C calc'!A0"},))
    assert b"'=cmd" in render.files(compose("foi", evil))["foi-iom.stages.csv"]


# -- forms -------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize("kind", FORMS)
def test_the_same_facts_give_the_same_bytes(kind, any_facts):
    assert render.files(compose(kind, any_facts)) == render.files(compose(kind, any_facts))


class Links(HTMLParser):
    def __init__(self) -> None:
        super().__init__()
        self.ids: set[str] = set()
        self.to: list[str] = []
        self.fetched: list[str] = []

    def handle_starttag(self, tag, attrs):
        held = dict(attrs)
        if held.get("id"):
            assert held["id"] not in self.ids, held["id"]
            self.ids.add(held["id"])
        if tag == "a":
            self.to.append(held["href"])
        if tag in ("script", "img", "link", "iframe"):
            self.fetched.append(tag)


@pytest.mark.parametrize("kind", FORMS)
def test_a_page_stands_alone_is_marked_a_draft_and_its_links_lead_somewhere(kind, any_facts):
    html = render.html(compose(kind, any_facts)).decode()
    links = Links()
    links.feed(html)
    assert links.fetched == []
    assert {to[1:] for to in links.to} <= links.ids
    assert html.count(NOTICE) >= 2
    assert "Draft. Not published" in html
    assert "Invented data." in html


@pytest.mark.parametrize("kind", FORMS)
def test_nothing_reads_like_a_programme_s_output(kind, any_facts):
    html = render.html(compose(kind, any_facts)).decode().split("</style>")[1]
    text = re.sub(r"<[^>]+>", " ", html)
    assert re.findall(r".{0,40}\w\(e?s\)", text) == []
    for ugly in (">None<", ">True<", ">False<", ">nan<", "{'", "{&#39;", "[]", " | ", "{tool", "{what"):
        assert ugly not in html, ugly
    assert not re.search(r"\b1 (windows|weeks|releases|people|comparisons)\b", text)


def test_words_of_a_record_are_escaped(facts):
    html = render.html(compose("foi", put(facts, "iom.purpose", "<script>alert(1)</script>"))).decode()
    assert "<script>" not in html
    assert "&lt;script&gt;" in html


def test_the_transparency_record_has_the_standard_s_fields_for_each_tool(any_facts):
    document = made("atrs", any_facts)
    keys = [[s["key"] for s in p["sections"]] for p in document["parts"]]
    assert len(document["parts"]) == 9
    assert keys[0] == ["organisation_type", "function", "capability", "task", "phase", "region", "date_published", "atrs_version"]
    assert [s["number"] for s in document["parts"][1]["sections"]] == ["1.1", "1.2", "1.3", "1.4"]
    assert len(set(keys[0] + keys[1] + keys[2])) == len(keys[0] + keys[1] + keys[2]) == 58
    assert keys[0:3] == keys[3:6] == keys[6:9]
    for part in document["parts"]:
        for one in part["sections"]:
            assert all(b.get("who") for b in one["blocks"] if b["type"] in ("not held", "to fill") and b["what"] != "met_people"), one["number"]


def test_each_characteristic_has_its_own_evidence_or_one_row_says_no_data_held(facts):
    document = made("eia", facts)
    people = next(p for p in document["parts"] if p["tool"] == "iom")
    own = {s["number"]: s for s in people["sections"]}
    assert {own[n]["blocks"][1]["key"] for n in ("4.1", "4.2", "4.3")} == {"tool.equality.age", "tool.equality.race", "tool.equality.sex"}
    assert own["4.1"]["blocks"][1]["rows"] != own["4.2"]["blocks"][1]["rows"]
    (row,) = own["4.4"]["blocks"]
    for name in ("disability", "gender reassignment", "marriage and civil partnership", "pregnancy and maternity", "religion or belief", "sexual orientation"):
        assert name in row["text"]
    assert "relevant to the first aim alone (s149(7))" in row["text"]


def test_algo_care_spells_its_name(facts):
    for part in made("algocare", facts)["parts"]:
        assert "".join(s["number"] for s in part["sections"]) == "ALGOCARE"


def test_an_impact_assessment_leaves_judgement_to_people(facts):
    for kind, numbers in (("dpia", ("5", "6", "13")), ("eia", ("7", "9"))):
        for part in made(kind, facts)["parts"]:
            own = {s["number"]: s for s in part["sections"]}
            assert all(any(b["type"] == "to fill" for b in own[n]["blocks"]) for n in numbers)


# -- the page for everyone ---------------------------------------------------------------------------------------


def plain_words(document) -> list[str]:
    """Headings, paragraphs and rates of the page for everyone; the audit's own findings are not ours to make simpler."""
    found = [document.title, *(b.text for b in document.intro if isinstance(b, Words))]
    for part in document.parts:
        found.append(part.title)
        for one in part.sections:
            found.append(one.title)
            found += [w for b in one.blocks if isinstance(b, Words) for w in (b.text, *(r.says for r in b.rates)) if w]
    return found


def test_the_page_for_everyone_reads_under_twelve(any_facts):
    assert reading_age(plain_words(compose("public", any_facts))) < 12


def test_the_page_for_everyone_answers_five_things_for_each_tool(any_facts):
    for part in made("public", any_facts)["parts"]:
        assert [s["title"] for s in part["sections"]] == ["What it is", "What it is not", "How good is it?", "Who may it treat worse?", "How to object"]


def test_an_audit_that_could_judge_nothing_is_no_good_news(facts):
    silent = facts
    for tool in ("iom", "knife_injury", "serious_violence"):
        silent = put(put(silent, f"{tool}.audit_judged", 0), f"{tool}.audit_findings", ())
    says = next(a["says"] for line in made("foi", silent)["summary"] if line["number"] == "A2i" for a in line["answers"])
    assert "It could judge nothing yet (0 comparisons; 7 rested on too few to say)." in says
    assert "not as good news" in says


def test_a_stopped_tool_says_when_it_ended(facts):
    ended = put(put(put(facts, "iom.status", "stopped"), "iom.deployment", "ended"), "iom.ended", date(2026, 11, 20))
    says = next(a["says"] for line in made("foi", ended)["summary"] if line["number"] == "B8" for a in line["answers"] if "Integrated Offender Management" in a["tools"])
    assert says == "First deployed on 6 April 2026. It ended on 20 November 2026."
