"""Checkpoints: configuration, vocabulary and weights in one file, loaded strictly.

A `.safetensors` file holds the weights and, in its metadata, everything else as JSON. A Lightning
`.ckpt` of a training run holds the same under the key `songbloom`, beside the optimiser.
"""

import json
import reprlib
from collections.abc import Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any, get_args

import torch
from safetensors import safe_open
from torch import Tensor

from songbloom.audio_format import FRAME_RATE, PROMPT_FRAMES
from songbloom.data.batch import BatchFormat
from songbloom.errors import SongBloomError
from songbloom.lyrics import Mode, Vocabulary
from songbloom.models import SongBloom, SongBloomConfig
from songbloom.sampling.settings import GenerationSettings
from songbloom.weights import (
    WeightsFile,
    check_shapes,
    load_safetensors,
    load_torch,
    save_safetensors,
    take_weights,
)

FORMAT = "songbloom/1"
LIGHTNING_KEY = "songbloom"
LIGHTNING_PREFIX = "model."
_LENGTHS = ("tag_seconds", "prompt_seconds", "max_seconds")
MIN_SECONDS, MAX_SECONDS = 0.01, 3_600.0
"""Bounds of each of these lengths."""


@dataclass(frozen=True, kw_only=True)
class ComponentReference:
    """A codec or sketch tokeniser that a model was trained on: where to load it, what it must be.

    Attributes:
        name: an embedded asset's name, or a path.
        fingerprint: of its configuration and weights.

    Raises:
        SongBloomError: a field is no string.
    """

    name: str
    fingerprint: str

    def __post_init__(self) -> None:
        for field_name, value in vars(self).items():
            if not isinstance(value, str):
                raise SongBloomError(
                    f"ComponentReference.{field_name} is {reprlib.repr(value)}; it must be a name."
                )

    def require(self, found: str, what: str) -> None:
        """Raise SongBloomError unless the loaded component has this fingerprint."""
        if found != self.fingerprint:
            raise SongBloomError(
                f"The {what} {self.name!r} has fingerprint {found}, but the checkpoint was trained "
                f"with {self.fingerprint}; give the {what} that it was trained with."
            )


@dataclass(frozen=True, kw_only=True)
class ModelCard:
    """Everything about a model but its weights, as plain data in every checkpoint.

    Attributes:
        config: sizes.
        vocabulary: phoneme symbols in the order of their ids.
        codec: what decodes its latents.
        sketch: what made its sketch tokens.
        g2p: how the lyrics it was trained on became phonemes.
        tag_seconds: what one `[intro]`, `[inst]` or `[outro]` stands for.
        prompt_seconds: of a style prompt that are heard, before its latents are cut or padded to
            the configuration's `prompt_frames`.
        max_seconds: the longest song, unless a longer one is asked for.
        generation: settings that it is to be generated with.
        vae_in_weights: whether the published format holds the VAE in the model's file too, as the
            published tool reads it; a released model whose file has none is written back so.

    Raises:
        SongBloomError: the vocabulary does not fit the configuration, or a field is out of range.
    """

    config: SongBloomConfig
    vocabulary: Vocabulary
    codec: ComponentReference
    sketch: ComponentReference
    g2p: Mode = "natural"
    tag_seconds: float = 1.0
    prompt_seconds: float = PROMPT_FRAMES / FRAME_RATE
    max_seconds: float = 120.0
    generation: GenerationSettings = field(default_factory=GenerationSettings)
    vae_in_weights: bool = True

    def __post_init__(self) -> None:
        for name in _LENGTHS:
            value: Any = getattr(self, name)
            number = isinstance(value, int | float) and not isinstance(value, bool)
            if not number or not MIN_SECONDS <= value <= MAX_SECONDS:
                raise SongBloomError(
                    f"ModelCard.{name} is {reprlib.repr(value)}; it must be a number from "
                    f"{MIN_SECONDS} to {MAX_SECONDS:g}."
                )
        if self.g2p not in get_args(Mode):
            raise SongBloomError(
                f"ModelCard.g2p is {reprlib.repr(self.g2p)}; it must be one of "
                f"{', '.join(get_args(Mode))}."
            )
        if not isinstance(self.vae_in_weights, bool):
            raise SongBloomError(
                f"ModelCard.vae_in_weights is {reprlib.repr(self.vae_in_weights)}; "
                "it must be true or false."
            )
        if len(self.vocabulary) != self.config.vocab_size:
            raise SongBloomError(
                f"The vocabulary holds {len(self.vocabulary)} symbols, but the model has "
                f"{self.config.vocab_size} rows for them; use the vocabulary that the checkpoint "
                "was trained with."
            )

    @property
    def batch_format(self) -> BatchFormat:
        """What this model fixes about its batches."""
        config = self.config
        return BatchFormat(
            patch_size=config.patch_size,
            num_codes=config.num_codes,
            max_lyrics=config.max_lyrics,
            max_sentences=config.max_sentences,
            prompt_frames=config.prompt_frames,
        )

    def to_dict(self) -> dict[str, Any]:
        """Plain data."""
        return {
            "format": FORMAT,
            "config": self.config.to_dict(),
            "vocabulary": self.vocabulary.to_list(),
            "codec": vars(self.codec),
            "sketch": vars(self.sketch),
            "g2p": self.g2p,
            "tag_seconds": self.tag_seconds,
            "prompt_seconds": self.prompt_seconds,
            "max_seconds": self.max_seconds,
            "generation": self.generation.to_dict(),
            "vae_in_weights": self.vae_in_weights,
        }

    @classmethod
    def from_dict(cls, data: Mapping[str, Any]) -> "ModelCard":
        """Read plain data.

        Raises:
            SongBloomError: another format, or a missing field.
        """
        if data.get("format") != FORMAT:
            raise SongBloomError(
                f"The checkpoint's format is {data.get('format')!r}; this version reads {FORMAT!r}."
            )
        try:
            return cls(
                config=SongBloomConfig.from_dict(data["config"]),
                vocabulary=Vocabulary.from_list(data["vocabulary"]),
                codec=ComponentReference(**data["codec"]),
                sketch=ComponentReference(**data["sketch"]),
                g2p=data.get("g2p", "natural"),
                **{name: data[name] for name in _LENGTHS if name in data},
                generation=GenerationSettings(**data.get("generation", {})),
                vae_in_weights=data.get("vae_in_weights", True),
            )
        except (KeyError, TypeError) as error:
            raise SongBloomError(f"The checkpoint's description is incomplete: {error}.") from error


