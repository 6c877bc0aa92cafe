"""Faults whose every value is well formed, planted in a week of a small force, are named by the load; a clean week is not."""

from __future__ import annotations

import json
from collections.abc import Callable
from datetime import date, datetime, timedelta
from pathlib import Path

import pytest
from bench.accepted import accept, load_accepted

from harmcast.documents.effects import Effect
from harmcast.errors import FeedRefused
from harmcast.feed.effects import codes
from harmcast.runs import inbox
from harmcast.runs.effects import carried_over, effects_of_load
from harmcast.runs.load import load_delivery, try_delivery
from harmcast.store import loads
from harmcast.store.state import State

SETTINGS = """
[force]
name = "Test force"
[[tools]]
name = "serious_violence"
kind = "places"
cell_area_km2 = 0.5
where = { offence_code = ["008/01", "001"] }
[[tools]]
name = "iom"
kind = "people"
"""
MADE = datetime(2026, 3, 2, 5)
Tables = dict[str, list[dict[str, str]]]
Deliver = Callable[..., Path]


def crime(number: int, at: datetime, code: str) -> dict[str, str]:
    recorded = at + timedelta(hours=5)
    return {
        "crime_ref": f"C{number}", "offence_code": code, "happened_from": at.isoformat(), "happened_to": "",
        "recorded_at": recorded.isoformat(), "changed_at": recorded.isoformat(), "status": "recorded",
        "easting_m": f"{400000 + 37 * (number % 83)}", "northing_m": f"{290000 + 41 * (number % 71)}", "weapon": "knife", "injury": "minor",
    }  # fmt: skip


def person(number: int) -> dict[str, str]:
    return {
        "person_ref": f"P{number}", "born_on": f"{1970 + number % 30}-0{1 + number % 9}-1{number % 10}", "sex": "", "ethnicity_self": "",
        "ethnicity_officer": "", "unit": "North", "merged_into": "", "died_on": "", "restricted": "false", "review_group": "2",
        "review_due_on": "2031-01-01", "changed_at": "2025-01-01T09:00:00",
    }  # fmt: skip


def charge(number: int, on: date, crime_ref: str) -> dict[str, str]:
    return {
        "charge_ref": f"H{number}", "person_ref": f"P{number % 200}", "crime_ref": crime_ref, "offence_code": "008/01" if number % 2 else "028/01",
        "happened_on": (on - timedelta(days=3)).isoformat(), "charged_on": on.isoformat(), "outcome": "charged", "outcome_on": "",
        "changed_at": f"{on.isoformat()}T10:00:00",
    }  # fmt: skip


def weeks_of(first: int, last: int, gap: range = range(0)) -> Tables:
    """Crimes and charges of the weeks `first` to `last` before MADE (0 is the last), 28 crimes and 8 charges in each."""
    crimes, charges = [], []
    for back in range(first, last - 1, -1):
        monday = MADE.date() - timedelta(weeks=back + 1)
        if back in gap:
            continue
        for k in range(28):
            at = datetime(monday.year, monday.month, monday.day, k % 19, 13) + timedelta(days=k % 7)
            crimes.append(crime(28 * back + k, at, "008/01" if k < 14 else "028/01"))
        charges += [charge(8 * back + k, monday + timedelta(days=k % 7), f"C{28 * back + k}") for k in range(8)]
    return {"crimes": crimes, "charges": charges, "persons": [person(n) for n in range(200)]}


@pytest.fixture
def history(make_state: Callable[..., State], deliver: Deliver) -> State:
    """Sixty weeks held and accepted; the week after is what a test plants its fault in."""
    state = make_state(SETTINGS)
    load_accepted(state, deliver(weeks_of(60, 1), (MADE - timedelta(weeks=1)).isoformat()))
    return state


def tried(state: State, deliver: Deliver, tables: Tables) -> dict[str, Effect]:
    """Effects that are not ok, by check and scope."""
    return {f"{e.check} {e.scope}": e for e in try_delivery(state, deliver(tables, MADE.isoformat())).effects if e.verdict != "ok"}


def test_a_clean_week_has_no_effect_and_counts_at_once(history: State, deliver: Deliver) -> None:
    week = weeks_of(0, 0)
    assert {k: v.verdict for k, v in tried(history, deliver, week).items()} == {"matched serious_violence offence_code 001": "note"}
    assert not load_delivery(history, deliver(week, MADE.isoformat())).waiting


