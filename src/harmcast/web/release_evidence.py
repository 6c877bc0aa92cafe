"""What a person looks at before a release goes out, or a model scores anybody: the new beside the old, with what changed."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

import polars as pl

from harmcast import tables, words
from harmcast.documents.changed import AreaTotal
from harmcast.documents.manifest import ReleaseManifest
from harmcast.publish import released
from harmcast.settings import PeopleTool, PlacesTool
from harmcast.store.models import Model
from harmcast.store.releases import Release

CARDS = {"card_plain": "Card of harm alone", "card_three": "Card of three items", "card_twelve": "Card of twelve items"}
NOT_HELD = "not held"


@dataclass(frozen=True)
class Beside:
    """One figure of the new and of the old; `differs` where a person should look."""

    what: str
    new: str
    old: str
    differs: bool = False


@dataclass(frozen=True)
class BandFlow:
    """People by band: before in the rows, now in the columns; a row sums to those who were in that band and still are scored."""

    bands: tuple[str, ...]
    counts: tuple[tuple[int, ...], ...]

    @property
    def up(self) -> int:
        return sum(n for i, row in enumerate(self.counts) for j, n in enumerate(row) if j > i)

    @property
    def down(self) -> int:
        return sum(n for i, row in enumerate(self.counts) for j, n in enumerate(row) if j < i)


def of_release(release: Release, before: Release | None, tool: PlacesTool | PeopleTool) -> list[Beside]:
    """Figures of a tool's release beside those of the one before it (None: there is none)."""
    said: ReleaseManifest = released.manifest(release)
    was: ReleaseManifest = released.manifest(before) if before else {}
    rows = [_beside("Data to", words.day(released.data_to(release)), words.day(released.data_to(before)) if before else None, differs=False)]
    rows.append(_beside("Model", _models(release, tool.name), _models(before, tool.name)))
    rows.append(_beside("Made by the code", said.get("code_version"), was.get("code_version")))
    if isinstance(tool, PlacesTool):
        return [*rows, *_places(release, before, tool.name)]
    return [*rows, *_people(release, before, tool.name)]


def _beside(what: str, new: Any, old: Any, *, differs: bool | None = None) -> Beside:
    said, was = (NOT_HELD if value in (None, "") else str(value) for value in (new, old))
    return Beside(what, said, was, said != was if differs is None else differs)


def _models(release: Release | None, tool: str) -> str:
    if release is None:
        return ""
    if released.has(release, tool) and "model" in (frame := released.frame(release, tool)).columns:
        return words.listed([words.model_name(str(name)) for name in frame["model"].unique().sort().to_list()])
    return release.model or ""


def _places(release: Release, before: Release | None, tool: str) -> list[Beside]:
    new, old = released.total(release, tool), released.total(before, tool) if before else None
    rows = []
    if new is not None:
        outside = old is not None and not new["lower"] <= old["expected"] <= new["upper"]
        rows.append(Beside("Expected in the whole force", _range(new), _range(old) if old else NOT_HELD, outside))
        rows.append(_beside("Recorded in the last four weeks", words.count(new["baseline_4w"]), words.count(old["baseline_4w"]) if old else None, differs=False))
    listed, was = (_listed(r, tool) for r in (release, before))
    if listed and was:
        stay = len(set(listed) & set(was))
        rows.append(Beside(f"Of the {len(listed)} highest places, the same as before", str(stay), str(len(was)), stay < len(was) // 2))
    return rows


def _range(row: AreaTotal) -> str:
    return f"{words.span(row['lower'], row['upper'])}, expected {words.number(row['expected'])}"


def _listed(release: Release | None, tool: str) -> list[str]:
    if release is None or not released.has(release, tool):
        return []
    frame = released.frame(release, tool).sort(["expected", "cell"], descending=[True, False])
    return list(frame["cell"].head(tables.LISTED_CELLS))


def _people(release: Release, before: Release | None, tool: str) -> list[Beside]:
    new, old = _bands(release, tool), _bands(before, tool)
    rows = [_beside("People scored", words.count(sum(new.values())), words.count(sum(old.values())) if old else None, differs=False)]
    for band in reversed(tables.BANDS):
        n, was = new.get(band, 0), old.get(band, 0)
        rows.append(Beside(band.capitalize(), words.count(n), words.count(was) if old else NOT_HELD, bool(old) and abs(n - was) > max(5, 0.1 * was)))
    return rows


def _bands(release: Release | None, tool: str) -> dict[str, int]:
    if release is None or not released.has(release, tool):
        return {}
    counted = pl.DataFrame(released.frame(release, tool)["band"].drop_nulls().value_counts())
    return dict(counted.iter_rows())


def flow_of_release(release: Release, tool: str) -> BandFlow | None:
    """How people moved between bands since the release before, as this one says it."""
    if not released.has(release, tool):
        return None
    frame = released.frame(release, tool)
    moved = frame.filter(pl.col("band").is_not_null() & pl.col("band_last_week").is_not_null())
    return _flow(moved.group_by("band_last_week", "band").len().rows())


def flow_of_model(model: Model) -> BandFlow | None:
    """How people would move between bands if the model scored them; None where it was set beside none."""
    beside = model.document.get("side_by_side")
    if not beside:
        return None
    return _flow([(row["band"], row["band_new"], row["people"]) for row in beside["bands"]])


def _flow(rows: Sequence[tuple[Any, Any, Any]]) -> BandFlow:
    counts = {(was, now): int(n) for was, now, n in rows}
    return BandFlow(tables.BANDS, tuple(tuple(counts.get((was, now), 0) for now in tables.BANDS) for was in tables.BANDS))


def _said(fact: Any) -> Any:
    """A fact of a model's own file in the words of a page: a form by its name, a count as counts are written."""
    return words.count(fact) if isinstance(fact, int) else CARDS.get(fact, fact)


def of_model(model: Model, in_use: Model | None) -> list[Beside]:
    """A candidate beside the model in use: what was chosen and why, what it was fitted on, and how far chances move."""
    new, old = model.content(), in_use.content() if in_use else None
    rows = [_beside(what, _said(new.get(name)), _said(old.get(name)) if old else None) for name, what in (("chosen", "Form chosen"), ("because", "Because"), ("people", "People learnt from"), ("rows", "Rows learnt from"))]
    for months, name in ((12, "12m"), (24, "24m")):
        rates = [words.share(held["base_rate"][name]) if held and name in held.get("base_rate", {}) else None for held in (new, old)]
        rows.append(_beside(f"Became high harm within {months} months, of those learnt from", *rates, differs=False))
    beside = model.document.get("side_by_side")
    if beside:
        rows.append(Beside("People scored by both", words.count(beside["people"]), "", False))
        rows.append(Beside("Bands changed", words.count(beside["bands_changed"]), "", beside["bands_changed"] > 0))
        rows.append(Beside("Chances moved by more than 1 in 100", words.count(beside["moved_over_01"]), "", False))
        rows.append(Beside("Chances moved by more than 5 in 100", words.count(beside["moved_over_05"]), "", beside["moved_over_05"] > 0))
        rows.append(Beside("Of the highest 5 in 100, still among them", f"{words.count(beside['top5_kept'])} of {words.count(beside['top5'])}", "", False))
    return rows
