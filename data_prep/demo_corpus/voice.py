"""Sings: stretches spoken words onto notes with the WORLD vocoder.

Every word is analysed once. Each of its syllables puts its vowel on the beat and holds it; the
consonants before it sound ahead of the beat, those after it end the note.
"""

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from functools import cache, lru_cache
from types import ModuleType

import numpy as np

from data_prep.demo_corpus.espeak import SAMPLE_RATE, Phoneme, speak
from songbloom.errors import SongBloomError

FRAME_SECONDS = 0.005
_MAX_ONSET_SECONDS, _MAX_ONSET_SHARE = 0.16, 0.45
_MAX_CODA_SHARE = 0.45
_HELD_PART = (0.35, 0.65)  # the share of a vowel that is stretched; its ends keep their speed
_GLIDE_SECONDS = 0.06
_VIBRATO_HERTZ, _VIBRATO_SEMITONES = 5.4, 0.35
_DRIFT_HERTZ, _DRIFT_SEMITONES = 0.7, 0.06
_LEVELLING = 0.7  # how far the words' different loudness is evened out, 1 = wholly
_SILENCE = 1e-12


@dataclass(frozen=True, kw_only=True)
class SungNote:
    """A pitch in (fractional) MIDI from `start` for `length` seconds."""

    start: float
    length: float
    midi: float

    @property
    def end(self) -> float:
        """The second at which the note stops."""
        return self.start + self.length


@dataclass(frozen=True, kw_only=True)
class SungWord:
    """A word and, for each of its syllables, the notes it is sung on."""

    text: str
    syllables: tuple[tuple[SungNote, ...], ...]


@dataclass(frozen=True, kw_only=True)
class SungPhoneme(Phoneme):
    """A phoneme as it is sung; `word` is the index of its word."""

    word: int


@dataclass(frozen=True, kw_only=True)
class Analysis:
    """WORLD's view of a spoken word: voicing (F,), spectrum and aperiodicity (F, bins)."""

    voiced: np.ndarray
    log_spectrum: np.ndarray
    aperiodicity: np.ndarray
    phonemes: tuple[Phoneme, ...]


@dataclass(frozen=True, kw_only=True)
class _Piece:
    """A phoneme of a spoken word, put at `start` to `end`; `held` if it carries the note."""

    start: float
    end: float
    phoneme: Phoneme
    held: bool
    analysis: Analysis
    word: int


@cache
def _world() -> ModuleType:
    """The vocoder, which is needed only to render; raises SongBloomError if it is missing."""
    try:
        import pyworld
    except ImportError as error:
        raise SongBloomError(
            "Rendering the demo corpus needs pyworld-prebuilt: pip install 'songbloom[demo]'."
        ) from error
    return pyworld


@lru_cache(maxsize=8)
def analyse(texts: tuple[str, ...], voice: str) -> dict[str, Analysis]:
    """Analysis of each text as an espeak voice speaks it; kept for the next rendition."""
    return {
        text: _analyse(speech.samples, speech.phonemes)
        for text, speech in zip(texts, speak(texts, voice), strict=True)
    }


def _analyse(samples: np.ndarray, phonemes: tuple[Phoneme, ...]) -> Analysis:
    world = _world()
    padded = np.concatenate([samples, np.zeros(int(0.05 * SAMPLE_RATE))])
    period = FRAME_SECONDS * 1000
    f0, times = world.dio(padded, SAMPLE_RATE, f0_floor=50, frame_period=period)
    f0 = world.stonemask(padded, f0, times, SAMPLE_RATE)
    log_spectrum = np.log(world.cheaptrick(padded, f0, times, SAMPLE_RATE) + _SILENCE)
    vowels = [phoneme for phoneme in phonemes if phoneme.is_vowel] or list(phonemes)
    frames = np.concatenate([np.arange(*_frames(vowel.start, vowel.end)) for vowel in vowels])
    level = np.log(np.exp(log_spectrum[frames]).sum(axis=1).mean())
    return Analysis(
        voiced=f0 > 0,
        log_spectrum=log_spectrum - _LEVELLING * level,
        aperiodicity=world.d4c(padded, f0, times, SAMPLE_RATE),
        phonemes=phonemes,
    )


