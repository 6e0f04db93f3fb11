"""The lines of pasted lyrics, without headers, credits and timestamps."""

import re
from dataclasses import dataclass

from songbloom.lyrics.reading.changes import Notes
from songbloom.lyrics.reading.traced import Traced

_HEADER = re.compile(
    r"\s*\[(?P<key>ti|ar|al|au|by|offset|re|ve|length|lr|la|language|id|tool|key|hash|sign|qq|total"
    r"|kana|#)\s*:(?P<value>.*)\]\s*$",
    re.IGNORECASE,
)
_CREDIT = re.compile(
    r"\s*(?:作?[词詞曲]|[编編]曲|[原演]唱|歌手|歌名|[监監][制製]|[制製]作人?|[录錄]音[师師]?|混音[师師]?|母[带帶]"
    r"|和[声聲]|吉他|出品|[发發]行|title|artist|album|lyrics|lyricist|composer|producer|arranger"
    r"|(?:lyrics|words|music|written|composed|produced|arranged|performed|mixed|mastered)"
    r"(?: (?:&|and) \w+)? by)\s*:",
    re.IGNORECASE,
)


@dataclass(frozen=True, kw_only=True)
class Line:
    """A line of a lyric.

    Attributes:
        text: the line without its timestamps.
        lasts: seconds until the next timestamp, 0 where that is not known.
        pause: the part of these in which nobody sings, 0 where it is short.
    """

    text: Traced
    lasts: float = 0.0
    pause: float = 0.0


class Removals:
    """Tells and notes the lines that are not sung: headers, credits, the title."""

    def __init__(self, notes: Notes) -> None:
        self._notes = notes
        self._title: str | None = None

    def removes(self, line: Traced) -> bool:
        """Whether a line, without its timestamps, is no part of the song."""
        if line.blank:
            return False
        if header := _HEADER.match(line.text):
            if header["key"].lower() == "ti":
                self._title = header["value"].strip() or None
            self._notes.count(line.strip().origin, "header line removed")
            return True
        text = line.text.strip()
        title = self._title and (text == self._title or text.startswith(f"{self._title} - "))
        if title or _CREDIT.match(line.text):
            what = "title" if title else "credit"
            self._notes.add(line.strip().origin, f"{what} {text[:40]!r} removed")
            return True
        return False
