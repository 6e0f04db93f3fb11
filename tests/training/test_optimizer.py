"""Which parameters decay, and the schedule."""

import pytest
import torch

from songbloom.training.optimizer import cosine_with_warmup, parameter_groups


def test_only_matrices_decay_and_none_is_lost(tiny_model):
    decayed, kept = parameter_groups(tiny_model, weight_decay=0.1)
    assert decayed["weight_decay"] == 0.1
    assert kept["weight_decay"] == 0.0
    assert all(parameter.ndim == 2 for parameter in decayed["params"])
    ids = {id(parameter) for group in (decayed, kept) for parameter in group["params"]}
    assert ids == {id(parameter) for parameter in tiny_model.parameters()}
    embedding = tiny_model.sketch_embedding.weight
    assert any(parameter is embedding for parameter in kept["params"])


def test_the_rate_warms_up_and_falls_to_its_fraction():
    optimizer = torch.optim.SGD([torch.zeros(1, requires_grad=True)], lr=1.0)
    schedule = cosine_with_warmup(optimizer, warmup_steps=4, max_steps=20, final_fraction=0.1)
    rates = []
    for _ in range(25):
        rates.append(optimizer.param_groups[0]["lr"])
        optimizer.step()
        schedule.step()
    assert rates[:4] == [0.25, 0.5, 0.75, 1.0]
    assert max(rates) == 1.0
    assert rates[12] == pytest.approx(0.55)
    assert rates[20:] == pytest.approx([0.1] * 5)
