"""What a user may choose when a song is generated."""

import math
import reprlib
from dataclasses import dataclass, fields
from enum import StrEnum
from numbers import Integral, Real
from typing import Any

from songbloom.errors import SongBloomError, set_choice


class FlowGuidance(StrEnum):
    """How the diffusion of a patch is guided (paper §4.3.3 and the released source)."""

    HIDDEN = "h"
    """Each step: the unconditional velocity has h = 0 and s = 0, with the same history."""
    GLOBAL = "global"
    """Both branches' h are integrated to the end from the same noise, then combined."""
    NONE = "none"


class RepetitionPenalty(StrEnum):
    """How a code that occurred among the last tokens is made less likely."""

    NONE = "none"
    RELEASED = "released"
    """Its guided logit is divided by the penalty, whatever its sign (as the releases were run)."""
    STANDARD = "standard"
    """Positive logits are divided by the penalty, negative ones multiplied (CTRL, 1909.05858)."""


def _truth(value: Any) -> bool | None:
    return value if isinstance(value, bool) else None


def _number(value: Any) -> float | None:
    if not isinstance(value, Real) or isinstance(value, bool):
        return None
    try:
        return float(value) if math.isfinite(value) else None
    except OverflowError:
        return None


def _whole(value: Any) -> int | None:
    number = _number(value)
    if number is None or number % 1:
        return None
    return int(value) if isinstance(value, Integral) else int(number)


_READERS: dict[Any, Any] = {bool: _truth, int: _whole, float: _number}
_NAMES = {bool: "true or false", int: "a whole number", float: "a finite number"}


@dataclass(frozen=True, kw_only=True)
class GenerationSettings:
    """Settings of one generation; the defaults are the paper's (§5.2, §6.3) with a short path.

    Attributes:
        sketch_guidance: w of `u + w·(c - u)` on the sketch logits.
        flow_guidance: w of the diffusion.
        flow_guidance_type: how the diffusion is guided.
        steps: Euler steps a patch; about 10 are near-optimal (§6.3).
        greedy: take the most likely code instead of sampling.
        temperature: divides the sketch logits before sampling.
        top_k: codes among which one is drawn; 0 means all.
        diffusion_temperature: τ of `flow_matching.integrate`.
        repetition_penalty: form of the penalty.
        penalty: its size.
        penalty_window: tokens it looks back on.
        sample_prompt: draw the style prompt's latents from the codec's posterior, as the published
            tool does, instead of taking its mean.

    Raises:
        SongBloomError: a field is of another type, or out of its range.
    """

    sketch_guidance: float = 1.5
    flow_guidance: float = 1.5
    flow_guidance_type: FlowGuidance = FlowGuidance.HIDDEN
    steps: int = 36
    greedy: bool = False
    temperature: float = 0.9
    top_k: int = 200
    diffusion_temperature: float = 1.0
    repetition_penalty: RepetitionPenalty = RepetitionPenalty.NONE
    penalty: float = 1.1
    penalty_window: int = 50
    sample_prompt: bool = False

    def __post_init__(self) -> None:
        set_choice(self, "flow_guidance_type", FlowGuidance)
        set_choice(self, "repetition_penalty", RepetitionPenalty)
        for setting in fields(self):
            if setting.type in _READERS:
                value = getattr(self, setting.name)
                read = _READERS[setting.type](value)
                if read is None:
                    raise SongBloomError(
                        f"The generation setting {setting.name} is {reprlib.repr(value)}; "
                        f"it must be {_NAMES[setting.type]}."
                    )
                object.__setattr__(self, setting.name, read)
        ranges = {
            "steps": self.steps >= 1,
            "temperature": self.temperature > 0,
            "top_k": self.top_k >= 0,
            "diffusion_temperature": 0 <= self.diffusion_temperature <= 1,
            "penalty": self.penalty >= 1,
            "penalty_window": self.penalty_window >= 1,
            "sketch_guidance": self.sketch_guidance >= 0,
            "flow_guidance": self.flow_guidance >= 0,
        }
        for name, valid in ranges.items():
            if not valid:
                raise SongBloomError(
                    f"The generation setting {name} is {getattr(self, name)}, out of its range."
                )

    def to_dict(self) -> dict[str, bool | int | float | str]:
        """Plain data, choices by their names; `GenerationSettings(**data)` reads it back."""
        return {
            name: value.value if isinstance(value, StrEnum) else value
            for name, value in vars(self).items()
        }
