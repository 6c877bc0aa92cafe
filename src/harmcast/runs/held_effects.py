"""Effects that made a load wait, as findings of every release made on it until one has gone out: the load was let in, the release was not."""

from __future__ import annotations

from harmcast.documents.effects import Effect
from harmcast.oversight import findings
from harmcast.oversight.findings import Finding
from harmcast.settings import PeopleTool, PlacesTool
from harmcast.store import loads
from harmcast.store.state import State
from harmcast.tables import CHARGES, CIRCUMSTANCES_TABLE, CRIMES, PERSONS
from harmcast.weeks import Week

TABLES_OF = {"places": (CRIMES.name,), "people": (CHARGES.name, PERSONS.name, CIRCUMSTANCES_TABLE.name)}


def concerns(effect: Effect, tool: PlacesTool | PeopleTool, tools: set[str]) -> bool:
    """Whether an effect is about a tool: by its name, by a table it is made from, or because it is about the whole delivery."""
    about = effect.scope.split()[0]
    if about in tools:
        return about == tool.name
    of_another = {table for kind, names in TABLES_OF.items() if kind != tool.kind for table in names}
    return about not in of_another


def finding_of(effect: Effect, tool: str, delivery_sha256: str) -> Finding:
    """A held effect, typed: deletions stay deletions, all others are records that are not as usual."""
    kind = findings.DELETIONS if effect.check == "deletions" else findings.VOLUME
    limit = effect.low if effect.low is not None and effect.value < effect.low else effect.high
    says = f"A load was let in with an effect that was held ({effect.check}, {effect.scope}): {effect.says}"
    return findings.of_load(kind, tool, delivery_sha256, f"{effect.check} {effect.scope}", says, effect.value, limit)


def findings_since(state: State, tool: PlacesTool | PeopleTool, week: Week, sequence: int, made_at: str | None) -> list[Finding]:
    """Held effects of the loads that counted after the last release of a tool that went out, up to load `sequence`.

    The loads before a tool's first release were compared with the force's own figures when they were accepted, and are not asked again.

    Args: `made_at`: when the release was made, if it is made again: what had gone out is asked as of then.
    """
    earlier = [r for r in state.releases.history(tool.name, None) if r.week < str(week)]
    if not earlier:
        return []
    out = [r for r in earlier if state.releases.standing_at(r, made_at) == "published"]
    since = (out[-1] if out else earlier[0]).sequence or 0
    tools = {one.name for one in state.settings.tools}
    held = loads.held_between(state.operations, since, sequence)
    return [finding_of(effect, tool.name, digest) for digest, effect in held if concerns(effect, tool, tools)]
