"""The accompaniment: chords in one of several styles, a lead instrument, drums, reverberation."""

from collections.abc import Callable, Iterator
from dataclasses import dataclass, replace

import numpy as np
from scipy.signal import oaconvolve

from data_prep.demo_corpus.instruments import SAMPLE_RATE, drum, play
from data_prep.demo_corpus.song import Chord
from data_prep.demo_corpus.timeline import Timeline
from data_prep.demo_corpus.variant import TAIL_SECONDS

_LEAD_OCTAVE = 12  # the lead instrument plays an octave above the voice
_SWELL = 1.5  # how much louder the band plays where nobody sings
_REVERB_SECONDS = 1.1
_FINAL_REST_SECONDS = 0.5  # the last chord rings out within the tail


@dataclass(frozen=True, kw_only=True)
class Stroke:
    """A note of the accompaniment: `beat` and `beats` on the song's grid, `pan` 0 left to 1."""

    instrument: str
    beat: float
    beats: float
    midi: int
    gain: float
    pan: float = 0.5
    delay: float = 0.0


def _voiced(chord: Chord, shift: int, low: int) -> list[int]:
    """MIDI numbers of the chord's tones in the octave above `low`, ascending."""
    return sorted(low + (tone + shift - low) % 12 for tone in chord.pitch_classes)


def _root(chord: Chord, shift: int, low: int) -> int:
    return low + (chord.pitch_classes[0] + shift - low) % 12


def _strum(chord: Chord, shift: int) -> Iterator[Stroke]:
    yield Stroke(
        instrument="pluck", beat=0, beats=chord.length, midi=_root(chord, shift, 34), gain=0.6
    )
    for beat in range(int(chord.length)):
        for i, midi in enumerate(_voiced(chord, shift, 50)):
            gain = 0.26 if beat == 0 else 0.2
            yield Stroke(
                instrument="pluck",
                beat=beat,
                beats=1,
                midi=midi,
                gain=gain,
                pan=0.3,
                delay=0.012 * i,
            )


def _organ(chord: Chord, shift: int) -> Iterator[Stroke]:
    yield Stroke(
        instrument="bass", beat=0, beats=chord.length, midi=_root(chord, shift, 33), gain=0.5
    )
    for i, midi in enumerate(_voiced(chord, shift, 53)):
        yield Stroke(
            instrument="organ",
            beat=0,
            beats=chord.length,
            midi=midi,
            gain=0.24,
            pan=0.3 + 0.2 * (i % 3),
        )


def _arpeggio(chord: Chord, shift: int) -> Iterator[Stroke]:
    tones = _voiced(chord, shift, 50)
    tones = [*tones, tones[0] + 12]
    pattern = [*tones, *tones[-2:0:-1]]
    yield Stroke(
        instrument="pluck", beat=0, beats=chord.length, midi=_root(chord, shift, 36), gain=0.5
    )
    for step in range(int(2 * chord.length)):
        midi = pattern[step % len(pattern)]
        yield Stroke(instrument="pluck", beat=step / 2, beats=1.5, midi=midi, gain=0.4, pan=0.65)


def _band(chord: Chord, shift: int) -> Iterator[Stroke]:
    root = _root(chord, shift, 33)
    for beat in range(int(chord.length)):
        midi = root if beat % 2 == 0 else root + 7
        yield Stroke(instrument="bass", beat=beat, beats=0.9, midi=midi, gain=0.7)
        for midi in _voiced(chord, shift, 52):
            yield Stroke(
                instrument="piano", beat=beat + 0.5, beats=0.4, midi=midi, gain=0.22, pan=0.35
            )


def _strings(chord: Chord, shift: int) -> Iterator[Stroke]:
    tones = _voiced(chord, shift, 55)
    yield Stroke(
        instrument="bass", beat=0, beats=chord.length, midi=_root(chord, shift, 33), gain=0.45
    )
    for i, midi in enumerate(tones):
        yield Stroke(
            instrument="strings",
            beat=0,
            beats=chord.length,
            midi=midi,
            gain=0.3,
            pan=0.2 + 0.3 * (i % 3),
        )
    for beat in range(int(chord.length)):
        midi = tones[beat % len(tones)] + 12
        yield Stroke(instrument="bell", beat=beat, beats=1, midi=midi, gain=0.16, pan=0.7)


