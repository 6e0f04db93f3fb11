"""The interleaved model: conditioners, sketch language model, acoustic encoder, patch DiT."""

from songbloom.models.config import PatchDiTConfig, SketchLMConfig, SongBloomConfig
from songbloom.models.songbloom import Conditions, Predictions, SongBloom

__all__ = [
    "Conditions",
    "PatchDiTConfig",
    "Predictions",
    "SketchLMConfig",
    "SongBloom",
    "SongBloomConfig",
]
