"""One prepared song (audio and JSON) to the members of a shard: latents, tokens, style prompts."""

import io
import json
import re
import zlib
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
import soundfile
import torch
from numpy.typing import NDArray
from torch import Tensor
from torch.nn import functional as F

from songbloom.audio import read_audio
from songbloom.audio_format import (
    NUM_CHANNELS,
    PROMPT_FRAMES,
    SAMPLE_RATE,
    SAMPLES_PER_FRAME,
)
from songbloom.codec.base import Codec
from songbloom.data.schema import LATENT_DTYPE, SKETCH_DTYPE, DatasetError, Section, SongRecord
from songbloom.errors import SongBloomError
from songbloom.lyrics import SECTION_TAGS, Mode, Vocabulary, parse_lyrics, phonemize
from songbloom.sketch.base import SketchTokenizer

_REQUIRED = ("language", "lyrics", "sections", "source", "licence", "split")
_TEXTS = ("language", "lyrics", "phonemes", "source", "licence", "split")
_TAKEN = {*_REQUIRED, "key", "phonemes", "duration", "sample_rate"}
_DURATION_TOLERANCE = 0.1


@dataclass(frozen=True, kw_only=True)
class SongFiles:
    """A song to encode: its key and its two files."""

    key: str
    audio: Path
    description: Path


@dataclass(frozen=True, kw_only=True)
class EncodedSong:
    """A song's record, latents (D, T), sketch (T,), prompts (K, D, F), and its FLAC if kept."""

    record: SongRecord
    latents: NDArray[np.float16]
    sketch: NDArray[np.uint16]
    prompts: NDArray[np.float16]
    flac: bytes | None = None


def read_description(path: Path) -> dict[str, Any]:
    """Read a song's JSON file and check that the required fields are there.

    Raises:
        DatasetError: If it is no JSON object, or a field is missing or of another type.
    """
    try:
        values = json.loads(path.read_text("utf-8"))
    except (OSError, ValueError) as error:
        raise DatasetError(f"{path.name} is no valid JSON ({error}).") from error
    if not isinstance(values, dict):
        raise DatasetError(f"{path.name} must hold a JSON object.")
    missing = [name for name in _REQUIRED if name not in values]
    if missing:
        raise DatasetError(f"{path.name} lacks {', '.join(missing)}.")
    for name in _TEXTS:
        if not isinstance(values.get(name, ""), str):
            raise DatasetError(f"{path.name}: {name} must be text, not {values[name]!r:.40}.")
    if not re.fullmatch(r"[A-Za-z0-9_-]+", values["split"]):
        raise DatasetError(
            f"{path.name}: split must consist of letters, digits, _ and -, not {values['split']!r}."
        )
    return values


@dataclass(frozen=True, kw_only=True)
class SongEncoder:
    """Encodes songs with a codec and a sketch tokeniser.

    Attributes:
        codec: Gives latents, the mean of its posterior.
        sketch: Gives tokens.
        vocabulary: Every phoneme must be in it.
        g2p: How lyrics become phonemes, where the JSON file does not give them.
        num_prompts: Style prompts K of each song.
        seed: With a song's key it fixes where the prompts are cut.
        keep_audio: Whether the result holds the audio as 48 kHz stereo FLAC.
    """

    codec: Codec
    sketch: SketchTokenizer
    vocabulary: Vocabulary
    g2p: Mode
    num_prompts: int
    seed: int
    keep_audio: bool

    @torch.inference_mode()
    def encode(self, files: SongFiles) -> EncodedSong:
        """Encode a song.

        Raises:
            SongBloomError: If its audio, tags, phonemes or any other field cannot be used.
        """
        values = read_description(files.description)
        audio = read_audio(files.audio)
        record = self._record(files, values, duration=audio.shape[1] / SAMPLE_RATE)
        latents = self.codec.encode_chunked(audio[None]).mean[0]
        return EncodedSong(
            record=record,
            latents=latents.numpy().astype(LATENT_DTYPE),
            sketch=self.sketch.encode(audio[None])[0].numpy().astype(SKETCH_DTYPE),
            prompts=self._prompts(files.key, audio).numpy().astype(LATENT_DTYPE),
            flac=_flac_bytes(files.audio, audio) if self.keep_audio else None,
        )

    def _record(self, files: SongFiles, values: dict[str, Any], duration: float) -> SongRecord:
        stated = values.get("duration", duration)
        if not isinstance(stated, int | float) or abs(stated - duration) > _DURATION_TOLERANCE:
            raise DatasetError(
                f"{files.audio.name} lasts {duration:.2f} s, but {files.description.name} says "
                f"{stated} s; one of them is cut or of another song."
            )
        parse_lyrics(values["lyrics"])
        phonemes = values.get("phonemes") or phonemize(values["lyrics"], self.g2p)
        self.vocabulary.encode(phonemes)
        return SongRecord(
            key=files.key,
            language=values["language"],
            lyrics=values["lyrics"],
            phonemes=phonemes,
            sections=_sections(values["sections"], duration),
            duration=duration,
            sample_rate=SAMPLE_RATE,
            source=values["source"],
            licence=values["licence"],
            split=values["split"],
            encoders={"codec": self.codec.fingerprint, "sketch": self.sketch.fingerprint},
            extra={name: value for name, value in values.items() if name not in _TAKEN},
        )

    def _prompts(self, key: str, audio: Tensor) -> Tensor:
        """Style prompts (K, D, F): ten seconds each from random places of audio (2, S), mono.

        A song shorter than that gives all of itself, padded with zero latents, as generation does.
        """
        length = PROMPT_FRAMES * SAMPLES_PER_FRAME
        rng = np.random.default_rng((self.seed, zlib.crc32(key.encode())))
        last = max(audio.shape[1] - length, 0)
        starts = rng.integers(0, last, size=self.num_prompts, endpoint=True)
        mono = audio.mean(0, keepdim=True).expand(NUM_CHANNELS, -1)
        windows = torch.stack([mono[:, start : start + length] for start in starts])
        latents = self.codec.encode(windows).mean
        return F.pad(latents, (0, PROMPT_FRAMES - latents.shape[-1]))


def _sections(values: Any, duration: float) -> tuple[Section, ...]:
    try:
        sections = [
            Section(
                tag=str(value["tag"]).strip("[]"),
                start=float(value["start"]),
                end=min(float(value["end"]), duration),
            )
            for value in values
        ]
    except (TypeError, KeyError, ValueError) as error:
        raise DatasetError(
            "field sections must list objects of tag, start and end (in seconds)."
        ) from error
    for section in sections:
        if f"[{section.tag}]" not in SECTION_TAGS:
            raise SongBloomError(
                f"field sections has the unknown tag {section.tag!r}; "
                f"known tags: {', '.join(SECTION_TAGS)}."
            )
    return tuple(sections)


def _flac_bytes(path: Path, audio: Tensor) -> bytes:
    """The file itself where it is 48 kHz stereo FLAC, else audio (2, S) as such a file."""
    info = soundfile.info(path)
    if (info.format, info.samplerate, info.channels) == ("FLAC", SAMPLE_RATE, NUM_CHANNELS):
        return path.read_bytes()
    buffer = io.BytesIO()
    soundfile.write(buffer, audio.T.numpy(), SAMPLE_RATE, format="FLAC", subtype="PCM_16")
    return buffer.getvalue()
