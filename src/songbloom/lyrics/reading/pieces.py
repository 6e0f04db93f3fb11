"""The lines of a lyric as its pieces: headings, words, pauses and repeats."""

import difflib
import re
from collections.abc import Iterator
from dataclasses import dataclass, replace

from songbloom.lyrics.reading.changes import Notes
from songbloom.lyrics.reading.heading_lines import line_heading
from songbloom.lyrics.reading.headings import Heading, read_heading, split_repeat
from songbloom.lyrics.reading.lines import Line
from songbloom.lyrics.reading.sentences import has_words
from songbloom.lyrics.reading.traced import Traced
from songbloom.lyrics.sections import MAX_SECONDS, SECTION_TAGS, LyricsError

_BRACKETS = re.compile(r"\[([^\[\]]*)\]")
_STRAY_BRACKET = re.compile(r"[\[\]]")
_AD_LIB = re.compile(r"\(([^()]*)\)[,.!?]*")
_SENTENCE_SIGNS = set(" .,!?;:")
_SHORTEST_TIMED_HEADING = 2.0
_LONGEST_SHOWN = 40
_MOST_UNREAD = 4


@dataclass(frozen=True)
class Tag:
    """The begin of a section, with the index at which its heading was pasted.

    A timed one has its length from timestamps, so that the words behind it are not its own.
    """

    heading: Heading
    origin: int
    timed: bool = False


@dataclass(frozen=True)
class Words:
    """Words up to a line end or a tag, maybe none; a line of words ends with a line break."""

    text: str
    origin: int


@dataclass(frozen=True)
class Pause:
    """Seconds in which nobody sings."""

    seconds: float
    origin: int


@dataclass(frozen=True)
class Again:
    """The words of the section so far are sung so many times in all."""

    times: int
    origin: int


Piece = Tag | Words | Pause | Again


def read_pieces(lines: list[Line], notes: Notes, *, repeats: bool) -> Iterator[Piece]:
    """The pieces of all lines in order.

    Args:
        lines: the lines, without timestamps.
        notes: takes the changes.
        repeats: whether `(x2)` at the end of a line repeats it, as in pasted text; in the
            canonical form it is words.

    Raises:
        LyricsError: an unknown tag, a bracket without its partner, or a length out of range.
    """
    for line in lines:
        text, times = line.text, 1
        if repeats and not text.blank:
            end, times = split_repeat(text.text)
            text = text[:end]
        found = None if text.blank else line_heading(text)
        if found:
            heading, shown, words = found
            heading = replace(heading, times=heading.times * (times if words.blank else 1))
            timed = not heading.sung and line.lasts >= _SHORTEST_TIMED_HEADING
            if timed and heading.seconds is None:
                heading = replace(heading, seconds=line.lasts, times=1)
            tag = _tag(heading, shown.text, text.strip().origin, notes)
            yield replace(tag, timed=timed and words.blank)
            yield from _words(words, 1 if words.blank else times, notes)
        elif times > 1 and not has_words(text.text):
            notes.add(line.text.strip().origin, f"the words before sung {times} times")
            yield Again(times, line.text.origin)
        else:
            yield from _inline(_without_signs(_without_ad_lib(text, notes), notes), times, notes)
        if line.pause and (text.blank or not found or found[0].sung):
            yield Pause(line.pause, line.text.origin)


def _inline(text: Traced, times: int, notes: Notes) -> Iterator[Piece]:
    """A line in which tags may stand."""
    place = 0
    for match in _BRACKETS.finditer(text.text):
        yield from _words(text[place : match.start()], 1, notes, line_end="")
        heading = read_heading(match[1], lenient=True)
        origin = text.origins[match.start()]
        if heading is None:
            raise LyricsError(_unknown(match.group(), notes.position(origin)))
        yield _tag(heading, match.group(), origin, notes)
        place = match.end()
    yield from _words(text[place:], times, notes)


def _words(text: Traced, times: int, notes: Notes, line_end: str = "\n") -> Iterator[Words]:
    if stray := _STRAY_BRACKET.search(text.text):
        position = notes.position(text.origins[stray.start()])
        raise LyricsError(
            f"The bracket {stray.group()} at {position} has no partner on its line; close the tag, "
            "or remove the bracket."
        )
    if times > 1:
        notes.add(text.strip().origin, f"{shortened(text.text)!r} sung {times} times")
    for _ in range(times):
        yield Words(text.text + line_end, text.strip().origin)


def _without_ad_lib(text: Traced, notes: Notes) -> Traced:
    """A line that stands in parentheses as a whole, without them."""
    line = text.strip()
    match = _AD_LIB.fullmatch(line.text)
    if match is None or not match[1].strip():
        return text
    notes.count(line.origin, "line in parentheses read as words")
    return line[slice(*match.span(1))]


def _without_signs(text: Traced, notes: Notes) -> Traced:
    """A line; an empty one in place of `-----` and the like."""
    if text.blank or has_words(text.text) or _STRAY_BRACKET.search(text.text):
        return text
    if not set(text.text) <= _SENTENCE_SIGNS:
        notes.count(text.strip().origin, "line of signs read as an empty line")
    return text[:0]


def _tag(heading: Heading, written: str, origin: int, notes: Notes) -> Tag:
    """The tag of a heading; whatever of it the tag does not say is noted."""
    name = shortened(written.strip("[] "))
    seconds = heading.seconds
    whole = (seconds or 0) * (1 if heading.sung else heading.times)
    if seconds is not None and not 0 < whole <= MAX_SECONDS:
        raise LyricsError(
            f"The heading {name!r} at {notes.position(origin)} gives {whole:g} s; a section "
            f"lasts more than 0 and at most {MAX_SECONDS} s."
        )
    what = f"heading {name!r} read as {heading.tag}"
    if heading.sung and seconds is not None:
        what += ", its length is left to its words"
        heading = replace(heading, seconds=None)
    elif seconds is not None:
        what += f" of {seconds:g} s"
    if heading.times > 1:
        what += f", {heading.times} times"
    if heading.unread:
        what += f", {not_understood(heading.unread)}"
    own_tag = written[:1] == "[" and f"[{written[1:-1].strip().lower()}]" in SECTION_TAGS
    if not own_tag or heading.unread or seconds is not None or heading.times > 1:
        notes.add(origin, what)
    return Tag(heading, origin)


def not_understood(unread: tuple[str, ...]) -> str:
    """What is told about times and digits that could be a length."""
    shown = ", ".join(repr(part) for part in unread[:_MOST_UNREAD])
    return f"{shown} not understood as a length"


def _unknown(tag: str, place: object) -> str:
    close = difflib.get_close_matches(tag.lower(), SECTION_TAGS, n=1) if len(tag) < 20 else []
    hint = f"did you mean {close[0]}? " if close else ""
    return (
        f"Unknown section tag {shortened(tag)} at {place}; {hint}"
        f"known tags: {', '.join(SECTION_TAGS)}."
    )


def shortened(text: str) -> str:
    """The start of a text on one line."""
    text = " ".join(text.split())
    return text if len(text) <= _LONGEST_SHOWN else f"{text[: _LONGEST_SHOWN - 1]}…"
