"""scripts/verify_released.py: it passes on the reference folder, and can fail."""

import json
import shutil

import pytest
from safetensors.torch import load_file, save_file

from scripts import verify_released


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


@pytest.mark.parametrize("name", ["sketch_0", "latent_0", "audio_0", "processed"])
def test_a_difference_fails(reference_folder, tmp_path, monkeypatch, capsys, name):
    folder = shutil.copytree(reference_folder / "released_tiny", tmp_path / "release")
    if name == "processed":
        data = json.loads((folder / "expected.json").read_text(encoding="utf-8"))
        data["processed"][0] += " [outro]"
        (folder / "expected.json").write_text(json.dumps(data), encoding="utf-8")
    else:
        tensors = load_file(folder / "expected.safetensors")
        tensors[name] = tensors[name] + 1
        save_file(tensors, folder / "expected.safetensors")
    assert run(folder, monkeypatch, capsys)[0] == 1
