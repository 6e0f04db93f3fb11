"""Puts a song's words in another order, so that they cannot be known by heart.

A few dozen renditions of a few songs can be recited: what was sung tells what comes next, and a
model that is trained on them has no use for the lyrics. Where the words change places, only the
lyrics tell. A word's place is taken by one of as many phonemes, so that what is sung at a moment
still stands at the same place of the lyrics.
"""

import zlib
from collections import defaultdict
from dataclasses import replace
from functools import cache

import numpy as np

from data_prep.demo_corpus.song import Song, Word
from songbloom.lyrics import phonemize_line

_STREAM = 1  # keeps these draws apart from those of the variant


def exchange_words(song: Song, seed: int) -> Song:
    """The song with its words exchanged among all places of as many syllables and phonemes."""
    rng = np.random.default_rng([zlib.crc32(song.key.encode()), seed, _STREAM])
    texts: dict[tuple[int, int], list[str]] = defaultdict(list)
    for section in song.sections.values():
        for word in section.words:
            texts[_lengths(word)].append(word.text)
    drawn = {lengths: iter(rng.permutation(group).tolist()) for lengths, group in texts.items()}
    return replace(
        song,
        sections={
            name: replace(
                section,
                words=tuple(
                    replace(word, text=next(drawn[_lengths(word)])) for word in section.words
                ),
            )
            for name, section in song.sections.items()
        },
    )


def _lengths(word: Word) -> tuple[int, int]:
    """How many syllables and phonemes a word has."""
    return len(word.syllables), _num_phonemes(word.text)


@cache
def _num_phonemes(text: str) -> int:
    return len(phonemize_line(text).split())
