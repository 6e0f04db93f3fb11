"""What a sketch is made of: how the voice sounds (smooth log-mel) and which pitch class it sings.

Shapes: B batch, S samples, T frames, M cepstral coefficients.
"""

import math
from dataclasses import dataclass

import torch
import torchaudio.functional as AF
from torch import Tensor, nn
from torch.nn import functional as F

from songbloom.audio_format import SAMPLE_RATE, SAMPLES_PER_FRAME

PITCH_CLASSES = 12

_MEL_WINDOW = 2048
_MEL_HOP = SAMPLES_PER_FRAME // 4
_PITCH_WINDOW = 8192
_PITCH_BINS = 1400  # up to 8.2 kHz
_WHITENING_BINS = 101
_PARTIAL_SEMITONES = 0.4
_QUIET = 1e-6


@dataclass(frozen=True, kw_only=True)
class FeatureConfig:
    """Sizes of the features.

    Attributes:
        num_mels: Mel bands from `min_hertz` to `max_hertz`.
        num_cepstra: Coefficients kept of the cosine transform over bands, the level first; few
            of them follow the formants and not the partials.
        min_hertz: Lower edge of the lowest band.
        max_hertz: Upper edge of the highest band.
        floor_decibels: What lies this far below a song's loud frames is taken for silence.
        lowest_midi: Lowest pitch that may be sung.
        highest_midi: Highest pitch that may be sung.
        num_partials: Partials that speak for a pitch.
        partial_decay: Weight of a partial over that of the one below it.
        gap_weight: How much energy halfway between partials speaks against a pitch: it rejects
            the octave, fifth and fourth below the sung note.
        pitch_sharpness: How clearly the strongest pitch class stands out.
    """

    num_mels: int = 64
    num_cepstra: int = 20
    min_hertz: float = 80.0
    max_hertz: float = 8000.0
    floor_decibels: float = 50.0
    lowest_midi: int = 43
    highest_midi: int = 76
    num_partials: int = 10
    partial_decay: float = 0.9
    gap_weight: float = 0.5
    pitch_sharpness: float = 6.0

    def __post_init__(self) -> None:
        if not 0 < self.num_cepstra <= self.num_mels:
            raise ValueError(
                f"num_cepstra must be from 1 to num_mels ({self.num_mels}), but it is "
                f"{self.num_cepstra}."
            )
        if not 0 < self.min_hertz < self.max_hertz <= SAMPLE_RATE / 2:
            raise ValueError(
                f"min_hertz and max_hertz must lie in order below {SAMPLE_RATE / 2:.0f}, but they "
                f"are {self.min_hertz} and {self.max_hertz}."
            )
        if self.highest_midi - self.lowest_midi < PITCH_CLASSES - 1:
            raise ValueError(
                f"lowest_midi to highest_midi must hold every pitch class, but they are "
                f"{self.lowest_midi} and {self.highest_midi}."
            )


