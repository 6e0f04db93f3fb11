"""There and back again, bit for bit, and what the published tool could not run."""

import shutil
import subprocess
import sys
from dataclasses import replace

import pytest
import torch
import yaml

from scripts import convert_checkpoint
from songbloom.checkpoint import ComponentReference
from songbloom.codec import load_codec
from songbloom.errors import SongBloomError
from songbloom.lyrics import Vocabulary
from songbloom.pipeline import open_model
from songbloom.released import HubSettings, export_released, load_released
from songbloom.sampling import GenerationSettings


def same(one, other) -> bool:
    return one.keys() == other.keys() and all(
        one[key].dtype == other[key].dtype and torch.equal(one[key], other[key]) for key in one
    )


@pytest.mark.parametrize("dtype", [torch.float32, torch.bfloat16])
def test_ours_to_released_and_back(tmp_path, own_checkpoint, vae, dtype):
    state = {key: value.to(dtype) for key, value in own_checkpoint.state.items()}
    checkpoint = replace(own_checkpoint, state=state)
    export_released(tmp_path, "mine", checkpoint, vae, with_safetensors=True)
    read = load_released(tmp_path)
    expected = replace(
        checkpoint.card,
        codec=replace(checkpoint.card.codec, name=str(tmp_path / "autoencoder_music_dsp1920.ckpt")),
    )
    assert read.checkpoint.card == expected
    assert same(dict(read.checkpoint.state), state)
    assert read.codec.fingerprint == vae.fingerprint
    (tmp_path / "mine.pt").unlink()
    assert same(dict(load_released(tmp_path).checkpoint.state), state)


def test_released_to_ours_and_back(tmp_path, reference_folder):
    source = reference_folder / "released_tiny"
    convert(["to-ours", str(source), str(tmp_path / "ours" / "tiny.safetensors")])
    # The pair may be moved together.
    shutil.move(tmp_path / "ours", tmp_path / "moved")
    ours = tmp_path / "moved" / "tiny.safetensors"
    convert(["to-released", str(ours), str(tmp_path / "again"), "--name", "songbloom_tiny_demo"])
    for name in ("songbloom_tiny_demo.pt", "autoencoder_music_dsp1920.ckpt"):
        first = torch.load(source / name, weights_only=True)
        again = torch.load(tmp_path / "again" / name, weights_only=True)
        assert same(first.get("state_dict", first), again.get("state_dict", again))
    symbols = (source / "vocab_g2p.yaml").read_text(encoding="utf-8")
    again = (tmp_path / "again" / "vocab_g2p.yaml").read_text(encoding="utf-8")
    assert yaml.safe_load(symbols) == yaml.safe_load(again)
    cards = [load_released(folder).checkpoint.card for folder in (source, tmp_path / "again")]
    assert replace(cards[0], codec=cards[1].codec) == cards[1]


def convert(arguments):
    done = subprocess.run(
        [sys.executable, "scripts/convert_checkpoint.py", *arguments],
        capture_output=True,
        text=True,
        check=False,
    )
    assert done.returncode == 0, done.stderr
    return done.stdout


def test_the_yaml_opens_with_the_published_resolvers(tmp_path, own_checkpoint, vae):
    """What the published tool does with the file, `eval` aside, which an export does not use."""
    omegaconf = pytest.importorskip("omegaconf").OmegaConf
    export_released(tmp_path, "mine", own_checkpoint, vae)
    resolvers = {
        "load_yaml": lambda path: omegaconf.load(path),
        "dynamic_path": lambda path: path.replace("???", str(tmp_path)),
    }
    for name, function in resolvers.items():
        omegaconf.register_new_resolver(name, function, replace=True)
    try:
        data = omegaconf.to_container(omegaconf.load(tmp_path / "mine.yaml"), resolve=True)
    finally:
        for name in resolvers:
            omegaconf.clear_resolver(name)
    assert data["pretrained_path"] == f"{tmp_path}/mine.pt"
    assert data["vae"]["sr"] == 48_000
    lyrics = data["model"]["condition_provider_cfg"]["lyrics"]
    assert lyrics["vocab_list"] == own_checkpoint.card.vocabulary.to_list()
    assert lyrics["output_dim"] == 128
    assert data["inference"]["steps"] == 7


@pytest.mark.parametrize(
    ("change", "sentence"),
    [
        ({"vocabulary": Vocabulary(tuple("abcdefgh"))}, "vocabulary lacks"),
        ({"codec": ComponentReference(name="x", fingerprint="other")}, "has fingerprint"),
    ],
)
def test_what_the_published_tool_cannot_run(tmp_path, own_checkpoint, vae, change, sentence):
    checkpoint = replace(own_checkpoint, card=replace(own_checkpoint.card, **change))
    with pytest.raises(SongBloomError, match=sentence):
        export_released(tmp_path, "mine", checkpoint, vae)
    assert not list(tmp_path.iterdir())


def test_a_model_of_the_spectral_codec_is_refused(tmp_path, own_checkpoint):
    with pytest.raises(SongBloomError, match="Oobleck VAE only"):
        export_released(tmp_path, "mine", own_checkpoint, load_codec("spectral-demo"))


@pytest.mark.parametrize("name", ["../mine", ".mine", "a/b", "", "a b", "a\n", "vocab_g2p"])
def test_names_that_leave_the_folder(tmp_path, own_checkpoint, vae, name):
    with pytest.raises(SongBloomError, match="no name for a model"):
        export_released(tmp_path / "in", name, own_checkpoint, vae)
    assert not list(tmp_path.iterdir())


