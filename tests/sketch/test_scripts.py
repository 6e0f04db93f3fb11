"""The fitting scripts, run on two short synthetic songs."""

import importlib.util
import json
import sys
from pathlib import Path
from types import ModuleType

import numpy as np
import pytest
import soundfile
import torch

from songbloom.audio_format import SAMPLE_RATE
from songbloom.sketch import muq
from songbloom.sketch.files import load_sketch_tokenizer

from .test_kmeans import sing
from .test_muq import StandIn

SCRIPTS = Path(__file__).parents[2] / "scripts"


def load_script(name: str) -> ModuleType:
    spec = importlib.util.spec_from_file_location(name, SCRIPTS / f"{name}.py")
    assert spec is not None and spec.loader is not None
    module = importlib.util.module_from_spec(spec)
    # Dataclasses look their module up by name.
    sys.modules[name] = module
    spec.loader.exec_module(module)
    return module


@pytest.fixture
def corpus(tmp_path: Path) -> Path:
    folder = tmp_path / "corpus"
    folder.mkdir()
    notes = [48, 50, 52, 53]
    for key, split in (("a", "train"), ("b", "test")):
        vowels = [sing(notes, formant=formant) for formant in (500.0, 1500.0)]
        samples = torch.cat(vowels, 1).T.numpy()
        soundfile.write(folder / f"{key}.flac", samples, SAMPLE_RATE)
        soundfile.write(folder / f"{key}.vocal.flac", samples[:, 0], SAMPLE_RATE)
        half = len(samples) / SAMPLE_RATE / 2
        phonemes = [
            {"symbol": "ˈuː", "start": 0.0, "end": half},
            {"symbol": "e", "start": half, "end": 2 * half},
        ]
        (folder / f"{key}.json").write_text(
            json.dumps({"split": split, "espeak_phonemes": phonemes})
        )
    return folder


def run(script: ModuleType, monkeypatch: pytest.MonkeyPatch, *arguments: object) -> int:
    monkeypatch.setattr(sys, "argv", ["script", *map(str, arguments)])
    return script.main()


def test_codebook_is_fitted_measured_and_drawn(
    corpus: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    script = load_script("train_sketch_codebook")
    output, picture = corpus / "codebook.safetensors", corpus / "usage.png"
    arguments = ["--corpus", corpus, "--output", output, "--picture", picture]
    assert run(script, monkeypatch, *arguments, "--num-codes", 16, "--num-timbre", 2) == 0
    report = json.loads(capsys.readouterr().out)
    tokenizer = load_sketch_tokenizer(output)
    assert tokenizer.fingerprint == report["fingerprint"]
    assert tokenizer.num_codes == 16
    # The test song is the training song: its codes must tell most of what is sung.
    assert report["phoneme_information"] > 0.6 * report["phoneme_entropy"]
    assert report["pitch_information"] > 0.6 * report["pitch_entropy"]
    assert picture.stat().st_size > 1000


def test_corpus_without_songs_is_one_sentence(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    script = load_script("train_sketch_codebook")
    arguments = ["--corpus", tmp_path, "--output", tmp_path / "x.safetensors"]
    assert run(script, monkeypatch, *arguments) == 2
    assert "holds no song" in capsys.readouterr().err


def test_phoneme_labels_follow_their_times(corpus: Path) -> None:
    script = load_script("train_sketch_codebook")
    phonemes = json.loads((corpus / "a.json").read_text())["espeak_phonemes"]
    labels = np.array(script.frame_labels(phonemes, 90))
    assert (labels[:40] == "u").all() and (labels[40:80] == "e").all() and (labels[80:] == "").all()


def test_muq_codebook_is_fitted_on_the_training_split(
    corpus: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    script = load_script("train_muq_codebook")
    for module in (script, muq):
        monkeypatch.setattr(module, "load_muq", lambda model: StandIn())
    output = corpus / "muq.safetensors"
    sizes = ["--layer", 1, "--embedding-dim", 8, "--num-codes", 10, "--codebook-dim", 3]
    assert run(script, monkeypatch, "--corpus", corpus, "--output", output, *sizes) == 0
    report = json.loads(capsys.readouterr().out)
    tokenizer = load_sketch_tokenizer(output)
    assert (report["songs"], report["frames"]) == (1, 80)
    assert report["fingerprint"] == tokenizer.fingerprint
    assert tokenizer.encode(torch.randn(1, 2, SAMPLE_RATE)).shape == (1, 25)
