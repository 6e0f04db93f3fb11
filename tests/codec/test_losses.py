"""Losses: zero for equal audio, exact gradients, and figures that are known."""

import torch

from songbloom.codec.base import LatentDistribution
from songbloom.codec.losses import (
    RESOLUTIONS,
    RealFFT,
    kl_divergence,
    noise_to_signal,
    si_sdr,
    spectral_losses,
    spectrum,
)


def test_real_fft_equals_torch_and_has_its_gradient() -> None:
    frames = torch.randn(3, 16, dtype=torch.double, requires_grad=True)
    real, imaginary = RealFFT.apply(frames)
    torch.testing.assert_close(torch.complex(real, imaginary), torch.fft.rfft(frames))
    assert torch.autograd.gradcheck(RealFFT.apply, frames)


def test_white_noise_has_unit_magnitudes() -> None:
    real, imaginary = spectrum(torch.randn(48_000), 1024)
    assert 0.95 < (real.square() + imaginary.square()).mean() < 1.05


def test_spectral_losses_vanish_for_equal_audio_only() -> None:
    target = torch.randn(2, 2, 9600)
    assert all(loss < 1e-6 for loss in spectral_losses(target, target, RESOLUTIONS))
    magnitude, phase = spectral_losses(-target, target, RESOLUTIONS)
    assert magnitude < 1e-6 < 0.1 < phase


def test_si_sdr_ignores_the_scale_and_measures_the_noise() -> None:
    target = torch.randn(1, 2, 48_000)
    noise = torch.randn_like(target)
    assert abs(si_sdr(3 * (target + 0.1 * noise), target).item() - 20) < 0.2
    # 20 dB of noise meet the floor of 30 dB.
    assert abs(noise_to_signal(target + 0.1 * noise, target).item() + 19.6) < 0.3


def test_kl_divergence_of_the_prior_is_zero() -> None:
    prior = LatentDistribution(mean=torch.zeros(1, 4, 3), std=torch.ones(1, 4, 3))
    assert kl_divergence(prior) == 0
    shifted = LatentDistribution(mean=torch.ones(1, 4, 3), std=torch.ones(1, 4, 3))
    assert kl_divergence(shifted) == 0.5