def test_a_model_as_wide_as_its_latents_is_refused(tmp_path, own_checkpoint, vae):
    """The published network has no projections there, so that the weights would not fit it."""
    config = replace(own_checkpoint.card.config, dim=64, num_heads=1)
    checkpoint = replace(own_checkpoint, card=replace(own_checkpoint.card, config=config))
    with pytest.raises(SongBloomError, match="as wide as its latents"):
        export_released(tmp_path, "mine", checkpoint, vae)


def test_another_model_in_the_folder_is_not_destroyed(tmp_path, own_checkpoint, vae):
    export_released(tmp_path, "one", own_checkpoint, vae)
    before = {path.name: path.read_bytes() for path in tmp_path.iterdir()}
    card = own_checkpoint.card
    symbols = Vocabulary(("", "[intro]", "[verse]", ",", ".", "la", "lu", "other"))
    other = replace(own_checkpoint, card=replace(card, vocabulary=symbols))
    with pytest.raises(SongBloomError, match=r"vocab_g2p\.yaml would be replaced"):
        export_released(tmp_path, "two", other, vae)
    assert {path.name: path.read_bytes() for path in tmp_path.iterdir()} == before
    other = replace(own_checkpoint, card=replace(card, max_seconds=20.0))
    with pytest.raises(SongBloomError, match=r"one\.yaml would be replaced"):
        export_released(tmp_path, "one", other, vae)
    export_released(tmp_path, "one", other, vae, overwrite=True)
    assert load_released(tmp_path).checkpoint.card.max_seconds == 20.0


def test_the_same_export_again_writes_nothing(tmp_path, own_checkpoint, vae, monkeypatch):
    export_released(tmp_path, "one", own_checkpoint, vae, with_safetensors=True)
    monkeypatch.setattr(torch, "save", lambda *_: pytest.fail("written again"))
    export_released(tmp_path, "one", own_checkpoint, vae, with_safetensors=True)


@pytest.mark.parametrize("inside", [True, False])
def test_the_vae_is_in_the_models_file_where_it_was(tmp_path, own_checkpoint, vae, inside):
    card = replace(own_checkpoint.card, vae_in_weights=inside)
    export_released(tmp_path, "mine", replace(own_checkpoint, card=card), vae)
    state = torch.load(tmp_path / "mine.pt", weights_only=True)
    keys = {key for key in state if key.startswith("vae.")}
    assert keys == ({f"vae.vae.{key}" for key in vae.to_released()} if inside else set())
    read = load_released(tmp_path)
    assert read.checkpoint.card.vae_in_weights is inside
    export_released(tmp_path / "again", "mine", read.checkpoint, read.codec)
    again = torch.load(tmp_path / "again" / "mine.pt", weights_only=True)
    assert list(again) == list(state)
    assert same(again, state)


@pytest.mark.parametrize(
    "settings",
    [
        {"sample_prompt": False},
        {"penalty": 1.5},
        {"top_k": 1},
        {"repetition_penalty": "released", "penalty": 1.1, "greedy": True},
    ],
)
def test_no_setting_is_lost(tmp_path, own_checkpoint, vae, settings):
    generation = GenerationSettings(**settings)
    card = replace(own_checkpoint.card, generation=generation)
    export_released(tmp_path, "mine", replace(own_checkpoint, card=card), vae)
    assert load_released(tmp_path).checkpoint.card.generation == generation
    # What somebody changes in the published section is what counts.
    text = (tmp_path / "mine.yaml").read_text(encoding="utf-8").replace("steps: 36", "steps: 5", 1)
    (tmp_path / "mine.yaml").write_text(text, encoding="utf-8")
    assert load_released(tmp_path).checkpoint.card.generation.steps == 5


def test_an_unwritable_place_is_one_sentence(tmp_path, own_checkpoint, vae):
    (tmp_path / "file").write_text("x", encoding="utf-8")
    with pytest.raises(SongBloomError, match="could not be written"):
        export_released(tmp_path / "file", "mine", own_checkpoint, vae)


def test_converting_onto_a_file_is_one_sentence(tmp_path, reference_folder):
    (tmp_path / "file").write_text("x", encoding="utf-8")
    source = str(reference_folder / "released_tiny")
    with pytest.raises(SongBloomError, match="cannot be made"):
        convert_checkpoint.to_ours(source, tmp_path / "file" / "a.safetensors", HubSettings())


def test_a_release_whose_keys_share_memory_is_converted(tmp_path, reference_folder):
    source = shutil.copytree(reference_folder / "released_tiny", tmp_path / "release")
    weights = source / "songbloom_tiny_demo.pt"
    state = torch.load(weights, weights_only=True)
    one, two = (f"model.ar_transformer.layers.{i}.input_layernorm.weight" for i in range(2))
    state[two] = state[one]
    torch.save(state, weights)
    convert_checkpoint.to_ours(str(source), tmp_path / "a.safetensors", HubSettings())
    read = open_model(tmp_path / "a.safetensors")[0].state
    key = "sketch_lm.layers.{}.attention_norm.weight"
    assert torch.equal(read[key.format(0)], read[key.format(1)])


def test_a_full_disk_leaves_no_half_file(tmp_path, own_checkpoint, vae, monkeypatch):
    def full(*_arguments):
        raise OSError(28, "No space left on device")

    monkeypatch.setattr(torch, "save", full)
    with pytest.raises(SongBloomError, match="free some space"):
        export_released(tmp_path, "mine", own_checkpoint, vae)
    assert not list(tmp_path.iterdir())


def test_an_exported_folder_opens_by_its_yaml_too(tmp_path, own_checkpoint, vae):
    export_released(tmp_path, "one", own_checkpoint, vae)
    export_released(tmp_path, "two", own_checkpoint, vae)
    with pytest.raises(SongBloomError, match="holds one, two; name one"):
        open_model(tmp_path)
    checkpoint, _ = open_model(tmp_path / "two.yaml")
    assert checkpoint.card.max_seconds == 33.0
