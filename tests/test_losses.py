"""The objective: targets by hand, padding without influence."""

import torch

from songbloom.losses import combine, flow_loss, sketch_loss, sketch_targets


def test_targets_end_each_song_and_ignore_the_rest():
    sketch = torch.tensor([[3, 1, 4, 1], [5, 9, 9, 9]])
    targets = sketch_targets(sketch, torch.tensor([4, 1]), eos_id=9, ignored_id=10)
    assert targets.tolist() == [[3, 1, 4, 1, 9], [5, 9, 10, 10, 10]]


def test_losses_equal_an_independent_float64_statement():
    logits = torch.randn(2, 5, 10)
    targets = torch.tensor([[3, 1, 4, 1, 9], [5, 9, 10, 10, 10]])
    log_p = logits.double().log_softmax(-1)
    picked = [log_p[b, i, targets[b, i]] for b in range(2) for i in range(5) if targets[b, i] < 10]
    sketch = sketch_loss(logits, targets, ignored_id=10)
    torch.testing.assert_close(sketch.double(), -torch.stack(picked).mean(), atol=1e-6, rtol=0)
    velocity, target = torch.randn(2, 3, 4, 5)
    flow = flow_loss(velocity, target)
    expected = (velocity.double() - target.double()).square().mean()
    torch.testing.assert_close(flow.double(), expected, atol=1e-6, rtol=0)
    torch.testing.assert_close(combine(sketch, flow).total, sketch + 0.1 * flow)
