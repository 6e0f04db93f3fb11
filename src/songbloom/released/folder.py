"""A released model's folder: `<name>.yaml`, `<name>.pt`, the VAE's two files, the vocabulary."""

from collections.abc import Mapping
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

from torch import Tensor

from songbloom.checkpoint import Checkpoint, ComponentReference, ModelCard
from songbloom.codec.files import load_released_vae
from songbloom.codec.oobleck import Oobleck
from songbloom.errors import SongBloomError
from songbloom.lyrics import Vocabulary
from songbloom.models import SongBloomConfig
from songbloom.released.layout import config_from_released, from_released, sizes_of
from songbloom.released.resolvers import read_released_yaml
from songbloom.released.settings import settings_from_released
from songbloom.weights import WeightsFile, load_state

VOCABULARY = "vocab_g2p.yaml"
VAE_PREFIX = "vae.vae."
"""Of the VAE's tensors where the model's file holds them too; they go before the VAE's own file."""

OWN_SECTION = "songbloom"
"""Of the yaml of a folder that was exported here: what the published format has no place for."""

GRACE_SECONDS = 10.0
"""That the published command lets a song go on after the yaml's `max_dur`."""

LONG_SONGS = 200.0
"""Seconds: models of longer songs read one tag as about five seconds, the others as one."""


@dataclass(frozen=True, kw_only=True)
class ReleasedModel:
    """What a folder holds: the checkpoint under our names, and the VAE that decodes its latents."""

    checkpoint: Checkpoint
    codec: Oobleck


def find_config(folder: str | Path, name: str | None = None) -> Path:
    """The yaml of a model in a folder.

    Args:
        folder: of the release, or the yaml itself.
        name: of the model, where the folder holds several.

    Raises:
        SongBloomError: none, or more than one to choose from.
    """
    folder = Path(folder)
    if folder.is_file():
        return folder
    if name is not None:
        path = folder / f"{name}.yaml"
        if path.is_file():
            return path
        raise SongBloomError(f"{folder} holds no {name}.yaml; download the model, or check --name.")
    found = [path for path in sorted(folder.glob("*.yaml")) if path.name != VOCABULARY]
    if len(found) != 1:
        names = ", ".join(path.stem for path in found) or "none"
        raise SongBloomError(
            f"{folder} must hold one model's yaml, but it holds {names}; name one."
        )
    return found[0]


def load_released(folder: str | Path, name: str | None = None) -> ReleasedModel:
    """Read a released model; its weights stay in their file until a model is built from them.

    Raises:
        SongBloomError: a file is missing, damaged, or does not fit the others.
    """
    path = find_config(folder, name)
    data = read_released_yaml(path)
    weights = _file(data, "pretrained_path", path)
    state = load_state(weights)
    vocabulary, config = _read_model(_section(data, "model", path), state, path)
    vae = _section(data, "vae", path)
    vae_weights = _file(vae, "vae_ckpt", path)
    vae_state = {key: value for key, value in state.items() if key.startswith("vae.")}
    codec = load_released_vae(
        _file(vae, "vae_cfg", path), vae_weights, _without_prefix(vae_state) or None
    )
    max_duration = float(data.get("max_dur", 150))
    card = ModelCard(
        config=config,
        vocabulary=vocabulary,
        codec=ComponentReference(name=str(vae_weights), fingerprint=codec.fingerprint),
        sketch=ComponentReference(name="released", fingerprint="released"),
        g2p="released",
        tag_seconds=5.0 if max_duration > LONG_SONGS else 1.0,
        prompt_seconds=float(_section(data, "train_dataset", path).get("prompt_len", 10)),
        max_seconds=max_duration + GRACE_SECONDS,
        generation=settings_from_released(data.get("inference") or {}),
    )
    ours = WeightsFile(lambda: from_released(load_state(weights)))
    return ReleasedModel(
        checkpoint=Checkpoint(card=_with_own_section(card, data, path), state=ours), codec=codec
    )


def _with_own_section(card: ModelCard, data: Mapping[str, Any], path: Path) -> ModelCard:
    """What only a folder that this project wrote says, in a section the published tool skips."""
    own = data.get(OWN_SECTION)
    if own is None:
        return card
    try:
        return replace(
            card,
            sketch=ComponentReference(**own["sketch"]),
            g2p=own["g2p"],
            tag_seconds=float(own["tag_seconds"]),
            prompt_seconds=float(own["prompt_seconds"]),
            max_seconds=float(own["max_seconds"]),
        )
    except (KeyError, TypeError, ValueError) as error:
        raise SongBloomError(
            f"{path}: the section {OWN_SECTION!r} is damaged ({error})."
        ) from error


def _without_prefix(state: Mapping[str, Tensor]) -> dict[str, Tensor]:
    unknown = [key for key in state if not key.startswith(VAE_PREFIX)]
    if unknown:
        raise SongBloomError(f"The checkpoint holds {unknown[0]}, which no released VAE has.")
    return {key.removeprefix(VAE_PREFIX): value for key, value in state.items()}


def _section(data: Mapping[str, Any], name: str, path: Path) -> dict[str, Any]:
    section = data.get(name)
    if not isinstance(section, dict):
        raise SongBloomError(f"{path} has no section {name!r}, as released configurations have.")
    return section


def _file(data: Mapping[str, Any], name: str, path: Path) -> Path:
    """A file that the yaml names, by name, beside the yaml."""
    value = data.get(name)
    if not isinstance(value, str):
        raise SongBloomError(f"{path} names no file as {name}.")
    file = path.parent / Path(value).name
    if not file.is_file() and file.with_suffix(".safetensors").is_file():
        file = file.with_suffix(".safetensors")
    if not file.is_file():
        raise SongBloomError(f"{path} names {file.name}, which is not beside it; put it there.")
    return file


def _read_model(
    model: Mapping[str, Any], state: Mapping[str, Tensor], path: Path
) -> tuple[Vocabulary, SongBloomConfig]:
    """Vocabulary and sizes of the `model` section; sizes that it lacks are the weights'."""
    expected = {
        "backend": "llama",
        "time_cond_type": "prepend",
        "diffusion_objective": "rectified_flow",
    }
    for name, wanted in expected.items():
        if model.get(name, wanted) != wanted:
            raise SongBloomError(
                f"{path}: model.{name} is {model[name]!r}; only {wanted!r} is built."
            )
    try:
        conditions = model["condition_provider_cfg"]
        lyrics, prompt = conditions["lyrics"], conditions["prompt_wav"]
        symbols = lyrics["vocab_list"]
        fields = {
            **sizes_of(state),
            **model,
            "vocab_size": len(symbols),
            "max_len": lyrics["max_len"],
            "max_sentence_per_structure": lyrics.get("max_sentence_per_structure", 50),
            "prompt_len": prompt["max_len"],
        }
    except (KeyError, TypeError) as error:
        raise SongBloomError(
            f"{path}: model.condition_provider_cfg is incomplete ({error})."
        ) from error
    if lyrics.get("interpolate") or lyrics.get("mode", "sum") != "sum":
        raise SongBloomError(
            f"{path}: lyrics are to be interpolated or concatenated, which no released model does."
        )
    return Vocabulary.from_list(symbols), config_from_released(fields)
