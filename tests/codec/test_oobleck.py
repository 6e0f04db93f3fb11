"""The Oobleck VAE against the reference tensors, its key table, and its refusals."""

import json
import os
from pathlib import Path

import pytest
import torch
from safetensors.torch import load_file

from songbloom.codec.oobleck import Oobleck, OobleckConfig, oobleck_key_map
from songbloom.errors import SongBloomError

REFERENCE = Path(__file__).parents[3] / "shared" / "reference"
PREFIX = "weights/vae.vae."


@pytest.fixture(scope="module")
def case() -> tuple[dict, dict[str, torch.Tensor], dict[str, torch.Tensor]]:
    path = REFERENCE / "tiny_a.safetensors"
    if not path.exists():
        message = f"the reference tensors {path} are absent"
        if os.environ.get("CI") == "true":
            pytest.fail(message)
        pytest.skip(message)
    tensors = load_file(path)
    config = json.loads(path.with_suffix(".json").read_text())["vae_config"]
    state = {k.removeprefix(PREFIX): v for k, v in tensors.items() if k.startswith(PREFIX)}
    return config, state, tensors


@torch.inference_mode()
def test_reference_tensors(case) -> None:
    config, state, tensors = case
    codec = Oobleck.from_released(config, state)
    latents = tensors["vae/in_latent"]
    found = {
        "encoder_raw": codec.encode_raw(tensors["vae/in_audio"]),
        "decoded": codec.decode(latents),
        "decoded_chunked_c128_o32": codec.decode_chunked(latents, 128, 32),
    }
    for name, tensor in found.items():
        torch.testing.assert_close(tensor, tensors[f"vae/{name}"], atol=1e-4, rtol=0)


def test_released_round_trip(case) -> None:
    config, state, _ = case
    released = Oobleck.from_released(config, state).to_released()
    assert released.keys() == state.keys()
    assert all(torch.equal(released[key], state[key]) for key in state)


def test_released_size() -> None:
    with torch.device("meta"):
        codec = Oobleck(OobleckConfig())
    assert round(sum(p.numel() for p in codec.parameters()) / 1e6, 1) == 168.7
    assert codec.samples_per_frame == 1920
    assert codec.frame_rate == 25


def test_key_map_is_complete_and_one_to_one() -> None:
    config = OobleckConfig(channels=2, channel_multipliers=(1, 2), strides=(2, 4), latent_dim=3)
    names = oobleck_key_map(config)
    assert names.keys() == Oobleck(config).state_dict().keys()
    assert len(set(names.values())) == len(names)


def released_config(**decoder: object) -> dict:
    sizes = {"channels": 2, "c_mults": [1, 2], "strides": [2, 4], "use_snake": True}
    return {
        "sample_rate": 48000,
        "model": {
            "encoder": {"type": "oobleck", "config": sizes | {"in_channels": 2, "latent_dim": 6}},
            "decoder": {
                "type": "oobleck",
                "config": sizes
                | {"out_channels": 2, "latent_dim": 3, "final_tanh": False}
                | decoder,
            },
            "bottleneck": {"type": "vae"},
        },
    }


def test_load_names_missing_unexpected_and_misshapen_tensors() -> None:
    config = released_config()
    state = Oobleck(OobleckConfig.from_released(config)).to_released()
    renamed = dict(state)
    renamed["decoder.layers.9.bias"] = renamed.pop("decoder.layers.0.bias")
    with pytest.raises(SongBloomError, match=r"missing .*layers\.0\.bias.*layers\.9\.bias"):
        Oobleck.from_released(config, renamed)
    state["encoder.layers.0.bias"] = torch.zeros(7)
    with pytest.raises(SongBloomError, match=r"encoder\.layers\.0\.bias .* shape \(2,\)"):
        Oobleck.from_released(config, state)


@pytest.mark.parametrize(
    ("decoder", "sentence"),
    [({"final_tanh": True}, "final_tanh"), ({"strides": [2, 6]}, "strides")],
)
def test_other_architectures_are_refused(decoder: dict, sentence: str) -> None:
    with pytest.raises(SongBloomError, match=sentence):
        OobleckConfig.from_released(released_config(**decoder))


@torch.inference_mode()
def test_encode_pads_to_whole_frames_and_samples() -> None:
    codec = Oobleck(OobleckConfig(channels=2, channel_multipliers=(1, 2), strides=(2, 4)))
    audio = torch.randn(1, 2, 21, generator=torch.Generator().manual_seed(0))
    latents = codec.encode(audio)
    padded = codec.encode(torch.nn.functional.pad(audio, (0, 3)))
    assert latents.mean.shape == (1, 64, 3)
    torch.testing.assert_close(latents.mean, padded.mean)
    assert (latents.std > 0).all()
    torch.testing.assert_close(latents.sample(torch.zeros(1, 64, 3)), latents.mean)


def test_a_prompts_incomplete_frame_is_context_and_then_dropped() -> None:
    torch.manual_seed(0)
    codec = Oobleck(OobleckConfig(channels=2)).eval()
    audio = torch.randn(1, 2, 60 * 1_920 + 700)
    with torch.no_grad():
        prompt = codec.encode_prompt(audio)
        padded = codec.encode(audio)
        whole = codec.encode(audio[..., : 60 * 1_920])
    assert prompt.mean.shape[-1] == 60
    assert padded.mean.shape[-1] == 61
    torch.testing.assert_close(prompt.mean[..., :30], padded.mean[..., :30])
    assert not torch.equal(prompt.mean[..., 59], whole.mean[..., 59])
    assert codec.encode_prompt(audio[..., :1_000]).mean.shape == (1, 64, 0)
