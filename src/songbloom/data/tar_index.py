"""Random access to the songs of shards: where each member lies in its tar, and reading it there."""

import io
import tarfile
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any, NamedTuple

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor
from torch.utils.data import Dataset
from tqdm import tqdm

from songbloom.data.index import DatasetIndex
from songbloom.data.schema import (
    ENCODED_MEMBERS,
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

_PROGRESS_SHARDS = 200


class MemberSpan(NamedTuple):
    """Where a member's bytes lie in the tar."""

    offset: int
    size: int


@dataclass(frozen=True, kw_only=True)
class SampleLocation:
    """Where a song's members lie, and how many frames it has."""

    key: str
    shard: Path
    members: dict[str, MemberSpan]
    num_frames: int


@dataclass(frozen=True, kw_only=True)
class SongSample:
    """A song as read: latents (D, T) float32, sketch (T,) int64, prompts (K, D, F) float32."""

    record: SongRecord
    latents: Tensor
    sketch: Tensor
    prompts: Tensor


def index_shard(path: Path) -> list[SampleLocation]:
    """Read the headers of a shard; its songs in the order of the tar.

    Raises:
        DatasetError: If the tar is truncated or broken, or a song lacks a member.
    """
    members: dict[str, dict[str, MemberSpan]] = {}
    size = path.stat().st_size
    try:
        # A tar that ends in the middle reads like a shorter one, so the end is compared below.
        with tarfile.open(path, mode="r:") as tar:
            end = 0
            for info in tar:
                key, _, member = info.name.partition(".")
                members.setdefault(key, {})[member] = MemberSpan(info.offset_data, info.size)
                end = info.offset_data + info.size
    except (tarfile.TarError, EOFError) as error:
        raise DatasetError(
            f"Shard {path} is a broken or truncated tar ({error}); copy it again, or delete it "
            f"and run data_prep.encode again."
        ) from error
    if end + 2 * tarfile.BLOCKSIZE > size:
        raise DatasetError(
            f"Shard {path} is truncated: its last member ends at byte {end} of {size}; copy it "
            f"again, or delete it and run data_prep.encode again."
        )
    locations = []
    with path.open("rb") as file:
        for key, spans in members.items():
            missing = [name for name in ENCODED_MEMBERS if name not in spans]
            if missing:
                raise DatasetError(
                    f"Sample {key} of shard {path} lacks {', '.join(missing)}; delete the shard "
                    f"and run data_prep.encode again."
                )
            file.seek(spans[SKETCH_MEMBER].offset)
            shape = _npy_shape(file, f"{key}.{SKETCH_MEMBER} of shard {path}")
            locations.append(
                SampleLocation(key=key, shard=path, members=spans, num_frames=shape[0])
            )
    return locations


class TarIndexDataset(Dataset[SongSample]):
    """The songs of one split of a dataset, by their place in the shards; reads a song by offset.

    Raises:
        DatasetError: At the start if a shard's headers or counts are wrong, and on reading a
            song whose members break the contract.
    """

    def __init__(self, index: DatasetIndex, split: str) -> None:
        self._index = index
        self.locations: list[SampleLocation] = []
        shards = index.shards_of(split)
        for shard in tqdm(shards, desc=f"indexing {split}", disable=len(shards) < _PROGRESS_SHARDS):
            found = index_shard(index.folder / shard.name)
            if len(found) != shard.samples:
                raise DatasetError(
                    f"Shard {index.folder / shard.name} holds {len(found)} songs, but index.json "
                    f"says {shard.samples}; run data_prep.encode again."
                )
            self.locations += found

    @property
    def num_frames(self) -> Sequence[int]:
        """Frames of each song."""
        return [location.num_frames for location in self.locations]

    def __len__(self) -> int:
        return len(self.locations)

    def record(self, item: int) -> SongRecord:
        """Read a song's record alone."""
        location = self.locations[item]
        with location.shard.open("rb") as file:
            data = _read(file, location, RECORD_MEMBER)
        return SongRecord.from_json(
            data, name=f"{location.key}.{RECORD_MEMBER} of shard {location.shard}"
        )

    def __getitem__(self, item: int) -> SongSample:
        location = self.locations[item]
        with location.shard.open("rb") as file:
            data = {name: _read(file, location, name) for name in ENCODED_MEMBERS}
        where = f"of shard {location.shard}"
        names = {member: f"{location.key}.{member} {where}" for member in ENCODED_MEMBERS}
        record = SongRecord.from_json(data[RECORD_MEMBER], name=names[RECORD_MEMBER])
        latents, sketch, prompts = (
            _load_npy(data[member], names[member])
            for member in (LATENT_MEMBER, SKETCH_MEMBER, PROMPTS_MEMBER)
        )
        dim = self._index.latent_dim
        check_latents(names[LATENT_MEMBER], latents, latent_dim=dim)
        check_sketch(names[SKETCH_MEMBER], sketch, num_codes=self._index.num_codes)
        check_prompts(
            names[PROMPTS_MEMBER],
            prompts,
            num_prompts=self._index.num_prompts,
            latent_dim=dim,
            prompt_frames=self._index.prompt_frames,
        )
        check_frame_counts(record, latents, sketch, frame_rate=self._index.frame_rate)
        return SongSample(
            record=record,
            latents=torch.from_numpy(latents.astype(np.float32)),
            sketch=torch.from_numpy(sketch.astype(np.int64)),
            prompts=torch.from_numpy(prompts.astype(np.float32)),
        )


def _read(file: io.BufferedReader, location: SampleLocation, member: str) -> bytes:
    span = location.members[member]
    file.seek(span.offset)
    data = file.read(span.size)
    if len(data) != span.size:
        raise DatasetError(
            f"Shard {location.shard} ends inside {location.key}.{member}: it was cut after the "
            f"start of this run; copy it again."
        )
    return data


def _npy_shape(file: io.BufferedReader, name: str) -> tuple[int, ...]:
    try:
        version = np.lib.format.read_magic(file)
        read = np.lib.format.read_array_header_1_0
        if version != (1, 0):
            read = np.lib.format.read_array_header_2_0
        shape, _, _ = read(file)
    except ValueError as error:
        raise DatasetError(f"{name} is no NumPy array ({error}); encode the song again.") from error
    if len(shape) != 1:
        raise DatasetError(f"{name} must have the shape (frames,), but it has {shape}.")
    return shape


def _load_npy(data: bytes, name: str) -> NDArray[Any]:
    try:
        return np.load(io.BytesIO(data), allow_pickle=False)
    except (ValueError, EOFError) as error:
        raise DatasetError(f"{name} is no NumPy array ({error}); encode the song again.") from error
