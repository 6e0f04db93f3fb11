"""A short-time Fourier transform whose frames tile the latent frames of a codec.

Shapes: B batch, 2 channels, S samples, N spectral frames, K bins.
"""

import math

import torch
from torch import Tensor, nn
from torch.nn import functional as F


class OverlapAdd(torch.autograd.Function):
    """The sum of frames (..., N, window), one every `hop` samples: (..., S).

    The gradient is a view of its input; composed of torch's own operations it would be a copy of
    all frames for each overlap.
    """

    @staticmethod
    def forward(ctx, frames: Tensor, hop: int) -> Tensor:  # noqa: D102
        num_frames, window_size = frames.shape[-2:]
        ctx.window_size, ctx.hop = window_size, hop
        overlap = window_size // hop
        parts = frames.unflatten(-1, (overlap, hop))
        total = frames.new_zeros(*frames.shape[:-2], num_frames + overlap - 1, hop)
        for i in range(overlap):
            total[..., i : i + num_frames, :] += parts[..., i, :]
        return total.flatten(-2)

    @staticmethod
    def backward(ctx, *gradients: Tensor) -> tuple[Tensor, None]:  # noqa: D102
        (gradient,) = gradients
        return gradient.unfold(-1, ctx.window_size, ctx.hop), None


class AlignedSTFT(nn.Module):
    """S samples <-> exactly S / hop spectral frames, each centred on its hop.

    Phases are referred to the start of the signal instead of each window, so a steady partial
    in the middle of a bin keeps its phase from frame to frame and others turn slowly: what a
    network has to follow over time is smooth. As the reference repeats every `window_size`
    samples, a cut at a multiple of it changes nothing.
    """

    window: Tensor
    turn: Tensor

    def __init__(self, window_size: int, hop: int, num_bins: int) -> None:
        super().__init__()
        self.window_size, self.hop, self.num_bins = window_size, hop, num_bins
        self.overlap = window_size // hop
        self.margin = (window_size - hop) // 2
        window = torch.hann_window(window_size)
        # Unit energy, so that white noise of variance 1 has bins of about magnitude 1.
        self.register_buffer("window", window / window.square().sum().sqrt(), persistent=False)
        starts = torch.arange(self.overlap) * hop - self.margin
        cycles = torch.outer(starts, torch.arange(num_bins)) % window_size / window_size
        turn = torch.view_as_real(torch.polar(torch.ones_like(cycles), -2 * math.pi * cycles))
        self.register_buffer("turn", turn, persistent=False)

    def forward(self, audio: Tensor) -> Tensor:
        """Map audio (..., S), S a multiple of `window_size`, to a complex spectrum (..., N, K)."""
        frames = F.pad(audio, (self.margin, self.margin)).unfold(-1, self.window_size, self.hop)
        spectrum = torch.fft.rfft(frames * self.window)[..., : self.num_bins]
        return spectrum * self._turns(spectrum.shape[-2])

    def inverse(self, spectrum: Tensor) -> Tensor:
        """Map a complex spectrum (..., N, K) to audio (..., N * hop)."""
        spectrum = spectrum * self._turns(spectrum.shape[-2]).conj()
        frames = torch.fft.irfft(spectrum, n=self.window_size) * self.window
        energy = self.window.square().expand(frames.shape[-2], -1)
        inside = slice(self.margin, self.margin + frames.shape[-2] * self.hop)
        audio = OverlapAdd.apply(frames, self.hop)[..., inside]
        return audio / OverlapAdd.apply(energy, self.hop)[..., inside]

    def _turns(self, num_frames: int) -> Tensor:
        return torch.view_as_complex(self.turn).repeat(num_frames // self.overlap, 1)
