"""Speaks words with espeak-ng, through ctypes, and tells when each phoneme sounds.

espeak-ng's noise generator keeps its state from word to word, so the words of one song are spoken
in one order by a fresh process (this module run as a script); that makes them reproducible.
"""

import ctypes
import json
import subprocess
import sys
import unicodedata
from dataclasses import dataclass
from io import BytesIO
from pathlib import Path

import numpy as np

from songbloom.errors import SongBloomError

SAMPLE_RATE = 22050
_RATE_WORDS_PER_MINUTE = 130
_AUDIO_OUTPUT_SYNCHRONOUS = 2
_PHONEME_EVENTS_AS_IPA = 3
_EVENT_END_OF_LIST, _EVENT_PHONEME = 0, 7
_PARAMETER_RATE, _PARAMETER_PITCH, _PARAMETER_PITCH_RANGE = 1, 3, 4
_UTF8 = 1
_VOWELS = frozenset("ᵻaeiouyæɑɐəɚɛɜɝɪɔʊʌøœɒɨʉɯɤɵ")
_SYLLABIC_MARK = "\u0329"
_REPOSITORY = Path(__file__).parents[2]


@dataclass(frozen=True, kw_only=True)
class Phoneme:
    """An espeak (IPA-like) symbol and when it sounds, in seconds."""

    symbol: str
    start: float
    end: float

    @property
    def is_vowel(self) -> bool:
        """Whether it can carry a note: a vowel, or a syllabic consonant."""
        decomposed = unicodedata.normalize("NFD", self.symbol)
        return _SYLLABIC_MARK in decomposed or any(letter in _VOWELS for letter in decomposed)


@dataclass(frozen=True, kw_only=True)
class Speech:
    """A spoken text: mono samples at SAMPLE_RATE, shape (S,), and its phonemes in order."""

    samples: np.ndarray
    phonemes: tuple[Phoneme, ...]


class _EventId(ctypes.Union):
    _fields_ = [
        ("number", ctypes.c_int),
        ("name", ctypes.c_char_p),
        ("string", ctypes.c_char * 8),
    ]


class _Event(ctypes.Structure):
    _fields_ = [
        ("type", ctypes.c_int),
        ("unique_identifier", ctypes.c_uint),
        ("text_position", ctypes.c_int),
        ("length", ctypes.c_int),
        ("audio_position", ctypes.c_int),
        ("sample", ctypes.c_int),
        ("user_data", ctypes.c_void_p),
        ("id", _EventId),
    ]


_Callback = ctypes.CFUNCTYPE(
    ctypes.c_int, ctypes.POINTER(ctypes.c_short), ctypes.c_int, ctypes.POINTER(_Event)
)


