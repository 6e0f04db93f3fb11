"""Which renditions a corpus has: song, number and split of each, from a seed and counts."""

import math
from collections.abc import Sequence
from dataclasses import dataclass, replace

from data_prep.demo_corpus.notation import load_songs
from data_prep.demo_corpus.variant import FULL_FREEDOM, Freedom
from songbloom.errors import SongBloomError

SPLITS = ("train", "val", "test")
_FIRST_NUMBER = {"train": 0, "val": 8000, "test": 9000}
_NUMBERS = 10_000


@dataclass(frozen=True, kw_only=True)
class Rendition:
    """One performance of a song; its `seed` decides how it is performed, within its `freedom`.

    `words_exchanged` tells whether the words change places.
    """

    song: str
    number: int
    corpus_seed: int
    split: str
    freedom: Freedom = FULL_FREEDOM
    words_exchanged: bool = False

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
    *,
    training_songs: Sequence[str] | None = None,
    freedom: Freedom = FULL_FREEDOM,
    exchanged_share: float = 0.0,
) -> list[Rendition]:
    """The corpus: `renditions` train ones dealt evenly to the training songs, and the others.

    By default there is one validation rendition (another seed) of every training song, and two
    test renditions of every held-out song. A larger plan contains the smaller ones.

    Args:
        seed: which of the endlessly many corpora.
        renditions: number of train renditions.
        val_renditions: number of validation renditions.
        test_renditions: number of test renditions.
        training_songs: keys of the songs to train on; all that are not held out by default.
        freedom: of all renditions.
        exchanged_share: part of each song's train renditions whose words change places. They
            are performed in any form that fits, and in any tempo near that of `freedom`.

    Raises:
        SongBloomError: a count or share out of range, or an unknown song.
    """
    by_key = {song.key: song for song in load_songs()}
    songs = {
        split: [song.key for song in by_key.values() if song.split == split]
        for split in ("train", "test")
    }
    if training_songs is not None:
        unknown = [key for key in training_songs if key not in songs["train"]]
        if unknown:
            raise SongBloomError(
                f"There is no training song {unknown[0]!r}; the training songs are "
                f"{', '.join(songs['train'])}."
            )
        songs["train"] = list(training_songs)
    songs["val"] = songs["train"]
    counts = {
        "train": renditions,
        "val": len(songs["val"]) if val_renditions is None else val_renditions,
        "test": 2 * len(songs["test"]) if test_renditions is None else test_renditions,
    }
    for split, count in counts.items():
        if not 0 <= count <= 1000 * len(songs[split]):
            raise SongBloomError(f"The number of {split} renditions cannot be {count}.")
    if not 0 <= exchanged_share <= 1:
        raise SongBloomError(f"exchanged_share must lie in 0 to 1, but is {exchanged_share}.")
    freely = replace(freedom, tempo_spread=FULL_FREEDOM.tempo_spread, num_forms=None)
    chosen = []
    for split in SPLITS:
        for i in range(counts[split]):
            turn, place = divmod(i, len(songs[split]))
            share = exchanged_share if split == "train" else 0.0
            exchanged = math.floor((turn + 1) * share) > math.floor(turn * share)
            chosen.append(
                Rendition(
                    song=songs[split][place],
                    number=_FIRST_NUMBER[split] + turn,
                    corpus_seed=seed,
                    split=split,
                    freedom=freely if exchanged else freedom,
                    words_exchanged=exchanged,
                )
            )
    return chosen
