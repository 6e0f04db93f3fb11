"""What the step does to a batch before the model sees it: noise, timesteps, dropped conditions.

Everything random is drawn here, once, with an explicit generator, so that two models (a policy and
its reference, a model and its twin) can be given exactly the same inputs.

Shape letters: B batch, N patches, P patch, D latent, L lyric positions, M chosen patches.
"""

from dataclasses import dataclass, fields
from enum import StrEnum

import torch
from einops import rearrange
from torch import Tensor

from songbloom.data.batch import SongBatch
from songbloom.errors import SongBloomError, set_choice
from songbloom.flow_matching import add_noise, sample_timesteps, velocity_target
from songbloom.models import Conditions
from songbloom.models.songbloom import History, PatchInputs


class GuidanceDropout(StrEnum):
    """How h and s of a patch are dropped for the guidance of the diffusion."""

    PAPER = "paper"
    """Both jointly, and in addition s alone (§4.3.3)."""
    RELEASED = "released"
    """Each independently, as the released source does."""


@dataclass(frozen=True, kw_only=True)
class CorruptionConfig:
    """Probabilities of what is dropped (§5.2).

    Attributes:
        drop_conditions: a song loses both its lyrics and its style prompt.
        drop_prompt: a song loses its style prompt alone.
        drop_guidance: a patch loses h or s, in the form of `guidance_dropout`.
        guidance_dropout: that form.
        replace_history: a sketch token that the language model reads is another frame's.
        hide_history: a patch of latents that the language model reads is zero.
        patch_fraction: share of the patches whose velocity is trained in a step. Below 1 the
            diffusion costs less a step, and the language model sees as many tokens as before.

    Raises:
        SongBloomError: a probability outside [0, 1], no patch left to train, or an unknown form.
    """

    drop_conditions: float = 0.1
    drop_prompt: float = 0.1
    drop_guidance: float = 0.05
    guidance_dropout: GuidanceDropout = GuidanceDropout.PAPER
    replace_history: float = 0.0
    hide_history: float = 0.0
    patch_fraction: float = 1.0

    def __post_init__(self) -> None:
        set_choice(self, "guidance_dropout", GuidanceDropout)
        for field in fields(self):
            value = getattr(self, field.name)
            if isinstance(value, float | int) and not 0 <= value <= 1:
                raise SongBloomError(
                    f"CorruptionConfig.{field.name} is {value}; it must be in [0, 1]."
                )
        if self.patch_fraction == 0:
            raise SongBloomError("CorruptionConfig.patch_fraction is 0; no patch would be trained.")


NO_DROPOUT = CorruptionConfig(drop_conditions=0, drop_prompt=0, drop_guidance=0)
"""For validation and evaluation: only noise and timesteps are drawn."""


@dataclass(frozen=True, kw_only=True)
class Corruption:
    """The draws of one step, on the grid of all patches of a batch.

    Attributes:
        drop_lyrics: (B,) bool.
        drop_prompt: (B,) bool.
        chosen: (B, N) bool, patches whose velocity is predicted; never one past a song's end.
        timesteps: (B, N) in (0, 1).
        noise: ε (B, N, P, D).
        drop_hidden: (B, N) bool.
        drop_sketch: (B, N) bool.
        read_frame: (B, T) int64, the frame whose token is read in a frame's place.
        hide_patch: (B, N) bool, patches of latents that the language model reads as zeros.
    """

    drop_lyrics: Tensor
    drop_prompt: Tensor
    chosen: Tensor
    timesteps: Tensor
    noise: Tensor
    drop_hidden: Tensor
    drop_sketch: Tensor
    read_frame: Tensor
    hide_patch: Tensor


@dataclass(frozen=True, kw_only=True)
class CorruptedInputs:
    """What the model is given, and the velocity (M, P, D) that it should answer with."""

    conditions: Conditions
    history: History
    patches: PatchInputs
    velocity: Tensor


def draw_corruption(
    batch: SongBatch, config: CorruptionConfig, *, patch_size: int, generator: torch.Generator
) -> Corruption:
    """Draw everything random of one step.

    Args:
        batch: the songs; only shapes and lengths are read.
        config: probabilities.
        patch_size: P.
        generator: on the batch's device.
    """
    songs, dim, frames = batch.latents.shape
    grid = (songs, frames // patch_size)

    def chance(shape: tuple[int, ...], probability: float) -> Tensor:
        draw = torch.rand(shape, generator=generator, device=generator.device)
        return draw < probability

    drop_all = chance((songs,), config.drop_conditions)
    drop_prompt = chance((songs,), config.drop_prompt)
    first, second = chance(grid, config.drop_guidance), chance(grid, config.drop_guidance)
    jointly = config.guidance_dropout is GuidanceDropout.PAPER
    frame = torch.arange(frames, device=batch.lengths.device).expand(songs, -1)
    other = torch.rand((songs, frames), generator=generator, device=generator.device)
    other = (other * batch.lengths[:, None]).long()
    valid = (
        torch.arange(grid[1], device=batch.lengths.device) < batch.lengths[:, None] // patch_size
    )
    return Corruption(
        drop_lyrics=drop_all,
        drop_prompt=drop_all | drop_prompt,
        chosen=_choose(valid, config.patch_fraction, generator),
        timesteps=sample_timesteps(songs * grid[1], generator).view(grid),
        noise=torch.randn(*grid, patch_size, dim, generator=generator, device=generator.device),
        drop_hidden=first,
        drop_sketch=first | second if jointly else second,
        read_frame=torch.where(chance((songs, frames), config.replace_history), other, frame),
        hide_patch=chance(grid, config.hide_history),
    )


def _choose(valid: Tensor, fraction: float, generator: torch.Generator) -> Tensor:
    """A share of the valid patches (B, N), at least one."""
    if fraction >= 1:
        return valid
    priority = torch.rand(valid.shape, generator=generator, device=generator.device)
    priority = priority.masked_fill(~valid, -1).flatten()
    count = max(1, round(fraction * int(valid.sum())))
    chosen = torch.zeros_like(valid).flatten()
    chosen[priority.topk(count).indices] = True
    return chosen.view(valid.shape)


def corrupt(
    batch: SongBatch, corruption: Corruption, *, null_lyrics: Tensor, patch_size: int
) -> CorruptedInputs:
    """Apply the draws to a batch.

    Args:
        batch: the songs.
        corruption: the draws for it.
        null_lyrics: (3, L), the lyric of a song whose conditions are dropped.
        patch_size: P.
    """
    clean = rearrange(batch.latents, "b d (n p) -> b n p d", p=patch_size)[corruption.chosen]
    noise = corruption.noise[corruption.chosen]
    timesteps = corruption.timesteps[corruption.chosen]
    heard = ~corruption.hide_patch.repeat_interleave(patch_size, dim=1)
    return CorruptedInputs(
        conditions=Conditions(
            lyrics=torch.where(corruption.drop_lyrics[:, None, None], null_lyrics, batch.lyrics),
            prompts=batch.prompts * ~corruption.drop_prompt[:, None, None],
        ),
        history=History(
            sketch=batch.sketch.gather(1, corruption.read_frame),
            latents=batch.latents * heard[:, None],
        ),
        patches=PatchInputs(
            chosen=corruption.chosen,
            noised=add_noise(clean, noise, timesteps),
            timesteps=timesteps,
            drop_hidden=corruption.drop_hidden[corruption.chosen],
            drop_sketch=corruption.drop_sketch[corruption.chosen],
        ),
        velocity=velocity_target(clean, noise),
    )
