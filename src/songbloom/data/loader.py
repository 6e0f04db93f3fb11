"""A DataLoader that can stop after any batch and go on exactly there, on any number of workers."""

from collections.abc import Iterator, Mapping, Sequence
from typing import Any

from torch.utils.data import DataLoader, Dataset

from songbloom.data.batch import BatchFormat, SongBatch, collate
from songbloom.data.excerpts import ExcerptDataset
from songbloom.data.sampler import PlanItem, PlanSampler
from songbloom.data.tar_index import SongSample
from songbloom.lyrics.vocabulary import Vocabulary


class PlannedSongs(Dataset[tuple[SongSample, int]]):
    """Excerpts with the prompt that the plan chose for each."""

    def __init__(self, excerpts: ExcerptDataset) -> None:
        self._excerpts = excerpts

    def __getitem__(self, item: PlanItem) -> tuple[SongSample, int]:
        return self._excerpts[item.sample], item.prompt


class Collator:
    """Collates what PlannedSongs yields; an object, so that workers of any start method get it."""

    def __init__(self, batch_format: BatchFormat, vocabulary: Vocabulary) -> None:
        self._format = batch_format
        self._vocabulary = vocabulary

    def __call__(self, items: Sequence[tuple[SongSample, int]]) -> SongBatch:
        """Return the batch of songs and their prompt choices."""
        samples, prompt_choice = zip(*items, strict=True)
        return collate(samples, prompt_choice, self._format, self._vocabulary)


class PlanLoader(DataLoader):
    """Loads the batches of a PlanSampler; its state is the sampler's place in the plan.

    The place moves when a batch is handed out, not when a worker fetches it, so `state_dict`
    between two batches is exact, and holds nothing of the workers. Lightning saves and restores
    it with the checkpoint, as it does for every loader with these two methods; the length keeps
    it from fetching one batch ahead.
    """

    def __init__(self, excerpts: ExcerptDataset, sampler: PlanSampler, **options: Any) -> None:
        super().__init__(PlannedSongs(excerpts), batch_sampler=sampler, **options)
        self._plan_sampler = sampler

    def __iter__(self) -> Iterator[SongBatch]:  # pyright: ignore[reportIncompatibleMethodOverride]
        for batch in super().__iter__():
            self._plan_sampler.advance()
            yield batch

    def state_dict(self) -> dict[str, int]:
        """Return the place in the plan."""
        return self._plan_sampler.state_dict()

    def load_state_dict(self, state: Mapping[str, int]) -> None:
        """Go to a place in the plan; the next iteration starts there."""
        self._plan_sampler.load_state_dict(state)
