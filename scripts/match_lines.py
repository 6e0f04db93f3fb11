"""Are the words still heard? Matches sung lines to spoken ones: python -m scripts.match_lines DIR.

DIR holds renditions of the demo corpus with their dry voices (made with --vocals). Each sung line
is compared, by dynamic time warping of its cepstra, with the same voice speaking its own text and
that of other lines; it is matched if its own text is the nearest.
"""

import argparse
import json
import sys
from collections import Counter
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from functools import cache
from pathlib import Path

import numpy as np
import soundfile
from scipy.fft import dct, rfft
from scipy.signal import get_window, resample_poly
from tqdm import tqdm

from data_prep.demo_corpus.espeak import SAMPLE_RATE, speak
from data_prep.demo_corpus.notation import load_songs
from data_prep.demo_corpus.variant import VOICES
from songbloom.errors import SongBloomError

Transform = Callable[[np.ndarray], np.ndarray]

_HOP_SECONDS, _WINDOW_SECONDS = 0.01, 0.032
_MEL_BANDS, _COEFFICIENTS = 40, 13
_TOP_HERTZ = 7000.0


@dataclass(frozen=True, kw_only=True)
class SungLine:
    """A sentence as one rendition sings it: mono samples (S,) at SAMPLE_RATE."""

    key: str
    text: str
    language: str
    voice: str
    samples: np.ndarray


@dataclass(frozen=True, kw_only=True)
class MatchReport:
    """How many lines were matched to their own text, in all and by voice; and the mistaken ones."""

    matched: int
    total: int
    by_voice: dict[str, tuple[int, int]]
    mistakes: tuple[tuple[str, str, str], ...]


@cache
def _mel_filters(fft_size: int) -> np.ndarray:
    """Triangular filters (_MEL_BANDS, fft_size // 2 + 1)."""
    top = 2595 * np.log10(1 + _TOP_HERTZ / 700)
    edges = 700 * (10 ** (np.linspace(60, top, _MEL_BANDS + 2) / 2595) - 1)
    hertz = np.fft.rfftfreq(fft_size, 1 / SAMPLE_RATE)
    rise = (hertz - edges[:-2, None]) / (edges[1:-1] - edges[:-2])[:, None]
    fall = (edges[2:, None] - hertz) / (edges[2:] - edges[1:-1])[:, None]
    return np.maximum(0, np.minimum(rise, fall))


def cepstra(samples: np.ndarray) -> np.ndarray:
    """Mel cepstra (frames, _COEFFICIENTS - 1) of sounding frames, without c0, mean removed."""
    size, hop = int(_WINDOW_SECONDS * SAMPLE_RATE), int(_HOP_SECONDS * SAMPLE_RATE)
    samples = np.pad(samples, (0, size))
    frames = np.lib.stride_tricks.sliding_window_view(samples, size)[::hop]
    power = np.abs(np.asarray(rfft(frames * get_window("hann", size)))) ** 2
    level = 10 * np.log10(power.sum(axis=1) + 1e-12)
    mel = np.log(power[level > level.max() - 45] @ _mel_filters(size).T + 1e-9)
    coefficients = np.asarray(dct(mel, norm="ortho"))[:, 1:_COEFFICIENTS]
    return coefficients - coefficients.mean(axis=0)


def warped_distance(sung: np.ndarray, spoken: np.ndarray) -> float:
    """Mean distance of sung frames (N, C) to spoken ones (M, C) on the best monotonic path.

    Every sung frame counts once; the path may stay on a spoken frame, go on, or leave one out.
    """
    cost = np.sqrt(
        np.maximum(0, (sung**2).sum(1)[:, None] + (spoken**2).sum(1) - 2 * sung @ spoken.T)
    )
    best = np.full(len(spoken), np.inf)
    best[0] = cost[0, 0]
    for row in cost[1:]:
        step = best.copy()
        step[1:] = np.minimum(step[1:], best[:-1])
        step[2:] = np.minimum(step[2:], best[:-2])
        best = step + row
    return float(best[-1] / len(sung))


def _sentences(lyrics: str) -> list[str]:
    """The sung sentences of a structured lyric, in order."""
    sung = [part.strip().split("] ", 1) for part in lyrics.split(" , ")]
    return [
        sentence.strip()
        for part in sung
        if len(part) == 2 and not part[1].startswith("[")
        for sentence in part[1].split(".")
    ]


