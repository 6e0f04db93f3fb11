"""The Lightning module: steps, draws, logging, and what a checkpoint holds beside the weights."""

from collections.abc import Callable
from typing import Any

import lightning as L
import numpy as np
import torch
from lightning.pytorch.strategies import ModelParallelStrategy
from lightning.pytorch.utilities.types import OptimizerLRScheduler
from torch.optim import Optimizer
from torch.optim.lr_scheduler import LRScheduler

from songbloom.checkpoint import LIGHTNING_KEY, ModelCard
from songbloom.corruption import NO_DROPOUT, Corruption, CorruptionConfig, draw_corruption
from songbloom.data.batch import SongBatch, lyrics_tensor
from songbloom.errors import SongBloomError
from songbloom.losses import FLOW_WEIGHT, Losses
from songbloom.models import SongBloom
from songbloom.training.optimizer import parameter_groups
from songbloom.training.step import song_losses
from songbloom.training.strategies import shard_model

VALIDATION_SEED = 90_210


class SongBloomModule(L.LightningModule):
    """Trains a `SongBloom`.

    Args:
        model: the model.
        card: its description, stored in every checkpoint.
        corruption: probabilities of the draws of a step.
        optimizer: makes the optimiser from parameter groups.
        scheduler: makes the learning-rate schedule from the optimiser, stepped every step.
        weight_decay: of the matrices.
        flow_weight: weight of the flow loss.
        seed: with step and rank it fixes each step's draws, so that a resumed run repeats them.
    """

    def __init__(
        self,
        model: SongBloom,
        card: ModelCard,
        *,
        corruption: CorruptionConfig,
        optimizer: Callable[..., Optimizer],
        scheduler: Callable[[Optimizer], LRScheduler],
        weight_decay: float = 0.1,
        flow_weight: float = FLOW_WEIGHT,
        seed: int = 0,
    ) -> None:
        super().__init__()
        self.model = model
        self.card = card
        self._corruption = corruption
        self._make_optimizer = optimizer
        self._make_scheduler = scheduler
        self._weight_decay = weight_decay
        self._flow_weight = flow_weight
        self._seed = seed
        null = lyrics_tensor("", card.batch_format, card.vocabulary)
        self.register_buffer("_null_lyrics", null, persistent=False)

    def configure_model(self) -> None:
        """Shard the layers where the strategy asks for it (FSDP2); nothing to do for the others."""
        if isinstance(self.trainer.strategy, ModelParallelStrategy):
            shard_model(self.model, self.trainer.strategy.device_mesh["data_parallel"])

    def configure_optimizers(self) -> OptimizerLRScheduler:
        """AdamW or whatever was configured, decaying matrices only, and its schedule."""
        optimizer = self._make_optimizer(parameter_groups(self.model, self._weight_decay))
        scheduler = self._make_scheduler(optimizer)
        return {
            "optimizer": optimizer,
            "lr_scheduler": {"scheduler": scheduler, "interval": "step"},
        }

    def training_step(self, batch: SongBatch, batch_idx: int) -> torch.Tensor:
        """Losses of one batch under this step's draws."""
        step = self.trainer.fit_loop.epoch_loop.total_batch_idx
        draws, dropout = np.random.SeedSequence(
            (self._seed, step, self.global_rank)
        ).generate_state(2)
        torch.manual_seed(int(dropout))  # the dropout layers draw from the global generator
        losses = self._losses(batch, self._draw(batch, self._corruption, int(draws)))
        if not losses.total.isfinite():
            raise SongBloomError(
                f"The loss is {float(losses.total)} at step {self.global_step} on the songs "
                f"{', '.join(batch.keys)}; lower the learning rate or look at these songs."
            )
        self._log("train", losses, batch)
        return losses.total

    def validation_step(self, batch: SongBatch, batch_idx: int) -> None:
        """The same losses without dropout; each batch has the same noise at every validation."""
        draws = self._draw(batch, NO_DROPOUT, VALIDATION_SEED + batch_idx)
        losses = self._losses(batch, draws)
        self._log("val", losses, batch)

    def configure_gradient_clipping(
        self,
        optimizer: Optimizer,
        gradient_clip_val: int | float | None = None,
        gradient_clip_algorithm: str | None = None,
    ) -> None:
        """Clip by norm, and log the norm.

        Lightning's own clipping refuses fused optimisers in mixed precision, which matters for
        float16 scaling alone; bfloat16 has none.
        """
        # Lightning takes 0 for no clipping, as it does None.
        limit = float(gradient_clip_val or 0) or float("inf")
        norm = torch.nn.utils.clip_grad_norm_(self.parameters(), limit)
        self.log("train/gradient_norm", norm, batch_size=1)

    def _draw(self, batch: SongBatch, config: CorruptionConfig, seed: int) -> Corruption:
        generator = torch.Generator(device=self.device).manual_seed(seed)
        size = self.model.config.patch_size
        return draw_corruption(batch, config, patch_size=size, generator=generator)

    def _losses(self, batch: SongBatch, corruption: Corruption) -> Losses:
        return song_losses(
            self.model,
            batch,
            corruption,
            null_lyrics=self.get_buffer("_null_lyrics"),
            flow_weight=self._flow_weight,
        )

    def _log(self, stage: str, losses: Losses, batch: SongBatch) -> None:
        values = {"loss": losses.total, "sketch": losses.sketch, "flow": losses.flow}
        self.log_dict(
            {f"{stage}/{name}": value.detach() for name, value in values.items()},
            prog_bar=True,
            # Each song's share of an epoch's mean is its frames.
            batch_size=int(batch.lengths.sum()),
            on_step=stage == "train",
            on_epoch=stage == "val",
            sync_dist=stage == "val",
        )

    def on_save_checkpoint(self, checkpoint: dict[str, Any]) -> None:
        """Put configuration and vocabulary beside the weights."""
        checkpoint[LIGHTNING_KEY] = self.card.to_dict()

    def on_load_checkpoint(self, checkpoint: dict[str, Any]) -> None:
        """Refuse to go on with another model or another dataset than the run began with."""
        began, now = checkpoint.get(LIGHTNING_KEY, {}), self.card.to_dict()
        changed = [name for name, value in now.items() if began.get(name) != value]
        if changed:
            raise SongBloomError(
                f"The run that is resumed had another {', '.join(changed)}; give it the settings "
                f"and the dataset that it began with, or start a new run."
            )
