"""Reconstruction losses of a codec: magnitudes, phases and waveform; and its figures of merit.

Shapes: B batch, 2 channels, S samples.
"""

from collections.abc import Sequence

import torch
from torch import Tensor

from songbloom.codec.base import LatentDistribution

RESOLUTIONS = (4096, 2048, 1024, 512, 256)
"""Window sizes in samples; the hop is half of each."""

COMPRESSION = 0.3
"""Exponent of magnitudes in the phase loss."""


class RealFFT(torch.autograd.Function):
    """`torch.fft.rfft` of (..., n) as real and imaginary part, (..., n / 2 + 1) each.

    Its gradient is one inverse real transform, where torch's own is a complex one of full length:
    training spends most of its time here.
    """

    @staticmethod
    def forward(ctx, frames: Tensor) -> tuple[Tensor, Tensor]:  # noqa: D102
        ctx.size = frames.shape[-1]
        spectrum = torch.fft.rfft(frames)
        return spectrum.real.contiguous(), spectrum.imag.contiguous()

    @staticmethod
    def backward(ctx, *gradients: Tensor) -> Tensor:  # noqa: D102
        real, imaginary = gradients
        gradient = torch.complex(real, imaginary)
        # The inverse transform counts every bin but the first and last twice.
        gradient[..., 1:-1] *= 0.5
        return torch.fft.irfft(gradient, n=ctx.size, norm="forward")


def spectrum(audio: Tensor, window_size: int) -> tuple[Tensor, Tensor]:
    """Return real and imaginary parts (..., frames, bins) of the STFT of audio (..., S).

    White noise of variance 1 has magnitudes of about 1.
    """
    window = torch.hann_window(window_size, device=audio.device)
    frames = audio.unfold(-1, window_size, window_size // 2)
    return RealFFT.apply(frames * (window / window.norm()))


def spectral_losses(
    output: Tensor, target: Tensor, window_sizes: Sequence[int]
) -> tuple[Tensor, Tensor]:
    """Return the magnitude and the phase loss of audio (B, 2, S), averaged over `window_sizes`.

    Magnitude: spectral convergence and the L1 distance of logarithms (Yamamoto et al. 2020,
    arXiv 1910.11480). Phase: the L1 distance of complex spectra of compressed magnitude
    (Ephrat et al. 2018, arXiv 1804.03619), which weighs soft partials almost as loud ones.
    """
    magnitude_losses, phase_losses = [], []
    for window_size in window_sizes:
        real, imaginary = spectrum(output, window_size)
        wanted_real, wanted_imaginary = spectrum(target, window_size)
        energy = real.square() + imaginary.square() + 1e-6
        wanted_energy = wanted_real.square() + wanted_imaginary.square() + 1e-6
        log, wanted_log = 0.5 * energy.log(), 0.5 * wanted_energy.log()
        wanted_magnitude = wanted_energy.sqrt()
        convergence = (energy.sqrt() - wanted_magnitude).norm() / (wanted_magnitude.norm() + 1)
        magnitude_losses.append(convergence + (log - wanted_log).abs().mean())
        gain = torch.exp((COMPRESSION - 1) * log)
        wanted_gain = torch.exp((COMPRESSION - 1) * wanted_log)
        real_distance = (real * gain - wanted_real * wanted_gain).abs().mean()
        imaginary_distance = (imaginary * gain - wanted_imaginary * wanted_gain).abs().mean()
        phase_losses.append(real_distance + imaginary_distance)
    return torch.stack(magnitude_losses).mean(), torch.stack(phase_losses).mean()


def si_sdr(output: Tensor, target: Tensor) -> Tensor:
    """Return the scale-invariant signal-to-distortion ratio in dB, (B,), of audio (B, 2, S).

    Le Roux et al. 2019, arXiv 1811.02508; both channels count as one signal.
    """
    output, target = output.flatten(1), target.flatten(1)
    gain = (output * target).sum(1, keepdim=True) / (target.square().sum(1, keepdim=True) + 1e-8)
    projection = gain * target
    distortion = (output - projection).square().sum(1)
    return 10 * torch.log10((projection.square().sum(1) + 1e-8) / (distortion + 1e-8))


def noise_to_signal(output: Tensor, target: Tensor) -> Tensor:
    """Return the mean over the batch of the error's energy over the target's, in dB from -30."""
    error = (output - target).square().mean((1, 2))
    level = target.square().mean((1, 2)) + 1e-5
    return 10 * torch.log10(error / level + 1e-3).mean()


def kl_divergence(latents: LatentDistribution) -> Tensor:
    """Return the divergence from the standard normal, in nats a latent value."""
    variance = latents.std.square()
    return 0.5 * (latents.mean.square() + variance - variance.log() - 1).mean()
