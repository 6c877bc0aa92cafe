"""The part of Qlik's expressions that the apps use, read by a grammar of its own: whatever does not fit is refused.

    sum      = product { ("+" | "-" | "&") product }
    product  = atom { "/" atom }
    atom     = number | 'text' | Agg( [set] [DISTINCT] field ) | If( condition , sum [, sum] ) | Today() | GetSelectedCount(field)
               | GetFieldSelections(field) | ( sum )
    set      = { [ $ | 1 ] [ < field = [ {value, ...} ], ... > ] }
    condition = comparison { and comparison }
"""

from __future__ import annotations

import re
from collections.abc import Iterator
from dataclasses import dataclass

AGGREGATIONS = frozenset({"Sum", "Count", "Only", "Min", "Max"})
TOKEN = re.compile(
    r"\s*(?:(?P<number>\d+(?:\.\d+)?)|'(?P<text>(?:[^']|'')*)'|(?P<name>[A-Za-z_][A-Za-z0-9_]*)|(?P<mark><=|>=|<>|[{}<>=(),/+\-&$]))"
)


class Unreadable(ValueError):
    """An expression that the grammar does not hold."""


@dataclass(frozen=True)
class SetOf:
    """A set: from the current selection or (`from_all`) from everything; field -> values it is set to, None where it is cleared."""

    from_all: bool = False
    changes: tuple[tuple[str, tuple[str, ...] | None], ...] = ()


@dataclass(frozen=True)
class Agg:
    name: str
    rows: SetOf
    field: str
    distinct: bool = False


@dataclass(frozen=True)
class Call:
    name: str
    args: tuple[Node, ...]


@dataclass(frozen=True)
class Operation:
    mark: str
    left: Node
    right: Node


@dataclass(frozen=True)
class FieldName:
    name: str


Node = Agg | Call | Operation | FieldName | float | str


class Reader:
    def __init__(self, text: str) -> None:
        self.tokens: list[tuple[str, str]] = []
        at = 0
        text = text.strip()
        while at < len(text):
            match = TOKEN.match(text, at)
            if match is None:
                raise Unreadable(f"at {at}: {text[at : at + 20]!r}")
            kind = str(match.lastgroup)
            self.tokens.append((kind, match[kind].replace("''", "'") if kind == "text" else match[kind]))
            at = match.end()
        self.at = 0

    def peek(self, ahead: int = 0) -> tuple[str, str]:
        return self.tokens[self.at + ahead] if self.at + ahead < len(self.tokens) else ("end", "")

    def take(self, kind: str, value: str | None = None) -> str:
        found, text = self.peek()
        if found != kind or (value is not None and text != value):
            raise Unreadable(f"expected {value or kind}, found {text or found}")
        self.at += 1
        return text

    def is_mark(self, *marks: str) -> bool:
        kind, text = self.peek()
        return kind == "mark" and text in marks

    def sum(self) -> Node:
        left = self.product()
        while self.is_mark("+", "-", "&"):
            left = Operation(self.take("mark"), left, self.product())
        return left

    def product(self) -> Node:
        left = self.atom()
        while self.is_mark("/"):
            left = Operation(self.take("mark"), left, self.atom())
        return left

    def atom(self) -> Node:
        kind, _ = self.peek()
        if kind == "number":
            return float(self.take("number"))
        if kind == "text":
            return self.take("text")
        if self.is_mark("("):
            self.take("mark", "(")
            inside = self.sum()
            self.take("mark", ")")
            return inside
        name = self.take("name")
        self.take("mark", "(")
        if name in AGGREGATIONS:
            rows = self.set() if self.is_mark("{") else SetOf()
            distinct = self.peek() == ("name", "DISTINCT")
            if distinct:
                self.take("name")
            node: Node = Agg(name, rows, self.take("name"), distinct)
        elif name == "If":
            args = [self.condition()]
            while self.is_mark(","):
                self.take("mark", ",")
                args.append(self.sum())
            if len(args) not in (2, 3):
                raise Unreadable("If has two or three parts")
            node = Call("If", tuple(args))
        elif name == "Today":
            node = Call("Today", ())
        elif name in ("GetSelectedCount", "GetFieldSelections"):
            node = Call(name, (FieldName(self.take("name")),))
        else:
            raise Unreadable(f"{name} is not one of the functions used")
        self.take("mark", ")")
        return node

    def condition(self) -> Node:
        left = self.comparison()
        while self.peek() == ("name", "and"):
            self.take("name")
            left = Operation("and", left, self.comparison())
        return left

    def comparison(self) -> Node:
        left = self.sum()
        if not self.is_mark("=", "<", ">", "<=", ">=", "<>"):
            raise Unreadable("a condition compares")
        return Operation(self.take("mark"), left, self.sum())

    def set(self) -> SetOf:
        self.take("mark", "{")
        from_all = False
        if self.peek() == ("number", "1"):
            self.take("number")
            from_all = True
        elif self.is_mark("$"):
            self.take("mark")
        changes: list[tuple[str, tuple[str, ...] | None]] = []
        if self.is_mark("<"):
            self.take("mark", "<")
            while True:
                field = self.take("name")
                self.take("mark", "=")
                values: tuple[str, ...] | None = None
                if self.is_mark("{"):
                    self.take("mark", "{")
                    values = (self._value(),)
                    while self.is_mark(","):
                        self.take("mark", ",")
                        values = (*values, self._value())
                    self.take("mark", "}")
                changes.append((field, values))
                if not self.is_mark(","):
                    break
                self.take("mark", ",")
            self.take("mark", ">")
        self.take("mark", "}")
        return SetOf(from_all, tuple(changes))

    def _value(self) -> str:
        kind, text = self.peek()
        if kind not in ("text", "number"):
            raise Unreadable("a set holds texts and numbers")
        self.at += 1
        return text


def read(text: str) -> Node:
    """The tree of an expression, with or without a leading equals sign. Raises Unreadable."""
    reader = Reader(text.strip().removeprefix("="))
    node = reader.sum()
    if reader.peek()[0] != "end":
        raise Unreadable(f"after the end: {reader.peek()[1]}")
    return node


def parts(node: Node) -> Iterator[Node]:
    """The node and everything in it."""
    yield node
    if isinstance(node, Call):
        for arg in node.args:
            yield from parts(arg)
    elif isinstance(node, Operation):
        yield from parts(node.left)
        yield from parts(node.right)


def aggregations(node: Node) -> list[Agg]:
    return [part for part in parts(node) if isinstance(part, Agg)]
