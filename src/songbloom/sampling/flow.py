"""Diffusing one patch under guidance (§4.3.3, §5.2).

Shape letters: P patch, D latent, C width. Row 0 is conditional, row 1 (if any) unconditional.
"""

import torch
from torch import Tensor

from songbloom.flow_matching import integrate
from songbloom.models import SongBloom
from songbloom.sampling.settings import FlowGuidance, GenerationSettings
from songbloom.sampling.sketch import guide


def diffuse_patch(
    model: SongBloom,
    hidden: Tensor,
    codes: Tensor,
    previous: Tensor,
    noise: Tensor,
    settings: GenerationSettings,
) -> Tensor:
    """Integrate one patch from noise to latents.

    Args:
        model: the model.
        hidden: h of the conditional and, for global guidance, the unconditional branch (1|2, C).
        codes: the patch's sketch tokens (P,).
        previous: latents of the patch before (1, P, D); zeros before the first.
        noise: ε (1, P, D).
        settings: guidance, number of steps, diffusion temperature.

    Returns:
        Latents (1, P, D).
    """
    sketch = model.sketch_embedding(codes)[None]
    weight = settings.flow_guidance
    # Rows of one batched call: which h and s each row sees.
    rows_hidden, rows_sketch = hidden[:1], sketch
    if weight != 1 and settings.flow_guidance_type is FlowGuidance.HIDDEN:
        rows_hidden = torch.cat([hidden[:1], torch.zeros_like(hidden[:1])])
        rows_sketch = torch.cat([sketch, torch.zeros_like(sketch)])
    elif weight != 1 and settings.flow_guidance_type is FlowGuidance.GLOBAL:
        rows_hidden, rows_sketch = hidden, sketch.expand(2, -1, -1)
    rows = len(rows_hidden)
    rows_previous = previous.expand(rows, -1, -1)

    def velocity(x: Tensor, t: Tensor) -> Tensor:
        noised = x.expand(rows, -1, -1)
        return model.dit(noised, t.expand(rows), rows_hidden, rows_sketch, rows_previous)

    def guided_velocity(x: Tensor, t: Tensor) -> Tensor:
        conditional, unconditional = velocity(x, t).chunk(2)
        return guide(conditional, unconditional, weight)

    per_step = rows == 2 and settings.flow_guidance_type is FlowGuidance.HIDDEN
    latents = integrate(
        guided_velocity if per_step else velocity,
        noise if per_step else noise.expand(rows, -1, -1),
        num_steps=settings.steps,
        diffusion_temperature=settings.diffusion_temperature,
    )
    if len(latents) == 2:
        latents = guide(latents[:1], latents[1:], weight)
    return latents
