"""What was asked beside what was got, a line each, and how many were missed."""

from __future__ import annotations

from dataclasses import dataclass, field


@dataclass
class Verdicts:
    """Prints each figure with what was asked of it and remembers the missed ones."""

    missed: list[str] = field(default_factory=list)
    met: int = 0

    def at_least(self, what: str, got: float, asked: float, form: str, more: str = "") -> None:
        self._say(what, f"{got:{form}}", f"at least {asked:{form}}", got >= asked, more)

    def at_most(self, what: str, got: float, asked: float, form: str, more: str = "", slack: float = 0.0) -> None:
        self._say(what, f"{got:{form}}", f"at most {asked:{form}}", got <= asked + slack, more)

    def within(self, what: str, got: float, asked: tuple[float, float], form: str) -> None:
        self._say(what, f"{got:{form}}", f"{asked[0]:{form}} to {asked[1]:{form}}", asked[0] <= got <= asked[1], "")

    def close(self) -> int:
        """0 if nothing was missed, 1 otherwise; says how many."""
        print(f"\n{self.met} met, {len(self.missed)} missed" + "".join(f"\n  {one}" for one in self.missed))
        return 1 if self.missed else 0

    def _say(self, what: str, got: str, asked: str, is_met: bool, more: str) -> None:
        line = f"{what}: {got}{' ' + more if more else ''} (asked {asked})"
        print(f"  {'met   ' if is_met else 'MISSED'} {line}")
        if is_met:
            self.met += 1
        else:
            self.missed.append(line)
