"""What a codebook is worth: how evenly it is used, how predictable it is, what its codes tell.

Entropies are in nats.
"""

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

_BIGRAM_STRENGTH = 3.0
_LABEL_STRENGTH = 5.0


@dataclass(frozen=True, kw_only=True)
class CodebookUsage:
    """How the codes of songs are used.

    Attributes:
        counts: (V,) occurrences of each code.
        entropy: Of the codes, each by itself.
        perplexity: Codes that, used evenly, would have that entropy.
        dead_codes: Codes that never occur.
        repeats: Share of frames whose code is that of the frame before.
    """

    counts: NDArray[np.int64]
    entropy: float
    perplexity: float
    dead_codes: int
    repeats: float


def codebook_usage(songs: Sequence[NDArray[np.int64]], num_codes: int) -> CodebookUsage:
    """Measure the usage of a codebook by the codes (T,) of songs."""
    counts = np.bincount(np.concatenate(songs), minlength=num_codes)
    shares = counts[counts > 0] / counts.sum()
    entropy = float(-(shares * np.log(shares)).sum())
    same = np.concatenate([song[1:] == song[:-1] for song in songs])
    return CodebookUsage(
        counts=counts,
        entropy=entropy,
        perplexity=float(np.exp(entropy)),
        dead_codes=int((counts == 0).sum()),
        repeats=float(same.mean()),
    )


def bigram_cross_entropy(
    train: Sequence[NDArray[np.int64]], held_out: Sequence[NDArray[np.int64]], num_codes: int
) -> float:
    """Cross-entropy of held-out codes under a bigram model of the training ones.

    The bigram counts are smoothed by the unigram distribution.
    """
    unigram = np.bincount(np.concatenate(train), minlength=num_codes) + 0.5
    unigram /= unigram.sum()
    pairs = np.zeros((num_codes, num_codes))
    for song in train:
        np.add.at(pairs, (song[:-1], song[1:]), 1)
    bigram = pairs + _BIGRAM_STRENGTH * unigram
    bigram /= bigram.sum(1, keepdims=True)
    likelihoods = np.concatenate([bigram[song[:-1], song[1:]] for song in held_out])
    return float(-np.log(likelihoods).mean())


def label_information(
    train: tuple[NDArray[np.int64], Sequence[str]],
    held_out: tuple[NDArray[np.int64], Sequence[str]],
    num_codes: int,
) -> tuple[float, float]:
    """Return what a code tells about a frame's label on held-out songs, and what there is to tell.

    Each argument is the codes (N,) and the labels of N frames. The second number is the
    cross-entropy of the labels under their overall shares, the first how much of it the shares
    given the code take away. Shares are learnt from `train`, so too many codes, or codes that do
    not carry over to other songs, cost.
    """
    names, indices = np.unique([*train[1], *held_out[1]], return_inverse=True)
    seen, tested = np.split(indices, [len(train[1])])
    counts = np.zeros((num_codes, len(names)))
    np.add.at(counts, (train[0], seen), 1)
    prior = (counts.sum(0) + 1) / (counts.sum() + len(names))
    given = counts + _LABEL_STRENGTH * prior
    given /= given.sum(1, keepdims=True)
    told = -np.log(given[held_out[0], tested]).mean()
    untold = -np.log(prior[tested]).mean()
    return float(untold - told), float(untold)
