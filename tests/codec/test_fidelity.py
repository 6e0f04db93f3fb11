"""Figures of fidelity that are known beforehand, and the statistics of latents."""

import pytest
import torch

from songbloom.codec import SpectralCodec
from songbloom.codec.fidelity import latent_statistics, log_mel, measure_fidelity


def test_known_distortions_have_known_figures() -> None:
    generator = torch.Generator().manual_seed(0)
    target = torch.randn(2, 96_000, generator=generator)
    same = measure_fidelity(target, target, 48_000)
    assert same.si_sdr > 60
    assert same.log_mel_distance == same.stft_distance == 0
    softer = measure_fidelity(0.5 * target, target, 48_000)
    assert softer.si_sdr > 60
    assert softer.log_mel_distance == pytest.approx(6.02, abs=0.01)
    noise = torch.randn(2, 96_000, generator=generator)
    assert measure_fidelity(target + 0.1 * noise, target, 48_000).si_sdr == pytest.approx(
        20, abs=0.2
    )


def test_high_distortion_spares_the_low_figure() -> None:
    time = torch.arange(96_000) / 48_000
    target = torch.sin(2 * torch.pi * 200 * time).expand(2, -1)
    found = measure_fidelity(
        target + torch.sin(2 * torch.pi * 12_000 * time), target, sample_rate=48_000
    )
    assert found.si_sdr == pytest.approx(0, abs=0.1)
    assert found.si_sdr_low > 20


def test_log_mel_of_white_noise_is_flat() -> None:
    torch.manual_seed(0)
    bands = log_mel(torch.randn(1, 480_000), 48_000).mean((0, 1))
    assert bands.shape == (80,)
    assert (bands[10:] - bands[10:].mean()).abs().max() < 1


def test_latent_statistics_see_scale_and_offset(small_codec: SpectralCodec) -> None:
    songs = [0.1 * torch.randn(2, 96_000, generator=torch.Generator().manual_seed(0))]
    before = latent_statistics(small_codec, songs)
    small_codec.latent_std.fill_(0.5)
    after = latent_statistics(small_codec, songs)
    assert after.std_range[1] == pytest.approx(2 * before.std_range[1], rel=1e-4)
    assert after.posterior_std == pytest.approx(2 * before.posterior_std, rel=1e-4)
    assert after.correlation == pytest.approx(before.correlation, abs=1e-4)
