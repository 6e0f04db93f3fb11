"""Generation settings under their published names."""

from dataclasses import replace

import pytest

from songbloom.errors import SongBloomError
from songbloom.released.settings import PRESETS, settings_from_released, settings_to_released
from songbloom.sampling import FlowGuidance, GenerationSettings, RepetitionPenalty

FULL_240S = {
    "cfg_coef": 1.5,
    "temp": 0.9,
    "diff_temp": 0.9,
    "top_k": 100,
    "penalty_repeat": True,
    "penalty_window": 50,
    "steps": 36,
    "dit_cfg_type": "h",
}


def test_the_preset_is_what_the_yaml_says():
    assert settings_from_released(FULL_240S) == PRESETS["songbloom_full_240s"]
    full_150s = settings_from_released(FULL_240S | {"diff_temp": 0.95})
    assert full_150s == PRESETS["songbloom_full_150s"] == PRESETS["songbloom_full_150s_dpo"]


@pytest.mark.parametrize("preset", [name for name in PRESETS if name != "paper"])
def test_presets_go_there_and_back(preset):
    assert settings_from_released(settings_to_released(PRESETS[preset])) == PRESETS[preset]


def test_two_weights_and_greedy():
    read = settings_from_released(
        {"cfg_coef": [1.3, 2.0], "use_sampling": False, "dit_cfg_type": "global"}
    )
    assert (read.sketch_guidance, read.flow_guidance) == (1.3, 2.0)
    assert read.greedy
    assert read.flow_guidance_type is FlowGuidance.GLOBAL
    assert read.repetition_penalty is RepetitionPenalty.NONE
    assert settings_to_released(read)["cfg_coef"] == [1.3, 2.0]
    assert settings_to_released(read)["use_sampling"] is False


def test_a_temperature_of_zero_is_greedy():
    assert settings_from_released({"temp": 0}).greedy


@pytest.mark.parametrize(
    "inference", [{"dit_cfg_type": "x"}, {"steps": 0}, {"top_p": 0.9}, {"cfg_coef": [1]}]
)
def test_what_cannot_be_read_is_refused(inference):
    with pytest.raises(SongBloomError):
        settings_from_released(inference)


def test_a_penalty_that_is_not_published_is_refused():
    standard = replace(GenerationSettings(), repetition_penalty=RepetitionPenalty.STANDARD)
    with pytest.raises(SongBloomError, match="cannot penalise"):
        settings_to_released(standard)
