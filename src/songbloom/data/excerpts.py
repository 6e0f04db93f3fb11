"""Excerpts: whole songs, or sections of them with the lyrics that are sung there.

A section is a short song: its lyrics are sung from its first frame to its last. So songs that are
too long for the memory can be trained on in parts.
"""

import re
from collections.abc import Sequence
from dataclasses import replace
from typing import Literal, NamedTuple

from torch.utils.data import Dataset
from tqdm import tqdm

from songbloom.audio_format import FRAME_RATE
from songbloom.data.tar_index import SongSample, TarIndexDataset
from songbloom.lyrics import parse_lyrics
from songbloom.lyrics.sections import SECTION_SEPARATOR

ExcerptKind = Literal["songs", "sections", "songs_and_sections"]

_SECTION_BORDER = re.compile(rf" {SECTION_SEPARATOR} (?=\[)")
_PROGRESS_SONGS = 5_000


class Excerpt(NamedTuple):
    """Frames `start` to `end` of a song of the dataset, and the section they are; None: a song."""

    song: int
    start: int
    end: int
    section: int | None


class ExcerptDataset(Dataset[SongSample]):
    """Excerpts of the songs of a split, in the order of the songs.

    Only sections with words become excerpts, and only in songs whose lyrics and phonemes have as
    many parts as the record has sections; `num_unmatched` counts the other songs.

    Args:
        songs: The split.
        kind: Whole songs, their sections, or both.
        min_frames: Shorter sections are left out.
    """

    def __init__(
        self, songs: TarIndexDataset, kind: ExcerptKind = "songs", *, min_frames: int = 1
    ) -> None:
        self._songs = songs
        self.num_unmatched = 0
        self.excerpts: list[Excerpt] = []
        progress = tqdm(
            enumerate(songs.num_frames),
            total=len(songs),
            desc="finding sections",
            disable=kind == "songs" or len(songs) < _PROGRESS_SONGS,
        )
        for song, num_frames in progress:
            if kind != "sections":
                self.excerpts.append(Excerpt(song, 0, num_frames, None))
            if kind != "songs":
                self.excerpts += self._sung_sections(song, num_frames, min_frames)

    def _sung_sections(self, song: int, num_frames: int, min_frames: int) -> list[Excerpt]:
        record = self._songs.record(song)
        phonemes = _sections(record.phonemes)
        num_sections = len(parse_lyrics(record.lyrics).sections)
        if not num_sections == len(phonemes) == len(record.sections):
            self.num_unmatched += 1
            return []
        found = []
        for number, (part, section) in enumerate(zip(phonemes, record.sections, strict=True)):
            start = round(section.start * FRAME_RATE)
            end = min(round(section.end * FRAME_RATE), num_frames)
            if _has_words(part) and end - start >= min_frames:
                found.append(Excerpt(song, start, end, number))
        return found

    @property
    def num_frames(self) -> Sequence[int]:
        """Frames of each excerpt."""
        return [excerpt.end - excerpt.start for excerpt in self.excerpts]

    def __len__(self) -> int:
        return len(self.excerpts)

    def __getitem__(self, item: int) -> SongSample:
        excerpt = self.excerpts[item]
        sample = self._songs[excerpt.song]
        if excerpt.section is None:
            return sample
        record, number = sample.record, excerpt.section
        duration = (excerpt.end - excerpt.start) / FRAME_RATE
        return replace(
            sample,
            record=replace(
                record,
                key=f"{record.key}_{number}",
                lyrics=parse_lyrics(record.lyrics).sections[number].canonical(),
                phonemes=_sections(record.phonemes)[number],
                sections=(replace(record.sections[number], start=0.0, end=duration),),
                duration=duration,
                extra={},
            ),
            latents=sample.latents[:, excerpt.start : excerpt.end],
            sketch=sample.sketch[excerpt.start : excerpt.end],
        )


def _sections(phonemes: str) -> list[str]:
    """The sections of phoneme text; a comma within a sentence parts none."""
    return _SECTION_BORDER.split(phonemes)


def _has_words(phonemes: str) -> bool:
    return any(not symbol.startswith("[") for symbol in phonemes.split())