@pytest.mark.parametrize(("held", "sent"), [("00{}", "{}"), ("{}", "00{}"), ("0{}", "00{}")])
def test_references_that_lost_or_won_noughts_in_front_are_held(make_state: Callable[..., State], deliver: Deliver, held: str, sent: str) -> None:
    def written(tables: Tables, as_: str) -> Tables:
        return {name: [{**row, **({"person_ref": as_.format(411000 + int(row["person_ref"][1:]))} if "person_ref" in row else {})} for row in rows] for name, rows in tables.items()}

    state = make_state(SETTINGS)
    load_accepted(state, deliver(written(weeks_of(60, 1), held), (MADE - timedelta(weeks=1)).isoformat()))
    assert not any("noughts" in name for name in tried(state, deliver, written(weeks_of(0, 0), held)))
    found = tried(state, deliver, written(weeks_of(0, 0), sent))["keys persons noughts"]
    assert (found.verdict, found.value) == ("hold", 8)
    assert found.says == "8 of 8 new or changed rows bear a key that is held with other noughts in front."


def test_half_a_tools_crimes_under_another_code_are_held(history: State, deliver: Deliver) -> None:
    week = weeks_of(0, 0)
    for row in week["crimes"]:
        row["offence_code"] = "028/01"
    found = tried(history, deliver, week)
    assert found["matched serious_violence"].verdict == "hold"
    assert found["matched serious_violence"].value == 0
    assert found["classes crimes 008"].verdict == "hold"
    assert found["classes crimes 008"].says == "none of class 008 since 2026-02-23; about 14 would be as before."


def test_new_counting_rules_are_named_with_both_codes(history: State, deliver: Deliver) -> None:
    week = weeks_of(0, 0)
    for row in week["crimes"]:
        row["offence_code"] = row["offence_code"].replace("008/01", "008/71")
    found = tried(history, deliver, week)
    assert found["recoded serious_violence 008/01"].verdict == "hold"
    assert "008/71" in found["recoded serious_violence 008/01"].says


def test_codes_without_weight_are_held(history: State, deliver: Deliver) -> None:
    week = weeks_of(0, 0)
    week["charges"] = [{**row, "charge_ref": f"N{k}", "offence_code": "200/01"} for k, row in enumerate(week["charges"] * 10)]
    assert {k for k, v in tried(history, deliver, week).items() if v.verdict == "hold"} >= {"weights iom charges", "weights iom charges of 4 weeks"}


def test_bare_numbers_that_could_be_two_codes_wait_for_a_person(history: State, deliver: Deliver) -> None:
    week = weeks_of(0, 0)
    week["charges"][0]["offence_code"] = "101"
    assert tried(history, deliver, week)["weights charges bare codes"].verdict == "hold"
    assert load_delivery(history, deliver(week, MADE.isoformat())).why_waits == ("effects",)


def test_one_word_for_no_crime_gathers_charges_and_is_held(history: State, deliver: Deliver) -> None:
    week = weeks_of(0, 0)
    week["charges"] = [{**row, "charge_ref": f"N{k}", "crime_ref": "UNKNOWN"} for k, row in enumerate(week["charges"] * 8)]
    found = tried(history, deliver, week)
    assert found["links charges crime_ref"].verdict == "hold"
    assert found["links charges crime_ref gathered"].value == 64


def test_charges_copied_without_their_crime_are_counted_once_and_noted(history: State, deliver: Deliver) -> None:
    week = weeks_of(0, 0)
    linked = [row for row in week["charges"] if row["crime_ref"]]
    copies = [{**row, "charge_ref": f"N{k}", "crime_ref": ""} for k, row in enumerate(linked[:3])]
    another_day = {**linked[0], "charge_ref": "N9", "crime_ref": "", "happened_on": "2026-01-02"}
    of_two_crimes = [{**linked[3], "charge_ref": "N7", "crime_ref": linked[4]["crime_ref"]}, {**linked[3], "charge_ref": "N8", "crime_ref": ""}]
    week["charges"] = [*week["charges"], *copies, another_day, *of_two_crimes]  # which of two crimes the last one copies nobody can say
    found = tried(history, deliver, week)["links charges copied"]
    assert (found.verdict, found.value) == ("note", 3)
    assert "3 of" in found.says


