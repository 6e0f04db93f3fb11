"""What a seed decides about a rendition: its form, key, tempo, voice and accompaniment."""

import zlib
from dataclasses import dataclass

import numpy as np

from data_prep.demo_corpus.song import Song, SongError

LEAD_IN_SECONDS = 0.3
TAIL_SECONDS = 2.0
_LOWEST, _HIGHEST = 45, 67  # MIDI range of the lead voice
_MEAN_RANGE = (52.0, 58.0)  # where espeak's words stay intelligible when they are sung

STYLES = ("strum", "organ", "arpeggio", "band", "strings", "piano")
LEADS = ("flute", "fiddle", "pluck", "bell", "piano")
DRUMS = ("none", "none", "soft", "full")


@dataclass(frozen=True, kw_only=True)
class Freedom:
    """How far the renditions of a song may differ from the notation and from each other.

    Attributes:
        tempo: times as fast as noted.
        tempo_spread: share by which a rendition's tempo may lie above or below that.
        num_forms: of the forms that fit, how many are used, the first ones; None: all.
        min_seconds: shortest rendition, lead-in and tail included.
        max_seconds: longest rendition.
    """

    tempo: float = 1.0
    tempo_spread: float = 0.12
    num_forms: int | None = None
    min_seconds: float = 30.0
    max_seconds: float = 100.0

    def __post_init__(self) -> None:
        """Check the ranges in which words stay clear."""
        if not 0.5 <= self.tempo <= 2.0:
            raise SongError(f"tempo must lie in 0.5 to 2, but is {self.tempo}.")
        if not 0 <= self.tempo_spread <= 0.3:
            raise SongError(f"tempo_spread must lie in 0 to 0.3, but is {self.tempo_spread}.")
        if self.num_forms is not None and self.num_forms < 1:
            raise SongError(f"num_forms must be at least 1, but is {self.num_forms}.")
        if not 0 < self.min_seconds <= self.max_seconds:
            raise SongError(
                f"min_seconds must be positive and at most max_seconds, but they are "
                f"{self.min_seconds:g} and {self.max_seconds:g}."
            )


FULL_FREEDOM = Freedom()


@dataclass(frozen=True, kw_only=True)
class Voice:
    """A singer: an espeak-ng voice whose formants are moved up by `warp`."""

    name: str
    espeak: str
    warp: float


# Every one of these is matched to its own words (docs/demo_corpus.md).
_ESPEAK_VOICES = {"en": ("en-us", "en-us+m3"), "zh": ("cmn", "cmn+m3")}
_WARPS = {"": 1.0, "-deep": 0.94, "-bright": 1.07}
VOICES = {
    language: tuple(
        Voice(name=espeak.replace("+", "-") + suffix, espeak=espeak, warp=warp)
        for espeak in names
        for suffix, warp in _WARPS.items()
    )
    for language, names in _ESPEAK_VOICES.items()
}


@dataclass(frozen=True, kw_only=True)
class Variant:
    """One way to perform a song."""

    form: tuple[str, ...]
    bpm: float
    transposition: int
    voice: Voice
    style: str
    lead: str
    drums: str


def sung_pitches(song: Song, form: tuple[str, ...]) -> np.ndarray:
    """MIDI pitch of every half beat that `form` has the voice sing, untransposed."""
    notes = [n for name in form if song.sections[name].words for n in song.sections[name].notes]
    return np.repeat([n.midi for n in notes], [max(1, round(2 * n.length)) for n in notes])


def duration(song: Song, form: tuple[str, ...], bpm: float) -> float:
    """Seconds that a form lasts, lead-in and tail included."""
    bars = sum(song.sections[name].bars for name in form)
    beats = bars * song.meter + song.sections[form[0]].pickup
    return LEAD_IN_SECONDS + beats * 60 / bpm + TAIL_SECONDS


def _fitting_forms(song: Song, freedom: Freedom) -> list[tuple[str, ...]]:
    """The first `num_forms` forms that last neither too long nor too short at the mean tempo."""
    bpm = round(freedom.tempo * song.bpm, 1)
    fitting = [
        form
        for form in song.forms
        if freedom.min_seconds <= duration(song, form, bpm) <= freedom.max_seconds
    ]
    if not fitting:
        raise SongError(
            f"{song.key}: no form lasts {freedom.min_seconds:g} to {freedom.max_seconds:g} s; "
            f"allow shorter or longer ones."
        )
    return fitting[: freedom.num_forms]


def draw_variant(song: Song, seed: int, freedom: Freedom = FULL_FREEDOM) -> Variant:
    """The performance of `song` that belongs to `seed`.

    Raises SongError if the song has no form within the allowed duration, or no fitting key.
    """
    rng = np.random.default_rng([zlib.crc32(song.key.encode()), seed])
    forms = _fitting_forms(song, freedom)
    while True:
        form = forms[rng.integers(len(forms))]
        factor = freedom.tempo * rng.uniform(1 - freedom.tempo_spread, 1 + freedom.tempo_spread)
        bpm = round(factor * song.bpm, 1)
        if freedom.min_seconds <= duration(song, form, bpm) <= freedom.max_seconds:
            break
    pitches = sung_pitches(song, form)
    keys = [
        shift
        for shift in range(-36, 13)
        if _MEAN_RANGE[0] <= pitches.mean() + shift <= _MEAN_RANGE[1]
        and pitches.min() + shift >= _LOWEST
        and pitches.max() + shift <= _HIGHEST
    ]
    if not keys:
        raise SongError(f"{song.key}: its range fits no key between MIDI {_LOWEST} and {_HIGHEST}.")
    voices = VOICES[song.language]
    return Variant(
        form=form,
        bpm=bpm,
        transposition=int(rng.choice(keys)),
        voice=voices[rng.integers(len(voices))],
        style=str(rng.choice(STYLES)),
        lead=str(rng.choice(LEADS)),
        drums=str(rng.choice(DRUMS)),
    )
