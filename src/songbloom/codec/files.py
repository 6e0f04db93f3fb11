"""Codec files: one safetensors with float16 weights, its configuration and its fingerprint."""

import json
import os
from dataclasses import asdict
from importlib import resources
from pathlib import Path

import torch
from safetensors import SafetensorError, safe_open
from safetensors.torch import save_file

from songbloom.codec.spectral import SpectralCodec, SpectralCodecConfig
from songbloom.errors import SongBloomError

EMBEDDED = {"spectral-demo": "spectral_demo.safetensors"}
"""Names of the codecs inside the package, and their files in `songbloom.assets.codec`."""


def save_codec(codec: SpectralCodec, path: str | Path) -> None:
    """Write the codec atomically, in half precision: what is read back has that precision."""
    path = Path(path)
    rounded = SpectralCodec(codec.config)
    half = {key: tensor.half().contiguous() for key, tensor in codec.state_dict().items()}
    rounded.load_state_dict(half)
    metadata = {
        "format": "songbloom-spectral-codec-1",
        "config": json.dumps(asdict(codec.config), sort_keys=True),
        "fingerprint": rounded.fingerprint,
    }
    path.parent.mkdir(parents=True, exist_ok=True)
    temporary = path.with_name(f"{path.name}.{os.getpid()}.tmp")
    save_file(half, temporary, metadata=metadata)
    os.replace(temporary, path)


def load_codec(source: str | Path, device: str | torch.device = "cpu") -> SpectralCodec:
    """Load a codec for inference from a file, or by the name of an embedded one.

    Raises:
        SongBloomError: If there is no such file or name, or if the file is no codec, is damaged
            or does not fit its own configuration.
    """
    if isinstance(source, str) and source in EMBEDDED:
        asset = resources.files("songbloom.assets") / "codec" / EMBEDDED[source]
        with resources.as_file(asset) as path:
            return load_codec(path, device)
    path = Path(source)
    if not path.is_file():
        raise SongBloomError(
            f"There is no codec {source}: give a .safetensors file or one of "
            f"{', '.join(sorted(EMBEDDED))}."
        )
    try:
        with safe_open(path, framework="pt") as file:
            metadata = file.metadata() or {}
            state = {key: file.get_tensor(key).float() for key in file.keys()}  # noqa: SIM118
        codec = SpectralCodec(SpectralCodecConfig(**json.loads(metadata["config"])))
        codec.load_state_dict(state, strict=True)
    except (SafetensorError, KeyError, TypeError, json.JSONDecodeError, RuntimeError) as error:
        raise SongBloomError(
            f"{path} is not a readable codec file ({error}); export it anew with "
            f"scripts/train_codec.py."
        ) from error
    if codec.fingerprint != metadata.get("fingerprint"):
        raise SongBloomError(
            f"{path} is damaged: its weights have the fingerprint {codec.fingerprint}, but it "
            f"states {metadata.get('fingerprint')}; fetch it again."
        )
    return codec.eval().requires_grad_(False).to(device)
