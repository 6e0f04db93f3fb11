"""LRC: lines with the times at which they are sung, `[00:12.50]Amazing <00:13.10>grace`."""

import re
from collections.abc import Iterator
from dataclasses import dataclass, field
from itertools import pairwise
from statistics import median

from songbloom.lyrics.reading.changes import Notes
from songbloom.lyrics.reading.heading_lines import is_heading
from songbloom.lyrics.reading.lines import Line, Removals
from songbloom.lyrics.reading.traced import Traced
from songbloom.lyrics.sections import MAX_CHARACTERS, LyricsError

_STAMP = re.compile(r"\[(\d{1,3}):(\d{1,2}(?:[.:]\d{1,3})?)\]|<\d{1,3}:\d{1,2}(?:[.:]\d{1,3})?>")
_SHORTEST_INTRO = 2.0
_SHORTEST_PAUSE = 4.0  # after a line that is there to be empty
_SHORTEST_UNSTATED_PAUSE = 8.0  # behind a sung line, beyond the time that lines usually take


@dataclass
class _Stamped:
    """A line with its times, the lines without times before it and behind it."""

    text: Traced
    times: list[float]
    before: list[Traced] = field(default_factory=list)
    behind: list[Traced] = field(default_factory=list)


def read_lines(lines: list[Traced], notes: Notes) -> list[Line]:
    """The lines in the order in which they are sung, with the pauses between them.

    Header lines, credits and a repeated title are left out.

    Headings and blank lines without a time stay before the line that followed them, other lines
    without a time behind the one before. Lines without any timestamp come back as they are.

    Raises:
        LyricsError: lines that are sung several times make the lyrics too long.
    """
    stamped, rest = _stamped(lines, notes)
    several = [line for line in stamped if len(line.times) > 1]
    if several:
        _check_length(stamped)
    sung = sorted((time, index) for index, line in enumerate(stamped) for time in line.times)
    order = [index for _, index in sung]
    if several:
        what = "line with several timestamps sung at each of them"
        for line in several:
            notes.count(line.text.origin, what)
    elif order != sorted(order):
        notes.add(stamped[order[0]].text.origin, "lines put in the order of their timestamps")
    placed = [(time, stamped[index]) for time, index in sung]
    return [*_with_pauses(placed), *(Line(text=line) for line in rest)]


def _stamped(lines: list[Traced], notes: Notes) -> tuple[list[_Stamped], list[Traced]]:
    """The lines with times, and those that stand behind all of them or in a text without."""
    found: list[_Stamped] = []
    waiting: list[Traced] = []
    removals = Removals(notes)
    for line in lines:
        spans: list[tuple[int, int]] = []
        times: list[float] = []
        place, at_start = 0, True
        for match in _STAMP.finditer(line.text):
            notes.count(line.origins[match.start()], "timestamp removed")
            # Within a line the times are those of words.
            at_start = at_start and not line.text[place : match.start()].strip()
            if at_start and match[1]:
                times.append(60.0 * int(match[1]) + float(match[2].replace(":", ".")))
            place = match.end()
            spans.append(match.span())
        text = line.without(spans) if spans else line
        if removals.removes(text):
            continue
        if times:
            found.append(_Stamped(text, times, before=waiting))
            waiting = []
        elif not found or waiting or text.blank or is_heading(text):
            waiting.append(text)
        else:
            found[-1].behind.append(text)
    return found, waiting


def _check_length(stamped: list[_Stamped]) -> None:
    length = sum(
        len(line.times) * (1 + sum(len(t.text) for t in (*line.before, line.text, *line.behind)))
        for line in stamped
    )
    if length > MAX_CHARACTERS:
        raise LyricsError(
            f"The lyrics have {length} characters once each line stands as often as it has "
            f"timestamps; at most {MAX_CHARACTERS} are read, so paste fewer of them."
        )


def _with_pauses(placed: list[tuple[float, _Stamped]]) -> Iterator[Line]:
    """The lines, an empty one before them as long as the song has no words at its start."""
    first = next((n for n, (_, line) in enumerate(placed) if _is_sung(line.text)), len(placed))
    if first < len(placed) and placed[first][0] >= _SHORTEST_INTRO:
        time, line = placed[first]
        yield Line(text=line.text[:0], pause=time)
    lasts = _lengths(placed)
    steps = [
        length
        for length, (_, line) in zip(lasts, placed, strict=True)
        if length and not line.text.blank
    ]
    usual = median(steps) if steps else 0.0
    for number, (_, line) in enumerate(placed):
        yield from (Line(text=text) for text in line.before)
        pause = 0.0
        if line.text.blank:
            pause = lasts[number] if lasts[number] >= _SHORTEST_PAUSE else 0.0
        elif lasts[number] - usual >= _SHORTEST_UNSTATED_PAUSE:
            pause = round(lasts[number] - usual, 2)
        if number < first:
            pause = 0.0  # the intro holds it already
        if pause or not line.text.blank:  # else it only takes the line before off the screen
            yield Line(text=line.text, lasts=lasts[number], pause=pause)
        yield from (Line(text=text) for text in line.behind)


def _lengths(placed: list[tuple[float, _Stamped]]) -> list[float]:
    """Seconds until the next timestamp; 0 for the last line and for one more empty line."""
    lengths = [after - time for (time, _), (after, _) in pairwise(placed)]
    lengths.append(0.0)
    for number in range(len(placed) - 2, -1, -1):
        if placed[number][1].text.blank and placed[number + 1][1].text.blank:
            lengths[number] += lengths[number + 1]
            lengths[number + 1] = 0.0
    return [round(length, 2) for length in lengths[: len(placed)]]


def _is_sung(text: Traced) -> bool:
    return not text.blank and not is_heading(text)
