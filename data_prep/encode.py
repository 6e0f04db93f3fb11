"""Encodes songs (audio + JSON) to shards: python -m data_prep.encode --corpus DIR --output DIR."""

import argparse
import json
import sys
from collections import Counter
from collections.abc import Callable, Iterator, Sequence
from concurrent.futures import ProcessPoolExecutor
from contextlib import contextmanager
from dataclasses import asdict, dataclass
from multiprocessing import get_context
from pathlib import Path
from typing import get_args

import torch
from tqdm import tqdm

from data_prep.shard_plan import (
    FinishedShard,
    QuarantinedSong,
    ShardPlan,
    find_songs,
    finished_shard,
    note_path,
    plan_shards,
    remove_other_shards,
)
from data_prep.song_encoder import EncodedSong, SongEncoder, SongFiles
from songbloom.codec.files import load_codec
from songbloom.data.index import INDEX_NAME, DatasetIndex
from songbloom.data.schema import SCHEMA_VERSION, DatasetError
from songbloom.data.shards import ShardWriter
from songbloom.errors import SongBloomError
from songbloom.lyrics import Mode, Vocabulary
from songbloom.sketch.files import load_sketch_tokenizer
from songbloom.whole_file import whole_file

QUARANTINE_NAME = "quarantine.jsonl"


@dataclass(frozen=True, kw_only=True)
class EncodeConfig:
    """What to encode with; `codec` and `sketch` are names of embedded ones, or files.

    `vocabulary` is a YAML list of phonemes, None the built-in one; `shard_songs` the most songs
    in a shard; `workers` the processes, each of one thread; one worker is this process itself.
    """

    corpus: Path
    output: Path
    codec: str = "spectral-demo"
    sketch: str = "chroma-demo"
    vocabulary: Path | None = None
    g2p: Mode = "natural"
    num_prompts: int = 4
    shard_songs: int = 64
    keep_audio: bool = False
    workers: int = 2
    seed: int = 0

    def __post_init__(self) -> None:
        for name in ("num_prompts", "shard_songs", "workers"):
            if getattr(self, name) < 1:
                raise SongBloomError(f"{name} must be at least 1, not {getattr(self, name)}.")
        if self.seed < 0:
            raise SongBloomError(f"seed must not be negative, but it is {self.seed}.")
        if self.g2p not in get_args(Mode):
            raise SongBloomError(f"g2p must be one of {get_args(Mode)}, not {self.g2p!r}.")

    def load_encoder(self) -> SongEncoder:
        """Load codec, sketch tokeniser and vocabulary."""
        chosen = self.vocabulary
        return SongEncoder(
            codec=load_codec(self.codec),
            sketch=load_sketch_tokenizer(self.sketch),
            vocabulary=Vocabulary.from_yaml(chosen) if chosen else Vocabulary.default(),
            g2p=self.g2p,
            num_prompts=self.num_prompts,
            seed=self.seed,
            keep_audio=self.keep_audio,
        )


EncodeAll = Callable[[Sequence[SongFiles]], Iterator[EncodedSong | QuarantinedSong]]

_worker_encoder: SongEncoder | None = None  # one in each worker process


def _start_worker(config: EncodeConfig) -> None:
    global _worker_encoder
    torch.set_num_threads(1)
    _worker_encoder = config.load_encoder()


def _encode_song(
    files: SongFiles, encoder: SongEncoder | None = None
) -> EncodedSong | QuarantinedSong:
    encoder = encoder or _worker_encoder
    assert encoder is not None
    try:
        return encoder.encode(files)
    # ValueError and RuntimeError are what libraries raise at values that no check foresaw; one
    # song must not end a run over thousands.
    except (ValueError, RuntimeError, OSError) as error:
        reason = str(error) if isinstance(error, SongBloomError) else repr(error)
        return QuarantinedSong(key=files.key, reason=reason)


def encode_corpus(config: EncodeConfig) -> tuple[DatasetIndex, list[QuarantinedSong]]:
    """Write a dataset folder; what an earlier run wrote of the same inputs stays.

    Returns the index, and the songs that were left out.

    Raises:
        SongBloomError: If an encoder cannot be loaded, or no song remains.
    """
    songs, quarantined = find_songs(config.corpus)
    encoder = config.load_encoder()
    config.output.mkdir(parents=True, exist_ok=True)
    plans = plan_shards(songs, shard_songs=config.shard_songs, settings=_settings(config, encoder))
    notes = {plan.name: finished_shard(config.output, plan) for plan in plans}
    missing = [plan for plan in plans if notes[plan.name] is None]
    # A folder without an index is unfinished: from here to the end there is none.
    (config.output / INDEX_NAME).unlink(missing_ok=True)
    remove_other_shards(config.output, plans)
    for plan, note in zip(missing, _encode_shards(config, encoder, missing), strict=True):
        notes[plan.name] = note
    finished = [note for note in notes.values() if note is not None]
    quarantined += [song for note in finished for song in note.quarantined]
    _write_quarantine(config.output, quarantined)
    shards = tuple(note.shard for note in finished if note.shard is not None)
    if not shards:
        raise DatasetError(
            f"No song of {config.corpus} could be encoded; {config.output / QUARANTINE_NAME} "
            f"says why of each, the first: {quarantined[0].key}: {quarantined[0].reason}"
        )
    index = DatasetIndex(
        folder=config.output,
        shards=shards,
        vocabulary=encoder.vocabulary.symbols,
        codec_fingerprint=encoder.codec.fingerprint,
        sketch_fingerprint=encoder.sketch.fingerprint,
        latent_dim=encoder.codec.latent_dim,
        num_codes=encoder.sketch.num_codes,
        num_prompts=config.num_prompts,
        g2p=config.g2p,
    )
    index.save()
    return index, quarantined


