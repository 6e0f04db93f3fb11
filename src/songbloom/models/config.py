"""The model's configuration: plain frozen data, from which every derived number is a property."""

from dataclasses import asdict, dataclass, field
from typing import Any

from songbloom.audio_format import PROMPT_FRAMES
from songbloom.errors import SongBloomError


def _require_positive(owner: object, *names: str) -> None:
    for name in names:
        if getattr(owner, name) < 1:
            raise SongBloomError(
                f"{type(owner).__name__}.{name} is {getattr(owner, name)}; it must be at least 1."
            )


def _require_probability(owner: object, name: str) -> None:
    if not 0.0 <= getattr(owner, name) < 1.0:
        raise SongBloomError(
            f"{type(owner).__name__}.{name} is {getattr(owner, name)}; it must be in [0, 1)."
        )


@dataclass(frozen=True, kw_only=True)
class SketchLMConfig:
    """The causal transformer over the interleaved sequence (§4.3.2)."""

    num_layers: int = 36
    rope_theta: float = 10_000.0
    dropout: float = 0.0

    def __post_init__(self) -> None:
        _require_positive(self, "num_layers", "rope_theta")
        _require_probability(self, "dropout")


@dataclass(frozen=True, kw_only=True)
class PatchDiTConfig:
    """The diffusion transformer over one patch (§4.3.3)."""

    num_layers: int = 12
    rope_theta: float = 20_000.0
    time_features: int = 256
    dropout: float = 0.0

    def __post_init__(self) -> None:
        _require_positive(self, "num_layers", "rope_theta")
        if self.time_features < 2 or self.time_features % 2:
            raise SongBloomError(
                f"PatchDiTConfig.time_features is {self.time_features}; "
                "it must be even: half cosines, half sines."
            )
        _require_probability(self, "dropout")


@dataclass(frozen=True, kw_only=True)
class SongBloomConfig:
    """Everything that fixes the model's shapes; the defaults are those of the released 2B layout.

    Raises:
        SongBloomError: a field is out of range, or the width does not divide into heads.
    """

    vocab_size: int
    dim: int = 1536
    num_heads: int = 24
    feed_forward_multiple: float = 4
    patch_size: int = 16
    latent_dim: int = 64
    num_codes: int = 16_384
    max_lyrics: int = 1_000
    prompt_frames: int = PROMPT_FRAMES
    max_sentences: int = 50
    lm: SketchLMConfig = field(default_factory=SketchLMConfig)
    dit: PatchDiTConfig = field(default_factory=PatchDiTConfig)

    def __post_init__(self) -> None:
        _require_positive(
            self,
            "vocab_size",
            "dim",
            "num_heads",
            "feed_forward_dim",
            "patch_size",
            "latent_dim",
            "num_codes",
            "max_lyrics",
            "prompt_frames",
        )
        if self.max_sentences < 2:
            raise SongBloomError(
                f"SongBloomConfig.max_sentences is {self.max_sentences}; it must be at least 2: "
                "row 0 stands for symbols outside a sentence."
            )
        if self.dim % (2 * self.num_heads):
            raise SongBloomError(
                f"SongBloomConfig.dim is {self.dim}; it must be a multiple of twice num_heads "
                f"({self.num_heads}) for rotary attention."
            )
        if self.head_dim < 32:
            raise SongBloomError(
                f"SongBloomConfig.dim / num_heads is {self.head_dim}; heads need at least 32 "
                "dimensions, which the diffusion transformer rotates."
            )

    @property
    def head_dim(self) -> int:
        """Width of one attention head."""
        return self.dim // self.num_heads

    @property
    def feed_forward_dim(self) -> int:
        """Hidden width of the SwiGLU layers."""
        return int(self.feed_forward_multiple * self.dim)

    @property
    def eos_id(self) -> int:
        """The sketch id that ends a song."""
        return self.num_codes

    @property
    def ignored_id(self) -> int:
        """The sketch target that no loss counts."""
        return self.num_codes + 1

    @property
    def num_conditions(self) -> int:
        """Positions that the style prompt and the lyrics take before the song."""
        return self.prompt_frames + self.max_lyrics

    @property
    def tokens_per_patch(self) -> int:
        """Positions of one patch in the interleaved sequence: its sketch and its acoustics."""
        return self.patch_size + 1

    def to_dict(self) -> dict[str, Any]:
        """Plain nested data for a checkpoint."""
        return asdict(self)

    @classmethod
    def from_dict(cls, data: dict[str, Any]) -> "SongBloomConfig":
        """Build from plain data.

        Raises:
            SongBloomError: an unknown or missing field.
        """
        try:
            nested = {"lm": SketchLMConfig(**data["lm"]), "dit": PatchDiTConfig(**data["dit"])}
            return cls(**{**data, **nested})
        except (KeyError, TypeError) as error:
            raise SongBloomError(f"The model configuration cannot be read: {error}.") from error