def _frames(start: float, end: float) -> tuple[int, int]:
    return max(0, int(np.ceil(start / FRAME_SECONDS))), int(np.ceil(end / FRAME_SECONDS))


def syllabify(
    phonemes: Sequence[Phoneme], count: int
) -> list[tuple[Sequence[Phoneme], Phoneme, Sequence[Phoneme]]]:
    """Divide a word into `count` syllables (onset, vowel, coda).

    Consonants between vowels begin the next syllable; vowels beyond `count` end the last one,
    and a word with fewer vowels repeats its last.
    """
    vowels = [i for i, phoneme in enumerate(phonemes) if phoneme.is_vowel][:count]
    vowels = vowels or [len(phonemes) // 2]
    syllables = []
    begin = 0
    for vowel in vowels:
        coda = phonemes[vowel + 1 :] if vowel == vowels[-1] else ()
        syllables.append((phonemes[begin:vowel], phonemes[vowel], coda))
        begin = vowel + 1
    repeats = count - len(syllables)
    if repeats:  # the coda goes to the last repetition
        onset, vowel, coda = syllables[-1]
        syllables[-1] = (onset, vowel, ())
        syllables += [((), vowel, ())] * (repeats - 1) + [((), vowel, coda)]
    return syllables


def _length(phonemes: Sequence[Phoneme]) -> float:
    return sum(phoneme.end - phoneme.start for phoneme in phonemes)


def _pieces(words: Sequence[SungWord], analyses: dict[str, Analysis]) -> Iterator[_Piece]:
    """Every phoneme in order of time; a syllable ends where the onset of the next one begins."""
    syllables = [
        (index, notes, *parts)
        for index, word in enumerate(words)
        for notes, parts in zip(
            word.syllables,
            syllabify(analyses[word.text].phonemes, len(word.syllables)),
            strict=True,
        )
    ]
    starts = [notes[0].start for _, notes, *_ in syllables]
    rooms = [np.inf, *np.diff(starts)]  # since the syllable before, whose vowel must be heard too
    leads = [
        min(_MAX_ONSET_SECONDS, _MAX_ONSET_SHARE * room, _length(onset))
        for room, (_, _, onset, _, _) in zip(rooms, syllables, strict=True)
    ]
    limits = [start - lead for start, lead in zip(starts, leads, strict=True)]
    for (index, notes, onset, vowel, coda), lead, limit in zip(
        syllables, leads, [*limits[1:], np.inf], strict=True
    ):
        start, end = notes[0].start, min(notes[-1].end, limit)
        tail = min(_length(coda), _MAX_CODA_SHARE * (end - start))
        for group, begin, seconds in (
            (onset, start - lead, lead),
            ((vowel,), start, end - tail - start),
            (coda, end - tail, tail),
        ):
            scale = seconds / max(_length(group), 1e-9)
            for phoneme in group:
                finish = begin + scale * (phoneme.end - phoneme.start)
                yield _Piece(
                    start=begin,
                    end=finish,
                    phoneme=phoneme,
                    held=phoneme is vowel,
                    analysis=analyses[words[index].text],
                    word=index,
                )
                begin = finish


def _pitch_curve(words: Sequence[SungWord], frames: int) -> np.ndarray:
    """Semitones per frame (frames,): notes joined by glides, held notes with vibrato."""
    times = np.arange(frames) * FRAME_SECONDS
    pitch, held = np.zeros(frames), np.zeros(frames)
    for note in (note for word in words for syllable in word.syllables for note in syllable):
        span = slice(*_frames(note.start - _GLIDE_SECONDS, note.end + _GLIDE_SECONDS))
        pitch[span] = note.midi
        held[span] = np.clip((times[span] - note.start - 0.25) / 0.3, 0, 1)
    known = np.nonzero(pitch)[0]
    pitch = np.interp(np.arange(frames), known, pitch[known])
    window = np.hanning(15)[1:-1]
    pitch = np.convolve(np.pad(pitch, 6, "edge"), window / window.sum(), "valid")
    vibrato = _VIBRATO_SEMITONES * held * np.sin(2 * np.pi * _VIBRATO_HERTZ * times)
    return pitch + vibrato + _DRIFT_SEMITONES * np.sin(2 * np.pi * _DRIFT_HERTZ * times)


def _warp(log_spectrum: np.ndarray, warp: float) -> np.ndarray:
    """Move the formants of (frames, bins) up by the factor `warp`."""
    bins = np.clip(np.arange(log_spectrum.shape[1]) / warp, 0, log_spectrum.shape[1] - 1.001)
    low, weight = bins.astype(int), bins % 1
    warped = (1 - weight) * log_spectrum[:, low] + weight * log_spectrum[:, low + 1]
    return np.ascontiguousarray(warped)  # WORLD wants rows in order


def sing(
    words: Sequence[SungWord], analyses: dict[str, Analysis], seconds: float, warp: float = 1.0
) -> tuple[np.ndarray, list[SungPhoneme]]:
    """Mono samples at SAMPLE_RATE lasting about `seconds`, and the phonemes as they are sung.

    `warp` moves the formants up (a smaller singer) or, below 1, down.
    """
    frames = int(seconds / FRAME_SECONDS) + 1
    bins = next(iter(analyses.values())).log_spectrum.shape[1]
    log_spectrum = np.full((frames, bins), np.log(_SILENCE))
    aperiodicity = np.ones((frames, bins))
    voiced, gain = np.zeros(frames, bool), np.zeros(frames)
    pieces = list(_pieces(words, analyses))
    for piece in pieces:
        begin, end = _frames(piece.start, min(piece.end, seconds))
        if end <= begin:
            continue
        progress = (np.arange(begin, end) * FRAME_SECONDS - piece.start) / (piece.end - piece.start)
        spoken, analysis = piece.phoneme, piece.analysis
        length = spoken.end - spoken.start
        stretch = (piece.end - piece.start) / length
        if piece.held and stretch > 1:
            attack = _HELD_PART[0] / stretch
            progress = np.interp(progress, [0, attack, 1 - attack, 1], [0, *_HELD_PART, 1])
        source = (spoken.start + progress * length) / FRAME_SECONDS
        source = np.clip(source, 0, len(analysis.voiced) - 1.001)
        low, weight = source.astype(int), (source % 1)[:, None]
        span = slice(begin, end)
        for rows, spoken_rows in (
            (log_spectrum, analysis.log_spectrum),
            (aperiodicity, analysis.aperiodicity),
        ):
            rows[span] = (1 - weight) * spoken_rows[low] + weight * spoken_rows[low + 1]
        voiced[span] = True if piece.held else analysis.voiced[np.round(source).astype(int)]
        if piece.held:  # espeak's creaky ends would turn a held note into noise
            aperiodicity[span] = np.minimum(aperiodicity[span], 0.9)
        gain[span] = 1.0
    window = np.hanning(11)[1:-1]
    gain = np.convolve(gain, window / window.sum(), "same")  # no clicks where singing stops
    if warp != 1.0:
        log_spectrum = _warp(log_spectrum, warp)
    spectrum = np.exp(log_spectrum) * (gain**2)[:, None] + _SILENCE
    f0 = np.where(voiced, 440 * 2 ** ((_pitch_curve(words, frames) - 69) / 12), 0.0)
    samples = _world().synthesize(f0, spectrum, aperiodicity, SAMPLE_RATE, FRAME_SECONDS * 1000)
    phonemes = [
        SungPhoneme(symbol=p.phoneme.symbol, start=p.start, end=p.end, word=p.word) for p in pieces
    ]
    return samples, phonemes