def test_references_counted_anew_are_refused_and_nothing_is_loaded(history: State, deliver: Deliver) -> None:
    week = weeks_of(0, 0)
    for number, row in enumerate(week["crimes"]):
        row["crime_ref"] = f"C{1000 + number}"
        row["offence_code"] = "030/01"
    with pytest.raises(FeedRefused) as refused:
        load_delivery(history, deliver(week, MADE.isoformat()))
    assert (refused.value.code, refused.value.exit_code) == ("effects_refused", 20)
    said = json.loads(json.dumps(refused.value.document()))
    assert [e["scope"] for e in said["effects"] if e["verdict"] == "refuse"] == ["crimes reused"]
    assert history.records.latest() == 1
    kept = effects_of_load(history).document
    assert (kept["standing"], [e["scope"] for e in kept["effects"] if e["verdict"] == "refuse"]) == ("refused", ["crimes reused"])


def test_dates_by_month_only_are_refused(make_state: Callable[..., State], deliver: Deliver) -> None:
    state = make_state(SETTINGS)
    tables = weeks_of(60, 0)
    for row in tables["crimes"]:
        row["happened_from"] = row["happened_from"][:8] + "01T00:00:00"
    with pytest.raises(FeedRefused) as refused:
        load_delivery(state, deliver(tables, MADE.isoformat()))
    assert {fault.rule for fault in refused.value.faults} == {"effect_resolution"}


def test_ten_weeks_never_migrated_are_proposed_as_a_gap_and_held(make_state: Callable[..., State], deliver: Deliver) -> None:
    state = make_state(SETTINGS)
    result = load_delivery(state, deliver(weeks_of(60, 0, gap=range(20, 30)), MADE.isoformat()))
    held = [e for e in result.effects if e.verdict == "hold" and e.check == "gaps"]
    assert [(e.scope, e.value) for e in held] == [("crimes 2025-08-04 to 2025-10-12", 10)]


def test_placeholder_births_count_as_unknown_and_are_said(history: State, deliver: Deliver) -> None:
    week = weeks_of(0, 0)
    for row in week["persons"][:12]:
        row["born_on"], row["changed_at"] = "1900-01-01", "2026-03-01T09:00:00"
    found = tried(history, deliver, week)
    assert found["placeholders persons born_on"].value == 12
    load_accepted(history, deliver(week, MADE.isoformat()))
    births = history.records.known("persons_protected", columns=["person_ref", "born_on"])
    assert births["born_on"].null_count() == 12


def test_a_mapping_that_leaves_the_births_out_is_held(make_state: Callable[..., State], deliver: Deliver) -> None:
    weeks = weeks_of(60, 0)
    for row in weeks["persons"]:
        row["born_on"] = ""
    result = load_delivery(make_state(SETTINGS), deliver(weeks, MADE.isoformat()))
    held = [e for e in result.effects if e.verdict == "hold"]
    assert [(e.check, e.scope, e.value, e.low) for e in held] == [("births", "persons born_on", 0.0, 0.5)]
    assert "0 of 200 people charged" in held[0].says


def test_a_first_load_whose_codes_are_in_no_list_is_held(make_state: Callable[..., State], deliver: Deliver) -> None:
    """999/99 reads well and is nobody's code: a quarter of the crimes carry it, and a tenth is the most that goes unasked."""
    weeks = weeks_of(60, 0)
    for number, row in enumerate(weeks["crimes"]):
        row["offence_code"] = "999/99" if number % 4 == 0 else "008/01"
    result = load_delivery(make_state(SETTINGS), deliver(weeks, MADE.isoformat()))
    (found,) = [e for e in result.effects if (e.check, e.scope) == ("codes", "crimes offence_code")]
    assert found.verdict == "hold"
    assert found.value == pytest.approx(0.25, abs=0.001)


def test_a_week_of_people_without_a_birth_is_held_though_the_history_has_them(history: State, deliver: Deliver) -> None:
    week = weeks_of(0, 0)
    week["persons"] = [{**person(1000 + n), "born_on": ""} for n in range(60)]
    week["charges"] += [{**charge(9000 + n, MADE.date() - timedelta(days=2), "C1"), "person_ref": f"P{1000 + n}"} for n in range(60)]
    assert tried(history, deliver, week)["births persons born_on"].verdict == "hold"


@pytest.mark.parametrize(("exchanged", "verdict"), [(4, None), (5, "hold")])
def test_births_that_come_again_in_american_order_are_held_though_every_one_can_be_read(history: State, deliver: Deliver, exchanged: int, verdict: str | None) -> None:
    week = weeks_of(0, 0)
    again = [{**row, "changed_at": (MADE - timedelta(days=1)).isoformat()} for row in week["persons"]]
    swapped = [row for row in again if 1 + int(row["person_ref"][1:]) % 9 != 10 + int(row["person_ref"][1:]) % 10 <= 12][:exchanged]
    for row in swapped:
        year, month, day = row["born_on"].split("-")
        row["born_on"] = f"{year}-{day}-{month}"
    found = tried(history, deliver, {**week, "persons": again})
    assert (found["births persons born_on exchanged"].verdict if "births persons born_on exchanged" in found else None) == verdict
    if verdict:
        assert found["births persons born_on exchanged"].says == "5 of 200 people sent again come with another date of birth, 5 of these by day and month exchanged."
    assert "births persons born_on changed" not in found


