"""SongBatch and its collation."""

from dataclasses import replace

import pytest
import torch

from songbloom.data.batch import BatchFormat, SongBatch, collate, lyrics_tensor
from songbloom.data.index import DatasetIndex
from songbloom.data.schema import DatasetError
from songbloom.data.tar_index import SongSample, TarIndexDataset

from .conftest import NUM_CODES, VOCABULARY


@pytest.fixture
def samples(dataset: DatasetIndex) -> list[SongSample]:
    songs = TarIndexDataset(dataset, "train")
    return [songs[i] for i in range(3)]  # of 20, 37 and 54 frames


def make_batch(samples: list[SongSample], max_lyrics: int = 12) -> SongBatch:
    return collate(
        samples,
        [0, 1, 2],
        BatchFormat(patch_size=8, num_codes=NUM_CODES, max_lyrics=max_lyrics),
        VOCABULARY,
    )


def test_songs_are_cut_to_patches_and_padded(samples: list[SongSample]) -> None:
    batch = make_batch(samples)
    assert batch.lengths.tolist() == [16, 32, 48]
    assert batch.num_frames == 96
    assert batch.latents.shape == (3, 4, 48)
    assert torch.equal(batch.latents[1, :, :32], samples[1].latents[:, :32])
    assert not batch.latents[1, :, 32:].any()
    assert torch.equal(batch.sketch[1, :32], samples[1].sketch[:32])
    assert (batch.sketch[1, 32:] == NUM_CODES).all()
    assert torch.equal(batch.prompts[2], samples[2].prompts[2])
    assert batch.keys == ("train-000", "train-001", "train-002")


def test_lyrics_are_padded_or_cut(samples: list[SongSample]) -> None:
    expected = [[1, 5, 4, 5, 4, 2], [1, 1, 1, 1, 1, 2], [0, 1, 1, 1, 1, 0]]
    batch = make_batch(samples)
    assert batch.lyrics.shape == (3, 3, 12)
    assert batch.lyrics[0, :, :6].tolist() == expected
    assert (batch.lyrics[:, :, 6:] == -1).all()
    with pytest.warns(UserWarning, match="max_lyrics = 4"):
        cut = make_batch(samples, max_lyrics=4)
    assert cut.lyrics[0].tolist() == [row[:4] for row in expected]


def test_batch_of_one_equals_its_row(samples: list[SongSample], batch_format: BatchFormat) -> None:
    batch = make_batch(samples)
    for row, sample in enumerate(samples):
        alone = collate([sample], [row], batch_format, VOCABULARY)
        length = int(alone.lengths[0])
        assert torch.equal(alone.latents[0], batch.latents[row, :, :length])
        assert torch.equal(alone.sketch[0], batch.sketch[row, :length])
        assert torch.equal(alone.lyrics[0], batch.lyrics[row])


def test_latents_and_tokens_of_different_lengths_are_refused(samples: list[SongSample]) -> None:
    batch = make_batch(samples)
    with pytest.raises(DatasetError, match="latents have 48 frames, but sketch tokens 47"):
        replace(batch, sketch=batch.sketch[:, :-1])
    broken = replace(samples[0], sketch=samples[0].sketch[:-1])
    with pytest.raises(DatasetError, match="train-000 has 20 latent frames but 19"):
        make_batch([broken, *samples[1:]])


@pytest.mark.parametrize(
    ("change", "match"),
    [
        ({"lengths": torch.tensor([16, 32, 56])}, "lengths"),
        ({"keys": ("a",)}, "keys"),
        ({"prompts": torch.zeros(3, 5, 250)}, "prompts"),
        ({"lyrics": torch.zeros(3, 2, 12)}, "3 rows"),
        ({"latents": torch.zeros(4, 48)}, "latents"),
    ],
)
def test_parts_that_do_not_fit_are_named(samples: list[SongSample], change, match: str) -> None:
    with pytest.raises(DatasetError, match=match):
        replace(make_batch(samples), **change)


def test_short_song_is_named(samples: list[SongSample]) -> None:
    short = replace(samples[0], latents=samples[0].latents[:, :7], sketch=samples[0].sketch[:7])
    with pytest.raises(DatasetError, match="train-000 has 7 frames, less than a patch of 8"):
        make_batch([short, *samples[1:]])


def test_batch_moves_whole(samples: list[SongSample]) -> None:
    moved = make_batch(samples).to("meta")
    assert moved.latents.device.type == moved.lyrics.device.type == "meta"
    assert moved.keys == ("train-000", "train-001", "train-002")


def test_format_is_checked() -> None:
    with pytest.raises(ValueError, match="patch_size"):
        BatchFormat(patch_size=0, num_codes=1, max_lyrics=1)


def test_sentence_indices_stop_at_the_models_last_row(batch_format: BatchFormat) -> None:
    def sentences(chosen: BatchFormat) -> list[int]:
        return lyrics_tensor("[verse] L . L . L", chosen, VOCABULARY)[2, :6].tolist()

    assert sentences(batch_format) == [0, 1, 0, 2, 0, 3]
    assert sentences(replace(batch_format, max_sentences=2)) == [0, 1, 0, 1, 0, 1]
