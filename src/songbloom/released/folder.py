"""A released model's folder: `<name>.yaml`, `<name>.pt`, the VAE's two files, the vocabulary."""

import reprlib
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
from songbloom.released.layout import from_released, released_key
from songbloom.released.model_section import read_model, require_fitting_vae
from songbloom.released.numbers import read_number
from songbloom.released.resolvers import read_released_yaml
from songbloom.released.settings import settings_from_released, settings_to_released
from songbloom.sampling.settings import GenerationSettings
from songbloom.weights import WeightsFile, errors_about, load_state

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
        raise SongBloomError(f"{folder} holds no {name}.yaml; download the model, or name another.")
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
        SongBloomError: a file is missing, damaged, or does not fit the others; it is named.
    """
    path = find_config(folder, name)
    try:
        return _load(read_released_yaml(path), path)
    except SongBloomError:
        raise
    except _DAMAGE as error:
        raise SongBloomError(
            f"{path} cannot be read as a released configuration ({type(error).__name__}: "
            f"{reprlib.repr(str(error))}); fetch it again."
        ) from error


_DAMAGE = (
    ArithmeticError,
    AttributeError,
    LookupError,
    OSError,
    RecursionError,
    TypeError,
    ValueError,
)
"""What the odd values of a damaged file raise where no check expects them."""


def _load(data: Mapping[str, Any], path: Path) -> ReleasedModel:
    weights = _file(data, "pretrained_path", path)
    vae_state: dict[str, Tensor] = {}
    state: dict[str, Tensor] = {}
    for key, value in load_state(weights).items():
        (vae_state if key.startswith("vae.") else state)[key] = value
    vocabulary, config = read_model(_section(data, "model", path), state, path, weights)
    vae = _section(data, "vae", path)
    vae_config, vae_weights = _file(vae, "vae_cfg", path), _file(vae, "vae_ckpt", path)
    if vae_state:
        with errors_about(weights):
            own_vae = _without_prefix(vae_state)
        codec = load_released_vae(vae_config, weights, own_vae)
    else:
        codec = load_released_vae(vae_config, vae_weights)
    require_fitting_vae(codec, config, vae_config, path)
    reference = ComponentReference(name=str(vae_weights), fingerprint=codec.fingerprint)
    with errors_about(path):
        card = _card(data, path, config, vocabulary, reference, bool(vae_state))
    ours = WeightsFile(
        lambda: from_released(load_state(weights)),
        describe=lambda key: f"{released_key(key)} of {weights}",
    )
    return ReleasedModel(checkpoint=Checkpoint(card=card, state=ours), codec=codec)


def _card(
    data: Mapping[str, Any],
    path: Path,
    config: SongBloomConfig,
    vocabulary: Vocabulary,
    codec: ComponentReference,
    vae_in_weights: bool,
) -> ModelCard:
    inference = data.get("inference")
    if inference is not None and not isinstance(inference, dict):
        raise SongBloomError(f"inference is {reprlib.repr(inference)}; it must be a section.")
    max_duration = read_number(data.get("max_dur", 150), "max_dur", low=1, high=3_500)
    prompt = _section(data, "train_dataset", path).get("prompt_len", 10)
    card = ModelCard(
        config=config,
        vocabulary=vocabulary,
        codec=codec,
        sketch=ComponentReference(name="released", fingerprint="released"),
        g2p="released",
        tag_seconds=5.0 if max_duration > LONG_SONGS else 1.0,
        prompt_seconds=float(read_number(prompt, "train_dataset.prompt_len", low=0.01, high=3_600)),
        max_seconds=max_duration + GRACE_SECONDS,
        generation=settings_from_released(inference or {}),
        vae_in_weights=vae_in_weights,
    )
    return _with_own_section(card, data, path)


def _with_own_section(card: ModelCard, data: Mapping[str, Any], path: Path) -> ModelCard:
    """What only a folder that this project wrote says, in a section the published tool skips."""
    own = data.get(OWN_SECTION)
    if own is None:
        return card
    try:
        generation = card.generation
        if "generation" in own:
            exported = GenerationSettings(**own["generation"])
            # Settings that somebody changed in the published section go before ours.
            if settings_to_released(exported) == data.get("inference"):
                generation = exported
        return replace(
            card,
            sketch=ComponentReference(**own["sketch"]),
            g2p=own["g2p"],
            tag_seconds=own["tag_seconds"],
            prompt_seconds=own["prompt_seconds"],
            max_seconds=own["max_seconds"],
            generation=generation,
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
        raise SongBloomError(f"{path} names {file.name}, which is no file beside it; put it there.")
    return file
