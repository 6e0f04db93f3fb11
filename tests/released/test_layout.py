"""The released layout: every key there and back."""

import json

import pytest
import torch

from songbloom.codec.oobleck import Oobleck, OobleckConfig, oobleck_key_map
from songbloom.errors import SongBloomError
from songbloom.models import SongBloom
from songbloom.released.layout import config_from_released, from_released, to_released


def test_renaming_there_and_back_is_exact(tiny_model):
    state = tiny_model.state_dict()
    released = to_released(state)
    assert len(set(released)) == len(released)
    back = from_released(released)
    assert back.keys() == state.keys()
    assert all(torch.equal(back[key], value) for key, value in state.items())


def test_the_2b_layout_is_consumed_and_produced(reference_folder):
    layout = json.loads((reference_folder / "released_240s_state_dict.json").read_text())["model"]
    assert len(layout) == 454
    config = config_from_released(
        {
            "dim": 1536,
            "num_heads": 24,
            "block_size": 16,
            "latent_dim": 64,
            "num_pitch": 16384,
            "lm_layers": 36,
            "diff_layers": 12,
            "max_len": 1000,
            "prompt_len": 250,
            "vocab_size": 300,
        }
    )
    with torch.device("meta"):
        produced = to_released(SongBloom(config).state_dict())
    shapes = {key: list(value.shape) for key, value in produced.items()}
    vocabulary = "model.condition_provider.conditioners.lyrics.output_proj.weight"
    assert layout[vocabulary][0] is None
    layout[vocabulary][0] = 300
    assert shapes == layout


def test_the_vae_of_the_2b_layout_is_consumed_and_produced(reference_folder):
    layout = json.loads((reference_folder / "released_240s_state_dict.json").read_text())["vae"]
    assert len(layout) == 365
    with torch.device("meta"):
        vae = Oobleck(OobleckConfig())
    produced = {f"vae.vae.{key}": list(value.shape) for key, value in vae.to_released().items()}
    assert produced == layout
    assert set(oobleck_key_map(vae.config)) == set(vae.state_dict())


def test_unknown_keys_are_named():
    with pytest.raises(SongBloomError, match=r"model\.surprise"):
        from_released({"model.surprise": torch.zeros(1)})


def test_a_norm_bias_is_refused(tiny_model):
    released = to_released(tiny_model.state_dict())
    released["model.nar_dit.layers.0.pre_norm.beta"] += 1
    with pytest.raises(SongBloomError, match="not zero"):
        from_released(released)


def test_a_missing_field_is_named():
    with pytest.raises(SongBloomError, match=r"model\.dim"):
        config_from_released({"vocab_size": 3})
