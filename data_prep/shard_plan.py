"""Which songs go to which shard, and whether a shard of an earlier run can stay."""

import hashlib
import json
from collections import defaultdict
from collections.abc import Sequence
from dataclasses import asdict, dataclass
from pathlib import Path

from tqdm import tqdm

from data_prep.song_encoder import SongFiles, read_description
from songbloom.data.schema import DatasetError
from songbloom.data.shards import ShardInfo, sha256_of
from songbloom.whole_file import whole_file

AUDIO_SUFFIXES = (".flac", ".wav", ".ogg", ".mp3")
_IGNORED_ENDING = ".vocal"  # the demo corpus writes the voice alone beside each song


@dataclass(frozen=True, kw_only=True)
class QuarantinedSong:
    """A song that was left out, and why."""

    key: str
    reason: str


@dataclass(frozen=True, kw_only=True)
class ShardPlan:
    """A shard to be: file name, split, songs in order, and a hash of all that it depends on."""

    name: str
    split: str
    songs: tuple[SongFiles, ...]
    inputs: str


@dataclass(frozen=True, kw_only=True)
class FinishedShard:
    """What a run notes beside a shard; `shard` is None where every song was left out."""

    inputs: str
    shard: ShardInfo | None
    quarantined: tuple[QuarantinedSong, ...]

    def save(self, folder: Path, name: str) -> None:
        """Write the note, whole or not at all."""
        with whole_file(note_path(folder, name)) as temporary:
            temporary.write_text(json.dumps(asdict(self), ensure_ascii=False, indent=1), "utf-8")


def note_path(folder: Path, name: str) -> Path:
    """Return where the note of a shard lies."""
    return folder / f"{name}.note.json"


def find_songs(corpus: Path) -> tuple[dict[str, list[SongFiles]], list[QuarantinedSong]]:
    """Find KEY.json with KEY.flac (or .wav, .ogg, .mp3); the songs of each split, and the misfits.

    Raises:
        DatasetError: If the folder holds no song.
    """
    audio = {
        path.stem: path
        for suffix in reversed(AUDIO_SUFFIXES)
        for path in corpus.glob(f"*{suffix}")
        if not path.stem.endswith(_IGNORED_ENDING)
    }
    descriptions = {path.stem: path for path in corpus.glob("*.json")}
    if not audio or not descriptions:
        raise DatasetError(
            f"{corpus} holds no pair of audio and JSON of one name; render a corpus into it with "
            f"data_prep.demo_corpus, or name another folder."
        )
    songs, misfits = defaultdict(list), []
    for key in sorted(audio.keys() | descriptions.keys()):
        try:
            if key not in audio or key not in descriptions:
                raise DatasetError(f"has no {'audio' if key not in audio else 'JSON'} file.")
            split = read_description(descriptions[key])["split"]
            files = SongFiles(key=key, audio=audio[key], description=descriptions[key])
            songs[str(split)].append(files)
        except DatasetError as error:
            misfits.append(QuarantinedSong(key=key, reason=str(error)))
    return dict(songs), misfits


def plan_shards(
    songs: dict[str, list[SongFiles]], *, shard_songs: int, settings: str
) -> list[ShardPlan]:
    """Deal the songs of each split to shards, mixed by a hash of their keys.

    `settings` says everything besides the songs that the shards depend on.
    """
    plans = []
    for split in sorted(songs):
        mixed = sorted(songs[split], key=lambda song: hashlib.sha256(song.key.encode()).digest())
        for first in range(0, len(mixed), shard_songs):
            part = tuple(mixed[first : first + shard_songs])
            name = f"{split}-{first // shard_songs:06d}.tar"
            plans.append(ShardPlan(name=name, split=split, songs=part, inputs=""))
    total = sum(len(plan.songs) for plan in plans)
    with tqdm(total=total, desc="Hashing inputs", unit="song") as progress:
        return [_with_inputs(plan, settings, progress) for plan in plans]


def _with_inputs(plan: ShardPlan, settings: str, progress: tqdm) -> ShardPlan:
    digest = hashlib.sha256(settings.encode())
    for song in plan.songs:
        hashes = (sha256_of(song.audio), sha256_of(song.description))
        digest.update(f"{song.key} {' '.join(hashes)}\n".encode())
        progress.update()
    return ShardPlan(name=plan.name, split=plan.split, songs=plan.songs, inputs=digest.hexdigest())


def finished_shard(folder: Path, plan: ShardPlan) -> FinishedShard | None:
    """Return the note of an earlier run if its shard is whole and of the same inputs."""
    path = note_path(folder, plan.name)
    if not path.is_file():
        return None
    try:
        values = json.loads(path.read_text("utf-8"))
        note = FinishedShard(
            inputs=values["inputs"],
            shard=ShardInfo(**values["shard"]) if values["shard"] else None,
            quarantined=tuple(QuarantinedSong(**song) for song in values["quarantined"]),
        )
    except (ValueError, KeyError, TypeError):
        return None
    if note.inputs != plan.inputs:
        return None
    if note.shard is None:
        return note
    shard = folder / plan.name
    whole = shard.is_file() and shard.stat().st_size == note.shard.bytes
    return note if whole and sha256_of(shard) == note.shard.sha256 else None


def remove_other_shards(folder: Path, plans: Sequence[ShardPlan]) -> None:
    """Remove shards of earlier runs that the plan does not hold: only such as have a note."""
    planned = {plan.name for plan in plans}
    for note in folder.glob("*.tar.note.json"):
        name = note.name.removesuffix(".note.json")
        if name not in planned:
            (folder / name).unlink(missing_ok=True)
            note.unlink()
