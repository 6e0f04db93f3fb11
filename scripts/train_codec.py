"""Train the spectral codec: `python scripts/train_codec.py --data FOLDER --output FILE`.

The folder holds renditions as `data_prep.demo_corpus` writes them with `--vocals`. The checkpoint
and the log of figures lie in the run folder; `--resume` goes on from them.
"""

import argparse
import ctypes
import sys
from pathlib import Path

import torch

from songbloom.codec.spectral import SpectralCodecConfig
from songbloom.codec.training import CHECKPOINT, CodecTrainer, CodecTrainingConfig, Renditions
from songbloom.errors import SongBloomError


def keep_freed_memory() -> None:
    """Have glibc reuse large blocks instead of returning them: each step needs the same ones.

    Where page faults are slow, as in many virtual machines, this saves a third of the time.
    """
    max_mapped_blocks, trim_threshold = -4, -1
    libc = ctypes.CDLL(None)
    if hasattr(libc, "mallopt"):
        libc.mallopt(max_mapped_blocks, 0)
        libc.mallopt(trim_threshold, 2**31 - 1)


def main() -> None:
    """Read the options and train."""
    parser = argparse.ArgumentParser(description="Train the spectral codec.")
    parser.add_argument("--data", type=Path, required=True, help="folder of KEY.flac, KEY.json")
    parser.add_argument("--output", type=Path, required=True, help="the codec file to write")
    parser.add_argument("--run-folder", type=Path, default=Path("outputs/codec"))
    parser.add_argument("--minutes", type=float, default=75, help="budget of training time")
    parser.add_argument("--threads", type=int, default=1, help="threads of torch")
    parser.add_argument("--seed", type=int, default=0)
    parser.add_argument("--held-out", help="song (field of the JSON) kept for validation")
    parser.add_argument("--resume", action="store_true", help="go on from the checkpoint")
    options = parser.parse_args()
    keep_freed_memory()
    torch.set_num_threads(options.threads)
    options.run_folder.mkdir(parents=True, exist_ok=True)
    trainer = CodecTrainer(
        SpectralCodecConfig(),
        CodecTrainingConfig(minutes=options.minutes, seed=options.seed),
        Renditions(options.data, options.held_out),
    )
    if options.resume:
        trainer.load(options.run_folder / CHECKPOINT)
    trainer.fit(options.run_folder, options.output)


if __name__ == "__main__":
    try:
        main()
    except SongBloomError as error:
        print(error, file=sys.stderr)
        sys.exit(2)
