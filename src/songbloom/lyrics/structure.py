"""Structured lyrics: sections of sentences, written canonically.

The canonical form is the published one, `[intro] [intro] , [verse] line. line , [chorus] line`:
tags open sections, a repeated tag prolongs a section, `.` parts sentences, ` , ` parts sections.
"""

import re
from dataclasses import dataclass, field

from songbloom.lyrics.reading.changes import Position
from songbloom.lyrics.reading.lengths import bare_length
from songbloom.lyrics.reading.sentences import has_words, join_sentences
from songbloom.lyrics.sections import (
    MAX_CHARACTERS,
    MAX_SECONDS,
    MIN_TAG_SECONDS,
    SECTION_TAGS,
    SUNG_TAGS,
    LyricsError,
)

_TAG = re.compile(r"\[[^\[\]\n]*\]")


def is_length(tag: str, sentences: tuple[str, ...]) -> bool:
    """Whether a section without words holds its length in their place, as in `[intro] 10s`."""
    return tag not in SUNG_TAGS and len(set(sentences)) == 1 and bool(bare_length(sentences[0]))


@dataclass(frozen=True, kw_only=True)
class Section:
    """A section of a lyric.

    Attributes:
        tag: one of SECTION_TAGS.
        sentences: its words.
        repeats: how often the tag stands, or how often `seconds` pass.
        seconds: the length of a section that is not sung, where it was given.
        position: where its tag, or what stood for it, was pasted.

    Raises:
        LyricsError: one of them is not what it should be.
    """

    tag: str
    sentences: tuple[str, ...] = ()
    repeats: int = 1
    seconds: float | None = None
    position: Position | None = field(default=None, compare=False)

    def __post_init__(self) -> None:
        if self.tag not in SECTION_TAGS:
            raise LyricsError(
                f"Section.tag is {self.tag!r}; it must be one of {', '.join(SECTION_TAGS)}."
            )
        if self.repeats < 1:
            raise LyricsError(f"Section.repeats is {self.repeats}; it must be at least 1.")
        if self.seconds is not None and not 0 < self.seconds * self.repeats <= MAX_SECONDS:
            raise LyricsError(
                f"Section.seconds is {self.seconds:g}, {self.repeats} times; in all it must be "
                f"above 0 and at most {MAX_SECONDS}."
            )
        if self.seconds is not None and self.tag in SUNG_TAGS:
            raise LyricsError(
                f"Section.seconds is {self.seconds:g} for {self.tag}; a model takes the length of "
                "sung sections from their words, so leave it out."
            )
        for sentence in self.sentences:
            if not has_words(sentence) or _TAG.search(sentence):
                raise LyricsError(
                    f"Section.sentences holds {sentence!r}; a sentence has words and no tag."
                )

        if is_length(self.tag, self.sentences):
            raise LyricsError(
                f"Section.sentences of {self.tag} is the length {self.sentences[0]!r}; give it as "
                "Section.seconds."
            )

    def num_tags(self, tag_seconds: float = 1.0) -> int:
        """How often the tag stands for a model to which one tag means that many seconds.

        Raises:
            LyricsError: `tag_seconds` is below MIN_TAG_SECONDS.
        """
        if not tag_seconds >= MIN_TAG_SECONDS:
            raise LyricsError(
                f"tag_seconds is {tag_seconds:g}; it must be at least {MIN_TAG_SECONDS:g}."
            )
        if self.seconds is None:
            return self.repeats
        return max(1, round(self.seconds * self.repeats / tag_seconds))

    def canonical(self, tag_seconds: float = 1.0) -> str:
        """The tag as often as it stands, then the sentences parted by `. `."""
        tags = [self.tag] * self.num_tags(tag_seconds)
        return " ".join([*tags, join_sentences(self.sentences)]).rstrip()


@dataclass(frozen=True, kw_only=True)
class Lyrics:
    """A song's text: at least one section.

    Raises:
        LyricsError: there is none.
    """

    sections: tuple[Section, ...]

    def __post_init__(self) -> None:
        if not self.sections:
            raise LyricsError("Lyrics.sections is empty; a lyric needs at least one section.")

    def canonical(self, tag_seconds: float = 1.0) -> str:
        """The published form for a model to which one tag means that many seconds.

        `parse_lyrics` reads it back to an equal value, save that tags take the place of seconds.

        Raises:
            LyricsError: `tag_seconds` is below MIN_TAG_SECONDS, or so low for lyrics so long that
                there would be more than MAX_CHARACTERS tags.
        """
        num_tags = sum(section.num_tags(tag_seconds) for section in self.sections)
        if num_tags > MAX_CHARACTERS:
            raise LyricsError(
                f"The lyrics have {num_tags} tags of {tag_seconds:g} s; at most {MAX_CHARACTERS} "
                "can be written, so shorten the sections without words."
            )
        return " , ".join(section.canonical(tag_seconds) for section in self.sections)
