"""Waveform <-> latents: the Oobleck VAE of the released models and the embedded spectral codec."""

from songbloom.codec.base import Codec, LatentDistribution
from songbloom.codec.oobleck import Oobleck, OobleckConfig

__all__ = ["Codec", "LatentDistribution", "Oobleck", "OobleckConfig"]
