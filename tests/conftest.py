"""What all tests share: quiet torch, a tiny model, the reference folder."""

import os
from pathlib import Path

import numpy as np
import pytest
import torch

from songbloom.audio_format import FRAME_RATE
from songbloom.checkpoint import Checkpoint, ComponentReference, ModelCard
from songbloom.codec.files import load_codec
from songbloom.data.batch import SongBatch
from songbloom.data.index import DatasetIndex
from songbloom.data.schema import Section, SongRecord
from songbloom.data.shards import ShardWriter
from songbloom.lyrics import Vocabulary
from songbloom.models import PatchDiTConfig, SketchLMConfig, SongBloom, SongBloomConfig
from songbloom.models.initialization import initialize_weights

torch.set_num_threads(1)

SHARD_CODES = 12
SYMBOLS = ("", "[intro]", "[verse]", "[chorus]", "[outro]", ",", ".", "AA1", "B", "K", "S", "IY1")


@pytest.fixture(scope="session")
def reference_folder() -> Path:
    """The folder of reference tensors beside the checkout; required in continuous integration."""
    folder = Path(__file__).resolve().parents[2] / "shared" / "reference"
    if not folder.is_dir():
        message = f"{folder.name} tensors are not beside the checkout"
        if os.environ.get("CI") == "true":
            pytest.fail(message)
        pytest.skip(message)
    return folder


@pytest.fixture(scope="session")
def tiny_config() -> SongBloomConfig:
    return SongBloomConfig(
        vocab_size=len(SYMBOLS),
        dim=64,
        num_heads=2,
        patch_size=4,
        latent_dim=6,
        num_codes=20,
        max_lyrics=16,
        prompt_frames=10,
        lm=SketchLMConfig(num_layers=2),
        dit=PatchDiTConfig(num_layers=2, time_features=16),
    )


@pytest.fixture(scope="session")
def tiny_card(tiny_config: SongBloomConfig) -> ModelCard:
    return ModelCard(
        config=tiny_config,
        vocabulary=Vocabulary(SYMBOLS),
        codec=ComponentReference(name="spectral-demo", fingerprint="c0dec"),
        sketch=ComponentReference(name="chroma-demo", fingerprint="5ce7c"),
    )


@pytest.fixture
def tiny_model(tiny_config: SongBloomConfig) -> SongBloom:
    """A model whose every weight is random, the diffusion head included."""
    model = SongBloom(tiny_config)
    generator = torch.Generator().manual_seed(0)
    initialize_weights(model, generator)
    with torch.no_grad():
        model.dit.latent_out.weight.normal_(std=0.1, generator=generator)
    return model.eval()


@pytest.fixture
def tiny_checkpoint(tiny_card: ModelCard, tiny_model: SongBloom) -> Checkpoint:
    return Checkpoint(card=tiny_card, state=tiny_model.state_dict(), step=7)


@pytest.fixture
def tiny_batch(tiny_config: SongBloomConfig) -> SongBatch:
    """Two songs of three and two patches, padded to three."""
    generator = torch.Generator().manual_seed(1)
    lengths = torch.tensor([12, 8])
    frame = torch.arange(12)
    latents = torch.randn(2, tiny_config.latent_dim, 12, generator=generator)
    sketch = torch.randint(tiny_config.num_codes, (2, 12), generator=generator)
    lyrics = torch.randint(1, len(SYMBOLS), (2, 3, tiny_config.max_lyrics), generator=generator)
    lyrics[:, :, 11:] = -1
    return SongBatch(
        latents=latents * (frame < lengths[:, None])[:, None],
        sketch=torch.where(frame < lengths[:, None], sketch, tiny_config.eos_id),
        lengths=lengths,
        lyrics=lyrics,
        prompts=torch.randn(2, tiny_config.latent_dim, 10, generator=generator),
        keys=("one", "two"),
    )


@pytest.fixture(scope="session")
def shards(tmp_path_factory) -> Path:
    """Eight short songs of random latents in the embedded codec's format."""
    folder = tmp_path_factory.mktemp("shards")
    rng = np.random.default_rng(0)
    fingerprint = load_codec("spectral-demo").fingerprint
    infos = []
    for split, count in (("train", 6), ("val", 2)):
        with ShardWriter(
            folder, f"{split}.tar", split=split, latent_dim=64, num_codes=SHARD_CODES, num_prompts=2
        ) as writer:
            for number in range(count):
                frames = 32 + 16 * number
                record = SongRecord(
                    key=f"{split}_{number}",
                    language="en",
                    lyrics="[verse] a",
                    phonemes="[verse] AH0",
                    sections=(Section(tag="verse", start=0.0, end=frames / FRAME_RATE),),
                    duration=frames / FRAME_RATE,
                    sample_rate=48_000,
                    source="a test",
                    licence="CC0-1.0",
                    split=split,
                    encoders={"codec": fingerprint, "sketch": "5ce7c"},
                )
                writer.write(
                    record,
                    latents=rng.standard_normal((64, frames)).astype(np.float16),
                    sketch=rng.integers(SHARD_CODES, size=frames).astype(np.uint16),
                    prompts=rng.standard_normal((2, 64, 250)).astype(np.float16),
                )
            infos.append(writer.close())
    DatasetIndex(
        folder=folder,
        shards=tuple(infos),
        vocabulary=Vocabulary.default().symbols,
        codec_fingerprint=fingerprint,
        sketch_fingerprint="5ce7c",
        latent_dim=64,
        num_codes=SHARD_CODES,
        num_prompts=2,
    ).save()
    return folder
