"""Which songs, with which prompts, make the batches of an epoch: one plan for all ranks.

The plan is a function of seed and epoch alone. Ranks take turns in it, and its place is one
number, so that a run stopped anywhere goes on exactly, also on another number of ranks.
"""

import math
from collections.abc import Iterator, Mapping, Sequence
from typing import NamedTuple

import numpy as np
from torch.utils.data import Sampler

from songbloom.data.schema import DatasetError


class PlanItem(NamedTuple):
    """A song of the dataset and which of its K prompts goes with it."""

    sample: int
    prompt: int


class PlanSampler(Sampler[list[PlanItem]]):
    """Batches of songs of similar length, at most `max_frames_per_batch` frames with padding.

    The songs, sorted by length, are parted into about `num_buckets` runs; each epoch shuffles
    inside a run, cuts it into batches of one size, and shuffles the batches. So every epoch has
    the same number of batches. Iterating starts at the present place and does not move it:
    `advance` does, once per batch that was handed out, whatever workers have fetched ahead.

    Args:
        num_frames: Frames of each song.
        num_prompts: Prompts K of each song.
        max_frames_per_batch: Songs of a batch times the frames of its longest.
        seed: With the epoch it fixes the plan.
        rank: Which of the `world_size` processes this is.
        world_size: Processes that share the plan.
        shuffle: False gives every epoch the same plan, shortest songs first, with prompt 0.
        num_buckets: More of them pad less, fewer of them mix more.

    Raises:
        DatasetError: If there is no song, or one is longer than the budget.
    """

    def __init__(
        self,
        num_frames: Sequence[int],
        *,
        num_prompts: int,
        max_frames_per_batch: int,
        seed: int,
        rank: int = 0,
        world_size: int = 1,
        shuffle: bool = True,
        num_buckets: int = 8,
    ) -> None:
        if not len(num_frames):
            raise DatasetError("The split holds no songs.")
        if not 0 <= rank < world_size:
            raise ValueError(f"rank must be from 0 to world_size - 1, but it is {rank}.")
        self._num_frames = np.asarray(num_frames)
        too_long = int((self._num_frames > max_frames_per_batch).sum())
        if too_long:
            raise DatasetError(
                f"max_frames_per_batch is {max_frames_per_batch}, but {too_long} songs are "
                f"longer, the longest of {self._num_frames.max()} frames; raise it, or leave "
                f"such songs out of the dataset."
            )
        self._num_prompts = num_prompts
        self._max_frames = max_frames_per_batch
        self._seed = seed
        self._rank = rank
        self._world_size = world_size
        self._shuffle = shuffle
        self._buckets = self._make_buckets(num_buckets)
        self._num_batches = sum(math.ceil(len(songs) / size) for songs, size in self._buckets)
        self._epoch = 0
        self._global_done = 0

    def _make_buckets(self, num_buckets: int) -> list[tuple[np.ndarray, int]]:
        """Part the songs into (indices, batch size); only the shortest may lack a whole batch."""
        order = np.argsort(-self._num_frames, kind="stable")
        target = math.ceil(len(order) / num_buckets)
        buckets, first = [], 0
        while first < len(order):
            size = int(self._max_frames // self._num_frames[order[first]])
            count = math.ceil(target / size) * size
            buckets.append((order[first : first + count], size))
            first += count
        return buckets[::-1]

    def plan(self, epoch: int) -> list[list[PlanItem]]:
        """Return all batches of an epoch, for all ranks, in order."""
        if not self._shuffle:
            return [
                [PlanItem(int(i), 0) for i in bucket[::-1][start : start + size]]
                for bucket, size in self._buckets
                for start in range(0, len(bucket), size)
            ]
        rng = np.random.default_rng((self._seed, epoch))
        prompts = rng.integers(self._num_prompts, size=len(self._num_frames))
        batches = []
        for bucket, size in self._buckets:
            shuffled = rng.permutation(bucket)
            for start in range(0, len(shuffled), size):
                batches.append(
                    [PlanItem(int(i), int(prompts[i])) for i in shuffled[start : start + size]]
                )
        return [batches[i] for i in rng.permutation(len(batches))]

    def __iter__(self) -> Iterator[list[PlanItem]]:
        plan = self.plan(self._epoch)
        rest = plan[self._global_done :]
        # Every rank needs as many batches as the others, or they would wait for it for ever.
        rest += [plan[i % len(plan)] for i in range(-len(rest) % self._world_size)]
        yield from rest[self._rank :: self._world_size]

    def __len__(self) -> int:
        """Batches of a whole epoch on this rank."""
        return math.ceil(self._num_batches / self._world_size)

    def advance(self) -> None:
        """Note that each rank was handed one more batch; after the last the next epoch begins."""
        self._global_done += self._world_size
        if self._global_done >= self._num_batches:
            self._epoch += 1
            self._global_done = 0

    def state_dict(self) -> dict[str, int]:
        """Return the place in the plan, the same on every rank."""
        return {
            "epoch": self._epoch,
            "global_done": self._global_done,
            "seed": self._seed,
            "num_batches": self._num_batches,
        }

    def load_state_dict(self, state: Mapping[str, int]) -> None:
        """Go to a place in the plan, saved on any number of ranks.

        Raises:
            DatasetError: If it is a place in another plan.
        """
        for name, own in (("seed", self._seed), ("num_batches", self._num_batches)):
            if state[name] != own:
                raise DatasetError(
                    f"The checkpoint's data plan has {name} {state[name]}, but this run's has "
                    f"{own}; resume with the same dataset, data seed and max_frames_per_batch, "
                    f"or start a new run from the checkpoint's weights."
                )
        self._epoch, self._global_done = state["epoch"], state["global_done"]
