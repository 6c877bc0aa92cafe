"""One tool being asked about, with what was printed of families of counts on the way."""

from __future__ import annotations

from harmcast.publish.answers.document import Block
from harmcast.publish.answers.facts import Facts, ToolFacts
from harmcast.publish.disclosure import Published


class Asked:
    """One tool being asked about; what its answers printed of families of counts is kept in `published`."""

    def __init__(self, facts: Facts, tool: ToolFacts, published: dict[str, Published]) -> None:
        self.facts = facts
        self.tool = tool
        self.published = published

    def keep(self, found: tuple[tuple[Block, ...], dict[str, Published]]) -> tuple[Block, ...]:
        self.published |= found[1]
        return found[0]


def made_from(facts: Facts) -> dict[str, str | None]:
    return {"code_version": facts.code_version, "data_hash": facts.data_hash}
