"""A model's losses on songs, with the right conditions and with those of another song.

Every variant of a song is judged under the same noise and timesteps.
"""

from collections.abc import Sequence
from dataclasses import dataclass, replace

import torch
from torch import Tensor
from tqdm import tqdm

from songbloom.checkpoint import ModelCard
from songbloom.corruption import NO_DROPOUT, CorruptedInputs, corrupt, draw_corruption
from songbloom.data.batch import SongBatch, collate
from songbloom.data.tar_index import SongSample
from songbloom.errors import SongBloomError
from songbloom.losses import sketch_targets
from songbloom.models import SongBloom

FIRST_SEED = 1_000


@dataclass(frozen=True, kw_only=True)
class Likelihood:
    """Mean losses of songs.

    Attributes:
        sketch: nats a token, the end of the song counted as one.
        flow: mean squared error of the velocity.
    """

    sketch: float
    flow: float


@dataclass(frozen=True, kw_only=True)
class ConditionReport:
    """Losses of the same songs under three conditions, and the flow's baseline.

    Attributes:
        right: with their own lyrics and prompt.
        wrong_lyrics: with another song's lyrics.
        foreign_prompt: with another song's style prompt.
        mean_velocity_flow: error of always predicting the mean velocity of the training songs.
    """

    right: Likelihood
    wrong_lyrics: Likelihood
    foreign_prompt: Likelihood
    mean_velocity_flow: float


@dataclass
class _Sums:
    nats: float = 0.0
    tokens: int = 0
    error: float = 0.0
    values: int = 0

    def mean(self) -> Likelihood:
        return Likelihood(sketch=self.nats / self.tokens, flow=self.error / self.values)


def other_song(samples: Sequence[SongSample], index: int) -> int:
    """The next sample, cyclically, that renders another song (`extra.song`, else the key).

    Raises:
        SongBloomError: all samples are of one song.
    """

    def song(sample: SongSample) -> str:
        return str(sample.record.extra.get("song", sample.record.key))

    for step in range(1, len(samples)):
        candidate = (index + step) % len(samples)
        if song(samples[candidate]) != song(samples[index]):
            return candidate
    raise SongBloomError(
        "All songs to evaluate are the same song, so none has foreign lyrics to compare with; "
        "evaluate at least two songs."
    )


@torch.inference_mode()
def evaluate_conditions(
    model: SongBloom,
    card: ModelCard,
    samples: Sequence[SongSample],
    *,
    mean_latent: Tensor,
    foreign: Sequence[SongSample] | None = None,
    description: str = "evaluating",
) -> ConditionReport:
    """Judge songs under right lyrics and prompt, foreign lyrics, and a foreign prompt.

    Args:
        model: in evaluation mode.
        card: its description.
        samples: the songs.
        mean_latent: (D,) mean of the training latents, for the mean-velocity baseline.
        foreign: where foreign conditions come from; the samples themselves if not given.
        description: of the progress bar.
    """
    pool = [*samples, *(foreign or ())]
    sums = {"right": _Sums(), "wrong_lyrics": _Sums(), "foreign_prompt": _Sums()}
    baseline, values = 0.0, 0
    null = torch.full_like(_collate(samples[0], card).lyrics[0], -1)  # nothing is dropped here
    for index, sample in enumerate(tqdm(samples, desc=description, unit="song")):
        batch = _collate(sample, card)
        other = _collate(pool[other_song(pool, index)], card)
        generator = torch.Generator().manual_seed(FIRST_SEED + index)
        patch_size = card.config.patch_size
        draws = draw_corruption(batch, NO_DROPOUT, patch_size=patch_size, generator=generator)
        variants = {
            "right": batch,
            "wrong_lyrics": replace(batch, lyrics=other.lyrics),
            "foreign_prompt": replace(batch, prompts=other.prompts),
        }
        for name, variant in variants.items():
            inputs = corrupt(variant, draws, null_lyrics=null, patch_size=patch_size)
            _add(sums[name], model, variant, inputs)
            if name == "right":
                error = (inputs.velocity + mean_latent).square()
                baseline, values = baseline + float(error.sum()), values + error.numel()
    return ConditionReport(
        **{name: total.mean() for name, total in sums.items()}, mean_velocity_flow=baseline / values
    )


def _collate(sample: SongSample, card: ModelCard) -> SongBatch:
    return collate([sample], [0], card.batch_format, card.vocabulary)


def _add(sums: _Sums, model: SongBloom, batch: SongBatch, inputs: CorruptedInputs) -> None:
    config = model.config
    predictions = model(inputs.conditions, batch.sketch, batch.latents, inputs.patches)
    targets = sketch_targets(
        batch.sketch, batch.lengths, eos_id=config.eos_id, ignored_id=config.ignored_id
    )
    nats = torch.nn.functional.cross_entropy(
        predictions.logits.flatten(0, 1).float(), targets.flatten(), reduction="sum"
    )
    error = (predictions.velocity - inputs.velocity).square()
    sums.nats += float(nats)
    sums.tokens += targets.numel()
    sums.error += float(error.sum())
    sums.values += error.numel()
