"""SongBatch, the model's input, and the collation of songs to it.

Shapes: B batch, D latent, T frames, L lyrics, K prompts, F prompt frames.
"""

import warnings
from collections.abc import Sequence
from dataclasses import dataclass, fields, replace

import torch
from torch import Tensor

from songbloom.audio_format import PROMPT_FRAMES
from songbloom.data.schema import DatasetError
from songbloom.data.tar_index import SongSample
from songbloom.lyrics.vocabulary import MAX_SENTENCES, PADDING_ID, Vocabulary


@dataclass(frozen=True, kw_only=True)
class BatchFormat:
    """What the model's side fixes about batches.

    `patch_size` frames are a patch, `num_codes` is the size of the codebook and the id of EOS,
    `max_lyrics` the fixed length L of the lyrics, `max_sentences` the rows of the sentence
    embedding, `prompt_frames` the length F of a prompt.
    """

    patch_size: int
    num_codes: int
    max_lyrics: int
    max_sentences: int = MAX_SENTENCES
    prompt_frames: int = PROMPT_FRAMES

    def __post_init__(self) -> None:
        for field in fields(self):
            if getattr(self, field.name) <= 0:
                raise ValueError(
                    f"{field.name} must be positive, but it is {getattr(self, field.name)}."
                )


@dataclass(kw_only=True)  # not frozen: Lightning sets its fields anew in half precision
class SongBatch:
    """Songs of a batch, padded at the right to the longest.

    Attributes:
        latents: (B, D, T) float32, zero past the end.
        sketch: (B, T) int64 codes, EOS (= num_codes) past the end.
        lengths: (B,) int64 frames of each song, whole patches.
        lyrics: (B, 3, L) int64: ids, structure ids, sentence indices; -1 past the end.
        prompts: (B, D, F) float32 style prompts.
        keys: The B keys of the songs.

    Raises:
        DatasetError: If the parts do not belong together.
    """

    latents: Tensor
    sketch: Tensor
    lengths: Tensor
    lyrics: Tensor
    prompts: Tensor
    keys: tuple[str, ...]

    def __post_init__(self) -> None:
        dimensions = {"latents": 3, "sketch": 2, "lengths": 1, "lyrics": 3, "prompts": 3}
        for name, ndim in dimensions.items():
            tensor: Tensor = getattr(self, name)
            if tensor.ndim != ndim or len(tensor) != len(self.keys):
                raise DatasetError(
                    f"Batch: {name} must have {ndim} dimensions and a row for each of its "
                    f"{len(self.keys)} keys, but its shape is {tuple(tensor.shape)}."
                )
        if self.latents.shape[2] != self.sketch.shape[1]:
            raise DatasetError(
                f"Batch of {self.keys[0]}: latents have {self.latents.shape[2]} frames, but "
                f"sketch tokens {self.sketch.shape[1]}; both must be the same song, frame by frame."
            )
        if self.lyrics.shape[1] != 3:
            raise DatasetError(
                f"Batch: lyrics must have 3 rows (ids, structure ids, sentence indices), but "
                f"they have {self.lyrics.shape[1]}."
            )
        if self.prompts.shape[1] != self.latents.shape[1]:
            raise DatasetError(
                f"Batch: prompts have {self.prompts.shape[1]} values a frame, but latents "
                f"{self.latents.shape[1]}; both must come from one codec."
            )
        # On an accelerator this comparison would wait for it; batches are made on the CPU.
        if self.lengths.device.type == "cpu" and not self._lengths_fit():
            raise DatasetError(
                f"Batch: lengths must be from 1 to {self.latents.shape[2]} frames, but they are "
                f"{self.lengths.tolist()}."
            )

    def _lengths_fit(self) -> bool:
        return bool(((self.lengths > 0) & (self.lengths <= self.latents.shape[2])).all())

    def __len__(self) -> int:
        return len(self.keys)

    @property
    def num_frames(self) -> int:
        """Valid frames of all songs (on an accelerator, reading it waits for the device)."""
        return int(self.lengths.sum())

    def to(self, device: torch.device | str, non_blocking: bool = False) -> "SongBatch":
        """Return the batch on another device."""
        return self._map(lambda tensor: tensor.to(device, non_blocking=non_blocking))

    def pin_memory(self) -> "SongBatch":
        """Return the batch in page-locked memory."""
        return self._map(lambda tensor: tensor.pin_memory())

    def _map(self, function) -> "SongBatch":
        names = [field.name for field in fields(self) if field.name != "keys"]
        return replace(self, **{name: function(getattr(self, name)) for name in names})


def collate(
    samples: Sequence[SongSample],
    prompt_choice: Sequence[int],
    batch_format: BatchFormat,
    vocabulary: Vocabulary,
) -> SongBatch:
    """Put songs into a batch; song b gets its prompt `prompt_choice[b]`.

    Each song is cut down to whole patches, and its lyrics are cut to `max_lyrics` ids.

    Raises:
        DatasetError: If a song is shorter than a patch, or its latents and tokens differ in
            length; the sentence names its key.
        songbloom.lyrics errors: If the vocabulary lacks a phoneme.
    """
    lengths = [_whole_patches(sample, batch_format.patch_size) for sample in samples]
    size, longest = len(samples), max(lengths)
    latents = torch.zeros(size, samples[0].latents.shape[0], longest)
    sketch = torch.full((size, longest), batch_format.num_codes, dtype=torch.int64)
    for row, (sample, length) in enumerate(zip(samples, lengths, strict=True)):
        latents[row, :, :length] = sample.latents[:, :length]
        sketch[row, :length] = sample.sketch[:length]
    return SongBatch(
        latents=latents,
        sketch=sketch,
        lengths=torch.tensor(lengths),
        lyrics=torch.stack(
            [lyrics_tensor(sample.record.phonemes, batch_format, vocabulary) for sample in samples]
        ),
        prompts=torch.stack(
            [sample.prompts[k] for sample, k in zip(samples, prompt_choice, strict=True)]
        ),
        keys=tuple(sample.record.key for sample in samples),
    )


def lyrics_tensor(phonemes: str, batch_format: BatchFormat, vocabulary: Vocabulary) -> Tensor:
    """Return (3, max_lyrics) int64: ids, structure ids, sentence indices; -1 past their end."""
    max_lyrics = batch_format.max_lyrics
    lyric = vocabulary.encode(phonemes, max_sentences=batch_format.max_sentences)
    rows = torch.tensor([lyric.ids, lyric.structure_ids, lyric.sentence_index], dtype=torch.int64)
    if rows.shape[1] > max_lyrics:
        # One text for all songs, so that Python shows the warning once.
        warnings.warn(
            f"lyrics longer than max_lyrics = {max_lyrics} ids are cut at their end; raise "
            f"max_lyrics to keep them whole",
            stacklevel=2,
        )
    result = torch.full((3, max_lyrics), PADDING_ID)
    kept = rows[:, :max_lyrics]
    result[:, : kept.shape[1]] = kept
    return result


def _whole_patches(sample: SongSample, patch_size: int) -> int:
    key, num_frames = sample.record.key, sample.latents.shape[1]
    if num_frames != sample.sketch.shape[0]:
        raise DatasetError(
            f"Sample {key} has {num_frames} latent frames but {sample.sketch.shape[0]} sketch "
            f"tokens; encode it again."
        )
    if num_frames < patch_size:
        raise DatasetError(
            f"Sample {key} has {num_frames} frames, less than a patch of {patch_size}; leave it "
            f"out of the dataset."
        )
    return num_frames // patch_size * patch_size
