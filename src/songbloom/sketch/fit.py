"""Fits sketch tokenisers: a projection of what a frame sounds like, and the centroids in it.

Shapes: N frames, I inputs, E embedding, Q dimensions, V codes.
"""

from collections.abc import Callable, Sequence

import numpy as np
import torch
from torch import Tensor
from torch.nn import functional as F

from songbloom.sketch.base import nearest
from songbloom.sketch.kmeans import (
    KMeansConfig,
    KMeansTokenizer,
    embed_pitch,
    with_context,
)
from songbloom.sketch.muq import MuQConfig

_SEEDING_POINTS = 40_000
_RIDGE = 1e-2
_MIN_CLASS_FRAMES = 20


def fit_tokenizer(
    config: KMeansConfig,
    cepstra: Sequence[Tensor],
    pitch_classes: Sequence[Tensor],
    labels: Sequence[Sequence[str]] | None,
    *,
    seed: int = 0,
    num_iterations: int = 40,
    on_iteration: Callable[[float], None] | None = None,
) -> KMeansTokenizer:
    """Fit a tokeniser to the features of songs: cepstra (T, M) and pitch classes (T, 12) of each.

    `labels` name what each frame holds, a phoneme for instance: the projection then keeps what
    tells labels apart and drops what varies within one, such as voice and accompaniment
    (linear discriminant analysis). Without labels it whitens (principal components).
    """
    inputs = torch.cat([with_context(song[None], config.context)[0] for song in cepstra])
    if labels is None:
        mean, projection = whitening(inputs, config.num_timbre)
    else:
        names = np.concatenate([np.asarray(song, dtype=str) for song in labels])
        mean, projection = discriminants(inputs, names, config.num_timbre)
    pitch = embed_pitch(torch.cat(list(pitch_classes)), config)
    points = torch.cat([(inputs - mean) @ projection, pitch], 1)
    tokenizer = KMeansTokenizer(config)
    centroids = kmeans(points, config.num_codes, seed, num_iterations, on_iteration)
    tokenizer.load_state_dict({"mean": mean, "projection": projection, "centroids": centroids})
    return tokenizer


def whitening(inputs: Tensor, num_dimensions: int) -> tuple[Tensor, Tensor]:
    """Return the mean (I,) and the principal components (I, Q), scaled to unit variance."""
    mean = inputs.mean(0)
    values, vectors = torch.linalg.eigh(torch.cov(inputs.T))
    chosen = vectors[:, -num_dimensions:].flip(1)
    return mean, chosen / values[-num_dimensions:].flip(0).clamp(min=1e-8).sqrt()


def discriminants(inputs: Tensor, labels: np.ndarray, num_dimensions: int) -> tuple[Tensor, Tensor]:
    """Return the mean (I,) and the directions (I, Q) that tell labels best apart (Fisher 1936).

    Along each the frames of one label have unit variance. Labels of few frames are left out.
    """
    mean = inputs.mean(0)
    within = torch.zeros(inputs.shape[1], inputs.shape[1])
    between = torch.zeros_like(within)
    for label in np.unique(labels):
        frames = inputs[torch.from_numpy(labels == label)]
        if len(frames) < _MIN_CLASS_FRAMES:
            continue
        deviations = frames - frames.mean(0)
        within += deviations.T @ deviations / len(inputs)
        offset = frames.mean(0) - mean
        between += torch.outer(offset, offset) * len(frames) / len(inputs)
    within += _RIDGE * within.diagonal().mean() * torch.eye(len(within))
    inverse = torch.linalg.inv(torch.linalg.cholesky(within))
    _, vectors = torch.linalg.eigh(inverse @ between @ inverse.T)
    return mean, inverse.T @ vectors[:, -num_dimensions:].flip(1)


def kmeans(
    points: Tensor,
    num_codes: int,
    seed: int,
    num_iterations: int,
    on_iteration: Callable[[float], None] | None = None,
) -> Tensor:
    """Return centroids (V, Q) of points (N, Q): k-means++ seeding, then Lloyd's iterations.

    `on_iteration` is given the mean squared distance. A centroid that loses all its points is
    put on one of the points that lie farthest from theirs.

    Raises:
        ValueError: If there are fewer points than codes.
    """
    if len(points) < num_codes:
        raise ValueError(
            f"num_codes is {num_codes}, but there are only {len(points)} frames; give more audio."
        )
    generator = torch.Generator().manual_seed(seed)
    centroids = _seed_centroids(points, num_codes, generator)
    for _ in range(num_iterations):
        codes = nearest(points, centroids)
        distances = (points - centroids[codes]).square().sum(1)
        counts = torch.bincount(codes, minlength=num_codes)
        sums = torch.zeros_like(centroids).index_add_(0, codes, points)
        moved = sums / counts[:, None].clamp(min=1)
        empty = (counts == 0).nonzero()[:, 0]
        moved[empty] = points[distances.topk(len(empty)).indices]
        converged = torch.equal(moved, centroids)
        centroids = moved
        if on_iteration is not None:
            on_iteration(distances.mean().item())
        if converged:
            break
    return centroids


def _seed_centroids(points: Tensor, num_codes: int, generator: torch.Generator) -> Tensor:
    """k-means++ (Arthur and Vassilvitskii 2007) on a sample of the points."""
    order = torch.randperm(len(points), generator=generator)
    sample = points[order[: max(_SEEDING_POINTS, num_codes)]]
    chosen = [0]
    distances = (sample - sample[0]).square().sum(1)
    for _ in range(num_codes - 1):
        # Equal points would leave no distance to draw by.
        weights = distances + 1e-12
        chosen.append(int(torch.multinomial(weights, 1, generator=generator)))
        distances = torch.minimum(distances, (sample - sample[chosen[-1]]).square().sum(1))
    return sample[chosen]


def fit_muq_quantizer(
    config: MuQConfig,
    embeddings: Tensor,
    *,
    seed: int = 0,
    num_iterations: int = 40,
    on_iteration: Callable[[float], None] | None = None,
) -> dict[str, Tensor]:
    """Fit the quantiser of MuQ embeddings (N, E): whitened to Q dimensions, then k-means.

    Returns what `MuQTokenizer.load_quantizer` takes.
    """
    mean, projection = whitening(embeddings, config.codebook_dim)
    bias = -mean @ projection
    points = embeddings @ projection + bias
    if config.normalise:
        points = F.normalize(points, dim=-1)
    codebook = kmeans(points, config.num_codes, seed, num_iterations, on_iteration)
    return {"projection": projection.T.contiguous(), "bias": bias, "codebook": codebook}
