"""Encoding a corpus to shards: members, quarantine, and resumption."""

import json
import os
import re
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest
import soundfile
import torch

from data_prep.encode import QUARANTINE_NAME, EncodeConfig, encode_corpus
from songbloom.audio import read_audio
from songbloom.audio_format import PROMPT_FRAMES, SAMPLE_RATE, SAMPLES_PER_FRAME
from songbloom.codec.files import load_codec, save_codec
from songbloom.codec.spectral import SpectralCodec, SpectralCodecConfig
from songbloom.data.index import DatasetIndex
from songbloom.data.tar_index import TarIndexDataset, index_shard
from songbloom.errors import SongBloomError
from songbloom.lyrics import phonemize
from songbloom.sketch.files import load_sketch_tokenizer

LYRICS = "[verse] la la la. la , [outro]"


def write_song(corpus: Path, key: str, seconds: float = 2.03, split: str = "train", **changes):
    rng = np.random.default_rng(len(key) + sum(key.encode()))
    samples = 0.1 * rng.standard_normal((round(seconds * SAMPLE_RATE), 2))
    soundfile.write(corpus / f"{key}.flac", samples, SAMPLE_RATE, subtype="PCM_16")
    values = {
        "key": key,
        "language": "en",
        "lyrics": LYRICS,
        "sections": [
            {"tag": "verse", "start": 0.0, "end": 1.5},
            {"tag": "outro", "start": 1.5, "end": seconds},
        ],
        "duration": seconds,
        "sample_rate": SAMPLE_RATE,
        "source": "made for a test",
        "licence": "CC0-1.0",
        "split": split,
        "tempo": 90,
        **changes,
    }
    (corpus / f"{key}.json").write_text(json.dumps(values))


@pytest.fixture(scope="module")
def codec_file(tmp_path_factory: pytest.TempPathFactory) -> Path:
    torch.manual_seed(0)
    config = SpectralCodecConfig(
        latent_dim=32,
        num_bins=64,
        num_phase_bins=40,
        encoder_width=8,
        encoder_spectral_depth=1,
        encoder_latent_depth=1,
        decoder_width=8,
        decoder_latent_depth=1,
        decoder_spectral_depth=1,
    )
    path = tmp_path_factory.mktemp("codec") / "tiny.safetensors"
    save_codec(SpectralCodec(config), path)
    return path


@pytest.fixture
def config(tmp_path: Path, codec_file: Path) -> EncodeConfig:
    corpus = tmp_path / "corpus"
    corpus.mkdir()
    for number in range(3):
        write_song(corpus, f"song_{number}")
    write_song(corpus, "long", seconds=12.0, split="test")
    return EncodeConfig(
        corpus=corpus,
        output=tmp_path / "dataset",
        codec=str(codec_file),
        num_prompts=2,
        shard_songs=2,
        workers=1,
    )


