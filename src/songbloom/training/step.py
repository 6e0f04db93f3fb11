"""One step's losses as a plain function of model, batch and draws."""

from torch import Tensor

from songbloom.corruption import Corruption, corrupt
from songbloom.data.batch import SongBatch
from songbloom.losses import FLOW_WEIGHT, Losses, combine, flow_loss, sketch_loss, sketch_targets
from songbloom.models import SongBloom


def song_losses(
    model: SongBloom,
    batch: SongBatch,
    corruption: Corruption,
    *,
    null_lyrics: Tensor,
    flow_weight: float = FLOW_WEIGHT,
) -> Losses:
    """The objective on one batch (§4.3.3).

    Gradients of the flow loss reach the language model through h.

    Args:
        model: predicts logits and velocities.
        batch: the songs.
        corruption: noise, timesteps and what is dropped.
        null_lyrics: (3, L) lyric of dropped conditions.
        flow_weight: weight of the flow loss beside the sketch loss.
    """
    config = model.config
    inputs = corrupt(batch, corruption, null_lyrics=null_lyrics, patch_size=config.patch_size)
    predictions = model(
        inputs.conditions, batch.sketch, batch.latents, inputs.patches, inputs.history
    )
    targets = sketch_targets(
        batch.sketch, batch.lengths, eos_id=config.eos_id, ignored_id=config.ignored_id
    )
    return combine(
        sketch_loss(predictions.logits, targets, ignored_id=config.ignored_id),
        flow_loss(predictions.velocity, inputs.velocity),
        flow_weight,
    )
