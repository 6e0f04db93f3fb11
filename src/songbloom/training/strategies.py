"""What the engines need beside their configuration in `conf/trainer`.

DeepSpeed is made to run on CPUs too; FSDP2 is told what to shard; DDP needs nothing.
"""

import os
from typing import Any

import torch
from lightning.fabric.utilities.seed import reset_seed
from lightning.pytorch.accelerators import CPUAccelerator
from lightning.pytorch.strategies import DeepSpeedStrategy
from torch.distributed.device_mesh import DeviceMesh
from torch.distributed.fsdp import fully_shard

from songbloom.models import SongBloom


def shard_model(model: SongBloom, mesh: DeviceMesh) -> None:
    """Shard each transformer layer by itself, then what is left, over the mesh (FSDP2)."""
    for layer in (*model.sketch_lm.layers, *model.dit.layers):
        fully_shard(layer, mesh=mesh)
    fully_shard(model, mesh=mesh)


class DeepSpeed(DeepSpeedStrategy):
    """Lightning's DeepSpeed strategy, which also runs on CPUs: the same engine, with gloo.

    Lightning refuses any accelerator but CUDA; DeepSpeed itself does not.

    Args:
        options: those of `DeepSpeedStrategy`: `stage`, `offload_optimizer`, `config`, …
    """

    def __init__(self, **options: Any) -> None:
        if not torch.cuda.is_available():
            # Read when deepspeed is imported, which Lightning does later.
            os.environ.setdefault("DS_ACCELERATOR", "cpu")
            options.setdefault("process_group_backend", "gloo")
        # Ours hold frames, not songs; DeepSpeed wants a number for its own log.
        options.setdefault("logging_batch_size_per_gpu", 1)
        super().__init__(**options)

    def setup_environment(self) -> None:
        """Start the processes' group; the check for CUDA is Lightning's own and is passed by."""
        if self._on_cpu:
            super(DeepSpeedStrategy, self).setup_environment()
        else:
            super().setup_environment()

    def setup_distributed(self) -> None:
        """Connect the processes."""
        if self._on_cpu:
            reset_seed()
            self.set_world_ranks()
            self._init_deepspeed_distributed()
        else:
            super().setup_distributed()

    @property
    def root_device(self) -> torch.device:
        """This process's device; DeepSpeed wants an index, on a CPU too."""
        device = super().root_device
        return torch.device("cpu", 0) if device.type == "cpu" else device

    @property
    def _on_cpu(self) -> bool:
        return isinstance(self.accelerator, CPUAccelerator)
