"""The master items of the three apps: each measure names the rows it is about and clears what people choose that is not about it.

A sum is given only where it may be: every row known, of one grain, tool and release. Ends of ranges and chances only of one row.
"""

from __future__ import annotations

from collections.abc import Sequence

from harmcast.publish.qlik.objects import Dimension, Measure, Variable

# -- areas ---------------------------------------------------------------------------------------------

AREA = Dimension("area", "Area", "Policing area.")
WEEK = Dimension("week", "Week", "Week of the release; the newest where none or several are chosen.")
CELL = Dimension("cell", "Cell", "Cell of the grid.")
RECORDED_WEEK = Dimension("recorded_week", "Week recorded", "Monday of a week recorded.")
AREAS_DIMENSIONS = (AREA, WEEK, CELL, RECORDED_WEEK)
CHOSEN = {"area": ("area", "area_key"), "cell": ("cell", "cell_key"), "recorded_week": ("recorded_week",)}
NARROWS = {"cell": ("area", "cell"), "area": ("area",), "force": (), "recorded": ("area", "cell", "recorded_week")}
GRAINS = {"cell": "of the cells chosen", "area": "of the areas chosen, as printed by area", "force": "of the whole force, as printed"}
COUNTS = {
    "expected": ("Expected", "Expected number of offences", 1),
    "baseline_4w": ("Last 4 weeks", "Count in the last 4 weeks", 0),
    "baseline_last_year": ("Same weeks last year", "Count in the same 4 weeks last year", 0),
    "baseline_52w": ("52-week mean", "Mean 4-week count over 52 weeks", 1),
    "baseline_24m": ("24-month mean", "Mean 4-week count over 24 months", 1),
    "came": ("What came", "Offences that came in the window; nothing until its four weeks are held", 0),
}
CELL_FIGURES = {
    "chance_any": ("Chance of any", "Chance of at least one offence", 0, True),
    "chance_top20": ("Chance of top 20", "Chance to be among the 20 cells with most offences", 0, True),
    "chance_top20_year": ("Chance of top 20 in a year", "The same for the coming 52 weeks", 0, True),
    "list_group": ("Group", "Cells of one group cannot be told apart", 0, False),
    "baseline_weeks_seen_4w": ("Weeks seen: 4 weeks", "Weeks with records behind the last 4 weeks", 0, False),
    "baseline_weeks_seen_last_year": ("Weeks seen: last year", "Weeks with records behind the same weeks last year", 0, False),
    "baseline_weeks_seen_52w": ("Weeks seen: 52 weeks", "Weeks with records behind the 52-week mean", 0, False),
    "baseline_weeks_seen_24m": ("Weeks seen: 24 months", "Weeks with records behind the 24-month mean", 0, False),
}


def release_variable(tool: str) -> str:
    return f"vRelease_{tool}"


def areas_variables(tools: Sequence[str]) -> list[Variable]:
    """Which release of each tool is looked at: the chosen week if exactly one, else the newest published."""
    return [
        Variable(
            release_variable(tool),
            f"Release of {tool} that is shown: the chosen week if exactly one, else the newest published.",
            f"=If(GetSelectedCount(week)=1, '{tool}|' & GetFieldSelections(week), Only({{1<release_tool={{'{tool}'}},is_newest={{1}}>}} release_key))",
        )
        for tool in tools
    ]


def _areas_set(tool: str, grain: str) -> str:
    cleared = [field for name, fields in CHOSEN.items() if name not in NARROWS[grain] for field in fields]
    key = f"release_key={{'$(={release_variable(tool)})'}}" if grain != "recorded" else "release_key="
    return "{<" + ",".join([f"tool={{'{tool}'}}", key, f"grain={{'{grain}'}}", "week=", *(f"{field}=" for field in cleared)]) + ">}"


def known_sum(rows: str, field: str, counted: str) -> str:
    """A sum, given only where there is a row and none of them is null: Qlik takes a sum of nothing for 0."""
    return f"If(Count({rows} {field})>0 and Count({rows} {field})=Count({rows} {counted}), Sum({rows} {field}))"


