"""Which renditions a corpus has: song, number and split of each, from a seed and counts."""

from dataclasses import dataclass

from data_prep.demo_corpus.notation import load_songs
from songbloom.errors import SongBloomError

SPLITS = ("train", "val", "test")
_FIRST_NUMBER = {"train": 0, "val": 8000, "test": 9000}
_NUMBERS = 10_000


@dataclass(frozen=True, kw_only=True)
class Rendition:
    """One performance of a song; `seed` alone decides how it is performed."""

    song: str
    number: int
    corpus_seed: int
    split: str

    def __post_init__(self) -> None:
        """Check the split and the ranges that keep seeds apart."""
        if self.split not in SPLITS:
            raise SongBloomError(f"split must be one of {SPLITS}, not {self.split!r}.")
        if not 0 <= self.number < _NUMBERS:
            raise SongBloomError(f"number must lie in 0 to {_NUMBERS - 1}, not {self.number}.")
        if self.corpus_seed < 0:
            raise SongBloomError(f"corpus_seed must not be negative, but is {self.corpus_seed}.")

    @property
    def key(self) -> str:
        """Name of its files."""
        return f"{self.song}_{self.number:04d}"

    @property
    def seed(self) -> int:
        """The number that its variant is drawn from."""
        return self.corpus_seed * _NUMBERS + self.number


def plan(
    seed: int,
    renditions: int,
    val_renditions: int | None = None,
    test_renditions: int | None = None,
) -> list[Rendition]:
    """The corpus: `renditions` train ones dealt evenly to the training songs, and the others.

    By default there is one validation rendition (another seed) of every training song, and two
    test renditions of every held-out song. A larger plan contains the smaller ones.
    """
    songs = {
        "train": [song.key for song in load_songs() if song.split == "train"],
        "test": [song.key for song in load_songs() if song.split == "test"],
    }
    songs["val"] = songs["train"]
    counts = {
        "train": renditions,
        "val": len(songs["val"]) if val_renditions is None else val_renditions,
        "test": 2 * len(songs["test"]) if test_renditions is None else test_renditions,
    }
    for split, count in counts.items():
        if not 0 <= count <= 1000 * len(songs[split]):
            raise SongBloomError(f"The number of {split} renditions cannot be {count}.")
    return [
        Rendition(
            song=songs[split][i % len(songs[split])],
            number=_FIRST_NUMBER[split] + i // len(songs[split]),
            corpus_seed=seed,
            split=split,
        )
        for split in SPLITS
        for i in range(counts[split])
    ]
