"""The interface of every codec: waveform <-> latent frames, whole or in overlapping chunks.

Shapes: B batch, 2 channels, S samples, D latent, T frames.
"""

import hashlib
import json
from abc import ABC, abstractmethod
from collections.abc import Iterator
from dataclasses import asdict, dataclass
from typing import Any

import torch
from torch import Tensor, nn
from torch.nn import functional as F


@dataclass(frozen=True, kw_only=True)
class LatentDistribution:
    """A diagonal Gaussian over latents: `mean` and `std`, both (B, D, T)."""

    mean: Tensor
    std: Tensor

    def sample(self, noise: Tensor) -> Tensor:
        """Return the latents (B, D, T) that standard normal `noise` (B, D, T) picks."""
        return self.mean + self.std * noise


@dataclass(frozen=True, kw_only=True)
class Chunk:
    """Frames [start, end) to compute, of which [keep_start, keep_end) enter the result."""

    start: int
    end: int
    keep_start: int
    keep_end: int


def plan_chunks(num_frames: int, chunk_frames: int, overlap_frames: int) -> Iterator[Chunk]:
    """Cover `num_frames` with windows of `chunk_frames`, each border cut at half the overlap.

    Windows start every `chunk_frames - overlap_frames`; the last is aligned to the end, so that
    it has full context too. A sequence no longer than a window is one chunk.

    Raises:
        ValueError: If the overlap is negative or not shorter than the chunk.
    """
    if not 0 <= overlap_frames < chunk_frames:
        raise ValueError(
            f"overlap_frames must be from 0 to chunk_frames - 1 ({chunk_frames - 1}), "
            f"but it is {overlap_frames}."
        )
    last = max(num_frames - chunk_frames, 0)
    starts = [*range(0, last, chunk_frames - overlap_frames), last]
    cuts = [0, *(start + overlap_frames // 2 for start in starts[1:]), num_frames]
    for i, start in enumerate(starts):
        yield Chunk(
            start=start,
            end=min(start + chunk_frames, num_frames),
            keep_start=cuts[i],
            keep_end=cuts[i + 1],
        )


class Codec(nn.Module, ABC):
    """Stereo audio (B, 2, S) to and from latents (B, D, T), `samples_per_frame` samples each."""

    config: Any
    """The dataclass that the codec was built from."""

    @property
    def sample_rate(self) -> int:
        """Samples a second, per channel."""
        return self.config.sample_rate

    @property
    def samples_per_frame(self) -> int:
        """Samples of each channel that one latent frame stands for."""
        return self.config.samples_per_frame

    @property
    def latent_dim(self) -> int:
        """Values in a latent frame, D."""
        return self.config.latent_dim

    @property
    def num_channels(self) -> int:
        """Audio channels."""
        return self.config.num_channels

    @property
    def frame_rate(self) -> float:
        """Latent frames a second."""
        return self.sample_rate / self.samples_per_frame

    @property
    def fingerprint(self) -> str:
        """Short hash of configuration and weights: latents fit one codec only."""
        digest = hashlib.sha256(json.dumps(asdict(self.config), sort_keys=True).encode())
        for key, tensor in sorted(self.state_dict().items()):
            digest.update(f"{key}{tuple(tensor.shape)}".encode())
            digest.update(tensor.detach().float().cpu().contiguous().numpy().tobytes())
        return digest.hexdigest()[:16]

    @abstractmethod
    def encode(self, audio: Tensor) -> LatentDistribution:
        """Encode audio (B, 2, S), zero-padded at its right to whole frames, to (B, D, T)."""

    def encode_prompt(self, audio: Tensor) -> LatentDistribution:
        """Encode a style prompt (B, 2, S) as `encode` does, unless the codec has its own way."""
        return self.encode(audio)

    @abstractmethod
    def decode(self, latents: Tensor) -> Tensor:
        """Decode latents (B, D, T) to audio (B, 2, T * samples_per_frame)."""

    def encode_chunked(
        self, audio: Tensor, chunk_frames: int = 128, overlap_frames: int = 32
    ) -> LatentDistribution:
        """Encode audio (B, 2, S) of any length with the memory of one chunk of frames."""
        audio = self.pad_to_frames(audio)
        num_samples = self.samples_per_frame
        means, stds = [], []
        for chunk in plan_chunks(audio.shape[-1] // num_samples, chunk_frames, overlap_frames):
            window = audio[..., chunk.start * num_samples : chunk.end * num_samples]
            latents = self.encode(window)
            keep = slice(chunk.keep_start - chunk.start, chunk.keep_end - chunk.start)
            means.append(latents.mean[..., keep])
            stds.append(latents.std[..., keep])
        return LatentDistribution(mean=torch.cat(means, -1), std=torch.cat(stds, -1))

    def decode_chunked(
        self, latents: Tensor, chunk_frames: int = 128, overlap_frames: int = 32
    ) -> Tensor:
        """Decode latents (B, D, T) of any length with the memory of one chunk of frames."""
        num_samples = self.samples_per_frame
        pieces = []
        for chunk in plan_chunks(latents.shape[-1], chunk_frames, overlap_frames):
            audio = self.decode(latents[..., chunk.start : chunk.end])
            first = (chunk.keep_start - chunk.start) * num_samples
            end = (chunk.keep_end - chunk.start) * num_samples
            pieces.append(audio[..., first:end].clone())
        return torch.cat(pieces, -1)

    def pad_to_frames(self, audio: Tensor) -> Tensor:
        """Zero-pad audio (B, 2, S) at its right to a whole number of frames.

        Raises:
            ValueError: If the shape is not (B, num_channels, S) with at least one sample.
        """
        if audio.ndim != 3 or audio.shape[1] != self.num_channels or audio.shape[2] == 0:
            raise ValueError(
                f"audio must have the shape (batch, {self.num_channels}, samples) with at least "
                f"one sample, but it has {tuple(audio.shape)}."
            )
        return F.pad(audio, (0, -audio.shape[-1] % self.samples_per_frame))
