"""Measure the memory that loading a released model takes: `python scripts/measure_loading.py`.

Makes a folder in the published format with random weights (by default the 2B layout of the 240 s
release: 36 + 12 layers, width 1536, and its VAE), loads it in a fresh process in each type, and
compares the peak of resident memory, the interpreter's own subtracted, with the weights' size.
A table, then one JSON line. Needs about 17 GB of disk in --folder for the full size.
"""

import argparse
import json
import shutil
import subprocess
import sys
import tempfile
import time
from pathlib import Path

import torch
from tqdm import tqdm

from songbloom.checkpoint import Checkpoint, ComponentReference, ModelCard
from songbloom.codec.oobleck import Oobleck, OobleckConfig
from songbloom.lyrics import Vocabulary
from songbloom.models import PatchDiTConfig, SketchLMConfig, SongBloom, SongBloomConfig
from songbloom.released import export_released

NAME = "random"
LOAD = """
import json, resource, sys, torch
from songbloom.pipeline import SongBloomPipeline
from pathlib import Path
def peak():  # VmHWM: resident memory at its highest, mapped files included
    lines = Path("/proc/self/status").read_text().splitlines()
    return int(next(line for line in lines if line.startswith("VmHWM")).split()[1]) * 1024
before = peak()
dtype = getattr(torch, sys.argv[2])
pipe = SongBloomPipeline.from_pretrained(sys.argv[1], device="cpu", dtype=dtype)
state = [*pipe.model.state_dict().values(), *pipe.codec.state_dict().values()]
print(json.dumps({"weights": sum(t.nbytes for t in state), "peak": peak() - before}))
"""


def write_model(folder: Path, lm_layers: int, dit_layers: int, dim: int, channels: int) -> None:
    """A random model in the published format."""
    vocabulary = Vocabulary.default()
    config = SongBloomConfig(
        vocab_size=len(vocabulary),
        dim=dim,
        num_heads=dim // 64,
        lm=SketchLMConfig(num_layers=lm_layers, rope_theta=40_000),
        dit=PatchDiTConfig(num_layers=dit_layers),
    )
    codec = Oobleck(OobleckConfig(channels=channels))
    with torch.device("meta"):
        shapes = SongBloom(config).state_dict()
    state = {
        key: torch.randn(value.shape).mul_(0.02)
        for key, value in tqdm(shapes.items(), disable=None)
    }
    card = ModelCard(
        config=config,
        vocabulary=vocabulary,
        codec=ComponentReference(name="random", fingerprint=codec.fingerprint),
        sketch=ComponentReference(name="none", fingerprint="none"),
    )
    export_released(folder, NAME, Checkpoint(card=card, state=state), codec)


def main() -> int:
    """Write, load in each type, print; exit status 1 where the peak is above 1.15."""
    parser = argparse.ArgumentParser(description="Measure the memory that loading takes.")
    parser.add_argument("--folder", type=Path, help="for the files, which are removed at the end")
    parser.add_argument("--lm-layers", type=int, default=36)
    parser.add_argument("--dit-layers", type=int, default=12)
    parser.add_argument("--dim", type=int, default=1536)
    parser.add_argument("--channels", type=int, default=128, help="of the VAE")
    arguments = parser.parse_args()
    folder = Path(tempfile.mkdtemp(dir=arguments.folder))
    results = {}
    try:
        sizes = (arguments.lm_layers, arguments.dit_layers, arguments.dim, arguments.channels)
        # In a process of its own, whose memory is then free.
        code = (
            f"from scripts.measure_loading import *; write_model(Path({str(folder)!r}), *{sizes})"
        )
        subprocess.run([sys.executable, "-c", code], check=True)
        print("| type | weights, GB | peak, GB | ratio | seconds |\n|---|---|---|---|---|")
        for dtype in ("float32", "bfloat16"):
            begin = time.monotonic()
            done = subprocess.run(
                [sys.executable, "-c", LOAD, str(folder), dtype], check=True, capture_output=True
            )
            found = json.loads(done.stdout.splitlines()[-1])
            found["ratio"] = round(found["peak"] / found["weights"], 3)
            found["seconds"] = round(time.monotonic() - begin, 1)
            results[dtype] = found
            weights, peak = found["weights"] / 1e9, found["peak"] / 1e9
            print(
                f"| {dtype} | {weights:.2f} | {peak:.2f} | {found['ratio']} | {found['seconds']} |"
            )
    finally:
        shutil.rmtree(folder)
    print(json.dumps(results))
    return int(any(found["ratio"] > 1.15 for found in results.values()))


if __name__ == "__main__":
    sys.exit(main())