def areas_measures(tool: str, title: str) -> dict[str, Measure]:
    """The measures of one tool, by grain and field."""
    found: dict[str, Measure] = {}
    for grain, of in GRAINS.items():
        rows = _areas_set(tool, grain)
        made = [Measure(f"{tool}_{grain}_range", "Range", f"Printed range {of}: of one row only, since ranges do not add up.", f"Only({rows} range_text)")]
        for field, (name, says, decimals) in COUNTS.items():
            made.append(Measure(f"{tool}_{grain}_{field}", name, f"{says}, {of}.", known_sum(rows, field, "grain"), decimals))
        if grain == "cell":
            made.append(Measure(f"{tool}_cell_place", "Place", "Where the cell lies. Never where offences happened.", f"Only({rows} place)"))
            for field, (name, says, decimals, is_share) in CELL_FIGURES.items():
                made.append(Measure(f"{tool}_cell_{field}", name, f"{says}, of one cell.", f"Only({rows} {field})", decimals, is_share))
        for end in ("lower", "upper"):
            made.append(Measure(f"{tool}_{grain}_{end}", f"{end.capitalize()} end", f"{end.capitalize()} end of the printed range, of one row only.", f"Only({rows} {end})", 0))
        found |= {one.name: one for one in made}
    rows = _areas_set(tool, "recorded")
    more = [
        Measure(f"{tool}_recorded", "Recorded", "Offences recorded as known at the newest release, over three years at most.", f"Sum({rows} recorded)", 0),
        Measure(f"{tool}_week", "Week shown", "The release that the figures are of.", f"Only({{1<release_key={{'$(={release_variable(tool)})'}},standing={{'published'}}>}} week)"),
        Measure(f"{tool}_says", "What is shown", "What is shown of the tool and what is held.", f"Only({{1<release_tool={{'{tool}'}}>}} release_says)"),
        Measure(
            f"{tool}_stale",
            "Old data",
            "Said where the newest published release knows nothing of the last 8 days.",
            f"If(Today()-Only({{1<release_tool={{'{tool}'}},is_newest={{1}}>}} origin)>7, 'These figures are over 8 days old. Ask the data team why no newer release is out before acting on them.')",
        ),
    ]
    return found | {one.name: one for one in more}


# -- people --------------------------------------------------------------------------------------------

UNIT = Dimension("UNIT", "Unit", "Unit in capitals.")
BAND = Dimension("band", "Band", "Band of harm.")
CHANCE_BAND = Dimension("chance_band", "Chance band", "Band of the chance of becoming high harm within 12 months.")
LIST_PART = Dimension("list_part", "Part of the list", "Part of the unit's list that the person stands in now.")
PERSON = Dimension("person_key", "Person", "Random key of the person.")
PEOPLE_DIMENSIONS = (UNIT, BAND, CHANCE_BAND, LIST_PART, WEEK, PERSON)


def people_variables(tool: str) -> list[Variable]:
    return [
        Variable(
            "vRelease",
            "Release that is shown: the chosen week if exactly one, else the newest published.",
            f"=If(GetSelectedCount(week)=1, '{tool}|' & GetFieldSelections(week), Only({{1<is_newest={{1}}>}} release_key))",
        )
    ]


