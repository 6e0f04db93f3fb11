"""Reading a released folder: strict, from whatever its files say, and hostile files refused."""

import json
import os
import shutil
import time

import pytest
import torch

from songbloom.codec.oobleck import Oobleck, OobleckConfig
from songbloom.errors import SongBloomError
from songbloom.pipeline import SongBloomPipeline, open_model
from songbloom.released import HubSettings, load_released

PT = "songbloom_tiny_demo.pt"
YAML = "songbloom_tiny_demo.yaml"
CKPT = "autoencoder_music_dsp1920.ckpt"
JSON = "stable_audio_1920_vae.json"


@pytest.fixture
def folder(reference_folder, tmp_path):
    """A copy of the reference release that may be damaged."""
    return shutil.copytree(reference_folder / "released_tiny", tmp_path / "release")


def edit_weights(folder, change):
    state = torch.load(folder / PT, weights_only=True)
    change(state)
    torch.save(state, folder / PT)


def test_sizes_vocabulary_and_settings_come_from_the_files(folder):
    card = load_released(folder).checkpoint.card
    assert len(card.vocabulary) == 330
    assert (card.config.dim, card.config.lm.num_layers, card.config.dit.num_layers) == (128, 2, 2)
    assert card.config.lm.rope_theta == 40_000
    assert card.config.prompt_frames == 250
    assert card.g2p == "released"
    assert card.tag_seconds == 1.0
    assert card.max_seconds == 22.0
    assert card.generation.top_k == 20
    assert card.generation.steps == 10


def test_long_models_have_longer_tags(folder):
    text = (folder / YAML).read_text(encoding="utf-8").replace("max_dur: 12", "max_dur: 240")
    (folder / YAML).write_text(text, encoding="utf-8")
    assert load_released(folder).checkpoint.card.tag_seconds == 5.0


def test_a_depth_that_the_yaml_does_not_say_is_the_weights(folder):
    text = (folder / YAML).read_text(encoding="utf-8")
    lines = [
        line for line in text.splitlines() if "_layers" not in line and "num_pitch" not in line
    ]
    (folder / YAML).write_text("\n".join(lines), encoding="utf-8")
    config = load_released(folder).checkpoint.card.config
    assert (config.lm.num_layers, config.dit.num_layers, config.num_codes) == (2, 2, 64)


def test_every_wrong_key_is_named(folder):
    def damage(state):
        for layer in range(2):
            del state[f"model.ar_transformer.layers.{layer}.mlp.up_proj.weight"]
        state["model.bos_token"] = torch.zeros(5)

    edit_weights(folder, damage)
    with pytest.raises(SongBloomError) as error:
        load_released(folder).checkpoint.build_model()
    parts = [f"model.ar_transformer.layers.{i}.mlp.up_proj.weight is missing" for i in range(2)]
    for part in (str(folder / PT), *parts, "model.bos_token", "(5,)"):
        assert part in str(error.value)


def test_unexpected_keys_are_named(folder):
    edit_weights(folder, lambda state: state.update({"model.extra.weight": torch.zeros(1)}))
    with pytest.raises(SongBloomError, match=r"model\.extra\.weight"):
        load_released(folder)


def test_weights_that_are_not_finite(folder):
    edit_weights(folder, lambda state: state["model.bos_token"].fill_(float("nan")))
    with pytest.raises(SongBloomError, match=rf"model\.bos_token of .*{PT} is not finite"):
        SongBloomPipeline.from_pretrained(folder, device="cpu")


def test_a_vae_inside_the_models_file_goes_first(folder):
    vae = torch.load(folder / CKPT, weights_only=True)["state_dict"]
    vae = {f"vae.vae.{key}": value + 1e-3 for key, value in vae.items()}
    before = load_released(folder).codec.fingerprint
    edit_weights(folder, lambda state: state.update(vae))
    read = load_released(folder)
    assert read.codec.fingerprint != before
    assert read.checkpoint.card.codec.fingerprint == read.codec.fingerprint


