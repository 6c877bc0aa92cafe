"""Kinds of input that once went wrong here or elsewhere (public reports and practice): each has a test of the right value, named here.

A kind whose test goes or is renamed fails, so none is lost. The links of the reports stand beside their kind.
"""

from __future__ import annotations

import ast
from pathlib import Path

import pytest

TESTS = Path(__file__).parent
KINDS: dict[str, tuple[str, ...]] = {
    "empty cells exported as the word NULL (microsoft/vscode-mssql 18528)": (
        "feed/test_checks.py::test_words_for_nothing_are_empty_and_said",
        "runs/test_effects.py::test_one_word_for_no_crime_gathers_charges_and_is_held",
    ),
    "numbers with gaps become doubles (pandas 48704)": (
        "feed/test_checks.py::test_references_that_became_doubles_are_whole_text_again",
        "feed/test_database.py::test_references_that_the_source_keeps_as_doubles_are_the_same_references_in_the_next_read",
    ),
    "placeholder births and offence dates (CDCgov/prime-reportstream 4843; ministryofjustice/prison-api 2118)": (
        "feed/test_placeholders.py::test_a_date_written_for_none_is_unknown",
        "feed/test_placeholders.py::test_an_age_under_10_or_over_100_at_a_charge_is_no_age",
        "feed/test_placeholders.py::test_an_offence_date_for_none_gives_way_to_the_day_of_the_charge",
        "runs/test_effects.py::test_placeholder_births_count_as_unknown_and_are_said",
        "runs/test_old_inputs.py::test_2020_typed_for_2000_is_no_birth",
    ),
    "numbers reused each year (openoakland/OakCrime 27)": ("runs/test_effects.py::test_references_counted_anew_are_refused_and_nothing_is_loaded",),
    "identifiers turned to numbers or dates by a spreadsheet (fbi-cde/crime-data-frontend 1279)": (
        "feed/test_checks.py::test_references_that_became_powers_of_ten_refuse_the_whole",
        "feed/test_checks.py::test_a_code_that_became_a_date_refuses_the_whole_by_name",
    ),
    "open-ended dates in INT96 (apache/arrow 44112)": (
        "feed/test_parquet.py::test_open_ended_dates_in_int96_are_read_as_they_are",
        "runs/test_old_inputs.py::test_open_ended_dates_in_int96_load_and_an_end_of_time_is_no_birth",
    ),
    "one format more in a date column": (
        "feed/test_checks.py::test_a_refusal_for_broken_rows_names_rule_column_count_and_rows",
        "runs/test_old_inputs.py::test_births_in_another_format_are_refused_with_rule_column_count_and_first_rows",
    ),
    "boundaries as published (kanedata/find-that-postcode 33)": (
        "runs/test_layers.py::test_a_boundary_that_can_be_placed_is_read_and_what_was_inferred_is_said",
        "runs/test_layers.py::test_a_boundary_that_cannot_be_placed_is_refused_by_name",
    ),
    "offences recoded by new counting rules (Home Office guide)": ("runs/test_effects.py::test_new_counting_rules_are_named_with_both_codes",),
    "a charge copied at a merge without its crime link (prison-api 2226)": (
        "people/test_cohort.py::test_a_charge_copied_at_a_merge_without_its_crime_is_the_event_it_was",
    ),
    "merged into a record that is not held (cloud-platform-environments 30773)": (
        "people/test_cohort.py::test_somebody_merged_into_one_who_is_not_held_stays_under_the_old_reference",
        "runs/test_old_inputs.py::test_somebody_merged_into_nobody_stays_and_it_is_said",
    ),
    "one incident, many victims (counting rules: one crime a victim)": (
        "places/test_incidents.py::test_sixty_victims_are_one_incident_counted_as_fifteen",
        "feed/test_effect_checks.py::test_one_incident_with_many_victims_is_named",
    ),
    "weeks missing at a system change (Autonomy-Data-Unit/annual-deprivation-index 35)": (
        "runs/test_effects.py::test_ten_weeks_never_migrated_are_proposed_as_a_gap_and_held",
        "places/test_incidents.py::test_weeks_a_gap_touches_are_missing_and_hold_nothing",
    ),
    "the station's own point (data.police.uk snap points)": ("feed/test_effect_checks.py::test_a_point_that_gathers_crimes_is_named_by_its_square_alone",),
    "lon, lat 0, 0 (sfhotspot 17)": ("feed/test_checks.py::test_longitude_and_latitude_0_0_is_no_place",),
    "codes unpadded in the harm index": (
        "test_offence_codes.py::test_an_index_with_unpadded_codes_weighs_what_the_records_hold",
        "runs/test_old_inputs.py::test_check_says_how_many_held_charges_an_index_with_unpadded_codes_weighs",
    ),
    "account names in capitals (fosrl/pangolin 935)": ("web/test_force_login.py::test_the_name_of_an_account_is_compared_without_case",),
    "a key of an unknown curve in the provider's key set (authlib/joserfc 104)": ("web/test_force_login.py::test_keys_of_unknown_kinds_are_passed_over",),
    "base_url with a path (mcp-memory-service 1176)": ("web/test_force_login.py::test_an_address_with_a_path_is_refused",),
    "a relative STATE with an SQL feed": ("feed/test_database.py::test_a_state_named_by_a_relative_path_reads_its_database",),
    "header-only files with complete: true": ("runs/test_effects.py::test_header_only_tables_of_a_complete_extract_are_refused",),
    "first user is no administrator": ("store/test_proposals.py::test_the_first_is_an_administrator_and_set_up_is_over_with_two_who_could_give_roles",),
}  # fmt: skip


@pytest.mark.parametrize("kind", KINDS)
def test_each_kind_has_its_tests(kind: str) -> None:
    for name in KINDS[kind]:
        path, test = name.split("::")
        tree = ast.parse((TESTS / path).read_text(encoding="utf-8"))
        assert test in {node.name for node in ast.walk(tree) if isinstance(node, ast.FunctionDef)}, name
