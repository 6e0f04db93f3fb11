"""Lyrics and style prompt become the vectors that stand before the song (§4.1).

Shape letters: B batch, L lyric positions (the fixed maximum), F prompt frames, D latent, C width.
"""

import torch
from torch import Tensor, nn

from songbloom.lyrics.vocabulary import PADDING_ID
from songbloom.models.config import SongBloomConfig


class LyricsConditioner(nn.Module):
    """E[id] + E[structure id] + S[sentence index]; row 0 of E and of S is zero and stays so."""

    def __init__(self, config: SongBloomConfig) -> None:
        super().__init__()
        self.symbols = nn.Embedding(config.vocab_size, config.dim, padding_idx=0)
        self.sentences = nn.Embedding(config.max_sentences, config.dim, padding_idx=0)
        # The released layout stores the vector of an empty position; it is never trained.
        self.register_buffer("blank", torch.zeros(1, config.dim))

    def forward(self, lyrics: Tensor) -> Tensor:
        """Embed lyrics.

        Args:
            lyrics: (B, 3, L) ids, structure ids and sentence indices, `PADDING_ID` where empty.

        Returns:
            (B, L, C).
        """
        ids, structure_ids, sentence_index = lyrics.clamp(min=0).unbind(1)
        embedded = self.symbols(ids) + self.symbols(structure_ids) + self.sentences(sentence_index)
        empty = (lyrics[:, 0] == PADDING_ID)[..., None]
        return torch.where(empty, self.get_buffer("blank").to(embedded.dtype), embedded)


class PromptConditioner(nn.Module):
    """A linear map of the style prompt's latents, without bias: a null prompt embeds to zeros."""

    def __init__(self, config: SongBloomConfig) -> None:
        super().__init__()
        self.projection = nn.Linear(config.latent_dim, config.dim, bias=False)

    def forward(self, prompts: Tensor) -> Tensor:
        """Prompt latents (B, D, F) -> (B, F, C)."""
        return self.projection(prompts.transpose(1, 2))
