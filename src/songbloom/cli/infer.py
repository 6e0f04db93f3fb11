"""Make songs: `python infer.py --checkpoint CKPT --lyrics song.txt --prompt style.wav`.

Or many: `python infer.py --input-jsonl songs.jsonl --model-name songbloom_full_150s`.
"""

import argparse
import sys
import warnings
from collections.abc import Sequence
from pathlib import Path
from tempfile import NamedTemporaryFile

import torch
from tqdm import tqdm

from songbloom.cli.options import build_parser
from songbloom.cli.requests import BadRow, SongRequest, read_rows, read_text
from songbloom.cli.session import Session, plan_jobs
from songbloom.errors import SongBloomError, SongBloomWarning


def read_requests(arguments: argparse.Namespace) -> list[SongRequest | BadRow]:
    """The songs that are asked for, in order.

    Raises:
        SongBloomError: nothing is asked for, or too much; or the one song cannot be made.
    """
    sources = ("input_jsonl", "input_csv", "lyrics", "lyrics_text")
    given = [name for name in sources if getattr(arguments, name) is not None]
    if len(given) != 1:
        raise SongBloomError(
            "Give one of --lyrics, --lyrics-text, --input-jsonl and --input-csv, "
            f"not {len(given)} of them."
        )
    if given[0].startswith("input"):
        if arguments.output:
            raise SongBloomError("--output names one song; give --output-dir for a list.")
        return read_rows(getattr(arguments, given[0]))
    if not arguments.prompt:
        raise SongBloomError("A song needs --prompt, an audio file of the wanted style.")
    lyrics = arguments.lyrics_text
    if lyrics is None:
        lyrics = read_text(arguments.lyrics)
    idx = "song"
    if arguments.output:
        idx = Path(arguments.output).stem
    elif arguments.lyrics not in (None, "-"):
        idx = Path(arguments.lyrics).stem
    return [SongRequest(idx=idx, lyrics=lyrics, prompt=Path(arguments.prompt))]


def check_writable(folder: Path) -> None:
    """Find out before songs are made, not after, whether they can be written.

    Raises:
        SongBloomError: they cannot.
    """
    try:
        folder.mkdir(parents=True, exist_ok=True)
        with NamedTemporaryFile(dir=folder):
            pass
    except OSError as error:
        raise SongBloomError(
            f"{folder} cannot be written to ({error.strerror}); name another place."
        ) from error


def run(arguments: argparse.Namespace) -> int:
    """Make what was asked for; return how many rows failed."""
    requests = read_requests(arguments)
    single = len(requests) == 1 and not (arguments.input_jsonl or arguments.input_csv)
    jobs = [
        job
        for item in requests
        if isinstance(item, SongRequest)
        for job in plan_jobs(arguments, item)
    ]
    failed = 0
    for item in requests:
        if isinstance(item, BadRow):
            failed += 1
            report(str(item))
    if not jobs:
        return failed
    for folder in {job.audio.parent for job in jobs}:
        check_writable(folder)
    session = Session(arguments)
    for number, job in enumerate(jobs, start=1):
        title = f"song {number} of {len(jobs)} ({job.audio.stem})"
        try:
            session.run(job, title)
        except (SongBloomError, ValueError, OSError, torch.OutOfMemoryError) as error:
            if single:
                raise SongBloomError(str(error)) from error
            failed += 1
            report(f"{job.audio.stem}: {error}")
    return failed


def report(sentence: str) -> None:
    """Say what went wrong, above any progress bar."""
    tqdm.write(f"error: {sentence}", file=sys.stderr)


def main(argv: Sequence[str] | None = None) -> int:
    """Run; exit status 0, 1 where some rows failed, 2 for a mistake that stops all."""
    arguments = build_parser().parse_intermixed_args(argv)
    warnings.simplefilter("always", SongBloomWarning)
    with warnings.catch_warnings():
        warnings.showwarning = _show_warning
        try:
            failed = run(arguments)
        except SongBloomError as error:
            report(str(error))
            return 2
        except KeyboardInterrupt:
            report("stopped; the same command goes on with the songs that are not there yet.")
            return 130
    if failed:
        report(f"{failed} of the songs could not be made; the others are there.")
    return 1 if failed else 0


def _show_warning(message: Warning | str, category: type[Warning], *_place: object) -> None:
    if issubclass(category, SongBloomWarning):
        tqdm.write(f"warning: {message}", file=sys.stderr)


if __name__ == "__main__":
    sys.exit(main())
