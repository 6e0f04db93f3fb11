"""train.py end to end on a small dataset: what a run leaves behind, and what stops it."""

import csv
import importlib.util
import shutil
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest
import soundfile
import torch
from hydra import compose, initialize_config_dir
from hydra.errors import ConfigCompositionException

from songbloom.checkpoint import load_checkpoint
from songbloom.cli.infer import main as infer
from songbloom.data.index import DatasetIndex
from songbloom.errors import SongBloomError
from songbloom.lyrics import Vocabulary

ROOT = Path(__file__).resolve().parents[1]


def load_script(name: str):
    spec = importlib.util.spec_from_file_location(name, ROOT / f"{name}.py")
    assert spec is not None
    assert spec.loader is not None
    module = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(module)
    return module


def configure(shards: Path, output: Path, *overrides: str):
    output.mkdir(parents=True, exist_ok=True)
    with initialize_config_dir(str(ROOT / "conf"), version_base="1.3"):
        return compose(
            "train",
            [
                "experiment=quickstart",
                f"data.root={shards}",
                f"paths.output={output}",
                "model.dim=64",
                "model.num_heads=2",
                "model.max_lyrics=8",
                "model.lm.num_layers=1",
                "model.dit.num_layers=1",
                "data.max_frames_per_batch=256",
                "trainer.devices=1",  # a launcher would start pytest again
                "trainer.strategy=auto",
                "trainer.max_steps=4",
                "trainer.val_check_interval=2",
                "trainer.log_every_n_steps=1",
                "trainer.enable_progress_bar=false",
                "callbacks.progress=null",
                *overrides,
            ],
        )


@pytest.fixture(scope="module")
def run(shards, tmp_path_factory) -> Path:
    """The folder of a finished run."""
    output = tmp_path_factory.mktemp("run")
    load_script("train").train(configure(shards, output))
    return output


def test_a_run_leaves_everything_behind(run):
    for name in ("config.yaml", "curves.png", "model.safetensors", "checkpoints/last.ckpt"):
        assert (run / name).stat().st_size > 0
    assert list((run / "tensorboard").glob("events*"))
    assert list((run / "wandb").glob("offline-run-*/*.wandb"))
    with (run / "csv" / "version_0" / "metrics.csv").open() as file:
        columns = csv.DictReader(file).fieldnames or ()
    for name in ("train/loss", "train/sketch", "train/flow", "val/sketch", "val/flow"):
        assert name in columns
    assert "train/frames_per_second" in columns


def test_the_newest_step_is_kept_whether_it_is_the_best_or_not(shards, tmp_path):
    # At this rate the model is best before its first step counts for much.
    overrides = ["optimizer.lr=1.0", "callbacks.checkpoint.monitor=val/flow", "trainer.max_steps=6"]
    load_script("train").train(configure(shards, tmp_path, *overrides))
    best = load_checkpoint(tmp_path / "model.safetensors")
    last = load_checkpoint(tmp_path / "checkpoints" / "last.ckpt")
    assert last.step == 6
    assert best.step < 6


def test_both_kinds_of_checkpoint_hold_the_same_model(run):
    exported = load_checkpoint(run / "model.safetensors")
    last = load_checkpoint(run / "checkpoints" / "last.ckpt")
    assert exported.card == last.card
    assert exported.card.vocabulary == Vocabulary.default()
    assert exported.card.config.num_codes == 12
    assert exported.build_model().state_dict().keys() == last.build_model().state_dict().keys()


def test_resumed_equals_uninterrupted(run, shards, tmp_path):
    train = load_script("train").train
    train(configure(shards, tmp_path / "half", "trainer.max_steps=2", "scheduler.max_steps=4"))
    last = tmp_path / "half" / "checkpoints" / "last.ckpt"
    train(configure(shards, tmp_path / "rest", f"resume={last}"))
    whole = load_checkpoint(run / "checkpoints" / "last.ckpt")
    resumed = load_checkpoint(tmp_path / "rest" / "checkpoints" / "last.ckpt")
    assert whole.step == resumed.step == 4
    for key, value in whole.state.items():
        torch.testing.assert_close(resumed.state[key], value, atol=0, rtol=0)