def test_members_are_what_the_encoders_give(config: EncodeConfig) -> None:
    # A voice alone beside a song is no song.
    (config.corpus / "long.vocal.flac").write_bytes((config.corpus / "long.flac").read_bytes())
    index, quarantined = encode_corpus(config)
    assert quarantined == []
    assert {(s.split, s.samples) for s in index.shards} == {("train", 2), ("train", 1), ("test", 1)}
    assert DatasetIndex.load(config.output) == index
    codec, sketch = load_codec(config.codec), load_sketch_tokenizer(config.sketch)
    index.require(codec_fingerprint=codec.fingerprint, sketch_fingerprint=sketch.fingerprint)
    for split, seconds in (("train", 2.03), ("test", 12.0)):
        sample = TarIndexDataset(index, split)[0]
        audio = read_audio(config.corpus / f"{sample.record.key}.flac")
        num_frames = -(-round(seconds * SAMPLE_RATE) // SAMPLES_PER_FRAME)
        assert sample.latents.shape == (32, num_frames)
        expected = codec.encode_chunked(audio[None]).mean[0]
        assert torch.allclose(sample.latents, expected, rtol=2e-3, atol=2e-3)
        assert torch.equal(sample.sketch, sketch.encode(audio[None])[0])
        assert sample.prompts.shape == (2, 32, PROMPT_FRAMES)
        assert sample.record.phonemes == phonemize(LYRICS)
        assert sample.record.extra == {"tempo": 90}
        assert [section.tag for section in sample.record.sections] == ["verse", "outro"]
    assert not torch.equal(sample.prompts[0], sample.prompts[1])
    short = TarIndexDataset(index, "train")[0]
    assert not short.prompts[0, :, short.sketch.shape[0] :].any()


def test_the_index_says_how_lyrics_became_phonemes(config: EncodeConfig) -> None:
    index, _ = encode_corpus(replace(config, g2p="released"))
    assert index.g2p == DatasetIndex.load(config.output).g2p == "released"


def test_prompts_are_cut_from_the_mono_song(config: EncodeConfig) -> None:
    write_song(config.corpus, "ten", seconds=10.0, split="val")
    index, _ = encode_corpus(config)
    sample = TarIndexDataset(index, "val")[0]
    mono = read_audio(config.corpus / "ten.flac").mean(0, keepdim=True).expand(2, -1)
    expected = load_codec(config.codec).encode(mono[None]).mean[0]
    assert torch.allclose(sample.prompts[0], expected, rtol=2e-3, atol=2e-3)


def test_audio_is_kept_on_request(config: EncodeConfig) -> None:
    index, _ = encode_corpus(replace(config, keep_audio=True))
    shard = config.output / index.shards_of("test")[0].name
    span = index_shard(shard)[0].members["flac"]
    data = shard.read_bytes()[span.offset : span.offset + span.size]
    assert data == (config.corpus / "long.flac").read_bytes()


@pytest.mark.parametrize(
    ("damage", "reason"),
    [
        (lambda c: (c / "bad.flac").write_bytes(b"noise"), "bad.flac cannot be read as audio"),
        (lambda c: (c / "bad.flac").unlink(), "no audio file"),
        (lambda c: (c / "bad.json").write_text("{"), "bad.json is no valid JSON"),
        (lambda c: write_song(c, "bad", lyrics="[vers] la"), r"Unknown section tag \[vers\]"),
        (lambda c: write_song(c, "bad", lyrics=" "), "lyrics are empty"),
        (lambda c: write_song(c, "bad", phonemes="[verse] QQ"), "does not hold 'QQ'"),
        (lambda c: write_song(c, "bad", duration=99), "bad.flac lasts 2.03 s"),
        (lambda c: write_song(c, "bad", licence=""), "field licence"),
        (lambda c: write_song(c, "bad", lyrics=None), "lyrics must be text"),
        (lambda c: write_song(c, "bad", phonemes=["la"]), "phonemes must be text"),
        (lambda c: write_song(c, "bad", split="a/b"), "split must consist of"),
        (lambda c: write_song(c, "bad", sections=[{"tag": "x"}]), "sections must list"),
        (
            lambda c: write_song(c, "bad", sections=[{"tag": "solo", "start": 0, "end": 1}]),
            "unknown tag 'solo'",
        ),
    ],
)
def test_broken_songs_are_left_out_and_named(config: EncodeConfig, damage, reason: str) -> None:
    for number in range(3):
        os.remove(config.corpus / f"song_{number}.flac")
        os.remove(config.corpus / f"song_{number}.json")
    write_song(config.corpus, "bad", split="test")
    damage(config.corpus)
    index, quarantined = encode_corpus(config)
    assert sum(shard.samples for shard in index.shards) == 1
    lines = (config.output / QUARANTINE_NAME).read_text().splitlines()
    assert [json.loads(line)["key"] for line in lines] == ["bad"]
    assert [song.key for song in quarantined] == ["bad"]
    assert re.search(reason, quarantined[0].reason)


def test_nothing_left_is_an_error(config: EncodeConfig) -> None:
    for path in config.corpus.glob("*.flac"):
        path.write_bytes(b"noise")
    with pytest.raises(SongBloomError, match=r"No song of .* could be encoded.*quarantine"):
        encode_corpus(config)
    with pytest.raises(SongBloomError, match="holds no pair"):
        encode_corpus(replace(config, corpus=config.output))


def test_resumed_run_keeps_complete_shards(config: EncodeConfig) -> None:
    whole, _ = encode_corpus(config)
    times = {s.name: (config.output / s.name).stat().st_mtime_ns for s in whole.shards}
    again, _ = encode_corpus(config)
    assert again == whole
    assert times == {s.name: (config.output / s.name).stat().st_mtime_ns for s in whole.shards}
    # One shard lost, another damaged in place: both come back the same, the third stays.
    lost, damaged, kept = (shard.name for shard in whole.shards)
    (config.output / lost).unlink()
    data = bytearray((config.output / damaged).read_bytes())
    data[3000] ^= 1
    (config.output / damaged).write_bytes(data)
    resumed, _ = encode_corpus(config)
    assert resumed == whole
    assert (config.output / kept).stat().st_mtime_ns == times[kept]
    DatasetIndex.load(config.output)


def test_changed_inputs_are_encoded_again(config: EncodeConfig) -> None:
    whole, _ = encode_corpus(config)
    write_song(config.corpus, "long", seconds=11.0, split="test")
    changed, _ = encode_corpus(config)
    assert changed.shards_of("train") == whole.shards_of("train")
    assert changed.shards_of("test") != whole.shards_of("test")
    other, _ = encode_corpus(replace(config, shard_songs=64))
    assert [shard.samples for shard in other.shards] == [1, 3]
    assert sorted(path.name for path in config.output.glob("*.tar")) == [
        "test-000000.tar",
        "train-000000.tar",
    ]


def test_worker_processes_change_nothing(config: EncodeConfig) -> None:
    alone, _ = encode_corpus(config)
    shared, _ = encode_corpus(replace(config, workers=2, output=config.output.with_name("other")))
    assert shared.shards == alone.shards


@pytest.mark.parametrize(
    "change", [{"num_prompts": 0}, {"shard_songs": 0}, {"workers": 0}, {"seed": -1}, {"g2p": "x"}]
)
def test_config_is_checked(config: EncodeConfig, change: dict) -> None:
    with pytest.raises(SongBloomError, match=next(iter(change))):
        replace(config, **change)
