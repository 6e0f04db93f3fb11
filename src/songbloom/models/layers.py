"""Parts that both transformers share: rotary positions, SwiGLU, heads.

Shape letters: B batch, L sequence, H heads, K head width, C model width.
"""

import torch
from einops import rearrange
from torch import Tensor, nn
from torch.nn import functional as F


class RotaryEmbedding(nn.Module):
    """Rotary positions on the first `rotary_dim` of a head's dimensions, halves rotated together.

    The angles are computed in float32 whatever the model's precision: bfloat16 cannot hold
    positions beyond 256.
    """

    def __init__(self, rotary_dim: int, theta: float) -> None:
        super().__init__()
        self.rotary_dim = rotary_dim
        self.theta = theta

    def angles(self, start: int, length: int, device: torch.device) -> tuple[Tensor, Tensor]:
        """Cosines and sines (L, rotary_dim) in float32 of positions start … start + length - 1."""
        exponents = torch.arange(0, self.rotary_dim, 2, device=device).float() / self.rotary_dim
        frequencies = 1.0 / self.theta**exponents
        positions = torch.arange(start, start + length, device=device).float()
        phases = positions[:, None] * frequencies
        phases = torch.cat([phases, phases], dim=-1)
        return phases.cos(), phases.sin()

    def forward(self, x: Tensor, angles: tuple[Tensor, Tensor]) -> Tensor:
        """Rotate queries or keys (B, H, L, K) by the `angles` of their positions."""
        cos, sin = (a.to(x.dtype) for a in angles)
        rotated, passed = x[..., : self.rotary_dim], x[..., self.rotary_dim :]
        first, second = rotated.chunk(2, dim=-1)
        turned = rotated * cos + torch.cat([-second, first], dim=-1) * sin
        return torch.cat([turned, passed], dim=-1)


class SwiGLU(nn.Module):
    """down(up(x) · SiLU(gate(x))), without biases."""

    def __init__(self, dim: int, hidden_dim: int) -> None:
        super().__init__()
        self.gate = nn.Linear(dim, hidden_dim, bias=False)
        self.up = nn.Linear(dim, hidden_dim, bias=False)
        self.down = nn.Linear(hidden_dim, dim, bias=False)

    def forward(self, x: Tensor) -> Tensor:
        """(…, C) -> (…, C)."""
        return self.down(self.up(x) * F.silu(self.gate(x)))


def split_heads(x: Tensor, num_heads: int) -> Tensor:
    """(B, L, H·K) -> (B, H, L, K)."""
    return rearrange(x, "b l (h k) -> b h l k", h=num_heads)


def merge_heads(x: Tensor) -> Tensor:
    """(B, H, L, K) -> (B, L, H·K)."""
    return rearrange(x, "b h l k -> b l (h k)")
