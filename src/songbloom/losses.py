"""The objective: cross-entropy of the sketch + 0.1 · squared error of the velocity (§4.3.3).

Both count valid positions only. Shape letters: B batch, T frames, V codes, M patches, P, D.
"""

from dataclasses import dataclass

import torch
from torch import Tensor
from torch.nn import functional as F

FLOW_WEIGHT = 0.1


@dataclass(frozen=True, kw_only=True)
class Losses:
    """Scalars: the objective and its two parts."""

    total: Tensor
    sketch: Tensor
    flow: Tensor


def sketch_targets(sketch: Tensor, lengths: Tensor, *, eos_id: int, ignored_id: int) -> Tensor:
    """Targets (B, T + 1): the codes, EOS after each song's last frame, ignored beyond it."""
    targets = F.pad(sketch, (0, 1), value=eos_id)
    position = torch.arange(targets.shape[1], device=targets.device)
    targets = targets.masked_fill(position == lengths[:, None], eos_id)
    return targets.masked_fill(position > lengths[:, None], ignored_id)


def sketch_loss(logits: Tensor, targets: Tensor, *, ignored_id: int) -> Tensor:
    """Mean cross-entropy in nats of logits (B, T + 1, V + 1) over the targets that count."""
    return F.cross_entropy(logits.flatten(0, 1).float(), targets.flatten(), ignore_index=ignored_id)


def flow_loss(velocity: Tensor, target: Tensor) -> Tensor:
    """Mean squared error of velocities (M, P, D)."""
    return F.mse_loss(velocity.float(), target.float())


def combine(sketch: Tensor, flow: Tensor, flow_weight: float = FLOW_WEIGHT) -> Losses:
    """The objective of the paper: sketch + weight · flow."""
    return Losses(total=sketch + flow_weight * flow, sketch=sketch, flow=flow)
