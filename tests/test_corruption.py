"""The draws of a step: their rates, their forms, and that they are the only randomness."""

from dataclasses import replace

import pytest
import torch

from songbloom.corruption import (
    NO_DROPOUT,
    CorruptionConfig,
    GuidanceDropout,
    corrupt,
    draw_corruption,
)
from songbloom.errors import SongBloomError


def draw(batch, config, seed=0):
    generator = torch.Generator().manual_seed(seed)
    return draw_corruption(batch, config, patch_size=4, generator=generator)


def many(batch, songs=4000):
    """The batch's first song, many times."""
    first = {
        name: getattr(batch, name)[[0] * songs]
        for name in ("latents", "sketch", "lengths", "lyrics", "prompts")
    }
    return replace(batch, **first, keys=("one",) * songs)


def test_rates_are_those_asked_for(tiny_batch):
    draws = draw(many(tiny_batch), CorruptionConfig())
    lyrics, prompt = draws.drop_lyrics.float(), draws.drop_prompt.float()
    assert float(lyrics.mean()) == pytest.approx(0.1, abs=0.02)
    assert float(prompt.mean()) == pytest.approx(0.1 + 0.9 * 0.1, abs=0.02)
    assert (draws.drop_prompt | ~draws.drop_lyrics).all()
    hidden, sketch = draws.drop_hidden.float(), draws.drop_sketch.float()
    assert float(hidden.mean()) == pytest.approx(0.05, abs=0.01)
    assert float(sketch.mean()) == pytest.approx(0.05 + 0.95 * 0.05, abs=0.01)
    assert (draws.drop_sketch | ~draws.drop_hidden).all()


def test_the_form_may_be_a_plain_string_as_configurations_hold_it():
    assert CorruptionConfig(guidance_dropout="paper").guidance_dropout is GuidanceDropout.PAPER
    with pytest.raises(SongBloomError, match="guidance_dropout is 'papers'; it must be one of"):
        CorruptionConfig(guidance_dropout="papers")


def test_released_form_drops_independently(tiny_batch):
    config = CorruptionConfig(guidance_dropout=GuidanceDropout.RELEASED, drop_guidance=0.5)
    draws = draw(many(tiny_batch), config)
    both = (draws.drop_hidden & draws.drop_sketch).float().mean()
    assert float(both) == pytest.approx(0.25, abs=0.02)
    assert (draws.drop_hidden & ~draws.drop_sketch).any()


def test_patches_past_the_end_are_never_chosen(tiny_batch):
    for fraction, count in ((1.0, 5), (0.5, 2), (0.01, 1)):
        draws = draw(tiny_batch, CorruptionConfig(patch_fraction=fraction))
        assert int(draws.chosen.sum()) == count
        assert not draws.chosen[1, 2]


def test_one_seed_gives_one_corruption(tiny_batch):
    first, again = draw(tiny_batch, NO_DROPOUT, 3), draw(tiny_batch, NO_DROPOUT, 3)
    assert torch.equal(first.noise, again.noise)
    assert torch.equal(first.timesteps, again.timesteps)
    assert not torch.equal(first.noise, draw(tiny_batch, NO_DROPOUT, 4).noise)


def test_history_is_damaged_at_the_rates_asked_for(tiny_batch):
    batch = many(tiny_batch)
    config = CorruptionConfig(replace_history=0.3, hide_history=0.2)
    draws = draw(batch, config)
    moved = draws.read_frame != torch.arange(batch.sketch.shape[1])
    length = int(batch.lengths[0])
    # One draw in `length` is the frame itself.
    assert float(moved.float().mean()) == pytest.approx(0.3 * (1 - 1 / length), abs=0.02)
    assert (draws.read_frame[moved] < length).all()
    assert float(draws.hide_patch.float().mean()) == pytest.approx(0.2, abs=0.02)
    inputs = corrupt(batch, draws, null_lyrics=torch.full((3, 16), -1), patch_size=4)
    hidden = draws.hide_patch.repeat_interleave(4, 1)[:, None].expand_as(batch.latents)
    assert not inputs.history.latents[hidden].any()
    assert torch.equal(inputs.history.latents[~hidden], batch.latents[~hidden])
    assert torch.equal(inputs.history.sketch[~moved], batch.sketch[~moved])


def test_an_undamaged_history_is_the_song(tiny_batch):
    draws = draw(tiny_batch, NO_DROPOUT)
    inputs = corrupt(tiny_batch, draws, null_lyrics=torch.full((3, 16), -1), patch_size=4)
    assert torch.equal(inputs.history.sketch, tiny_batch.sketch)
    assert torch.equal(inputs.history.latents, tiny_batch.latents)


def test_dropped_songs_get_null_conditions(tiny_batch):
    draws = draw(tiny_batch, CorruptionConfig(drop_conditions=1.0))
    null = torch.full((3, 16), -1)
    inputs = corrupt(tiny_batch, draws, null_lyrics=null, patch_size=4)
    assert torch.equal(inputs.conditions.lyrics, null.expand(2, -1, -1))
    assert not inputs.conditions.prompts.any()


@pytest.mark.parametrize("change", [{"drop_prompt": 1.5}, {"patch_fraction": 0.0}])
def test_impossible_rates_are_refused(change):
    with pytest.raises(SongBloomError, match=next(iter(change))):
        CorruptionConfig(**change)