def people_measures() -> dict[str, Measure]:
    rows = "{<grain={'score'},release_key={'$(=vRelease)'},week=>}"
    decided = "{<grain={'decision'},release_key=,week=,band=,chance_band=,list_part=>}"
    made = [
        Measure("people", "People", "People on their unit's list.", f"Count({rows} DISTINCT person_key)", 0),
        Measure("people_with_chance", "With a chance", "Of them, those with a chance of becoming high harm.", f"Count({rows} chance_high_harm_12m)", 0),
        Measure("people_without_chance", "Without a chance", "Of them, those without one: high now or before, or the history is too short.", f"Count({rows} DISTINCT person_key)-Count({rows} chance_high_harm_12m)", 0),
        Measure("people_incomplete", "Harm incomplete", "Of them, those whose harm could not be worked out whole.", f"Sum({rows} incomplete)", 0),
        *(
            Measure(f"person_{field}", title, says, f"Only({rows} {field})", decimals, is_share)
            for field, title, says, decimals, is_share in (
                ("band", "Band", "Band of harm.", None, False),
                ("band_last_week", "Band before", "Band in the release before.", None, False),
                ("harm", "Harm", "Decayed sum of harm weights.", 0, False),
                ("harm_unit", "Unit of harm", "Unit of the harm index.", None, False),
                ("chance_high_harm_12m", "Chance in 12 months", "Chance of reaching high harm at a charge within 12 months.", 1, True),
                ("chance_band", "Chance band", "Band of that chance. Inside a band nobody is ranked.", None, False),
                ("no_chance", "Why no chance", "Why there is no chance.", None, False),
                ("list_part", "Part of the list", "Part of the unit's list the person stands in now.", None, False),
                ("list_place", "Place in the list", "Place in the unit's list; inside a part by chance it is no order of chance.", 0, False),
            )
        ),
        Measure("person_link", "Page", "The person's page in harmcast, which asks why and logs the look.", f"Only({rows} person_link)"),
        *(
            Measure(f"person_{field}", title, says, f"Only({decided} {field})")
            for field, title, says in (
                ("decision", "Decision", "The newest decision about the person."),
                ("decided_on", "Decided on", "Its day."),
                ("reason_code", "Reason", "Its reason, by code."),
                ("own_judgement", "Own judgement", "The officer's own judgement."),
                ("review_on", "Review on", "Day of the next review."),
            )
        ),
        Measure("about_says", "What is shown", "What is shown and what is held.", "Only({1} about_says)"),
        Measure("people_week", "Week shown", "The release that the figures are of.", "Only({1<release_key={'$(=vRelease)'},standing={'published'}>} week)"),
    ]
    return {one.name: one for one in made}


# -- checks --------------------------------------------------------------------------------------------

TOOL_TITLE = Dimension("tool_title", "Tool", "The tool.")
SCORE_NAME = Dimension("score_name", "Method or area", "The method judged, or the area.")
SCORE_ORIGIN = Dimension("score_origin", "First day", "First day of the window judged.")
AUDIT_SCOPE = Dimension("audit_scope", "About", "Whom the measure is about.")
AUDIT_ATTRIBUTE = Dimension("audit_attribute", "Groups of", "What the groups are of.")
AUDIT_GROUP = Dimension("audit_group", "Group", "The group.")
AUDIT_MEASURE = Dimension("audit_measure", "Measure", "The measure.")
DELIVERY_DAY = Dimension("delivery_day", "Day", "Day of the delivery.")
DELIVERY = Dimension("delivery_key", "Number", "Number of the delivery here.")
DELIVERY_TABLE = Dimension("delivery_table", "Table", "Table of the delivery.")
RULE = Dimension("rule", "Rule", "Rule that set rows aside.")
RULE_COLUMN = Dimension("rule_column", "Column", "Column the rule looks at.")
CHECKS_DIMENSIONS = (
    TOOL_TITLE, SCORE_NAME, SCORE_ORIGIN, AUDIT_SCOPE, AUDIT_ATTRIBUTE, AUDIT_GROUP, AUDIT_MEASURE, DELIVERY_DAY, DELIVERY, DELIVERY_TABLE, RULE, RULE_COLUMN,
)  # fmt: skip
_OF_SCORES = ("score_name", "score_origin")
_OF_AUDIT = ("audit_scope", "audit_attribute", "audit_group", "audit_measure")
_OF_RULES = ("rule", "rule_column")


def _checks_set(grain: str, narrows: Sequence[str]) -> str:
    named = [f"score_grain={{'{grain}'}}"] if grain else []
    cleared = [f"{field}=" for field in (*_OF_SCORES, *_OF_AUDIT) if field not in narrows]
    return "{<" + ",".join([*named, *cleared]) + ">}"


