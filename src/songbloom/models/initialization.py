"""Initial weights of a model that is trained from scratch."""

import math

import torch
from torch import nn

from songbloom.models.patch_dit import PatchDiTBlock
from songbloom.models.sketch_lm import SketchLMBlock
from songbloom.models.songbloom import SongBloom

DEFAULT_STD = 0.02


def initialize_weights(
    model: SongBloom, generator: torch.Generator, std: float = DEFAULT_STD
) -> None:
    """Draw all weights from a normal distribution, as Llama-style models start.

    Projections that write into a residual stream are scaled down by sqrt(2 · layers), so that the
    stream's variance does not grow with depth; biases are zero, norms are one. Rows of id 0 and
    the diffusion head start at zero: the first velocity predicted is the mean one.

    Args:
        model: the model, in place.
        generator: source of the draws, on the model's device.
        std: standard deviation of the other weights; the releases used 0.02.
    """
    with torch.no_grad():
        for module in model.modules():
            if isinstance(module, nn.Linear | nn.Embedding):
                module.weight.normal_(std=std, generator=generator)
            if isinstance(module, nn.Linear) and module.bias is not None:
                module.bias.zero_()
        for module in model.modules():
            if isinstance(module, SketchLMBlock):
                _scale_residual(module, model.config.lm.num_layers)
            elif isinstance(module, PatchDiTBlock):
                _scale_residual(module, model.config.dit.num_layers)
        for embedding in (model.lyrics_conditioner.symbols, model.lyrics_conditioner.sentences):
            embedding.weight[0].zero_()
        model.bos.normal_(std=std, generator=generator)
        model.dit.time_embedding.frequencies.normal_(generator=generator)
        model.dit.latent_out.weight.zero_()


def _scale_residual(block: SketchLMBlock | PatchDiTBlock, num_layers: int) -> None:
    for projection in (block.attention.out, block.feed_forward.down):
        projection.weight.div_(math.sqrt(2 * num_layers))
