"""Weights of files: mapped, taken without a second copy, refused when damaged."""

import json
import os
import subprocess
import sys

import pytest
import torch
from safetensors.torch import save_file

from songbloom.errors import SongBloomError
from songbloom.weights import (
    WeightsFile,
    check_shapes,
    load_state,
    load_torch,
    save_safetensors,
    take_weights,
)


@pytest.fixture
def state():
    generator = torch.Generator().manual_seed(0)
    return {f"w{i}": torch.randn(300, 400, generator=generator) for i in range(6)}


@pytest.mark.parametrize("name", ["a.pt", "a.ckpt", "a.safetensors"])
def test_every_kind_of_file_reads_the_same(tmp_path, state, name):
    path = tmp_path / name
    if name.endswith("safetensors"):
        save_file(state, path)
    else:
        torch.save({"state_dict": state} if name.endswith("ckpt") else state, path)
    read = load_state(path)
    assert all(torch.equal(read[key], value) for key, value in state.items())


def test_the_old_format_of_torch_is_read(tmp_path, state):
    torch.save(state, tmp_path / "a.pt", _use_new_zipfile_serialization=False)
    assert torch.equal(load_torch(tmp_path / "a.pt")["w3"], state["w3"])


def test_portions_change_nothing(tmp_path, state, monkeypatch):
    torch.save(state, tmp_path / "a.pt")
    opened = []

    def open_file():
        opened.append(1)
        return load_torch(tmp_path / "a.pt")

    monkeypatch.setattr("songbloom.weights.PORTION_BYTES", 900_000)
    taken = take_weights(WeightsFile(open_file), device="cpu", dtype=torch.bfloat16)
    assert len(opened) == 4  # six tensors of 480 kB, two a portion
    assert all(torch.equal(taken[key], value.bfloat16()) for key, value in state.items())


def test_tensors_that_are_as_wanted_are_not_copied(state):
    taken = take_weights(state, device="cpu", dtype=torch.float32)
    assert all(taken[key].data_ptr() == value.data_ptr() for key, value in state.items())


def test_whole_numbers_keep_their_type():
    taken = take_weights({"n": torch.arange(3)}, device="cpu", dtype=torch.bfloat16)
    assert taken["n"].dtype == torch.int64


@pytest.mark.parametrize("content", [b"", b"no weights", b"PK\x03\x04 no zip"])
@pytest.mark.parametrize("name", ["a.pt", "a.safetensors"])
def test_damaged_files_are_one_sentence(tmp_path, name, content):
    (tmp_path / name).write_bytes(content)
    with pytest.raises(SongBloomError, match="cannot be read as weights") as error:
        load_state(tmp_path / name)
    assert "\n" not in str(error.value)


def test_something_else_than_a_state_dict(tmp_path):
    torch.save({"a": 1}, tmp_path / "a.pt")
    with pytest.raises(SongBloomError, match="no state dict"):
        load_state(tmp_path / "a.pt")


@pytest.mark.parametrize(
    "odd",
    [
        torch.zeros(2, dtype=torch.int64),
        torch.zeros(2, dtype=torch.int8),
        torch.zeros(2, dtype=torch.bool),
        torch.zeros(2, dtype=torch.uint16),
        torch.zeros(2, dtype=torch.complex64),
        torch.zeros(2).to(torch.float8_e4m3fn),
        torch.zeros(2).to_sparse(),
        torch.zeros(2, device="meta"),
        torch.quantize_per_tensor(torch.zeros(2), 0.1, 0, torch.qint8),
    ],
    ids=lambda value: f"{value.dtype} {value.layout} {value.device}",
)
def test_what_is_no_weight_is_named(tmp_path, odd):
    torch.save({"a": torch.zeros(2), "odd": odd}, tmp_path / "a.pt")
    with pytest.raises(SongBloomError, match=r"a\.pt") as error:
        load_state(tmp_path / "a.pt")
    assert "\n" not in str(error.value)
    with pytest.raises(SongBloomError, match=r"odd is a .*floating-point"):
        check_shapes({"odd": torch.zeros(2)}, {"odd": odd}, "the model")


def test_names_that_are_no_strings(tmp_path):
    torch.save({1: torch.zeros(2)}, tmp_path / "a.pt")
    with pytest.raises(SongBloomError, match="no state dict"):
        load_state(tmp_path / "a.pt")


@pytest.mark.filterwarnings("error")
def test_no_file_stays_open(tmp_path, state):
    torch.save(state, tmp_path / "a.pt", _use_new_zipfile_serialization=False)
    before = len(os.listdir("/proc/self/fd"))
    kept = [load_torch(tmp_path / "a.pt") for _ in range(3)]
    assert len(os.listdir("/proc/self/fd")) == before, kept


def test_tensors_that_share_memory_are_written(tmp_path, state):
    shared = {"a": state["w0"], "b": state["w0"], "c": state["w0"][:10]}
    save_safetensors(tmp_path / "a.safetensors", shared)
    read = load_state(tmp_path / "a.safetensors")
    assert all(torch.equal(read[key], value) for key, value in shared.items())


def test_every_difference_is_named(state):
    other = {**state, "more": torch.zeros(1)}
    del other["w1"], other["w2"]
    with pytest.raises(SongBloomError, match="w1 is missing; w2 is missing; more is unexpected"):
        check_shapes(state, other, "the model")


def test_loading_takes_little_more_than_the_weights():
    """The script measures the full size, where what stands beside the weights is a twentieth."""
    sizes = "--lm-layers 4 --dit-layers 4 --channels 16"
    done = subprocess.run(
        [sys.executable, "-m", "scripts.measure_loading", *sizes.split()],
        capture_output=True,
        text=True,
        check=False,
    )
    results = json.loads(done.stdout.splitlines()[-1])
    for dtype, found in results.items():
        beside = found["peak"] - found["weights"]
        assert beside < 0.35e9, (dtype, found)
