"""A small model in our format with an Oobleck VAE, for exports."""

import pytest
import torch

from songbloom.checkpoint import Checkpoint, ComponentReference, ModelCard
from songbloom.codec.oobleck import Oobleck, OobleckConfig
from songbloom.lyrics import Vocabulary
from songbloom.models import PatchDiTConfig, SketchLMConfig, SongBloom, SongBloomConfig
from songbloom.models.initialization import initialize_weights
from songbloom.sampling import GenerationSettings


@pytest.fixture(scope="module")
def vae() -> Oobleck:
    torch.manual_seed(0)
    return Oobleck(OobleckConfig(channels=2)).eval().requires_grad_(False)


@pytest.fixture
def own_checkpoint(vae) -> Checkpoint:
    """A model as one trained here may be: other vocabulary, prompt, sentences and settings."""
    vocabulary = Vocabulary(("", "[intro]", "[verse]", ",", ".", "la", "lu", "好"))
    config = SongBloomConfig(
        vocab_size=len(vocabulary),
        dim=128,
        num_heads=2,
        feed_forward_multiple=2,
        patch_size=8,
        num_codes=30,
        max_lyrics=40,
        prompt_frames=60,
        max_sentences=20,
        lm=SketchLMConfig(num_layers=3, rope_theta=12_345),
        dit=PatchDiTConfig(num_layers=2, time_features=32),
    )
    model = SongBloom(config)
    initialize_weights(model, torch.Generator().manual_seed(3))
    card = ModelCard(
        config=config,
        vocabulary=vocabulary,
        codec=ComponentReference(name="vae.safetensors", fingerprint=vae.fingerprint),
        sketch=ComponentReference(name="mine", fingerprint="1234"),
        g2p="natural",
        tag_seconds=2.5,
        prompt_seconds=2.4,
        max_seconds=33.0,
        generation=GenerationSettings(steps=7, flow_guidance=2.0, sample_prompt=True),
    )
    return Checkpoint(card=card, state=model.state_dict())