def checks_measures() -> dict[str, Measure]:
    release, pooled, area = (_checks_set(*one) for one in (("release", _OF_SCORES), ("pooled", ("score_name",)), ("area", ("score_name",))))
    audit = _checks_set("", _OF_AUDIT)
    delivered = "{<" + ",".join(f"{field}=" for field in _OF_RULES) + ">}"
    set_aside = "{<delivery_table=>}"
    made = [
        Measure("release_hits", "In its 20 places", "Offences in the 20 places the method put highest, of one release.", f"Only({release} score_hits)", 1),
        Measure("release_crimes", "Offences", "Offences that came in its period.", f"Only({release} score_crimes)", 0),
        Measure("release_share", "Share", "Those of all offences that came, of one release and method.", f"Only({release} score_hits)/Only({release} score_crimes)", 1, True),
        Measure("release_range", "Range said for the force", "The range that the release printed for the force.", f"Only({release} score_range)"),
        Measure("release_held", "Did it hold", "held, more came or fewer came.", f"Only({release} score_held)"),
        Measure("pooled_verdict", "Verdict", "The verdict on the tool.", f"Only({pooled} score_verdict)"),
        Measure("pooled_says", "In sentences", "The verdict in sentences.", f"Only({pooled} score_says)"),
        Measure("pooled_hits", "In its 20 places", "Over the periods that are over and do not overlap: each offence counts once.", f"Only({pooled} score_hits)", 1),
        Measure("pooled_crimes", "Offences", "Offences that came in those periods.", f"Only({pooled} score_crimes)", 0),
        Measure("pooled_windows", "Periods", "Periods that are over and do not overlap.", f"Only({pooled} score_windows)", 0),
        Measure("area_expected", "Expected", "Offences that were expected in the area.", known_sum(area, "score_expected", "score_grain"), 1),
        Measure("area_recorded", "Recorded", "Offences that came in the area.", known_sum(area, "score_crimes", "score_grain"), 0),
        Measure("area_caught", "Of them in the 20 cells", "Offences in those of the force's 20 highest cells that lie in the area.", known_sum(area, "score_hits", "score_grain"), 0),
        Measure("area_inside", "Inside the range", "Windows in which the area's count lay inside its printed range.", f"Only({area} score_inside)", 0),
        Measure("area_windows", "Windows", "Windows judged.", f"Only({area} score_windows)", 0),
        Measure("audit_verdict", "Verdict", "Verdict on the tool.", f"Only({audit} audit_verdict)"),
        Measure("audit_week", "Release", "Release the audit is of.", f"Only({audit} audit_week)"),
        Measure("audit_text", "Figure", "The figure as printed; [c] where it is hidden.", f"Only({audit} audit_text)"),
        Measure("audit_value", "Share or ratio", "The figure; nothing where it is hidden.", f"Only({audit} audit_value)", 3),
        Measure("audit_low", "Lower end", "Lower end of its 95% range.", f"Only({audit} audit_low)", 3),
        Measure("audit_high", "Upper end", "Upper end of its 95% range.", f"Only({audit} audit_high)", 3),
        Measure("audit_ratio", "Ratio", "Ratio to what it is held against.", f"Only({audit} audit_ratio)", 2),
        Measure("audit_ratio_low", "Ratio, lower end", "Lower end of the ratio's 95% range.", f"Only({audit} audit_ratio_low)", 2),
        Measure("audit_ratio_high", "Ratio, upper end", "Upper end of the ratio's 95% range.", f"Only({audit} audit_ratio_high)", 2),
        Measure("audit_row_verdict", "Verdict on it", "met, concern, stop, too few to say, or printed.", f"Only({audit} audit_row_verdict)"),
        Measure("audit_rows", "Figures", "Figures of the audit, hidden ones too.", f"Count({audit} audit_text)", 0),
        *(
            Measure(f"rows_{name}", title, f"{title} rows of deliveries.", f"Sum({delivered} rows_{name})", 0)
            for name, title in {"received": "Received", "loaded": "Loaded", "unchanged": "Unchanged", "superseded": "Superseded", "quarantined": "Set aside", "left_out": "Left out"}.items()
        ),
        Measure("delivery_standing", "What became of it", "Loaded, waiting or refused.", f"Only({delivered} delivery_standing)"),
        Measure("rule_rows", "Rows set aside", "Rows that a rule set aside.", f"Sum({set_aside} rule_rows)", 0),
        Measure("about_says", "What is shown", "What is shown of each tool and what is held.", "Only({1} about_says)"),
    ]
    return {one.name: one for one in made}
