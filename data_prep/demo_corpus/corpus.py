"""Writes renditions to a folder as FLAC and JSON, in parallel, and goes on where it stopped."""

import json
from collections.abc import Sequence
from concurrent.futures import FIRST_COMPLETED, ProcessPoolExecutor, wait
from dataclasses import asdict
from itertools import groupby
from multiprocessing import get_context
from pathlib import Path

import numpy as np
import soundfile
from tqdm import tqdm

from data_prep.demo_corpus.instruments import SAMPLE_RATE
from data_prep.demo_corpus.plan import Rendition
from data_prep.demo_corpus.render import render
from songbloom.whole_file import whole_file


def _write_flac(path: Path, samples: np.ndarray) -> None:
    """Write (S,) or (2, S) as 16-bit FLAC, whole or not at all."""
    pcm = np.round(samples.T * 32767).astype(np.int16)
    with whole_file(path) as temporary:
        soundfile.write(temporary, pcm, SAMPLE_RATE, subtype="PCM_16", format="FLAC")


def _paths(folder: Path, rendition: Rendition, vocals: bool) -> list[Path]:
    """The files of a rendition; the JSON comes last, and marks it as complete."""
    names = [f"{rendition.key}.flac", f"{rendition.key}.json"]
    if vocals:
        names.insert(0, f"{rendition.key}.vocal.flac")
    return [folder / name for name in names]


def is_complete(folder: Path, rendition: Rendition, vocals: bool) -> bool:
    """Whether the rendition's files are there and belong to this very performance."""
    paths = _paths(folder, rendition, vocals)
    if not all(path.is_file() for path in paths):
        return False
    made = json.loads(paths[-1].read_text(encoding="utf-8"))
    wanted = {
        "seed": rendition.seed,
        "freedom": asdict(rendition.freedom),
        "words_exchanged": rendition.words_exchanged,
    }
    return all(made.get(name) == value for name, value in wanted.items())


def write_rendition(folder: Path, rendition: Rendition, vocals: bool) -> None:
    """Render and write `KEY.flac`, `KEY.json` and, for `vocals`, `KEY.vocal.flac`."""
    performance = render(rendition)
    paths = _paths(folder, rendition, vocals)
    if vocals:
        _write_flac(paths[0], performance.voice)
    _write_flac(paths[-2], performance.mix)
    text = json.dumps(performance.description, ensure_ascii=False, indent=1)
    with whole_file(paths[-1]) as temporary:
        temporary.write_text(text + "\n", encoding="utf-8")


def _write_all(folder: Path, renditions: Sequence[Rendition], vocals: bool) -> None:
    for rendition in renditions:
        write_rendition(folder, rendition, vocals)


def write_corpus(
    folder: Path, renditions: Sequence[Rendition], workers: int = 1, vocals: bool = False
) -> int:
    """Render what is not yet in `folder`; returns how many renditions were made.

    The renditions of a song go to one worker after another, so that its words are analysed once.
    Raises SongBloomError if a song breaks the notation or a package is missing.
    """
    folder.mkdir(parents=True, exist_ok=True)
    missing = [r for r in renditions if not is_complete(folder, r, vocals)]
    missing.sort(key=lambda rendition: (rendition.song, rendition.number))
    marks = [_paths(folder, rendition, vocals)[-1] for rendition in missing]
    for mark in marks:
        mark.unlink(missing_ok=True)
    batches = [list(group) for _, group in groupby(missing, key=lambda rendition: rendition.song)]
    pool = ProcessPoolExecutor(workers, mp_context=get_context("spawn"))
    with tqdm(total=len(missing), unit="song", desc="Rendering") as bar:
        try:
            pending = {pool.submit(_write_all, folder, batch, vocals) for batch in batches}
            while pending:
                done, pending = wait(pending, timeout=1, return_when=FIRST_COMPLETED)
                for job in done:
                    job.result()
                bar.update(sum(mark.is_file() for mark in marks) - bar.n)
        finally:
            pool.shutdown(cancel_futures=True)
    return len(missing)
