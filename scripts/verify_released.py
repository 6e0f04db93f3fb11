"""Make a released folder's expected songs and compare: `python scripts/verify_released.py FOLDER`.

FOLDER holds a model as it is released, a `prompt.*`, `expected.json` (name, lyrics, generation,
processed) and `expected.safetensors` (`sketch_i`, `latent_i`, `noise_i`, `audio_i`): what the
published sampler returned. The songs are made by the pipeline that users call, with the stored
noise, and the posterior's mean for the prompt. One line per song, last a JSON line; exit status 1
where a difference reaches 1e-4.
"""

import argparse
import json
import math
import sys
from collections.abc import Mapping
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

import torch
from torch import Tensor

from songbloom.audio_format import FRAME_RATE
from songbloom.errors import SongBloomError
from songbloom.pipeline import SongBloomPipeline
from songbloom.released import find_config, settings_from_released
from songbloom.released.folder import GRACE_SECONDS
from songbloom.released.resolvers import read_released_yaml
from songbloom.weights import load_safetensors

TOLERANCE = 1e-4
PARTS = ("sketch", "latent", "noise", "audio")


@dataclass(frozen=True, kw_only=True)
class Comparison:
    """One song against what the published sampler returned."""

    processed_equal: bool
    sketch_equal: bool
    latent_diff: float | None
    audio_diff: float | None


def largest_difference(expected: Tensor, found: Tensor) -> float | None:
    """The largest difference, or None where the shapes differ or a value is not finite."""
    if expected.shape != found.shape:
        return None
    largest = float((expected - found).abs().max()) if expected.numel() else 0.0
    return largest if math.isfinite(largest) else None


def read_expected(folder: Path) -> dict[str, Any]:
    """The json of a folder: as many processed lyrics as lyrics, and at least one."""
    path = folder / "expected.json"
    try:
        expected = json.loads(path.read_text(encoding="utf-8"))
        lyrics, processed = expected["lyrics"], expected["processed"]
        generation = expected.get("generation") or {}
        if not len(lyrics) == len(processed) > 0 or not isinstance(generation, dict):
            raise ValueError("lyrics and processed must be equally many, generation a mapping")
    except (OSError, ValueError, KeyError, TypeError, AttributeError) as error:
        raise SongBloomError(
            f"{path} cannot be read ({error}); it lists lyrics and processed."
        ) from error
    return expected | {"generation": generation}


def compare(
    pipeline: SongBloomPipeline,
    lyric: str,
    processed: str,
    wanted: Mapping[str, Tensor],
    **how: Any,
) -> Comparison:
    """Make one song with the stored noise and compare it.

    Args:
        pipeline: the model.
        lyric: as it was given to the published tool.
        processed: what that tool made of it.
        wanted: its `sketch`, `latent`, `audio` and `noise`.
        how: prompt, settings and length.
    """
    noise = wanted["noise"]

    def stored(patch: int) -> Tensor:
        # Past what was stored the song differs already, and only has to come to an end.
        return noise[patch] if patch < len(noise) else torch.zeros_like(noise[0])

    song = pipeline(lyric, noise=stored, **how)
    return Comparison(
        processed_equal=pipeline.phonemize(lyric) == processed,
        sketch_equal=song.sketch.tolist() == wanted["sketch"][0].tolist(),
        latent_diff=largest_difference(wanted["latent"][0], song.latents),
        audio_diff=largest_difference(wanted["audio"], song.audio),
    )


def verify(folder: Path) -> dict[str, Any]:
    """Make every song; return the summary that is printed last."""
    expected = read_expected(folder)
    tensors = load_safetensors(folder / "expected.safetensors")
    prompts = sorted(folder.glob("prompt.*"))
    if not prompts:
        raise SongBloomError(f"{folder} holds no prompt.flac or other prompt.*; put it there.")
    config = find_config(folder, expected.get("name"))
    pipeline = SongBloomPipeline.from_pretrained(config, device="cpu")
    inference = read_released_yaml(config).get("inference") or {}
    generation = {**inference, **expected["generation"]}
    settings = replace(settings_from_released(generation), sample_prompt=False)
    max_seconds = pipeline.card.max_seconds - GRACE_SECONDS
    if "max_frames" in generation:
        max_seconds = generation["max_frames"] / FRAME_RATE

    songs: list[Comparison] = []
    pairs = zip(expected["lyrics"], expected["processed"], strict=True)
    for index, (lyric, processed) in enumerate(pairs):
        try:
            wanted = {name: tensors[f"{name}_{index}"] for name in PARTS}
        except KeyError as error:
            raise SongBloomError(f"{folder / 'expected.safetensors'} lacks {error}.") from error
        song = compare(
            pipeline,
            lyric,
            processed,
            wanted,
            prompt=prompts[0],
            settings=settings,
            max_seconds=max_seconds,
        )
        songs.append(song)
        print(f"song {index}: {song}")
    return {
        "processed_equal": all(song.processed_equal for song in songs),
        "sketch_equal": all(song.sketch_equal for song in songs),
        "latent_max_diff": _largest([song.latent_diff for song in songs]),
        "audio_max_diff": _largest([song.audio_diff for song in songs]),
    }


def _largest(differences: list[float | None]) -> float | None:
    # JSON has no infinity: null stands for songs of another length and values that are not finite.
    known = [value for value in differences if value is not None]
    return max(known) if len(known) == len(differences) else None


def main() -> int:
    """Compare, print, and return the exit status."""
    parser = argparse.ArgumentParser(description="Compare with the published sampler's songs.")
    parser.add_argument("folder", type=Path)
    summary = verify(parser.parse_args().folder)
    print(json.dumps(summary))
    close = [summary[f"{name}_max_diff"] for name in ("latent", "audio")]
    good = all(value is not None and value < TOLERANCE for value in close)
    return 0 if good and summary["processed_equal"] and summary["sketch_equal"] else 1


if __name__ == "__main__":
    try:
        sys.exit(main())
    except SongBloomError as error:
        sys.exit(f"error: {error}")
