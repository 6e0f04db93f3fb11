"""The data contract: records and arrays."""

import json

import numpy as np
import pytest

from songbloom.data.schema import (
    DatasetError,
    Section,
    SongRecord,
    check_frame_counts,
    check_latents,
    check_prompts,
    check_sketch,
)

from .conftest import make_arrays, make_record


def test_record_survives_json() -> None:
    record = make_record("a-song_1", 50, lyrics="[verse] 你好")
    assert SongRecord.from_json(record.to_json(), name="x") == record


@pytest.mark.parametrize(
    ("changes", "field"),
    [
        ({"key": "a.b"}, "key"),
        ({"language": ""}, "language"),
        ({"phonemes": " "}, "phonemes"),
        ({"duration": float("nan")}, "duration"),
        ({"sample_rate": 44_100}, "sample_rate"),
        ({"split": None}, "split"),
        ({"encoders": {"codec": "a"}}, "encoders"),
        ({"schema_version": 99}, "schema_version"),
        ({"sections": (Section(tag="verse", start=1.0, end=0.5),)}, "sections"),
        ({"sections": (Section(tag="verse", start=0.0, end=99.0),)}, "sections"),
    ],
)
def test_error_names_key_and_field(changes: dict, field: str) -> None:
    with pytest.raises(DatasetError, match=rf"{changes.get('key', 'song-7')}.*field {field}"):
        make_record(**{"key": "song-7", "num_frames": 50, **changes})


@pytest.mark.parametrize(
    ("change", "match"),
    [
        (lambda values: values.pop("licence"), "lacks licence"),
        (lambda values: values.update(tempo=3), "has tempo"),
        (lambda values: values.update(sections=[{"tag": "verse"}]), "sections must list"),
        (lambda values: values.update(extra=[1]), "extra must be"),
    ],
)
def test_broken_json_names_the_member(change, match: str) -> None:
    values = json.loads(make_record("a", 50).to_json())
    change(values)
    with pytest.raises(DatasetError, match=f"a.json.*{match}"):
        SongRecord.from_json(json.dumps(values), name="a.json")


def test_arrays_are_checked() -> None:
    arrays = make_arrays(50, seed=0)
    latents, sketch, prompts = arrays["latents"], arrays["sketch"], arrays["prompts"]
    check_latents("x", latents, latent_dim=4)
    check_sketch("x", sketch, num_codes=10)
    check_prompts("x", prompts, num_prompts=3, latent_dim=4)
    check_frame_counts(make_record("x", 50), latents, sketch)
    with pytest.raises(DatasetError, match="float16"):
        check_latents("x", latents.astype(np.float32), latent_dim=4)
    with pytest.raises(DatasetError, match="not finite"):
        check_latents("x", np.full_like(latents, np.inf), latent_dim=4)
    with pytest.raises(DatasetError, match=r"shape \(5, frames\)"):
        check_latents("x", latents, latent_dim=5)
    with pytest.raises(DatasetError, match="the codebook has 3 codes"):
        check_sketch("x", sketch, num_codes=3)
    with pytest.raises(DatasetError, match="uint16"):
        check_sketch("x", sketch.astype(np.int64), num_codes=10)
    with pytest.raises(DatasetError, match=r"\(2, 4, 250\)"):
        check_prompts("x", prompts, num_prompts=2, latent_dim=4)
    with pytest.raises(DatasetError, match="50 latent frames but 49 sketch tokens"):
        check_frame_counts(make_record("x", 50), latents, sketch[:-1])
    with pytest.raises(DatasetError, match="duration"):
        check_frame_counts(make_record("x", 60), latents, sketch)
