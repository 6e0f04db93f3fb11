"""Lyrics to phoneme text: `released` as the published inference does it, `natural` better read.

`released` converts a lyric as the released models meet it at inference, faults included.
`natural` reads whole sentences, for models trained here.
"""

import unicodedata
from functools import lru_cache
from typing import Literal

from songbloom.lyrics.g2p.natural import natural_sentence
from songbloom.lyrics.g2p.released import released_lyrics, released_text
from songbloom.lyrics.sections import SECTION_TAGS, LyricsError
from songbloom.lyrics.structure import Lyrics, parse_lyrics, split_sentences
from songbloom.lyrics.vocabulary import Vocabulary

Mode = Literal["natural", "released"]


def phonemize(lyrics: Lyrics | str, mode: Mode = "natural") -> str:
    """Phoneme text in the canonical form, `[verse] AH0 M … . DH AE1 T … , [chorus] …`.

    Raises LyricsError for lyrics that `parse_lyrics` refuses and for scripts without a G2P.
    """
    if mode not in ("natural", "released"):
        raise LyricsError(f"The G2P mode is {mode!r}; it must be 'natural' or 'released'.")
    parsed = lyrics if isinstance(lyrics, Lyrics) else parse_lyrics(lyrics)
    _check_scripts(parsed.canonical())
    if mode == "natural":
        return _natural(parsed)
    text = lyrics if isinstance(lyrics, str) and _is_published_form(lyrics) else parsed.canonical()
    return released_lyrics(text, _released_symbols())


def phonemize_line(text: str, mode: Mode = "natural") -> str:
    """Phonemes of one line without tags; `released` converts the whole line as one piece."""
    if mode == "released":
        _check_scripts(text)
        return " ".join(released_text(text))
    sentences = split_sentences(text)
    _check_scripts("".join(sentences))
    return _sentences(sentences)


def _natural(lyrics: Lyrics) -> str:
    sections = []
    for section in lyrics.sections:
        tags = " ".join([section.tag] * section.repeats)
        sections.append(f"{tags} {_sentences(section.sentences)}".rstrip())
    return " , ".join(sections)


def _sentences(sentences: tuple[str, ...]) -> str:
    """Natural phonemes of sentences; one without words vanishes."""
    spoken = (" ".join(natural_sentence(sentence)) for sentence in sentences)
    return " . ".join(filter(None, spoken))


def _is_published_form(text: str) -> bool:
    """Whether the published splitting on spaces finds every tag, and no letter gets lost."""
    return (
        "\n" not in text
        and not any(_is_foreign(letter) for letter in text)
        and all(piece in SECTION_TAGS for piece in text.split(" ") if "[" in piece or "]" in piece)
    )


@lru_cache(maxsize=1)
def _released_symbols() -> frozenset[str]:
    return frozenset(Vocabulary.default().symbols)


def _is_foreign(letter: str) -> bool:
    """Whether neither front end reads a letter, so that it would vanish silently."""
    return (
        not letter.isascii()
        and unicodedata.category(letter).startswith("L")
        and not unicodedata.name(letter, "").startswith(("CJK UNIFIED", "LATIN"))
    )


def _check_scripts(text: str) -> None:
    """LyricsError for the first letter that neither front end reads."""
    foreign = next(filter(_is_foreign, text), None)
    if foreign is not None:
        raise LyricsError(
            f"The lyrics hold {foreign!r} ({unicodedata.name(foreign, 'unnamed')}); only English "
            "and Mandarin can be read, so write it in one of them."
        )
