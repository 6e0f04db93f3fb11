"""The patch diffusion transformer: the velocity of one noised patch of latents (§4.3.3).

Shape letters: M patches (of any songs), P patch, D latent, C model width, L = 2 + 3P tokens.
"""

import math

import torch
from torch import Tensor, nn
from torch.nn import functional as F

from songbloom.models.config import SongBloomConfig
from songbloom.models.layers import RotaryEmbedding, SwiGLU, merge_heads, split_heads

LAYER_NORM_EPS = 1e-5
MIN_ROTARY_DIM = 32


class TimeEmbedding(nn.Module):
    """Learned Fourier features of the timestep and a two-layer network."""

    def __init__(self, dim: int, num_features: int) -> None:
        super().__init__()
        self.frequencies = nn.Parameter(torch.randn(num_features // 2, 1))
        self.hidden = nn.Linear(num_features, dim, bias=False)
        self.out = nn.Linear(dim, dim)

    def forward(self, timesteps: Tensor) -> Tensor:
        """Timesteps (M,) in [0, 1] -> (M, C)."""
        phases = 2 * math.pi * timesteps[:, None].float() * self.frequencies[:, 0].float()
        features = torch.cat([phases.cos(), phases.sin()], dim=-1).to(self.hidden.weight.dtype)
        return self.out(F.silu(self.hidden(features)))


class PatchAttention(nn.Module):
    """Full attention inside a patch, rotary on part of each head."""

    def __init__(self, config: SongBloomConfig) -> None:
        super().__init__()
        self.num_heads = config.num_heads
        self.qkv = nn.Linear(config.dim, 3 * config.dim, bias=False)
        self.out = nn.Linear(config.dim, config.dim, bias=False)
        self.rotary = RotaryEmbedding(
            max(config.head_dim // 2, MIN_ROTARY_DIM), config.dit.rope_theta
        )

    def forward(self, x: Tensor, angles: tuple[Tensor, Tensor]) -> Tensor:
        """(M, L, C) -> (M, L, C)."""
        q, k, v = (split_heads(part, self.num_heads) for part in self.qkv(x).chunk(3, dim=-1))
        q, k = self.rotary(q, angles), self.rotary(k, angles)
        return self.out(merge_heads(F.scaled_dot_product_attention(q, k, v)))


class PatchDiTBlock(nn.Module):
    """Pre-norm attention and SwiGLU with residual connections; norms have a gain only."""

    def __init__(self, config: SongBloomConfig) -> None:
        super().__init__()
        self.attention_norm = nn.LayerNorm(config.dim, eps=LAYER_NORM_EPS, bias=False)
        self.attention = PatchAttention(config)
        self.feed_forward_norm = nn.LayerNorm(config.dim, eps=LAYER_NORM_EPS, bias=False)
        self.feed_forward = SwiGLU(config.dim, config.feed_forward_dim)
        self.dropout = nn.Dropout(config.dit.dropout)

    def forward(self, x: Tensor, angles: tuple[Tensor, Tensor]) -> Tensor:
        """(M, L, C) -> (M, L, C)."""
        x = x + self.dropout(self.attention(self.attention_norm(x), angles))
        return x + self.dropout(self.feed_forward(self.feed_forward_norm(x)))


class PatchDiT(nn.Module):
    """Tokens [time | h | s_1 … s_P | previous patch | noised patch] -> velocity of the last P."""

    def __init__(self, config: SongBloomConfig) -> None:
        super().__init__()
        self.patch_size = config.patch_size
        self.time_embedding = TimeEmbedding(config.dim, config.dit.time_features)
        self.latent_in = nn.Linear(config.latent_dim, config.dim)
        self.layers = nn.ModuleList(PatchDiTBlock(config) for _ in range(config.dit.num_layers))
        self.latent_out = nn.Linear(config.dim, config.latent_dim)
        self.rotary = RotaryEmbedding(
            max(config.head_dim // 2, MIN_ROTARY_DIM), config.dit.rope_theta
        )

    def forward(
        self, noised: Tensor, timesteps: Tensor, hidden: Tensor, sketch: Tensor, previous: Tensor
    ) -> Tensor:
        """Predict the velocity ε - x_0.

        Args:
            noised: x_t (M, P, D).
            timesteps: t (M,) in [0, 1]; 1 is noise.
            hidden: the language model's output at the patch's last sketch token (M, C).
            sketch: embeddings of the patch's sketch tokens (M, P, C).
            previous: latents of the patch before (M, P, D); zeros before the first.

        Returns:
            The velocity (M, P, D).
        """
        x = torch.cat(
            [
                self.time_embedding(timesteps)[:, None],
                hidden[:, None],
                sketch,
                self.latent_in(torch.cat([previous, noised], dim=1)),
            ],
            dim=1,
        )
        angles = self.rotary.angles(0, x.shape[1], x.device)
        for layer in self.layers:
            x = layer(x, angles)
        return self.latent_out(x[:, -self.patch_size :])
