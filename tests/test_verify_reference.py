"""The reference script passes on the stored case and fails where a weight is off."""

import json
import shutil
import subprocess
import sys
from pathlib import Path

from safetensors.torch import load_file, save_file

SCRIPT = Path(__file__).resolve().parents[1] / "scripts" / "verify_reference.py"


def run(case: Path) -> tuple[int, dict, str]:
    done = subprocess.run(
        [sys.executable, SCRIPT, case], capture_output=True, text=True, check=False
    )
    return done.returncode, json.loads(done.stdout.splitlines()[-1]), done.stdout


def test_every_tensor_of_the_reference_agrees(reference_folder):
    status, summary, output = run(reference_folder / "tiny_a.safetensors")
    assert summary["failed"] == []
    assert summary["max_abs_diff"] < 1e-4
    assert status == 0
    for group in ("cond/", "null/", "train/", "gen_cfg15/", "gen_global/", "gen_penalty/", "vae/"):
        assert any(line.startswith(group) for line in output.splitlines())


def test_a_case_that_is_off_fails(reference_folder, tmp_path):
    tensors = load_file(reference_folder / "tiny_a.safetensors")
    tensors["weights/model.project_out.bias"] += 0.01
    save_file(tensors, tmp_path / "off.safetensors")
    shutil.copy(reference_folder / "tiny_a.json", tmp_path / "off.json")
    status, summary, _ = run(tmp_path / "off.safetensors")
    assert status == 1
    assert "train/nar_pred" in summary["failed"]
