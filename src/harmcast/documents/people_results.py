"""Were we right about people? What chances said beside what came: kept with each release as `<tool>_results.json`."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import asdict, dataclass
from typing import Any, Literal

from harmcast.documents.plain import PlainRecord


@dataclass(frozen=True)
class PutHigh:
    """The first people of one order, as many as a unit can consider, summed over the releases judged.

    Attributes:
        put_high: people so put, a person once a release; became: of them, those who became high harm; null: a small number.
        missed: who became and were not among them; null: a small number.
        net_benefit: became / people - others / people x o / (1 - o), with o the share of looks that must be useful; null: a small
            number, or no o is set.
    """

    put_high: int
    became: int | None
    missed: int | None
    net_benefit: float | None


@dataclass(frozen=True)
class YearOfReleases:
    """Releases of one calendar year: how many judged, people with a chance, how many the chances said, how many came."""

    year: int
    releases: int
    people: int
    said: float
    came: int | None
    card: PutHigh


@dataclass(frozen=True)
class PeopleResults:
    """What was said and what came, one release in 13 weeks, each judged when its months are over and as known then.

    Attributes:
        months: how far ahead; rehearsal: no released chance is so old yet, and a fit of a year before the model in use is judged,
            which nobody saw: nothing of it counts as met.
        first_day, last_day: days of the first and last release judged; releases: how many; people: with a chance, a person once a
            release; distinct: people who became, each once.
        said: sum of chances; came: how many became; null: a small number, and so is what follows from it.
        ratio, ratio_low, ratio_high: came over said with its 95% interval; least_ratio: the least that so many would show 8 times in 10.
        verdict: of everyone, tested alone: met, stop, concern, or cannot say.
        capacity: people a unit considers; null: none is set, and the card's first `capacity_share` of everyone stand for it.
        useful_share: o, the share of looks that must be useful; null: none is set.
        card, plain: put high by the card's chance (ties by harm), and by plain harm.
        gain, gain_low: what the card's first hold more than plain harm's, over plain harm's, with the lower end of its 90% interval;
            null: a small number, or plain harm's first hold nobody who became.
        years: by calendar year of release, oldest first.
    """

    months: int
    rehearsal: bool
    first_day: str
    last_day: str
    releases: int
    people: int
    distinct: int | None
    said: float
    came: int | None
    ratio: float | None
    ratio_low: float | None
    ratio_high: float | None
    least_ratio: float
    verdict: Literal["met", "stop", "concern", "cannot say"]
    capacity: int | None
    capacity_share: float
    useful_share: float | None
    card: PutHigh
    plain: PutHigh
    gain: float | None
    gain_low: float | None
    years: tuple[YearOfReleases, ...]

    def document(self) -> PlainRecord:
        """The same, ready for JSON."""
        return asdict(self)


def read(document: Mapping[str, Any]) -> PeopleResults:
    """Results again from what was kept of them."""
    years = tuple(YearOfReleases(**{**year, "card": PutHigh(**year["card"])}) for year in document["years"])
    return PeopleResults(**{**document, "card": PutHigh(**document["card"]), "plain": PutHigh(**document["plain"]), "years": years})
