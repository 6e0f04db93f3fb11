"""Section headings as people write them: `[Verse 1: Anna]`, `(Chorus x2)`, `间奏 8 秒`."""

import re
from dataclasses import dataclass

from songbloom.lyrics.reading.heading_names import KIND_OF, KIND_TAGS, QUALIFIERS, UNMISTAKABLE
from songbloom.lyrics.reading.lengths import take_length
from songbloom.lyrics.sections import SUNG_TAGS

_LONGEST = 80  # characters of a heading, its singers included
# Digits that tell which section is meant, as in `2nd Verse`, and what else could be a length.
_ORDINAL = re.compile(r"\d+(?:st|nd|rd|th)\b|第\s*\d+")
_UNREAD = re.compile(r"\d+(?:[.,:'\"]\d+)*|\b(?:seconds|secs?|minutes?|mins?)\b|分[钟鐘]|秒[钟鐘]?")
_TIMES = re.compile(r"(?<![a-z\d])(?:[x×*]\s*(\d{1,2})|(\d{1,2})[x×])(?![a-z\d])")
_NUMBER = re.compile(
    r"#?\d{1,2}|[ivx]{1,4}|[a-d]\d?|one|two|three|four|five|six|[一二三四五六七八九十]{1,2}"
)
# A number close behind Chinese, as in 主歌一 and 副歌2.
_CLOSE_NUMBER = re.compile(r"(?<=[歌奏段])(?=[\da-d一二三四五六七八九十])")
_HEAD_END = re.compile(r"\s[\-|]|[:|(,;/]")
_HYPHEN = re.compile(r"[-_.]")
# Where a name may stand among other words, as in `[Soft Verse 2]`.
_MOST_WORDS = 4
_TAIL = 24  # characters in which a repeat mark and the spaces around it have room
_REPEAT = re.compile(
    r"(?:(?P<round>\()|(?P<square>\[)|(?<!\S)|(?<=[)\]]))\s*(?:repeat )?"
    r"(?:[x×]\s?(\d{1,2})|(\d{1,2})[x×])\s*(?(round)\)|(?(square)\]))$",
    re.IGNORECASE,
)


@dataclass(frozen=True, kw_only=True)
class Heading:
    """What a heading says.

    Attributes:
        kind: a key of KIND_TAGS.
        number: its number as written, or nothing.
        times: how often its words are sung.
        seconds: its length, where one is given.
        unread: what could be a length, but was not understood as one.
        singers: what else stands behind the name, or nothing.
        unmistakable: whether the name is one that is never sung as a line of its own.
    """

    kind: str
    number: str = ""
    times: int = 1
    seconds: float | None = None
    unread: tuple[str, ...] = ()
    singers: str = ""
    unmistakable: bool = False

    @property
    def tag(self) -> str:
        """The section tag that it stands for."""
        return KIND_TAGS[self.kind]

    @property
    def sung(self) -> bool:
        """Whether words belong to it, so that it has no length of its own."""
        return self.tag in SUNG_TAGS


def split_repeat(text: str) -> tuple[int, int]:
    """How many characters stand before a mark such as `(x2)` at the end, and how often it says."""
    end = len(text.rstrip())
    start = max(0, end - _TAIL)
    match = _REPEAT.search(text[start:end])
    # Before a tail that is cut out of a longer text nothing is known to begin.
    if match is None or (start and not match.start()):
        return len(text), 1
    return start + match.start(), max(1, int(match[3] or match[4]))


def read_heading(content: str, *, lenient: bool) -> Heading | None:
    """What a heading without its brackets says, or nothing if it is none.

    Args:
        content: the text of the heading.
        lenient: whether other words may stand around the name, as in square brackets, where the
            writer meant a heading; else only a number and QUALIFIERS.
    """
    text = " ".join(content.split()).lower()
    if len(text) > _LONGEST:
        return None
    length = take_length(text)
    text = length.rest
    times = 1
    if match := _TIMES.search(text):
        times = max(1, int(match[1] or match[2]))
        text = f"{text[: match.start()]} {text[match.end() :]}"
    end = match.start() if (match := _HEAD_END.search(text)) else len(text)
    words = _words(text[:end])
    named = _name(words)
    if named is None and lenient:
        named = _name_among(words) or _name_among(_words(_HEAD_END.sub(" ", text)))
    if named is None:
        return None
    name, number = named
    return Heading(
        kind=KIND_OF[name],
        number=number,
        times=times,
        seconds=length.seconds,
        unread=(*length.unread, *_unread(text, name, number)),
        singers=text[end:].strip(" :|(),;/-."),
        unmistakable=name in UNMISTAKABLE,
    )


def _unread(text: str, name: str, number: str) -> list[str]:
    """Digits and units of a heading that are not those of its name and number."""
    found = _UNREAD.findall(_ORDINAL.sub(" ", text))
    for used in re.findall(r"\d+", f"{name} {number}"):
        if used in found:
            found.remove(used)
    return found


def _words(text: str) -> list[str]:
    return _CLOSE_NUMBER.sub(" ", _HYPHEN.sub(" ", text)).split()


def _name(words: list[str]) -> tuple[str, str] | None:
    """Name and number, where nothing but qualifiers stand with them."""
    number = ""
    if " ".join(words) not in KIND_OF and len(words) > 1 and _NUMBER.fullmatch(words[-1]):
        *words, number = words
    for size in (2, 1):
        name = " ".join(words[-size:])
        if name in KIND_OF and set(words[:-size]) <= QUALIFIERS:
            return name, number
    return None


def _name_among(words: list[str]) -> tuple[str, str] | None:
    """Name and number, where a few other words stand around or close to them.

    A name that could be sung, as in `[break my heart]`, must be the last word.
    """
    if len(words) > _MOST_WORDS:
        return None
    for end in range(len(words), 0, -1):
        for size in (2, 1):
            name = " ".join(words[max(0, end - size) : end])
            if name in UNMISTAKABLE or (name in KIND_OF and end == len(words)):
                number = words[end] if end < len(words) else ""
                return name, number if _NUMBER.fullmatch(number) else ""
    found = [name for name in UNMISTAKABLE if not name.isascii() and name in "".join(words)]
    return (max(found, key=len), "") if found else None
