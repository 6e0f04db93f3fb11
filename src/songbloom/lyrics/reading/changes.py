"""What reading changed in pasted lyrics, and where in the pasted text it stood."""

import re
from bisect import bisect_right
from dataclasses import dataclass


@dataclass(frozen=True)
class Position:
    """A place in the pasted text: line and column, both from 1."""

    line: int
    column: int

    def __str__(self) -> str:
        return f"line {self.line}, column {self.column}"


@dataclass(frozen=True)
class Change:
    """One change between what was pasted and what was read; `str()` is the line to show."""

    line: int
    column: int
    what: str

    def __str__(self) -> str:
        return f"line {self.line}: {self.what}"


class Notes:
    """The changes to one pasted text while it is read; places are indices into that text."""

    def __init__(self, text: str) -> None:
        self._starts = [0, *(match.end() for match in re.finditer(r"\r\n|\r|\n", text))]
        self._single: list[tuple[int, str]] = []
        self._counted: dict[str, tuple[int, int]] = {}

    def position(self, index: int) -> Position:
        """The line and column of a character of the pasted text."""
        line = bisect_right(self._starts, index)
        return Position(line=line, column=index - self._starts[line - 1] + 1)

    def add(self, index: int, what: str) -> None:
        """Note a change at a place."""
        self._single.append((index, what))

    def count(self, index: int, what: str) -> None:
        """Note a change that is told once, at its first place, with how often it was made."""
        first, number = self._counted.get(what, (index, 0))
        self._counted[what] = (min(first, index), number + 1)

    def changes(self) -> tuple[Change, ...]:
        """All that was noted, in the order of the pasted text."""
        counted = (
            (index, what if number == 1 else f"{what} ({number} times)")
            for what, (index, number) in self._counted.items()
        )
        changes = []
        for index, what in (*self._single, *counted):
            position = self.position(index)
            changes.append(Change(line=position.line, column=position.column, what=what))
        return tuple(sorted(changes, key=lambda change: (change.line, change.column)))
