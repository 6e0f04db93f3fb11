"""SongDataModule: a dataset folder as Lightning's train, validation and test loaders."""

import warnings
from dataclasses import dataclass
from pathlib import Path
from typing import Any, get_args

import torch
from lightning import LightningDataModule
from torch.utils.data import DataLoader

from songbloom.data.batch import BatchFormat
from songbloom.data.excerpts import ExcerptDataset, ExcerptKind
from songbloom.data.index import DatasetIndex, Verification
from songbloom.data.loader import Collator, PlanLoader, PlannedSongs
from songbloom.data.sampler import PlanSampler
from songbloom.data.schema import DatasetError
from songbloom.data.tar_index import TarIndexDataset
from songbloom.lyrics.vocabulary import Vocabulary


@dataclass(frozen=True, kw_only=True)
class DataConfig:
    """Where the songs are and how they make batches.

    Attributes:
        root: Dataset folder, the one with index.json.
        train_split: Split that is trained on.
        val_split: Split of validation.
        test_split: Split of the test.
        excerpts: What is trained on: "songs", "sections" with words, or "songs_and_sections";
            validation and test always read whole songs.
        max_frames_per_batch: Songs of a batch times the frames of its longest, at most.
        num_workers: Processes that read songs, per rank; 0 reads in the training process.
        seed: Fixes the order of songs and the choice of prompts.
        verify: "sha256" reads every shard once at the start, "size" compares sizes only.
        pin_memory: Hand batches out in page-locked memory, for copies to a GPU.
    """

    root: str
    train_split: str = "train"
    val_split: str = "val"
    test_split: str = "test"
    excerpts: ExcerptKind = "songs"
    max_frames_per_batch: int = 20_000
    num_workers: int = 2
    seed: int = 0
    verify: Verification = "sha256"
    pin_memory: bool = False

    def __post_init__(self) -> None:
        if self.max_frames_per_batch <= 0:
            raise ValueError(
                f"max_frames_per_batch must be positive, but it is {self.max_frames_per_batch}."
            )
        if self.num_workers < 0:
            raise ValueError(f"num_workers must not be negative, but it is {self.num_workers}.")
        for name, kind in (("verify", Verification), ("excerpts", ExcerptKind)):
            if getattr(self, name) not in get_args(kind):
                raise ValueError(
                    f"{name} must be one of {', '.join(get_args(kind))}, but it is "
                    f"{getattr(self, name)!r}."
                )


class SongDataModule(LightningDataModule):
    """Batches of songs for training, validation and test.

    Trainers that use it need `use_distributed_sampler=False`: the plan shares the songs out
    among the ranks itself.

    Args:
        config: The dataset and the batches.
        batch_format: What the model fixes about batches.
        vocabulary: The model's phonemes.
        codec_fingerprint: The model's codec, compared with the dataset's.
        sketch_fingerprint: The model's sketch tokeniser, compared with the dataset's.

    Raises:
        DatasetError: At `prepare_data` and `setup`, if the dataset is broken or was not made for
            this model.
    """

    def __init__(
        self,
        config: DataConfig,
        batch_format: BatchFormat,
        *,
        vocabulary: Vocabulary,
        codec_fingerprint: str | None = None,
        sketch_fingerprint: str | None = None,
    ) -> None:
        super().__init__()
        self._config = config
        self._format = batch_format
        self._vocabulary = vocabulary
        self._codec_fingerprint = codec_fingerprint
        self._sketch_fingerprint = sketch_fingerprint
        self._index: DatasetIndex | None = None
        self._songs: dict[str, TarIndexDataset] = {}

    def prepare_data(self) -> None:
        """Verify the shards, once on each machine."""
        DatasetIndex.load(self._config.root, verify=self._config.verify)

    def setup(self, stage: str | None = None) -> None:
        """Read the index, compare it with the model, and index the splits of the stage."""
        self.index.require(
            codec_fingerprint=self._codec_fingerprint,
            sketch_fingerprint=self._sketch_fingerprint,
            vocabulary=self._vocabulary,
            num_codes=self._format.num_codes,
        )
        if self.index.prompt_frames != self._format.prompt_frames:
            raise DatasetError(
                f"{self._config.root}: prompts have {self.index.prompt_frames} frames, but the "
                f"model expects {self._format.prompt_frames}; encode the songs again."
            )
        splits = {
            "fit": (self._config.train_split, self._config.val_split),
            "validate": (self._config.val_split,),
        }.get(stage or "fit", (self._config.test_split,))
        for split in splits:
            self.songs(split)

    @property
    def index(self) -> DatasetIndex:
        """The dataset's index; its shards are verified in `prepare_data`, here by size."""
        if self._index is None:
            self._index = DatasetIndex.load(Path(self._config.root), verify="size")
        return self._index

    def songs(self, split: str) -> TarIndexDataset:
        """The songs of a split, for reading one by one."""
        if split not in self._songs:
            self._songs[split] = self._index_split(split)
        return self._songs[split]

    def _index_split(self, split: str) -> TarIndexDataset:
        songs = TarIndexDataset(self.index, split)
        short = [s.key for s in songs.locations if s.num_frames < self._format.patch_size]
        if short:
            raise DatasetError(
                f"{self._config.root}: {len(short)} songs of the split {split} are shorter than "
                f"a patch of {self._format.patch_size} frames ({', '.join(short[:3])}, …); "
                f"leave them out of the dataset."
            )
        return songs

    def train_dataloader(self) -> PlanLoader:
        """Shuffled batches of the training split, resumable at any batch."""
        excerpts = self._excerpts(self._config.train_split, self._config.excerpts)
        return PlanLoader(excerpts, self._sampler(excerpts, shuffle=True), **self._loader_options())

    def val_dataloader(self) -> DataLoader:
        """All songs of the validation split in a fixed order, each with its first prompt.

        Where the batches do not divide evenly among ranks, the first ones are counted twice.
        """
        return self._ordered_loader(self._config.val_split)

    def test_dataloader(self) -> DataLoader:
        """All songs of the test split in a fixed order, each with its first prompt."""
        return self._ordered_loader(self._config.test_split)

    def _ordered_loader(self, split: str) -> DataLoader:
        songs = self._excerpts(split, "songs")
        return DataLoader(
            PlannedSongs(songs),
            batch_sampler=self._sampler(songs, shuffle=False),
            **self._loader_options(),
        )

    def _excerpts(self, split: str, kind: ExcerptKind) -> ExcerptDataset:
        excerpts = ExcerptDataset(self.songs(split), kind, min_frames=self._format.patch_size)
        if excerpts.num_unmatched:
            warnings.warn(
                f"{self._config.root}: {excerpts.num_unmatched} songs of the split {split} have "
                f"other sections in their lyrics than in their times; none was cut from them.",
                stacklevel=2,
            )
        return excerpts

    def _loader_options(self) -> dict[str, Any]:
        return {
            "collate_fn": Collator(self._format, self._vocabulary),
            "num_workers": self._config.num_workers,
            "pin_memory": self._config.pin_memory,
        }

    def _sampler(self, excerpts: ExcerptDataset, *, shuffle: bool) -> PlanSampler:
        distributed = torch.distributed.is_available() and torch.distributed.is_initialized()
        return PlanSampler(
            excerpts.num_frames,
            num_prompts=self.index.num_prompts,
            max_frames_per_batch=self._config.max_frames_per_batch,
            seed=self._config.seed,
            rank=torch.distributed.get_rank() if distributed else 0,
            world_size=torch.distributed.get_world_size() if distributed else 1,
            shuffle=shuffle,
        )
