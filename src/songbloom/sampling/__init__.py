"""Generation: the interleaved loop, guidance, and how tokens and patches are drawn."""

from songbloom.sampling.interleaved import Patch, generate_patches
from songbloom.sampling.settings import FlowGuidance, GenerationSettings, RepetitionPenalty

__all__ = [
    "FlowGuidance",
    "GenerationSettings",
    "Patch",
    "RepetitionPenalty",
    "generate_patches",
]