def test_a_correction_under_an_older_change_date_is_not_taken_and_is_said(history: State, deliver: Deliver) -> None:
    """Of the rows sent again 4 differ under an older date, 1 under the same one (taken), and 3 are as held."""
    again = [dict(row) for row in weeks_of(60, 1)["crimes"][:8]]
    for row in again[:5]:
        row["status"] = "cancelled"
    for row in again[:4]:
        row["changed_at"] = "2020-01-01T00:00:00"
    week = weeks_of(0, 0)
    week["crimes"] += again
    effect = tried(history, deliver, week)["older crimes changed_at"]
    assert (effect.verdict, effect.says) == ("note", "4 of 36 rows differ from what is held and were not taken: their changed_at is older.")
    result = load_delivery(history, deliver(week, MADE.isoformat()))
    crimes = next(count for count in result.files if count.table == "crimes")
    assert (crimes.loaded, crimes.unchanged, crimes.superseded, crimes.notes["changed_at_older"]) == (29, 3, 4, 4)


def test_an_old_delivery_that_comes_late_says_nothing_of_older_rows(history: State, deliver: Deliver) -> None:
    old = {"crimes": [dict(row) for row in weeks_of(60, 1)["crimes"][:40]]}
    for row in old["crimes"]:
        row["status"], row["changed_at"] = "cancelled", "2020-01-01T00:00:00"
    effects = try_delivery(history, deliver(old, (MADE - timedelta(weeks=2)).isoformat())).effects
    assert [e.value for e in effects if e.scope == "crimes changed_at"] == [0.0]


def without(state: State, tables: Tables, gone: int) -> Tables:
    """The whole extract, so many people and their charges gone."""
    left = {row["person_ref"] for row in tables["persons"][gone:]}
    return {"crimes": tables["crimes"], "charges": [r for r in tables["charges"] if r["person_ref"] in left], "persons": tables["persons"][gone:]}


def test_everybody_gone_from_a_complete_extract_is_refused(history: State, deliver: Deliver) -> None:
    with pytest.raises(FeedRefused) as refused:
        load_delivery(history, deliver(without(history, weeks_of(60, 0), 190), MADE.isoformat(), complete=True))
    assert "effect_deletions" in {fault.rule for fault in refused.value.faults}
    assert history.records.persons().height == 200


def test_header_only_tables_of_a_complete_extract_are_refused(history: State, deliver: Deliver) -> None:
    week = weeks_of(60, 0)
    empty = {"persons.csv": ((",".join(week["persons"][0]) + "\n").encode(), 0), "charges.csv": ((",".join(week["charges"][0]) + "\n").encode(), 0)}
    with pytest.raises(FeedRefused) as refused:
        load_delivery(history, deliver({"crimes": week["crimes"]}, MADE.isoformat(), complete=True, raw=empty))
    assert {(f.rule, f.where) for f in refused.value.faults} >= {("effect_volume", "persons without rows"), ("effect_volume", "charges without rows")}


def test_a_list_of_deletions_above_the_cap_waits_for_two(history: State, deliver: Deliver) -> None:
    """21 of 488 charges: over 20, and under the share that is refused."""
    gone = [{"table": "charges", "ref": f"H{n}", "deleted_at": "2026-03-01T00:00:00", "reason": ""} for n in range(100, 121)]
    result = load_delivery(history, deliver({"deletions": gone}, MADE.isoformat()))
    assert result.why_waits == ("effects",)
    assert loads.numbered(history.operations, 2).needs == 2
    assert history.records.known("charges").height == 480
    accept(history, 2)
    assert history.records.known("charges").height == 459


def test_twenty_deletions_go_unasked(history: State, deliver: Deliver) -> None:
    gone = [{"table": "charges", "ref": f"H{n}", "deleted_at": "2026-03-01T00:00:00", "reason": ""} for n in range(100, 120)]
    assert not load_delivery(history, deliver({"deletions": gone}, MADE.isoformat())).waiting


