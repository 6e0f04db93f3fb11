"""The JSON beside a song: everything needed to make it again, and whether that was done already."""

import hashlib
import json
from collections.abc import Iterable
from functools import lru_cache
from pathlib import Path
from typing import Any

import songbloom
from songbloom.cli.requests import SongRequest
from songbloom.errors import SongBloomError
from songbloom.lyrics import read_lyrics
from songbloom.pipeline import Song, SongBloomPipeline
from songbloom.sampling import GenerationSettings
from songbloom.whole_file import whole_file


def describe(
    request: SongRequest,
    pipeline: SongBloomPipeline,
    *,
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
        "prompt_sha256": _prompt_sha256(request.prompt),
        "seed": seed,
        "max_seconds": max_seconds,
        "sampling": settings.to_dict(),
        "model_fingerprint": pipeline.fingerprint,
        "codec_fingerprint": card.codec.fingerprint,
        "dtype": str(pipeline.model.bos.dtype).removeprefix("torch."),
        "device": pipeline.device.type,
    }


class Record:
    """The JSON of one song: its recipe, where its parts lay, its files with their SHA-256.

    Args:
        path: of the JSON, beside the song.

    Raises:
        SongBloomError: there is a JSON of that name which is no record of a song.
    """

    def __init__(self, path: Path) -> None:
        self.path = path
        self._data: dict[str, Any] = {}
        if not path.exists():
            return
        try:
            data = json.loads(path.read_text(encoding="utf-8"))
        except (OSError, ValueError, RecursionError):
            data = None
        if not isinstance(data, dict) or not isinstance(data.get("files"), dict):
            raise SongBloomError(
                f"{path} is there and is no record of a song; name another output, or move it."
            )
        self._data = data

    def vouches_for(self, recipe: dict[str, Any], files: Iterable[Path]) -> bool:
        """Whether these files were made by this recipe, and are as they were made."""
        made = self._files_of(recipe)
        return all(file.is_file() and made.get(file.name) == _sha256(file) for file in files)

    def write(
        self,
        recipe: dict[str, Any],
        sources: dict[str, Any],
        song: Song,
        files: Iterable[Path],
        elapsed: float,
    ) -> None:
        """Write it, after the song's files: it tells that they are whole.

        Files that the same recipe made before stay in it.
        """
        made = self._files_of(recipe) | {file.name: _sha256(file) for file in files}
        result = {
            "seconds": round(song.seconds, 3),
            "ended": song.ended,
            "sample_rate": song.sample_rate,
            "elapsed": round(elapsed, 2),
            "real_time_factor": round(elapsed / song.seconds, 3),
        }
        data = {"recipe": recipe, "sources": sources, "result": result, "files": made}
        with whole_file(self.path) as temporary:
            text = json.dumps(data, ensure_ascii=False, indent=1)
            temporary.write_text(text + "\n", encoding="utf-8")

    def _files_of(self, recipe: dict[str, Any]) -> dict[str, str]:
        return self._data["files"] if self._data.get("recipe") == recipe else {}


def _sha256(path: Path) -> str:
    with path.open("rb") as file:
        return hashlib.file_digest(file, "sha256").hexdigest()


# Many rows may share a prompt, which is read once a run; songs change, and are read each time.
_prompt_sha256 = lru_cache(maxsize=256)(_sha256)
