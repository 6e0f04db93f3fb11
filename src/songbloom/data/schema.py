"""The data contract: the members of a sample, its JSON record, and the checks of both.

Shapes: D latent, T frames, K prompts, F prompt frames.
"""

import json
import math
import re
from collections.abc import Mapping
from dataclasses import asdict, dataclass, field, fields
from typing import Any

import numpy as np
from numpy.typing import NDArray

from songbloom.audio_format import FRAME_RATE, PROMPT_FRAMES, SAMPLE_RATE
from songbloom.errors import SongBloomError

SCHEMA_VERSION = 1

RECORD_MEMBER = "json"
AUDIO_MEMBER = "flac"
LATENT_MEMBER = "latent.npy"
SKETCH_MEMBER = "sketch.npy"
PROMPTS_MEMBER = "prompts.npy"
ENCODED_MEMBERS = (RECORD_MEMBER, LATENT_MEMBER, SKETCH_MEMBER, PROMPTS_MEMBER)

LATENT_DTYPE = np.dtype("<f2")
SKETCH_DTYPE = np.dtype("<u2")

_KEY_PATTERN = re.compile(r"[A-Za-z0-9_\-]+")
_TIME_TOLERANCE = 2 / FRAME_RATE


class DatasetError(SongBloomError):
    """A dataset, shard or sample that breaks the contract."""


@dataclass(frozen=True, kw_only=True)
class Section:
    """A part of the song: its structure tag without brackets, start and end in seconds."""

    tag: str
    start: float
    end: float


@dataclass(frozen=True, kw_only=True)
class SongRecord:
    """The JSON member of a sample.

    `lyrics` is the structured text, `phonemes` what `Vocabulary.encode` reads, `encoders` maps
    "codec" and "sketch" to the fingerprints of what made the other members, and `extra` keeps
    whatever else the source knows (word times, tempo, seed, ...).

    Raises:
        DatasetError: If a field breaks the contract; the sentence names the key and the field.
    """

    key: str
    language: str
    lyrics: str
    phonemes: str
    sections: tuple[Section, ...]
    duration: float
    sample_rate: int
    source: str
    licence: str
    split: str
    encoders: Mapping[str, str]
    extra: Mapping[str, Any] = field(default_factory=dict)
    schema_version: int = SCHEMA_VERSION

    def __post_init__(self) -> None:
        if not isinstance(self.key, str) or not _KEY_PATTERN.fullmatch(self.key):
            raise DatasetError(
                f"Sample {self.key!r}: field key must hold letters, digits, '_' and '-' only "
                f"(a dot would split it from its members)."
            )
        if self.schema_version != SCHEMA_VERSION:
            raise self._error(
                "schema_version", f"is {self.schema_version}, but this code reads {SCHEMA_VERSION}"
            )
        for name in ("language", "phonemes", "source", "licence", "split"):
            value = getattr(self, name)
            if not isinstance(value, str) or not value.strip():
                raise self._error(name, "must be a text that is not empty")
        if not isinstance(self.lyrics, str):
            raise self._error("lyrics", "must be a text")
        if self.sample_rate != SAMPLE_RATE:
            raise self._error("sample_rate", f"must be {SAMPLE_RATE}, but is {self.sample_rate}")
        if not _is_time(self.duration) or self.duration <= 0:
            raise self._error("duration", "must be a positive number of seconds")
        self._check_sections()
        for name in ("codec", "sketch"):
            if not isinstance(self.encoders.get(name), str):
                raise self._error("encoders", f"must name the fingerprint of the {name}")

    def _check_sections(self) -> None:
        previous_end = 0.0
        for section in self.sections:
            if not isinstance(section.tag, str) or not section.tag:
                raise self._error("sections", "holds a section without a tag")
            if not (_is_time(section.start) and _is_time(section.end)):
                raise self._error("sections", f"has no start and end in seconds at {section.tag}")
            if not section.start < section.end or section.start < previous_end - _TIME_TOLERANCE:
                raise self._error(
                    "sections",
                    f"must be in order, each ending after its start, but {section.tag} lasts "
                    f"from {section.start} to {section.end} s",
                )
            if section.end > self.duration + _TIME_TOLERANCE:
                raise self._error(
                    "sections",
                    f"end at {section.end} s, after the song's duration of {self.duration} s",
                )
            previous_end = section.end

    def _error(self, name: str, problem: str) -> DatasetError:
        return DatasetError(f"Sample {self.key}: field {name} {problem}.")

    def to_json(self) -> bytes:
        """Return the record as UTF-8 JSON with sorted keys: equal records give equal bytes."""
        return json.dumps(asdict(self), ensure_ascii=False, sort_keys=True).encode()

    @classmethod
    def from_json(cls, data: bytes | str, *, name: str) -> "SongRecord":
        """Read a record; `name` says in errors where it came from.

        Raises:
            DatasetError: If it is no JSON object, or a field is missing, unknown or invalid.
        """
        try:
            values = json.loads(data)
        except ValueError as error:
            raise DatasetError(f"{name} is no valid JSON ({error}); write it again.") from error
        if not isinstance(values, dict):
            raise DatasetError(f"{name} must hold a JSON object, but it holds another value.")
        known = {f.name for f in fields(cls)}
        missing = sorted(known - {"extra"} - values.keys())
        unknown = sorted(values.keys() - known)
        if missing or unknown:
            problem = f"lacks {', '.join(missing)}" if missing else f"has {', '.join(unknown)}"
            raise DatasetError(
                f"{name} {problem}, against schema version {SCHEMA_VERSION}; "
                f"write the dataset again with this version's data_prep.encode."
            )
        try:
            sections = tuple(Section(**section) for section in values["sections"])
        except TypeError as error:
            raise DatasetError(
                f"{name}: field sections must list objects of tag, start and end."
            ) from error
        for field_name in ("encoders", "extra"):
            if not isinstance(values.get(field_name, {}), dict):
                raise DatasetError(f"{name}: field {field_name} must be a JSON object.")
        return cls(**{**values, "sections": sections})


