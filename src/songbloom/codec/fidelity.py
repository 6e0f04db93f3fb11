"""How faithfully a codec keeps audio, and how its latents are distributed.

Shapes: 2 channels, S samples, D latent, T frames.
"""

from dataclasses import dataclass

import torch
import torchaudio.functional as AF
from torch import Tensor

from songbloom.codec.base import Codec
from songbloom.codec.losses import RESOLUTIONS, si_sdr, spectral_losses, spectrum

NUM_MELS = 80
MEL_WINDOW = 2048


@dataclass(frozen=True, kw_only=True)
class Fidelity:
    """Figures of one piece of audio, encoded to the mean of its latents and decoded."""

    si_sdr: float
    """Scale-invariant signal-to-distortion ratio, dB."""
    si_sdr_low: float
    """The same below 1 kHz."""
    log_mel_distance: float
    """Mean absolute difference of 80 log-mel bands, dB."""
    stft_distance: float
    """Spectral convergence + L1 of log-magnitudes, averaged over five resolutions."""


@dataclass(frozen=True, kw_only=True)
class LatentStatistics:
    """Over all frames; ranges are the least and the greatest of the channels."""

    mean_range: tuple[float, float]
    std_range: tuple[float, float]
    """Of the means' spread."""
    posterior_std: float
    """Median over the channels of the encoder's own uncertainty."""
    correlation: float
    """Median over the channels of the correlation with the frame before."""


def measure_fidelity(output: Tensor, target: Tensor, sample_rate: int) -> Fidelity:
    """Compare decoded with original audio, both (2, S)."""
    output, target = output[None], target[None]
    low = tuple(AF.lowpass_biquad(audio, sample_rate, 1000.0) for audio in (output, target))
    magnitude, _ = spectral_losses(output, target, RESOLUTIONS)
    distance = (log_mel(output, sample_rate) - log_mel(target, sample_rate)).abs().mean()
    return Fidelity(
        si_sdr=si_sdr(output, target).item(),
        si_sdr_low=si_sdr(*low).item(),
        log_mel_distance=distance.item(),
        stft_distance=magnitude.item(),
    )


def log_mel(audio: Tensor, sample_rate: int) -> Tensor:
    """Return log-mel energies (..., steps, NUM_MELS) in dB of audio (..., S), floor -60 dB."""
    real, imaginary = spectrum(audio, MEL_WINDOW)
    filters = AF.melscale_fbanks(
        MEL_WINDOW // 2 + 1, 40.0, 16_000.0, NUM_MELS, sample_rate, norm="slaney"
    )
    energy = (real.square() + imaginary.square()) @ (filters / filters.sum(0))
    return 10 * torch.log10(energy + 1e-6)


@torch.inference_mode()
def latent_statistics(codec: Codec, songs: list[Tensor]) -> LatentStatistics:
    """Describe the latents of songs (2, S)."""
    latents = [codec.encode_chunked(song[None]) for song in songs]
    means = torch.cat([each.mean[0] for each in latents], 1)
    stds = torch.cat([each.std[0] for each in latents], 1)
    centred = means - means.mean(1, keepdim=True)
    neighbours = (centred[:, 1:] * centred[:, :-1]).mean(1) / centred.square().mean(1)
    spread = means.std(1)
    return LatentStatistics(
        mean_range=(means.mean(1).min().item(), means.mean(1).max().item()),
        std_range=(spread.min().item(), spread.max().item()),
        posterior_std=stds.mean(1).median().item(),
        correlation=neighbours.median().item(),
    )
