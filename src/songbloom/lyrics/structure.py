"""Structured lyrics: sections of sentences, read from pasted text and written canonically.

The canonical form is the published one, `[intro] [intro] , [verse] line. line , [chorus] line`:
tags open sections, a repeated tag prolongs a section, `.` parts sentences, ` , ` parts sections.
"""

import difflib
import re
from dataclasses import dataclass

from songbloom.lyrics.sections import SECTION_TAGS, LyricsError

# Full-width signs, letters and digits, then what is written in more ways than one.
_PUNCTUATION: dict[int, str | None] = {code: chr(code - 0xFEE0) for code in range(0xFF01, 0xFF5F)}
_PUNCTUATION |= str.maketrans(
    {
        "。": ".",
        "｡": ".",
        "…": ".",
        "、": ",",
        "【": "[",
        "】": "]",
        "‘": "'",
        "’": "'",
        "ʼ": "'",
        "“": '"',
        "”": '"',
        "–": "-",
        "—": " ",
        "〇": "零",
        "\u00a0": " ",
        "\u3000": " ",
        "\u200b": None,
        "\ufeff": None,
    }
)
_TAG = re.compile(r"\[([^\[\]\n]*)\]")
_ABBREVIATION = re.compile(r"\b(mr|mrs|ms|dr|st|jr|sr|vs)\.(?=\s)", re.IGNORECASE)
_INITIALISM = re.compile(r"\b(?:[A-Za-z]\.){2,}")
_COMMA = re.compile(r"\s*,(?!\d)[\s,]*")
# A period ends a sentence, save between two digits (3.14).
_SENTENCE_END = re.compile(r"[!?\n]|\.(?!(?<=\d\.)\d)")


@dataclass(frozen=True, kw_only=True)
class Section:
    """A section: its tag, how often the tag stands (a length without words), its sentences."""

    tag: str
    sentences: tuple[str, ...] = ()
    repeats: int = 1

    def __post_init__(self) -> None:
        if self.tag not in SECTION_TAGS:
            raise LyricsError(
                f"Section.tag is {self.tag!r}; it must be one of {', '.join(SECTION_TAGS)}."
            )
        if self.repeats < 1:
            raise LyricsError(f"Section.repeats is {self.repeats}; it must be at least 1.")
        for sentence in self.sentences:
            if not sentence.strip() or _TAG.search(sentence):
                raise LyricsError(
                    f"Section.sentences holds {sentence!r}; a sentence has words and no tag."
                )

    def canonical(self) -> str:
        """The tag as often as it stands, then the sentences parted by `. `."""
        return " ".join([self.tag] * self.repeats + [". ".join(self.sentences)]).rstrip()


@dataclass(frozen=True, kw_only=True)
class Lyrics:
    """A song's text: at least one section."""

    sections: tuple[Section, ...]

    def __post_init__(self) -> None:
        if not self.sections:
            raise LyricsError("Lyrics.sections is empty; a lyric needs at least one section.")

    def canonical(self) -> str:
        """The published form, which `parse_lyrics` reads back to an equal value."""
        return " , ".join(section.canonical() for section in self.sections)


def parse_lyrics(text: str) -> Lyrics:
    """Read structured lyrics, canonical or with a section or a sentence on each line.

    Chinese and typographic punctuation is normalised; a line break, `!` and `?` end a sentence
    as `.` does. Raises LyricsError for empty text, an unknown tag, or text before the first tag.
    """
    text = _normal_punctuation(text)
    if not text.strip():
        raise LyricsError("The lyrics are empty; write at least one section, such as [verse] la.")
    tags = list(_TAG.finditer(text))
    lead = text[: tags[0].start()] if tags else text
    if lead.strip(" \n\t,."):
        raise LyricsError(
            f"The lyrics begin with {_excerpt(lead)!r} before any section tag; "
            f"put one of {', '.join(SECTION_TAGS)} before it."
        )
    if not tags:
        raise LyricsError(f"The lyrics hold no section; use {', '.join(SECTION_TAGS)}.")
    sections: list[Section] = []
    parted = True  # a comma or a line break stood between the last tag and this one
    for match, following in zip(tags, [*tags[1:], None], strict=True):
        tag = _known_tag(match, text)
        body = text[match.end() : following.start() if following else len(text)]
        if not parted and sections[-1].tag == tag and not sections[-1].sentences:
            repeats = sections.pop().repeats + 1
        else:
            repeats = 1
        sections.append(Section(tag=tag, sentences=split_sentences(body), repeats=repeats))
        parted = bool(body.strip(" \t\n")) or "\n\n" in body
    return Lyrics(sections=tuple(sections))


def split_sentences(text: str) -> tuple[str, ...]:
    """The sentences of a text without tags, without their ends and stray commas."""
    text = _ABBREVIATION.sub(r"\1", _normal_punctuation(text))
    text = _INITIALISM.sub(lambda match: match.group().replace(".", ""), text)
    pieces = (" ".join(piece.split()).strip(" ,;:") for piece in _SENTENCE_END.split(text))
    return tuple(_COMMA.sub(", ", piece) for piece in pieces if piece)


def _normal_punctuation(text: str) -> str:
    """One kind of line end, quote, bracket and comma."""
    return text.replace("\r\n", "\n").replace("\r", "\n").translate(_PUNCTUATION)


def _known_tag(match: re.Match[str], text: str) -> str:
    """The tag that a match names, whatever its case; LyricsError if there is none such."""
    tag = f"[{match.group(1).strip().lower()}]"
    if tag in SECTION_TAGS:
        return tag
    line = text.count("\n", 0, match.start()) + 1
    column = match.start() - text.rfind("\n", 0, match.start())
    close = difflib.get_close_matches(tag, SECTION_TAGS, n=1)
    hint = f"did you mean {close[0]}? " if close else ""
    raise LyricsError(
        f"Unknown section tag {match.group()} at line {line}, column {column}; "
        f"{hint}known tags: {', '.join(SECTION_TAGS)}."
    )


def _excerpt(text: str, width: int = 30) -> str:
    """The start of a text on one line."""
    line = " ".join(text.split())
    return line if len(line) <= width else line[: width - 1] + "…"
