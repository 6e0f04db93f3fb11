"""The interface of every sketch tokeniser: stereo audio to one code per frame.

Shapes: B batch, S samples, T frames.
"""

from abc import ABC, abstractmethod

import torch
from torch import Tensor, nn
from torch.nn import functional as F

from songbloom.audio_format import FRAME_RATE, NUM_CHANNELS, SAMPLE_RATE, SAMPLES_PER_FRAME

_CHUNK = 8192  # vectors compared at once: with 16384 codes their distances take half a gigabyte


class SketchTokenizer(nn.Module, ABC):
    """Stereo audio (B, 2, S) at 48 kHz to codes (B, T), T = ceil(S / 1920), as the codecs have."""

    sample_rate: int = SAMPLE_RATE
    frame_rate: int = FRAME_RATE

    @property
    @abstractmethod
    def num_codes(self) -> int:
        """Codes of the codebook, V."""

    @property
    @abstractmethod
    def fingerprint(self) -> str:
        """Short hash of configuration and weights: tokens fit one codebook only."""

    @abstractmethod
    def encode(self, audio: Tensor) -> Tensor:
        """Encode audio (B, 2, S), zero-padded at its right to whole frames, to (B, T) int64."""

    @staticmethod
    def num_frames(num_samples: int) -> int:
        """Return the codes that `num_samples` samples of each channel give."""
        return -(-num_samples // SAMPLES_PER_FRAME)

    def to_mono(self, audio: Tensor) -> Tensor:
        """Average audio (B, 2, S) to mono (B, T * 1920), zero-padded to whole frames.

        Raises:
            ValueError: If the shape is not (B, 2, S) with at least one sample.
        """
        if audio.ndim != 3 or audio.shape[1] != NUM_CHANNELS or audio.shape[2] == 0:
            raise ValueError(
                f"audio must have the shape (batch, {NUM_CHANNELS}, samples) with at least one "
                f"sample, but it has {tuple(audio.shape)}."
            )
        return F.pad(audio.mean(1), (0, -audio.shape[-1] % SAMPLES_PER_FRAME))


def nearest(vectors: Tensor, codebook: Tensor) -> Tensor:
    """Return the index (...,) of the row of `codebook` (V, Q) nearest to each vector (..., Q)."""
    # ||x - c||² without ||x||², which is the same for every c.
    squares = codebook.square().sum(1)
    codes = [
        torch.addmm(squares, part, codebook.T, alpha=-2).argmin(1)
        for part in vectors.flatten(0, -2).split(_CHUNK)
    ]
    return torch.cat(codes).unflatten(0, vectors.shape[:-1])
