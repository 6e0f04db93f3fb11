"""SongBloom: the whole interleaved model. It predicts; corrupting its inputs is the caller's part.

Shape letters: B batch, T frames, N = T / P patches, P patch, D latent, C model width, V codes,
L lyric positions, F prompt frames, M chosen patches (song after song).
"""

from dataclasses import dataclass

import torch
from einops import rearrange
from torch import Tensor, nn
from torch.nn import functional as F

from songbloom.errors import SongBloomError
from songbloom.models.conditioners import LyricsConditioner, PromptConditioner
from songbloom.models.config import SongBloomConfig
from songbloom.models.kv_cache import KVCache
from songbloom.models.patch_dit import PatchDiT
from songbloom.models.sketch_lm import SketchLM


@dataclass(frozen=True, kw_only=True)
class Conditions:
    """What a song is made from.

    Attributes:
        lyrics: (B, 3, L) ids, structure ids, sentence indices; -1 where empty.
        prompts: (B, D, F) latents of the style prompt; zeros for none.
    """

    lyrics: Tensor
    prompts: Tensor


@dataclass(frozen=True, kw_only=True)
class History:
    """What the language model reads of the song; in training it may be damaged.

    Attributes:
        sketch: (B, T) codes.
        latents: (B, D, T).
    """

    sketch: Tensor
    latents: Tensor


@dataclass(frozen=True, kw_only=True)
class PatchInputs:
    """What the diffusion transformer is asked: M patches of the batch, song after song.

    Attributes:
        chosen: (B, N) bool, the patches whose velocity is wanted; M of them are true.
        noised: x_t (M, P, D).
        timesteps: t (M,) in [0, 1]; 1 is noise.
        drop_hidden: (M,) bool, patches whose h is replaced by zeros.
        drop_sketch: (M,) bool, patches whose sketch embeddings are replaced by zeros.
    """

    chosen: Tensor
    noised: Tensor
    timesteps: Tensor
    drop_hidden: Tensor
    drop_sketch: Tensor


@dataclass(frozen=True, kw_only=True)
class Predictions:
    """What the model says.

    Attributes:
        logits: (B, T + 1, V + 1) of each sketch token and of the end after the last.
        velocity: (M, P, D) of the chosen patches.
    """

    logits: Tensor
    velocity: Tensor


