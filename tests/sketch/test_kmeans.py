"""The k-means tokeniser: alignment with the codecs, invariances, fitting, and its file."""

import json
import math
from dataclasses import asdict
from pathlib import Path

import numpy as np
import pytest
import torch
from safetensors.torch import load_file, save_file
from torch import Tensor

from songbloom.audio_format import SAMPLE_RATE, SAMPLES_PER_FRAME
from songbloom.errors import SongBloomError
from songbloom.sketch.base import nearest
from songbloom.sketch.features import FeatureConfig, SketchFeatures
from songbloom.sketch.files import load_sketch_tokenizer, save_kmeans_tokenizer
from songbloom.sketch.fit import discriminants, fit_tokenizer, kmeans, whitening
from songbloom.sketch.kmeans import KMeansConfig, KMeansTokenizer, with_context


def sing(midi: list[int], seconds: float = 0.4, formant: float = 700.0) -> Tensor:
    """Stereo (2, S): a tone of many partials with one formant, on each pitch in turn."""
    time = torch.arange(round(seconds * SAMPLE_RATE)) / SAMPLE_RATE
    notes = []
    for pitch in midi:
        hertz = 440 * 2 ** ((pitch - 69) / 12)
        partials = torch.arange(1, 25)[:, None] * hertz
        gain = 0.05 + torch.exp(-(((partials - formant) / 300) ** 2))
        notes.append((gain * torch.sin(2 * math.pi * partials * time)).sum(0))
    return (0.05 * torch.cat(notes)).expand(2, -1)


@pytest.fixture(scope="module")
def tokenizer() -> KMeansTokenizer:
    config = KMeansConfig(num_codes=24, num_timbre=4, context=1, pitch_weight=4.0)
    reader = KMeansTokenizer(config)
    cepstra, classes, labels = [], [], []
    for formant in (500.0, 1500.0):
        audio = sing([48, 50, 52, 53, 55, 57, 59], formant=formant)
        features = reader.features(reader.to_mono(audio[None]))
        cepstra.append(features[0][0])
        classes.append(features[1][0])
        labels.append([f"vowel {formant}"] * len(cepstra[-1]))
    return fit_tokenizer(config, cepstra, classes, labels, num_iterations=10)


@pytest.mark.parametrize("extra", [0, 1, SAMPLES_PER_FRAME - 1])
def test_one_code_for_each_frame_of_a_codec(tokenizer: KMeansTokenizer, extra: int) -> None:
    audio = sing([50])[:, : 5 * SAMPLES_PER_FRAME + extra]
    codes = tokenizer.encode(audio[None])
    assert codes.shape == (1, 5 + (extra > 0)) == (1, tokenizer.num_frames(audio.shape[1]))
    assert codes.dtype == torch.int64
    assert codes.min() >= 0 and codes.max() < tokenizer.num_codes


def test_batch_equals_single(tokenizer: KMeansTokenizer) -> None:
    songs = torch.stack([sing([48, 55]), 0.3 * sing([52, 50], formant=1500.0)])
    alone = torch.cat([tokenizer.encode(song[None]) for song in songs])
    assert torch.equal(tokenizer.encode(songs), alone)


def test_level_does_not_matter(tokenizer: KMeansTokenizer) -> None:
    audio = sing([48, 55, 52])[None]
    assert torch.equal(tokenizer.encode(audio), tokenizer.encode(0.01 * audio))


def test_silence_is_encoded(tokenizer: KMeansTokenizer) -> None:
    assert tokenizer.encode(torch.zeros(1, 2, SAMPLE_RATE)).unique().numel() == 1


def test_codes_tell_pitch_and_vowel(tokenizer: KMeansTokenizer) -> None:
    middle = slice(4, 7)
    low, high = (set(tokenizer.encode(sing([m])[None])[0, middle].tolist()) for m in (50, 55))
    other = set(tokenizer.encode(sing([50], formant=1500.0)[None])[0, middle].tolist())
    assert not low & high
    assert not low & other


def test_pitch_class_is_found_without_its_octave() -> None:
    features = SketchFeatures(FeatureConfig())
    for midi in (45, 52, 57, 64, 71):
        _, classes = features(sing([midi])[:1])
        assert classes[0, 3:7].argmax(-1).tolist() == [midi % 12] * 4
        assert torch.allclose(classes.sum(-1), torch.ones(()))


def test_wrong_audio_is_refused(tokenizer: KMeansTokenizer) -> None:
    for shape in ((1, 1, 5000), (2, 5000), (1, 2, 0)):
        with pytest.raises(ValueError, match="audio must have the shape"):
            tokenizer.encode(torch.zeros(shape))


