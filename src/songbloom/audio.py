"""Reading any audio file, at the rate and in the channels that are wanted, and writing FLAC."""

import os
from fractions import Fraction
from pathlib import Path

import numpy as np
import soundfile
import torch
import torchaudio.functional as AF
from torch import Tensor

from songbloom.audio_format import NUM_CHANNELS, SAMPLE_RATE
from songbloom.errors import SongBloomError

SILENCE = 1e-4
"""Peak (full scale is 1) under which a file counts as silent."""


class AudioFileError(SongBloomError):
    """An audio file that cannot be used; the sentence names it and says why."""


def read_audio(
    path: str | Path, sample_rate: int = SAMPLE_RATE, num_channels: int = NUM_CHANNELS
) -> Tensor:
    """Read a file that libsndfile knows (WAV, FLAC, OGG, MP3, AIFF, …) as float32 (channels, S).

    One channel is repeated to `num_channels`; more channels than that are averaged to one first.

    Raises:
        AudioFileError: If the file is absent, no audio, empty, silent or not finite.
    """
    path = Path(path)
    if not path.is_file():
        raise AudioFileError(f"{path} is not a file; give the path of an audio file.")
    try:
        samples, file_rate = soundfile.read(path, dtype="float32", always_2d=True)
    except (soundfile.LibsndfileError, RuntimeError, OSError) as error:
        raise AudioFileError(
            f"{path} cannot be read as audio; give a WAV, FLAC, OGG or MP3 file."
        ) from error
    if samples.shape[0] == 0:
        raise AudioFileError(f"{path} holds no samples; give a file with sound in it.")
    if not np.isfinite(samples).all():
        raise AudioFileError(f"{path} holds samples that are not finite; export it again.")
    if np.abs(samples).max() < SILENCE:
        raise AudioFileError(f"{path} is silent; give a file with sound in it.")
    audio = torch.from_numpy(samples.T.copy())
    if audio.shape[0] != num_channels:
        audio = audio.mean(0, keepdim=True).expand(num_channels, -1)
    return resample(audio, file_rate, sample_rate).contiguous()


def resample(audio: Tensor, from_rate: int, to_rate: int) -> Tensor:
    """Resample audio (..., S) with a windowed sinc (Kaiser), unchanged at equal rates."""
    if from_rate == to_rate:
        return audio
    # The filter bank grows with the terms of the ratio: odd rates are met within 1 in 10^6.
    ratio = Fraction(from_rate, to_rate).limit_denominator(1000)
    return AF.resample(
        audio, ratio.numerator, ratio.denominator, resampling_method="sinc_interp_kaiser"
    )


def write_flac(path: str | Path, audio: Tensor, sample_rate: int = SAMPLE_RATE) -> None:
    """Write audio (channels, S) in [-1, 1] as 16-bit FLAC, atomically; louder samples are clipped.

    Raises:
        ValueError: If the audio is not (channels, S) or not finite.
        AudioFileError: If the file cannot be written.
    """
    path = Path(path)
    if audio.ndim != 2:
        raise ValueError(f"audio must be (channels, samples), but it is {tuple(audio.shape)}.")
    if not torch.isfinite(audio).all():
        raise ValueError(f"The audio for {path} holds samples that are not finite.")
    samples = audio.detach().clamp(-1, 1).float().cpu().numpy().T
    temporary = path.with_name(f"{path.name}.{os.getpid()}.tmp")
    try:
        path.parent.mkdir(parents=True, exist_ok=True)
        soundfile.write(temporary, samples, sample_rate, format="FLAC", subtype="PCM_16")
        os.replace(temporary, path)
    except (OSError, soundfile.LibsndfileError) as error:
        temporary.unlink(missing_ok=True)
        raise AudioFileError(
            f"{path} cannot be written ({error}); name a place that can, with space left."
        ) from error
