"""The pipeline: prompts of any length, seeds, and what a user does wrong."""

from dataclasses import replace

import numpy as np
import pytest
import soundfile
import torch

from songbloom.codec import Codec, LatentDistribution
from songbloom.errors import SongBloomError, SongBloomWarning
from songbloom.pipeline import SongBloomPipeline, find_device
from songbloom.sampling import GenerationSettings


class MeanCodec(Codec):
    """Latents are frame means; decoding repeats them: enough to follow audio through."""

    sample_rate = 48_000
    samples_per_frame = 1_920
    num_channels = 2
    latent_dim = 6

    def encode(self, audio):
        frames = torch.nn.functional.pad(audio, (0, -audio.shape[-1] % 1_920))
        mean = frames.unflatten(-1, (-1, 1_920)).mean((1, 3))
        return LatentDistribution(
            mean=mean[:, None].expand(-1, 6, -1), std=torch.zeros(len(mean), 6, mean.shape[-1])
        )

    def decode(self, latents):
        return latents.mean(1, keepdim=True).repeat_interleave(1_920, -1).expand(-1, 2, -1)


SETTINGS = GenerationSettings(steps=2)
LYRICS = "[verse] Bob. See key"  # whose phonemes the tiny vocabulary holds


@pytest.fixture
def pipeline(tiny_model, tiny_card):
    with torch.no_grad():
        tiny_model.sketch_head[2].bias[tiny_model.config.eos_id] = -1e4
    return SongBloomPipeline(tiny_model, tiny_card, MeanCodec())


def sing(pipeline, prompt, lyrics=LYRICS, settings=SETTINGS, seed=0, max_seconds=0.64):
    return pipeline(lyrics, prompt, seed=seed, settings=settings, max_seconds=max_seconds)


def test_a_song_has_the_length_asked_for(pipeline):
    song = sing(pipeline, torch.randn(2, 48_000))
    assert song.sketch.shape == (16,)
    assert song.latents.shape == (6, 16)
    assert song.audio.shape == (2, 16 * 1_920)
    assert song.seconds == pytest.approx(0.64)
    assert not song.ended


@pytest.mark.parametrize(("seconds", "patches"), [(0.01, 1), (0.16, 1), (0.17, 2), (5.72, 36)])
def test_a_patch_that_begins_within_the_limit_is_made(pipeline, seconds, patches):
    assert pipeline.max_patches(seconds) == patches


def test_the_cards_limit_and_settings_are_the_default(pipeline):
    pipeline.card = replace(pipeline.card, max_seconds=0.3, generation=SETTINGS)
    prompt = torch.randn(2, 48_000)
    song = pipeline(LYRICS, prompt)
    assert len(song.sketch) == 8
    assert torch.equal(song.latents, sing(pipeline, prompt, max_seconds=0.3).latents)


def test_seed_and_prompt_decide(pipeline):
    prompt = torch.randn(2, 48_000)
    first, again = sing(pipeline, prompt), sing(pipeline, prompt)
    assert torch.equal(first.audio, again.audio)
    assert not torch.equal(first.audio, sing(pipeline, prompt, seed=1).audio)
    assert not torch.equal(first.latents, sing(pipeline, torch.randn(2, 48_000)).latents)


def test_patches_come_one_by_one_and_make_the_same_song(pipeline):
    prompt = torch.randn(2, 48_000)
    stream = pipeline.patches(LYRICS, prompt, settings=SETTINGS, max_seconds=0.64)
    first = next(stream)
    song = pipeline.assemble([first, *stream])
    assert torch.equal(song.audio, sing(pipeline, prompt).audio)


def test_prompts_are_mixed_to_mono_cut_and_padded(pipeline):
    ramp = torch.linspace(0, 1, 12 * 1_920).repeat(2, 1)
    encoded = pipeline.encode_prompt(ramp)
    assert encoded.shape == (1, 6, 10)
    assert torch.equal(encoded, pipeline.encode_prompt(ramp[:1]))
    short = pipeline.encode_prompt(ramp[:, : 3 * 1_920])
    torch.testing.assert_close(short[..., :3], encoded[..., :3])
    assert not short[..., 3:].any()


def test_only_a_sampled_prompt_depends_on_the_seed(pipeline, monkeypatch):
    prompt = torch.randn(2, 48_000)
    monkeypatch.setattr(
        MeanCodec,
        "encode",
        lambda self, audio: LatentDistribution(
            mean=torch.zeros(1, 6, 10), std=torch.ones(1, 6, 10)
        ),
    )
    generators = [torch.Generator().manual_seed(seed) for seed in (0, 0, 1)]
    first, again, other = (pipeline.encode_prompt(prompt, generator) for generator in generators)
    assert torch.equal(first, again)
    assert not torch.equal(first, other)
    assert not pipeline.encode_prompt(prompt).any()


