"""scripts/verify_released.py: it passes on the reference folder, and can fail."""

import json
import shutil

import pytest
from safetensors.torch import load_file, save_file

from scripts import verify_released
from songbloom.errors import SongBloomError


def run(folder, monkeypatch, capsys) -> tuple[int, dict]:
    monkeypatch.setattr("sys.argv", ["verify_released.py", str(folder)])
    status = verify_released.main()
    return status, json.loads(capsys.readouterr().out.splitlines()[-1])


def test_the_reference_folder_passes(reference_folder, monkeypatch, capsys):
    status, summary = run(reference_folder / "released_tiny", monkeypatch, capsys)
    assert status == 0
    assert summary["processed_equal"] and summary["sketch_equal"]
    assert summary["latent_max_diff"] < 1e-4
    assert summary["audio_max_diff"] < 1e-4


@pytest.fixture
def twice(reference_folder, tmp_path):
    """The reference folder with its song a second time, to be damaged."""
    folder = shutil.copytree(reference_folder / "released_tiny", tmp_path / "release")
    data = json.loads((folder / "expected.json").read_text(encoding="utf-8"))
    data["lyrics"] *= 2
    data["processed"] *= 2
    (folder / "expected.json").write_text(json.dumps(data), encoding="utf-8")
    tensors = load_file(folder / "expected.safetensors")
    tensors |= {key.replace("_0", "_1"): value.clone() for key, value in tensors.items()}
    save_file(tensors, folder / "expected.safetensors")
    return folder


def test_two_songs_pass(twice, monkeypatch, capsys):
    assert run(twice, monkeypatch, capsys)[0] == 0


@pytest.mark.parametrize("amount", [1, float("nan")])
@pytest.mark.parametrize("name", ["sketch_1", "latent_1", "audio_1", "latent_0"])
def test_a_difference_fails(twice, monkeypatch, capsys, name, amount):
    tensors = load_file(twice / "expected.safetensors")
    if not tensors[name].is_floating_point():
        amount = 1
    tensors[name] = tensors[name] + amount
    save_file(tensors, twice / "expected.safetensors")
    assert run(twice, monkeypatch, capsys)[0] == 1


def test_another_text_fails(twice, monkeypatch, capsys):
    data = json.loads((twice / "expected.json").read_text(encoding="utf-8"))
    data["processed"][1] += " [outro]"
    (twice / "expected.json").write_text(json.dumps(data), encoding="utf-8")
    status, summary = run(twice, monkeypatch, capsys)
    assert status == 1
    assert not summary["processed_equal"]


def test_a_song_longer_than_the_stored_noise_fails_with_a_summary(twice, monkeypatch, capsys):
    tensors = load_file(twice / "expected.safetensors")
    tensors["noise_1"] = tensors["noise_1"][:5].clone()
    save_file(tensors, twice / "expected.safetensors")
    status, summary = run(twice, monkeypatch, capsys)
    assert status == 1
    assert summary["latent_max_diff"] > 1e-4


@pytest.mark.parametrize("change", [{"processed": []}, {"lyrics": 3}, {"generation": [1]}])
def test_a_json_that_makes_no_sense_is_one_sentence(twice, monkeypatch, capsys, change):
    data = json.loads((twice / "expected.json").read_text(encoding="utf-8"))
    (twice / "expected.json").write_text(json.dumps(data | change), encoding="utf-8")
    with pytest.raises(SongBloomError, match=r"expected\.json cannot be read"):
        run(twice, monkeypatch, capsys)
