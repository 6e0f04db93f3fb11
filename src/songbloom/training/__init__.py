"""Training: the step, the Lightning module, its optimiser and callbacks."""

from songbloom.training.module import SongBloomModule
from songbloom.training.optimizer import parameter_groups
from songbloom.training.step import song_losses

__all__ = ["SongBloomModule", "parameter_groups", "song_losses"]
