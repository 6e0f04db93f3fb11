"""Waveform <-> latents: the Oobleck VAE of the released models and the embedded spectral codec."""

from songbloom.codec.base import Codec, LatentDistribution
from songbloom.codec.files import load_codec, save_codec
from songbloom.codec.oobleck import Oobleck, OobleckConfig
from songbloom.codec.spectral import SpectralCodec, SpectralCodecConfig

__all__ = [
    "Codec",
    "LatentDistribution",
    "Oobleck",
    "OobleckConfig",
    "SpectralCodec",
    "SpectralCodecConfig",
    "load_codec",
    "save_codec",
]
