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


def test_whole_floats_become_whole_numbers():
    settings = GenerationSettings(steps=20.0, top_k=5.0, temperature=1)
    assert repr((settings.steps, settings.top_k, settings.temperature)) == "(20, 5, 1.0)"


@pytest.mark.parametrize(
    "values",
    [
        {"steps": 1.5},
        {"steps": True},
        {"steps": "5"},
        {"top_k": float("inf")},
        {"temperature": None},
        {"temperature": float("nan")},
        {"penalty": 10**400},
        {"sketch_guidance": [1.5]},
        {"greedy": 1},
        {"sample_prompt": "no"},
    ],
)
def test_values_of_other_types_are_refused(values):
    with pytest.raises(SongBloomError, match=f"setting {next(iter(values))} is .*it must be"):
        GenerationSettings(**values)
