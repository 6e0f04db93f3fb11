"""Pictures of sound, for people who would rather look than listen."""

from pathlib import Path

import torch
import torchaudio
from matplotlib.figure import Figure
from torch import Tensor

from songbloom.audio_format import SAMPLE_RATE
from songbloom.whole_file import whole_file

NUM_MELS = 160
HOP = 480
FLOOR_DECIBEL = -80.0


def log_mel(audio: Tensor, sample_rate: int = SAMPLE_RATE) -> Tensor:
    """Log-mel spectrogram in decibel below the loudest cell (mels, steps) of (channels, S)."""
    transform = torchaudio.transforms.MelSpectrogram(
        sample_rate, n_fft=4096, win_length=2048, hop_length=HOP, n_mels=NUM_MELS, f_min=40
    )
    power = transform(audio.float().mean(0))
    decibel = 10 * torch.log10(power.clamp(min=1e-10))
    return (decibel - decibel.max()).clamp(min=FLOOR_DECIBEL)


def save_spectrograms(
    path: str | Path, songs: dict[str, Tensor], sample_rate: int = SAMPLE_RATE
) -> None:
    """Write one PNG with a log-mel spectrogram for each titled waveform (channels, S)."""
    figure = Figure(figsize=(12, 3.2 * len(songs)), layout="constrained")
    axes = figure.subplots(len(songs), 1, squeeze=False)
    for axis, (title, audio) in zip(axes[:, 0], songs.items(), strict=True):
        picture = log_mel(audio, sample_rate)
        seconds = audio.shape[-1] / sample_rate
        image = axis.imshow(
            picture, origin="lower", aspect="auto", cmap="magma", extent=(0, seconds, 0, NUM_MELS)
        )
        axis.set(title=title, xlabel="seconds", ylabel="mel band")
        figure.colorbar(image, ax=axis, label="dB")
    with whole_file(path) as temporary:
        figure.savefig(temporary, dpi=80, format="png")
