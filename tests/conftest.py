"""What all tests share: quiet torch, a tiny model, the reference folder."""

import os
from pathlib import Path

import pytest
import torch

from songbloom.checkpoint import Checkpoint, ComponentReference, ModelCard
from songbloom.data.batch import SongBatch
from songbloom.lyrics import Vocabulary
from songbloom.models import PatchDiTConfig, SketchLMConfig, SongBloom, SongBloomConfig
from songbloom.models.initialization import initialize_weights

torch.set_num_threads(1)

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