class SongBloom(nn.Module):
    """Sketch language model, acoustic encoder and patch diffusion transformer (§4.3).

    The interleaved sequence is
    `[style prompt (F) | lyrics (L) | BOS | s_1 … s_P | A_1 | s_P+1 … s_2P | A_2 | …]`.
    """

    def __init__(self, config: SongBloomConfig) -> None:
        super().__init__()
        self.config = config
        self.lyrics_conditioner = LyricsConditioner(config)
        self.prompt_conditioner = PromptConditioner(config)
        self.bos = nn.Parameter(torch.zeros(config.dim))
        self.sketch_embedding = nn.Embedding(config.num_codes + 2, config.dim)
        self.acoustic_encoder = nn.Sequential(
            nn.Linear(config.patch_size * config.latent_dim, config.dim),
            nn.SiLU(),
            nn.Linear(config.dim, config.dim),
        )
        self.sketch_lm = SketchLM(config)
        self.sketch_head = nn.Sequential(
            nn.Linear(config.dim, config.dim, bias=False),
            nn.SiLU(),
            nn.Linear(config.dim, config.num_codes + 1),
        )
        self.dit = PatchDiT(config)

    def forward(
        self,
        conditions: Conditions,
        sketch: Tensor,
        latents: Tensor,
        patches: PatchInputs,
        history: History | None = None,
    ) -> Predictions:
        """Predict every sketch token and the velocity of the chosen patches.

        Args:
            conditions: lyrics and prompts, already dropped where they should be.
            sketch: (B, T) codes; EOS after a song's end.
            latents: (B, D, T) clean latents.
            patches: the noised patches and their timesteps.
            history: what the language model reads instead of `sketch` and `latents`, if given.

        Raises:
            SongBloomError: sketch and latents differ in length, or T is not whole patches.
        """
        if sketch.shape[-1] != latents.shape[-1]:
            raise SongBloomError(
                f"The batch holds {sketch.shape[-1]} sketch tokens and {latents.shape[-1]} latent "
                "frames; both must cover the same frames: encode the songs again."
            )
        history = history or History(sketch=sketch, latents=latents)
        song = self.embed_song(history.sketch, history.latents)
        hidden = self.sketch_lm(torch.cat([self.embed_conditions(conditions), song], dim=1))
        hidden = hidden[:, self.config.num_conditions :]
        before_sketch, patch_hidden = self.split_hidden(hidden)
        return Predictions(
            logits=self.sketch_head(before_sketch),
            velocity=self.predict_velocity(patch_hidden, sketch, latents, patches),
        )

    def predict_velocity(
        self, patch_hidden: Tensor, sketch: Tensor, latents: Tensor, patches: PatchInputs
    ) -> Tensor:
        """Velocity (M, P, D) of the chosen patches, given h (B, N, C) of every patch."""
        size = self.config.patch_size
        clean = rearrange(latents, "b d (n p) -> b n p d", p=size)
        previous = F.pad(clean, (0, 0, 0, 0, 1, 0))[:, :-1]
        tokens = rearrange(sketch, "b (n p) -> b n p", p=size)[patches.chosen]
        hidden = patch_hidden[patches.chosen]
        embedded = self.sketch_embedding(tokens)
        return self.dit(
            patches.noised,
            patches.timesteps,
            hidden * ~patches.drop_hidden[:, None],
            embedded * ~patches.drop_sketch[:, None, None],
            previous[patches.chosen],
        )

    def embed_conditions(self, conditions: Conditions) -> Tensor:
        """Style prompt, then lyrics: (B, F + L, C)."""
        return torch.cat(
            [
                self.prompt_conditioner(conditions.prompts),
                self.lyrics_conditioner(conditions.lyrics),
            ],
            dim=1,
        )

    def embed_song(self, sketch: Tensor, latents: Tensor) -> Tensor:
        """BOS and the interleaved patches: (B, 1 + N·(P + 1), C)."""
        size = self.config.patch_size
        if sketch.shape[-1] % size:
            raise SongBloomError(
                f"The batch holds {sketch.shape[-1]} frames, which is no multiple of the patch of "
                f"{size}; cut or pad the songs to whole patches."
            )
        tokens = rearrange(self.sketch_embedding(sketch), "b (n p) c -> b n p c", p=size)
        acoustics = self.embed_patches(rearrange(latents, "b d (n p) -> b n p d", p=size))
        body = rearrange(
            torch.cat([tokens, acoustics[:, :, None].to(tokens.dtype)], dim=2),
            "b n p c -> b (n p) c",
        )
        return torch.cat([self.embed_bos(len(sketch)).to(body.dtype), body], dim=1)

    def embed_bos(self, batch_size: int) -> Tensor:
        """The vector that opens every song: (B, 1, C)."""
        return self.bos.expand(batch_size, 1, -1)

    def embed_patches(self, patches: Tensor) -> Tensor:
        """Acoustic encoder: patches of latents (…, P, D), flattened frame-major, -> (…, C)."""
        return self.acoustic_encoder(patches.flatten(-2))

    def split_hidden(self, hidden: Tensor) -> tuple[Tensor, Tensor]:
        """Separate the outputs of the interleaved sequence (B, 1 + N·(P + 1), C).

        Returns:
            Those that predict a sketch token or the end (B, N·P + 1, C), and h (B, N, C), those
            at each patch's last sketch token.
        """
        size = self.config.tokens_per_patch
        rows = rearrange(hidden[:, :-1], "b (n p) c -> b n p c", p=size)
        predicting = rearrange(rows[:, :, :-1], "b n p c -> b (n p) c")
        return torch.cat([predicting, hidden[:, -1:]], dim=1), rows[:, :, -1]

    def new_cache(self, batch_size: int, num_patches: int) -> KVCache:
        """An empty key-value cache for songs of at most `num_patches` patches."""
        length = self.config.num_conditions + 1 + num_patches * self.config.tokens_per_patch
        return KVCache(
            self.config,
            batch_size=batch_size,
            max_length=length,
            device=self.bos.device,
            dtype=self.sketch_lm.norm.weight.dtype,
        )
