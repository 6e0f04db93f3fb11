"""Codec files: a safetensors with its configuration and fingerprint, or a released VAE."""

import json
from collections.abc import Mapping
from dataclasses import asdict
from importlib import resources
from pathlib import Path
from typing import Any

import torch
from safetensors import SafetensorError, safe_open
from torch import Tensor

from songbloom.codec.base import Codec
from songbloom.codec.oobleck import Oobleck, OobleckConfig
from songbloom.codec.spectral import SpectralCodec, SpectralCodecConfig
from songbloom.errors import SongBloomError
from songbloom.weights import errors_about, load_state, save_safetensors, take_weights

EMBEDDED = {"spectral-demo": "spectral_demo.safetensors"}
"""Names of the codecs inside the package, and their files in `songbloom.assets.codec`."""

SPECTRAL_FORMAT = "songbloom-spectral-codec-1"
OOBLECK_FORMAT = "songbloom-oobleck-codec-1"

VAE_CONFIG = "stable_audio_1920_vae.json"
VAE_WEIGHTS = "autoencoder_music_dsp1920.ckpt"
"""The released VAE's files."""

MAX_CONFIG_BYTES = 100_000


def save_codec(codec: Codec, path: str | Path) -> None:
    """Write a codec atomically: a spectral one in half precision, an Oobleck VAE as it is.

    What is read back has the precision of the file.

    Raises:
        SongBloomError: the codec is of neither kind.
    """
    if isinstance(codec, SpectralCodec):
        state = {key: tensor.half() for key, tensor in codec.state_dict().items()}
        rounded = SpectralCodec(codec.config)
        rounded.load_state_dict(state)
        form, fingerprint = SPECTRAL_FORMAT, rounded.fingerprint
    elif isinstance(codec, Oobleck):
        state = codec.state_dict()
        form, fingerprint = OOBLECK_FORMAT, codec.fingerprint
    else:
        raise SongBloomError(f"A {type(codec).__name__} has no file format.")
    metadata = {
        "format": form,
        "config": json.dumps(asdict(codec.config), sort_keys=True),
        "fingerprint": fingerprint,
    }
    save_safetensors(path, state, metadata)


def load_codec(source: str | Path, device: str | torch.device = "cpu") -> Codec:
    """Load a codec for inference.

    Args:
        source: the name of an embedded codec, a file of `save_codec`, or a released VAE: its ckpt
            or the folder of both its files.
        device: where it is to run.

    Raises:
        SongBloomError: If there is no such file or name, or if the file is no codec, is damaged
            or does not fit its own configuration.
    """
    if isinstance(source, str) and source in EMBEDDED:
        asset = resources.files("songbloom.assets") / "codec" / EMBEDDED[source]
        with resources.as_file(asset) as path:
            return load_codec(path, device)
    path = Path(source)
    if path.is_dir():
        path = path / VAE_WEIGHTS
    if not path.is_file():
        raise SongBloomError(
            f"There is no codec {source}: give a .safetensors file, a released VAE's folder or "
            f"one of {', '.join(sorted(EMBEDDED))}."
        )
    if path.suffix == ".ckpt":
        codec: Codec = load_released_vae(path.with_name(VAE_CONFIG), path)
    else:
        codec = _load_file(path)
    return codec.eval().requires_grad_(False).to(device)


def load_released_vae(
    config: str | Path, weights: str | Path, state: Mapping[str, Tensor] | None = None
) -> Oobleck:
    """The VAE of a release, from its json and its ckpt.

    Args:
        config: `stable_audio_1920_vae.json`.
        weights: `autoencoder_music_dsp1920.ckpt`.
        state: tensors under the names of that file, to be taken instead of it.

    Raises:
        SongBloomError: a file is missing or damaged, or they do not fit.
    """
    sizes = _read_json(Path(config), Path(weights))
    if state is None:
        state = load_state(weights)
    with errors_about(config):
        OobleckConfig.from_released(sizes)
    with errors_about(weights):
        codec = Oobleck.from_released(sizes, state)
    return codec.requires_grad_(False)


def _read_json(path: Path, weights: Path) -> dict[str, Any]:
    """The VAE's configuration, a regular file of some hundred bytes."""
    try:
        if path.exists() and (not path.is_file() or path.stat().st_size > MAX_CONFIG_BYTES):
            raise ValueError("it is no regular file of a sane size")
        sizes = json.loads(path.read_text(encoding="utf-8"))
        if not isinstance(sizes, dict):
            raise ValueError("it holds no mapping")
    except (OSError, ValueError, RecursionError) as error:
        raise SongBloomError(
            f"{path} cannot be read as the VAE's configuration ({error}); put it beside "
            f"{weights.name}."
        ) from error
    return sizes


def _load_file(path: Path) -> Codec:
    try:
        with safe_open(path, framework="pt") as file:
            metadata = file.metadata() or {}
            state = {key: file.get_tensor(key).float() for key in file.keys()}  # noqa: SIM118
        codec = _build(metadata["format"], json.loads(metadata["config"]))
        codec.load_state_dict(take_weights(state, device="cpu"), strict=True)
    except (SafetensorError, KeyError, TypeError, ValueError, RuntimeError) as error:
        raise SongBloomError(
            f"{path} is not a readable codec file ({error}); export it anew with "
            f"scripts/train_codec.py."
        ) from error
    if codec.fingerprint != metadata.get("fingerprint"):
        raise SongBloomError(
            f"{path} is damaged: its weights have the fingerprint {codec.fingerprint}, but it "
            f"states {metadata.get('fingerprint')}; fetch it again."
        )
    return codec


def _build(form: str, config: dict[str, Any]) -> Codec:
    if form == OOBLECK_FORMAT:
        sizes: dict[str, Any] = {
            key: tuple(value) if isinstance(value, list) else value for key, value in config.items()
        }
        return Oobleck(OobleckConfig(**sizes))
    if form == SPECTRAL_FORMAT:
        return SpectralCodec(SpectralCodecConfig(**config))
    raise SongBloomError(f"its format is {form!r}, which this version does not read")