def test_a_run_goes_on_only_with_what_it_began_with(run, shards, tmp_path):
    last = run / "checkpoints" / "last.ckpt"
    with pytest.raises(SongBloomError, match="is resumed had another config"):
        load_script("train").train(
            configure(shards, tmp_path / "other", f"resume={last}", "model.lm.num_layers=3")
        )


def test_shards_of_another_codec_stop_the_run(shards, tmp_path):
    copy = tmp_path / "copy"
    shutil.copytree(shards, copy)
    index = DatasetIndex.load(copy)
    replace(index, codec_fingerprint="0ther").save()
    with pytest.raises(SongBloomError, match="set codec= to the one it was encoded with"):
        load_script("train").train(configure(copy, tmp_path / "run"))


def test_fine_tuning_begins_with_the_trained_weights(run, shards, tmp_path):
    init = f"init={run / 'model.safetensors'}"
    still = ["optimizer.lr=0", "weight_decay=0", "trainer.max_steps=2"]
    tuned = load_script("train").train(configure(shards, tmp_path / "still", init, *still))
    begun = load_checkpoint(run / "model.safetensors")
    assert tuned.card == begun.card
    assert all(torch.equal(tuned.state[key], value) for key, value in begun.state.items())
    moved = load_script("train").train(configure(shards, tmp_path / "moved", init))
    assert not torch.equal(moved.state["sketch_head.0.weight"], begun.state["sketch_head.0.weight"])


@pytest.mark.parametrize(
    ("change", "name"),
    [({"codec_fingerprint": "0ther"}, "codec"), ({"vocabulary": ("", "a")}, "vocabulary")],
)
def test_fine_tuning_on_songs_encoded_for_another_model(run, shards, tmp_path, change, name):
    copy = tmp_path / "copy"
    shutil.copytree(shards, copy)
    replace(DatasetIndex.load(copy), **change).save()
    with pytest.raises(SongBloomError, match=f"was encoded with another {name}"):
        load_script("train").train(
            configure(copy, tmp_path / "run", f"init={run / 'model.safetensors'}")
        )


def test_infer_sings_from_the_run(run, tmp_path, capsys):
    lyrics, prompt = tmp_path / "song.txt", tmp_path / "style.wav"
    lyrics.write_text("[verse] amazing grace", encoding="utf-8")
    soundfile.write(prompt, np.random.default_rng(0).uniform(-0.5, 0.5, 22_050), 22_050)
    arguments = ["--checkpoint", str(run / "model.safetensors"), "--lyrics", str(lyrics)]
    arguments += ["--prompt", str(prompt), "--output", str(tmp_path / "song.flac")]
    arguments += ["--spectrogram", "--max-duration", "2"]
    status = infer([*arguments, "sampling.steps=2", "sampling.greedy=true"])
    output = capsys.readouterr()
    # A model of four steps may end the song at once; that too is told in a sentence.
    assert status == 0 or "ended the song before its first patch" in output.err
    if status == 0:
        assert soundfile.info(tmp_path / "song.flac").samplerate == 48_000
        assert (tmp_path / "song.png").stat().st_size > 0


@pytest.mark.parametrize(
    ("override", "sentence"),
    [
        ("model.dim=65", "multiple of twice num_heads"),
        ("+model.wide=3", "'model' is wrong.*wide"),
        ("data.root=nowhere", "nowhere"),
        ("+optimizer.rate=3", "rate"),
        ("data.root=???", "'data' cannot be read: Missing mandatory value"),
        ("resume=nowhere.ckpt", "no checkpoint nowhere.ckpt to resume"),
        ("corruption.guidance_dropout=papers", "must be one of paper, released"),
    ],
)
def test_wrong_settings_are_one_sentence(shards, tmp_path, override, sentence):
    train = load_script("train").train
    with pytest.raises(SongBloomError, match=sentence):
        train(configure(shards, tmp_path / "run", override))


def test_a_misspelt_key_is_refused(shards, tmp_path):
    with pytest.raises(ConfigCompositionException):
        configure(shards, tmp_path / "run", "sed=1")


def test_a_damaged_shard_stops_the_run(shards, tmp_path):
    copy = tmp_path / "copy"
    shutil.copytree(shards, copy)
    shard = bytearray((copy / "train.tar").read_bytes())
    shard[2000] ^= 1
    (copy / "train.tar").write_bytes(shard)
    with pytest.raises(SongBloomError, match="checksum"):
        load_script("train").train(configure(copy, tmp_path / "run"))
