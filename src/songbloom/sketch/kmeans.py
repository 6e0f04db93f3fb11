"""A sketch tokeniser that needs no download: k-means over cepstra and sung pitch class.

Shapes: B batch, S samples, T frames, M cepstra, Q timbre dimensions, V codes.
"""

import hashlib
import json
from dataclasses import asdict, dataclass, field

import torch
from torch import Tensor
from torch.nn import functional as F

from songbloom.sketch.base import SketchTokenizer, nearest
from songbloom.sketch.features import PITCH_CLASSES, FeatureConfig, SketchFeatures


@dataclass(frozen=True, kw_only=True)
class KMeansConfig:
    """Sizes of the tokeniser.

    Attributes:
        num_codes: Codes V, at most 65536.
        num_timbre: Dimensions Q that the cepstra of a frame and its neighbours are projected to.
        context: Neighbours on each side.
        pitch_weight: Distance between two sung pitch classes; the timbres of one phoneme have
            a standard deviation of 1 in each dimension.
        features: The features below.
    """

    num_codes: int = 256
    num_timbre: int = 16
    context: int = 1
    pitch_weight: float = 3.0
    features: FeatureConfig = field(default_factory=FeatureConfig)

    def __post_init__(self) -> None:
        if not 1 < self.num_codes <= 1 << 16:
            raise ValueError(f"num_codes must be from 2 to 65536, but it is {self.num_codes}.")
        if self.context < 0 or self.pitch_weight < 0:
            raise ValueError(
                f"context and pitch_weight must not be negative, but they are {self.context} and "
                f"{self.pitch_weight}."
            )
        if not 0 < self.num_timbre <= self.num_inputs:
            raise ValueError(
                f"num_timbre must be from 1 to {self.num_inputs}, but it is {self.num_timbre}."
            )

    @property
    def num_inputs(self) -> int:
        """Cepstra of a frame with its neighbours."""
        return self.features.num_cepstra * (2 * self.context + 1)

    @classmethod
    def from_dict(cls, values: dict) -> "KMeansConfig":
        """Build it from `dataclasses.asdict` of another."""
        return cls(**{**values, "features": FeatureConfig(**values["features"])})


class KMeansTokenizer(SketchTokenizer):
    """Codes are the nearest of V centroids in the space of timbre (Q) and pitch class (12).

    Buffers, all fitted by `songbloom.sketch.fit`: `mean` (inputs,), `projection` (inputs, Q) and
    `centroids` (V, Q + 12).
    """

    mean: Tensor
    projection: Tensor
    centroids: Tensor

    def __init__(self, config: KMeansConfig) -> None:
        super().__init__()
        self.config = config
        self.features = SketchFeatures(config.features)
        width = config.num_timbre + PITCH_CLASSES
        self.register_buffer("mean", torch.zeros(config.num_inputs))
        self.register_buffer("projection", torch.zeros(config.num_inputs, config.num_timbre))
        self.register_buffer("centroids", torch.zeros(config.num_codes, width))

    @property
    def num_codes(self) -> int:
        """Codes of the codebook, V."""
        return self.config.num_codes

    @property
    def fingerprint(self) -> str:
        """Sixteen hex digits of configuration and weights."""
        digest = hashlib.sha256(json.dumps(asdict(self.config), sort_keys=True).encode())
        for name, tensor in sorted(self.state_dict().items()):
            digest.update(f"{name}{tuple(tensor.shape)}".encode())
            digest.update(tensor.float().cpu().contiguous().numpy().tobytes())
        return digest.hexdigest()[:16]

    @torch.no_grad()
    def encode(self, audio: Tensor) -> Tensor:
        """Encode audio (B, 2, S), zero-padded at its right to whole frames, to (B, T) int64."""
        cepstra, pitch_classes = self.features(self.to_mono(audio))
        return nearest(self.embed(cepstra, pitch_classes), self.centroids)

    def embed(self, cepstra: Tensor, pitch_classes: Tensor) -> Tensor:
        """Map cepstra (B, T, M) and pitch classes (B, T, 12) to points (B, T, Q + 12)."""
        timbre = (with_context(cepstra, self.config.context) - self.mean) @ self.projection
        return torch.cat([timbre, embed_pitch(pitch_classes, self.config)], -1)


def embed_pitch(pitch_classes: Tensor, config: KMeansConfig) -> Tensor:
    """Scale pitch classes (..., 12) so that two pure ones lie `pitch_weight` apart."""
    return pitch_classes * (config.pitch_weight / 2**0.5)


def with_context(cepstra: Tensor, context: int) -> Tensor:
    """Put each frame of (B, T, M) beside its neighbours: (B, T, (2 * context + 1) * M)."""
    padded = F.pad(cepstra.transpose(1, 2), (context, context), mode="replicate")
    return padded.unfold(2, 2 * context + 1, 1).permute(0, 2, 3, 1).flatten(2)
