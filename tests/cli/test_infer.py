"""The command line: what a user does wrong is one sentence and exit status 2."""

import json
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest
import soundfile
import torch
from safetensors import safe_open
from safetensors.torch import save_file

from songbloom.checkpoint import Checkpoint, ComponentReference, save_checkpoint
from songbloom.cli.infer import build_parser, main, read_settings
from songbloom.codec.files import load_codec
from songbloom.errors import SongBloomError
from songbloom.lyrics import Vocabulary, phonemize
from songbloom.models import SongBloom
from songbloom.models.initialization import initialize_weights
from songbloom.pipeline import SongBloomPipeline
from songbloom.sampling import FlowGuidance, GenerationSettings, RepetitionPenalty


@pytest.fixture(scope="module")
def checkpoint(tiny_config, tiny_card, tmp_path_factory) -> Path:
    """A random model for the embedded codec and vocabulary that never ends a song."""
    vocabulary = Vocabulary.default()
    config = replace(tiny_config, vocab_size=len(vocabulary), latent_dim=64, prompt_frames=250)
    model = SongBloom(config)
    initialize_weights(model, torch.Generator().manual_seed(0))
    with torch.no_grad():
        model.sketch_head[2].bias[config.eos_id] = -1e4
    codec = ComponentReference(
        name="spectral-demo", fingerprint=load_codec("spectral-demo").fingerprint
    )
    card = replace(tiny_card, config=config, vocabulary=vocabulary, codec=codec)
    path = tmp_path_factory.mktemp("model") / "model.safetensors"
    save_checkpoint(path, Checkpoint(card=card, state=model.state_dict()))
    return path


@pytest.fixture
def files(tmp_path, checkpoint) -> dict[str, str]:
    """The options of a run that works."""
    (tmp_path / "song.txt").write_text("[verse] la la la", encoding="utf-8")
    noise = np.random.default_rng(0).uniform(-0.5, 0.5, (8_000, 1))
    soundfile.write(tmp_path / "style.wav", noise, 16_000)
    return {
        "--checkpoint": str(checkpoint),
        "--lyrics": str(tmp_path / "song.txt"),
        "--prompt": str(tmp_path / "style.wav"),
        "--output": str(tmp_path / "song.flac"),
        "--num-steps": "2",
        "--max-seconds": "1",
    }


def run(options: dict[str, str]) -> int:
    return main([part for option in options.items() for part in option])


def test_a_song_is_written_and_the_seed_decides(files, tmp_path):
    assert run(files) == 0
    first, rate = soundfile.read(tmp_path / "song.flac")
    assert rate == 48_000
    assert first.shape == (48_000 // 25 * 24, 2)
    assert run(files) == 0
    again, _ = soundfile.read(tmp_path / "song.flac")
    assert np.array_equal(first, again)
    assert run(files | {"--seed": "1"}) == 0
    other, _ = soundfile.read(tmp_path / "song.flac")
    assert not np.array_equal(first, other)


@pytest.mark.parametrize(
    ("lyrics", "sentence"),
    [("[verze] la la", "verze"), ("", "empty"), ("la la", "tag"), ("[verse] Привет", "П")],
)
def test_bad_lyrics(files, capsys, lyrics, sentence):
    Path(files["--lyrics"]).write_text(lyrics, encoding="utf-8")
    assert run(files) == 2
    error = capsys.readouterr().err
    assert sentence in error
    assert len([line for line in error.splitlines() if line.startswith("error: ")]) == 1
    assert not Path(files["--output"]).exists()


def test_files_that_are_not_what_they_should_be(files, tmp_path, capsys):
    (tmp_path / "text.wav").write_text("no audio")
    for option, value, sentence in [
        ("--prompt", str(tmp_path / "text.wav"), "cannot be read as audio"),
        ("--prompt", str(tmp_path / "absent.wav"), "absent.wav"),
        ("--lyrics", str(tmp_path / "absent.txt"), "absent.txt"),
        ("--lyrics", str(tmp_path / "style.wav"), "not UTF-8"),
        ("--checkpoint", str(tmp_path / "style.wav"), "cannot be read as a checkpoint"),
        ("--codec", str(tmp_path / "style.wav"), "not a readable codec"),
        ("--max-seconds", "0.1", "at least 0.16 s"),
        ("--top-k", "-3", "top_k"),
    ]:
        assert run(files | {option: value}) == 2
        assert sentence in capsys.readouterr().err


def test_a_vocabulary_that_does_not_fit_the_checkpoint(files, tmp_path, capsys):
    with safe_open(files["--checkpoint"], "pt") as file:
        state = {key: file.get_tensor(key) for key in file.keys()}  # noqa: SIM118
        card = json.loads(file.metadata()["card"])
    card["vocabulary"] = card["vocabulary"][:-1]
    save_file(state, tmp_path / "odd.safetensors", {"card": json.dumps(card), "step": "0"})
    assert run(files | {"--checkpoint": str(tmp_path / "odd.safetensors")}) == 2
    assert "vocabulary holds 329 symbols" in capsys.readouterr().err


def test_an_output_that_cannot_be_written_is_found_before_singing(files, tmp_path, capsys):
    (tmp_path / "file").write_text("in the way")
    assert run(files | {"--output": str(tmp_path / "file" / "song.flac")}) == 2
    assert "cannot be written" in capsys.readouterr().err


def test_lyrics_become_phonemes_as_in_training(checkpoint):
    pipeline = SongBloomPipeline.from_pretrained(checkpoint)
    lyrics = "[verse] Mr. Brown's 2 roses"
    assert pipeline.phonemize(lyrics) == phonemize(lyrics, "natural")
    pipeline.card = replace(pipeline.card, g2p="released")
    assert pipeline.phonemize(lyrics) == phonemize(lyrics, "released")
    assert phonemize(lyrics, "released") != phonemize(lyrics, "natural")


def test_options_default_to_the_settings():
    parser = build_parser()
    arguments = parser.parse_args(["--checkpoint", "a", "--lyrics", "b", "--prompt", "c"])
    assert read_settings(arguments) == GenerationSettings()
    arguments = parser.parse_args(
        ["--checkpoint", "a", "--lyrics", "b", "--prompt", "c", "--flow-guidance-type", "global"]
    )
    assert read_settings(arguments).flow_guidance_type is FlowGuidance.GLOBAL


def test_settings_may_be_named_by_plain_strings():
    settings = GenerationSettings(flow_guidance_type="global", repetition_penalty="standard")
    assert settings.flow_guidance_type is FlowGuidance.GLOBAL
    assert settings.repetition_penalty is RepetitionPenalty.STANDARD
    with pytest.raises(SongBloomError, match="must be one of h, global, none"):
        GenerationSettings(flow_guidance_type="hidden")