class SketchFeatures(nn.Module):
    """Mono audio (B, T * 1920) to cepstra (B, T, M) and sung pitch classes (B, T, 12).

    Both are the same at any level of the song. The pitch classes, C first, sum to 1.
    """

    mel_matrix: Tensor
    cosine_matrix: Tensor
    pitch_matrix: Tensor
    mel_window: Tensor
    pitch_window: Tensor

    def __init__(self, config: FeatureConfig) -> None:
        super().__init__()
        self.config = config
        mel = AF.melscale_fbanks(
            _MEL_WINDOW // 2 + 1, config.min_hertz, config.max_hertz, config.num_mels, SAMPLE_RATE
        )
        cosine = AF.create_dct(config.num_cepstra, config.num_mels, "ortho")
        self.register_buffer("mel_matrix", mel, persistent=False)
        self.register_buffer("cosine_matrix", cosine, persistent=False)
        self.register_buffer("pitch_matrix", _partials_matrix(config), persistent=False)
        self.register_buffer("mel_window", torch.hann_window(_MEL_WINDOW), persistent=False)
        self.register_buffer("pitch_window", torch.hann_window(_PITCH_WINDOW), persistent=False)

    def forward(self, mono: Tensor) -> tuple[Tensor, Tensor]:
        """Return cepstra (B, T, M) and pitch classes (B, T, 12) of mono audio (B, T * 1920)."""
        # Full scale for each song, so that the floors below mean the same at any level.
        mono = mono / mono.abs().amax(1, keepdim=True).clamp(min=_QUIET)
        return self._cepstra(mono), self._pitch_classes(mono)

    def _cepstra(self, mono: Tensor) -> Tensor:
        power = power_spectrum(mono, self.mel_window, _MEL_HOP)
        bands = (power @ self.mel_matrix).unflatten(1, (-1, SAMPLES_PER_FRAME // _MEL_HOP)).mean(2)
        loud = bands.mean(-1).quantile(0.95, dim=1)[:, None, None].clamp(min=_QUIET)
        floor = 10 ** (-self.config.floor_decibels / 10)
        return (bands / loud + floor).log10() @ self.cosine_matrix

    def _pitch_classes(self, mono: Tensor) -> Tensor:
        power = power_spectrum(mono, self.pitch_window, SAMPLES_PER_FRAME)
        magnitude = power[..., :_PITCH_BINS].sqrt()
        # Over their surroundings, partials count alike whatever the formants make of them.
        surroundings = F.avg_pool1d(
            magnitude, _WHITENING_BINS, 1, _WHITENING_BINS // 2, count_include_pad=False
        )
        salience = (magnitude / (surroundings + _QUIET)).log1p() @ self.pitch_matrix
        # A note lasts longer than a frame: the mean of three stays through its consonants.
        salience = F.avg_pool1d(
            salience.transpose(1, 2), 3, 1, 1, count_include_pad=False
        ).transpose(1, 2)
        classes = _fold_octaves(salience, self.config.lowest_midi)
        return (classes * self.config.pitch_sharpness).softmax(-1)


def power_spectrum(mono: Tensor, window: Tensor, hop: int) -> Tensor:
    """Return power (B, S / hop, bins) of mono (B, S); each window is centred on its hop."""
    size = window.shape[0]
    margin = (size - hop) // 2
    frames = F.pad(mono, (margin, size - hop - margin)).unfold(-1, size, hop)
    return torch.view_as_real(torch.fft.rfft(frames * window)).square().sum(-1)


def _partials_matrix(config: FeatureConfig) -> Tensor:
    """Weights (bins, pitches): for the partials of each semitone, against the gaps between them."""
    hertz = torch.arange(_PITCH_BINS) * SAMPLE_RATE / _PITCH_WINDOW
    midi = 69 + 12 * torch.log2(hertz.clamp(min=1.0) / 440)
    pitches = torch.arange(config.lowest_midi, config.highest_midi + 1)

    def at(multiple: float) -> Tensor:
        distance = midi[:, None] - (pitches[None, :] + 12 * math.log2(multiple))
        weights = torch.exp(-0.5 * (distance / _PARTIAL_SEMITONES).square())
        return weights / weights.sum(0).clamp(min=_QUIET)

    matrix = torch.zeros(_PITCH_BINS, len(pitches))
    for partial in range(1, config.num_partials + 1):
        weight = config.partial_decay ** (partial - 1)
        matrix += weight * at(partial)
        if partial < config.num_partials:
            matrix -= weight * config.gap_weight * at(partial + 0.5)
    return matrix


def _fold_octaves(salience: Tensor, lowest_midi: int) -> Tensor:
    """The strongest octave of each pitch class: saliences (..., pitches) to (..., 12), C first."""
    below = lowest_midi % PITCH_CLASSES
    above = -(below + salience.shape[-1]) % PITCH_CLASSES
    padded = F.pad(salience, (below, above), value=-torch.inf)
    return padded.unflatten(-1, (-1, PITCH_CLASSES)).amax(-2)
