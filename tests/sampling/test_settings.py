"""Generation settings: plain strings become choices, values stay in their ranges."""

import pytest

from songbloom.errors import SongBloomError
from songbloom.sampling import FlowGuidance, GenerationSettings, RepetitionPenalty


def test_settings_may_be_named_by_plain_strings():
    settings = GenerationSettings(flow_guidance_type="global", repetition_penalty="standard")
    assert settings.flow_guidance_type is FlowGuidance.GLOBAL
    assert settings.repetition_penalty is RepetitionPenalty.STANDARD
    with pytest.raises(SongBloomError, match="must be one of h, global, none"):
        GenerationSettings(flow_guidance_type="hidden")
