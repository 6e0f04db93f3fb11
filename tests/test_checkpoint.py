"""Checkpoints: round trips, strictness, damaged and hostile files."""

import os
import pickle
from dataclasses import replace

import pytest
import torch
from safetensors.torch import save_file

from songbloom.checkpoint import ModelCard, load_checkpoint, save_checkpoint
from songbloom.errors import SongBloomError
from songbloom.lyrics import Vocabulary


def test_round_trip_is_exact(tmp_path, tiny_checkpoint):
    save_checkpoint(tmp_path / "model.safetensors", tiny_checkpoint)
    loaded = load_checkpoint(tmp_path / "model.safetensors")
    assert loaded.card == tiny_checkpoint.card
    assert loaded.step == 7
    rebuilt = loaded.build_model().state_dict()
    assert all(torch.equal(rebuilt[key], value) for key, value in tiny_checkpoint.state.items())


def test_a_vocabulary_that_does_not_fit_is_refused(tiny_card):
    with pytest.raises(SongBloomError, match="holds 2 symbols, but the model has 12 rows"):
        replace(tiny_card, vocabulary=Vocabulary(("", "a")))


def test_weights_that_do_not_fit_are_named(tiny_checkpoint):
    state = dict(tiny_checkpoint.state)
    state["extra"] = torch.zeros(1)
    del state["bos"]
    state["sketch_head.2.bias"] = torch.zeros(3)
    with pytest.raises(SongBloomError, match=r"bos is missing.*extra is unexpected.*shape \(3,\)"):
        replace(tiny_checkpoint, state=state).build_model()


def test_weights_that_are_not_finite_are_named(tiny_checkpoint):
    state = dict(tiny_checkpoint.state) | {"bos": torch.full((64,), float("nan"))}
    with pytest.raises(SongBloomError, match="bos is not finite"):
        replace(tiny_checkpoint, state=state).build_model()


def test_damaged_files_are_one_sentence(tmp_path, tiny_checkpoint):
    path = tmp_path / "model.safetensors"
    save_checkpoint(path, tiny_checkpoint)
    path.write_bytes(path.read_bytes()[:1000])
    with pytest.raises(SongBloomError, match="cannot be read as a checkpoint"):
        load_checkpoint(path)
    save_file({"a": torch.zeros(1)}, path)
    with pytest.raises(SongBloomError, match="no songbloom description"):
        load_checkpoint(path)
    with pytest.raises(SongBloomError, match="There is no checkpoint"):
        load_checkpoint(tmp_path / "absent.safetensors")


def test_a_pickle_with_code_is_not_executed(tmp_path):
    class Bomb:
        def __reduce__(self):
            return os.system, (f"touch {tmp_path / 'executed'}",)

    path = tmp_path / "bomb.ckpt"
    path.write_bytes(pickle.dumps(Bomb()))
    with pytest.raises(SongBloomError):
        load_checkpoint(path)
    torch.save({"songbloom": Bomb()}, path)
    with pytest.raises(SongBloomError):
        load_checkpoint(path)
    assert not (tmp_path / "executed").exists()


def test_a_full_disk_keeps_the_previous_checkpoint(tmp_path, tiny_checkpoint, monkeypatch):
    path = tmp_path / "model.safetensors"
    save_checkpoint(path, tiny_checkpoint)
    before = path.read_bytes()

    def full(*_args, **_options):
        raise OSError(28, "No space left on device")

    monkeypatch.setattr("songbloom.weights.save_file", full)
    with pytest.raises(SongBloomError, match="No space left"):
        save_checkpoint(path, replace(tiny_checkpoint, step=8))
    assert path.read_bytes() == before


def test_a_card_of_another_format_is_refused(tiny_card):
    with pytest.raises(SongBloomError, match="format is 'songbloom/99'"):
        ModelCard.from_dict(tiny_card.to_dict() | {"format": "songbloom/99"})


@pytest.mark.parametrize(
    "change",
    [
        {"tag_seconds": 0.0},
        {"prompt_seconds": float("nan")},
        {"max_seconds": 1e9},
        {"max_seconds": "x"},
        {"g2p": "mine"},
        {"vae_in_weights": 1},
    ],
)
def test_a_card_out_of_its_ranges_is_refused(tiny_card, change):
    with pytest.raises(SongBloomError, match=rf"ModelCard\.{next(iter(change))} is"):
        replace(tiny_card, **change)


def test_a_card_of_before_reads_the_same(tiny_card):
    data = tiny_card.to_dict()
    del data["vae_in_weights"]
    assert ModelCard.from_dict(data) == tiny_card
