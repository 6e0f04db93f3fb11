"""Synthesised instruments: short functions from a MIDI pitch to a tone at 48 kHz, cached."""

from collections.abc import Iterable
from functools import lru_cache

import numpy as np

SAMPLE_RATE = 48_000
_RELEASE_SECONDS = 0.15


def _time(seconds: float) -> np.ndarray:
    return np.arange(int(seconds * SAMPLE_RATE)) / SAMPLE_RATE


def _hertz(midi: float) -> float:
    return 440.0 * 2 ** ((midi - 69) / 12)


def _partials(
    hertz: float, partials: Iterable[tuple[float, float]], time: np.ndarray
) -> np.ndarray:
    return sum(
        (a * np.sin(2 * np.pi * hertz * k * time) for k, a in partials if hertz * k < 16e3),
        np.zeros_like(time),
    )


def _pluck(midi: int, time: np.ndarray) -> np.ndarray:
    """A struck string: slightly inharmonic partials, the higher the sooner gone."""
    hertz = _hertz(midi)
    tone = np.zeros_like(time)
    for k in range(1, 13):
        if hertz * k < 16e3:
            inharmonic = k * np.sqrt(1 + 2e-4 * k * k)
            tone += (
                k**-1.3
                * np.sin(2 * np.pi * hertz * inharmonic * time)
                * np.exp(-time * (1.2 + 0.9 * k))
            )
    return tone * np.minimum(1, time / 0.004)


def _piano(midi: int, time: np.ndarray) -> np.ndarray:
    """An electric piano: frequency modulation whose brightness decays."""
    hertz = _hertz(midi)
    brightness = 1.4 * np.exp(-time * 3)
    tone = np.sin(2 * np.pi * hertz * time + brightness * np.sin(2 * np.pi * hertz * time))
    bell = 0.12 * np.sin(2 * np.pi * 7 * hertz * time) * np.exp(-time * 12) if hertz < 2200 else 0
    return (tone + bell) * np.exp(-time * 1.6) * np.minimum(1, time / 0.003)


def _bell(midi: int, time: np.ndarray) -> np.ndarray:
    """A music box: few inharmonic partials that ring."""
    tones = {1: 1.0, 2.76: 0.4, 5.4: 0.15}
    return (
        _partials(_hertz(midi), tones.items(), time)
        * np.exp(-time * 3)
        * np.minimum(1, time / 0.002)
    )


def _bass(midi: int, time: np.ndarray) -> np.ndarray:
    tones = {1: 1.0, 2: 0.45, 3: 0.2, 4: 0.08}
    return (
        _partials(_hertz(midi), tones.items(), time)
        * np.exp(-time * 1.4)
        * np.minimum(1, time / 0.008)
    )


def _organ(midi: int, time: np.ndarray) -> np.ndarray:
    tones = {1: 1.0, 2: 0.5, 3: 0.25, 4: 0.15, 6: 0.06}
    return 0.6 * _partials(_hertz(midi), tones.items(), time) * np.minimum(1, time / 0.04)


def _strings(midi: int, time: np.ndarray) -> np.ndarray:
    """Three detuned saw-like voices that swell in."""
    tones = {k: k**-1.6 for k in range(1, 11)}
    voices = [_partials(_hertz(midi + cents / 100), tones.items(), time) for cents in (-7, 0, 6)]
    return 0.35 * np.sum(voices, axis=0) * np.minimum(1, time / 0.18)


def _vibrato(time: np.ndarray, hertz: float, depth: float, delay: float) -> np.ndarray:
    """Time that runs faster and slower by the share `depth`, setting in within `delay`."""
    swing = depth / (2 * np.pi * hertz) * np.sin(2 * np.pi * hertz * time)
    return time + swing * np.minimum(1, time / delay)


def _flute(midi: int, time: np.ndarray) -> np.ndarray:
    tones = {1: 1.0, 2: 0.28, 3: 0.12, 4: 0.03}
    return _partials(_hertz(midi), tones.items(), _vibrato(time, 5.0, 0.006, 0.4)) * np.minimum(
        1, time / 0.05
    )


def _fiddle(midi: int, time: np.ndarray) -> np.ndarray:
    tones = {k: k**-1.1 for k in range(1, 12)}
    swung = _vibrato(time, 5.8, 0.008, 0.3)
    return 0.6 * _partials(_hertz(midi), tones.items(), swung) * np.minimum(1, time / 0.06)


_DECAYING = {"pluck": _pluck, "piano": _piano, "bell": _bell, "bass": _bass}
_SUSTAINED = {"organ": _organ, "strings": _strings, "flute": _flute, "fiddle": _fiddle}


@lru_cache(maxsize=400)
def _tone(instrument: str, midi: int, seconds: int) -> np.ndarray:
    make = _DECAYING.get(instrument) or _SUSTAINED[instrument]
    return make(midi, _time(seconds)).astype(np.float32)


def play(instrument: str, midi: int, seconds: float) -> np.ndarray:
    """One note (S,) float32 of `seconds` and a short release, at a peak near 1."""
    whole = 4 if instrument in _DECAYING else max(1, int(np.ceil(seconds + _RELEASE_SECONDS)))
    tone = _tone(instrument, midi, whole)
    tone = tone[: int((seconds + _RELEASE_SECONDS) * SAMPLE_RATE)].copy()
    release = min(len(tone), int(_RELEASE_SECONDS * SAMPLE_RATE))
    tone[-release:] *= np.cos(np.linspace(0, np.pi / 2, release, dtype=np.float32)) ** 2
    return tone


@lru_cache(maxsize=8)
def drum(name: str) -> np.ndarray:
    """A drum stroke (S,) float32: kick, snare or hat."""
    if name == "kick":
        time = _time(0.3)
        stroke = np.sin(2 * np.pi * (50 * time + 1.5 * (1 - np.exp(-time * 30)))) * np.exp(
            -time * 14
        )
    elif name == "snare":
        time = _time(0.18)
        noise = np.diff(np.random.default_rng(2).standard_normal(len(time) + 1))
        stroke = (0.22 * noise + 0.6 * np.sin(2 * np.pi * 185 * time)) * np.exp(-time * 26)
    else:
        time = _time(0.08)
        stroke = (
            0.2
            * np.diff(np.random.default_rng(1).standard_normal(len(time) + 1))
            * np.exp(-time * 60)
        )
    return stroke.astype(np.float32)
