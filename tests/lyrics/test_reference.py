"""The lyrics package against what the published tool gives."""

import json
import subprocess
import sys
from pathlib import Path

import pytest
from safetensors.numpy import load_file

from songbloom.lyrics import Vocabulary, phonemize

SCRIPT = Path(__file__).parents[2] / "scripts" / "verify_g2p.py"


def verify(path: Path) -> subprocess.CompletedProcess[str]:
    return subprocess.run(
        [sys.executable, str(SCRIPT), str(path)], capture_output=True, text=True, check=False
    )


@pytest.mark.parametrize("name", ["g2p.jsonl", "lyrics.jsonl"])
def test_released_mode_agrees(reference: Path, name: str) -> None:
    run = verify(reference / name)
    agreement = json.loads(run.stdout.splitlines()[-1])
    assert run.returncode == 0 and {"en", "zh"} <= agreement.keys()
    assert min(agreement.values()) >= 0.98, run.stdout


def test_released_folder(reference: Path) -> None:
    folder = reference / "released_tiny"
    expected = json.loads((folder / "expected.json").read_text(encoding="utf-8"))
    vocabulary = Vocabulary.from_yaml(folder / "vocab_g2p.yaml")
    assert vocabulary == Vocabulary.default()
    for lyrics, processed in zip(expected["lyrics"], expected["processed"], strict=True):
        assert phonemize(lyrics, "released") == processed
        assert 0 not in vocabulary.encode(processed).ids


def test_encode_gives_the_reference_ids(reference: Path) -> None:
    case = json.loads((reference / "tiny_a.json").read_text(encoding="utf-8"))
    tensors = load_file(reference / "tiny_a.safetensors")
    vocabulary = Vocabulary.from_list(case["vocab"])
    for index, lyrics in enumerate(case["lyrics"]):
        ids = tensors[f"cond/lyrics_ids_{index}"].reshape(-1).tolist()
        encoded = vocabulary.encode(lyrics).ids
        assert ids[: len(encoded)] == list(encoded) and not any(ids[len(encoded) :])


def test_script_prints_what_differs(tmp_path: Path) -> None:
    path = tmp_path / "rows.jsonl"
    rows = [
        {"language": "en", "text": "grace", "phonemes": "G R EY1 S"},
        {"language": "zh", "text": "你好", "phonemes": "n i3 h ao3"},
    ]
    path.write_text("\n".join(json.dumps(row) for row in rows), encoding="utf-8")
    run = verify(path)
    assert run.returncode == 1 and "['i3'], found ['i2']" in run.stdout
    assert json.loads(run.stdout.splitlines()[-1]) == {"en": 1.0, "zh": 0.75}


def test_script_names_a_bad_row(tmp_path: Path) -> None:
    path = tmp_path / "rows.jsonl"
    path.write_text('{"text": "grace"}', encoding="utf-8")
    run = verify(path)
    assert run.returncode == 2 and "line 1 needs text and phonemes" in run.stderr
