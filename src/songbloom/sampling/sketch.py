"""Choosing the next sketch token: guidance, repetition penalty, temperature, top-k (§5.2)."""

from collections.abc import Sequence

import torch
from torch import Tensor

from songbloom.sampling.settings import GenerationSettings, RepetitionPenalty


def guide(conditional: Tensor, unconditional: Tensor, weight: float) -> Tensor:
    """Classifier-free guidance u + w·(c - u) on tensors of one shape."""
    return unconditional + weight * (conditional - unconditional)


def penalise_repetition(
    logits: Tensor, recent: Sequence[int], settings: GenerationSettings
) -> Tensor:
    """Lower the logits (V + 1,) of each distinct recent code; the end of the song is excepted."""
    form = settings.repetition_penalty
    end = logits.shape[-1] - 1
    codes = sorted({code for code in recent[-settings.penalty_window :] if code < end})
    if form is RepetitionPenalty.NONE or not codes:
        return logits
    index = torch.tensor(codes, device=logits.device)
    chosen = logits[index]
    lowered = chosen / settings.penalty
    if form is RepetitionPenalty.STANDARD:
        lowered = torch.where(chosen > 0, lowered, chosen * settings.penalty)
    return logits.index_put((index,), lowered)


def choose_code(logits: Tensor, settings: GenerationSettings, generator: torch.Generator) -> Tensor:
    """Draw (or, greedily, take the best) code from logits (V + 1,): a scalar id."""
    if settings.greedy:
        return logits.argmax(-1)
    scaled = logits.float() / settings.temperature
    if 0 < settings.top_k < scaled.shape[-1]:
        threshold = scaled.topk(settings.top_k).values[-1]
        scaled = scaled.masked_fill(scaled < threshold, float("-inf"))
    return torch.multinomial(scaled.softmax(-1), 1, generator=generator)[0]