class _Synthesiser:
    """espeak-ng with one voice, loaded into this process."""

    def __init__(self, voice: str) -> None:
        try:
            import espeakng_loader
        except ImportError as error:
            raise SongBloomError(
                "Rendering the demo corpus needs espeakng-loader: pip install 'songbloom[demo]'."
            ) from error
        self._library = ctypes.CDLL(espeakng_loader.get_library_path())
        data = Path(espeakng_loader.get_data_path())
        folder = data.parent if data.name == "espeak-ng-data" else data
        self._library.espeak_Initialize(
            _AUDIO_OUTPUT_SYNCHRONOUS, 0, str(folder).encode(), _PHONEME_EVENTS_AS_IPA
        )
        self._blocks: list[np.ndarray] = []
        self._onsets: list[tuple[float, str]] = []
        self._callback = _Callback(self._receive)  # espeak keeps only a pointer to it
        self._library.espeak_SetSynthCallback(self._callback)
        if self._library.espeak_SetVoiceByName(voice.encode()) != 0:
            raise SongBloomError(f"espeak-ng has no voice {voice!r}.")
        self._library.espeak_SetParameter(_PARAMETER_RATE, _RATE_WORDS_PER_MINUTE, 0)
        self._library.espeak_SetParameter(_PARAMETER_PITCH, 50, 0)
        self._library.espeak_SetParameter(_PARAMETER_PITCH_RANGE, 10, 0)

    def _receive(self, wave, count: int, events) -> int:
        if wave and count > 0:
            self._blocks.append(np.ctypeslib.as_array(wave, (count,)).copy())
        index = 0
        while events[index].type != _EVENT_END_OF_LIST:
            event = events[index]
            if event.type == _EVENT_PHONEME:
                symbol = bytes(event.id.string).split(b"\0")[0].decode("utf-8", "ignore")
                self._onsets.append((event.audio_position / 1000, symbol))
            index += 1
        return 0

    def speak(self, text: str) -> tuple[np.ndarray, list[tuple[str, float, float]]]:
        """Samples (S,) int16 and (symbol, start, end) of each phoneme."""
        self._blocks.clear()
        self._onsets.clear()
        data = text.encode() + b"\0"
        self._library.espeak_Synth(data, len(data), 0, 1, 0, _UTF8, None, None)
        self._library.espeak_Synchronize()
        samples = np.concatenate(self._blocks) if self._blocks else np.zeros(0, np.int16)
        ends = [start for start, _ in self._onsets[1:]] + [len(samples) / SAMPLE_RATE]
        phonemes = [
            (symbol, start, end)
            for (start, symbol), end in zip(self._onsets, ends, strict=True)
            if symbol.strip("_:") and not symbol.startswith("(") and end > start
        ]
        if not phonemes:
            raise SongBloomError(f"espeak-ng says nothing for the word {text!r}.")
        symbol, start, end = phonemes[-1]
        phonemes[-1] = (symbol, start, min(end, max(start + 0.03, _sounding_end(samples))))
        return samples, phonemes


def _sounding_end(samples: np.ndarray) -> float:
    """Seconds until the last 10 ms window that is louder than -48 dB of full scale."""
    envelope = np.convolve(np.abs(samples / 32768), np.ones(220) / 220, "same")
    loud = np.nonzero(envelope > 0.004)[0]
    return loud[-1] / SAMPLE_RATE + 0.01 if len(loud) else 0.0


def speak(texts: tuple[str, ...], voice: str) -> list[Speech]:
    """Speak `texts` in order with an espeak-ng voice; the same call gives the same samples.

    Raises SongBloomError if espeak-ng is missing, lacks the voice or stays silent for a text.
    """
    command = [sys.executable, "-m", "data_prep.demo_corpus.espeak", voice]
    request = json.dumps(texts).encode()
    result = subprocess.run(command, input=request, capture_output=True, cwd=_REPOSITORY)
    if result.returncode != 0:
        lines = result.stderr.decode(errors="replace").strip().splitlines()
        raise SongBloomError(lines[-1] if lines else "espeak-ng stopped without a word.")
    with np.load(BytesIO(result.stdout), allow_pickle=False) as arrays:
        samples = np.split(arrays["samples"] / 32768.0, arrays["borders"])
        phonemes = json.loads(str(arrays["phonemes"]))
    return [
        Speech(
            samples=samples,
            phonemes=tuple(Phoneme(symbol=symbol, start=a, end=b) for symbol, a, b in spoken),
        )
        for samples, spoken in zip(samples, phonemes, strict=True)
    ]


def main() -> None:
    """Speak the JSON list of texts on standard input; write an npz archive to standard output."""
    texts = json.load(sys.stdin)
    try:
        synthesiser = _Synthesiser(sys.argv[1])
        spoken = [synthesiser.speak(text) for text in texts]
    except SongBloomError as error:
        sys.exit(str(error))
    archive = BytesIO()
    np.savez(
        archive,
        samples=np.concatenate([samples for samples, _ in spoken]),
        borders=np.cumsum([len(samples) for samples, _ in spoken])[:-1],
        phonemes=np.array(json.dumps([phonemes for _, phonemes in spoken])),
    )
    sys.stdout.buffer.write(archive.getvalue())


if __name__ == "__main__":
    main()
