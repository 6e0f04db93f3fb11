"""Text that knows where each of its characters stood in the text that was pasted."""

from collections.abc import Iterable
from dataclasses import dataclass


@dataclass(frozen=True)
class Traced:
    """A text and the pasted text's index of each character; one index more is that of its end."""

    text: str
    origins: list[int]

    @property
    def origin(self) -> int:
        """The index of the first character, or of where an empty text stood."""
        return self.origins[0]

    @property
    def blank(self) -> bool:
        """Whether nothing but spaces is in it."""
        return not self.text or self.text.isspace()

    def __getitem__(self, part: slice) -> "Traced":
        start, stop, _ = part.indices(len(self.text))
        stop = max(start, stop)
        return Traced(self.text[start:stop], self.origins[start : stop + 1])

    def strip(self) -> "Traced":
        """Without the spaces at its ends."""
        start = len(self.text) - len(self.text.lstrip())
        return self[start : max(start, len(self.text.rstrip()))]

    def lines(self) -> list["Traced"]:
        """Its lines, without their ends."""
        found, start = [], 0
        for line in self.text.split("\n"):
            found.append(self[start : start + len(line)])
            start += len(line) + 1
        return found

    def without(self, spans: Iterable[tuple[int, int]]) -> "Traced":
        """Without the characters of some spans, which are in order and apart."""
        text: list[str] = []
        origins: list[int] = []
        place = 0
        for start, stop in (*spans, (len(self.text), len(self.text))):
            text.append(self.text[place:start])
            origins += self.origins[place:start]
            place = stop
        return Traced("".join(text), [*origins, self.origins[-1]])
