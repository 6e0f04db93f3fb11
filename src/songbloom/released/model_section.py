"""The `model` section of a released yaml against the weights and the vocabulary that it names."""

import reprlib
from collections.abc import Mapping
from pathlib import Path
from typing import Any

import torch
from torch import Tensor

from songbloom.audio_format import NUM_CHANNELS, SAMPLE_RATE, SAMPLES_PER_FRAME
from songbloom.codec.oobleck import Oobleck
from songbloom.errors import SongBloomError
from songbloom.lyrics import Vocabulary
from songbloom.models import SongBloom, SongBloomConfig
from songbloom.released.layout import config_from_released, sizes_of, to_released
from songbloom.released.plain_yaml import FileList
from songbloom.weights import check_shapes, errors_about

_BUILT = {
    "backend": "llama",
    "time_cond_type": "prepend",
    "diffusion_objective": "rectified_flow",
}


def read_model(
    model: Mapping[str, Any], state: Mapping[str, Tensor], path: Path, weights: Path
) -> tuple[Vocabulary, SongBloomConfig]:
    """Vocabulary and sizes of the section; sizes that it lacks are the weights'.

    Args:
        model: the section.
        state: the weights under their released names, without the VAE's.
        path: of the yaml.
        weights: where they lie.

    Raises:
        SongBloomError: another architecture, a field that is missing or out of its range, or
            weights that do not fit; the sentence names the file and every wrong key.
    """
    for name, wanted in _BUILT.items():
        if model.get(name, wanted) != wanted:
            raise SongBloomError(
                f"{path}: model.{name} is {reprlib.repr(model[name])}; only {wanted!r} is built."
            )
    shown = sizes_of(state)
    try:
        conditions = model["condition_provider_cfg"]
        lyrics, prompt = conditions["lyrics"], conditions["prompt_wav"]
        symbols = lyrics["vocab_list"]
        fields = {
            **shown,
            **model,
            "vocab_size": len(symbols),
            "max_len": lyrics["max_len"],
            "max_sentence_per_structure": lyrics.get("max_sentence_per_structure", 50),
            "prompt_len": prompt["max_len"],
        }
    except (AttributeError, KeyError, TypeError) as error:
        raise SongBloomError(
            f"{path}: model.condition_provider_cfg is incomplete ({error})."
        ) from error
    if lyrics.get("interpolate") or lyrics.get("mode", "sum") != "sum":
        raise SongBloomError(
            f"{path}: lyrics are to be interpolated or concatenated, which no released model does."
        )
    with errors_about(path):
        config = config_from_released(fields)
    if config.latent_dim == config.dim:
        raise SongBloomError(
            f"{path}: model.latent_dim is model.dim ({config.dim}); the published network then has "
            "no projections of the latents, which is not built."
        )
    listed = symbols.path if isinstance(symbols, FileList) else path
    _require_equal_sizes(fields, shown, path, weights, listed)
    with errors_about(listed):
        vocabulary = Vocabulary.from_list(symbols)
    with errors_about(weights):
        with torch.device("meta"):
            expected = to_released(SongBloom(config).state_dict())
        check_shapes(expected, state, f"the model that {path.name} describes")
    return vocabulary, config


def _require_equal_sizes(
    fields: Mapping[str, Any],
    shown: Mapping[str, float],
    path: Path,
    weights: Path,
    listed: Path,
) -> None:
    for name, size in shown.items():
        if name not in fields or fields[name] == size:
            continue
        what = f"{path}: model.{name} is {fields[name]}"
        if name == "vocab_size":
            what = f"{listed} holds {fields[name]} symbols"
        elif name.startswith("max_sentence"):
            what = f"{path}: lyrics.{name} is {fields[name]}"
        raise SongBloomError(
            f"{what}, but the weights in {weights} are of a model with {size:g}; "
            "put together the files of one model."
        )


def require_fitting_vae(
    codec: Oobleck, config: SongBloomConfig, vae_config: Path, path: Path
) -> None:
    """Check that the VAE makes the latents that the model was trained on.

    Raises:
        SongBloomError: it has other sizes, or another audio format.
    """
    wanted = {
        "latent_dim": (codec.latent_dim, config.latent_dim),
        "sample_rate": (codec.sample_rate, SAMPLE_RATE),
        "samples a frame": (codec.samples_per_frame, SAMPLES_PER_FRAME),
        "channels": (codec.config.num_channels, NUM_CHANNELS),
    }
    for name, (found, needed) in wanted.items():
        if found != needed:
            raise SongBloomError(
                f"{vae_config}: the VAE's {name} is {found}, but the model of {path} needs "
                f"{needed}; give the VAE that the model was trained with."
            )
