"""Reading any audio file, at the rate and in the channels that are wanted, and writing songs."""

import math
from fractions import Fraction
from pathlib import Path

import numpy as np
import soundfile
import torch
import torchaudio.functional as AF
from torch import Tensor

from songbloom.audio_format import NUM_CHANNELS, SAMPLE_RATE
from songbloom.errors import SongBloomError
from songbloom.whole_file import whole_file

AUDIO_FORMATS = {
    ".flac": ("FLAC", "PCM_16"),
    ".wav": ("WAV", "PCM_16"),
    ".mp3": ("MP3", "MPEG_LAYER_III"),
    ".ogg": ("OGG", "VORBIS"),
}
"""Endings of the files that are written, with libsndfile's names of format and encoding."""

MIN_RATE, MAX_RATE = 4_000, 768_000
"""Sample rates of files that are read, in hertz."""

SILENCE = 1e-4
"""Peak (full scale is 1) under which a file counts as silent."""


class AudioFileError(SongBloomError):
    """An audio file that cannot be used; the sentence names it and says why."""


def read_audio(
    path: str | Path,
    sample_rate: int = SAMPLE_RATE,
    num_channels: int = NUM_CHANNELS,
    *,
    max_seconds: float | None = None,
    allow_silence: bool = False,
) -> Tensor:
    """Read a file that libsndfile knows (WAV, FLAC, OGG, MP3, AIFF, …) as float32 (channels, S).

    One channel is repeated to `num_channels`; more channels than that are averaged to one first.

    Args:
        path: the file.
        sample_rate: wanted.
        num_channels: wanted.
        max_seconds: read no more than this from its start.
        allow_silence: return a silent file instead of refusing it.

    Raises:
        AudioFileError: If the file is absent, no audio, empty, silent or not finite.
    """
    path = Path(path)
    if not path.is_file():
        raise AudioFileError(f"{path} is not a file; give the path of an audio file.")
    try:
        with soundfile.SoundFile(path) as file:
            file_rate = file.samplerate
            if not MIN_RATE <= file_rate <= MAX_RATE:
                raise AudioFileError(
                    f"{path} states a sample rate of {file_rate} Hz; give a file of {MIN_RATE} to "
                    f"{MAX_RATE} Hz."
                )
            count = -1 if max_seconds is None else math.ceil(max_seconds * file_rate)
            samples = file.read(count, dtype="float32", always_2d=True)
    except AudioFileError:
        raise
    except (soundfile.LibsndfileError, RuntimeError, OSError, TypeError) as error:
        raise AudioFileError(
            f"{path} cannot be read as audio; give a WAV, FLAC, OGG or MP3 file."
        ) from error
    if samples.shape[0] == 0:
        raise AudioFileError(f"{path} holds no samples; give a file with sound in it.")
    if not np.isfinite(samples).all():
        raise AudioFileError(f"{path} holds samples that are not finite; export it again.")
    if not allow_silence and np.abs(samples).max() < SILENCE:
        raise AudioFileError(f"{path} is silent; give a file with sound in it.")
    audio = torch.from_numpy(samples.T.copy())
    if audio.shape[0] != num_channels:
        audio = audio.mean(0, keepdim=True).expand(num_channels, -1)
    return resample(audio, file_rate, sample_rate).contiguous()


def audio_seconds(path: str | Path) -> float:
    """The length that an audio file states.

    Raises:
        AudioFileError: If the file is absent or no audio.
    """
    try:
        return soundfile.info(path).duration
    except (soundfile.LibsndfileError, RuntimeError, OSError, TypeError) as error:
        if not Path(path).is_file():
            raise AudioFileError(
                f"{path} is not a file; give the path of an audio file."
            ) from error
        raise AudioFileError(
            f"{path} cannot be read as audio; give a WAV, FLAC, OGG or MP3 file."
        ) from error


def resample(audio: Tensor, from_rate: int, to_rate: int) -> Tensor:
    """Resample audio (..., S) with a windowed sinc (Hann, as the published tool does)."""
    if from_rate == to_rate:
        return audio
    # The filter bank grows with the terms of the ratio: odd rates are met within 1 in 10^6.
    ratio = Fraction(from_rate, to_rate).limit_denominator(1000)
    return AF.resample(audio, ratio.numerator, ratio.denominator)


def write_audio(path: str | Path, audio: Tensor, sample_rate: int = SAMPLE_RATE) -> None:
    """Write audio (channels, S) in [-1, 1], atomically, in the format of the file's ending.

    FLAC and WAV have 16 bits, MP3 and OGG (Vorbis) the encoder's usual quality. Louder samples are
    clipped.

    Raises:
        ValueError: If the audio is not (channels, S) or not finite.
        AudioFileError: If the ending is none of these, or the file cannot be written.
    """
    path = Path(path)
    if path.suffix.lower() not in AUDIO_FORMATS:
        raise AudioFileError(
            f"{path} has no known ending; songs are written as {', '.join(AUDIO_FORMATS)}."
        )
    if audio.ndim != 2:
        raise ValueError(f"audio must be (channels, samples), but it is {tuple(audio.shape)}.")
    if not torch.isfinite(audio).all():
        raise ValueError(f"The audio for {path} holds samples that are not finite.")
    samples = audio.detach().clamp(-1, 1).float().cpu().numpy().T
    form, subtype = AUDIO_FORMATS[path.suffix.lower()]
    try:
        with (
            whole_file(path) as temporary,
            soundfile.SoundFile(
                temporary, "w", sample_rate, len(audio), format=form, subtype=subtype
            ) as file,
        ):
            # libsndfile's Vorbis encoder keeps a whole write on its stack: a second at a time.
            for start in range(0, len(samples), sample_rate):
                file.write(samples[start : start + sample_rate])
    except (OSError, soundfile.LibsndfileError) as error:
        raise AudioFileError(
            f"{path} cannot be written ({error}); name a place that can, with space left."
        ) from error