def test_nearest_is_the_nearest() -> None:
    generator = torch.Generator().manual_seed(0)
    vectors = torch.randn(2, 7, 5, generator=generator)
    codebook = torch.randn(9, 5, generator=generator)
    assert torch.equal(nearest(vectors, codebook), torch.cdist(vectors, codebook).argmin(-1))


def test_context_puts_neighbours_side_by_side() -> None:
    frames = torch.arange(6.0).reshape(1, 3, 2)
    assert with_context(frames, 1)[0].tolist() == [
        [0, 1, 0, 1, 2, 3],
        [0, 1, 2, 3, 4, 5],
        [2, 3, 4, 5, 4, 5],
    ]
    assert torch.equal(with_context(frames, 0), frames)


def test_kmeans_finds_clusters_and_is_seeded() -> None:
    generator = torch.Generator().manual_seed(1)
    centres = torch.tensor([[0.0, 0.0], [9.0, 0.0], [0.0, 9.0]])
    points = (centres[:, None] + 0.1 * torch.randn(3, 50, 2, generator=generator)).flatten(0, 1)
    found = kmeans(points, 3, seed=0, num_iterations=20)
    assert (torch.cdist(centres, found).amin(1) < 0.1).all()
    assert torch.equal(found, kmeans(points, 3, seed=0, num_iterations=20))
    with pytest.raises(ValueError, match="only 150 frames"):
        kmeans(points, 151, seed=0, num_iterations=1)


def test_projections_have_the_variances_they_promise() -> None:
    generator = torch.Generator().manual_seed(2)
    noise = torch.randn(3000, 4, generator=generator) * torch.tensor([5.0, 1.0, 1.0, 1.0])
    mean, projection = whitening(noise, 2)
    assert torch.allclose(torch.cov(((noise - mean) @ projection).T), torch.eye(2), atol=1e-4)
    labels = np.arange(3000) % 2
    shifted = noise + 4 * torch.eye(4)[1] * torch.from_numpy(labels)[:, None]
    mean, projection = discriminants(shifted, labels.astype(str), 1)
    values = ((shifted - mean) @ projection)[:, 0]
    groups = [values[torch.from_numpy(labels == label)] for label in (0, 1)]
    assert abs(groups[0].mean() - groups[1].mean()) > 3.5
    assert all(abs(group.std() - 1) < 0.05 for group in groups)


def test_file_keeps_codes_and_fingerprint(tokenizer: KMeansTokenizer, tmp_path: Path) -> None:
    path = tmp_path / "codebook.safetensors"
    save_kmeans_tokenizer(tokenizer, path)
    loaded = load_sketch_tokenizer(path)
    audio = sing([48, 55])[None]
    assert loaded.fingerprint == tokenizer.fingerprint
    assert torch.equal(loaded.encode(audio), tokenizer.encode(audio))


def test_wrong_files_are_named(tokenizer: KMeansTokenizer, tmp_path: Path) -> None:
    path = tmp_path / "codebook.safetensors"
    with pytest.raises(SongBloomError, match=r"no sketch tokeniser .*chroma-demo"):
        load_sketch_tokenizer(path)
    path.write_bytes(b"not a codebook")
    with pytest.raises(SongBloomError, match="no readable safetensors"):
        load_sketch_tokenizer(path)
    save_kmeans_tokenizer(tokenizer, path)
    state = load_file(path)
    config = json.dumps(asdict(tokenizer.config))
    metadata = {"format": "songbloom-kmeans-sketch-1", "config": config, "fingerprint": "0"}
    save_file(state, path, {**metadata, "format": "other"})
    with pytest.raises(SongBloomError, match="format is 'other'"):
        load_sketch_tokenizer(path)
    save_file({**state, "mean": state["mean"] + 1}, path, metadata)
    with pytest.raises(SongBloomError, match="damaged"):
        load_sketch_tokenizer(path)
    save_file({**state, "mean": state["mean"][1:]}, path, metadata)
    with pytest.raises(SongBloomError, match="does not fit its own configuration"):
        load_sketch_tokenizer(path)


@pytest.mark.parametrize(
    "change", [{"num_codes": 1}, {"num_timbre": 0}, {"num_timbre": 141}, {"context": -1}]
)
def test_config_is_checked(change: dict) -> None:
    with pytest.raises(ValueError, match=next(iter(change))):
        KMeansConfig(**change)


def test_embedded_codebook_is_sound() -> None:
    tokenizer = load_sketch_tokenizer("chroma-demo")
    assert 1 < tokenizer.num_codes <= 512
    assert tokenizer.encode(sing([48, 50, 52, 53])[None]).unique().numel() > 3
