"""The interleaved loop: sketch tokens, their latents, and both back into the sequence (§4.1).

Shape letters: P patch, D latent, C width, F prompt frames, L lyric positions.
"""

from collections.abc import Callable, Iterator
from dataclasses import dataclass

import torch
from torch import Tensor

from songbloom.errors import SongBloomError
from songbloom.models import Conditions, SongBloom
from songbloom.sampling.flow import diffuse_patch
from songbloom.sampling.settings import FlowGuidance, GenerationSettings, RepetitionPenalty
from songbloom.sampling.sketch import choose_code, guide, penalise_repetition


@dataclass(frozen=True, kw_only=True)
class Patch:
    """One finished patch.

    Attributes:
        sketch: codes (P,).
        latents: (P, D).
        at_limit: whether it is the last that the length limit allows.
    """

    sketch: Tensor
    latents: Tensor
    at_limit: bool = False


class SequenceState:
    """The interleaved sequence so far; answers with the language model's newest output.

    With `cached`, each position is computed once. Without, the whole sequence is computed anew
    for every position: the slow twin that tests compare with.
    """

    def __init__(self, model: SongBloom, conditions: Tensor, num_patches: int, cached: bool):
        self.model = model
        self.cache = model.new_cache(len(conditions), num_patches) if cached else None
        self.sequence = conditions[:, :0]
        self.last = self.append(conditions)

    def append(self, embedded: Tensor) -> Tensor:
        """Append positions (rows, L, C); return the output (rows, C) at the last of them."""
        if self.cache is not None:
            self.last = self.model.sketch_lm(embedded, self.cache)[:, -1]
        else:
            self.sequence = torch.cat([self.sequence, embedded], dim=1)
            self.last = self.model.sketch_lm(self.sequence)[:, -1]
        return self.last


@torch.inference_mode()
def generate_patches(
    model: SongBloom,
    conditions: Conditions,
    null: Conditions,
    settings: GenerationSettings,
    *,
    max_patches: int,
    generator: torch.Generator,
    noise: Callable[[int], Tensor] | None = None,
    cached: bool = True,
) -> Iterator[Patch]:
    """Generate one song, patch by patch, until the model ends it or `max_patches` are made.

    The patch in which the end is drawn is dropped before its diffusion.

    Args:
        model: in evaluation mode.
        conditions: lyrics and prompt of one song (batch of one).
        null: the null conditions of the same shapes.
        settings: guidance, sampling, steps.
        max_patches: the longest song.
        generator: source of all randomness, on the model's device.
        noise: diffusion noise (1, P, D) of patch i, for comparisons; drawn if not given.
        cached: use the key-value cache.

    Raises:
        SongBloomError: the model gives logits or latents that are not finite.
    """
    config = model.config
    device = model.bos.device
    rows = [model.embed_conditions(conditions)]
    guided_globally = (
        settings.flow_guidance_type is FlowGuidance.GLOBAL and settings.flow_guidance != 1
    )
    if settings.sketch_guidance != 1 or guided_globally:
        rows.append(model.embed_conditions(null))
    embedded = torch.cat(rows)
    batch = len(embedded)
    opening = torch.cat([embedded, model.embed_bos(batch).to(embedded.dtype)], dim=1)
    state = SequenceState(model, opening, max_patches, cached)
    previous = torch.zeros(
        1, config.patch_size, config.latent_dim, device=device, dtype=embedded.dtype
    )
    history: list[int] = []
    for index in range(max_patches):
        patch_codes = _sketch_patch(state, history, settings, generator)
        if patch_codes is None:
            return
        codes = torch.tensor(patch_codes, device=device)
        if noise is not None:
            start = noise(index)
        else:
            start = torch.randn(previous.shape, generator=generator, device=device)
        latents = diffuse_patch(
            model, state.last, codes, previous, start.to(previous.dtype), settings
        )
        if not latents.isfinite().all():
            raise SongBloomError(
                "The model's latents are not finite; the checkpoint is damaged or its precision "
                "too low: try float32."
            )
        at_limit = index + 1 == max_patches
        yield Patch(sketch=codes, latents=latents[0], at_limit=at_limit)
        history += patch_codes
        previous = latents
        if not at_limit:
            state.append(model.embed_patches(latents)[:, None].expand(batch, 1, -1))


def _sketch_patch(
    state: SequenceState,
    history: list[int],
    settings: GenerationSettings,
    generator: torch.Generator,
) -> list[int] | None:
    """The codes of the next patch, or None where the song ends; the state moves to the last."""
    model = state.model
    codes: list[int] = []
    # The releases do not penalise inside the first patch: there is nothing before it.
    penalised = settings.repetition_penalty is not RepetitionPenalty.NONE and bool(history)
    for _ in range(model.config.patch_size):
        logits = model.sketch_head(state.last)
        if len(logits) == 2:
            guided = guide(logits[0], logits[1], settings.sketch_guidance)
        else:
            guided = logits[0]
        if penalised:
            guided = penalise_repetition(guided, history + codes, settings)
        if not guided.isfinite().all():
            raise SongBloomError(
                "The model's sketch logits are not finite; the checkpoint is damaged or its "
                "precision too low: try float32."
            )
        code = choose_code(guided, settings, generator)
        if int(code) == model.config.eos_id:
            return None
        codes.append(int(code))
        state.append(model.sketch_embedding(code).expand(len(logits), 1, -1))
    return codes
