"""One mapping between the key names of the released checkpoints and our own, used in both ways.

The published state dict keeps `model.*` beside `vae.*`; only the first half is the model's. Two
tensors of the released layout are constants that we do not hold: the zero `beta` of each
diffusion-transformer norm.
"""

import re
from collections.abc import Mapping

import torch
from torch import Tensor

from songbloom.errors import SongBloomError
from songbloom.models import PatchDiTConfig, SketchLMConfig, SongBloomConfig
from songbloom.released.numbers import read_number, read_whole

_CONDITIONERS = "condition_provider.conditioners"

# (released, ours) with the layer's number as `#`; every line is read in both directions.
_KEYS: tuple[tuple[str, str], ...] = (
    ("bos_token", "bos"),
    (f"{_CONDITIONERS}.prompt_wav.output_proj.weight", "prompt_conditioner.projection.weight"),
    (f"{_CONDITIONERS}.lyrics.blank_emb", "lyrics_conditioner.blank"),
    (f"{_CONDITIONERS}.lyrics.output_proj.weight", "lyrics_conditioner.symbols.weight"),
    (
        f"{_CONDITIONERS}.lyrics.sentence_idx_in_structure_emb.weight",
        "lyrics_conditioner.sentences.weight",
    ),
    ("skeleton_emb.weight", "sketch_embedding.weight"),
    ("ar_transformer.layers.#.self_attn.q_proj.weight", "sketch_lm.layers.#.attention.q.weight"),
    ("ar_transformer.layers.#.self_attn.k_proj.weight", "sketch_lm.layers.#.attention.k.weight"),
    ("ar_transformer.layers.#.self_attn.v_proj.weight", "sketch_lm.layers.#.attention.v.weight"),
    ("ar_transformer.layers.#.self_attn.o_proj.weight", "sketch_lm.layers.#.attention.out.weight"),
    ("ar_transformer.layers.#.mlp.gate_proj.weight", "sketch_lm.layers.#.feed_forward.gate.weight"),
    ("ar_transformer.layers.#.mlp.up_proj.weight", "sketch_lm.layers.#.feed_forward.up.weight"),
    ("ar_transformer.layers.#.mlp.down_proj.weight", "sketch_lm.layers.#.feed_forward.down.weight"),
    ("ar_transformer.layers.#.input_layernorm.weight", "sketch_lm.layers.#.attention_norm.weight"),
    (
        "ar_transformer.layers.#.post_attention_layernorm.weight",
        "sketch_lm.layers.#.feed_forward_norm.weight",
    ),
    ("ar_transformer.norm.weight", "sketch_lm.norm.weight"),
    ("skeleton_classifier.0.weight", "sketch_head.0.weight"),
    ("skeleton_classifier.2.weight", "sketch_head.2.weight"),
    ("skeleton_classifier.2.bias", "sketch_head.2.bias"),
    ("block_conv.1.weight", "acoustic_encoder.0.weight"),
    ("block_conv.1.bias", "acoustic_encoder.0.bias"),
    ("block_conv.3.weight", "acoustic_encoder.2.weight"),
    ("block_conv.3.bias", "acoustic_encoder.2.bias"),
    ("project_in.weight", "dit.latent_in.weight"),
    ("project_in.bias", "dit.latent_in.bias"),
    ("project_out.weight", "dit.latent_out.weight"),
    ("project_out.bias", "dit.latent_out.bias"),
    ("timestep_features.weight", "dit.time_embedding.frequencies"),
    ("to_timestep_embed.0.weight", "dit.time_embedding.hidden.weight"),
    ("to_timestep_embed.2.weight", "dit.time_embedding.out.weight"),
    ("to_timestep_embed.2.bias", "dit.time_embedding.out.bias"),
    ("nar_dit.layers.#.pre_norm.gamma", "dit.layers.#.attention_norm.weight"),
    ("nar_dit.layers.#.self_attn.to_qkv.weight", "dit.layers.#.attention.qkv.weight"),
    ("nar_dit.layers.#.self_attn.to_out.weight", "dit.layers.#.attention.out.weight"),
    ("nar_dit.layers.#.ff_norm.gamma", "dit.layers.#.feed_forward_norm.weight"),
    ("nar_dit.layers.#.ff.ff.0.up_proj.weight", "dit.layers.#.feed_forward.up.weight"),
    ("nar_dit.layers.#.ff.ff.0.gate_proj.weight", "dit.layers.#.feed_forward.gate.weight"),
    ("nar_dit.layers.#.ff.ff.2.weight", "dit.layers.#.feed_forward.down.weight"),
)
_TO_OURS = {f"model.{released}": ours for released, ours in _KEYS}
_TO_RELEASED = {ours: released for released, ours in _TO_OURS.items()}

# Zero tensors that only the released layout stores: key -> the gain of the same norm.
_ZEROS = {
    "model.nar_dit.layers.#.pre_norm.beta": "model.nar_dit.layers.#.pre_norm.gamma",
    "model.nar_dit.layers.#.ff_norm.beta": "model.nar_dit.layers.#.ff_norm.gamma",
}


def _split_number(key: str) -> tuple[str, str]:
    """`a.layers.12.b` -> (`a.layers.#.b`, `12`)."""
    match = re.search(r"(?<=\.layers\.)\d+", key)
    if match is None:
        return key, ""
    return key[: match.start()] + "#" + key[match.end() :], match.group()


