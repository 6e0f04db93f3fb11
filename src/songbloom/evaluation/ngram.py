"""Baselines of the sketch: unigram entropy and a smoothed bigram model of the tokens."""

from collections.abc import Iterable, Sequence

import numpy as np
from numpy.typing import NDArray

Tokens = NDArray[np.int64]


def unigram_entropy(songs: Iterable[Tokens], num_codes: int) -> float:
    """Entropy in nats of the codes' frequencies over all songs (each (T,))."""
    counts = np.bincount(np.concatenate(list(songs)), minlength=num_codes)
    frequency = counts[counts > 0] / counts.sum()
    return float(-(frequency * np.log(frequency)).sum())


class BigramModel:
    """p(b | a) = λ·count(a b)/count(a) + (1 - λ)·p(b), with p(b) smoothed by adding one.

    The weight λ (Jelinek-Mercer) is the one of a grid that serves the validation songs best.

    Args:
        train: songs to count, each (T,).
        validation: songs to choose λ on.
        num_codes: V.
    """

    GRID = (0.3, 0.5, 0.6, 0.7, 0.8, 0.85, 0.9, 0.95, 0.98)

    def __init__(
        self, train: Sequence[Tokens], validation: Sequence[Tokens], num_codes: int
    ) -> None:
        unigram = np.bincount(np.concatenate(train), minlength=num_codes) + 1.0
        self._unigram = unigram / unigram.sum()
        pairs = np.zeros((num_codes, num_codes))
        for song in train:
            np.add.at(pairs, (song[:-1], song[1:]), 1)
        self._conditional = pairs / np.maximum(pairs.sum(1, keepdims=True), 1)
        self.weight = min(self.GRID, key=lambda weight: self._mean_nats(validation, weight))

    def cross_entropy(self, songs: Sequence[Tokens]) -> float:
        """Mean nats a token of songs (each (T,)); a song's first token is told by the unigram."""
        return self._mean_nats(songs, self.weight)

    def _mean_nats(self, songs: Sequence[Tokens], weight: float) -> float:
        nats, count = 0.0, 0
        for song in songs:
            before, after = song[:-1], song[1:]
            smoothed = weight * self._conditional[before, after]
            probability = smoothed + (1 - weight) * self._unigram[after]
            nats -= np.log(probability).sum() + np.log(self._unigram[song[0]])
            count += len(song)
        return nats / count
