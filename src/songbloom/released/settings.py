"""Generation settings under their published names, and those of each released model."""

import reprlib
from collections.abc import Mapping
from typing import Any

from songbloom.errors import SongBloomError
from songbloom.sampling.settings import FlowGuidance, GenerationSettings, RepetitionPenalty

PENALTY = 1.1
"""The published penalty on recent tokens; it has no setting there."""

_FULL_150S = GenerationSettings(
    top_k=100,
    diffusion_temperature=0.95,
    repetition_penalty=RepetitionPenalty.RELEASED,
    sample_prompt=True,
)
PRESETS: dict[str, GenerationSettings] = {
    "songbloom_full_150s": _FULL_150S,
    "songbloom_full_150s_dpo": _FULL_150S,
    "songbloom_full_240s": GenerationSettings(
        top_k=100,
        diffusion_temperature=0.9,
        repetition_penalty=RepetitionPenalty.RELEASED,
        sample_prompt=True,
    ),
    "paper": GenerationSettings(),
}
"""The `inference` section of each release's yaml, and the paper's settings (§5.2).

No copy of the yaml of `songbloom_full_150s_dpo` was at hand: its settings are those of the model
that it was tuned from. A folder's own yaml goes before any preset.
"""


def settings_from_released(inference: Mapping[str, Any]) -> GenerationSettings:
    """Our settings for published ones; what is absent has the published sampler's default.

    Raises:
        SongBloomError: a value out of its range, or sampling by `top_p`, which is not built.
    """
    if inference.get("top_p"):
        raise SongBloomError("inference.top_p is set, but only top_k sampling is built; drop it.")
    guidance = inference.get("cfg_coef", 1.5)
    guidances = guidance if isinstance(guidance, list) else [guidance, guidance]
    temperature, top_k = inference.get("temp", 1.0), inference.get("top_k", 200)
    # The one best code is drawn for certain, and a temperature of 0 can only mean the same.
    greedy = not inference.get("use_sampling", True) or top_k == 1 or temperature == 0
    penalised = inference.get("penalty_repeat", False)
    for name in ("use_sampling", "penalty_repeat"):
        if not isinstance(inference.get(name, False), bool):
            raise SongBloomError(
                f"inference.{name} is {reprlib.repr(inference[name])}; it must be true or false."
            )
    try:
        sketch_guidance, flow_guidance = guidances
        return GenerationSettings(
            sketch_guidance=sketch_guidance,
            flow_guidance=flow_guidance,
            flow_guidance_type=FlowGuidance(inference.get("dit_cfg_type", "h")),
            steps=inference.get("steps", 50),
            greedy=greedy,
            temperature=temperature or 1.0,
            top_k=top_k,
            diffusion_temperature=inference.get("diff_temp", 1.0),
            repetition_penalty=(
                RepetitionPenalty.RELEASED if penalised else RepetitionPenalty.NONE
            ),
            penalty=PENALTY,
            penalty_window=inference.get("penalty_window", 50),
            sample_prompt=True,
        )
    except (TypeError, ValueError) as error:
        raise SongBloomError(f"The released inference settings cannot be read: {error}") from error


def settings_to_released(settings: GenerationSettings) -> dict[str, Any]:
    """The `inference` section for our settings.

    Raises:
        SongBloomError: the published sampler has no such penalty.
    """
    form = settings.repetition_penalty
    published = form is RepetitionPenalty.RELEASED and settings.penalty == PENALTY
    if form is not RepetitionPenalty.NONE and not published:
        raise SongBloomError(
            f"The published tool cannot penalise in the form {form.value!r} by "
            f"{settings.penalty:g}; set repetition_penalty to released with {PENALTY}, or to none."
        )
    guidance: Any = settings.sketch_guidance
    if settings.flow_guidance != settings.sketch_guidance:
        guidance = [settings.sketch_guidance, settings.flow_guidance]
    return {
        "cfg_coef": guidance,
        "use_sampling": not settings.greedy,
        "temp": settings.temperature,
        "diff_temp": settings.diffusion_temperature,
        "top_k": settings.top_k,
        "penalty_repeat": form is not RepetitionPenalty.NONE,
        "penalty_window": settings.penalty_window,
        "steps": settings.steps,
        "dit_cfg_type": settings.flow_guidance_type.value,
    }
