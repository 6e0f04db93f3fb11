"""The reference script passes on valid cases and fails where a weight or a file is off."""

import importlib.util
import json
import shutil
import subprocess
import sys
from pathlib import Path
from types import ModuleType

import pytest
import torch
from safetensors.torch import load_file, save_file
from torch import Tensor
from torch.nn import functional as F

from songbloom.errors import SongBloomError

SCRIPT = Path(__file__).resolve().parents[1] / "scripts" / "verify_reference.py"


def run(case: Path) -> tuple[int, dict, str]:
    done = subprocess.run(
        [sys.executable, SCRIPT, case], capture_output=True, text=True, check=False
    )
    return done.returncode, json.loads(done.stdout.splitlines()[-1]), done.stdout


@pytest.fixture(scope="module")
def script() -> ModuleType:
    spec = importlib.util.spec_from_file_location("verify_reference", SCRIPT)
    assert spec is not None and spec.loader is not None
    module = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(module)
    return module


@pytest.fixture
def tensors(reference_folder: Path) -> dict[str, Tensor]:
    """The stored case without the training group, which any change of the model would change."""
    stored = load_file(reference_folder / "tiny_a.safetensors")
    return {name: value for name, value in stored.items() if not name.startswith("train/")}


@pytest.fixture
def settings(reference_folder: Path) -> dict:
    return json.loads((reference_folder / "tiny_a.json").read_text())


@torch.inference_mode()
def compare(script: ModuleType, folder: Path, tensors: dict, settings: dict) -> dict[str, float]:
    save_file(
        {name: value.contiguous() for name, value in tensors.items()}, folder / "a.safetensors"
    )
    (folder / "a.json").write_text(json.dumps(settings))
    return script.compare(folder / "a.safetensors")


def keep_generation(tensors: dict, settings: dict, *groups: str) -> None:
    for group in [name for name in settings if name.startswith("gen_") and name not in groups]:
        del settings[group]
        for name in [name for name in tensors if name.startswith(f"{group}/")]:
            del tensors[name]


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


def test_a_song_that_ends_in_its_first_patch(script, tensors, settings, tmp_path):
    keep_generation(tensors, settings, "gen_cfg15")
    tensors["weights/model.skeleton_classifier.2.bias"][settings["eos_token_id"]] = 1e3
    tensors["gen_cfg15/sketch"] = tensors["gen_cfg15/sketch"][:, :0]
    tensors["gen_cfg15/latent"] = tensors["gen_cfg15/latent"][..., :0]
    settings["gen_cfg15"]["returned_blocks"] = 0
    assert max(compare(script, tmp_path, tensors, settings).values()) < 1e-4
    # Nor does an end that comes too soon: it is a difference, not an error.
    settings["gen_cfg15"]["returned_blocks"] = 1
    tensors["gen_cfg15/sketch"] = torch.zeros(1, settings["model"]["block_size"]).long()
    assert compare(script, tmp_path, tensors, settings)["gen_cfg15/sketch"] == float("inf")


def test_short_prompts_and_a_lyric_of_unknown_symbols(script, tensors, settings, tmp_path):
    keep_generation(tensors, settings)
    settings["model"]["prompt_len"] += 5
    for group in ("cond", "null"):
        embedded, mask = (f"{group}/prompt_wav_{name}" for name in ("embed", "mask"))
        tensors[embedded] = F.pad(tensors[embedded], (0, 0, 0, 5))
        tensors[mask] = F.pad(tensors[mask], (0, 5))
    settings["lyrics"][1] = "Q9 Q8"
    tensors["cond/lyrics_ids_1"] = tensors["cond/lyrics_ids_1"][:0]
    for name in ("cond/lyrics_embed", "cond/lyrics_mask"):
        tensors[name][1] = 0
    assert max(compare(script, tmp_path, tensors, settings).values()) < 1e-4


def test_audio_that_ends_inside_a_frame_makes_no_frame_of_it(script, tensors, settings, tmp_path):
    keep_generation(tensors, settings)
    tensors["vae/in_audio"] = F.pad(tensors["vae/in_audio"], (0, 100))
    # The samples reach into the frames before them, so only the number of frames is the same.
    assert compare(script, tmp_path, tensors, settings)["vae/encoder_raw"] < float("inf")


def test_draws_that_are_certain_are_compared_and_others_refused(
    script, tensors, settings, tmp_path
):
    keep_generation(tensors, settings, "gen_penalty")
    settings["gen_penalty"] |= {"use_sampling": True, "top_k": 1}
    assert max(compare(script, tmp_path, tensors, settings).values()) < 1e-4
    settings["gen_penalty"]["top_k"] = 2
    with pytest.raises(SongBloomError, match="sampled"):
        compare(script, tmp_path, tensors, settings)


@pytest.mark.parametrize(
    "name",
    ["cond/lyrics_embed", "gen_cfg15/noise", "vae/decoded", "vae/decoded_chunked_c128_o32"],
)
def test_a_missing_tensor_is_named(script, tensors, settings, tmp_path, name):
    del tensors[name]
    keep_generation(tensors, settings, "gen_cfg15")
    with pytest.raises(SongBloomError, match=f"lacks the tensor {name}"):
        compare(script, tmp_path, tensors, settings)


def test_a_missing_weight_and_a_value_that_is_no_number_are_named(
    script, tensors, settings, tmp_path
):
    key = "weights/model.nar_dit.layers.0.ff_norm.beta"
    beta = tensors.pop(key)
    with pytest.raises(SongBloomError, match=r"layers\.0\.ff_norm\.beta is missing"):
        compare(script, tmp_path, tensors, settings)
    tensors[key] = beta
    tensors["gen_cfg15/latent"][0, 0, 0] = float("nan")
    with pytest.raises(SongBloomError, match=r"gen_cfg15/latent in .* not finite"):
        compare(script, tmp_path, tensors, settings)


@pytest.mark.parametrize(
    ("tensors", "settings", "sentence"),
    [(b"", "{}", "`vocab`"), (b"", '{"vocab": [', "cannot be read as JSON")],
)
def test_a_broken_file_ends_in_one_sentence(tmp_path, tensors, settings, sentence):
    (tmp_path / "a.safetensors").write_bytes(tensors)
    (tmp_path / "a.json").write_text(settings)
    done = subprocess.run(
        [sys.executable, SCRIPT, tmp_path / "a.safetensors"],
        capture_output=True,
        text=True,
        check=False,
    )
    assert done.returncode == 1
    (line,) = done.stderr.splitlines()
    assert line.startswith("error: ") and sentence in line
