"""Sketch tokeniser files: one safetensors with the weights, the configuration and fingerprint."""

import json
from dataclasses import asdict
from importlib import resources
from pathlib import Path

import torch
from safetensors import SafetensorError, safe_open

from songbloom.errors import SongBloomError
from songbloom.sketch.base import SketchTokenizer
from songbloom.sketch.kmeans import KMeansConfig, KMeansTokenizer
from songbloom.sketch.muq import MUQ_FORMAT, load_muq_tokenizer
from songbloom.weights import save_safetensors

EMBEDDED = {"chroma-demo": "chroma_demo.safetensors"}
"""Names of the tokenisers inside the package, and their files in `songbloom.assets.sketch`."""

KMEANS_FORMAT = "songbloom-kmeans-sketch-1"


def save_kmeans_tokenizer(tokenizer: KMeansTokenizer, path: str | Path) -> None:
    """Write the tokeniser, whole or not at all."""
    metadata = {
        "format": KMEANS_FORMAT,
        "config": json.dumps(asdict(tokenizer.config), sort_keys=True),
        "fingerprint": tokenizer.fingerprint,
    }
    save_safetensors(path, tokenizer.state_dict(), metadata)


def load_sketch_tokenizer(
    source: str | Path, device: str | torch.device = "cpu"
) -> SketchTokenizer:
    """Load a tokeniser from a file of any kind, or by the name of an embedded one.

    Raises:
        SongBloomError: If there is no such file or name, or the file is no tokeniser, is damaged
            or does not fit its own configuration, or what it needs is not installed.
    """
    if isinstance(source, str) and source in EMBEDDED:
        asset = resources.files("songbloom.assets") / "sketch" / EMBEDDED[source]
        with resources.as_file(asset) as path:
            return load_sketch_tokenizer(path, device)
    path = Path(source)
    if not path.is_file():
        raise SongBloomError(
            f"There is no sketch tokeniser {source}: give a .safetensors file or one of "
            f"{', '.join(sorted(EMBEDDED))}."
        )
    try:
        with safe_open(path, framework="pt") as file:
            metadata = file.metadata() or {}
            state = {name: file.get_tensor(name) for name in file.keys()}  # noqa: SIM118
    except SafetensorError as error:
        raise SongBloomError(
            f"{path} is no readable safetensors file ({error}); fetch it again."
        ) from error
    if metadata.get("format") == MUQ_FORMAT:
        tokenizer: SketchTokenizer = load_muq_tokenizer(path, metadata, state)
    elif metadata.get("format") == KMEANS_FORMAT:
        tokenizer = _kmeans_tokenizer(path, metadata, state)
    else:
        raise SongBloomError(
            f"{path} is no sketch tokeniser: its format is {metadata.get('format')!r}, not "
            f"{KMEANS_FORMAT} or {MUQ_FORMAT}."
        )
    if tokenizer.fingerprint != metadata.get("fingerprint"):
        raise SongBloomError(
            f"{path} is damaged: its weights have the fingerprint {tokenizer.fingerprint}, but "
            f"it states {metadata.get('fingerprint')}; fetch it again."
        )
    return tokenizer.eval().requires_grad_(False).to(device)


def _kmeans_tokenizer(
    path: Path, metadata: dict[str, str], state: dict[str, torch.Tensor]
) -> KMeansTokenizer:
    try:
        tokenizer = KMeansTokenizer(KMeansConfig.from_dict(json.loads(metadata["config"])))
        tokenizer.load_state_dict(state, strict=True)
    except (KeyError, TypeError, ValueError, RuntimeError) as error:
        raise SongBloomError(
            f"{path} does not fit its own configuration ({error}); fit it anew with "
            f"scripts/train_sketch_codebook.py."
        ) from error
    return tokenizer