def sung_lines(folder: Path, transform: Transform | None = None) -> list[SungLine]:
    """The lines of every rendition in `folder` that has its dry voice.

    `transform` is applied to the whole voice, mono at 48 kHz, before it is cut: a codec, say.
    """
    lines = []
    for path in tqdm(sorted(folder.glob("*.json")), unit="song", desc="Cutting lines"):
        vocal = path.with_suffix(".vocal.flac")
        if not vocal.is_file():
            continue
        description = json.loads(path.read_text(encoding="utf-8"))
        samples, rate = soundfile.read(vocal)
        if transform is not None:
            samples = transform(samples)
        samples = resample_poly(samples, SAMPLE_RATE // 150, rate // 150)
        words = iter(description["words"])
        for sentence in _sentences(description["lyrics"]):
            pieces = sentence.split() if description["language"] == "en" else sentence
            sung = [next(words) for _ in pieces]
            begin, end = (int(t * SAMPLE_RATE) for t in (sung[0]["start"], sung[-1]["end"]))
            lines.append(
                SungLine(
                    key=description["key"],
                    text=sentence,
                    language=description["language"],
                    voice=description["voice"],
                    samples=samples[begin:end],
                )
            )
    if not lines:
        raise SongBloomError(
            f"{folder} holds no KEY.json with KEY.vocal.flac: render with --vocals."
        )
    return lines


def _spoken_cepstra(language: str) -> dict[str, dict[str, np.ndarray]]:
    """By voice name and text: the cepstra of every line of the songs in `language`, spoken."""
    joint = "" if language == "zh" else " "
    spellings = {
        joint.join(sentence): joint.join(song.spoken(word) for word in sentence)
        for song in load_songs()
        if song.language == language
        for section in song.sections.values()
        for sentence in section.sentences
    }
    spoken = {}
    for espeak in {voice.espeak for voice in VOICES[language]}:
        speeches = speak(tuple(spellings.values()), espeak)
        spoken[espeak] = {
            text: cepstra(speech.samples) for text, speech in zip(spellings, speeches, strict=True)
        }
    return {voice.name: spoken[voice.espeak] for voice in VOICES[language]}


def match_sung_lines(
    folder: Path, transform: Transform | None = None, candidates: int = 20, seed: int = 0
) -> MatchReport:
    """Match each sung line of `folder` among `candidates` spoken ones, its own text included.

    Raises SongBloomError if there are no dry voices, or a language has too few lines.
    """
    rng = np.random.default_rng(seed)
    spoken: dict[str, dict[str, np.ndarray]] = {}
    matched, total, mistakes = Counter[str](), Counter[str](), []
    for line in tqdm(sung_lines(folder, transform), unit="line", desc="Matching"):
        if line.voice not in spoken:
            spoken |= _spoken_cepstra(line.language)
        texts = spoken[line.voice]
        others = [text for text in texts if text != line.text]
        if line.text not in texts or len(others) < candidates - 1:
            raise SongBloomError(
                f"{line.key}: {line.text!r} needs {candidates - 1} other lines of the corpus in "
                f"its language, and there are {len(others)}."
            )
        choice = [line.text, *rng.choice(others, candidates - 1, replace=False)]
        sung = cepstra(line.samples)
        nearest = min(choice, key=lambda text: warped_distance(sung, texts[text]))
        total[line.voice] += 1
        if nearest == line.text:
            matched[line.voice] += 1
        else:
            mistakes.append((line.key, line.text, str(nearest)))
    return MatchReport(
        matched=matched.total(),
        total=total.total(),
        by_voice={voice: (matched[voice], total[voice]) for voice in sorted(total)},
        mistakes=tuple(mistakes),
    )


def main(arguments: Sequence[str] | None = None) -> int:
    """Command line; returns the exit status."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("folder", type=Path, help="renditions with KEY.vocal.flac")
    parser.add_argument("--candidates", type=int, default=20)
    parser.add_argument("--seed", type=int, default=0)
    options = parser.parse_args(arguments)
    try:
        report = match_sung_lines(options.folder, None, options.candidates, options.seed)
    except SongBloomError as error:
        print(error, file=sys.stderr)
        return 2
    for key, text, nearest in report.mistakes:
        print(f"{key}: {text!r} was taken for {nearest!r}")
    for voice, (matched, total) in report.by_voice.items():
        print(f"{voice}: matched {matched} of {total}")
    print(f"matched {report.matched} of {report.total}, each among {options.candidates} lines")
    print(
        json.dumps({"matched": report.matched, "total": report.total, "by_voice": report.by_voice})
    )
    return 0


if __name__ == "__main__":
    sys.exit(main())
