"""A small dataset of random songs."""

from collections.abc import Sequence
from pathlib import Path

import numpy as np
import pytest

from songbloom.audio_format import FRAME_RATE, PROMPT_FRAMES, SAMPLE_RATE
from songbloom.data.batch import BatchFormat
from songbloom.data.index import DatasetIndex
from songbloom.data.schema import Section, SongRecord
from songbloom.data.shards import ShardInfo, ShardWriter
from songbloom.lyrics.vocabulary import Vocabulary

LATENT_DIM, NUM_CODES, NUM_PROMPTS = 4, 10, 3
VOCABULARY = Vocabulary(("", "[verse]", ".", ",", "AH0", "L"))


def make_record(key: str, num_frames: int, split: str = "train", **changes) -> SongRecord:
    values = {
        "key": key,
        "language": "en",
        "lyrics": "[verse] la la",
        "phonemes": "[verse] L AH0 L AH0 .",
        "sections": (Section(tag="verse", start=0.0, end=num_frames / FRAME_RATE),),
        "duration": num_frames / FRAME_RATE,
        "sample_rate": SAMPLE_RATE,
        "source": "made for a test",
        "licence": "CC0-1.0",
        "split": split,
        "encoders": {"codec": "codec-a", "sketch": "sketch-a"},
        "extra": {"tempo": 100},
    }
    return SongRecord(**{**values, **changes})


def make_arrays(num_frames: int, seed: int) -> dict[str, np.ndarray]:
    rng = np.random.default_rng(seed)
    return {
        "latents": rng.standard_normal((LATENT_DIM, num_frames)).astype(np.float16),
        "sketch": rng.integers(NUM_CODES, size=num_frames).astype(np.uint16),
        "prompts": rng.standard_normal((NUM_PROMPTS, LATENT_DIM, PROMPT_FRAMES)).astype(np.float16),
    }


def make_writer(folder: Path, name: str, split: str = "train") -> ShardWriter:
    return ShardWriter(
        folder,
        name,
        split=split,
        latent_dim=LATENT_DIM,
        num_codes=NUM_CODES,
        num_prompts=NUM_PROMPTS,
    )


def write_dataset(folder: Path, num_songs: int = 23, songs_per_shard: int = 8) -> DatasetIndex:
    """Songs of 20 to 60 frames; the key tells the number, the frames and the split."""
    shards = []
    for split, count in (("train", num_songs), ("val", 5), ("test", 4)):
        for first in range(0, count, songs_per_shard):
            writer = make_writer(folder, f"{split}-{first // songs_per_shard:06d}.tar", split)
            for i in range(first, min(first + songs_per_shard, count)):
                num_frames = 20 + (i * 17) % 41
                writer.write(
                    make_record(f"{split}-{i:03d}", num_frames, split),
                    **make_arrays(num_frames, seed=i),
                )
            shards.append(writer.close())
    return write_index(folder, shards)


def write_index(folder: Path, shards: Sequence[ShardInfo]) -> DatasetIndex:
    index = DatasetIndex(
        folder=folder,
        shards=tuple(shards),
        vocabulary=VOCABULARY.symbols,
        codec_fingerprint="codec-a",
        sketch_fingerprint="sketch-a",
        latent_dim=LATENT_DIM,
        num_codes=NUM_CODES,
        num_prompts=NUM_PROMPTS,
    )
    index.save()
    return index


@pytest.fixture
def dataset(tmp_path: Path) -> DatasetIndex:
    return write_dataset(tmp_path / "dataset")


@pytest.fixture
def batch_format() -> BatchFormat:
    return BatchFormat(patch_size=8, num_codes=NUM_CODES, max_lyrics=12)
