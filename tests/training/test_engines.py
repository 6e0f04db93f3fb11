"""The engines of `conf/trainer`: each trains as DDP does, in processes of their own."""

import csv
import os
import subprocess
import sys
from functools import cache
from pathlib import Path

import pytest

from songbloom.checkpoint import Checkpoint, load_checkpoint

ROOT = Path(__file__).resolve().parents[2]
SMALL = [
    "model.dim=64",
    "model.num_heads=2",
    "model.max_lyrics=8",
    "model.lm.num_layers=2",
    "model.lm.dropout=0",
    "model.dit.num_layers=2",
    "data.max_frames_per_batch=128",
    "scheduler.warmup_steps=2",
    "optimizer.lr=1e-3",
    "trainer.accelerator=cpu",
    "trainer.max_steps=20",
    "trainer.val_check_interval=20",
    "trainer.log_every_n_steps=1",
    "trainer.enable_progress_bar=false",
    "callbacks.progress=null",
    "num_threads=1",
    "logger.wandb=null",
    "logger.tensorboard=null",
]


def train(shards: Path, output: Path, *overrides: str) -> None:
    """Run train.py as a user does; its launcher starts the other processes."""
    environment = {**os.environ, "OMP_NUM_THREADS": "1", "GLOO_SOCKET_IFNAME": "lo"}
    arguments = [f"data.root={shards}", f"hydra.run.dir={output}", *SMALL, *overrides]
    done = subprocess.run(
        [sys.executable, "train.py", *arguments],
        cwd=ROOT,
        env=environment,
        capture_output=True,
        text=True,
        check=False,
        timeout=300,
    )
    assert done.returncode == 0, done.stdout[-2000:] + done.stderr[-4000:]


def losses(output: Path) -> dict[int, float]:
    """The training loss of every step, of all starts of a run."""
    found = {}
    for path in sorted(output.glob("csv/version_*/metrics.csv")):
        with path.open() as file:
            rows = list(csv.DictReader(file))
        found |= {int(row["step"]): float(row["train/loss"]) for row in rows if row["train/loss"]}
    return found


def largest_difference(one: Checkpoint, other: Checkpoint) -> float:
    assert one.state.keys() == other.state.keys()
    return max(float((one.state[key] - other.state[key]).abs().max()) for key in one.state)


@pytest.fixture(scope="module")
def trained(shards, tmp_path_factory):
    """Trains with an engine and a number of processes, each pair once."""

    @cache
    def run(engine: str, processes: int) -> Path:
        output = tmp_path_factory.mktemp(f"{engine}_{processes}")
        train(shards, output, f"trainer={engine}", f"trainer.devices={processes}")
        return output

    return run


@pytest.mark.parametrize(
    ("engine", "processes"),
    [
        ("deepspeed_1", 2),
        ("deepspeed_2", 2),
        ("deepspeed_3", 2),
        ("fsdp2", 2),
        ("deepspeed_2", 1),
        ("fsdp2", 1),
    ],
)
def test_every_engine_trains_as_ddp_does(trained, engine, processes):
    reference, found = trained("ddp", processes), trained(engine, processes)
    expected = losses(reference)
    assert len(expected) == 20
    assert expected[19] < expected[0]
    assert losses(found) == pytest.approx(expected, abs=1e-5)
    weights = [load_checkpoint(folder / "model.safetensors") for folder in (reference, found)]
    assert largest_difference(*weights) < 1e-5


@pytest.mark.parametrize("engine", ["ddp", "deepspeed_2", "fsdp2"])
def test_a_resumed_run_is_the_uninterrupted_one(shards, tmp_path, engine):
    overrides = [f"trainer={engine}", "trainer.devices=2", "scheduler.max_steps=8"]
    overrides += ["model.lm.dropout=0.1", "trainer.val_check_interval=3"]
    train(shards, tmp_path / "whole", *overrides, "trainer.max_steps=6")
    train(shards, tmp_path / "parts", *overrides, "trainer.max_steps=3")
    train(shards, tmp_path / "parts", *overrides, "trainer.max_steps=6", "resume=last")
    assert losses(tmp_path / "parts") == losses(tmp_path / "whole")
    parts, whole = (
        load_checkpoint(tmp_path / name / "model.safetensors") for name in ("parts", "whole")
    )
    assert largest_difference(parts, whole) == 0
