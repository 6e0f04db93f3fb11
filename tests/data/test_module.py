"""The data module under Lightning: what is seen after a resume equals what was not seen before."""

import json
from pathlib import Path

import pytest
import torch
from lightning import LightningModule, Trainer
from lightning.pytorch.callbacks import ModelCheckpoint

from songbloom.data.batch import BatchFormat, SongBatch
from songbloom.data.index import INDEX_NAME, DatasetIndex
from songbloom.data.module import DataConfig, SongDataModule
from songbloom.data.schema import DatasetError
from songbloom.lyrics.vocabulary import Vocabulary

from .conftest import VOCABULARY


class Recorder(LightningModule):
    """Notes the keys and prompts of every batch it is given."""

    def __init__(self) -> None:
        super().__init__()
        self.weight = torch.nn.Parameter(torch.zeros(()))
        self.seen: list[tuple] = []
        self.validated: list[str] = []

    def training_step(self, batch: SongBatch, batch_idx: int) -> torch.Tensor:
        self.seen.append((self.current_epoch, batch.keys, batch.prompts.sum().item()))
        return self.weight * batch.latents.mean()

    def validation_step(self, batch: SongBatch, batch_idx: int) -> None:
        self.validated += batch.keys

    def configure_optimizers(self) -> torch.optim.Optimizer:
        return torch.optim.SGD(self.parameters(), lr=0.1)


def make_module(
    dataset: DatasetIndex, batch_format: BatchFormat, num_workers: int = 0
) -> SongDataModule:
    config = DataConfig(
        root=str(dataset.folder), max_frames_per_batch=150, num_workers=num_workers, seed=5
    )
    return SongDataModule(
        config,
        batch_format,
        vocabulary=VOCABULARY,
        codec_fingerprint="codec-a",
        sketch_fingerprint="sketch-a",
    )


def fit(
    module: SongDataModule, folder: Path, max_steps: int, ckpt_path: Path | None = None
) -> Recorder:
    recorder = Recorder()
    Trainer(
        max_steps=max_steps,
        accelerator="cpu",
        logger=False,
        enable_progress_bar=False,
        enable_model_summary=False,
        use_distributed_sampler=False,
        num_sanity_val_steps=0,
        callbacks=[
            ModelCheckpoint(folder, filename="{step}", every_n_train_steps=1, save_top_k=-1)
        ],
    ).fit(recorder, module, ckpt_path=ckpt_path, weights_only=True)
    return recorder


@pytest.mark.parametrize("stop_at", [3, 6, 9])
def test_resumed_run_sees_what_the_whole_run_sees(
    tmp_path: Path, dataset: DatasetIndex, batch_format: BatchFormat, stop_at: int
) -> None:
    whole = fit(make_module(dataset, batch_format), tmp_path / "whole", 12)
    epochs = [epoch for epoch, _, _ in whole.seen]
    assert epochs.count(0) == len(make_module(dataset, batch_format).train_dataloader())
    ckpt_path = tmp_path / "whole" / f"step={stop_at}.ckpt"
    resumed = fit(make_module(dataset, batch_format), tmp_path / "resumed", 12, ckpt_path)
    assert resumed.seen == whole.seen[stop_at:]


def test_workers_change_nothing(
    tmp_path: Path, dataset: DatasetIndex, batch_format: BatchFormat
) -> None:
    alone = fit(make_module(dataset, batch_format), tmp_path / "a", 8)
    half = fit(make_module(dataset, batch_format, num_workers=2), tmp_path / "b", 3)
    ckpt_path = tmp_path / "b" / "step=3.ckpt"
    rest = fit(make_module(dataset, batch_format, num_workers=2), tmp_path / "c", 8, ckpt_path)
    assert half.seen + rest.seen == alone.seen


def test_validation_holds_the_split_once(
    tmp_path: Path, dataset: DatasetIndex, batch_format: BatchFormat
) -> None:
    module = make_module(dataset, batch_format)
    steps = len(module.train_dataloader())
    recorder = fit(module, tmp_path, steps)
    assert sorted(recorder.validated) == [f"val-{i:03d}" for i in range(5)]


def test_state_between_batches_is_exact_with_workers_ahead(
    dataset: DatasetIndex, batch_format: BatchFormat
) -> None:
    loader = make_module(dataset, batch_format, num_workers=2).train_dataloader()
    plan = loader.batch_sampler.plan(0)
    iterator = iter(loader)
    next(iterator), next(iterator)
    state = json.loads(json.dumps(loader.state_dict()))
    resumed = make_module(dataset, batch_format).train_dataloader()
    resumed.load_state_dict(state)
    keys = [batch.keys for batch in resumed]
    assert keys == [tuple(f"train-{i:03d}" for i, _ in batch) for batch in plan[2:]]


def test_wrong_datasets_are_refused(dataset: DatasetIndex, batch_format: BatchFormat) -> None:
    config = DataConfig(root=str(dataset.folder), num_workers=0)
    for wrong in (
        {"codec_fingerprint": "codec-b"},
        {"vocabulary": Vocabulary(("a",))},
    ):
        module = SongDataModule(config, batch_format, **{"vocabulary": VOCABULARY, **wrong})
        with pytest.raises(DatasetError, match=f"{INDEX_NAME}: .*{next(iter(wrong))}"):
            module.setup("fit")
    long_patches = BatchFormat(patch_size=32, num_codes=10, max_lyrics=12)
    module = SongDataModule(config, long_patches, vocabulary=VOCABULARY)
    with pytest.raises(DatasetError, match="songs of the split train are shorter than a patch"):
        module.setup("fit")
    (dataset.folder / "val-000000.tar").unlink()
    with pytest.raises(DatasetError, match=r"val-000000.tar is missing"):
        SongDataModule(config, batch_format, vocabulary=VOCABULARY).prepare_data()


@pytest.mark.parametrize(
    "change", [{"max_frames_per_batch": 0}, {"num_workers": -1}, {"verify": "none"}]
)
def test_config_is_checked(change: dict) -> None:
    with pytest.raises(ValueError, match=next(iter(change))):
        DataConfig(**{"root": "x", **change})
