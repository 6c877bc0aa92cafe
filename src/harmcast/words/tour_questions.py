"""The questions at the end of each guided tour: what is asked, the answers offered, which is right and why."""

from __future__ import annotations

from dataclasses import dataclass

PASS_SHARE = 0.8


@dataclass(frozen=True)
class Question:
    """One question. `right` is the key of the right answer; `because` is said after answering."""

    name: str
    text: str
    answers: dict[str, str]
    right: str
    because: str


PEOPLE: tuple[Question, ...] = (
    Question(
        "means",
        "“About 6 in 100 people with a record like this became high harm within 12 months.” What does it say about Sam Example?",
        {
            "a": "Sam will probably become high harm",
            "b": "Of 100 people with such a record about 6 became high harm; which of them is not known",
            "c": "Sam has committed 6 offences out of 100",
        },
        "b",
        "It is a statement about people with such a record. 94 of those 100 did not become high harm.",
    ),
    Question(
        "stop",
        "Sam is in the band “high”. May an officer stop and search Sam because of that?",
        {"a": "Yes", "b": "Yes, if a supervisor agrees", "c": "No"},
        "c",
        "The score is not evidence and gives no grounds for a stop, a search or an arrest.",
    ),
    Question(
        "custody",
        "CONNECT shows no charge for a year. What else could explain it besides that Sam has stopped?",
        {"a": "Nothing", "b": "Sam may have been in custody: the score cannot see that", "c": "The model has changed"},
        "b",
        "Months without a charge count as such wherever they were spent. Check custody before you decide.",
    ),
    Question(
        "charged",
        "The charge that counts most says “Charged, no result yet”. What is proved?",
        {"a": "Nothing yet", "b": "That Sam did it", "c": "That Sam will be convicted"},
        "a",
        "Charged is not convicted. If the charge falls away it counts for nothing from the day that is known.",
    ),
    Question(
        "disagree",
        "You know something the score does not, and you disagree with it. What do you do?",
        {
            "a": "Follow the score",
            "b": "Record “not adopted, local knowledge” with what you know",
            "c": "Leave no record",
        },
        "b",
        "A person decides. Decisions against the score are expected, and how many there are is watched both ways.",
    ),
)
PLACES: tuple[Question, ...] = (
    Question(
        "range",
        "A place says “0 to 3, expected 1.2”. What is the most cautious reading?",
        {
            "a": "One offence will happen",
            "b": "None, one, two or three are all usual; over many such four weeks 1.2 on average",
            "c": "At least one offence will happen",
        },
        "b",
        "The range comes first. A quiet four weeks in that place would be no surprise.",
    ),
    Question(
        "rank",
        "Two places stand in one group of the list. Which of them comes first?",
        {
            "a": "Neither: the figures cannot tell them apart",
            "b": "The upper one in the table",
            "c": "The one with the higher count last week",
        },
        "a",
        "The chance that the first has more than the last is under 60%. Choose between them by what you know of the place.",
    ),
    Question(
        "grounds",
        "A person walks through a place with a high forecast. Is that grounds for a stop?",
        {"a": "Yes", "b": "Only at night", "c": "No"},
        "c",
        "A forecast is about a square and four weeks. It says nothing about any person in it.",
    ),
    Question(
        "patrols",
        "More patrols go where the map points, and more is recorded there. What may happen?",
        {"a": "The map may learn from where officers were", "b": "Nothing", "c": "The forecast gets better"},
        "a",
        "Records follow patrols. So the tools count injuries that victims report, and patrols can be recorded to check for it.",
    ),
    Question(
        "plain",
        "The page says the plain count has stepped in. What does that mean?",
        {
            "a": "The system is broken",
            "b": "Over the last periods our model did no better than a 24-month count, so the count is shown",
            "c": "The data is old",
        },
        "b",
        "Simple counts stand beside every forecast, and take over when they win.",
    ),
)


def questions(kind: str) -> tuple[Question, ...]:
    """The questions of a kind of tool."""
    return PEOPLE if kind == "people" else PLACES


def is_passed(right: int, asked: int) -> bool:
    """Whether so many right answers pass: four of five."""
    return right >= PASS_SHARE * asked
