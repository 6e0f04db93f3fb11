"""Judging with right and wrong conditions."""

from dataclasses import replace

import pytest
import torch

from songbloom.corruption import NO_DROPOUT, draw_corruption
from songbloom.data.batch import collate
from songbloom.data.schema import SongRecord
from songbloom.data.tar_index import SongSample
from songbloom.errors import SongBloomError
from songbloom.evaluation.likelihood import FIRST_SEED, evaluate_conditions, other_song
from songbloom.training import song_losses


def make_sample(key: str, song: str, phonemes: str, seed: int) -> SongSample:
    generator = torch.Generator().manual_seed(seed)
    return SongSample(
        record=SongRecord(
            key=key,
            language="en",
            lyrics="[verse] a",
            phonemes=phonemes,
            sections=(),
            duration=0.48,
            sample_rate=48_000,
            source="a test",
            licence="CC0-1.0",
            split="val",
            encoders={"codec": "c0dec", "sketch": "5ce7c"},
            extra={"song": song},
        ),
        latents=torch.randn(6, 12, generator=generator),
        sketch=torch.randint(20, (12,), generator=generator),
        prompts=torch.randn(2, 6, 10, generator=generator),
    )


@pytest.fixture
def samples():
    return [
        make_sample("a_0", "a", "[verse] AA1 B", 0),
        make_sample("a_1", "a", "[verse] AA1 B", 1),
        make_sample("b_0", "b", "[chorus] K S IY1 .", 2),
    ]


def test_the_foreign_song_is_another_song(samples):
    assert [other_song(samples, index) for index in range(3)] == [2, 2, 0]
    with pytest.raises(SongBloomError, match="same song"):
        other_song(samples[:2], 0)


def test_right_conditions_give_the_training_loss(tiny_model, tiny_card, samples):
    one = [samples[0]]
    report = evaluate_conditions(
        tiny_model, tiny_card, one, mean_latent=torch.zeros(6), foreign=samples[2:]
    )
    batch = collate(one, [0], tiny_card.batch_format, tiny_card.vocabulary)
    generator = torch.Generator().manual_seed(FIRST_SEED)
    draws = draw_corruption(batch, NO_DROPOUT, patch_size=4, generator=generator)
    losses = song_losses(tiny_model, batch, draws, null_lyrics=torch.full((3, 16), -1))
    assert report.right.sketch == pytest.approx(float(losses.sketch.detach()), abs=1e-5)
    assert report.right.flow == pytest.approx(float(losses.flow.detach()), abs=1e-4)


def test_conditions_that_a_model_ignores_make_no_gap(tiny_model, tiny_card, samples):
    with torch.no_grad():
        tiny_model.lyrics_conditioner.symbols.weight.zero_()
        tiny_model.lyrics_conditioner.sentences.weight.zero_()
        tiny_model.prompt_conditioner.projection.weight.zero_()
    report = evaluate_conditions(tiny_model, tiny_card, samples, mean_latent=torch.zeros(6))
    assert report.wrong_lyrics.sketch == pytest.approx(report.right.sketch, abs=1e-6)
    assert report.foreign_prompt == replace(report.right)


def test_the_baseline_is_the_variance_about_the_mean_velocity(tiny_model, tiny_card, samples):
    constant = [replace(sample, latents=torch.full((6, 12), 3.0)) for sample in samples]
    report = evaluate_conditions(tiny_model, tiny_card, constant, mean_latent=torch.full((6,), 3.0))
    # The latents are their own mean, so only the noise's unit variance is left.
    assert report.mean_velocity_flow == pytest.approx(1.0, abs=0.15)
