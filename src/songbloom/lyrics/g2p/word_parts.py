"""Building readings of unknown English words: letters, the ending 's, words within words."""

from functools import lru_cache
from typing import Any

from songbloom.lyrics.g2p.pronunciation import cmu_dictionary
from songbloom.lyrics.sections import LyricsError

_LONGEST_WORD = 100


def letter_names(letters: str) -> tuple[str, ...]:
    """Phonemes of lower-case letters read by their names; other signs stay silent."""
    names = ("EY1" if letter == "a" else cmu_dictionary().get(letter, "") for letter in letters)
    return tuple(" ".join(names).split())


def with_s(stem: tuple[str, ...]) -> tuple[str, ...]:
    """A word's phonemes with the ending 's."""
    if stem and stem[-1] in ("P", "T", "K", "F", "TH", "HH"):
        return (*stem, "S")
    if stem and stem[-1] in ("S", "Z", "SH", "ZH", "CH", "JH"):
        return (*stem, "AH0", "Z")
    return (*stem, "Z")


@lru_cache(maxsize=1)
def _segmenter() -> Any:
    from wordsegment import Segmenter

    segmenter = Segmenter()
    segmenter.load()
    return segmenter


@lru_cache(maxsize=16384)
def compound_parts(word: str) -> tuple[str, ...]:
    """A word as the likeliest run of words, by unigram and bigram counts; apostrophes vanish.

    Raises LyricsError for a word too long to be one: the search is as deep as the word is long.
    """
    if len(word) > _LONGEST_WORD:
        raise LyricsError(
            f"The lyrics hold a word of {len(word)} letters, {word[:20]}…; part it with spaces."
        )
    return tuple(_segmenter().segment(word))
