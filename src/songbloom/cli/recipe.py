"""The JSON beside a song: everything needed to make it again, and whether that was done already."""

import hashlib
import json
from collections.abc import Sequence
from functools import lru_cache
from pathlib import Path
from typing import Any

import songbloom
from songbloom.cli.requests import SongRequest
from songbloom.lyrics import read_lyrics
from songbloom.pipeline import Song, SongBloomPipeline
from songbloom.sampling import GenerationSettings
from songbloom.whole_file import whole_file


def describe(
    request: SongRequest,
    pipeline: SongBloomPipeline,
    *,
    source: str,
    seed: int,
    settings: GenerationSettings,
    max_seconds: float,
) -> dict[str, Any]:
    """What decides a song, as plain data; equal recipes make equal songs on one machine."""
    reading = read_lyrics(request.lyrics)
    card = pipeline.card
    return {
        "songbloom": songbloom.__version__,
        "lyrics": request.lyrics,
        "lyrics_read": reading.lyrics.canonical(card.tag_seconds),
        "lyrics_changes": [str(change) for change in reading.changes],
        "phonemes": pipeline.phonemize(request.lyrics),
        "prompt": str(request.prompt),
        "prompt_sha256": _sha256(request.prompt),
        "seed": seed,
        "max_seconds": max_seconds,
        "sampling": settings.to_dict(),
        "model": source,
        "model_fingerprint": pipeline.fingerprint,
        "codec": vars(card.codec),
        "dtype": str(pipeline.model.bos.dtype).removeprefix("torch."),
        "device": pipeline.device.type,
    }


def is_done(path: Path, recipe: dict[str, Any], files: Sequence[Path]) -> bool:
    """Whether this recipe's song and all its files are there."""
    try:
        record = json.loads(path.read_text(encoding="utf-8"))
    except (OSError, ValueError):
        return False
    same = isinstance(record, dict) and record.get("recipe") == recipe
    return same and all(file.is_file() for file in files)


def write_record(path: Path, recipe: dict[str, Any], song: Song, elapsed: float) -> None:
    """Write the JSON, atomically and after the song: it tells that the song is whole."""
    result = {
        "seconds": round(song.seconds, 3),
        "ended": song.ended,
        "sample_rate": song.sample_rate,
        "elapsed": round(elapsed, 2),
        "real_time_factor": round(elapsed / song.seconds, 3),
    }
    text = json.dumps({"recipe": recipe, "result": result}, ensure_ascii=False, indent=1)
    with whole_file(path) as temporary:
        temporary.write_text(text + "\n", encoding="utf-8")


@lru_cache(maxsize=256)
def _sha256(path: Path) -> str:
    with path.open("rb") as file:
        return hashlib.file_digest(file, "sha256").hexdigest()
