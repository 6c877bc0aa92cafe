"""What a load does to the meaning of what is held: one line a check and scope, made by loads, read by pages and commands."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import asdict, dataclass
from typing import Any, Literal

from harmcast.documents.plain import PlainRecord

Verdict = Literal["ok", "note", "hold", "refuse"]
ORDER: tuple[Verdict, ...] = ("refuse", "hold", "note", "ok")
WHY_WAITS = {
    "first_load": "it is the first of this state",
    "new_mapping": "the mapping is another than before",
    "effects": "it has effects outside what its past makes likely",
}


@dataclass(frozen=True)
class Effect:
    """One check of one load.

    Attributes:
        check: which check, the name of its row in docs/accepting-a-load.md.
        scope: what it looked at; begins with the tool or table.
        value: what was measured (a count, or a share from 0 to 1 where `says` calls it one).
        low, high: between which values it is as it was before; null: no such bound.
        verdict: ok; note: worth a look; hold: the load waits for a person; refuse: nothing is loaded.
        next_step: what to do about it; empty where it is ok.
        says: the same in a sentence, without any value of a record but of open codes.
        people: how many people must accept a load held for it.
    """

    check: str
    scope: str
    value: float
    low: float | None
    high: float | None
    verdict: Verdict
    next_step: str = ""
    says: str = ""
    people: int = 1

    def document(self) -> PlainRecord:
        """The same, ready for JSON."""
        return asdict(self)


def read(documents: Iterable[Mapping[str, Any]]) -> list[Effect]:
    """Effects again from what was kept of them."""
    return [Effect(**document) for document in documents]


def lines(effects: Iterable[Effect]) -> list[str]:
    """What is printed for people: what is not ok, worst first, then how many are ok; the same of several values stands once."""
    effects = list(effects)
    together: dict[tuple[str, str, str, str, str], list[str]] = {}
    told = (e for e in effects if e.verdict != "ok")
    for e in sorted(told, key=lambda e: (ORDER.index(e.verdict), e.check, e.scope)):
        of, space, value = e.scope.rpartition(" ")
        together.setdefault((e.verdict, e.check, of + space, e.says, e.next_step), []).append(value)
    said = []
    for (verdict, check, of, says, step), values in together.items():
        said.append(f"  {verdict.upper():<6} {check}, {of}{', '.join(values)}: {says}")
        said += [f"{'':>9}Next: {step}"] if step else []
    fine = sum(e.verdict == "ok" for e in effects)
    return [f"Effects: {len(effects)} looked at, {fine} as before.", *said]
