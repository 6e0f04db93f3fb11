"""Generation: cached against uncached, its end, its seed, its guidance."""

from dataclasses import replace

import pytest
import torch

from songbloom.errors import SongBloomError
from songbloom.models import Conditions
from songbloom.sampling import (
    FlowGuidance,
    GenerationSettings,
    RepetitionPenalty,
    generate_patches,
)

SETTINGS = GenerationSettings(steps=3, top_k=5)


def make(model, batch, settings=SETTINGS, seed=0, max_patches=4, cached=True):
    one = Conditions(lyrics=batch.lyrics[:1], prompts=batch.prompts[:1])
    null = Conditions(lyrics=torch.full_like(one.lyrics, -1), prompts=torch.zeros_like(one.prompts))
    patches = generate_patches(
        model,
        one,
        null,
        settings,
        max_patches=max_patches,
        generator=torch.Generator().manual_seed(seed),
        cached=cached,
    )
    return list(patches)


def forbid_end(model):
    with torch.no_grad():
        model.sketch_head[2].bias[model.config.eos_id] = -1e4


@pytest.mark.parametrize("guidance", list(FlowGuidance))
@pytest.mark.parametrize("weight", [1.0, 1.5])
def test_cached_equals_uncached(tiny_model, tiny_batch, guidance, weight):
    forbid_end(tiny_model)
    settings = replace(
        SETTINGS,
        flow_guidance_type=guidance,
        sketch_guidance=weight,
        flow_guidance=2.0,
        diffusion_temperature=0.9,
        repetition_penalty=RepetitionPenalty.STANDARD,
    )
    fast = make(tiny_model, tiny_batch, settings)
    slow = make(tiny_model, tiny_batch, settings, cached=False)
    assert len(fast) == len(slow) == 4
    for a, b in zip(fast, slow, strict=True):
        assert torch.equal(a.sketch, b.sketch)
        torch.testing.assert_close(a.latents, b.latents, atol=1e-4, rtol=1e-4)


def test_the_seed_decides(tiny_model, tiny_batch):
    forbid_end(tiny_model)
    first, again = make(tiny_model, tiny_batch), make(tiny_model, tiny_batch)
    other = make(tiny_model, tiny_batch, seed=1)
    assert all(torch.equal(a.latents, b.latents) for a, b in zip(first, again, strict=True))
    assert not torch.equal(first[0].latents, other[0].latents)


def test_the_end_drops_its_patch_before_diffusion(tiny_model, tiny_batch):
    with torch.no_grad():
        tiny_model.sketch_head[2].bias[tiny_model.config.eos_id] = 1e4
    assert make(tiny_model, tiny_batch) == []


def test_guidance_of_one_is_the_conditional_model(tiny_model, tiny_batch):
    forbid_end(tiny_model)
    plain = replace(SETTINGS, sketch_guidance=1.0, flow_guidance_type=FlowGuidance.NONE)
    one = replace(SETTINGS, sketch_guidance=1.0, flow_guidance=1.0)
    unguided, guided = make(tiny_model, tiny_batch, plain), make(tiny_model, tiny_batch, one)
    for a, b in zip(unguided, guided, strict=True):
        assert torch.equal(a.sketch, b.sketch)
        torch.testing.assert_close(a.latents, b.latents, atol=1e-5, rtol=0)


def test_damaged_weights_say_so(tiny_model, tiny_batch):
    with torch.no_grad():
        tiny_model.sketch_head[2].bias[3] = float("nan")
    with pytest.raises(SongBloomError, match="not finite"):
        make(tiny_model, tiny_batch)


@pytest.mark.parametrize("name", ["steps", "top_k", "temperature", "diffusion_temperature"])
def test_settings_out_of_range_are_refused(name):
    with pytest.raises(SongBloomError, match=name):
        GenerationSettings(**{name: -1})


def test_a_diffusion_temperature_of_zero_is_in_range():
    assert GenerationSettings(diffusion_temperature=0.0).diffusion_temperature == 0
