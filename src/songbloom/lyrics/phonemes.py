"""Lyrics to phoneme text: `released` as the published inference does it, `natural` better read.

`released` converts a lyric as the released models meet it at inference, faults included.
`natural` reads whole sentences, for models trained here.
"""

import re
import unicodedata
from functools import lru_cache
from typing import Literal

from songbloom.lyrics.g2p.natural import natural_sentence
from songbloom.lyrics.g2p.released import released_lyrics, released_text
from songbloom.lyrics.reading.reader import parse_lyrics
from songbloom.lyrics.reading.sentences import split_sentences
from songbloom.lyrics.sections import SECTION_TAGS, LyricsError
from songbloom.lyrics.structure import Lyrics
from songbloom.lyrics.vocabulary import Vocabulary

Mode = Literal["natural", "released"]

_TAG = re.compile(r"\[[^\[\]]*\]")
_PAUSE = re.compile(r"(?<! ), ")  # the comma between sections has a space before it


def phonemize(lyrics: Lyrics | str, mode: Mode = "natural", tag_seconds: float = 1.0) -> str:
    """Phoneme text in the canonical form, `[verse] AH0 M … . DH AE1 T … , [chorus] …`.

    Args:
        lyrics: lyrics, or a text that `parse_lyrics` reads.
        mode: how they are read.
        tag_seconds: for how long one tag stands in the model that is to sing them: 1 s in the
            150 s models, 5 s in the 240 s models.

    Raises:
        LyricsError: lyrics that `parse_lyrics` refuses, words or letters without a reading, a
            `tag_seconds` too low, an unknown mode.
    """
    if mode not in ("natural", "released"):
        raise LyricsError(f"The G2P mode is {mode!r}; it must be 'natural' or 'released'.")
    parsed = lyrics if isinstance(lyrics, Lyrics) else parse_lyrics(lyrics)
    canonical = parsed.canonical(tag_seconds)
    _check_scripts(canonical)
    if mode == "natural":
        return _natural(parsed, tag_seconds)
    if isinstance(lyrics, str) and _is_published_form(lyrics, parsed):
        return released_lyrics(lyrics, _released_symbols())
    # The released models know commas between sections alone: a pause becomes a sentence's end.
    return released_lyrics(_PAUSE.sub(". ", canonical), _released_symbols())


def phonemize_line(text: str, mode: Mode = "natural") -> str:
    """Phonemes of one line without tags; `released` converts the whole line as one piece."""
    if mode == "released":
        _check_scripts(text)
        return " ".join(released_text(text))
    sentences = split_sentences(text)
    _check_scripts("".join(sentences))
    return _sentences(sentences)


def _natural(lyrics: Lyrics, tag_seconds: float) -> str:
    sections = []
    for section in lyrics.sections:
        tags = " ".join([section.tag] * section.num_tags(tag_seconds))
        sections.append(f"{tags} {_sentences(section.sentences)}".rstrip())
    return " , ".join(sections)


def _sentences(sentences: tuple[str, ...]) -> str:
    """Natural phonemes of sentences; one without words vanishes."""
    spoken = (" ".join(natural_sentence(sentence)) for sentence in sentences)
    return " . ".join(filter(None, spoken))


def _is_published_form(text: str, parsed: Lyrics) -> bool:
    """Whether the published splitting on spaces finds every tag, and reading changed no letter."""
    sung = "".join(sentence for section in parsed.sections for sentence in section.sentences)
    return (
        text.lstrip(" ,.").startswith("[")
        and "\n" not in text
        and not any(_is_foreign(letter) for letter in text)
        and all(piece in SECTION_TAGS for piece in text.split(" ") if "[" in piece or "]" in piece)
        and _alphanumeric(_TAG.sub("", text)) == _alphanumeric(sung)
    )


def _alphanumeric(text: str) -> str:
    return "".join(filter(str.isalnum, text))


@lru_cache(maxsize=1)
def _released_symbols() -> frozenset[str]:
    return frozenset(Vocabulary.default().symbols)


def _is_foreign(letter: str) -> bool:
    """Whether neither front end reads a letter or digit, so that it would vanish silently."""
    return (
        not letter.isascii()
        and unicodedata.category(letter)[0] in "LN"
        and not unicodedata.name(letter, "").startswith(("CJK UNIFIED", "LATIN", "FULLWIDTH DIGIT"))
    )


def _check_scripts(text: str) -> None:
    """LyricsError for the first letter that neither front end reads."""
    foreign = next(filter(_is_foreign, text), None)
    if foreign is not None:
        raise LyricsError(
            f"The lyrics hold {foreign!r} ({unicodedata.name(foreign, 'unnamed')}); only English "
            "and Mandarin can be read, so write it in one of them."
        )
