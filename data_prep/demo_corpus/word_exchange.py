"""Puts a song's words in another order, so that they cannot be known by heart.

A few dozen renditions of a few songs can be recited: what was sung tells what comes next, and a
model that is trained on them has no use for the lyrics. Where the words change places, only the
lyrics tell.
"""

import zlib
from collections import defaultdict
from dataclasses import replace

import numpy as np

from data_prep.demo_corpus.song import Song

_STREAM = 1  # keeps these draws apart from those of the variant


def exchange_words(song: Song, seed: int) -> Song:
    """The song with its words exchanged among all places of as many syllables."""
    rng = np.random.default_rng([zlib.crc32(song.key.encode()), seed, _STREAM])
    texts: dict[int, list[str]] = defaultdict(list)
    for section in song.sections.values():
        for word in section.words:
            texts[len(word.syllables)].append(word.text)
    drawn = {count: iter(rng.permutation(group).tolist()) for count, group in texts.items()}
    return replace(
        song,
        sections={
            name: replace(
                section,
                words=tuple(
                    replace(word, text=next(drawn[len(word.syllables)])) for word in section.words
                ),
            )
            for name, section in song.sections.items()
        },
    )