def from_released(state: Mapping[str, Tensor]) -> dict[str, Tensor]:
    """Rename a released state dict's `model.*` tensors to ours; `vae.*` is left out.

    Raises:
        SongBloomError: a key that the layout does not know, or a norm bias that is not zero.
    """
    renamed: dict[str, Tensor] = {}
    unknown: list[str] = []
    for key, value in state.items():
        if key.startswith("vae."):
            continue
        pattern, number = _split_number(key)
        if pattern in _ZEROS:
            if value.any():
                raise SongBloomError(
                    f"{key} is not zero; this checkpoint's norms have a bias that the model has "
                    "no place for."
                )
        elif pattern in _TO_OURS:
            renamed[_TO_OURS[pattern].replace("#", number)] = value
        else:
            unknown.append(key)
    if unknown:
        raise SongBloomError(
            f"The checkpoint holds keys that the released layout does not have: "
            f"{', '.join(sorted(unknown)[:5])}{' …' if len(unknown) > 5 else ''}."
        )
    return renamed


def to_released(state: Mapping[str, Tensor]) -> dict[str, Tensor]:
    """Rename our model's tensors to the released names, the constant zeros included."""
    renamed: dict[str, Tensor] = {}
    for key, value in state.items():
        pattern, number = _split_number(key)
        renamed[_TO_RELEASED[pattern].replace("#", number)] = value
    for zero, gain in _ZEROS.items():
        for key in [key for key in renamed if _split_number(key)[0] == gain]:
            number = _split_number(key)[1]
            renamed[zero.replace("#", number)] = torch.zeros_like(renamed[key])
    return renamed


def released_key(key: str) -> str:
    """The released name of one of our model's tensors; a name that is none of them is kept."""
    pattern, number = _split_number(key)
    return _TO_RELEASED.get(pattern, key).replace("#", number)


def sizes_of(state: Mapping[str, Tensor]) -> dict[str, float]:
    """The sizes that a released state dict shows by itself, under their names in the yaml."""

    def shape(key: str, num_axes: int) -> tuple[int, ...] | None:
        value = state.get(f"model.{key}")
        fits = value is not None and value.ndim == num_axes and value.numel() > 0
        return tuple(value.shape) if value is not None and fits else None

    def layers(prefix: str) -> int:
        pattern = re.compile(rf"model\.{prefix}\.layers\.(\d{{1,9}})\.")
        numbers = [int(match[1]) for key in state if (match := pattern.match(key))]
        return max(numbers, default=-1) + 1

    sizes: dict[str, float] = {
        "lm_layers": layers("ar_transformer"),
        "diff_layers": layers("nar_dit"),
    }
    if (sketch := shape("skeleton_emb.weight", 2)) is not None:
        sizes["num_pitch"], sizes["dim"] = sketch[0] - 2, sketch[1]
        up = shape("ar_transformer.layers.0.mlp.up_proj.weight", 2)
        if up is not None:
            sizes["hidden_scale"] = up[0] / sketch[1]
    latent, patch = shape("project_in.weight", 2), shape("block_conv.1.weight", 2)
    if latent is not None:
        sizes["latent_dim"] = latent[1]
        if patch is not None:
            sizes["block_size"] = patch[1] // latent[1]
    lyrics = f"{_CONDITIONERS}.lyrics"
    if (symbols := shape(f"{lyrics}.output_proj.weight", 2)) is not None:
        sizes["vocab_size"] = symbols[0]
    if (rows := shape(f"{lyrics}.sentence_idx_in_structure_emb.weight", 2)) is not None:
        sizes["max_sentence_per_structure"] = rows[0]
    if (time := shape("timestep_features.weight", 2)) is not None:
        sizes["timestep_features_dim"] = 2 * time[0]
    return sizes


_LARGEST = {
    "lm_layers": 200,
    "diff_layers": 200,
    "block_size": 100_000,
    "max_len": 100_000,
    "prompt_len": 100_000,
    "max_sentence_per_structure": 100_000,
}
"""Sizes above which a model's configuration is a mistake; of the others, a million."""


def config_from_released(model: Mapping[str, object]) -> SongBloomConfig:
    """Configuration from the `model` section of a released yaml or reference case.

    Needed beside the published fields, which do not all name them: `vocab_size`, `max_len` (of
    the lyrics) and `prompt_len` (in frames).

    Raises:
        SongBloomError: a field is missing or out of its range.
    """

    def number(name: str, default: float, *, low: float, high: float) -> float:
        return read_number(model.get(name, default), f"model.{name}", low=low, high=high)

    def read(name: str, default: int | None = None) -> int:
        high = _LARGEST.get(name, 1_000_000)
        return read_whole(model.get(name, default), f"model.{name}", high=high)

    return SongBloomConfig(
        vocab_size=read("vocab_size"),
        dim=read("dim"),
        num_heads=read("num_heads"),
        feed_forward_multiple=number("hidden_scale", 4, low=0.001, high=1_000),
        patch_size=read("block_size"),
        latent_dim=read("latent_dim"),
        num_codes=read("num_pitch"),
        max_lyrics=read("max_len"),
        prompt_frames=read("prompt_len"),
        max_sentences=read("max_sentence_per_structure", 50),
        lm=SketchLMConfig(
            num_layers=read("lm_layers"),
            rope_theta=number("rotary_base_val", 10_000, low=1, high=1e12),
        ),
        dit=PatchDiTConfig(
            num_layers=read("diff_layers"), time_features=read("timestep_features_dim", 256)
        ),
    )
