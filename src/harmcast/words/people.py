"""What a score is made of, in words an officer can check against CONNECT: features as questions, bands, circumstances."""

from __future__ import annotations

from itertools import pairwise

from harmcast.documents.person_model import FeatureSays, HighOutcome
from harmcast.words import numbers as words

# One sentence a feature, with {n} for the number asked about, {months} for so many months: "at least" form, then "under" form.
QUESTIONS: dict[str, tuple[str, str]] = {
    "harm_share": ("Harm today is at least {pct} of where high begins", "Harm today is under {pct} of where high begins"),
    "quick_harm_share": (
        "Recent harm (halving every 6 months) is at least {pct} of where high begins",
        "Recent harm (halving every 6 months) is under {pct} of where high begins",
    ),
    "heaviest_share": (
        "The heaviest event weighs at least {pct} of where high begins",
        "The heaviest event weighs under {pct} of where high begins",
    ),
    "last_weight_share": (
        "The latest event weighs at least {pct} of where high begins",
        "The latest event weighs under {pct} of where high begins",
    ),
    "weight_trend": (
        "The latest 3 events are heavier than those before, by {n}",
        "The latest 3 events are heavier than those before by less than {n}",
    ),
    "events_all": ("Charged with {n} or more events in all the months looked back on", "Charged with under {n} events in all the months looked back on"),
    "events_6m": (
        "Charged with {n} or more events in the last 6 months",
        "Charged with under {n} events in the last 6 months",
    ),
    "events_12m": (
        "Charged with {n} or more events in the last 12 months",
        "Charged with under {n} events in the last 12 months",
    ),
    "events_24m": (
        "Charged with {n} or more events in the last 24 months",
        "Charged with under {n} events in the last 24 months",
    ),
    "serious_events": (
        "Charged with {n} or more serious events (a quarter of where high begins, or heavier)",
        "Charged with under {n} serious events (a quarter of where high begins, or heavier)",
    ),
    "months_since_last": ("The latest charge is {months} old or older", "The latest charge is under {months} old"),
    "months_since_first": ("The first charge is {months} old or older", "The first charge is under {months} old"),
    "mean_gap_months": (
        "On average {months} or more for each event: months since the first charge, divided by the number of events",
        "On average under {months} for each event: months since the first charge, divided by the number of events",
    ),
    "last_gap_months": (
        "At least {months} between the charges of the latest two events",
        "Under {months} between the charges of the latest two events",
    ),
    "kinds": ("{n} or more different kinds of offence", "Under {n} different kinds of offence"),
    "violent_events": ("{n} or more events with a violent charge", "Under {n} events with a violent charge"),
    "violent_24m": (
        "{n} or more events with a violent charge in the last 24 months",
        "Under {n} events with a violent charge in the last 24 months",
    ),
    "weapon_events": ("{n} or more events with a weapon charge", "Under {n} events with a weapon charge"),
    "band": ("Band, counted from low as 0: {n} or more", "Band, counted from low as 0: under {n}"),
}
OUTCOMES = {"charged": "Charged, no result yet", "convicted": "Convicted"}
CIRCUMSTANCES = {
    "managed": "Under management",
    "cohort": "Cohort",
    "mappa": "MAPPA",
    "supervision": "Supervision",
    "custody": "Custody",
}
USUAL = "No different from usual, as far as records show."
NO_CHANCE = {
    "harm_incomplete": "A charge that stands has no harm weight, so neither harm, band nor chance is given. Ask the data team to weigh the offence.",
    "high_before": "This person has been high harm before. A chance of becoming so for the first time is not given.",
    "no_model": "No model for chances is approved yet: harm and band stand without one.",
    "old_model": "The model in use was made by an earlier version, whose chances are no longer given. Harm and band stand until a refit.",
    "other_outcome": "The model in use speaks of another harm index, decay or high cut than today's, so its chances are not given. Harm and band stand until a refit.",
    "history_short": "The records held are too short for a chance. One will be given from {day}.",
    "too_few_became": "Too few people became high harm in the records held for a chance to be given.",
}
NO_RANK = {
    "harm_incomplete": "harm incomplete",
    "high_now": "high harm now",
    "high_before": "high harm before",
    "not_charged_lately": "not charged in the look-back",
    "no_model": "no model yet",
    "old_model": "model of an earlier version",
    "other_outcome": "model of another harm",
    "history_short": "records too short",
    "too_few_became": "too few became high harm",
}
CHANGES = (
    ("records", "New or corrected records"),
    ("time", "Time passing"),
    ("model", "Change of model"),
)
GENERAL_GAPS = (
    "Anything that did not lead to a charge here: offences not reported, other forces' records, out-of-court disposals.",
    "What support the person has had, how they live, and what they are doing now.",
    "Time in custody: months without a charge count as months without a charge, wherever they were spent.",
    "Whether a charge without a result will stand. Charged is not convicted.",
    "Age, sex, ethnicity, home address, stops, searches and intelligence: never used.",
)


