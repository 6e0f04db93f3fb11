"""The pipeline: prompts of any length, seeds, and what a user does wrong."""

import pytest
import torch

from songbloom.codec import Codec, LatentDistribution
from songbloom.errors import SongBloomError
from songbloom.pipeline import SongBloomPipeline
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


SETTINGS = GenerationSettings(num_steps=2)
PHONEMES = "[verse] AA1 B K ."


@pytest.fixture
def pipeline(tiny_model, tiny_card):
    with torch.no_grad():
        tiny_model.sketch_head[2].bias[tiny_model.config.eos_id] = -1e4
    return SongBloomPipeline(tiny_model, tiny_card, MeanCodec())


def sing(pipeline, prompt, seed=0, max_seconds=0.7):
    patches = list(
        pipeline.patches(PHONEMES, prompt, seed=seed, settings=SETTINGS, max_seconds=max_seconds)
    )
    return pipeline.assemble(patches, PHONEMES, max_seconds)


def test_a_song_has_the_length_asked_for(pipeline):
    song = sing(pipeline, torch.randn(2, 48_000))
    assert song.sketch.shape == (16,)
    assert song.latents.shape == (6, 16)
    assert song.audio.shape == (2, 16 * 1_920)
    assert song.seconds == pytest.approx(0.64)
    assert not song.ended


def test_seed_and_prompt_decide(pipeline):
    prompt = torch.randn(2, 48_000)
    first, again = sing(pipeline, prompt), sing(pipeline, prompt)
    assert torch.equal(first.audio, again.audio)
    assert not torch.equal(first.audio, sing(pipeline, prompt, seed=1).audio)
    assert not torch.equal(first.latents, sing(pipeline, torch.randn(2, 48_000)).latents)


def test_prompts_are_mixed_to_mono_cut_and_padded(pipeline):
    ramp = torch.linspace(0, 1, 12 * 1_920).repeat(2, 1)
    encoded = pipeline.encode_prompt(ramp)
    assert encoded.shape == (1, 6, 10)
    assert torch.equal(encoded, pipeline.encode_prompt(ramp[:1]))
    short = pipeline.encode_prompt(ramp[:, : 3 * 1_920])
    torch.testing.assert_close(short[..., :3], encoded[..., :3])
    assert not short[..., 3:].any()


def test_mistakes_are_one_sentence(pipeline):
    with pytest.raises(SongBloomError, match=r"at least 0\.16 s"):
        sing(pipeline, torch.randn(2, 48_000), max_seconds=0.1)
    with pytest.raises(SongBloomError, match=r"give \(channels, samples\)"):
        sing(pipeline, torch.randn(48_000))
    with pytest.raises(SongBloomError, match="before its first patch"):
        pipeline.assemble([], PHONEMES, 1.0)
    with pytest.raises(SongBloomError, match="ZZ9"):
        pipeline.patches("[verse] ZZ9", torch.randn(2, 48_000))
