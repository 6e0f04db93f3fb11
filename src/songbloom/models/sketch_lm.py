"""The sketch language model: a Llama-style causal decoder over the interleaved sequence (§4.3.2).

Shape letters: B batch, L sequence, C model width.
"""

import torch
from torch import Tensor, nn
from torch.nn import functional as F

from songbloom.models.config import SongBloomConfig
from songbloom.models.kv_cache import KVCache
from songbloom.models.layers import RotaryEmbedding, SwiGLU, merge_heads, split_heads

RMS_NORM_EPS = 1e-6


class CausalAttention(nn.Module):
    """Multi-head attention with rotary positions over the whole head; optionally cached."""

    def __init__(self, config: SongBloomConfig, layer: int) -> None:
        super().__init__()
        self.num_heads = config.num_heads
        self.layer = layer
        self.q = nn.Linear(config.dim, config.dim, bias=False)
        self.k = nn.Linear(config.dim, config.dim, bias=False)
        self.v = nn.Linear(config.dim, config.dim, bias=False)
        self.out = nn.Linear(config.dim, config.dim, bias=False)
        self.rotary = RotaryEmbedding(config.head_dim, config.lm.rope_theta)

    def forward(
        self, x: Tensor, angles: tuple[Tensor, Tensor], cache: KVCache | None = None
    ) -> Tensor:
        """(B, L, C) -> (B, L, C); a position sees those up to itself, the cached ones too."""
        q, k, v = (split_heads(proj(x), self.num_heads) for proj in (self.q, self.k, self.v))
        q, k = self.rotary(q, angles), self.rotary(k, angles)
        if cache is not None:
            k, v = cache.append(self.layer, k, v)
        new, seen = q.shape[2], k.shape[2]
        if new == seen:
            attended = F.scaled_dot_product_attention(q, k, v, is_causal=True)
        elif new == 1:
            attended = F.scaled_dot_product_attention(q, k, v)
        else:
            mask = torch.ones(new, seen, dtype=torch.bool, device=x.device).tril(seen - new)
            attended = F.scaled_dot_product_attention(q, k, v, attn_mask=mask)
        return self.out(merge_heads(attended))


class SketchLMBlock(nn.Module):
    """Pre-norm attention and SwiGLU with residual connections."""

    def __init__(self, config: SongBloomConfig, layer: int) -> None:
        super().__init__()
        self.attention_norm = nn.RMSNorm(config.dim, eps=RMS_NORM_EPS)
        self.attention = CausalAttention(config, layer)
        self.feed_forward_norm = nn.RMSNorm(config.dim, eps=RMS_NORM_EPS)
        self.feed_forward = SwiGLU(config.dim, config.feed_forward_dim)
        self.dropout = nn.Dropout(config.lm.dropout)

    def forward(
        self, x: Tensor, angles: tuple[Tensor, Tensor], cache: KVCache | None = None
    ) -> Tensor:
        """(B, L, C) -> (B, L, C)."""
        x = x + self.dropout(self.attention(self.attention_norm(x), angles, cache))
        return x + self.dropout(self.feed_forward(self.feed_forward_norm(x)))


class SketchLM(nn.Module):
    """The stack of blocks and its final norm; embeddings and heads belong to `SongBloom`."""

    def __init__(self, config: SongBloomConfig) -> None:
        super().__init__()
        self.rotary = RotaryEmbedding(config.head_dim, config.lm.rope_theta)
        self.layers = nn.ModuleList(
            SketchLMBlock(config, layer) for layer in range(config.lm.num_layers)
        )
        self.norm = nn.RMSNorm(config.dim, eps=RMS_NORM_EPS)

    def forward(self, x: Tensor, cache: KVCache | None = None) -> Tensor:
        """Embedded sequence (B, L, C) -> hidden states (B, L, C).

        With a cache, x holds only the positions that follow those the cache has seen.
        """
        start = 0 if cache is None else cache.length
        angles = self.rotary.angles(start, x.shape[1], x.device)
        for layer in self.layers:
            x = layer(x, angles, cache)
        if cache is not None:
            cache.advance(x.shape[1])
        return self.norm(x)