def test_a_list_of_deletions_that_names_nothing_held_waits(history: State, deliver: Deliver) -> None:
    gone = [{"table": "charges", "ref": f"h-{n}", "deleted_at": "2026-03-01T00:00:00", "reason": ""} for n in range(100, 112)]
    found = tried(history, deliver, {"deletions": gone})
    assert (found["deletions charges listed"].verdict, found["deletions charges listed"].says) == ("hold", "12 of 12 listed keys name nothing held.")


def test_keys_deleted_before_name_something(history: State, deliver: Deliver) -> None:
    gone = [{"table": "charges", "ref": f"H{n}", "deleted_at": "2026-03-01T00:00:00", "reason": ""} for n in range(100, 112)]
    load_delivery(history, deliver({"deletions": gone}, (MADE - timedelta(hours=1)).isoformat()))
    assert "deletions charges listed" not in tried(history, deliver, {"deletions": gone})


def test_charges_that_wait_are_told_in_all_and_by_this_delivery(history: State, deliver: Deliver) -> None:
    """One waits from before, one comes without its person, and one's person is deleted."""
    first = weeks_of(0, 0)
    first["charges"] = [{**first["charges"][0], "charge_ref": "N1", "person_ref": "NOBODY1"}]
    load_delivery(history, deliver(first, (MADE - timedelta(hours=1)).isoformat()))
    kept = history.records.known("charges", columns=["person_ref"])["person_ref"].to_list()
    one = min(ref for ref in set(kept) if kept.count(ref) == 2)
    gone = [{"table": "persons", "ref": one, "deleted_at": "2026-03-02T00:00:00", "reason": ""}]
    second = [{**first["charges"][0], "charge_ref": "N2", "person_ref": "NOBODY2"}]
    result = try_delivery(history, deliver({"charges": second, "deletions": gone}, MADE.isoformat()))
    count = next(c for c in result.files if c.table == "charges")
    assert (count.waiting, count.waiting_new) == (4, 3)
    assert any("4 charges wait for their person in all, 3 by this delivery" in line for line in inbox.lines(result))


def held(value: float, low: float = 10.0) -> Effect:
    return Effect("matched", "serious_violence", value, low, 40.0, "hold", "look")


def test_what_a_person_accepted_is_noted_until_it_grows_by_a_quarter() -> None:
    before = loads.Load(1, "d", "loaded", 1, None, "", (), 1, (held(6.0),), (), (), None, "ann", None, "new counting rules")
    assert carried_over([held(5.0)], before)[0].verdict == "note"
    assert carried_over([held(4.9)], before)[0].verdict == "hold"
    assert carried_over([held(6.0)], None)[0].verdict == "hold"


@pytest.mark.parametrize(("asked_at", "now"), [(1, 2), (1, 40), (3, 30)])
def test_a_class_that_is_gone_is_asked_about_once_however_long_it_stays_away(asked_at: int, now: int) -> None:
    def away(weeks: int) -> Effect:
        return codes.gone("crimes", {"008": [0] * weeks + [30] * 52}, {"008": date(2026, 2, 23)}, 4.5)[0]

    before = loads.Load(1, "d", "loaded", 1, None, "", (), 1, (away(asked_at),), (), (), None, "ann", None, "recorded elsewhere now")
    assert (away(now).verdict, carried_over([away(now)], before)[0].verdict) == ("hold", "note")
    other = codes.gone("crimes", {"028": [0] + [30] * 52}, {"028": date(2026, 2, 23)}, 4.5)[0]
    assert carried_over([other], before)[0].verdict == "hold"


def test_a_first_load_is_counted_the_way_forces_publish(make_state: Callable[..., State], deliver: Deliver) -> None:
    state = make_state(SETTINGS)
    load_delivery(state, deliver(weeks_of(60, 0), MADE.isoformat()))
    said = effects_of_load(state)
    tables = {f"{t['what']} by {t['by']}": dict(t["rows"]) for t in said.document["comparison"]}
    assert sum(tables["Crimes recorded (without cancelled) by year"].values()) == 61 * 28
    assert tables["Crimes of serious_violence by value of offence_code"] == {"008/01": 61 * 14}
    assert tables["Charges by outcome"] == {"charged": 61 * 8}
    assert tables["Charges by offence class"] == {"008": 244, "028": 244}
    assert sum(tables["People by why they are in or out, ages aside"].values()) == 200
    assert "Compare with the force's own published figures:" in said.lines


def test_a_later_load_is_not_counted_so(history: State, deliver: Deliver) -> None:
    load_delivery(history, deliver(weeks_of(0, 0), MADE.isoformat()))
    assert effects_of_load(history).document["comparison"] == []
