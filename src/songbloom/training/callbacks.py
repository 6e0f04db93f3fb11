"""Callbacks: how fast training goes."""

import time

import lightning as L
from lightning.pytorch.callbacks import Callback
from torch import Tensor

from songbloom.data.batch import SongBatch


class FrameRate(Callback):
    """Logs frames trained per second, on average over the last steps.

    Only steps count: validation and waiting for data are left out.
    """

    def __init__(self, smoothing: float = 0.9) -> None:
        self._smoothing = smoothing
        self._started = 0.0
        self._rate: float | None = None

    def on_train_batch_start(
        self, trainer: L.Trainer, pl_module: L.LightningModule, batch: SongBatch, batch_idx: int
    ) -> None:
        """Note when the step began."""
        self._started = time.perf_counter()

    def on_train_batch_end(
        self,
        trainer: L.Trainer,
        pl_module: L.LightningModule,
        outputs: Tensor,
        batch: SongBatch,
        batch_idx: int,
    ) -> None:
        """Log this process's rate times the number of processes."""
        elapsed = time.perf_counter() - self._started
        rate = batch.num_frames * trainer.world_size / elapsed
        if self._rate is not None:
            rate = self._smoothing * self._rate + (1 - self._smoothing) * rate
        self._rate = rate
        pl_module.log("train/frames_per_second", rate, prog_bar=True, batch_size=1)
