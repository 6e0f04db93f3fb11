"""The step: gradients of both losses, and that padding costs nothing."""

import torch

from songbloom.corruption import NO_DROPOUT, draw_corruption
from songbloom.training import song_losses

NULL = torch.full((3, 16), -1)


def losses_of(model, batch, seed=0):
    draws = draw_corruption(
        batch, NO_DROPOUT, patch_size=4, generator=torch.Generator().manual_seed(seed)
    )
    return song_losses(model, batch, draws, null_lyrics=NULL)


def test_the_flow_loss_reaches_the_language_model(tiny_model, tiny_batch):
    losses_of(tiny_model, tiny_batch).flow.backward()
    assert tiny_model.sketch_lm.layers[0].attention.q.weight.grad.abs().sum() > 0
    assert tiny_model.prompt_conditioner.projection.weight.grad.abs().sum() > 0
    assert tiny_model.sketch_head[2].weight.grad is None


def test_what_lies_past_a_song_changes_nothing(tiny_model, tiny_batch):
    before = losses_of(tiny_model, tiny_batch)
    tiny_batch.latents[1, :, 8:] = 7.0
    tiny_batch.sketch[1, 8:] = 3
    after = losses_of(tiny_model, tiny_batch)
    torch.testing.assert_close(before.sketch, after.sketch)
    torch.testing.assert_close(before.flow, after.flow)


def test_a_few_steps_learn(tiny_model, tiny_batch):
    optimizer = torch.optim.AdamW(tiny_model.parameters(), lr=3e-3)
    first = losses_of(tiny_model, tiny_batch).total
    for _ in range(30):
        optimizer.zero_grad()
        losses_of(tiny_model, tiny_batch).total.backward()
        optimizer.step()
    assert losses_of(tiny_model, tiny_batch).total < 0.7 * first
