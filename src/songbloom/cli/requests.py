"""What the command line is asked for: one song, or the rows of a JSONL or CSV file."""

import csv
import io
import json
import sys
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Literal

from songbloom.errors import SongBloomError
from songbloom.lyrics import read_lyrics
from songbloom.pipeline import MAX_SEED

REQUIRED = ("idx", "lyrics", "prompt_wav")
"""Columns of a row, by their published names."""

MAX_NAME = 200
"""Bytes of an `idx`, which becomes a file's name."""


@dataclass(frozen=True, kw_only=True)
class SongRequest:
    """One song that is wanted.

    Attributes:
        idx: names its files.
        lyrics: as they were given.
        prompt: audio file of the style.
        seed: of its first sample, where the row gives one.
        where: its place in a list, for what is said about it.

    Raises:
        SongBloomError: a name that is no plain file name, bad lyrics, or no such prompt.
    """

    idx: str
    lyrics: str
    prompt: Path
    seed: int | None = None
    where: str = ""

    def __post_init__(self) -> None:
        plain = self.idx.isprintable() and Path(self.idx).name == self.idx and "\\" not in self.idx
        if (
            not self.idx
            or not plain
            or self.idx.startswith(".")
            or len(self.idx.encode()) > MAX_NAME
        ):
            raise SongBloomError(
                f"idx {self.idx[:60]!r} cannot name a file; use letters, digits, - and _."
            )
        read_lyrics(self.lyrics)  # a mistake in them should not wait for the weights to load
        if not self.prompt.is_file():
            raise SongBloomError(f"the prompt {self.prompt} is not a file; give an audio file.")


@dataclass(frozen=True, kw_only=True)
class BadRow:
    """A row that no song can be made from: where it stands, and the sentence that says why."""

    where: str
    reason: str

    def __str__(self) -> str:
        return f"{self.where}: {self.reason}"


def read_text(source: str) -> str:
    """A text file, or standard input for `-`.

    Raises:
        SongBloomError: no such file, or not UTF-8.
    """
    try:
        data = sys.stdin.buffer.read() if source == "-" else Path(source).read_bytes()
        return data.decode("utf-8-sig")
    except OSError as error:
        raise SongBloomError(f"The file {source} cannot be read: {error.strerror}.") from error
    except UnicodeDecodeError as error:
        raise SongBloomError(f"The file {source} is not UTF-8 text; save it as such.") from error


def read_rows(source: str, kind: Literal["jsonl", "csv"]) -> list[SongRequest | BadRow]:
    """The rows of a file of JSON lines or of comma-separated values.

    Raises:
        SongBloomError: the file cannot be read, or holds no row.
    """
    text = read_text(source)
    rows = _csv_rows(text) if kind == "csv" else _json_rows(text)
    folder = Path() if source == "-" else Path(source).parent
    read: list[SongRequest | BadRow] = []
    taken: set[str] = set()
    for line, row in rows:
        where = f"{source}, line {line}"
        try:
            if isinstance(row, str):
                raise SongBloomError(row)
            request = _request(row, folder, where)
            if request.idx in taken:
                raise SongBloomError(f"idx {request.idx!r} stands twice; name every song anew.")
        except SongBloomError as error:
            read.append(BadRow(where=where, reason=str(error)))
        else:
            taken.add(request.idx)
            read.append(request)
    if not read:
        raise SongBloomError(f"{source} holds no rows; give one song a line.")
    return read


def _json_rows(text: str) -> Iterator[tuple[int, Mapping[str, Any] | str]]:
    """Line numbers, each with its object or what is wrong with it."""
    # Not splitlines: JSON may hold line separators of Unicode inside a string.
    for number, line in enumerate(text.split("\n"), start=1):
        if not line.strip():
            continue
        try:
            row = json.loads(line)
        except (ValueError, RecursionError) as error:
            yield number, f"not JSON ({error}); each line must be one JSON object."
            continue
        yield number, row if isinstance(row, dict) else "not a JSON object."


def _csv_rows(text: str) -> Iterator[tuple[int, Mapping[str, Any] | str]]:
    """Last line numbers of rows, each with its columns by the names of the first line."""
    csv.field_size_limit(max(csv.field_size_limit(), len(text)))  # long lyrics are told as such
    reader = csv.DictReader(io.StringIO(text, newline=""), strict=True)
    while True:
        try:
            row = next(reader)
        except StopIteration:
            return
        except csv.Error as error:
            # Where a quote is not closed, nobody can tell where the next row begins.
            yield reader.line_num, f"not CSV ({error}); the rows after it were not read."
            return
        yield reader.line_num, row


def _request(row: Mapping[str, Any], folder: Path, where: str) -> SongRequest:
    for name in REQUIRED:
        value = row.get(name)
        if not isinstance(value, str) and not (name == "idx" and type(value) is int):
            raise SongBloomError(f"{name} is missing or no text; a row has {', '.join(REQUIRED)}.")
    prompt = Path(row["prompt_wav"])
    if not prompt.is_absolute() and not prompt.is_file() and (folder / prompt).is_file():
        prompt = folder / prompt
    return SongRequest(
        idx=str(row["idx"]),
        lyrics=row["lyrics"],
        prompt=prompt,
        seed=_seed(row.get("seed")),
        where=where,
    )


def _seed(value: Any) -> int | None:
    """A row's seed: a whole number, also as text."""
    if value is None or value == "":
        return None
    if type(value) is int or (isinstance(value, str) and value.strip().isdecimal()):
        seed = int(value) if len(str(value)) < 20 else MAX_SEED
        if 0 <= seed < MAX_SEED:
            return seed
    raise SongBloomError(
        f"seed is {str(value)[:30]!r}; it must be a whole number from 0 to 2^63 - 1."
    )