def question(feature: str, threshold: float, below: bool, says: str = "") -> str:
    """A line of the points card as a statement that is true or not of the person."""
    known = QUESTIONS.get(feature)
    plain = f"{threshold:g}"
    if known is None:
        return f"{says or feature.replace('_', ' ').capitalize()}: {'under' if below else 'at least'} {plain}"
    return known[1 if below else 0].format(
        n=plain, pct=words.share(threshold), months=f"{plain} month{'' if threshold == 1 else 's'}"
    )


def value(feature: FeatureSays, number: float | None, finer: int = 0) -> str:
    """A feature's value of one person with its unit, with so many decimals more where a line of the card is near."""
    if number is None:
        return words.MISSING
    unit = str(feature["unit"])
    if unit.startswith("share"):
        return f"{words.share(number, finer)} of where high begins"
    if float(number).is_integer():
        return f"{number:,.0f} {unit.removesuffix('s') if number == 1 else unit}"
    return f"{number:,.{1 + finer}f} {unit}"


def outcome(counted: HighOutcome | None) -> str:
    """What becoming high harm means here, from how people arrived at it in the records."""
    if not counted or counted["says"] != "a new charge on the grave list":
        return ""
    listed = ", ".join(one["offence_class"] for one in counted["grave_list"][:8])
    return (
        f"Becoming high harm here means {counted['says']}: {words.share(counted['alone_share'])} of those who did came to it by one event alone. "
        f"Offence classes of the list, the commonest first: {listed}."
    )


def of_hundred(low: float | None, high: float | None) -> str:
    """The range of the mean of everyone with the same points, in people: "Of 100 people with these points, 3 to 5 became high harm"."""
    if low is None or high is None:
        return ""
    group = 100 if low >= 0.01 else 1000
    first, last = round(low * group), round(high * group)
    return f"Of {group:,} people with these points {first if first == last else f'{first} to {last}'} become high harm within 12 months, as far as records show."


def not_charged_lately(months: int | None, people: int | None, became: int | None) -> str:
    """Why someone not charged in the look-back has no chance of their own, with the one figure for all of them."""
    said = f"Not charged in the last {months} months, which is how far back the model looks: no chance of this person's own is given."
    if not people or became is None:
        return said
    share = f"{became:,} became high harm in the 12 months after" if became == 0 or became >= 5 else "fewer than 5 became high harm in the 12 months after"
    return f"{said} Of {people:,} such people a year before the model was made, {share}."


def band_edges(cuts: list[float], unit: str) -> list[tuple[str, str]]:
    """Each band with where it begins and ends: ("low", "under 5.8 days"), ..."""
    from harmcast.tables import BANDS

    edges = [f"{cut:,.1f}" for cut in cuts]
    texts = [
        f"under {edges[0]} {unit}",
        *(f"{a} to {b} {unit}" for a, b in pairwise(edges)),
        f"{edges[-1]} {unit} or more",
    ]
    return list(zip(BANDS, texts, strict=True))