def test_prompt_files_of_every_kind(pipeline, tmp_path):
    tone = 0.3 * np.sin(np.arange(30_000) / 20)
    for name, channels, rate in [("a.wav", 1, 8_000), ("b.ogg", 2, 44_100), ("c.flac", 6, 96_000)]:
        soundfile.write(tmp_path / name, np.stack([tone] * channels, 1), rate)
        assert pipeline.encode_prompt(tmp_path / name).any()


def test_a_silent_prompt_is_warned_about_and_used(pipeline):
    with pytest.warns(SongBloomWarning, match="silent"):
        assert not pipeline.encode_prompt(torch.zeros(2, 48_000)).any()


def test_a_prompt_of_hours_is_refused(pipeline, tmp_path, monkeypatch):
    soundfile.write(tmp_path / "long.flac", np.zeros((8_000 * 61 * 60, 1), np.int16), 8_000)
    monkeypatch.setattr("songbloom.pipeline.read_audio", lambda *_: pytest.fail("was read"))
    with pytest.raises(SongBloomError, match=r"lasts 1\.0 hours; a style prompt is the first 10 s"):
        pipeline.encode_prompt(tmp_path / "long.flac")


def test_lyrics_that_do_not_fit_are_warned_about(pipeline):
    with pytest.warns(SongBloomWarning, match="have 34 phonemes and tags, and the model reads 16"):
        sing(pipeline, torch.randn(2, 48_000), lyrics="[verse] " + "Bob " * 11)


def test_mistakes_are_one_sentence(pipeline):
    with pytest.raises(SongBloomError, match="positive length"):
        sing(pipeline, torch.randn(2, 48_000), max_seconds=0.0)
    with pytest.raises(SongBloomError, match=r"give \(channels, samples\)"):
        sing(pipeline, torch.randn(48_000))
    with pytest.raises(SongBloomError, match="before its first patch"):
        pipeline.assemble([])
    with pytest.raises(SongBloomError, match="does not hold 'D'"):
        pipeline.patches("[verse] Dob", torch.randn(2, 48_000))
    with pytest.raises(SongBloomError, match="no device 'cuda:7'"):
        find_device("cuda:7")
    with pytest.raises(SongBloomError, match="no device 'abacus'"):
        find_device("abacus")


def test_what_a_released_vocabulary_lacks_is_left_out_with_a_warning(pipeline):
    pipeline.card = replace(pipeline.card, g2p="released")
    prompt = torch.randn(2, 48_000)
    with pytest.warns(SongBloomWarning, match="lacks D, which will not be sung"):
        song = sing(pipeline, prompt, lyrics="[verse] Bob Dob")
    assert torch.equal(song.latents, sing(pipeline, prompt, lyrics="[verse] Bob AA1 B").latents)


@pytest.mark.parametrize(
    "prompt",
    [
        torch.zeros(2, 48_000, dtype=torch.int16),
        torch.randn(48_000, 2),
        torch.full((2, 48_000), torch.nan),
        torch.zeros(0, 48_000),
        torch.zeros(2, 0),
    ],
)
def test_waveforms_that_are_none(pipeline, prompt):
    with pytest.raises(SongBloomError, match=r"give \(channels, samples\)"):
        pipeline.encode_prompt(prompt)


def test_waveforms_of_other_kinds(pipeline):
    prompt = torch.randn(2, 48_000)
    expected = pipeline.encode_prompt(prompt)
    assert torch.equal(pipeline.encode_prompt(prompt.numpy()), expected)
    torch.testing.assert_close(pipeline.encode_prompt(prompt.double()), expected)


@pytest.mark.parametrize(
    "prompt",
    [
        torch.stack([torch.ones(48_000), -torch.ones(48_000)]),
        torch.ones(2, 10),
        torch.cat([torch.zeros(2, 480_000), torch.ones(2, 48_000)], 1),
    ],
)
def test_silence_where_the_prompt_is_heard(pipeline, prompt):
    with pytest.warns(SongBloomWarning, match="silent"):
        pipeline.encode_prompt(prompt)


def test_whether_the_song_ended_is_known_from_its_patches(pipeline):
    prompt = torch.randn(2, 48_000)
    patches = list(pipeline.patches(LYRICS, prompt, settings=SETTINGS, max_seconds=0.64))
    assert not pipeline.assemble(patches).ended
    assert pipeline.assemble(patches[:-1]).ended
