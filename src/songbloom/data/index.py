"""index.json of a dataset folder: which shards there are, and what encoded them."""

import json
import math
from dataclasses import asdict, dataclass, fields
from pathlib import Path
from typing import Literal, get_args

from tqdm import tqdm

from songbloom.audio_format import FRAME_RATE, PROMPT_FRAMES
from songbloom.data.schema import SCHEMA_VERSION, DatasetError
from songbloom.data.shards import ShardInfo, sha256_of
from songbloom.lyrics.phonemes import Mode
from songbloom.lyrics.vocabulary import Vocabulary
from songbloom.whole_file import whole_file

INDEX_NAME = "index.json"

Verification = Literal["sha256", "size"]

# Hashing runs at about 1 GB a second, so more than this takes longer than two seconds.
_PROGRESS_BYTES = 2 << 30


@dataclass(frozen=True, kw_only=True)
class DatasetIndex:
    """A dataset folder's shards, vocabulary, encoder fingerprints and array sizes.

    `vocabulary` lists the phoneme symbols in the order of their ids; `g2p` names how lyrics became
    phonemes.
    """

    folder: Path
    shards: tuple[ShardInfo, ...]
    vocabulary: tuple[str, ...]
    codec_fingerprint: str
    sketch_fingerprint: str
    latent_dim: int
    num_codes: int
    num_prompts: int
    g2p: Mode = "natural"
    prompt_frames: int = PROMPT_FRAMES
    frame_rate: int = FRAME_RATE
    schema_version: int = SCHEMA_VERSION

    def __post_init__(self) -> None:
        if self.schema_version != SCHEMA_VERSION:
            raise DatasetError(
                f"{self.folder / INDEX_NAME} has schema version {self.schema_version}, but this "
                f"code reads {SCHEMA_VERSION}; write the dataset again with data_prep.encode."
            )
        if not self.shards:
            raise DatasetError(f"{self.folder / INDEX_NAME} lists no shards.")
        if self.g2p not in get_args(Mode):
            raise DatasetError(f"{self.folder / INDEX_NAME}: g2p must be one of {get_args(Mode)}.")
        for name in ("latent_dim", "num_codes", "num_prompts", "prompt_frames", "frame_rate"):
            if not isinstance(getattr(self, name), int) or getattr(self, name) <= 0:
                raise DatasetError(
                    f"{self.folder / INDEX_NAME}: {name} must be a positive whole number."
                )

    @property
    def splits(self) -> tuple[str, ...]:
        """The splits that have shards, sorted."""
        return tuple(sorted({shard.split for shard in self.shards}))

    def shards_of(self, split: str) -> tuple[ShardInfo, ...]:
        """Return the shards of a split.

        Raises:
            DatasetError: If it has none.
        """
        shards = tuple(shard for shard in self.shards if shard.split == split)
        if not shards:
            raise DatasetError(
                f"{self.folder / INDEX_NAME} has no shard of the split {split!r}; "
                f"it has {', '.join(self.splits)}."
            )
        return shards

    def save(self) -> None:
        """Write index.json into the folder, whole or not at all."""
        values = asdict(self)
        del values["folder"]
        with whole_file(self.folder / INDEX_NAME) as temporary:
            temporary.write_text(json.dumps(values, ensure_ascii=False, indent=1) + "\n", "utf-8")

    @classmethod
    def load(cls, folder: Path | str, *, verify: Verification = "sha256") -> "DatasetIndex":
        """Read a folder's index.json and verify its shards.

        Raises:
            DatasetError: If the index is missing or broken, or a shard is missing, of another
                size or (with `verify="sha256"`) of another checksum.
        """
        if verify not in ("sha256", "size"):
            raise DatasetError(f"verify must be 'sha256' or 'size', but it is {verify!r}.")
        folder = Path(folder)
        path = folder / INDEX_NAME
        if not path.is_file():
            raise DatasetError(
                f"{path} does not exist; write the dataset with data_prep.encode, which writes "
                f"it last, or name another folder."
            )
        try:
            values = json.loads(path.read_text("utf-8"))
            shards = tuple(ShardInfo(**shard) for shard in values.pop("shards"))
            vocabulary = tuple(values.pop("vocabulary"))
            known = {field.name for field in fields(cls)}
            index = cls(
                folder=folder,
                shards=shards,
                vocabulary=vocabulary,
                **{name: value for name, value in values.items() if name in known},
            )
        except DatasetError:
            raise
        except (ValueError, KeyError, TypeError, AttributeError) as error:
            raise DatasetError(
                f"{path} is no valid dataset index ({error}); write it again with "
                f"data_prep.encode, which keeps the complete shards."
            ) from error
        index.verify_shards(verify)
        return index

    def verify_shards(self, verify: Verification) -> None:
        """Compare every shard with its entry: its size, and with "sha256" its checksum too.

        Raises:
            DatasetError: On the first shard that differs.
        """
        for shard in self.shards:
            self._verify_size(shard)
        if verify == "size":
            return
        total = sum(shard.bytes for shard in self.shards)
        with tqdm(
            total=total,
            unit="B",
            unit_scale=True,
            desc="checking shards",
            disable=total < _PROGRESS_BYTES,
        ) as progress:
            for shard in self.shards:
                found = sha256_of(self.folder / shard.name, on_progress=progress.update)
                if found != shard.sha256:
                    raise DatasetError(
                        f"Shard {self.folder / shard.name} has the checksum {found[:12]}…, but "
                        f"{INDEX_NAME} says {shard.sha256[:12]}…; copy it again, or delete it "
                        f"and run data_prep.encode again."
                    )

    def _verify_size(self, shard: ShardInfo) -> None:
        path = self.folder / shard.name
        if not path.is_file():
            raise DatasetError(
                f"Shard {path} is missing; copy it into the folder, or run data_prep.encode again."
            )
        size = path.stat().st_size
        if size != shard.bytes:
            raise DatasetError(
                f"Shard {path} has {size} bytes, but {INDEX_NAME} says {shard.bytes}; copy it "
                f"again, or delete it and run data_prep.encode again."
            )

    def require(
        self,
        *,
        codec_fingerprint: str | None = None,
        sketch_fingerprint: str | None = None,
        vocabulary: Vocabulary | None = None,
        latent_dim: int | None = None,
        num_codes: int | None = None,
    ) -> None:
        """Check that the dataset was made for a model; what is None is not compared.

        Raises:
            DatasetError: If something differs.
        """
        path = self.folder / INDEX_NAME
        for name, expected in (
            ("codec_fingerprint", codec_fingerprint),
            ("sketch_fingerprint", sketch_fingerprint),
            ("latent_dim", latent_dim),
            ("num_codes", num_codes),
        ):
            found = getattr(self, name)
            if expected is not None and found != expected:
                raise DatasetError(
                    f"{path}: {name} is {found}, but the model expects {expected}; encode the "
                    f"songs again with the model's encoders, or choose a model of this dataset."
                )
        if vocabulary is not None and vocabulary.symbols != self.vocabulary:
            raise DatasetError(
                f"{path}: the dataset's vocabulary of {len(self.vocabulary)} symbols is not the "
                f"model's of {len(vocabulary)}; choose a model of this vocabulary, or encode the "
                f"songs again with the model's."
            )

    @property
    def total_seconds(self) -> float:
        """Seconds of all songs of all splits."""
        return math.fsum(shard.seconds for shard in self.shards)
