"""The keys and values of positions already seen, so that generation computes each position once."""

import torch
from torch import Tensor

from songbloom.errors import SongBloomError
from songbloom.models.config import SongBloomConfig


class KVCache:
    """Preallocated keys and values of every layer of the sketch language model.

    Args:
        config: the model's shapes.
        batch_size: rows, conditional and unconditional branches counted.
        max_length: positions to hold: conditions, BOS and all patches.
        device: where the model is.
        dtype: the model's dtype.
    """

    def __init__(
        self,
        config: SongBloomConfig,
        *,
        batch_size: int,
        max_length: int,
        device: torch.device,
        dtype: torch.dtype,
    ) -> None:
        shape = (
            config.lm.num_layers,
            batch_size,
            config.num_heads,
            max_length,
            config.head_dim,
        )
        self.keys = torch.empty(shape, device=device, dtype=dtype)
        self.values = torch.empty(shape, device=device, dtype=dtype)
        self.length = 0

    def append(self, layer: int, keys: Tensor, values: Tensor) -> tuple[Tensor, Tensor]:
        """Write new keys and values (B, H, L, K) of a layer; return all of that layer's so far.

        The length moves on only with `advance`, once every layer has written its own.

        Raises:
            SongBloomError: the cache is full.
        """
        end = self.length + keys.shape[2]
        if end > self.keys.shape[3]:
            raise SongBloomError(
                f"The key-value cache holds {self.keys.shape[3]} positions and {end} are needed; "
                "allocate it for the longest song."
            )
        self.keys[layer, :, :, self.length : end] = keys
        self.values[layer, :, :, self.length : end] = values
        return self.keys[layer, :, :, :end], self.values[layer, :, :, :end]

    def advance(self, count: int) -> None:
        """Count `count` new positions as seen."""
        self.length += count