def _settings(config: EncodeConfig, encoder: SongEncoder) -> str:
    """Everything besides the songs that a shard's bytes depend on."""
    return json.dumps(
        {
            "schema_version": SCHEMA_VERSION,
            "codec": encoder.codec.fingerprint,
            "sketch": encoder.sketch.fingerprint,
            "vocabulary": encoder.vocabulary.fingerprint,
            "g2p": config.g2p,
            "num_prompts": config.num_prompts,
            "seed": config.seed,
            "keep_audio": config.keep_audio,
        }
    )


def _encode_shards(
    config: EncodeConfig, encoder: SongEncoder, plans: Sequence[ShardPlan]
) -> Iterator[FinishedShard]:
    total = sum(len(plan.songs) for plan in plans)
    if not total:
        return
    with (
        tqdm(total=total, desc="Encoding", unit="song") as progress,
        _pool(config, encoder, total) as encode_all,
    ):
        for plan in plans:
            results = encode_all(plan.songs)
            yield _write_shard(config, encoder, plan, results, progress)


@contextmanager
def _pool(config: EncodeConfig, encoder: SongEncoder, num_songs: int) -> Iterator[EncodeAll]:
    """Give a function that encodes songs in order, in worker processes if more than one help."""
    num_workers = min(config.workers, num_songs)
    if num_workers == 1:
        yield lambda songs: (_encode_song(files, encoder) for files in songs)
        return
    with ProcessPoolExecutor(
        num_workers,
        mp_context=get_context("spawn"),
        initializer=_start_worker,
        initargs=(config,),
    ) as pool:
        yield lambda songs: pool.map(_encode_song, songs)


def _write_shard(
    config: EncodeConfig,
    encoder: SongEncoder,
    plan: ShardPlan,
    results: Iterator[EncodedSong | QuarantinedSong],
    progress: tqdm,
) -> FinishedShard:
    # A shard that is replaced must not be taken for finished if this run stops on the way.
    note_path(config.output, plan.name).unlink(missing_ok=True)
    quarantined = []
    with ShardWriter(
        config.output,
        plan.name,
        split=plan.split,
        latent_dim=encoder.codec.latent_dim,
        num_codes=encoder.sketch.num_codes,
        num_prompts=config.num_prompts,
    ) as writer:
        for result in results:
            progress.update()
            try:
                if isinstance(result, QuarantinedSong):
                    raise DatasetError(result.reason)
                writer.write(
                    result.record,
                    latents=result.latents,
                    sketch=result.sketch,
                    prompts=result.prompts,
                    flac=result.flac,
                )
            except DatasetError as error:
                key = result.key if isinstance(result, QuarantinedSong) else result.record.key
                quarantined.append(QuarantinedSong(key=key, reason=str(error)))
        shard = writer.close()
    if not shard.samples:
        (config.output / plan.name).unlink()
    note = FinishedShard(
        inputs=plan.inputs,
        shard=shard if shard.samples else None,
        quarantined=tuple(quarantined),
    )
    note.save(config.output, plan.name)
    return note


def _write_quarantine(folder: Path, quarantined: Sequence[QuarantinedSong]) -> None:
    lines = [json.dumps(asdict(song), ensure_ascii=False) + "\n" for song in quarantined]
    with whole_file(folder / QUARANTINE_NAME) as temporary:
        temporary.write_text("".join(lines), "utf-8")


def _report(index: DatasetIndex, quarantined: Sequence[QuarantinedSong]) -> None:
    songs = Counter[str]()
    for shard in index.shards:
        songs[shard.split] += shard.samples
    counts = ", ".join(f"{count} {split}" for split, count in sorted(songs.items()))
    minutes = index.total_seconds / 60
    print(f"{index.folder}: {counts} songs, {minutes:.1f} minutes, {len(index.shards)} shards.")
    if quarantined:
        print(f"Left out {len(quarantined)} songs (all in {index.folder / QUARANTINE_NAME}):")
        for song in quarantined[:10]:
            print(f"  {song.key}: {song.reason}")


def main() -> int:
    """Command line; returns the exit status."""
    parser = argparse.ArgumentParser(prog="python -m data_prep.encode", description=__doc__)
    parser.add_argument("--corpus", type=Path, required=True, help="folder of audio + JSON")
    parser.add_argument("--output", type=Path, required=True, help="dataset folder")
    parser.add_argument("--codec", default="spectral-demo", help="embedded name or file")
    parser.add_argument("--sketch", default="chroma-demo", help="embedded name or file")
    parser.add_argument("--vocabulary", type=Path, help="YAML list of phonemes")
    parser.add_argument("--g2p", choices=get_args(Mode), default="natural")
    parser.add_argument("--num-prompts", type=int, default=4, help="style prompts of each song")
    parser.add_argument("--shard-songs", type=int, default=64, help="songs in a shard, at most")
    parser.add_argument("--keep-audio", action="store_true", help="put the FLAC into the shards")
    parser.add_argument("--workers", type=int, default=2, help="processes of one thread each")
    parser.add_argument("--seed", type=int, default=0, help="places of the style prompts")
    try:
        config = EncodeConfig(**vars(parser.parse_args()))
        index, quarantined = encode_corpus(config)
    except SongBloomError as error:
        print(error, file=sys.stderr)
        return 2
    except OSError as error:
        print(f"The dataset could not be written: {error}.", file=sys.stderr)
        return 2
    _report(index, quarantined)
    return 0


if __name__ == "__main__":
    sys.exit(main())
