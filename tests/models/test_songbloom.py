"""The model: causality, layout, padding, and the cache against its slow twin."""

import pytest
import torch

from songbloom.errors import SongBloomError
from songbloom.models import Conditions, SongBloomConfig
from songbloom.models.songbloom import PatchInputs


def conditions_of(batch):
    return Conditions(lyrics=batch.lyrics, prompts=batch.prompts)


def patch_inputs(batch, config, seed=2):
    generator = torch.Generator().manual_seed(seed)
    num_patches = batch.sketch.shape[1] // config.patch_size
    chosen = torch.arange(num_patches) < batch.lengths[:, None] // config.patch_size
    count = int(chosen.sum())
    return PatchInputs(
        chosen=chosen,
        noised=torch.randn(count, config.patch_size, config.latent_dim, generator=generator),
        timesteps=torch.rand(count, generator=generator),
        drop_hidden=torch.zeros(count, dtype=torch.bool),
        drop_sketch=torch.zeros(count, dtype=torch.bool),
    )


def test_shapes(tiny_model, tiny_batch, tiny_config):
    inputs = patch_inputs(tiny_batch, tiny_config)
    out = tiny_model(conditions_of(tiny_batch), tiny_batch.sketch, tiny_batch.latents, inputs)
    assert out.logits.shape == (2, 13, 21)
    assert out.velocity.shape == (5, 4, 6)


def test_logits_do_not_see_the_future(tiny_model, tiny_batch, tiny_config):
    inputs = patch_inputs(tiny_batch, tiny_config)
    conditions = conditions_of(tiny_batch)
    before = tiny_model(conditions, tiny_batch.sketch, tiny_batch.latents, inputs).logits
    sketch, latents = tiny_batch.sketch.clone(), tiny_batch.latents.clone()
    sketch[:, 6] = (sketch[:, 6] + 1) % tiny_config.num_codes
    latents[:, :, 4:8] += 1.0  # the second patch's acoustics, seen from the ninth token on
    after = tiny_model(conditions, sketch, latents, inputs).logits
    assert torch.equal(before[:, :7], after[:, :7])
    assert not torch.allclose(before[:, 7], after[:, 7])


def test_velocity_sees_hidden_sketch_and_only_the_patch_before(tiny_model, tiny_batch, tiny_config):
    inputs = patch_inputs(tiny_batch, tiny_config)
    conditions = conditions_of(tiny_batch)
    before = tiny_model(conditions, tiny_batch.sketch, tiny_batch.latents, inputs).velocity
    latents = tiny_batch.latents.clone()
    latents[0, :, 8:] += 1.0  # the last patch of the first song: nothing follows it
    after = tiny_model(conditions, tiny_batch.sketch, latents, inputs).velocity
    assert torch.equal(before, after)


def test_a_padded_song_is_predicted_as_alone(tiny_model, tiny_batch, tiny_config):
    inputs = patch_inputs(tiny_batch, tiny_config)
    padded = tiny_model(conditions_of(tiny_batch), tiny_batch.sketch, tiny_batch.latents, inputs)
    short = slice(1, 2)
    alone = tiny_model(
        Conditions(lyrics=tiny_batch.lyrics[short], prompts=tiny_batch.prompts[short]),
        tiny_batch.sketch[short, :8],
        tiny_batch.latents[short, :, :8],
        PatchInputs(
            chosen=torch.ones(1, 2, dtype=torch.bool),
            noised=inputs.noised[3:],
            timesteps=inputs.timesteps[3:],
            drop_hidden=inputs.drop_hidden[3:],
            drop_sketch=inputs.drop_sketch[3:],
        ),
    )
    torch.testing.assert_close(padded.logits[short, :9], alone.logits, atol=1e-5, rtol=1e-5)
    torch.testing.assert_close(padded.velocity[3:], alone.velocity, atol=1e-5, rtol=1e-5)


def test_cached_equals_uncached(tiny_model, tiny_batch):
    x = torch.cat(
        [
            tiny_model.embed_conditions(conditions_of(tiny_batch)),
            tiny_model.embed_song(tiny_batch.sketch, tiny_batch.latents),
        ],
        dim=1,
    )
    whole = tiny_model.sketch_lm(x)
    cache = tiny_model.new_cache(2, num_patches=3)
    start, pieces = 0, []
    for size in (27, 1, 1, 5, x.shape[1] - 34):
        pieces.append(tiny_model.sketch_lm(x[:, start : start + size], cache))
        start += size
    torch.testing.assert_close(torch.cat(pieces, dim=1), whole, atol=1e-5, rtol=1e-5)


def test_a_full_cache_says_so(tiny_model, tiny_config):
    cache = tiny_model.new_cache(1, num_patches=1)
    too_long = torch.zeros(1, tiny_config.num_conditions + 7, tiny_config.dim)
    with pytest.raises(SongBloomError, match="cache holds"):
        tiny_model.sketch_lm(too_long, cache)


def test_latents_and_tokens_of_different_length_are_refused(tiny_model, tiny_batch, tiny_config):
    with pytest.raises(SongBloomError, match="12 sketch tokens and 8 latent frames"):
        tiny_model(
            conditions_of(tiny_batch),
            tiny_batch.sketch,
            tiny_batch.latents[..., :8],
            patch_inputs(tiny_batch, tiny_config),
        )


def test_padding_rows_stay_zero_in_training(tiny_model, tiny_batch):
    tiny_model.lyrics_conditioner(tiny_batch.lyrics.clamp(min=0)).sum().backward()
    assert not tiny_model.lyrics_conditioner.symbols.weight.grad[0].any()
    assert not tiny_model.lyrics_conditioner.sentences.weight.grad[0].any()


@pytest.mark.parametrize(
    ("change", "sentence"),
    [
        ({"dim": 65}, "multiple of twice num_heads"),
        ({"dim": 32}, "at least 32 dimensions"),
        ({"vocab_size": 0}, "vocab_size is 0"),
        ({"max_sentences": 1}, "max_sentences is 1"),
    ],
)
def test_configurations_that_cannot_be_are_refused(tiny_config, change, sentence):
    data = tiny_config.to_dict() | change
    with pytest.raises(SongBloomError, match=sentence):
        SongBloomConfig.from_dict(data)


def test_configuration_survives_plain_data(tiny_config):
    assert SongBloomConfig.from_dict(tiny_config.to_dict()) == tiny_config
    with pytest.raises(SongBloomError, match="wide"):
        SongBloomConfig.from_dict(tiny_config.to_dict() | {"wide": 1})
