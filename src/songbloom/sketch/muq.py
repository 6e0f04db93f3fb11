"""The sketch of the paper: MuQ embeddings, quantised by one layer (SongBloom, §4.2 and §5.2).

Shapes: B batch, S samples, T frames, E embedding, Q codebook dimension, V codes.
"""

import hashlib
import importlib
import json
from dataclasses import asdict, dataclass
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import torch
import torchaudio.functional as AF
from torch import Tensor, nn
from torch.nn import functional as F

from songbloom.audio_format import FRAME_RATE, SAMPLE_RATE
from songbloom.errors import SongBloomError
from songbloom.sketch.base import SketchTokenizer, nearest
from songbloom.weights import save_safetensors

MUQ_FORMAT = "songbloom-muq-vq-1"
MUQ_SAMPLE_RATE = 24_000

_SAMPLES_PER_FRAME = MUQ_SAMPLE_RATE // FRAME_RATE
_SHORTEST_SAMPLES = MUQ_SAMPLE_RATE  # less than MuQ's own windows would fail inside it
_MUQ_FEATURE = "melspec_2048"
_QUANTIZER = ("projection", "bias", "codebook")


@dataclass(frozen=True, kw_only=True)
class MuQConfig:
    """Which MuQ and which of its layers a codebook quantises.

    Attributes:
        model: Name or folder of the MuQ weights, as `muq.MuQ.from_pretrained` takes it.
        layer: Index into its hidden states; 0 is the input of the first block.
        embedding_dim: Size E of its hidden states.
        num_codes: Codes V.
        codebook_dim: Size Q that embeddings are projected to before the look-up.
        normalise: Whether both sides of the look-up are scaled to unit length.
        window_seconds: Longest stretch that MuQ reads at once.
    """

    model: str = "OpenMuQ/MuQ-large-msd-iter"
    layer: int = 10
    embedding_dim: int = 1024
    num_codes: int = 16_384
    codebook_dim: int = 32
    normalise: bool = False
    window_seconds: float = 30.0

    def __post_init__(self) -> None:
        for name in ("embedding_dim", "num_codes", "codebook_dim", "window_seconds"):
            if getattr(self, name) <= 0:
                raise ValueError(f"{name} must be positive, but it is {getattr(self, name)}.")
        if self.layer < 0:
            raise ValueError(f"layer must not be negative, but it is {self.layer}.")


class MuQTokenizer(SketchTokenizer):
    """Embeddings of a MuQ layer, projected and looked up in a codebook.

    `muq` is called as `muq.MuQ` is: mono audio (B, S) at 24 kHz and `output_hidden_states=True`
    give an object whose `hidden_states` are a sequence of (B, T, E) at 25 Hz.

    The weights are `projection` (Q, E), `bias` (Q,) and `codebook` (V, Q). MuQ itself is no part
    of them: `fingerprint` names it by its configuration.
    """

    projection: Tensor
    bias: Tensor
    codebook: Tensor

    def __init__(self, config: MuQConfig, muq: nn.Module) -> None:
        super().__init__()
        self.config = config
        self.muq = muq.eval().requires_grad_(False)
        self.register_buffer("projection", torch.zeros(config.codebook_dim, config.embedding_dim))
        self.register_buffer("bias", torch.zeros(config.codebook_dim))
        self.register_buffer("codebook", torch.zeros(config.num_codes, config.codebook_dim))

    @property
    def num_codes(self) -> int:
        """Codes of the codebook, V."""
        return self.config.num_codes

    @property
    def fingerprint(self) -> str:
        """Sixteen hex digits of the configuration and the quantiser's weights."""
        digest = hashlib.sha256(json.dumps(asdict(self.config), sort_keys=True).encode())
        for name in _QUANTIZER:
            tensor: Tensor = getattr(self, name)
            digest.update(tensor.float().cpu().contiguous().numpy().tobytes())
        return digest.hexdigest()[:16]

    def load_quantizer(self, state: dict[str, Tensor]) -> None:
        """Take over `projection`, `bias` and `codebook`.

        Raises:
            ValueError: If one is missing or of another shape.
        """
        for name in _QUANTIZER:
            own: Tensor = getattr(self, name)
            if name not in state or state[name].shape != own.shape:
                found = tuple(state[name].shape) if name in state else "missing"
                raise ValueError(f"{name} must be {tuple(own.shape)}, but it is {found}")
            own.copy_(state[name])

    @torch.no_grad()
    def encode(self, audio: Tensor) -> Tensor:
        """Encode audio (B, 2, S), zero-padded at its right to whole frames, to (B, T) int64."""
        return self.quantize(
            self.embed(AF.resample(self.to_mono(audio), SAMPLE_RATE, MUQ_SAMPLE_RATE))
        )

    def quantize(self, embeddings: Tensor) -> Tensor:
        """Look embeddings (B, T, E) up in the codebook: codes (B, T)."""
        vectors, codebook = F.linear(embeddings, self.projection, self.bias), self.codebook
        if self.config.normalise:
            vectors, codebook = F.normalize(vectors, dim=-1), F.normalize(codebook, dim=-1)
        return nearest(vectors, codebook)

    def embed(self, mono: Tensor) -> Tensor:
        """Map mono audio (B, T * 960) at 24 kHz to the layer's embeddings (B, T, E), by windows.

        Raises:
            SongBloomError: If MuQ has no such layer.
        """
        window = round(self.config.window_seconds * FRAME_RATE) * _SAMPLES_PER_FRAME
        return torch.cat([self._embed_window(part) for part in mono.split(window, 1)], 1)

    def _embed_window(self, mono: Tensor) -> Tensor:
        num_frames = mono.shape[1] // _SAMPLES_PER_FRAME
        padded = F.pad(mono, (0, max(_SHORTEST_SAMPLES - mono.shape[1], 0)))
        hidden_states = self.muq(padded, output_hidden_states=True).hidden_states
        if self.config.layer >= len(hidden_states):
            raise SongBloomError(
                f"layer is {self.config.layer}, but the MuQ model {self.config.model} has only "
                f"{len(hidden_states)} hidden states."
            )
        embeddings = hidden_states[self.config.layer].transpose(1, 2)
        # Its convolutions give a frame more or less at some lengths.
        missing = max(num_frames - embeddings.shape[2], 0)
        return F.pad(embeddings, (0, missing), mode="replicate").transpose(1, 2)[:, :num_frames]


