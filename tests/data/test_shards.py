"""Shards and the index: written, read back, and damaged."""

import io
import json
import os
import tarfile
from pathlib import Path

import numpy as np
import pytest
import webdataset as wds

from songbloom.data.index import INDEX_NAME, DatasetIndex
from songbloom.data.schema import DatasetError
from songbloom.data.tar_index import TarIndexDataset, index_shard
from songbloom.lyrics.vocabulary import Vocabulary

from .conftest import VOCABULARY, make_arrays, make_record, make_writer, write_dataset


def test_songs_come_back_as_written(dataset: DatasetIndex) -> None:
    songs = TarIndexDataset(DatasetIndex.load(dataset.folder), "train")
    assert len(songs) == 23
    for i in (0, 7, 8, 22):
        sample = songs[i]
        arrays = make_arrays(songs.num_frames[i], seed=i)
        assert sample.record == make_record(f"train-{i:03d}", songs.num_frames[i])
        for name in ("latents", "sketch", "prompts"):
            assert np.array_equal(getattr(sample, name).numpy(), arrays[name])


def test_shards_are_readable_by_webdataset(dataset: DatasetIndex) -> None:
    path = str(dataset.folder / "train-000000.tar")
    samples = list(wds.WebDataset(path, shardshuffle=False).decode())
    assert [sample["__key__"] for sample in samples] == [f"train-{i:03d}" for i in range(8)]
    assert samples[0]["latent.npy"].dtype == np.float16
    assert samples[0]["sketch.npy"].dtype == np.uint16


def test_equal_songs_give_equal_bytes(tmp_path: Path) -> None:
    first, second = (write_dataset(tmp_path / name) for name in ("a", "b"))
    assert first.shards == second.shards


def test_unfinished_shard_leaves_nothing(tmp_path: Path) -> None:
    with pytest.raises(DatasetError), make_writer(tmp_path, "a.tar") as writer:
        writer.write(make_record("x", 30), **make_arrays(40, seed=0))
    assert os.listdir(tmp_path) == []


def test_writer_refuses_twins_and_foreign_splits(tmp_path: Path) -> None:
    with make_writer(tmp_path, "a.tar") as writer:
        writer.write(make_record("x", 30), **make_arrays(30, seed=0), flac=b"fLaC")
        with pytest.raises(DatasetError, match="twice"):
            writer.write(make_record("x", 30), **make_arrays(30, seed=0))
        with pytest.raises(DatasetError, match="split test"):
            writer.write(make_record("y", 30, "test"), **make_arrays(30, seed=0))
    assert "flac" in index_shard(tmp_path / "a.tar")[0].members


def test_damaged_shards_are_named(dataset: DatasetIndex) -> None:
    path = dataset.folder / "train-000001.tar"
    whole = path.read_bytes()
    changed = bytearray(whole)
    changed[5000] ^= 1
    path.write_bytes(changed)
    DatasetIndex.load(dataset.folder, verify="size")
    with pytest.raises(DatasetError, match=r"train-000001.tar has the checksum"):
        DatasetIndex.load(dataset.folder)
    path.write_bytes(whole[:-1000])
    with pytest.raises(DatasetError, match=rf"train-000001.tar has {len(whole) - 1000} bytes"):
        DatasetIndex.load(dataset.folder, verify="size")
    path.unlink()
    with pytest.raises(DatasetError, match=r"train-000001.tar is missing"):
        DatasetIndex.load(dataset.folder)


@pytest.mark.parametrize("kept", [0.5, 0.9])
def test_truncated_tar_is_named(dataset: DatasetIndex, kept: float) -> None:
    path = dataset.folder / "train-000000.tar"
    whole = path.read_bytes()
    path.write_bytes(whole[: int(len(whole) * kept)])
    with pytest.raises(DatasetError, match=r"train-000000.tar is"):
        index_shard(path)


def test_song_without_a_member_is_named(tmp_path: Path) -> None:
    with tarfile.open(tmp_path / "a.tar", "w") as tar:
        info = tarfile.TarInfo("song.json")
        info.size = 2
        tar.addfile(info, io.BytesIO(b"{}"))
    with pytest.raises(DatasetError, match=r"song of shard .* lacks latent.npy, sketch.npy"):
        index_shard(tmp_path / "a.tar")


def test_pickled_array_is_refused(dataset: DatasetIndex) -> None:
    songs = TarIndexDataset(dataset, "train")
    spans = songs.locations[0].members
    buffer = io.BytesIO()
    np.save(buffer, np.array([{}], dtype=object), allow_pickle=True)
    pickled = buffer.getvalue().ljust(spans["latent.npy"].size, b"\0")
    with (dataset.folder / "train-000000.tar").open("r+b") as file:
        file.seek(spans["latent.npy"].offset)
        file.write(pickled)
    with pytest.raises(DatasetError, match=r"train-000.latent.npy"):
        songs[0]


def test_index_is_checked_against_the_model(dataset: DatasetIndex) -> None:
    dataset.require(
        codec_fingerprint="codec-a", sketch_fingerprint="sketch-a", vocabulary=VOCABULARY
    )
    for expected in (
        {"codec_fingerprint": "codec-b"},
        {"sketch_fingerprint": "sketch-b"},
        {"num_codes": 11},
    ):
        with pytest.raises(DatasetError, match=next(iter(expected))):
            dataset.require(**expected)
    with pytest.raises(DatasetError, match="vocabulary"):
        dataset.require(vocabulary=Vocabulary((*VOCABULARY.symbols, "K")))


def test_index_that_cannot_be_read_is_named(tmp_path: Path, dataset: DatasetIndex) -> None:
    with pytest.raises(DatasetError, match=r"index.json does not exist"):
        DatasetIndex.load(tmp_path)
    path = dataset.folder / INDEX_NAME
    values = json.loads(path.read_text())
    for broken in ({**values, "schema_version": 2}, {**values, "shards": []}, {"shards": 3}, []):
        path.write_text(json.dumps(broken))
        with pytest.raises(DatasetError, match=INDEX_NAME):
            DatasetIndex.load(dataset.folder)
    with pytest.raises(DatasetError, match="has test, train, val"):
        dataset.shards_of("dev")
