"""The steps of each guided tour: what a trainer says over a part of the page, and what to ask before going on.

The part itself is drawn by `templates/partials/tour.html` from the figures here, which are invented and add up.
"""

from __future__ import annotations

from dataclasses import dataclass


@dataclass(frozen=True)
class Step:
    """One step. `part` names what is drawn; `says` are paragraphs; `ask` and `answer` are for thinking before going on."""

    part: str
    title: str
    says: tuple[str, ...]
    ask: str
    answer: str


PEOPLE: tuple[Step, ...] = (
    Step(
        "list",
        "Your list on a Monday",
        (
            "The list holds your unit's people under management, and everyone in the bands your force put on it. It is not a league table: first come referrals and reviews, then whoever moved up and has not been looked at since.",
            "The last column says what is open and by when. Deciding, even “no change”, is what closes it; nobody ticks it away.",
        ),
        "Two people stand at “5 (1 to 18)” and “6 (1 to 19)”, both “no different from usual”. Which of them is more likely to become high harm?",
        "The list does not say: the figures cannot tell them apart, nor from anybody usual.",
    ),
    Step(
        "who",
        "Who, and what is already done",
        (
            "Management, cohort, MAPPA, supervision and custody come from the force's records, each with its source and date.",
            "Unknown means that nothing is held, not that it is not so. Age, sex and ethnicity are neither shown nor used.",
        ),
        "Custody says Unknown. Is Sam at liberty?",
        "Nobody knows from this page. Check before you decide anything.",
    ),
    Step(
        "chance",
        "The chance, as people in a crowd",
        (
            "Think of a hundred people with a record like this. Six of them became high harm within a year, ninety-four did not. The score cannot say which six.",
            "“Could be 4 to 9” says how sure the 6 is. “Usual, 1” says what is usual in the force, so that 6 can be set against something.",
        ),
        "Is it more likely that Sam will, or will not, become high harm?",
        "That Sam will not: about 94 of 100 people with such a record did not.",
    ),
    Step(
        "band",
        "The band, and how near its edges are",
        (
            "Each charge that stands has a harm weight which fades as the charge ages. Their sum is the harm; where it lies among four fixed edges is the band.",
            "The edges were taken once and frozen: a band does not move because other people changed.",
        ),
        "Sam's harm is 172.9 and “high” begins at 257. Is Sam nearly high harm?",
        "Not by itself: harm fades every week. It takes a new charge of weight to reach the next band.",
    ),
    Step(
        "changed",
        "What changed, in three parts that add up",
        (
            "New or corrected records, time passing, and a change of the model are kept apart, so that a score never moves without your seeing why.",
            "Last week 164.6, plus 9.6 for a new charge, less 1.3 for time, is 172.9. Add it up: pages that do not add up are to be reported.",
        ),
        "One week the only change is “change of model: +20”. What did Sam do?",
        "Nothing. The force approved a new model; the records are the same.",
    ),
    Step(
        "charges",
        "The charges behind it, and the card you can redo",
        (
            "The charges that count most stand with date, offence, outcome, weight, what is left of the weight by now, and their product. The products add up to the harm.",
            "The points card lets you redo the chance with a pencil: answer each line, add the points, read the chance beside the sum.",
        ),
        "The second charge says “Charged, no result yet”. What is proved by it?",
        "Nothing. If it falls away it counts for nothing from the day that is known.",
    ),
    Step(
        "gaps",
        "What the score does not know",
        (
            "What is missing matters as much as what is there. You know things about Sam that no record holds: say them when you decide.",
            "If a record is wrong, “Report a data error or an objection” on the page sends it on. It is put right in CONNECT, and the next week is scored again.",
        ),
        "Sam has had no charge for eleven months. Name two explanations that the score cannot tell apart.",
        "Sam may have stopped; Sam may have been in custody, moved away, or not been reported.",
    ),
    Step(
        "decide",
        "You decide",
        (
            "Five decisions, a reason, the checks you made, your own judgement, a date for the next look. Going against the score is expected: if hardly anyone ever does, an alarm says so.",
            "A referral needs checks beyond the score and your supervisor's sign-off. What you saw is stored with what you decided. How long the page was open is kept in bands and reported for the unit, never for you.",
            "Nothing here is evidence, and nothing here gives grounds for a stop, a search or an arrest.",
        ),
        "You disagree with the score because of something you saw last week. Which decision do you record?",
        "“Not adopted: local knowledge”, with what you know in your own words.",
    ),
)
PLACES: tuple[Step, ...] = (
    Step(
        "force",
        "Monday: the force as a whole, and what changed",
        (
            "The page begins with the whole force, because that is the figure the forecast knows best, and with what changed since last week's release.",
            "The range comes before the number. At least 9 of 10 such ranges should hold what comes.",
        ),
        "Last four weeks: 127. Expected: 109, range 87 to 135. Has crime fallen?",
        "It cannot be said: 127 lies inside the range, and so would 90.",
    ),
    Step(
        "cell",
        "One square, read from left to right",
        (
            "First the range, then the expected number, then the chance of any at all. Beside them the plain counts: last four weeks, the same weeks last year, the mean of a year.",
            "Where the plain counts tell you as much as the forecast, trust them as much. If they win over many four weeks, they take over and the page says so.",
        ),
        "A square says “0 to 3, expected 1.2, chance of any 70%”. What happens in 3 of 10 such four weeks?",
        "Nothing at all is recorded. That would not make the forecast wrong.",
    ),
    Step(
        "rank",
        "Which comes first?",
        (
            "Squares next to each other in the list stand in one group while nobody can say which will have more. Inside it there is no first and no last, whatever order the table prints.",
            "Choose among them by what you know: a school term, a licensed premises, an operation.",
        ),
        "Tasking can take two of four squares of one group. Does the tool say which?",
        "No. Choose by what you know of the places, and write down why.",
    ),
    Step(
        "change",
        "Change, in words",
        (
            "“Higher” is said only where such a count would come up by chance in fewer than 1 in 20 squares like it. With a thousand squares some are marked by chance alone.",
            "There is no percentage of a count under 20: from one to two is not “plus 100%”.",
        ),
        "A square had 3 in four weeks where 0.8 is usual. Is it a trend?",
        "It is out of its ordinary once. Look at three years on the square's own page before saying more.",
    ),
    Step(
        "right",
        "Were we right?",
        (
            "Each release is set beside what came, beside plain counts, and beside the best anyone could have done with perfect foresight.",
            "“21 of 96” sounds little. The best possible was 38, and a 24-month count caught 20: that is the fair comparison.",
        ),
        "The tool caught 21, the plain count 20. What should an honest page say?",
        "That they did about as well. The gain lies in the ranges and the totals, not in the list of squares.",
    ),
    Step(
        "gaps",
        "What it does not know",
        (
            "Events to come, operations, what is not reported, and where officers were sent. Records follow patrols, so the tools count injuries that victims report, and patrols can be recorded on a square.",
            "It is about squares and four weeks, never about a person in one. It gives no grounds for a stop, a search or an arrest.",
        ),
        "You send two cars to a square for a month and more is recorded there. Did the forecast come true?",
        "You cannot tell: more officers record more. Enter the patrols, so that the check for it has something to work with.",
    ),
    Step(
        "act",
        "Note, recommend, brief",
        (
            "On a square's page you sign a note, recommend the square to tasking, and record what tasking decided. Nothing is edited later.",
            "“One-page briefing” prints what tasking needs on one sheet, with the notice on it. Downloads are logged with your name.",
        ),
        "Tasking decided against your square. What do you record?",
        "That it was not adopted, by whom and when: those decisions are as useful as the others.",
    ),
)


def steps(kind: str) -> tuple[Step, ...]:
    """The steps of a kind of tool, in order."""
    return PEOPLE if kind == "people" else PLACES