@pytest.mark.parametrize("name", [PT, CKPT, "vocab_g2p.yaml", "stable_audio_1920_vae.json"])
def test_missing_and_damaged_files_are_named(folder, name):
    content = (folder / name).read_bytes()
    (folder / name).unlink()
    with pytest.raises(SongBloomError, match=name):
        load_released(folder)
    (folder / name).write_bytes(content[: len(content) // 2])
    with pytest.raises(SongBloomError, match=name) as error:
        load_released(folder)
    assert "\n" not in str(error.value)


@pytest.mark.parametrize("name", [PT, CKPT])
def test_a_pickle_with_code_is_not_executed(folder, name):
    class Bomb:
        def __reduce__(self):
            return os.system, (f"touch {folder / 'executed'}",)

    torch.save({"state_dict": {"a": Bomb()}}, folder / name)
    with pytest.raises(SongBloomError):
        load_released(folder)
    assert not (folder / "executed").exists()


@pytest.mark.parametrize(
    ("old", "new", "sentence"),
    [
        ("backend: llama", "backend: bart", "only 'llama' is built"),
        ("interpolate: false", "interpolate: true", "interpolated"),
        ("vocab_list:", "other:", "incomplete"),
        ("vae_ckpt:", "other:", "names no file as vae_ckpt"),
        ("dim: 128", "dim: 130", "multiple"),
        ("num_heads: 2", "num_heads: x", "lacks a number for model.num_heads"),
        ("num_heads: 2", "num_heads: .inf", "model.num_heads is inf"),
        ("num_heads: 2", "num_heads: .nan", "model.num_heads is nan"),
        ("num_heads: 2", "num_heads: true", "lacks a number for model.num_heads"),
        ("num_heads: 2", "num_heads: 1.5", "whole number"),
        ("max_dur: 12", "max_dur: abc", "max_dur"),
        ("max_dur: 12", "max_dur:", "max_dur"),
        ("max_dur: 12", "max_dur: 0x" + "f" * 5000, YAML),
        ("max_dur: 12", "max_dur: " + "9" * 5000, "no valid yaml"),
        ("max_dur: 12", "max_dur: 99999", "max_dur is 99999; it must be from"),
        ("max_dur: 12", "max_dur: 2020-99-99", "no valid yaml"),
        ("max_dur: 12", "max_dur: !!int abc", "no valid yaml"),
        ("max_dur: 12", "max_dur: !!bool abc", "no valid yaml"),
        ("inference:\n", "inference: 5\nother:\n", "inference is 5"),
        ("  steps: 10", "  steps: 10.5", "steps is 10.5; it must be a whole number"),
        ("  steps: 10", "  steps: ten", "steps is 'ten'"),
        ("penalty_repeat: true", "penalty_repeat: 3", "penalty_repeat is 3"),
        ("lm_layers: 2", "lm_layers: 100000", "lm_layers is 100000"),
        ("lm_layers: 2", "lm_layers: 3", "lm_layers is 3, but .*of a model with 2"),
        ("dim: 128", "dim: 256", "dim is 256, but .*of a model with 128"),
        ("block_size: 16", "block_size: 8", "block_size is 8, but .*of a model with 16"),
        ("num_pitch: 64", "num_pitch: 65", "num_pitch is 65, but .*of a model with 64"),
        ("max_len: 300", "max_len: 1000000000", "max_len is 1000000000; it must be from"),
        ("prompt_len: 10", "prompt_len: 10000000", "it must be from"),
        ("structure: 50", "structure: 60", "is 60, but .*of a model with 50"),
        ("pretrained_path:", "pretrained_path: ''\nother:", YAML),
    ],
)
def test_a_yaml_that_does_not_fit(folder, old, new, sentence):
    text = (folder / YAML).read_text(encoding="utf-8")
    assert old in text
    (folder / YAML).write_text(text.replace(old, new, 1), encoding="utf-8")
    with pytest.raises(SongBloomError, match=sentence):
        load_released(folder)


def test_whole_floats_are_whole_numbers(folder):
    text = (folder / YAML).read_text(encoding="utf-8")
    text = text.replace("top_k: 20", "top_k: 20.0").replace("dim: 128", "dim: 128.0")
    text = text.replace("steps: 10", 'steps: ${eval:"20/2"}')
    (folder / YAML).write_text(text, encoding="utf-8")
    card = load_released(folder).checkpoint.card
    assert repr((card.generation.top_k, card.generation.steps, card.config.dim)) == "(20, 10, 128)"


def edit_json(folder, change):
    path = folder / JSON
    data = json.loads(path.read_text(encoding="utf-8"))
    change(data["model"]["encoder"]["config"], data["model"]["decoder"]["config"], data)
    path.write_text(json.dumps(data), encoding="utf-8")


@pytest.mark.parametrize(
    "content", ["[]", "null", '"x"', "5", "{}", '{"model": 5}', '{"model": []}', "[" * 20_000]
)
def test_a_vae_configuration_that_is_none(folder, content):
    (folder / JSON).write_text(content, encoding="utf-8")
    with pytest.raises(SongBloomError, match=JSON) as error:
        load_released(folder)
    assert "\n" not in str(error.value)


@pytest.mark.parametrize(
    ("field", "value"),
    [
        ("channels", "4"),
        ("channels", 4.0),
        ("channels", 10**9),
        ("channels", True),
        ("strides", [2] * 30_000),
        ("strides", 5),
        ("strides", [2, "x"]),
        ("c_mults", [1.0, 2, 4, 8, 16]),
    ],
)
def test_vae_sizes_of_other_kinds(folder, field, value):
    def change(encoder, decoder, _):
        encoder[field] = decoder[field] = value
        if field == "strides" and isinstance(value, list):
            encoder["c_mults"] = decoder["c_mults"] = [1] * len(value)

    edit_json(folder, change)
    start = time.monotonic()
    with pytest.raises(SongBloomError, match=JSON) as error:
        load_released(folder)
    assert time.monotonic() - start < 5
    assert len(str(error.value)) < 500


@pytest.mark.parametrize(
    ("sizes", "sentence"),
    [
        ({"latent_dim": 32}, "latent_dim is 32, but the model of .* needs 64"),
        ({"strides": (2, 4, 4, 6, 8)}, "samples a frame is 1536, but .* needs 1920"),
        ({"num_channels": 1}, "channels is 1, but .* needs 2"),
        ({"sample_rate": 44_100}, "sample_rate is 44100, but .* needs 48000"),
    ],
)
def test_a_vae_of_another_model(folder, sizes, sentence):
    vae = Oobleck(OobleckConfig(channels=2, **sizes))
    (folder / JSON).write_text(json.dumps(vae.config_to_released()), encoding="utf-8")
    torch.save({"state_dict": vae.to_released()}, folder / CKPT)
    with pytest.raises(SongBloomError, match=sentence):
        load_released(folder)


@pytest.mark.parametrize("dtype", [torch.float16, torch.float64])
def test_a_vae_of_another_precision_runs_in_float32(folder, dtype):
    state = torch.load(folder / CKPT, weights_only=True)["state_dict"]
    torch.save(
        {"state_dict": {key: value.to(dtype) for key, value in state.items()}}, folder / CKPT
    )
    codec = load_released(folder).codec
    assert {value.dtype for value in codec.state_dict().values()} == {torch.float32}
    assert codec.decode(torch.zeros(1, 64, 2)).shape == (1, 2, 3840)


def test_damaged_vae_weights_are_named_with_their_file(folder):
    data = torch.load(folder / CKPT, weights_only=True)
    data["state_dict"]["decoder.layers.0.bias"].fill_(float("nan"))
    torch.save(data, folder / CKPT)
    with pytest.raises(SongBloomError, match=rf"{CKPT}: .*decoder\.layers\.0\.bias"):
        load_released(folder)


def test_a_model_as_wide_as_its_latents_is_refused(folder):
    text = (folder / YAML).read_text(encoding="utf-8").replace("latent_dim: 64", "latent_dim: 128")
    (folder / YAML).write_text(text, encoding="utf-8")
    with pytest.raises(SongBloomError, match="no projections"):
        load_released(folder)


@pytest.mark.parametrize("name", ["vocab_g2p.yaml", YAML, JSON])
def test_a_pipe_does_not_hang(folder, name):
    (folder / name).unlink()
    os.mkfifo(folder / name)
    with pytest.raises(SongBloomError, match="no"):
        load_released(folder / YAML if name == YAML else folder, "songbloom_tiny_demo")


def test_a_bomb_in_the_vocabulary_makes_a_short_sentence(folder):
    lines = ["- &a0 [x, x, x, x, x, x, x, x, x, x]"]
    lines += [f"- &a{i} [{', '.join([f'*a{i - 1}'] * 8)}]" for i in range(1, 4)]
    lines += ["- x"] * 326
    (folder / "vocab_g2p.yaml").write_text("\n".join(lines), encoding="utf-8")
    with pytest.raises(SongBloomError, match=r"vocab_g2p\.yaml") as error:
        load_released(folder)
    assert len(str(error.value)) < 500


@pytest.mark.parametrize("name", ["", YAML, PT])
def test_a_folder_its_yaml_and_its_weights_mean_the_same(folder, name):
    checkpoint, codec = open_model(folder / name)
    assert len(checkpoint.card.vocabulary) == 330
    assert codec.latent_dim == 64


def test_a_name_is_looked_for_in_the_local_folder(folder):
    hub = HubSettings(local_dir=folder)
    assert open_model("songbloom_tiny_demo", hub=hub)[0].card.max_seconds == 22.0
    with pytest.raises(SongBloomError, match="There is no model 'nonsense'"):
        open_model("nonsense", hub=hub)
