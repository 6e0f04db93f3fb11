"""There and back again, bit for bit, and what the published tool could not run."""

import shutil
import subprocess
import sys
from dataclasses import replace

import pytest
import torch
import yaml

from songbloom.checkpoint import ComponentReference
from songbloom.codec import load_codec
from songbloom.errors import SongBloomError
from songbloom.lyrics import Vocabulary
from songbloom.pipeline import open_model
from songbloom.released import export_released, load_released


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
    assert lyrics["output_dim"] == 64
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


@pytest.mark.parametrize("name", ["../mine", ".mine", "a/b", ""])
def test_names_that_leave_the_folder(tmp_path, own_checkpoint, vae, name):
    with pytest.raises(SongBloomError, match="no name for a model"):
        export_released(tmp_path / "in", name, own_checkpoint, vae)
    assert not list(tmp_path.iterdir())


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