def _piano(chord: Chord, shift: int) -> Iterator[Stroke]:
    """The bass on the strong beat, the chord on the others."""
    yield Stroke(instrument="piano", beat=0, beats=1, midi=_root(chord, shift, 38), gain=0.5)
    for beat in range(1, max(2, int(chord.length))):
        for midi in _voiced(chord, shift, 52):
            yield Stroke(instrument="piano", beat=beat, beats=0.8, midi=midi, gain=0.24, pan=0.6)


_PATTERNS: dict[str, Callable[[Chord, int], Iterator[Stroke]]] = {
    "strum": _strum,
    "organ": _organ,
    "arpeggio": _arpeggio,
    "band": _band,
    "strings": _strings,
    "piano": _piano,
}


class Mixer:
    """A stereo buffer (2, S) float32 that notes are added to."""

    def __init__(self, seconds: float) -> None:
        self.buffer = np.zeros((2, int(seconds * SAMPLE_RATE)), np.float32)

    def add(self, sound: np.ndarray, seconds: float, gain: float, pan: float) -> None:
        """Add a mono sound at `seconds`, constant power between left (0) and right (1)."""
        begin = round(seconds * SAMPLE_RATE)
        sound = sound[: max(0, self.buffer.shape[1] - begin)]
        for channel, share in enumerate((np.cos(pan * np.pi / 2), np.sin(pan * np.pi / 2))):
            self.buffer[channel, begin : begin + len(sound)] += np.float32(gain * share) * sound


def _add_drums(mixer: Mixer, timeline: Timeline) -> None:
    """Drums from the first sung section to the last."""
    meter, full = timeline.song.meter, timeline.variant.drums == "full"
    first = next(p.downbeat for p in timeline.placed if p.section.words)
    last = timeline.placed[-1].downbeat
    for beat in np.arange(first, last):
        place = int(beat - timeline.placed[0].downbeat) % meter
        time = timeline.seconds(float(beat))
        strong = place == 0 or (meter == 4 and place == 2)
        if strong:
            mixer.add(drum("kick"), time, 0.7 if full else 0.45, 0.5)
        elif full:
            mixer.add(drum("snare"), time, 0.28, 0.5)
        for offset in (0.0, 0.5) if full else (0.5,):
            mixer.add(drum("hat"), time + offset * timeline.beat_seconds, 0.4, 0.62)


def accompany(timeline: Timeline) -> np.ndarray:
    """The dry accompaniment, (2, S) float32 at 48 kHz."""
    variant, beat_seconds = timeline.variant, timeline.beat_seconds
    mixer = Mixer(timeline.duration)

    def strike(stroke: Stroke, downbeat: float, swell: float = 1.0) -> None:
        sound = play(stroke.instrument, stroke.midi, stroke.beats * beat_seconds)
        time = timeline.seconds(downbeat + stroke.beat) + stroke.delay
        mixer.add(sound, time, swell * stroke.gain, stroke.pan)

    for placed in timeline.placed:
        swell = 1.0 if placed.section.words else _SWELL
        for chord in placed.section.chords:
            for stroke in _PATTERNS[variant.style](chord, variant.transposition):
                strike(stroke, placed.downbeat + chord.start, swell)
        for note in placed.section.melody:
            length = min(note.end, placed.end - placed.downbeat) - note.start
            if length <= 0:  # the pickup of the next section has its place
                continue
            midi = note.midi + variant.transposition + _LEAD_OCTAVE
            strike(
                Stroke(
                    instrument=variant.lead,
                    beat=note.start,
                    beats=length,
                    midi=midi,
                    gain=0.6,
                    pan=0.45,
                ),
                placed.downbeat,
                swell,
            )
    last = timeline.placed[-1]
    ending = (TAIL_SECONDS - _FINAL_REST_SECONDS) / beat_seconds
    for stroke in _PATTERNS[variant.style](last.section.chords[-1], variant.transposition):
        if stroke.beat == 0:
            strike(replace(stroke, beats=ending), last.end)
    if variant.drums != "none":
        _add_drums(mixer, timeline)
    return mixer.buffer


def reverberate(mono: np.ndarray) -> np.ndarray:
    """A synthetic room's answer to `mono` (S,): (2, S), at unit energy per channel."""
    time = np.arange(int(_REVERB_SECONDS * SAMPLE_RATE)) / SAMPLE_RATE
    room = np.random.default_rng(3).standard_normal((2, len(time))) * np.exp(-6 * time)
    room = (room / np.sqrt((room**2).sum(axis=1, keepdims=True))).astype(np.float32)
    return np.stack([oaconvolve(mono, channel)[: len(mono)] for channel in room])
