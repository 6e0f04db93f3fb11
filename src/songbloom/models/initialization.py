"""Initial weights of a model that is trained from scratch."""

import math

import torch
from torch import nn

from songbloom.models.patch_dit import PatchDiTBlock
from songbloom.models.sketch_lm import SketchLMBlock
from songbloom.models.songbloom import SongBloom

EMBEDDING_STD = 1.0


def initialize_weights(model: SongBloom, generator: torch.Generator) -> None:
    """Draw all weights anew, in place.

    Linear layers get a standard deviation of 1 / sqrt(inputs), so that signals keep their size at
    any width (at the releases' width of 1536 that is 0.026, near the 0.02 they were made with; at
    a width of 256 a fixed 0.02 would take a hundred steps to grow out of). Projections that write
    into a residual stream are scaled down by sqrt(2 · layers), so that the stream's variance does
    not grow with depth. Biases are zero, norms are one. Rows of id 0 and the diffusion head start
    at zero: the first velocity predicted is zero.

    Args:
        model: the model.
        generator: source of the draws, on the model's device.
    """
    with torch.no_grad():
        for module in model.modules():
            if isinstance(module, nn.Linear):
                module.weight.normal_(std=module.in_features**-0.5, generator=generator)
                if module.bias is not None:
                    module.bias.zero_()
            elif isinstance(module, nn.Embedding):
                module.weight.normal_(std=EMBEDDING_STD, generator=generator)
        for module in model.modules():
            if isinstance(module, SketchLMBlock):
                _scale_residual(module, model.config.lm.num_layers)
            elif isinstance(module, PatchDiTBlock):
                _scale_residual(module, model.config.dit.num_layers)
        for embedding in (model.lyrics_conditioner.symbols, model.lyrics_conditioner.sentences):
            embedding.weight[0].zero_()
        model.bos.normal_(std=EMBEDDING_STD, generator=generator)
        model.dit.time_embedding.frequencies.normal_(generator=generator)
        model.dit.latent_out.weight.zero_()


def _scale_residual(block: SketchLMBlock | PatchDiTBlock, num_layers: int) -> None:
    for projection in (block.attention.out, block.feed_forward.down):
        projection.weight.div_(math.sqrt(2 * num_layers))
