"""songbloom: training, fine-tuning and generation for song models of the SongBloom family."""

__version__ = "0.1.0"