class MuQEncoder(nn.Module):
    """A `muq.MuQ` whose hidden states are read from its layers.

    muq 0.1.0 expects them, and the kind of attention, from the conformer of transformers 4;
    since version 5 the one is no longer returned and the other must be named.
    """

    def __init__(self, muq: Any) -> None:
        super().__init__()
        self.muq = muq
        muq.model.conformer.config.setdefault("_attn_implementation", "eager")

    def forward(self, x: Tensor, output_hidden_states: bool = True) -> SimpleNamespace:
        """Map mono audio (B, S) at 24 kHz to `hidden_states`, one (B, T, E) more than layers."""
        model, hidden_states = self.muq.model, []

        def keep(_: nn.Module, args: tuple, kwargs: dict) -> None:
            hidden_states.append(args[0] if args else kwargs["hidden_states"])

        features = model.normalize(model.preprocessing(x, features=[_MUQ_FEATURE]))
        hooks = [
            layer.register_forward_pre_hook(keep, with_kwargs=True)
            for layer in model.conformer.layers
        ]
        try:
            last = model.conformer(model.conv(features[_MUQ_FEATURE])).last_hidden_state
        finally:
            for hook in hooks:
                hook.remove()
        return SimpleNamespace(hidden_states=(*hidden_states, last))


def save_muq_tokenizer(tokenizer: MuQTokenizer, path: str | Path) -> None:
    """Write the quantiser and the configuration, whole or not at all."""
    metadata = {
        "format": MUQ_FORMAT,
        "config": json.dumps(asdict(tokenizer.config), sort_keys=True),
        "fingerprint": tokenizer.fingerprint,
    }
    state: dict[str, Tensor] = {name: getattr(tokenizer, name) for name in _QUANTIZER}
    save_safetensors(path, state, metadata)


def load_muq_tokenizer(
    path: Path, metadata: dict[str, str], state: dict[str, Tensor]
) -> MuQTokenizer:
    """Build the tokeniser of a file's metadata and tensors, with the MuQ that it names.

    Raises:
        SongBloomError: If the file does not fit its configuration, or MuQ cannot be loaded.
    """
    try:
        config = MuQConfig(**json.loads(metadata["config"]))
    except (KeyError, TypeError, ValueError) as error:
        raise SongBloomError(f"{path} has no valid configuration ({error}).") from error
    tokenizer = MuQTokenizer(config, load_muq(config.model))
    try:
        tokenizer.load_quantizer(state)
    except ValueError as error:
        raise SongBloomError(f"{path} does not fit its own configuration: {error}.") from error
    return tokenizer


def load_muq(model: str) -> nn.Module:
    """Load MuQ by name or folder; a name is fetched once by its own library.

    Raises:
        SongBloomError: If the package is not installed, or the weights cannot be had.
    """
    try:
        muq = importlib.import_module("muq")
    except ImportError as error:
        raise SongBloomError(
            f"This sketch tokeniser needs the package muq, which cannot be imported ({error}); "
            f"install songbloom[prep], or choose chroma-demo, which needs none."
        ) from error
    try:
        return MuQEncoder(muq.MuQ.from_pretrained(model))
    except (OSError, ValueError, RuntimeError) as error:
        reason = str(error).splitlines()[0].rstrip(".")
        raise SongBloomError(
            f"The MuQ weights {model} cannot be loaded ({reason}); fetch them where there is a "
            f"network, or name their folder in the tokeniser's configuration."
        ) from error
