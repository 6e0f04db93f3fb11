"""Make songs: `python infer.py --checkpoint CKPT --lyrics song.txt --prompt style.wav`.

Or many: `python infer.py --input-jsonl songs.jsonl --model-name songbloom_full_150s`.
"""

import argparse
import sys
import warnings
from collections.abc import Iterator, Sequence
from itertools import count
from pathlib import Path
from tempfile import NamedTemporaryFile

from tqdm import tqdm

from songbloom.cli.options import build_parser
from songbloom.cli.requests import BadRow, SongRequest, read_rows, read_text
from songbloom.cli.session import Job, Session, output_file, plan_jobs
from songbloom.errors import SongBloomError, SongBloomWarning

FAULTS = (SongBloomError, ValueError, RuntimeError, OSError)
"""What one song may fail by while the others are made; torch's lack of memory is among them."""


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
        if arguments.output is not None:
            raise SongBloomError("--output names one song; give --output-dir for a list.")
        kind = "csv" if given[0] == "input_csv" else "jsonl"
        return read_rows(getattr(arguments, given[0]), kind)
    if not arguments.prompt:
        raise SongBloomError("A song needs --prompt, an audio file of the wanted style.")
    lyrics = arguments.lyrics_text
    if lyrics is None:
        lyrics = read_text(arguments.lyrics)
    idx = "song"
    if arguments.output is not None:
        idx = output_file(arguments.output, arguments.output_format).stem
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
    """Make what was asked for; return the exit status.

    Raises:
        SongBloomError: nothing can be made.
    """
    items = read_requests(arguments)
    planned = {
        item.idx: plan_jobs(arguments, item) for item in items if isinstance(item, SongRequest)
    }
    problems = [str(item) for item in items if isinstance(item, BadRow)]
    for problem in problems:
        report(problem)
    if not planned:
        raise SongBloomError("None of the songs can be made.")
    for folder in {job.audio.parent for jobs in planned.values() for job in jobs}:
        check_writable(folder)
    session = Session(arguments)
    numbers = count(1)
    total = sum(map(len, planned.values()))
    failed = len(problems)
    for jobs in planned.values():
        reasons = list(_make(session, jobs, numbers, total))
        where = jobs[0].request.where
        if reasons and not where:
            raise SongBloomError(reasons[0])
        failed += bool(reasons)
        for reason in reasons:
            report(f"{where}: {reason}")
    if failed:
        report(f"{failed} of {len(items)} rows could not be made whole; the others are there.")
    return 1 if failed else 0


def _make(session: Session, jobs: list[Job], numbers: Iterator[int], total: int) -> Iterator[str]:
    """Make the samples of one request; yield what went wrong."""
    titles = [f"song {next(numbers)} of {total} ({job.audio.stem})" for job in jobs]
    try:
        session.check(jobs[0].request)
    except FAULTS as error:
        yield _first_line(error)
        return
    for job, title in zip(jobs, titles, strict=True):
        try:
            session.run(job, title)
        except FAULTS as error:
            sample = f"{job.audio.stem}: " if len(jobs) > 1 else ""
            yield f"{sample}{_first_line(error)}"


def _first_line(error: Exception) -> str:
    return (str(error).splitlines() or [type(error).__name__])[0]


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
            return run(arguments)
        except SongBloomError as error:
            report(str(error))
            return 2
        except KeyboardInterrupt:
            report("stopped; the same command goes on with the songs that are not there yet.")
            return 130


def _show_warning(message: Warning | str, category: type[Warning], *_place: object) -> None:
    if issubclass(category, SongBloomWarning):
        tqdm.write(f"warning: {message}", file=sys.stderr)


if __name__ == "__main__":
    sys.exit(main())
