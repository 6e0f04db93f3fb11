"""Writes one WebDataset shard: a tar of songs with their records and encoded members."""

import hashlib
import io
import os
from dataclasses import dataclass
from pathlib import Path
from types import TracebackType
from typing import Any

import numpy as np
from numpy.typing import NDArray
from webdataset.writer import TarWriter

from songbloom.data.schema import (
    AUDIO_MEMBER,
    LATENT_MEMBER,
    PROMPTS_MEMBER,
    RECORD_MEMBER,
    SKETCH_MEMBER,
    DatasetError,
    SongRecord,
    check_frame_counts,
    check_latents,
    check_prompts,
    check_sketch,
)

_HASH_BLOCK = 1 << 20


@dataclass(frozen=True, kw_only=True)
class ShardInfo:
    """What index.json says of a shard: file name, split, songs, their seconds, size, checksum."""

    name: str
    split: str
    samples: int
    seconds: float
    bytes: int
    sha256: str


def sha256_of(path: Path, *, on_progress: Any = None) -> str:
    """Return the hexadecimal SHA-256 of a file; `on_progress` is called with the bytes read."""
    digest = hashlib.sha256()
    with path.open("rb") as file:
        while block := file.read(_HASH_BLOCK):
            digest.update(block)
            if on_progress is not None:
                on_progress(len(block))
    return digest.hexdigest()


class ShardWriter:
    """Writes the songs of one split to `folder/name`, which appears only when all are written.

    Equal songs in equal order give equal bytes. As a context manager it closes at the end, and
    drops the unfinished file where an exception leaves it.
    """

    def __init__(
        self,
        folder: Path,
        name: str,
        *,
        split: str,
        latent_dim: int,
        num_codes: int,
        num_prompts: int,
    ) -> None:
        self._path = folder / name
        self._temporary = folder / f".{name}.{os.getpid()}.tmp"
        self._split = split
        self._latent_dim = latent_dim
        self._num_codes = num_codes
        self._num_prompts = num_prompts
        self._keys: set[str] = set()
        self._seconds = 0.0
        folder.mkdir(parents=True, exist_ok=True)
        self._file = self._temporary.open("wb")
        self._tar = TarWriter(self._file, encoder=False, compress=False, mtime=0)

    def write(
        self,
        record: SongRecord,
        *,
        latents: NDArray[np.float16],
        sketch: NDArray[np.uint16],
        prompts: NDArray[np.float16],
        flac: bytes | None = None,
    ) -> None:
        """Append a song: latents (D, T), sketch (T,), prompts (K, D, F), its audio if kept.

        Raises:
            DatasetError: If a member breaks the contract; the shard stays as it was.
        """
        key = record.key
        if record.split != self._split:
            raise DatasetError(
                f"Sample {key} is of the split {record.split}, but the shard {self._path.name} "
                f"is of {self._split}."
            )
        if key in self._keys:
            raise DatasetError(f"Sample {key} comes twice in the shard {self._path.name}.")
        check_latents(f"{key}.{LATENT_MEMBER}", latents, latent_dim=self._latent_dim)
        check_sketch(f"{key}.{SKETCH_MEMBER}", sketch, num_codes=self._num_codes)
        check_prompts(
            f"{key}.{PROMPTS_MEMBER}",
            prompts,
            num_prompts=self._num_prompts,
            latent_dim=self._latent_dim,
        )
        check_frame_counts(record, latents, sketch)
        sample = {
            "__key__": key,
            RECORD_MEMBER: record.to_json(),
            LATENT_MEMBER: _npy_bytes(latents),
            SKETCH_MEMBER: _npy_bytes(sketch),
            PROMPTS_MEMBER: _npy_bytes(prompts),
        }
        if flac is not None:
            sample[AUDIO_MEMBER] = flac
        self._tar.write(sample)
        self._keys.add(key)
        self._seconds += record.duration

    def close(self) -> ShardInfo:
        """Finish the tar, give it its name and return its entry for index.json."""
        self._tar.close()
        self._file.flush()
        os.fsync(self._file.fileno())
        self._file.close()
        info = ShardInfo(
            name=self._path.name,
            split=self._split,
            samples=len(self._keys),
            seconds=round(self._seconds, 3),
            bytes=self._temporary.stat().st_size,
            sha256=sha256_of(self._temporary),
        )
        os.replace(self._temporary, self._path)
        return info

    def discard(self) -> None:
        """Drop the unfinished shard."""
        self._file.close()
        self._temporary.unlink(missing_ok=True)

    def __enter__(self) -> "ShardWriter":
        return self

    def __exit__(
        self,
        exc_type: type[BaseException] | None,
        exc: BaseException | None,
        traceback: TracebackType | None,
    ) -> None:
        if exc_type is not None:
            self.discard()
        elif not self._file.closed:
            self.close()


def _npy_bytes(array: NDArray[Any]) -> bytes:
    buffer = io.BytesIO()
    np.save(buffer, np.ascontiguousarray(array), allow_pickle=False)
    return buffer.getvalue()
