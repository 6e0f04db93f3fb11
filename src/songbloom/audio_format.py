"""The one definition of the audio and frame format that every part of the project shares.

A frame is 1/25 s: one sketch token and one acoustic latent (SongBloom, arXiv 2506.07634, §4.2).
"""

SAMPLE_RATE = 48_000
"""Samples a second, per channel."""

NUM_CHANNELS = 2

SAMPLES_PER_FRAME = 1_920

FRAME_RATE = SAMPLE_RATE // SAMPLES_PER_FRAME
"""Frames (sketch tokens, acoustic latents) a second."""

PROMPT_SECONDS = 10
"""Length of a style prompt."""

PROMPT_FRAMES = PROMPT_SECONDS * FRAME_RATE
