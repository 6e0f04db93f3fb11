"""Renders one rendition: audio, the dry voice, and when every section, word and phoneme sounds."""

from dataclasses import asdict, dataclass
from typing import Any

import numpy as np
from scipy.signal import resample_poly

from data_prep.demo_corpus.arrangement import accompany, reverberate
from data_prep.demo_corpus.espeak import SAMPLE_RATE as SPEECH_RATE
from data_prep.demo_corpus.instruments import SAMPLE_RATE
from data_prep.demo_corpus.notation import load_song
from data_prep.demo_corpus.plan import Rendition
from data_prep.demo_corpus.song import Song
from data_prep.demo_corpus.timeline import Timeline, build_timeline, sung_words
from data_prep.demo_corpus.variant import draw_variant
from data_prep.demo_corpus.voice import SungPhoneme, analyse, sing
from data_prep.demo_corpus.word_exchange import exchange_words

PEAK = 0.89
_VOICE_PEAK = 0.5
_ACCOMPANIMENT_SHARE = 0.55  # of the voice's level
_REVERB_VOICE, _REVERB_ACCOMPANIMENT = 0.10, 0.10


@dataclass(frozen=True, kw_only=True)
class Performance:
    """A rendered song: `mix` (2, S) and the dry `voice` (S,) at 48 kHz, and its description."""

    mix: np.ndarray
    voice: np.ndarray
    accompaniment: np.ndarray
    description: dict[str, Any]


def render(rendition: Rendition) -> Performance:
    """Perform a rendition; the same rendition gives the same samples."""
    song = load_song(rendition.song)
    # All words of the song in its own order, so that every rendition finds the same analyses.
    vocabulary = dict.fromkeys(
        song.spoken(word.text) for section in song.sections.values() for word in section.words
    )
    if rendition.words_exchanged:
        song = exchange_words(song, rendition.seed)
    timeline = build_timeline(song, draw_variant(song, rendition.seed, rendition.freedom))
    words = sung_words(timeline)
    voice = timeline.variant.voice
    analyses = analyse(tuple(vocabulary), voice.espeak)
    samples, phonemes = sing([word for _, word in words], analyses, timeline.duration, voice.warp)
    accompaniment = accompany(timeline)
    voice_samples = _to_length(samples, accompaniment.shape[1])
    mix, accompaniment = _mix(voice_samples, accompaniment)
    return Performance(
        mix=mix,
        voice=voice_samples,
        accompaniment=accompaniment,
        description=_describe(rendition, timeline, [index for index, _ in words], phonemes),
    )


def _to_length(samples: np.ndarray, length: int) -> np.ndarray:
    """The voice at 48 kHz, (length,), at its working peak."""
    samples = resample_poly(samples, SAMPLE_RATE // 150, SPEECH_RATE // 150)
    samples = np.pad(samples, (0, max(0, length - len(samples))))[:length]
    return (samples * (_VOICE_PEAK / np.abs(samples).max())).astype(np.float32)


def _level(samples: np.ndarray) -> float:
    """Root mean square of the samples that are not silent."""
    power = np.square(samples[..., np.abs(samples).max(axis=0) > 1e-3 * np.abs(samples).max()])
    return float(np.sqrt(power.mean()))


def _mix(voice: np.ndarray, accompaniment: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
    """The finished mix (2, S), and the accompaniment in it."""
    accompaniment = accompaniment * (_ACCOMPANIMENT_SHARE * _level(voice) / _level(accompaniment))
    accompaniment += _REVERB_ACCOMPANIMENT * reverberate(accompaniment.mean(axis=0))
    mix = voice + _REVERB_VOICE * reverberate(voice) + accompaniment
    gain = PEAK / np.abs(mix).max()
    return gain * mix, gain * accompaniment


def _describe(
    rendition: Rendition, timeline: Timeline, word_sections: list[int], phonemes: list[SungPhoneme]
) -> dict[str, Any]:
    song, variant = timeline.song, timeline.variant
    texts = [w.text for placed in timeline.placed for w in placed.section.words]
    starts, ends = np.full(len(texts), np.inf), np.zeros(len(texts))
    for phoneme in phonemes:
        starts[phoneme.word] = min(starts[phoneme.word], phoneme.start)
        ends[phoneme.word] = max(ends[phoneme.word], phoneme.end)
    sections = _section_times(timeline, word_sections, starts)
    return {
        "key": rendition.key,
        "title": song.title,
        "language": song.language,
        "lyrics": structured_lyrics(song, sections, timeline),
        "sections": sections,
        "words": [
            {"word": text, "start": round(float(start), 3), "end": round(float(end), 3)}
            for text, start, end in zip(texts, starts, ends, strict=True)
        ],
        "espeak_phonemes": [
            {"symbol": p.symbol, "start": round(p.start, 3), "end": round(p.end, 3)}
            for p in phonemes
        ],
        "duration": round(timeline.duration, 3),
        "sample_rate": SAMPLE_RATE,
        "split": rendition.split,
        "song": song.key,
        "seed": rendition.seed,
        "freedom": asdict(rendition.freedom),
        "words_exchanged": rendition.words_exchanged,
        "bpm": variant.bpm,
        "transposition": variant.transposition,
        "voice": variant.voice.name,
        "style": variant.style,
        "lead": variant.lead,
        "drums": variant.drums,
        "form": list(variant.form),
        "source": song.source,
        "licence": song.licence,
    }


def _section_times(
    timeline: Timeline, word_sections: list[int], word_starts: np.ndarray
) -> list[dict[str, Any]]:
    """Sections that cover the song; a sung one begins with its first consonant."""
    borders = [0.0]
    for index, placed in enumerate(timeline.placed[1:], start=1):
        start = timeline.seconds(placed.start)
        if index in word_sections:
            start = min(start, float(word_starts[word_sections.index(index)]))
        borders.append(start)
    borders.append(timeline.duration)
    return [
        {"tag": placed.section.tag, "start": round(start, 3), "end": round(end, 3)}
        for placed, start, end in zip(timeline.placed, borders[:-1], borders[1:], strict=True)
    ]


def structured_lyrics(song: Song, sections: list[dict[str, Any]], timeline: Timeline) -> str:
    """The lyric with its section tags; a played section has one tag for about each second."""
    parts = []
    for times, placed in zip(sections, timeline.placed, strict=True):
        tag = f"[{times['tag']}]"
        if not placed.section.words:
            parts.append(" ".join([tag] * max(1, round(times["end"] - times["start"]))))
            continue
        space, stop = ("", ".") if song.language == "zh" else (" ", ". ")
        parts.append(f"{tag} " + stop.join(space.join(words) for words in placed.section.sentences))
    return " , ".join(parts)
