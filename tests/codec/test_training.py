"""Training of the codec: learns, resumes exactly, exports, and refuses unusable folders."""

import json
from dataclasses import replace
from itertools import count
from pathlib import Path
from types import SimpleNamespace

import pytest
import soundfile
import torch

from songbloom.codec import SpectralCodecConfig, load_codec
from songbloom.codec.training import CHECKPOINT, LOG, CodecTrainer, CodecTrainingConfig, Renditions
from songbloom.errors import SongBloomError

CONFIG = CodecTrainingConfig(batch_size=2, crop_frames=10, component_batches=4, warmup_steps=1)


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    """Two songs of eight seconds, one with a dry voice."""
    generator = torch.Generator().manual_seed(0)
    time = torch.arange(8 * 48_000) / 48_000
    for song, pitch in (("rise", 220.0), ("fall", 330.0)):
        noise = 0.01 * torch.randn(2, len(time), generator=generator)
        audio = 0.3 * torch.sin(2 * torch.pi * pitch * time) + noise
        soundfile.write(tmp_path / f"{song}_0.flac", audio.T.numpy(), 48_000)
        (tmp_path / f"{song}_0.json").write_text(json.dumps({"song": song, "split": "train"}))
        (tmp_path / f"{song}_1.json").write_text(json.dumps({"song": song, "split": "test"}))
        soundfile.write(tmp_path / f"{song}_1.flac", audio.T.numpy(), 48_000)
    soundfile.write(tmp_path / "rise_0.vocal.flac", audio[0].numpy(), 48_000)
    return tmp_path


def test_held_out_song_is_kept_apart(folder: Path) -> None:
    renditions = Renditions(folder, held_out_song="fall")
    assert (len(renditions.mixes), len(renditions.vocals), len(renditions.held_out)) == (1, 1, 1)
    crop = renditions.crop(4800, vocal_share=1.0, generator=torch.Generator().manual_seed(0))
    assert crop.shape == (2, 4800)
    assert torch.equal(crop[0], crop[1])
    assert renditions.held_out_excerpts(seconds=2).shape == (1, 2, 96_000)


def test_resumed_equals_uninterrupted(
    folder: Path, tmp_path: Path, small_config: SpectralCodecConfig
) -> None:
    def trainer() -> CodecTrainer:
        return CodecTrainer(small_config, CONFIG, Renditions(folder))

    def steps(trainer: CodecTrainer, count: int) -> None:
        batches = trainer.renditions.batches(CONFIG, trainer.generator)
        for _ in range(count):
            trainer.train_step(next(batches))

    straight, first, second = trainer(), trainer(), trainer()
    steps(straight, 4)
    steps(first, 2)
    first.save(tmp_path / "a.ckpt")
    second.load(tmp_path / "a.ckpt")
    steps(second, 2)
    for name, weight in straight.average.state_dict().items():
        torch.testing.assert_close(second.average.state_dict()[name], weight)


def test_fit_lowers_the_loss_and_exports(
    folder: Path,
    tmp_path: Path,
    small_config: SpectralCodecConfig,
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    """By a clock on which every step takes a second."""
    clock = SimpleNamespace(monotonic=count().__next__)
    monkeypatch.setattr("songbloom.codec.training.time", clock)
    config = replace(CONFIG, minutes=0.5, validation_minutes=0.1)
    trainer = CodecTrainer(small_config, config, Renditions(folder))
    trainer.fit(tmp_path, tmp_path / "codec.safetensors")
    lines = (tmp_path / LOG).read_text().splitlines()
    rows = [dict(zip(lines[0].split(","), line.split(","), strict=True)) for line in lines[1:]]
    assert [int(row["step"]) for row in rows] == [6, 12, 18, 24, 30]
    assert float(rows[-1]["magnitude"]) < float(rows[0]["magnitude"])
    assert (tmp_path / CHECKPOINT).exists()
    codec = load_codec(tmp_path / "codec.safetensors")
    audio = torch.cat([trainer.renditions.crop(48_000, 0.5, trainer.generator)[None] for _ in "ab"])
    latents = codec.encode(audio)
    assert 0.3 < latents.sample(torch.randn_like(latents.mean)).std() < 3


def test_checkpoint_of_other_sizes_is_refused(
    folder: Path, tmp_path: Path, small_config: SpectralCodecConfig
) -> None:
    renditions = Renditions(folder)
    CodecTrainer(small_config, CONFIG, renditions).save(tmp_path / "a.ckpt")
    other = CodecTrainer(replace(small_config, encoder_width=8), CONFIG, renditions)
    with pytest.raises(SongBloomError, match="other sizes"):
        other.load(tmp_path / "a.ckpt")


def test_unusable_folders_are_refused(folder: Path) -> None:
    with pytest.raises(SongBloomError, match="no song hum"):
        Renditions(folder, held_out_song="hum")
    (folder / "fall_0.json").unlink()
    with pytest.raises(SongBloomError, match="at least two training songs"):
        Renditions(folder)
