"""Reading a released folder: strict, from whatever its files say, and hostile files refused."""

import os
import shutil

import pytest
import torch

from songbloom.errors import SongBloomError
from songbloom.pipeline import SongBloomPipeline, open_model
from songbloom.released import HubSettings, load_released

PT = "songbloom_tiny_demo.pt"
YAML = "songbloom_tiny_demo.yaml"
CKPT = "autoencoder_music_dsp1920.ckpt"


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
    for part in ("layers.0.feed_forward.up", "layers.1.feed_forward.up", "bos", "(5,)"):
        assert part in str(error.value)


def test_unexpected_keys_are_named(folder):
    edit_weights(folder, lambda state: state.update({"model.extra.weight": torch.zeros(1)}))
    with pytest.raises(SongBloomError, match=r"model\.extra\.weight"):
        load_released(folder)


def test_weights_that_are_not_finite(folder):
    edit_weights(folder, lambda state: state["model.bos_token"].fill_(float("nan")))
    with pytest.raises(SongBloomError, match="bos is not finite"):
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
    with pytest.raises(SongBloomError):
        load_released(folder)


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
    ],
)
def test_a_yaml_that_does_not_fit(folder, old, new, sentence):
    text = (folder / YAML).read_text(encoding="utf-8")
    assert old in text
    (folder / YAML).write_text(text.replace(old, new, 1), encoding="utf-8")
    with pytest.raises(SongBloomError, match=sentence):
        load_released(folder)


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
