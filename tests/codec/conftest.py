"""A spectral codec of a few thousand weights."""

import pytest
import torch

from songbloom.codec.spectral import SpectralCodec, SpectralCodecConfig


@pytest.fixture
def small_config() -> SpectralCodecConfig:
    return SpectralCodecConfig(
        latent_dim=8,
        num_bins=40,
        num_phase_bins=20,
        num_phase_latents=3,
        num_partial_bins=4,
        encoder_width=16,
        encoder_spectral_depth=1,
        encoder_latent_depth=1,
        decoder_width=16,
        decoder_latent_depth=1,
        decoder_spectral_depth=1,
    )


@pytest.fixture
def small_codec(small_config: SpectralCodecConfig) -> SpectralCodec:
    torch.manual_seed(0)
    return SpectralCodec(small_config).requires_grad_(False)