@dataclass(frozen=True, kw_only=True)
class Checkpoint:
    """A model card and the weights it describes, under the names of `SongBloom.state_dict()`."""

    card: ModelCard
    state: Mapping[str, Tensor] = field(repr=False)
    step: int = 0

    def build_model(
        self, *, device: torch.device | str = "cpu", dtype: torch.dtype = torch.float32
    ) -> SongBloom:
        """The model in evaluation mode with these weights.

        It is made on the meta device and takes the tensors as they are, so that no second copy
        of the weights exists.

        Raises:
            SongBloomError: a key is missing, unexpected or misshapen, or a weight is not finite.
        """
        with torch.device("meta"):
            model = SongBloom(self.card.config)
        check_shapes(model.state_dict(), self.state, "the model")
        state = take_weights(self.state, device=device, dtype=dtype)
        model.load_state_dict(state, assign=True)
        return model.eval()


def save_checkpoint(path: str | Path, checkpoint: Checkpoint) -> None:
    """Write a `.safetensors` checkpoint, whole or not at all.

    Raises:
        SongBloomError: the disk is full, or the place cannot be written to.
    """
    metadata = {"card": json.dumps(checkpoint.card.to_dict()), "step": str(checkpoint.step)}
    save_safetensors(path, checkpoint.state, metadata)


def load_checkpoint(path: str | Path) -> Checkpoint:
    """Read a `.safetensors` checkpoint or a training run's `.ckpt`; nothing in it is executed.

    Raises:
        SongBloomError: the file is missing, damaged, or no songbloom checkpoint.
    """
    path = Path(path)
    if not path.is_file():
        raise SongBloomError(f"There is no checkpoint {path}; train one, or check the path.")
    try:
        return _load_lightning(path) if path.suffix == ".ckpt" else _load_safetensors(path)
    except SongBloomError as error:
        named = str(path) in str(error)
        raise (error if named else SongBloomError(f"{path}: {error}")) from error
    except Exception as error:  # the readers raise many kinds for a damaged file
        raise SongBloomError(
            f"{path} cannot be read as a checkpoint: {str(error).splitlines()[0]}"
        ) from error


def _load_safetensors(path: Path) -> Checkpoint:
    with safe_open(path, framework="pt") as file:
        metadata = file.metadata() or {}
    if "card" not in metadata:
        raise SongBloomError("it holds weights but no songbloom description.")
    return Checkpoint(
        card=ModelCard.from_dict(json.loads(metadata["card"])),
        state=WeightsFile(lambda: load_safetensors(path)),
        step=int(metadata.get("step", 0)),
    )


def _load_lightning(path: Path) -> Checkpoint:
    data = load_torch(path)
    if not isinstance(data, dict) or LIGHTNING_KEY not in data:
        raise SongBloomError("it is no checkpoint of a songbloom training run.")
    return Checkpoint(
        card=ModelCard.from_dict(data[LIGHTNING_KEY]),
        state=WeightsFile(lambda: _model_weights(load_torch(path))),
        step=int(data.get("global_step", 0)),
    )


def _model_weights(lightning: Mapping[str, Any]) -> dict[str, Tensor]:
    """The weights of a training run's checkpoint under our own names."""
    return {
        key.removeprefix(LIGHTNING_PREFIX): value
        for key, value in lightning["state_dict"].items()
        if key.startswith(LIGHTNING_PREFIX)
    }
