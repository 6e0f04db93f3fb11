"""Excerpts: the frames of a section go with its own lyrics, and with nothing else."""

from pathlib import Path

import pytest
import torch

from songbloom.data.batch import BatchFormat
from songbloom.data.excerpts import Excerpt, ExcerptDataset
from songbloom.data.module import DataConfig, SongDataModule
from songbloom.data.schema import Section
from songbloom.data.tar_index import TarIndexDataset

from .conftest import NUM_CODES, VOCABULARY, make_arrays, make_record, make_writer, write_index

SECTIONS = (
    Section(tag="verse", start=0.0, end=2.0),
    Section(tag="verse", start=2.0, end=2.4),
    Section(tag="verse", start=2.4, end=4.0),
)


@pytest.fixture
def songs(tmp_path: Path) -> TarIndexDataset:
    """Two songs of 100 frames: one of three sections, the middle one played; one that is odd."""
    changes = {"sections": SECTIONS, "lyrics": "[verse] la , [verse] , [verse] la la"}
    writer = make_writer(tmp_path, "train-000000.tar")
    for number, phonemes in enumerate(
        ("[verse] L AH0 , [verse] , [verse] L L AH0", "[verse] L AH0 , [verse] L")
    ):
        record = make_record(f"song-{number}", 100, phonemes=phonemes, **changes)
        writer.write(record, **make_arrays(100, seed=number))
    return TarIndexDataset(write_index(tmp_path, [writer.close()]), "train")


def test_sections_have_their_frames_and_their_lyrics(songs: TarIndexDataset) -> None:
    excerpts = ExcerptDataset(songs, "sections")
    assert excerpts.excerpts == [Excerpt(0, 0, 50, 0), Excerpt(0, 60, 100, 2)]
    assert excerpts.num_frames == [50, 40]
    whole, part = songs[0], excerpts[1]
    assert torch.equal(part.latents, whole.latents[:, 60:100])
    assert torch.equal(part.sketch, whole.sketch[60:100])
    assert torch.equal(part.prompts, whole.prompts)
    assert part.record.phonemes == "[verse] L L AH0"
    assert part.record.lyrics == "[verse] la la"
    assert part.record.duration == 1.6
    assert part.record.sections == (Section(tag="verse", start=0.0, end=1.6),)


def test_lyrics_by_lines_and_commas_in_sentences_are_cut_too(tmp_path: Path) -> None:
    writer = make_writer(tmp_path, "train-000000.tar")
    record = make_record(
        "song",
        100,
        sections=(
            Section(tag="verse", start=0.0, end=2.0),
            Section(tag="chorus", start=2.0, end=4.0),
        ),
        lyrics="[verse]\nla, la\n[chorus]\nla",
        phonemes="[verse] L AH0 , L AH0 , [chorus] L AH0",
    )
    writer.write(record, **make_arrays(100, seed=0))
    songs = TarIndexDataset(write_index(tmp_path, [writer.close()]), "train")
    cut = ExcerptDataset(songs, "sections")
    assert [sample.record.lyrics for sample in cut] == ["[verse] la, la", "[chorus] la"]
    assert [s.record.phonemes for s in cut] == ["[verse] L AH0 , L AH0", "[chorus] L AH0"]


def test_whole_songs_are_untouched_and_unmatched_ones_are_counted(songs: TarIndexDataset) -> None:
    assert ExcerptDataset(songs).excerpts == [Excerpt(0, 0, 100, None), Excerpt(1, 0, 100, None)]
    both = ExcerptDataset(songs, "songs_and_sections")
    assert [excerpt.section for excerpt in both.excerpts] == [None, 0, 2, None]
    assert both.num_unmatched == 1
    assert both[0].record == songs[0].record


def test_sections_shorter_than_a_patch_are_left_out(songs: TarIndexDataset) -> None:
    assert len(ExcerptDataset(songs, "sections", min_frames=45)) == 1


def test_the_module_trains_on_excerpts_and_says_what_it_could_not_cut(
    songs: TarIndexDataset,
) -> None:
    root = songs.locations[0].shard.parent
    config = DataConfig(
        root=str(root), excerpts="songs_and_sections", max_frames_per_batch=300, num_workers=0
    )
    batch_format = BatchFormat(patch_size=8, num_codes=NUM_CODES, max_lyrics=12)
    module = SongDataModule(config, batch_format, vocabulary=VOCABULARY)
    with pytest.warns(UserWarning, match="1 songs of the split train have other sections"):
        loader = module.train_dataloader()
    keys = {key for batch in loader for key in batch.keys}
    assert keys == {"song-0", "song-0_0", "song-0_2", "song-1"}


def test_a_wrong_kind_is_refused() -> None:
    with pytest.raises(ValueError, match="excerpts must be one of songs, sections"):
        DataConfig(root="x", excerpts="bars")  # pyright: ignore[reportArgumentType]
