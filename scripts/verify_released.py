"""Make a released folder's expected songs and compare: `python scripts/verify_released.py FOLDER`.

FOLDER holds a model as it is released, a `prompt.*`, `expected.json` (name, lyrics, generation,
processed) and `expected.safetensors` (`sketch_i`, `latent_i`, `noise_i`, `audio_i`): what the
published sampler returned. The songs are made by the pipeline that users call, with the stored
noise, and the posterior's mean for the prompt. One line per song, last a JSON line; exit status 1
where a difference reaches 1e-4.
"""

import argparse
import json
import sys
from collections.abc import Mapping
from dataclasses import replace
from pathlib import Path
from typing import Any

from torch import Tensor

from songbloom.audio_format import FRAME_RATE
from songbloom.errors import SongBloomError
from songbloom.pipeline import SongBloomPipeline
from songbloom.released import find_config, settings_from_released
from songbloom.released.folder import GRACE_SECONDS
from songbloom.released.resolvers import read_released_yaml
from songbloom.weights import load_safetensors

TOLERANCE = 1e-4


def largest_difference(expected: Tensor, found: Tensor) -> float | None:
    """The largest difference, or None where the shapes differ."""
    if expected.shape != found.shape:
        return None
    return float((expected - found).abs().max())


def verify(folder: Path) -> dict[str, Any]:
    """Make every song; return the summary that is printed last."""
    try:
        expected = json.loads((folder / "expected.json").read_text(encoding="utf-8"))
        lyrics, processed = expected["lyrics"], expected["processed"]
    except (OSError, ValueError, KeyError, TypeError) as error:
        raise SongBloomError(
            f"{folder / 'expected.json'} cannot be read ({error}); it lists lyrics and processed."
        ) from error
    tensors = load_safetensors(folder / "expected.safetensors")
    prompts = sorted(folder.glob("prompt.*"))
    if not prompts:
        raise SongBloomError(f"{folder} holds no prompt.flac or other prompt.*; put it there.")
    config = find_config(folder, expected.get("name"))
    pipeline = SongBloomPipeline.from_pretrained(config, device="cpu")
    generation: Mapping[str, Any] = {
        **(read_released_yaml(config).get("inference") or {}),
        **expected.get("generation", {}),
    }
    settings = replace(settings_from_released(generation), sample_prompt=False)
    max_seconds = pipeline.card.max_seconds - GRACE_SECONDS
    if "max_frames" in generation:
        max_seconds = generation["max_frames"] / FRAME_RATE

    summary: dict[str, Any] = {"processed_equal": True, "sketch_equal": True}
    differences: dict[str, list[float | None]] = {"latent": [], "audio": []}
    for index, (lyric, wanted) in enumerate(zip(lyrics, processed, strict=True)):
        noise = tensors[f"noise_{index}"]
        song = pipeline(
            lyric,
            prompts[0],
            settings=settings,
            max_seconds=max_seconds,
            noise=noise.__getitem__,
        )
        same_text = pipeline.phonemize(lyric) == wanted
        same_sketch = song.sketch.tolist() == tensors[f"sketch_{index}"][0].tolist()
        latent = largest_difference(tensors[f"latent_{index}"][0], song.latents)
        audio = largest_difference(tensors[f"audio_{index}"], song.audio)
        summary["processed_equal"] &= same_text
        summary["sketch_equal"] &= same_sketch
        differences["latent"].append(latent)
        differences["audio"].append(audio)
        print(
            f"song {index}: {song.seconds:.2f} s, processed {'equal' if same_text else 'DIFFERS'}, "
            f"sketch {'equal' if same_sketch else 'DIFFERS'}, latents {latent}, audio {audio}"
        )
    for name, values in differences.items():
        # JSON has no infinity: null stands for songs of another length.
        found = [value for value in values if value is not None]
        summary[f"{name}_max_diff"] = max(found) if len(found) == len(values) else None
    return summary


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