def _is_time(value: object) -> bool:
    return isinstance(value, int | float) and math.isfinite(value) and value >= 0


def check_latents(name: str, latents: NDArray[Any], *, latent_dim: int) -> None:
    """Check latents: float16 (D, T), finite. `name` says in errors what they are.

    Raises:
        DatasetError: If they are not.
    """
    _check_floats(name, latents, f"({latent_dim}, frames)")
    if latents.ndim != 2 or latents.shape[0] != latent_dim or latents.shape[1] == 0:
        raise DatasetError(
            f"{name} must have the shape ({latent_dim}, frames), but it has {latents.shape}."
        )


def check_sketch(name: str, sketch: NDArray[Any], *, num_codes: int) -> None:
    """Check sketch tokens: uint16 (T,), each below `num_codes`.

    Raises:
        DatasetError: If they are not.
    """
    if sketch.dtype != SKETCH_DTYPE or sketch.ndim != 1 or sketch.size == 0:
        raise DatasetError(
            f"{name} must be uint16 of the shape (frames,), but it is {sketch.dtype} of "
            f"{sketch.shape}."
        )
    if int(sketch.max()) >= num_codes:
        raise DatasetError(
            f"{name} holds the code {int(sketch.max())}, but the codebook has {num_codes} codes; "
            f"encode the song with the codebook that index.json names."
        )


def check_prompts(
    name: str,
    prompts: NDArray[Any],
    *,
    num_prompts: int,
    latent_dim: int,
    prompt_frames: int = PROMPT_FRAMES,
) -> None:
    """Check style prompts: float16 (K, D, F), finite.

    Raises:
        DatasetError: If they are not.
    """
    shape = (num_prompts, latent_dim, prompt_frames)
    _check_floats(name, prompts, str(shape))
    if prompts.shape != shape:
        raise DatasetError(f"{name} must have the shape {shape}, but it has {prompts.shape}.")


def check_frame_counts(
    record: SongRecord, latents: NDArray[Any], sketch: NDArray[Any], *, frame_rate: int = FRAME_RATE
) -> None:
    """Check that latents (D, T) and tokens (T,) have the same T, and that the duration fits it.

    Raises:
        DatasetError: If they differ.
    """
    if latents.shape[-1] != sketch.shape[-1]:
        raise DatasetError(
            f"Sample {record.key} has {latents.shape[-1]} latent frames but {sketch.shape[-1]} "
            f"sketch tokens; encode it again."
        )
    if abs(latents.shape[-1] / frame_rate - record.duration) > _TIME_TOLERANCE:
        raise DatasetError(
            f"Sample {record.key} has {latents.shape[-1]} frames, but its duration of "
            f"{record.duration} s asks for {math.ceil(record.duration * frame_rate)}; "
            f"encode it again."
        )


def _check_floats(name: str, array: NDArray[Any], shape: str) -> None:
    if array.dtype != LATENT_DTYPE:
        raise DatasetError(f"{name} must be float16 of the shape {shape}, but it is {array.dtype}.")
    if not np.isfinite(array).all():
        raise DatasetError(f"{name} holds values that are not finite; encode the song again.")
